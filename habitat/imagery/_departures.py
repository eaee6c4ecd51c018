"""Loops of :mod:`habitat.imagery.history`, compiled when a history is first asked for.

Pixels are taken side by side, `LANES` at a time: a step of the fit is then one loop over neighbours in memory, which
vectorises. Sums are float32: the regressors are of order 1 and a series has hundreds of looks at most.
"""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

LANES = 64
TERMS = 5
"""A level and two harmonics of the year: 1, cos, sin, cos 2, sin 2."""
WAVES = 9
"""Those and cos 3, sin 3, cos 4, sin 4: all products of two terms are sums of two of them."""
TRIES = 4
"""Rounds of reweighting."""
RIDGE = 0.01
"""Share of the looks by which a harmonic is drawn to 0: decides only where a season has no looks."""
TRIM = 4.685
"""Tukey's constant: looks farther away than so many spreads have no weight."""
STEP = 4
"""Looks that are added up at once: series are filled up with looks of no weight to whole steps."""
NEAR = 3
"""Looks before, and after, that tell whether a departure lasts."""


@compiled
def depart(visible, infrared, quality, course, limits, out):  # type: ignore[no-untyped-def]
    """Fill `out` (time, pixel) with how far each look departs from its pixel's history; NaN where that is not known.

    Parameters
    ----------
    visible : float32 (time, pixel)
    infrared : pair of float32 (time, pixel)
    quality : uint8 (time, pixel), and the bits that keep a look out of the history
    course : float32 (time, wave) of the year's waves, filled up with rows of 0 to whole steps, and the fewest looks
        (3,) for a level and each harmonic
    limits : tuple of float32
        How much brighter, and by how many spreads; how much darker in the mean, and in each band; what damps ratios;
        the departure below which nothing is spoilt, lasting or not.
    """
    near, short = infrared
    bits, reject = quality
    fewest = course[1]
    brighter, noise, darker, steepest, damp, doubtful = limits
    times, pixels = visible.shape
    # what a candidate for a shadow falls to at most, in ratios: logarithms are slow and seldom needed
    both, each = np.exp(-2 * darker * doubtful), np.exp(-steepest * doubtful)
    place = np.empty(times, np.int64)
    history = np.empty((3, times), np.float32)
    some = np.empty(2 * NEAR, np.float32)
    found = np.empty((times, LANES), np.float32)
    for start in range(0, pixels, LANES):
        lanes = slice(start, min(start + LANES, pixels))
        seen, known = _looks(visible[:, lanes], near[:, lanes], short[:, lanes], bits[:, lanes], reject)
        count = _sum(seen)
        over = _excess(_plain(visible[:, lanes], known), seen, count, course, brighter, noise)
        one = _ratio(_plain(near[:, lanes], known), seen, count, course, damp)
        other = _ratio(_plain(short[:, lanes], known), seen, count, course, damp)
        for lane in range(over.shape[1]):
            has_history = count[lane] >= fewest[0]
            n = 0
            for t in range(times):
                place[t] = n
                if seen[t, lane] > 0:
                    history[0, n], history[1, n], history[2, n] = over[t, lane], one[t, lane], other[t, lane]
                    n += 1
            for t in range(times):
                if known[t, lane] == 0 or not has_history:
                    found[t, lane] = np.float32(np.nan)
                    continue
                around = (max(place[t] - NEAR, 0), place[t], place[t] + (seen[t, lane] > 0), n)
                value, a, b = max(over[t, lane], np.float32(0)), one[t, lane], other[t, lane]
                if value >= doubtful:  # less what lasts
                    lasts = max(_middle(history[0], around, False, np.float32(0), some), np.float32(0))
                    value = max(value - lasts, np.float32(0))
                if a * b < both and max(a, b) < each:
                    fall = np.log(min(_middle(history[1], around, True, np.float32(1), some), np.float32(1)) / a)
                    drop = np.log(min(_middle(history[2], around, True, np.float32(1), some), np.float32(1)) / b)
                    under = min((fall + drop) / (2 * darker), min(fall, drop) / steepest)
                    if under > value:  # a negative sign tells a shadow from a cloud
                        value = -under
                found[t, lane] = value
        out[:, lanes] = found[:, : over.shape[1]]


