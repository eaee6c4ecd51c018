"""The loops over pixels of :mod:`habitat.imagery._edges`, compiled when first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

SIDE = 9
"""Pixels along each side of the neighbourhood in which brightness and contrast are matched."""
_HALF = SIDE // 2


@compiled
def compare(look, reference, valid, residual, down, right):  # type: ignore[no-untyped-def]
    """Set a look against a reference in small neighbourhoods; return how many pixels can tell.

    All are (y, x). Where `valid`, `look` and `reference` are numbers. `valid` keeps the pixels most of whose
    neighbourhood is valid, and all four neighbours. Filled are `residual`, what is left of the look when the reference
    has its brightness and contrast, and how that changes when the reference is moved by one pixel `down` or `right`.
    """
    rows, cols = look.shape
    shape = (rows, cols)
    mask, share, part, local = (
        np.empty(shape, np.float32),
        np.empty(shape, np.float32),
        np.empty(shape, np.float32),
        np.empty(shape, np.float32),
    )
    ref, common, contrast = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32)
    _numbers(valid.ravel(), mask.ravel())
    _box(mask, share)
    _keep_crowded(share.ravel(), valid.ravel(), mask.ravel())
    _box(mask, share)
    _at_least(share.ravel(), np.float32(1e-3))

    _multiply(look.ravel(), mask.ravel(), part.ravel())
    _box(part, local)
    _apart(look.ravel(), local.ravel(), share.ravel(), residual.ravel())
    _multiply(reference.ravel(), mask.ravel(), part.ravel())
    _box(part, local)
    _apart(reference.ravel(), local.ravel(), share.ravel(), ref.ravel())

    _multiply3(ref.ravel(), ref.ravel(), mask.ravel(), part.ravel())
    _box(part, local)
    _multiply3(ref.ravel(), residual.ravel(), mask.ravel(), part.ravel())
    _box(part, common)
    _divide(common.ravel(), local.ravel(), share.ravel(), contrast.ravel())
    _subtract(residual.ravel(), contrast.ravel(), ref.ravel())

    for y in range(1, rows - 1):
        _half_difference(reference[y + 1], reference[y - 1], down[y])
        _half_difference(reference[y, 2:], reference[y, :-2], right[y, 1:-1])
    down[0] = down[-1] = right[0] = right[-1] = 0
    right[:, 0] = right[:, -1] = 0
    for slope in (down, right):
        _multiply(slope.ravel(), mask.ravel(), part.ravel())
        _box(part, local)
        _lean(slope.ravel(), local.ravel(), share.ravel(), contrast.ravel())
    return _keep_inner(mask, valid)


@compiled
def _box(values, out):  # type: ignore[no-untyped-def]
    """Means over a square of `SIDE` pixels; there is nothing outside."""
    rows, cols = values.shape
    columns = np.zeros(cols + 2 * _HALF)
    for y in range(-_HALF, rows):
        if y + _HALF < rows:
            _add(values[y + _HALF], columns[_HALF : _HALF + cols])
        if y > _HALF:
            _take(values[y - _HALF - 1], columns[_HALF : _HALF + cols])
        if y >= 0:
            _sums(columns, out[y])


@compiled
def _add(values, total):  # type: ignore[no-untyped-def]
    for x in range(len(values)):
        total[x] += values[x]


@compiled
def _take(values, total):  # type: ignore[no-untyped-def]
    for x in range(len(values)):
        total[x] -= values[x]


@compiled
def _sums(columns, out):  # type: ignore[no-untyped-def]
    scale = 1.0 / (SIDE * SIDE)
    for x in range(len(out)):
        near = columns[x] + columns[x + 1] + columns[x + 2] + columns[x + 3]
        far = columns[x + 5] + columns[x + 6] + columns[x + 7] + columns[x + 8]
        out[x] = np.float32((near + columns[x + 4] + far) * scale)


@compiled
def _numbers(flags, out):  # type: ignore[no-untyped-def]
    for k in range(len(flags)):
        out[k] = np.float32(1) if flags[k] else np.float32(0)


@compiled
def _keep_crowded(share, valid, mask):  # type: ignore[no-untyped-def]
    for k in range(len(share)):
        valid[k] = valid[k] and share[k] > np.float32(0.5)
        mask[k] = np.float32(1) if valid[k] else np.float32(0)


@compiled
def _at_least(values, least):  # type: ignore[no-untyped-def]
    for k in range(len(values)):
        values[k] = max(values[k], least)


@compiled
def _multiply(one, other, out):  # type: ignore[no-untyped-def]
    for k in range(len(out)):
        out[k] = one[k] * other[k]


@compiled
def _multiply3(one, other, mask, out):  # type: ignore[no-untyped-def]
    for k in range(len(out)):
        out[k] = one[k] * other[k] * mask[k]


@compiled
def _apart(values, local, share, out):  # type: ignore[no-untyped-def]
    for k in range(len(out)):
        out[k] = values[k] - local[k] / share[k]


@compiled
def _divide(common, own, share, out):  # type: ignore[no-untyped-def]
    for k in range(len(out)):
        out[k] = (common[k] / share[k]) / max(own[k] / share[k], np.float32(1e-8))


@compiled
def _subtract(values, contrast, ref):  # type: ignore[no-untyped-def]
    for k in range(len(values)):
        values[k] -= contrast[k] * ref[k]


@compiled
def _half_difference(one, other, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] = (one[x] - other[x]) * np.float32(0.5)


@compiled
def _lean(slope, local, share, contrast):  # type: ignore[no-untyped-def]
    for k in range(len(slope)):
        slope[k] = -contrast[k] * (slope[k] - local[k] / share[k])


@compiled
def _keep_inner(mask, valid):  # type: ignore[no-untyped-def]
    """Keep pixels whose four neighbours are valid too: gradients take them in."""
    rows, cols = mask.shape
    kept = 0
    for y in range(rows):
        for x in range(cols):
            inside = 0 < y < rows - 1 and 0 < x < cols - 1 and mask[y, x] > 0
            if inside:
                inside = mask[y - 1, x] * mask[y + 1, x] * mask[y, x - 1] * mask[y, x + 1] > 0
            valid[y, x] = inside
            kept += inside
    return kept


@compiled
def magnitudes(residual, inner, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the sizes of the residuals that count, and return how many there are."""
    n = 0
    for y in range(residual.shape[0]):
        for x in range(residual.shape[1]):
            if inner[y, x]:
                out[n] = abs(residual[y, x])
                n += 1
    return n


