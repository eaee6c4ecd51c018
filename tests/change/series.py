"""Series of looks at forest, written down band by band: what the tests of breaks and alerts look at."""

from __future__ import annotations

import numpy as np

FOREST = np.array([0.03, 0.05, 0.04, 0.30, 0.16, 0.08])
SEASON = np.array([0.004, 0.008, 0.006, 0.07, 0.03, 0.015])
CLEARED = np.array([0.04, 0.05, 0.08, -0.06, 0.13, 0.13])
"""What a complete removal adds to each band."""
SPREAD = np.array([0.006, 0.007, 0.008, 0.016, 0.012, 0.010])


def forest(days: np.ndarray, pixels: int, seed: int) -> np.ndarray:
    """Return looks, float64 (time, 6, 1, pixel), of forest that only follows the seasons."""
    rng = np.random.default_rng(seed)
    green = np.cos(2 * np.pi * (days - 196) / 365.2425)[:, None, None, None]
    mean = FOREST[:, None, None] + green * SEASON[:, None, None]
    return mean + rng.normal(0, 1, (len(days), 6, 1, pixels)) * SPREAD[:, None, None]


def every_days(step: float, years: float) -> np.ndarray:
    return np.arange(0, years * 365.2425, step)


def changed(looks: np.ndarray, days: np.ndarray, since: float, until: float = np.inf, share: float = 1) -> np.ndarray:
    """Return the looks with a share of the canopy taken away between two days."""
    gone = ((days >= since) & (days < until))[:, None, None, None]
    return looks + gone * share * CLEARED[:, None, None]


def single(looks: np.ndarray) -> np.ndarray:
    return np.round(looks, 4).astype(np.float32)
