"""Blurring of what was seen by what was seen, compiled when first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled


@compiled
def blur(values, along_y, along_x, totals, shares):  # type: ignore[no-untyped-def]
    """Replace `values` (y, x) by weighted means of their neighbours; NaN stays, and has no weight.

    `along_y` and `along_x` are weights of neighbours, odd in number; `totals` and `shares` (y, x) hold what is done
    along x.
    """
    rows, cols = values.shape
    beside = len(along_x) // 2
    for y in range(rows):
        totals[y] = 0
        shares[y] = 0
        for k in range(len(along_x)):
            by = k - beside
            first, stop = max(0, -by), min(cols, cols - by)
            _add_seen(values[y, first + by : stop + by], along_x[k], totals[y, first:stop], shares[y, first:stop])
    above = len(along_y) // 2
    total, share = np.empty(cols, np.float32), np.empty(cols, np.float32)
    for y in range(rows):
        total[:] = 0
        share[:] = 0
        for k in range(len(along_y)):
            at = y + k - above
            if 0 <= at < rows:
                _add(totals[at], along_y[k], total)
                _add(shares[at], along_y[k], share)
        _divide(total, share, values[y])


@compiled
def _add_seen(values, weight, total, share):  # type: ignore[no-untyped-def]
    for x in range(len(values)):
        is_seen = values[x] == values[x]
        total[x] += weight * values[x] if is_seen else np.float32(0)
        share[x] += weight if is_seen else np.float32(0)


@compiled
def _add(values, weight, total):  # type: ignore[no-untyped-def]
    for x in range(len(values)):
        total[x] += weight * values[x]


@compiled
def _divide(total, share, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] = total[x] / share[x] if out[x] == out[x] else np.float32(np.nan)
