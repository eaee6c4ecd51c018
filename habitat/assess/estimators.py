"""Shares and ratios from a stratified random sample, with the standard errors and Wald limits as published.

Every figure of an accuracy assessment is one ratio of two totals, Y / X, of indicators with y <= x: a class's area is
the share of the pixels that are of the class (x is 1 everywhere), user's accuracy that of the pixels mapped as the
class that are of it, producer's accuracy that of the pixels of the class that are mapped as it (Stehman 2014). Where
strata are the map's classes the same formulas are those of Olofsson et al. (2014), but for the share of a stratum that
was sampled, which they leave out and which is next to nothing in a map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from habitat.estimation import Z95

SMALL_SHARE = 0.05
"""A stratum of which no more was sampled counts as without end (Cochran 1977, section 2.6)."""


@dataclass(frozen=True)
class Tally:
    """What a ratio is estimated from: counts (stratum,) of a stratified random sample."""

    pixels: np.ndarray
    """Of each stratum in the map."""
    sampled: np.ndarray
    """Sampled pixels."""
    base: np.ndarray
    """Sampled pixels that count (x = 1)."""
    hits: np.ndarray
    """Those of them that are what is asked for (y = 1)."""
    may_hit: np.ndarray
    """Whether the stratum can hold hits at all: the map knows where each of its classes is."""
    may_miss: np.ndarray
    """Whether it can hold pixels that count and are no hits."""
    may_lack: np.ndarray
    """Whether it can hold pixels that do not count."""


@dataclass(frozen=True)
class Estimate:
    """A share with its doubt; NaN where the sample says nothing."""

    value: float
    """As published: the ratio of the two estimated totals."""
    se: float
    """As published."""
    lower: float
    upper: float
    """95% limits that hold for rare classes too: :func:`habitat.assess.limits_of`."""
    wald_lower: float
    wald_upper: float
    """95% limits as published, value -/+ 1.96 se."""
    n: int
    """Sampled pixels that it rests on: those that count."""


def unsampled_share(sampled: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Share of each stratum that was not sampled, the finite population correction; 1 for small samples."""
    share = sampled / pixels
    return np.where(share <= SMALL_SHARE, 1.0, 1 - share)


def ratio_of(tally: Tally) -> tuple[float, float]:
    """Return the ratio of the estimated totals of hits and base, and its standard error.

    Returns
    -------
    (float, float)
        NaN if no sampled pixel counts.

    References
    ----------
    Stehman (2014), International Journal of Remote Sensing 35: 4923-4939, eqs. 27-30; with strata that are the map's
    classes Olofsson et al. (2014), Remote Sensing of Environment 148: 42-57, eqs. 5-7 and 10.

    Examples
    --------
    Two strata of 900 and 100 pixels, of which 1 of 10 and 6 of 10 sampled pixels are of a class:

    >>> import numpy as np
    >>> sampled, yes = np.array([10, 10]), np.array([True, True])
    >>> tally = Tally(np.array([900, 100]), sampled, sampled, np.array([1, 6]), yes, yes, ~yes)
    >>> share, se = ratio_of(tally)
    >>> round(share, 3), round(se, 4)
    (0.15, 0.0913)
    """
    if (tally.sampled == 0).any() or not tally.base.any():
        return np.nan, np.nan
    n = tally.sampled
    hit, count = tally.hits / n, tally.base / n
    base = float(tally.pixels @ count)
    ratio = float(tally.pixels @ hit) / base
    # of indicators with y <= x: s2(y) = n / (n - 1) hit (1 - hit), s(x, y) = n / (n - 1) (hit - hit * count)
    spread = hit * (1 - hit) + ratio**2 * count * (1 - count) - 2 * ratio * hit * (1 - count)
    if ((n < 2) & (tally.pixels > n)).any():
        return ratio, np.nan
    unseen = unsampled_share(n, tally.pixels)
    variance = float(np.sum(tally.pixels**2 * unseen * np.maximum(spread, 0) / np.maximum(n - 1, 1)))
    return ratio, float(np.sqrt(variance)) / base


def estimate(tally: Tally) -> Estimate:
    """Return a share with its standard error and both its intervals."""
    from habitat.assess.intervals import limits_of

    value, se = ratio_of(tally)
    lower, upper = limits_of(tally) if np.isfinite(se) else (np.nan, np.nan)
    return Estimate(value, se, lower, upper, value - Z95 * se, value + Z95 * se, int(tally.base.sum()))
