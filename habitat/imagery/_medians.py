"""The median over time, compiled when one is first asked for.

Pixels lie side by side, `LANES` at a time, and all are sorted by the same sequence of exchanges (Batcher's merge
exchange; Knuth, The Art of Computer Programming 5.2.2, algorithm M). An exchange of two looks is then a minimum and a
maximum of neighbours in memory, which vectorises, whereas the branches of any other sort differ from pixel to pixel.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from habitat.grids.compiling import compiled

LANES = 128


@cache
def exchanges(n: int) -> np.ndarray:
    """Return the pairs of places, int64 (exchange, 2), that sort `n` values when exchanged in this order."""
    pairs = []
    top = 1 << max((n - 1).bit_length() - 1, 0)
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while d > 0:
            pairs += [(i, i + d) for i in range(n - d) if i & p == r]
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


@compiled
def median(values, pairs, out, count):  # type: ignore[no-untyped-def]
    """Fill `out` and `count` (pixel,) with the median of `values` (time, pixel) without NaN, and of how many it is."""
    times, pixels = values.shape
    rows = np.full((times, LANES), np.float32(np.inf))
    seen = np.empty(LANES, np.int32)
    for start in range(0, pixels, LANES):
        lanes = min(LANES, pixels - start)
        seen[:] = 0
        for t in range(times):
            _load(values[t, start : start + lanes], rows[t], seen)
        for k in range(pairs.shape[0]):
            _exchange(rows[pairs[k, 0]], rows[pairs[k, 1]])
        for lane in range(lanes):
            n = seen[lane]
            count[start + lane] = n
            if n == 0:
                out[start + lane] = np.float32(np.nan)
            else:
                out[start + lane] = (rows[(n - 1) // 2, lane] + rows[n // 2, lane]) / np.float32(2)


@compiled
def _load(values, row, seen):  # type: ignore[no-untyped-def]
    """Copy a look, with infinity for NaN: it comes last."""
    for lane in range(len(values)):
        is_seen = values[lane] == values[lane]
        row[lane] = values[lane] if is_seen else np.float32(np.inf)
        seen[lane] += np.int32(1) if is_seen else np.int32(0)


@compiled
def _exchange(one, other):  # type: ignore[no-untyped-def]
    """Put the lesser of two looks first, in each lane."""
    for lane in range(LANES):
        a, b = one[lane], other[lane]
        one[lane] = min(a, b)
        other[lane] = max(a, b)
