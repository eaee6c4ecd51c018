"""Loops over pixels, compiled when a grid is first resampled by sample points.

Each works cell by cell (see :mod:`habitat.grids.positions`): it first lists where the sample points of a row of a
cell lie in the source, which vectorises, and then fetches and gathers them. Positions inside a cell are float32,
counted from the cell's own corner: exact to 1e-4 of a pixel. `frame` is the rows and columns of the first cell that
lie outside the target, and the side of a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile for any number of threads and keep the machine code, where there is a folder that can be written."""
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # numba found no such folder
        return numba.njit(nogil=True, error_model="numpy")(function)


@_compiled
def _list(cell, v, size, finer, shape, at):  # type: ignore[no-untyped-def]
    """Write into `at` (finer * finer, size) the flat index of each sample point of a cell's row `v`, or -1.

    Return whether all of them lie inside.
    """
    height, width = shape
    part = 1.0 / finer
    left = min(min(cell[0, 0], cell[1, 0]), min(cell[2, 0], cell[3, 0]))
    right = max(max(cell[0, 0], cell[1, 0]), max(cell[2, 0], cell[3, 0]))
    top = min(min(cell[0, 1], cell[1, 1]), min(cell[2, 1], cell[3, 1]))
    bottom = max(max(cell[0, 1], cell[1, 1]), max(cell[2, 1], cell[3, 1]))
    # not (a < b) rather than a >= b: a corner may be no number
    if not (right > 0 and left < width and bottom > 0 and top < height):
        at[:] = -1
        return False
    inside = left >= 1 and right < width - 1 and top >= 1 and bottom < height - 1
    left, top = np.floor(left), np.floor(top)
    base = np.int32(0)
    if inside:
        base = np.int32(top) * np.int32(width) + np.int32(left)
    wide = np.int32(width)
    for r in range(finer):
        t = (v + (r + 0.5) * part) / size
        x0 = cell[0, 0] + t * (cell[2, 0] - cell[0, 0])
        y0 = cell[0, 1] + t * (cell[2, 1] - cell[0, 1])
        dx = (cell[1, 0] + t * (cell[3, 0] - cell[1, 0]) - x0) / size
        dy = (cell[1, 1] + t * (cell[3, 1] - cell[1, 1]) - y0) / size
        step_x, step_y = np.float32(dx), np.float32(dy)
        for k in range(finer):
            u = (k + 0.5) * part
            x, y = np.float32(x0 + dx * u - left), np.float32(y0 + dy * u - top)
            row = at[r * finer + k]
            if inside:
                for j in range(size):
                    f = np.float32(np.int32(j))
                    row[j] = base + np.int32(y + step_y * f) * wide + np.int32(x + step_x * f)
            else:
                for j in range(size):
                    f = np.float32(np.int32(j))
                    px, py = left + np.float64(x + step_x * f), top + np.float64(y + step_y * f)
                    if px >= 0 and px < width and py >= 0 and py < height:
                        row[j] = np.int32(py) * wide + np.int32(px)
                    else:
                        row[j] = -1
    return inside


@_compiled
def mean(values, corners, frame, finer, out):  # type: ignore[no-untyped-def]
    """Mean of the sample points that hold a number; float32, NaN = none."""
    row0, col0, size = frame
    height, width = out.shape
    flat = values.ravel()
    at = np.empty((finer * finer, size), np.int32)
    part = np.empty(size, values.dtype)
    total, count = np.empty(size, np.float64), np.empty(size, np.int32)
    nothing = np.float32(np.nan)
    for i in range(height):
        a = (i + row0) // size
        for b in range(corners.shape[1]):
            inside = _list(corners[a, b], i + row0 - a * size, size, finer, values.shape, at)
            total[:] = 0.0
            count[:] = 0
            for s in range(finer * finer):
                if inside:
                    for j in range(size):
                        part[j] = flat[np.uint32(at[s, j])]
                else:
                    for j in range(size):
                        part[j] = flat[np.uint32(at[s, j])] if at[s, j] >= 0 else nothing
                for j in range(size):
                    seen = part[j] == part[j]
                    total[j] += np.float64(part[j] if seen else np.float32(0))
                    count[j] += np.int32(seen)
            start = b * size - col0
            for j in range(max(0, -start), min(size, width - start)):
                out[i, start + j] = total[j] / count[j] if count[j] > 0 else nothing