@compiled
def edges(residual, slopes, inner, least, side):  # type: ignore[no-untyped-def]
    """Return residuals and both slopes (3, edge), float64, of the pixels that a move changes by more than `least`.

    And in which part of `side` pixels along each side each lies.
    """
    rows, cols = residual.shape
    down, right = slopes
    found = np.empty((3, rows * cols))
    part = np.empty(rows * cols, np.int64)
    across = -(-cols // side)
    n = 0
    for y in range(rows):
        for x in range(cols):
            if inner[y, x] and down[y, x] * down[y, x] + right[y, x] * right[y, x] > least * least:
                found[0, n], found[1, n], found[2, n] = residual[y, x], down[y, x], right[y, x]
                part[n] = y // side * across + x // side
                n += 1
    return found[:, :n], part[:n]


@compiled
def accumulate(found, part, spread, trim, matrix, vector):  # type: ignore[no-untyped-def]
    """Add each edge's share to its part's normal equations, with Tukey's weights."""
    for k in range(len(part)):
        error = found[0, k]
        inside = 1 - (error / (trim * spread)) ** 2
        if inside > 0:
            weight = inside * inside / (spread * spread)
            for i in range(2):
                vector[part[k], i] += weight * found[1 + i, k] * error
                for j in range(2):
                    matrix[part[k], i, j] += weight * found[1 + i, k] * found[1 + j, k]


@compiled
def shift(spline, rows_taps, cols_taps, first, out):  # type: ignore[no-untyped-def]
    """Fill `out` (y, x) with a band moved, from its spline, by four weights along each axis.

    `first` are the offsets (down, right) of the first weights; beyond the rim its own pixels go on.
    """
    rows, cols = spline.shape
    padded = np.empty(cols + 3, np.float32)
    line = np.empty(cols, np.float32)
    for y in range(rows):
        line[:] = 0
        for k in range(4):
            _weigh(spline[min(max(y + first[0] + k, 0), rows - 1)], rows_taps[k], line)
        for x in range(cols + 3):
            padded[x] = line[min(max(x + first[1], 0), cols - 1)]
        _four(padded, cols_taps, out[y])


@compiled
def _weigh(values, weight, total):  # type: ignore[no-untyped-def]
    for x in range(len(values)):
        total[x] += weight * values[x]


@compiled
def _four(padded, taps, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] = padded[x] * taps[0] + padded[x + 1] * taps[1] + padded[x + 2] * taps[2] + padded[x + 3] * taps[3]
