"""The search for the best segments of yearly series, compiled when one is first asked for.

A segment is a straight line over some years, all bands with the same breaks; segments need not meet. What a segment
from year i to year j leaves unexplained is found for all i and j by updating means and products year by year (Welford
1962, Technometrics 4, 419-420); the best division into 1, 2, ... segments follows by dynamic programming (Bellman 1961,
Communications of the ACM 4, 284). No greedy choice of vertices is made. Pixels lie side by side, `LANES` at a time, so
that each step is one loop over neighbours in memory, which vectorises.
"""

from __future__ import annotations

import numpy as np
from numba import literal_unroll

from habitat.grids.compiling import compiled

LANES = 64
MOST = 8
"""Segments at most."""
NEVER = np.float32(1e30)
"""What a segment costs that may not be."""


@compiled
def segment(values, rules, penalty, out):  # type: ignore[no-untyped-def]
    """Divide each pixel's years into segments.

    Parameters
    ----------
    values : float32 (band, year, pixel)
        In units of the noise of a year, of which the bands have equal and independent shares. NaN = not seen: a year
        counts when all its bands are seen.
    rules : tuple of float32
        Most segments; seen years from which a segment may slope; how near the years before and after a spike are to
        each other, in its heights; by how much a spike stands out, in mean squares of the others; noise that is taken
        for granted, in years.
    penalty : float32 (year + 1,)
        What a further segment must gain, by the number of seen years.
    out : tuple of arrays
        Segments (pixel,) int8; first and last seen year of each, int16 (2, segment, pixel), -1 = none; value there,
        float32 (2, segment, band, pixel), NaN; root mean square of what is left, float32 (pixel,); greatest gain a
        further segment, float32 (pixel,); seen years (pixel,) int16, spikes not among them.
    """
    bands, years, pixels = values.shape
    most = min(int(rules[0]), years)
    x = np.zeros((years, bands, LANES), np.float32)
    weight = np.zeros((years, LANES), np.float32)
    cost = np.empty((years, years, LANES), np.float32)
    best = np.empty((most, years, LANES), np.float32)
    mine = (
        np.empty(LANES, np.int8),
        np.empty((2, most, LANES), np.int16),
        np.empty((2, most, bands, LANES), np.float32),
        np.empty(LANES, np.float32),
        np.empty(LANES, np.float32),
        np.empty(LANES, np.int16),
    )
    for start in range(0, pixels, LANES):
        lanes = min(LANES, pixels - start)
        _load(values[:, :, start : start + lanes], x, weight)
        _leave_out_spikes(x, weight, rules[2], rules[3])
        _costs(x, weight, rules[1], cost)
        _divide(cost, best)
        mine[1][:] = np.int16(-1)
        mine[2][:] = np.float32(np.nan)
        for lane in range(lanes):
            _choose(lane, (x, weight, cost, best), rules, penalty, mine)
        for k in literal_unroll((0, 1, 2, 3, 4, 5)):
            out[k][..., start : start + lanes] = mine[k][..., :lanes]


@compiled
def _load(values, x, weight):  # type: ignore[no-untyped-def]
    """Bring pixels side by side; a year not seen has no weight."""
    bands, years, lanes = values.shape
    for t in range(years):
        weight[t, :lanes] = np.float32(1)
        for b in range(bands):
            _load_row(values[b, t], x[t, b], weight[t])


@compiled
def _load_row(values, row, weight):  # type: ignore[no-untyped-def]
    for lane in range(len(values)):
        seen = values[lane] == values[lane]
        row[lane] = values[lane] if seen else np.float32(0)
        weight[lane] = weight[lane] if seen else np.float32(0)


