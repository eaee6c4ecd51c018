"""Predictors of pixels, compiled when first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled


@compiled
def masked(values, seen, out):  # type: ignore[no-untyped-def]
    """Fill `out` (pixel,) with `values` where they are `seen`, else NaN."""
    for k in range(len(values)):
        out[k] = values[k] if seen[k] else np.float32(np.nan)


@compiled
def ratio(first, second, seen, out):  # type: ignore[no-untyped-def]
    """Fill `out` (pixel,) with (first - second) / (first + second), -1 to 1, where `seen`; as indices.py has it."""
    for k in range(len(first)):
        total = first[k] + second[k]
        value = (first[k] - second[k]) / total
        value = np.float32(1) if value > np.float32(1) else value
        value = np.float32(-1) if value < np.float32(-1) else value
        out[k] = value if seen[k] and total > np.float32(0) else np.float32(np.nan)


@compiled
def spread(values, reach, seen, out):  # type: ignore[no-untyped-def]
    """Fill `out` (y, x) with the standard deviation of `values` up to `reach` pixels away, without NaN.

    Sums run over columns first and then along the row, each in the same order wherever a pixel lies: a block gives the
    same bits as the whole. NaN where fewer than three values are known.
    """
    height, width = values.shape
    sums = np.empty((3, width + 2 * reach), np.float64)
    for y in range(height):
        sums[:] = 0.0
        for row in range(max(y - reach, 0), min(y + reach + 1, height)):
            _add(values[row], sums[:, reach : reach + width])
        _deviation(sums, reach, seen[y], out[y])


@compiled
def _add(row, sums):  # type: ignore[no-untyped-def]
    """Add a row's number, values and squares of what is known."""
    for x in range(len(row)):
        known = row[x] == row[x]
        value = np.float64(row[x]) if known else 0.0
        sums[0, x] += 1.0 if known else 0.0
        sums[1, x] += value
        sums[2, x] += value * value


@compiled
def _deviation(sums, reach, seen, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        n, total, squares = 0.0, 0.0, 0.0
        for beside in range(2 * reach + 1):
            n += sums[0, x + beside]
            total += sums[1, x + beside]
            squares += sums[2, x + beside]
        if seen[x] and n >= 3.0:
            variance = squares / n - (total / n) * (total / n)
            out[x] = np.sqrt(max(variance, 0.0))
        else:
            out[x] = np.float32(np.nan)
