"""Distances to the nearest of many points, compiled when they are first asked for.

Pixels lie side by side, `LANES` at a time. Both the turn into coordinates and the distances are sums of rows, each
times a number; `TOGETHER` rows are added at a time, so that the sum so far is read and written once for all.
"""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

LANES = 512
TOGETHER = 8
"""Rows that are added at a time; as many as :func:`_add` has names for."""


def in_eights(table: np.ndarray) -> np.ndarray:
    """Return a table (row, column) with columns of zeros after its end, so that `TOGETHER` divides their number."""
    rows, columns = table.shape
    filled = np.zeros((rows, columns + -columns % TOGETHER), table.dtype)
    filled[:, :columns] = table
    return filled


@compiled
def nearest(table, centre, axes, points, out):  # type: ignore[no-untyped-def]
    """Fill `out` (pixel,) with each pixel's squared distance to the nearest of `points` (point, axis).

    `table` (predictor, pixel), a missing value stands at the centre; `axes` (axis, predictor) turns what departs from
    the centre into coordinates. NaN where all predictors are missing. The columns of `axes` and `points` are a multiple
    of `TOGETHER`, as :func:`in_eights` gives.
    """
    predictors, pixels = table.shape
    n_points, n_axes = points.shape
    half = np.zeros(n_points, np.float32)
    for p in range(n_points):
        for a in range(n_axes):
            half[p] += points[p, a] * points[p, a] * np.float32(0.5)
    minus = -points
    away = np.zeros((axes.shape[1], LANES), np.float32)
    place = np.zeros((n_axes, LANES), np.float32)
    score = np.empty(LANES, np.float32)
    best = np.empty(LANES, np.float32)
    seen = np.empty(LANES, np.bool_)
    for start in range(0, pixels, LANES):
        lanes = min(LANES, pixels - start)
        seen[:] = False
        for f in range(predictors):
            _depart(table[f, start : start + lanes], centre[f], away[f], seen)
        place[:] = 0
        for a in range(axes.shape[0]):
            for f in range(0, axes.shape[1], TOGETHER):
                _add(away, f, axes[a], place[a])
        best[:] = np.float32(np.inf)
        for p in range(n_points):
            # half the point's squared length minus its product with the place: least where it is nearest
            score[:] = half[p]
            for a in range(0, n_axes, TOGETHER):
                _add(place, a, minus[p], score)
            _lower(best, score)
        for lane in range(lanes):
            length = np.float32(0)
            for a in range(n_axes):
                length += place[a, lane] * place[a, lane]
            squared = max(length + np.float32(2) * best[lane], np.float32(0))
            out[start + lane] = squared if seen[lane] else np.float32(np.nan)


@compiled
def _depart(values, middle, away, seen):  # type: ignore[no-untyped-def]
    """Fill `away` (lane,) with how far values lie from the middle, 0 where missing, and note where any is `seen`."""
    for lane in range(values.size):
        is_seen = values[lane] == values[lane]
        away[lane] = values[lane] - middle if is_seen else np.float32(0)
        seen[lane] |= is_seen


@compiled
def _add(rows, first, shares, sums):  # type: ignore[no-untyped-def]
    """Add `TOGETHER` rows (row, lane) from the `first` on, each times its share, in their order."""
    own = rows[first : first + TOGETHER]
    a, b, c, d = shares[first], shares[first + 1], shares[first + 2], shares[first + 3]
    e, f, g, h = shares[first + 4], shares[first + 5], shares[first + 6], shares[first + 7]
    for lane in range(LANES):
        half = sums[lane] + a * own[0, lane] + b * own[1, lane] + c * own[2, lane] + d * own[3, lane]
        sums[lane] = half + e * own[4, lane] + f * own[5, lane] + g * own[6, lane] + h * own[7, lane]


@compiled
def _lower(best, score):  # type: ignore[no-untyped-def]
    for lane in range(LANES):
        best[lane] = min(best[lane], score[lane])
