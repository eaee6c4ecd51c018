"""Made-up series of looks with and without breaks: what `breaks.py` races detectors on.

Twenty years of two sensors, 300 dates of which 210 are clear at a pixel, six bands. Kinds:

- easy: half of the pixels are cleared once and stay so; only noise beside.
- hard: the share of the canopy that goes is 20 to 100%, and grows back within 5 to 40 years; seasons come up to two
  weeks early or late; 3% of the looks are clouds that no mask found.
- correlated: hard, with noise that lasts for weeks and is alike in all bands, and haze in 8% of the looks.
- cropland: sowing, strength and harvest differ every year. Nothing is lost.
- drought: forest that suffers one drought of two to five months and is green again after. Nothing is lost.
- never: surfaces that wander without end. There is no break to find, or nothing but breaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

YEAR_DAYS = 365.2425
FOREST = np.array([0.03, 0.05, 0.04, 0.30, 0.16, 0.08])
SEASON = np.array([0.004, 0.008, 0.006, 0.07, 0.03, 0.015])
CLEARED = np.array([0.07, 0.10, 0.12, 0.24, 0.29, 0.21])
NOISE = np.array([0.006, 0.007, 0.008, 0.016, 0.012, 0.010])
FIELD = np.array([0.06, 0.08, 0.09, 0.28, 0.22, 0.15])
CROP = np.array([-0.02, -0.02, -0.04, 0.12, -0.04, -0.05])
WANDER = 0.012 * np.array([0.3, 0.4, 0.6, -0.6, 1.0, 0.8])
CLOUD = np.array([1.1, 1.0, 1.0, 0.9, 0.7, 0.5])
HAZE = np.array([1.3, 1.1, 1.0, 0.6, 0.4, 0.3])
KINDS = ("easy", "hard", "correlated", "cropland", "drought", "never")
WITH_BREAKS = KINDS[:3]


@dataclass(frozen=True)
class Series:
    """Looks and the truth."""

    days: np.ndarray
    """float64 (time,): days since 2000-01-01."""
    values: np.ndarray
    """float32 (time, band, pixel): reflectance rounded to 1e-4, NaN = not seen."""
    breaks: np.ndarray
    """float64 (pixel,): day of the break, NaN = none."""


def make(kind: str, pixels: int, seed: int, *, dates: int = 300, seen: int = 210, years: int = 20) -> Series:
    """Return series of one of the KINDS."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    days = np.sort(rng.choice(int(years * YEAR_DAYS), dates, replace=False)).astype(float)
    breaks = np.full(pixels, np.nan)
    shape = (len(days), len(FOREST), pixels)
    values = _surface(kind, days, years, pixels, rng)
    if kind in WITH_BREAKS:
        gone, breaks = _loss(kind, days, years, pixels, rng)
        values += gone[:, None] * (CLEARED - FOREST)[None, :, None]
    spread = (NOISE * rng.uniform(0.8, 1.3, (pixels, 1))).T[None]
    values += spread * (_lasting(days, shape, rng) if kind == "correlated" else rng.normal(0, 1, shape))
    if kind == "correlated":
        values += _now_and_then(0.08, rng.gamma(2, 0.015, (shape[0], 1, pixels)), HAZE, rng)
    if kind != "easy":
        values += _now_and_then(0.03, rng.uniform(0.05, 0.4, (shape[0], 1, pixels)), CLOUD, rng)
    looks = np.round(values, 4).astype(np.float32)
    rank = rng.random((len(days), pixels)).argsort(axis=0).argsort(axis=0)
    looks[np.broadcast_to((rank >= seen)[:, None], shape)] = np.nan
    return Series(days, looks, breaks)


def _surface(kind: str, days: np.ndarray, years: int, pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Reflectance without noise and without loss."""
    year = np.minimum((days / YEAR_DAYS).astype(int), years - 1)
    if kind == "cropland":
        strength = rng.uniform(0.4, 1.6, (years, pixels))[year]
        green = strength * _green(days, rng.normal(0, 25, (years, pixels))[year])
        return FIELD[None, :, None] + CROP[None, :, None] * green[:, None]
    late = np.zeros((years, 1)) if kind == "easy" else rng.normal(0, 6, (years, 1))
    level = FOREST * rng.normal(1, 0.1, (pixels, 6))
    season = SEASON * rng.normal(1, 0.2, (pixels, 1)) * rng.normal(1, 0.1, (pixels, 6))
    surface = level.T[None] + season.T[None] * _green(days, late[year])[:, None]
    if kind == "never":
        month = np.minimum((days / YEAR_DAYS * 12).astype(int), years * 12 - 1)
        walk = np.cumsum(rng.normal(0, 1, (years * 12, pixels)), axis=0)[month]
        surface = surface + walk[:, None] * WANDER[None, :, None]
    if kind == "drought":
        start = rng.uniform(0.15, 0.9, pixels) * years * YEAR_DAYS
        dry = (days[:, None] >= start) & (days[:, None] < start + rng.uniform(60, 150, pixels))
        surface = surface + 0.35 * dry[:, None] * (CLEARED - FOREST)[None, :, None]
    return surface


def _green(days: np.ndarray, late: np.ndarray) -> np.ndarray:
    """Greenness, highest in July; `late` days."""
    angle = 2 * np.pi * (days[:, None] - 196 - late) / YEAR_DAYS
    return np.cos(angle) + 0.25 * np.cos(2 * angle)


def _loss(
    kind: str, days: np.ndarray, years: int, pixels: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the canopy that is gone (time, pixel), and the days of the breaks."""
    when = np.where(rng.random(pixels) < 0.5, rng.uniform(0.15, 0.9, pixels) * years * YEAR_DAYS, np.nan)
    share = np.ones(pixels) if kind == "easy" else rng.uniform(0.2, 1, pixels)
    back_years = np.full(pixels, np.inf) if kind == "easy" else rng.uniform(5, 40, pixels)
    since = days[:, None] - when
    return np.where(since >= 0, share * np.exp(-np.maximum(since, 0) / (back_years * YEAR_DAYS)), 0), when


def _lasting(days: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Noise of variance 1 that decays within 20 days, a third of it alike in all bands."""
    noise = 0.8 * rng.normal(0, 1, shape) + 0.6 * rng.normal(0, 1, (shape[0], 1, shape[2]))
    keep = np.exp(-np.diff(days) / 20)
    for t in range(1, len(days)):
        noise[t] = keep[t - 1] * noise[t - 1] + np.sqrt(1 - keep[t - 1] ** 2) * noise[t]
    return noise


def _now_and_then(share: float, size: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (rng.random(size.shape) < share) * size * colour[None, :, None]
