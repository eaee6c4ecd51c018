"""The forward-backward pass over the years, compiled when it is first asked for.

Pixels lie side by side, `LANES` at a time, so that a step from one class to another is one multiplication and addition
of neighbours in memory. Two chains run forward together: one that moves as it may, and one from whose steps those out
of forest are struck out; by the share of the first that is left in the second, no forest has been lost so far.
"""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

LANES = 128


@compiled
def smooth(evidence, steps, kept, trust, posterior, lost):  # type: ignore[no-untyped-def]
    """Fill `posterior` (year, class, pixel) and `lost` (year, pixel) from `evidence` (year, class, pixel).

    `steps` and `kept` are (class, class) float32, row: the year before; a pixel's first class is NaN where a year was
    not seen. `trust` is the weight of what a year says against saying nothing.
    """
    years, classes, pixels = evidence.shape
    likelihood = np.empty((years, classes, LANES), np.float32)
    moving = np.empty((years, LANES), np.bool_)
    free = np.empty((years, classes, LANES), np.float32)
    lossless = np.empty((years, classes, LANES), np.float32)
    later = np.empty((classes, LANES), np.float32)
    work = np.empty((classes, LANES), np.float32)
    total, left = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    for start in range(0, pixels, LANES):
        lanes = min(LANES, pixels - start)
        _load(evidence, start, trust, likelihood, moving)
        free[0] = likelihood[0] / np.float32(classes)
        lossless[0] = free[0]
        _scale(free[0], lossless[0])
        for year in range(1, years):
            _advance(free[year - 1], steps, moving[year], likelihood[year], free[year])
            _advance(lossless[year - 1], kept, moving[year], likelihood[year], lossless[year])
            _scale(free[year], lossless[year])
        later[:] = 1
        for year in range(years - 1, -1, -1):
            _tell(free[year], lossless[year], later, total, left)
            for k in range(classes):
                _share(free[year, k], later[k], total, posterior[year, k, start : start + lanes])
            _rest(left, total, lost[year, start : start + lanes])
            if year:
                _retreat(later, likelihood[year], steps, moving[year], work)


@compiled
def _load(evidence, start, trust, likelihood, moving):  # type: ignore[no-untyped-def]
    """Blend each year's word with saying nothing; a step is made from the first year that was seen to the last."""
    years, classes, pixels = evidence.shape
    stop = min(start + LANES, pixels)
    nothing = (1 - trust) / np.float32(classes)
    first, last = np.full(LANES, years, np.int32), np.full(LANES, -1, np.int32)
    seen = np.empty(LANES, np.bool_)
    likelihood[:] = 1
    for year in range(years):
        _see(evidence[year, 0, start:stop], year, seen, first, last)
        for k in range(classes):
            _blend(evidence[year, k, start:stop], seen, trust, nothing, likelihood[year, k])
    for year in range(years):
        for lane in range(LANES):
            moving[year, lane] = first[lane] < year <= last[lane]


@compiled
def _see(said, year, seen, first, last):  # type: ignore[no-untyped-def]
    """Note what a year saw, and which years were the first and the last that did."""
    for lane in range(said.size):
        seen[lane] = said[lane] == said[lane]
        if seen[lane]:
            first[lane], last[lane] = min(first[lane], np.int32(year)), np.int32(year)


@compiled
def _blend(said, seen, trust, nothing, likelihood):  # type: ignore[no-untyped-def]
    for lane in range(said.size):
        likelihood[lane] = trust * said[lane] + nothing if seen[lane] else np.float32(1)


@compiled
def _advance(before, steps, moving, likelihood, now):  # type: ignore[no-untyped-def]
    """One year on: now = likelihood x (before x steps), or before where nothing moves."""
    classes = len(steps)
    for j in range(classes):
        now[j] = 0
        for i in range(classes):
            rate = steps[i, j]
            for lane in range(LANES):
                now[j, lane] += rate * before[i, lane]
        for lane in range(LANES):
            moved = now[j, lane] if moving[lane] else before[j, lane]
            now[j, lane] = moved * likelihood[j, lane]


@compiled
def _retreat(later, likelihood, steps, moving, work):  # type: ignore[no-untyped-def]
    """One year back: later = steps x (likelihood x later), scaled to a sum of one."""
    classes = len(steps)
    total = np.zeros(LANES, np.float32)
    for k in range(classes):
        for lane in range(LANES):
            work[k, lane] = likelihood[k, lane] * later[k, lane]
    for i in range(classes):
        later[i] = 0
        for j in range(classes):
            rate = steps[i, j]
            for lane in range(LANES):
                later[i, lane] += rate * work[j, lane]
        for lane in range(LANES):
            later[i, lane] = later[i, lane] if moving[lane] else work[i, lane]
            total[lane] += later[i, lane]
    for k in range(classes):
        for lane in range(LANES):
            later[k, lane] /= total[lane]


@compiled
def _scale(free, lossless):  # type: ignore[no-untyped-def]
    """Divide both chains by the sum of the free one, whose share the other one remains."""
    total = np.zeros(LANES, np.float32)
    for k in range(len(free)):
        for lane in range(LANES):
            total[lane] += free[k, lane]
    for k in range(len(free)):
        for lane in range(LANES):
            free[k, lane] /= total[lane]
            lossless[k, lane] /= total[lane]


@compiled
def _tell(free, lossless, later, total, kept):  # type: ignore[no-untyped-def]
    """Fill `total` and `kept` (lane,) with what all years say of both chains in this one."""
    total[:] = 0
    kept[:] = 0
    for k in range(len(free)):
        for lane in range(LANES):
            total[lane] += free[k, lane] * later[k, lane]
            kept[lane] += lossless[k, lane] * later[k, lane]


@compiled
def _share(free, later, total, posterior):  # type: ignore[no-untyped-def]
    for lane in range(posterior.size):
        posterior[lane] = free[lane] * later[lane] / total[lane]


@compiled
def _rest(kept, total, lost):  # type: ignore[no-untyped-def]
    for lane in range(lost.size):
        lost[lane] = min(max(1 - kept[lane] / total[lane], np.float32(0)), np.float32(1))
