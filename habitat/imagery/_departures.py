"""Loops of :mod:`habitat.imagery.history`, compiled when a history is first asked for.

Pixels are taken side by side, `LANES` at a time: a step of the fit is then one loop over neighbours in memory, which
vectorises. Sums are float32: the regressors are of order 1 and a series has hundreds of looks at most.
"""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

LANES = 64
TERMS = 5
"""A level and two harmonics of the year."""
PAIRS = 15
"""Entries of a symmetric matrix of that size."""
TRIES = 4
"""Rounds of reweighting."""
RIDGE = 0.01
"""Share of the looks by which a harmonic is drawn to 0: decides only where a season has no looks."""
TRIM = 4.685
"""Tukey's constant: looks farther away than so many spreads have no weight."""
NEAR = 3
"""Looks before, and after, that tell whether a departure lasts."""


@compiled
def fit(values, seen, course, lean, expected, spread):  # type: ignore[no-untyped-def]
    """Fit a year's course to each lane; `expected` (time, lane) and `spread` (lane,) are filled.

    `course` holds the regressors (time, term), their products (time, pair) and the fewest looks for each harmonic;
    `lean` the weight of a look above the fit relative to one below, less than 1 to lean on the lower ones, and the
    least spread.
    """
    terms, pairs, fewest = course
    above, floor = lean
    lanes = values.shape[1]
    weights = seen.copy()
    count = _sum(seen)
    matrix = np.empty((PAIRS, lanes), np.float32)
    vector = np.empty((TERMS, lanes), np.float32)
    for _ in range(TRIES):
        _normal(values, weights, terms, pairs, matrix, vector)
        for lane in range(lanes):
            _solve(matrix, vector, lane, count[lane], fewest)
        _spread(values, weights, terms, vector, expected, spread)
        for lane in range(lanes):
            spread[lane] = max(spread[lane], floor)
        for t in range(values.shape[0]):
            for lane in range(lanes):
                off = values[t, lane] - expected[t, lane]
                u = off / (np.float32(TRIM) * spread[lane])
                w = max(np.float32(1) - u * u, np.float32(0))
                w = w * w * seen[t, lane]
                weights[t, lane] = w * above if off > 0 else w


@compiled
def _sum(seen):  # type: ignore[no-untyped-def]
    count = np.zeros(seen.shape[1], np.float32)
    for t in range(seen.shape[0]):
        for lane in range(seen.shape[1]):
            count[lane] += seen[t, lane]
    return count


@compiled
def _normal(values, weights, terms, pairs, matrix, vector):  # type: ignore[no-untyped-def]
    """Fill every lane's normal equations."""
    matrix[:] = np.float32(0)
    vector[:] = np.float32(0)
    for t in range(values.shape[0]):
        for p in range(PAIRS):
            of_pair = pairs[t, p]
            for lane in range(values.shape[1]):
                matrix[p, lane] += weights[t, lane] * of_pair
        for k in range(TERMS):
            of_term = terms[t, k]
            for lane in range(values.shape[1]):
                vector[k, lane] += weights[t, lane] * of_term * values[t, lane]


@compiled
def _spread(values, weights, terms, solved, expected, spread):  # type: ignore[no-untyped-def]
    """Fill what is expected, and how far the looks lie from it."""
    lanes = values.shape[1]
    weight = np.full(lanes, np.float32(1e-6))
    spread[:] = np.float32(0)
    for t in range(values.shape[0]):
        for lane in range(lanes):
            fitted = np.float32(0)
            for k in range(TERMS):
                fitted += terms[t, k] * solved[k, lane]
            expected[t, lane] = fitted
            spread[lane] += weights[t, lane] * abs(values[t, lane] - fitted)
            weight[lane] += weights[t, lane]
    for lane in range(lanes):
        # of a normal distribution, 1.2533 mean absolute deviations are one standard deviation
        spread[lane] = np.float32(1.2533) * spread[lane] / weight[lane]


