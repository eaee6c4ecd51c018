"""Limits of shares that hold for rare classes: a posterior a stratum, carried through the ratio by seeded draws.

Wald limits fail where a class is rare: with one or no sampled pixel of it in a large stratum the standard error is
estimated from that pixel, or is nothing. A posterior knows that a pixel more or less would have been as likely.

One posterior for both limits fails too, where strata are many: half a pixel beforehand in each of them adds up to loss
that nobody saw, and lifts the lower limit above a true share that is small. So each limit has its own. For the lower
one, strata in which no hit was seen are believed to hold hardly any; for the upper one, strata in which no miss was
seen are believed to hold hardly any of those.
"""

from __future__ import annotations

import numpy as np

from habitat.assess.estimators import Tally, unsampled_share

SEEN = 1 / 2
"""Pixels that each outcome of a stratum is taken to have been seen beforehand: Jeffreys' prior."""
UNSEEN = 1 / 10
"""The same of an outcome that was not seen, where a limit must not rest on it. Both were chosen by measured coverage
beside other pairs: benchmarks/areas.py, docs/adr/0013-areas.md."""
DRAWS = 20_000
SEED = 2014
_HIT, _MISS = 0, 1


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
    Brown, Cai and DasGupta (2001), Statistical Science 16: 101-133, for one share by Jeffreys' prior.
    """
    lower = 0.0 if not tally.hits.any() else _quantile(tally, 0.025, doubted=_HIT)
    upper = 1.0 if (tally.hits == tally.base).all() else _quantile(tally, 0.975, doubted=_MISS)
    return lower, upper


def _quantile(tally: Tally, at: float, *, doubted: int) -> float:
    """A quantile of the posterior of the ratio in which one outcome is believed only where it was seen."""
    counts = np.stack([tally.hits, tally.base - tally.hits, tally.sampled - tally.base], axis=1)
    may = np.stack([tally.may_hit, tally.may_miss, tally.may_lack], axis=1) | (counts > 0)
    prior = np.where(may, SEEN, 0.0)
    prior[:, doubted] = np.where(counts[:, doubted] > 0, prior[:, doubted], np.where(may[:, doubted], UNSEEN, 0.0))
    unsampled = unsampled_share(tally.sampled, tally.pixels)
    hits, base = np.zeros(DRAWS), np.zeros(DRAWS)
    for stratum, pixels in enumerate(tally.pixels):
        drawn = draw_shares(stratum, tuple(counts[stratum] + prior[stratum]))
        known = counts[stratum, :2] / counts[stratum].sum()
        hit, miss = (known + (drawn - known) * np.sqrt(unsampled[stratum])).T
        hits += pixels * hit
        base += pixels * (hit + miss)
    return float(np.quantile(np.divide(hits, base, out=np.zeros(DRAWS), where=base > 0), at))


def draw_shares(stratum: int, weights: tuple[float, ...]) -> np.ndarray:
    """Draw the shares of hits and of others that count, (draw, 2), in a stratum: the same ones every time."""
    shares = np.zeros((DRAWS, len(weights)))
    there = np.array(weights) > 0
    rng = np.random.default_rng((SEED, stratum))
    shares[:, there] = rng.dirichlet(np.array(weights)[there], size=DRAWS)
    return shares[:, :2]