@_compiled
def bits(flags, corners, frame, finer, outside, out):  # type: ignore[no-untyped-def]
    """Bitwise or of all sample points; those beside the source count as `outside`."""
    row0, col0, size = frame
    height, width = out.shape
    flat = flags.ravel()
    at = np.empty((finer * finer, size), np.int32)
    merged = np.empty(size, np.uint8)
    for i in range(height):
        a = (i + row0) // size
        for b in range(corners.shape[1]):
            inside = _list(corners[a, b], i + row0 - a * size, size, finer, flags.shape, at)
            merged[:] = 0
            for s in range(finer * finer):
                if inside:
                    for j in range(size):
                        merged[j] |= flat[np.uint32(at[s, j])]
                else:
                    for j in range(size):
                        merged[j] |= flat[np.uint32(at[s, j])] if at[s, j] >= 0 else outside
            start = b * size - col0
            for j in range(max(0, -start), min(size, width - start)):
                out[i, start + j] = merged[j]


@_compiled
def majority(codes, corners, frame, finer, unknown, out):  # type: ignore[no-untyped-def]
    """The commonest code among the sample points, the lower one in a tie; `unknown` has no vote."""
    row0, col0, size = frame
    height, width = out.shape
    flat = codes.ravel()
    at = np.empty((finer * finer, size), np.int32)
    found, votes = np.empty(finer * finer, codes.dtype), np.empty(finer * finer, np.int32)
    for i in range(height):
        a = (i + row0) // size
        for b in range(corners.shape[1]):
            _list(corners[a, b], i + row0 - a * size, size, finer, codes.shape, at)
            start = b * size - col0
            for j in range(max(0, -start), min(size, width - start)):
                n = 0
                for s in range(finer * finer):
                    code = flat[np.uint32(at[s, j])] if at[s, j] >= 0 else unknown
                    if code == unknown:
                        continue
                    which = 0
                    while which < n and found[which] != code:
                        which += 1
                    if which == n:
                        found[n] = code
                        votes[n] = 0
                        n += 1
                    votes[which] += 1
                best, most = unknown, 0
                for which in range(n):
                    if votes[which] > most or (votes[which] == most and found[which] < best):
                        best, most = found[which], votes[which]
                out[i, start + j] = best


@_compiled
def nearest(values, corners, frame, outside, out):  # type: ignore[no-untyped-def]
    """The source pixel that holds each target pixel's centre."""
    row0, col0, size = frame
    height, width = out.shape
    flat = values.ravel()
    at = np.empty((1, size), np.int32)
    for i in range(height):
        a = (i + row0) // size
        for b in range(corners.shape[1]):
            inside = _list(corners[a, b], i + row0 - a * size, size, 1, values.shape, at)
            start = b * size - col0
            for j in range(max(0, -start), min(size, width - start)):
                if inside or at[0, j] >= 0:
                    out[i, start + j] = flat[np.uint32(at[0, j])]
                else:
                    out[i, start + j] = outside


@_compiled
def bilinear(values, corners, frame, out):  # type: ignore[no-untyped-def]
    """The four source pixels around each target pixel's centre, by distance; those without a number have no weight."""
    row0, col0, size = frame
    height, width = out.shape
    high, wide = values.shape
    for i in range(height):
        a = (i + row0) // size
        t = (i + row0 - a * size + 0.5) / size
        for b in range(corners.shape[1]):
            cell = corners[a, b]
            x0 = cell[0, 0] + t * (cell[2, 0] - cell[0, 0])
            y0 = cell[0, 1] + t * (cell[2, 1] - cell[0, 1])
            dx = (cell[1, 0] + t * (cell[3, 0] - cell[1, 0]) - x0) / size
            dy = (cell[1, 1] + t * (cell[3, 1] - cell[1, 1]) - y0) / size
            start = b * size - col0
            for j in range(max(0, -start), min(size, width - start)):
                x, y = x0 + dx * (j + 0.5), y0 + dy * (j + 0.5)
                if not (x >= 0 and x < wide and y >= 0 and y < high):
                    out[i, start + j] = np.nan
                    continue
                left, top = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
                along, down = x - 0.5 - left, y - 0.5 - top
                total, weight = 0.0, 0.0
                for row in range(2):
                    for col in range(2):
                        if top + row < 0 or top + row >= high or left + col < 0 or left + col >= wide:
                            continue
                        value = values[top + row, left + col]
                        share = (down if row else 1 - down) * (along if col else 1 - along)
                        if value == value:
                            total += share * value
                            weight += share
                out[i, start + j] = total / weight if weight > 1e-6 else np.nan
