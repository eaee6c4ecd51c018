"""Samples whose answers are printed elsewhere, or worked out pixel by pixel."""

from __future__ import annotations

import numpy as np

from habitat.assess import ReferenceSample

OLOFSSON_COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
"""Olofsson et al. 2014, table 8: deforestation, forest gain, stable forest, stable non-forest."""
OLOFSSON_PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])
OLOFSSON_HA = 10_000_000 * 0.09
"""Pixels of 30 m."""


def olofsson() -> ReferenceSample:
    stratum = np.repeat(np.arange(4), OLOFSSON_COUNTS.sum(axis=1))
    reference = np.concatenate([np.repeat(np.arange(4), row) for row in OLOFSSON_COUNTS])
    mapped = {code: OLOFSSON_PIXELS * (np.arange(4) == code) for code in range(4)}
    return ReferenceSample(stratum, stratum, reference, OLOFSSON_PIXELS, mapped)


def landscape(seed: int = 0, size: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stratum, mapped and true class (three each) of every pixel; the map is another than the strata's."""
    rng = np.random.default_rng(seed)
    true = rng.choice(3, size=(size, size), p=[0.05, 0.6, 0.35])
    mapped = np.where(rng.random(true.shape) < 0.15, rng.integers(0, 3, true.shape), true)
    stratum = np.where(rng.random(true.shape) < 0.25, rng.integers(0, 3, true.shape), true)
    return stratum.ravel(), mapped.ravel(), true.ravel()


def drawn(
    stratum: np.ndarray, mapped: np.ndarray, true: np.ndarray, n: list[int], rng: np.random.Generator
) -> ReferenceSample:
    """A stratified random sample of a landscape."""
    chosen = np.concatenate([rng.choice(np.flatnonzero(stratum == h), k, replace=False) for h, k in enumerate(n)])
    pixels = {code: np.bincount(stratum[mapped == code], minlength=3) for code in range(3)}
    return ReferenceSample(stratum[chosen], mapped[chosen], true[chosen], np.bincount(stratum), pixels)
