"""Distances to the nearest of many points, compiled when they are first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

LANES = 128


@compiled
def nearest(table, centre, axes, points, out):  # type: ignore[no-untyped-def]
    """Fill `out` (pixel,) with each pixel's squared distance to the nearest of `points` (point, axis).

    `table` (predictor, pixel), a missing value stands at the centre; `axes` (predictor, axis) turns what departs from
    the centre into coordinates. NaN where all predictors are missing.
    """
    predictors, pixels = table.shape
    n_axes = axes.shape[1]
    half = np.empty(points.shape[0], np.float32)
    for p in range(points.shape[0]):
        half[p] = np.float32(0)
        for a in range(n_axes):
            half[p] += points[p, a] * points[p, a] * np.float32(0.5)
    place = np.empty((n_axes, LANES), np.float32)
    apart = np.empty(LANES, np.float32)
    best = np.empty(LANES, np.float32)
    seen = np.empty(LANES, np.int32)
    for start in range(0, pixels, LANES):
        lanes = min(LANES, pixels - start)
        place[:] = 0
        seen[:] = 0
        for f in range(predictors):
            _project(table[f, start : start + lanes], centre[f], axes[f], apart, place, seen)
        best[:] = np.float32(np.inf)
        for p in range(points.shape[0]):
            _approach(place, points[p], half[p], apart, best)
        for lane in range(lanes):
            length = np.float32(0)
            for a in range(n_axes):
                length += place[a, lane] * place[a, lane]
            squared = max(length + np.float32(2) * best[lane], np.float32(0))
            out[start + lane] = squared if seen[lane] > 0 else np.float32(np.nan)


@compiled
def _project(values, middle, direction, apart, place, seen):  # type: ignore[no-untyped-def]
    """Add one predictor's part to the coordinates."""
    for lane in range(values.size):
        is_seen = values[lane] == values[lane]
        apart[lane] = values[lane] - middle if is_seen else np.float32(0)
        seen[lane] += np.int32(is_seen)
    for a in range(direction.size):
        row, share = place[a], direction[a]
        for lane in range(LANES):
            row[lane] += share * apart[lane]


@compiled
def _approach(place, point, half, score, best):  # type: ignore[no-untyped-def]
    """Lower `best` (lane,) where this point is nearer: half its squared length minus the product with the place."""
    for lane in range(LANES):
        score[lane] = half
    for a in range(point.size):
        row, share = place[a], point[a]
        for lane in range(LANES):
            score[lane] -= share * row[lane]
    for lane in range(LANES):
        best[lane] = min(best[lane], score[lane])