@compiled
def _leave_out_spikes(x, weight, near, excess):  # type: ignore[no-untyped-def]
    """Take away the weight of years that stand apart from the years before and after, which are alike."""
    years, bands, _ = x.shape
    before = np.zeros((years, bands, LANES), np.float32)
    after = np.zeros((bands, LANES), np.float32)
    earlier, later = np.zeros((years, LANES), np.float32), np.zeros(LANES, np.float32)
    height, step = np.zeros((years, LANES), np.float32), np.zeros((years, LANES), np.float32)
    total, count = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
    for t in range(1, years):
        before[t], earlier[t] = before[t - 1], earlier[t - 1]
        for b in range(bands):
            _keep(x[t - 1, b], weight[t - 1], before[t, b])
        _keep(weight[t - 1], weight[t - 1], earlier[t])
    for t in range(years - 2, 0, -1):
        for b in range(bands):
            _keep(x[t + 1, b], weight[t + 1], after[b])
            _stand(x[t, b], before[t, b], after[b], height[t], step[t])
        _keep(weight[t + 1], weight[t + 1], later)
        for lane in range(LANES):
            inside = weight[t, lane] * earlier[t, lane] * later[lane]
            height[t, lane] *= inside
            total[lane] += height[t, lane]
            count[lane] += inside
    for t in range(1, years - 1):
        for lane in range(LANES):
            others = (total[lane] - height[t, lane]) / max(count[lane] - np.float32(1), np.float32(1))
            stands_out = height[t, lane] > excess * max(others, np.float32(1))
            is_spike = stands_out & (step[t, lane] < near * near * height[t, lane])
            weight[t, lane] = np.float32(0) if is_spike else weight[t, lane]


@compiled
def _keep(row, weight, kept):  # type: ignore[no-untyped-def]
    """Keep the latest value that has weight."""
    for lane in range(LANES):
        kept[lane] = row[lane] if weight[lane] > 0 else kept[lane]


@compiled
def _stand(row, before, after, height, step):  # type: ignore[no-untyped-def]
    """Add up how far a year stands from the middle of its neighbours, and they from each other, squared."""
    for lane in range(LANES):
        apart = before[lane] - after[lane]
        off = row[lane] - np.float32(0.5) * (before[lane] + after[lane])
        step[lane] += apart * apart
        height[lane] += off * off


@compiled
def _costs(x, weight, fewest, cost):  # type: ignore[no-untyped-def]
    """Fill `cost` (first, last, lane) with the sum of squares that a segment of these years leaves.

    A segment begins with a seen year, except the first, and has two seen years at least, except the first and last.
    """
    years, bands, _ = x.shape
    earlier, later = np.zeros((years + 1, LANES), np.float32), np.zeros((years + 1, LANES), np.float32)
    for t in range(years):
        earlier[t + 1] = earlier[t] + weight[t]
    for t in range(years - 1, -1, -1):
        later[t] = later[t + 1] + weight[t]
    begins = weight.copy()
    begins[0] = np.float32(1)
    state = np.empty(7 * LANES, np.float32)
    band_state = np.empty((bands, 2 * LANES), np.float32)
    for i in range(years):
        state[:] = np.float32(0)
        band_state[:] = np.float32(0)
        for j in range(i, years):
            _next_year(np.float32(j), weight[j], state)
            for b in range(bands):
                _next_value(x[j, b], state, band_state[b])
            _price(state, fewest, (begins[i], earlier[i], later[j + 1]), cost[i, j])


# Rows of the running sums. They lie in one array, at distances that the compiler knows: told apart by pointers, they
# would need more checks than it makes before it gives up vectors.
_N, _MEAN, _YEARS, _SHARE, _APART, _GONE, _SQUARE = (LANES * k for k in range(7))


@compiled
def _next_year(year, weight, state):  # type: ignore[no-untyped-def]
    """Take a year into n, its mean and its square; note its share in the mean and its weighted distance."""
    for lane in range(LANES):
        n = state[_N + lane] + weight[lane]
        mean = state[_MEAN + lane]
        share = weight[lane] / max(n, np.float32(1))
        apart = weight[lane] * (year - mean)
        mean += share * (year - mean)
        state[_N + lane], state[_MEAN + lane] = n, mean
        state[_SHARE + lane], state[_APART + lane] = share, apart
        state[_YEARS + lane] += apart * (year - mean)
        state[_GONE + lane] = np.float32(0)


@compiled
def _next_value(row, state, band):  # type: ignore[no-untyped-def]
    """Take that year's value of a band into its mean, its square and its product with the year."""
    for lane in range(LANES):
        off = row[lane] - band[lane]
        share = state[_SHARE + lane]
        mean = band[lane] + share * off
        rest = row[lane] - mean
        product = band[LANES + lane] + state[_APART + lane] * rest
        band[lane], band[LANES + lane] = mean, product
        state[_SQUARE + lane] += off * rest if share > 0 else np.float32(0)
        state[_GONE + lane] += product * product


