"""Limits of shares that hold for rare classes: a posterior a stratum, carried through the ratio by seeded draws.

Wald limits fail where a class is rare: with one or no sampled pixel of it in a large stratum the standard error is
estimated from that pixel, or is nothing. A posterior knows that a pixel more or less would have been as likely.
"""

from __future__ import annotations

import numpy as np

from habitat.assess.estimators import Tally, unsampled_share

PRIOR = 1 / 3
"""Pixels that each outcome of a stratum is taken to have been seen beforehand (Kerman 2011: the median of the posterior
is then next to the share that was counted, also where that is a hundredth). Chosen by measured coverage beside 1/4, 1/2
and 1: benchmarks/areas.py."""
DRAWS = 20_000
SEED = 2014


def limits_of(tally: Tally) -> tuple[float, float]:
    """Return the 95% limits of the ratio of hits to base.

    A stratum's pixels are hits, others that count, or do not count; the shares of the three have a Dirichlet posterior,
    without the outcomes that the map rules out. Draws of all strata give draws of the ratio, and these its quantiles.
    Where much of a stratum was sampled, draws are moved towards the share that was counted, by the root of the share
    that was not sampled. A ratio of which nothing speaks against 0, or 1, has that as its limit.

    Returns
    -------
    (float, float)
        0-1; the same sample gives the same limits.

    References
    ----------
    Kerman (2011), Electronic Journal of Statistics 5: 1450-1470.
    """
    counts = np.stack([tally.hits, tally.base - tally.hits, tally.sampled - tally.base], axis=1)
    may = np.stack([tally.may_hit, tally.may_miss, tally.may_lack], axis=1) | (counts > 0)
    unsampled = unsampled_share(tally.sampled, tally.pixels)
    hits, base = np.zeros(DRAWS), np.zeros(DRAWS)
    for at, pixels in enumerate(tally.pixels):
        drawn = draw_shares(at, tuple(counts[at]), tuple(may[at]))
        known = counts[at] / counts[at].sum()
        hit, miss = (known[:2] + (drawn - known[:2]) * np.sqrt(unsampled[at])).T
        hits += pixels * hit
        base += pixels * (hit + miss)
    lower, upper = np.quantile(np.divide(hits, base, out=np.zeros(DRAWS), where=base > 0), [0.025, 0.975])
    if not tally.hits.any():
        lower = 0.0
    if (tally.hits == tally.base).all():
        upper = 1.0
    return float(lower), float(upper)


def draw_shares(stratum: int, seen: tuple[int, ...], may: tuple[bool, ...]) -> np.ndarray:
    """Draw the shares of hits and of others that count, (draw, 2), in a stratum: the same ones every time."""
    shares = np.zeros((DRAWS, 3))
    open_to = np.array(may)
    rng = np.random.default_rng((SEED, stratum))
    shares[:, open_to] = rng.dirichlet(np.array(seen)[open_to] + PRIOR, size=DRAWS)
    return shares[:, :2]