@compiled
def _solve(matrix, vector, lane, count, fewest):  # type: ignore[no-untyped-def]
    """Solve one lane's normal equations by Cholesky; terms for which there are too few looks are drawn to 0."""
    lower = np.zeros((TERMS, TERMS), np.float32)
    solved = np.empty(TERMS, np.float32)
    p = 0
    for i in range(TERMS):
        for j in range(i + 1):
            value = matrix[p, lane]
            p += 1
            if i == j:
                # 0 for the level; 1 and 2 belong to the first harmonic, 3 and 4 to the second
                needed = fewest[(i + 1) // 2]
                value += np.float32(RIDGE) * count if i > 0 else np.float32(0)
                value += np.float32(1e-4) if count >= needed else np.float32(1e6)
            for k in range(j):
                value -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(max(value, np.float32(1e-6))) if i == j else value / lower[j, j]
    for i in range(TERMS):
        value = vector[i, lane]
        for k in range(i):
            value -= lower[i, k] * solved[k]
        solved[i] = value / lower[i, i]
    for i in range(TERMS - 1, -1, -1):
        value = solved[i]
        for k in range(i + 1, TERMS):
            value -= lower[k, i] * solved[k]
        solved[i] = value / lower[i, i]
    for i in range(TERMS):
        vector[i, lane] = solved[i]


@compiled
def lasting(off, seen, sign, least, out):  # type: ignore[no-untyped-def]
    """Fill `out` with what of a departure lasts: the low median of the `NEAR` seen looks on either side, not below 0.

    Of six neighbours three may be clouded and the median is still that of the ground. Departures smaller than
    `least` (lane,) are let alone: they spoil nothing, lasting or not.
    """
    times, lanes = off.shape
    index = np.empty(times, np.int64)
    place = np.empty(times, np.int64)
    some = np.empty(2 * NEAR, np.float32)
    for lane in range(lanes):
        n = 0
        for t in range(times):
            place[t] = n
            if seen[t, lane] > 0:
                index[n] = t
                n += 1
        for t in range(times):
            out[t, lane] = np.float32(0)
            if sign * off[t, lane] < least[lane]:
                continue
            first = place[t]
            after = first + 1 if seen[t, lane] > 0 else first
            m = 0
            for i in range(max(first - NEAR, 0), min(after + NEAR, n)):
                if i < first or i >= after:
                    value = sign * off[index[i], lane]
                    j = m
                    while j > 0 and some[j - 1] > value:
                        some[j] = some[j - 1]
                        j -= 1
                    some[j] = value
                    m += 1
            if m >= NEAR:
                out[t, lane] = sign * max(some[(m - 1) // 2], np.float32(0))


@compiled
def depart(bright, dark, looks, course, limits, out):  # type: ignore[no-untyped-def]
    """Fill `out` (time, pixel) with how far each look departs from its pixel's history; NaN where that is not known.

    Parameters
    ----------
    bright : float32 (time, pixel)
        A visible band.
    dark : float32 (2, time, pixel)
        Two infrared bands.
    looks : two of float32 (time, pixel)
        1 where a look makes the history, and where it was measured at all.
    course : tuple
        See :func:`fit`.
    limits : tuple of float32
        How much brighter, and by how many spreads; how much darker in the mean, and in each band; what damps ratios.
    """
    seen, known = looks
    times, pixels = bright.shape
    for start in range(0, pixels, LANES):
        lanes = slice(start, min(start + LANES, pixels))
        use = seen[:, lanes].copy()
        over = _over(bright[:, lanes].copy(), use, course, limits)
        one = _fall(dark[0, :, lanes].copy(), use, course, limits)
        other = _fall(dark[1, :, lanes].copy(), use, course, limits)
        count = _sum(use)
        for t in range(times):
            for lane in range(over.shape[1]):
                fall, least = one[t, lane] + other[t, lane], min(one[t, lane], other[t, lane])
                under = min(fall / (2 * limits[2]), least / limits[3])
                if known[t, start + lane] == 0 or count[lane] < course[2][0]:
                    value = np.float32(np.nan)
                elif under > over[t, lane]:  # a negative sign tells a shadow from a cloud
                    value = -max(under, np.float32(0))
                else:
                    value = max(over[t, lane], np.float32(0))
                out[t, start + lane] = value


@compiled
def _over(values, seen, course, limits):  # type: ignore[no-untyped-def]
    """How far each look is brighter than expected, but for what lasts, in units of what is sure."""
    expected, kept, spread, least = _room(values)
    fit(values, seen, course, (np.float32(0.5), np.float32(0.003)), expected, spread)
    for lane in range(values.shape[1]):
        spread[lane] = max(limits[0], limits[1] * spread[lane])
        least[lane] = np.float32(0.5) * spread[lane]
    off = values - expected
    lasting(off, seen, np.float32(1), least, kept)
    for t in range(values.shape[0]):
        for lane in range(values.shape[1]):
            off[t, lane] = (off[t, lane] - kept[t, lane]) / spread[lane]
    return off


@compiled
def _fall(values, seen, course, limits):  # type: ignore[no-untyped-def]
    """Natural logarithm of how far each look has fallen below what is expected, but for what lasts."""
    expected, kept, spread, least = _room(values)
    fit(values, seen, course, (np.float32(1), np.float32(0.005)), expected, spread)
    damp = limits[4]
    off = np.empty_like(values)
    for t in range(values.shape[0]):
        for lane in range(values.shape[1]):
            off[t, lane] = np.log(
                (max(values[t, lane], np.float32(0)) + damp) / (max(expected[t, lane], np.float32(0)) + damp)
            )
    least[:] = np.float32(0.5) * min(limits[2], limits[3])
    lasting(off, seen, np.float32(-1), least, kept)
    for t in range(values.shape[0]):
        for lane in range(values.shape[1]):
            kept[t, lane] -= off[t, lane]
    return kept


@compiled
def _room(values):  # type: ignore[no-untyped-def]
    """Arrays to work in: two (time, lane), two (lane,)."""
    lanes = values.shape[1]
    return np.empty_like(values), np.empty_like(values), np.empty(lanes, np.float32), np.empty(lanes, np.float32)