@compiled
def _price(state, fewest, room, cost):  # type: ignore[no-untyped-def]
    """What a segment leaves, or NEVER; `room` holds whether it may begin there, and seen years before and after."""
    begins, earlier, later = room
    for lane in range(LANES):
        n = state[_N + lane]
        slopes = state[_GONE + lane] / max(state[_YEARS + lane], np.float32(0.5))
        left = state[_SQUARE + lane] - (slopes if n >= fewest else np.float32(0))
        fewest_here = np.float32(1) if min(earlier[lane], later[lane]) == 0 else np.float32(2)
        allowed = (n >= fewest_here) & (begins[lane] > 0)
        cost[lane] = max(left, np.float32(0)) if allowed else NEVER


@compiled
def _divide(cost, best):  # type: ignore[no-untyped-def]
    """Fill `best` (segments - 1, last year, lane) with the least sum of squares of so many segments up to that year."""
    most, years, _ = best.shape
    best[0] = cost[0]
    for m in range(1, most):
        for j in range(years if m < most - 1 else 0, years):
            best[m, j] = NEVER
        for j in range(m if m < most - 1 else years - 1, years):
            _least(best[m - 1], cost[:, j], m, j + 1, best[m, j])


@compiled
def _least(before, cost, first, stop, least):  # type: ignore[no-untyped-def]
    least[:] = NEVER
    for i in range(first, stop):
        _less(before[i - 1], cost[i], least)


@compiled
def _less(before, cost, least):  # type: ignore[no-untyped-def]
    for lane in range(LANES):
        least[lane] = min(least[lane], before[lane] + cost[lane])


@compiled
def _choose(lane, known, rules, penalty, out):  # type: ignore[no-untyped-def]
    """Take the number of segments that pays best, and write down their lines."""
    x, weight, cost, best = known
    counts, ends, fitted, spread, gain, seen = out
    years, bands, _ = x.shape
    n = 0
    for t in range(years):
        n += int(weight[t, lane])
    seen[lane], counts[lane], gain[lane], spread[lane] = n, 0, np.float32(0), np.float32(np.nan)
    if n == 0:
        return
    freedom = np.float32(bands * n)
    granted = np.float32(bands) * rules[4]
    chosen, most, last = 0, np.float32(0), years - 1
    first = np.log(best[0, last, lane] + granted)
    for m in range(1, len(best)):
        left = best[m, last, lane]
        if left >= NEVER:
            break
        won = freedom * (first - np.log(left + granted))
        gain[lane] = max(gain[lane], won / np.float32(m))
        if won - np.float32(m) * penalty[n] > most:
            chosen, most = m, won - np.float32(m) * penalty[n]
    counts[lane] = chosen + 1
    spread[lane] = np.sqrt(best[chosen, last, lane] / freedom)
    for m in range(chosen, -1, -1):
        begin = 0
        for i in range(m, last + 1):
            if m > 0 and best[m - 1, i - 1, lane] + cost[i, last, lane] == best[m, last, lane]:
                begin = i
                break
        _line((x, weight), (begin, last), rules[1], (m, lane), (ends, fitted))
        last = begin - 1


@compiled
def _line(known, span, fewest, place, out):  # type: ignore[no-untyped-def]
    """Fit one segment, band by band: its seen ends and its values there."""
    x, weight = known
    ends, fitted = out
    m, lane = place
    first, last, n = -1, -1, 0
    total, squares = np.float32(0), np.float32(0)
    for t in range(span[0], span[1] + 1):
        if weight[t, lane] > 0:
            first = t if first < 0 else first
            last = t
            n += 1
            total += np.float32(t)
    middle = total / np.float32(n)
    for t in range(first, last + 1):
        squares += weight[t, lane] * (np.float32(t) - middle) ** 2
    ends[0, m, lane], ends[1, m, lane] = first, last
    for b in range(x.shape[1]):
        level, lean = np.float32(0), np.float32(0)
        for t in range(first, last + 1):
            value = weight[t, lane] * x[t, b, lane]
            level += value
            lean += value * (np.float32(t) - middle)
        level /= np.float32(n)
        slope = lean / squares if n >= fewest else np.float32(0)
        fitted[0, m, b, lane] = level + slope * (np.float32(first) - middle)
        fitted[1, m, b, lane] = level + slope * (np.float32(last) - middle)