@compiled
def _middle(history, around, upper, otherwise, some):  # type: ignore[no-untyped-def]
    """The median of the `NEAR` looks on either side of one: of six, three may be clouded and it is still the ground's.

    `around` says where they begin, where the look itself stands and ends in the history, and how long that is; of an
    even number the lower or the upper of the two middles counts. `otherwise` if they are fewer than `NEAR` in all.
    """
    first, before, after, n = around
    m = 0
    for k in range(first, before):
        some[m] = history[k]
        m += 1
    for k in range(after, min(after + NEAR, n)):
        some[m] = history[k]
        m += 1
    if m < NEAR:
        return otherwise
    for k in range(m, 2 * NEAR):
        some[k] = np.float32(np.inf)
    # Batcher's exchanges for six: a minimum and a maximum take no branch, which no processor could foresee here
    for i, j in ((0, 4), (1, 5), (0, 2), (1, 3), (2, 4), (3, 5), (0, 1), (2, 3), (4, 5), (1, 4), (1, 2), (3, 4)):
        some[i], some[j] = min(some[i], some[j]), max(some[i], some[j])
    return some[m // 2] if upper else some[(m - 1) // 2]


@compiled
def _looks(visible, near, short, bits, reject):  # type: ignore[no-untyped-def]
    """Which looks make the history, and which were measured at all: 1 or 0, float32 (time up to whole steps, lane)."""
    times, lanes = visible.shape
    whole = (times + STEP - 1) // STEP * STEP
    seen, known = np.zeros((whole, lanes), np.float32), np.zeros((whole, lanes), np.float32)
    for t in range(times):
        for lane in range(lanes):
            total = visible[t, lane] + near[t, lane] + short[t, lane]
            is_known = np.float32(1) if total - total == 0 else np.float32(0)
            known[t, lane] = is_known
            seen[t, lane] = is_known if bits[t, lane] & reject == 0 else np.float32(0)
    return seen, known


@compiled
def _plain(values, known):  # type: ignore[no-untyped-def]
    """Copy a band's looks side by side, 0 where nothing was measured."""
    plain = np.zeros(known.shape, np.float32)
    for t in range(values.shape[0]):
        for lane in range(values.shape[1]):
            plain[t, lane] = values[t, lane] if known[t, lane] > 0 else np.float32(0)
    return plain


@compiled
def _sum(seen):  # type: ignore[no-untyped-def]
    count = np.zeros(seen.shape[1], np.float32)
    for t in range(seen.shape[0]):
        for lane in range(seen.shape[1]):
            count[lane] += seen[t, lane]
    return count


@compiled
def _excess(values, seen, count, course, brighter, noise):  # type: ignore[no-untyped-def]
    """How much brighter each look is than expected, in units of what is sure in its lane."""
    expected, spread = _fit(values, seen, count, course, np.float32(0.5), np.float32(0.003))
    for lane in range(values.shape[1]):
        spread[lane] = max(brighter, noise * spread[lane])
    for t in range(values.shape[0]):
        for lane in range(values.shape[1]):
            expected[t, lane] = (values[t, lane] - expected[t, lane]) / spread[lane]
    return expected


@compiled
def _ratio(values, seen, count, course, damp):  # type: ignore[no-untyped-def]
    """Each look relative to what is expected; neither is taken for less than `damp`."""
    expected, _ = _fit(values, seen, count, course, np.float32(1), np.float32(0.005))
    for t in range(values.shape[0]):
        for lane in range(values.shape[1]):
            below = max(expected[t, lane], np.float32(0)) + damp
            expected[t, lane] = (max(values[t, lane], np.float32(0)) + damp) / below
    return expected


@compiled
def _fit(values, seen, count, course, above, floor):  # type: ignore[no-untyped-def]
    """Fit a year's course to each lane; return what is expected (time, lane) and the spread about it (lane,).

    `above` is the weight of a look above the fit relative to one below, less than 1 to lean on the lower ones;
    `floor` the least spread.
    """
    waves, fewest = course
    times, lanes = values.shape
    expected, spread, per = np.empty_like(values), np.empty(lanes, np.float32), np.empty(lanes, np.float32)
    weights, weighted = seen.copy(), seen * values
    sums, vector = np.empty((WAVES, lanes), np.float32), np.empty((TERMS, lanes), np.float32)
    for _ in range(TRIES):
        _add_up(weights, waves, sums)
        _add_up(weighted, waves, vector)
        for lane in range(lanes):
            _solve(sums, vector, lane, count[lane], fewest)
        _spread(values, weights, waves, vector, expected, spread)
        for lane in range(lanes):
            spread[lane] = max(spread[lane], floor)
            per[lane] = np.float32(1) / (np.float32(TRIM) * spread[lane])
        for t in range(times):
            for lane in range(lanes):
                off = values[t, lane] - expected[t, lane]
                u = off * per[lane]
                w = max(np.float32(1) - u * u, np.float32(0))
                w = w * w * seen[t, lane]
                w = w * above if off > 0 else w
                weights[t, lane] = w
                weighted[t, lane] = w * values[t, lane]
    return expected, spread


@compiled
def _add_up(weights, waves, sums):  # type: ignore[no-untyped-def]
    """Fill every lane's weighted sums of the first waves; four looks at once, so that sums are seldom fetched."""
    sums[:] = np.float32(0)
    for t in range(0, weights.shape[0], STEP):
        for k in range(sums.shape[0]):
            a, b, c, d = waves[t, k], waves[t + 1, k], waves[t + 2, k], waves[t + 3, k]
            for lane in range(weights.shape[1]):
                one = weights[t, lane] * a + weights[t + 1, lane] * b
                sums[k, lane] += one + (weights[t + 2, lane] * c + weights[t + 3, lane] * d)


@compiled
def _spread(values, weights, waves, solved, expected, spread):  # type: ignore[no-untyped-def]
    """Fill what is expected, and how far the looks lie from it."""
    lanes = values.shape[1]
    weight = np.full(lanes, np.float32(1e-6))
    spread[:] = np.float32(0)
    for t in range(values.shape[0]):
        for lane in range(lanes):
            fitted = solved[0, lane]
            for k in range(1, TERMS):
                fitted += waves[t, k] * solved[k, lane]
            expected[t, lane] = fitted
            spread[lane] += weights[t, lane] * abs(values[t, lane] - fitted)
            weight[lane] += weights[t, lane]
    for lane in range(lanes):
        # of a normal distribution, 1.2533 mean absolute deviations are one standard deviation
        spread[lane] = np.float32(1.2533) * spread[lane] / weight[lane]


@compiled
def _solve(sums, vector, lane, count, fewest):  # type: ignore[no-untyped-def]
    """Solve one lane's normal equations by Cholesky; terms for which there are too few looks are drawn to 0."""
    lower = np.empty((TERMS, TERMS), np.float32)
    solved = np.empty(TERMS, np.float32)
    _products(sums, lane, lower)
    for i in range(TERMS):
        for j in range(i + 1):
            value = lower[i, j]
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
def _products(sums, lane, lower):  # type: ignore[no-untyped-def]
    """Fill the lower half of the normal equations' matrix: cos a cos b = (cos(a - b) + cos(a + b)) / 2, and so on."""
    half = np.float32(0.5)
    one, c1, s1, c2, s2 = sums[0, lane], sums[1, lane], sums[2, lane], sums[3, lane], sums[4, lane]
    c3, s3, c4, s4 = sums[5, lane], sums[6, lane], sums[7, lane], sums[8, lane]
    lower[0, 0] = one
    lower[1, 0], lower[1, 1] = c1, half * (one + c2)
    lower[2, 0], lower[2, 1], lower[2, 2] = s1, half * s2, half * (one - c2)
    lower[3, 0], lower[3, 1], lower[3, 2], lower[3, 3] = c2, half * (c1 + c3), half * (s3 - s1), half * (one + c4)
    lower[4, 0], lower[4, 1], lower[4, 2] = s2, half * (s1 + s3), half * (c1 - c3)
    lower[4, 3], lower[4, 4] = half * s4, half * (one - c4)
