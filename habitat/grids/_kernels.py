"""Loops over pixels, compiled when a grid is first resampled by sample points.

Each works cell by cell (see :mod:`habitat.grids.positions`), so that what lies under a cell stays in the cache. For
each row of a cell it first lists where the sample points lie in the source, which vectorises, and then fetches and
gathers them. Positions are float32, counted from the whole cell's own corner: exact to 1e-4 of a pixel, and the same
whichever part of the cell a block holds. `frame` is the rows and columns of the first cell that lie outside the
target, and a cell's side.
"""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

MARGIN = 0.01  # source pixels that a cell must keep from the source's edge to be read without looking


@compiled
def _part(number, size, hidden, n):  # type: ignore[no-untyped-def]
    """First and last (excluded) row or column of a cell that lie in the target."""
    return max(0, hidden - number * size), min(size, n + hidden - number * size)


@compiled
def _row(cell, v, size):  # type: ignore[no-untyped-def]
    """Position of a cell's western edge at height `v`, and what a target pixel to the east adds to it."""
    t = v / size
    x = cell[0, 0] + t * (cell[2, 0] - cell[0, 0])
    y = cell[0, 1] + t * (cell[2, 1] - cell[0, 1])
    dx = (cell[1, 0] + t * (cell[3, 0] - cell[1, 0]) - x) / size
    dy = (cell[1, 1] + t * (cell[3, 1] - cell[1, 1]) - y) / size
    return x, y, dx, dy


@compiled
def _reach(cell, size, rows, cols, shape, margin):  # type: ignore[no-untyped-def]
    """Whether the part of a cell in the target lies inside the source, whether it may touch it, the cell's corner."""
    height, width = shape
    inside, north, south, west, east = True, True, True, True, True
    left = min(min(cell[0, 0], cell[1, 0]), min(cell[2, 0], cell[3, 0]))
    top = min(min(cell[0, 1], cell[1, 1]), min(cell[2, 1], cell[3, 1]))
    for v in rows:
        x0, y0, dx, dy = _row(cell, v, size)
        for u in cols:
            x, y = x0 + dx * u, y0 + dy * u
            inside = inside and x >= margin and x <= width - margin and y >= margin and y <= height - margin
            north, south = north and y < 0, south and y > height
            west, east = west and x < 0, east and x > width
    return inside, not (north or south or west or east), np.floor(left), np.floor(top)


@compiled
def _list(cell, v, size, cols, finer, shape, inside, corner, at):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Write into `at` (finer * finer, columns) the flat index of each sample point of a cell's row, -1 = outside."""
    (height, width), (left, top) = shape, corner
    part = 1.0 / finer
    wide = np.int32(width)
    n = cols[1] - cols[0]
    for r in range(finer):
        x0, y0, dx, dy = _row(cell, v + (r + 0.5) * part, size)
        step_x, step_y = np.float32(dx), np.float32(dy)
        for k in range(finer):
            u = (k + 0.5) * part
            x, y = np.float32(x0 + dx * u - left), np.float32(y0 + dy * u - top)
            row = at[r * finer + k]
            if inside:
                base = np.int32(top) * wide + np.int32(left)
                for j in range(n):
                    f = np.float32(np.int32(cols[0] + j))
                    row[j] = base + np.int32(y + step_y * f) * wide + np.int32(x + step_x * f)
            else:
                for j in range(n):
                    f = np.float32(np.int32(cols[0] + j))
                    px, py = left + np.float64(x + step_x * f), top + np.float64(y + step_y * f)
                    if px >= 0 and px < width and py >= 0 and py < height:
                        row[j] = np.int32(py) * wide + np.int32(px)
                    else:
                        row[j] = -1


@compiled
def _value(flat, index):  # type: ignore[no-untyped-def]
    """A sample point's value, NaN outside the source."""
    return flat[np.uint32(index)] if index >= 0 else np.float32(np.nan)


@compiled
def _mean_of_seen(flat, at, j, share):  # type: ignore[no-untyped-def]
    """Mean of those sample points of one pixel that hold a number; of all of them as `mean` takes it."""
    whole, total, count = 0.0, 0.0, 0
    for s in range(0, at.shape[0], 4):
        one = _value(flat, at[s, j]) + _value(flat, at[s + 1, j])
        whole += np.float64(one + (_value(flat, at[s + 2, j]) + _value(flat, at[s + 3, j])))
        for k in range(4):
            value = _value(flat, at[s + k, j])
            if value == value:
                total += value
                count += 1
    if whole == whole:
        return np.float32(whole * share)
    return np.float32(total / count) if count > 0 else np.float32(np.nan)


@compiled
def mean(values, corners, frame, finer, out):  # type: ignore[no-untyped-def]
    """Mean of the sample points that hold a number; `out` is NaN at first. `finer` is even."""
    flat = values.ravel()
    size = frame[2]
    at, total = np.empty((finer * finer, size), np.int32), np.empty(size, np.float64)
    share = 1.0 / (finer * finer)
    for a in range(corners.shape[0]):
        rows = _part(a, size, frame[0], out.shape[0])
        for b in range(corners.shape[1]):
            cell, cols = corners[a, b], _part(b, size, frame[1], out.shape[1])
            inside, touches, left, top = _reach(cell, size, rows, cols, values.shape, MARGIN)
            if not touches:
                continue
            n = cols[1] - cols[0]
            for v in range(rows[0], rows[1]):
                _list(cell, v, size, cols, finer, values.shape, inside, (left, top), at)
                line = out[a * size - frame[0] + v, b * size - frame[1] + cols[0] :]
                if inside:
                    total[:n] = 0.0
                    for s in range(0, finer * finer, 4):
                        # in pairs, so that four times the same number is four times that number
                        for j in range(n):
                            one = flat[np.uint32(at[s, j])] + flat[np.uint32(at[s + 1, j])]
                            other = flat[np.uint32(at[s + 2, j])] + flat[np.uint32(at[s + 3, j])]
                            total[j] += np.float64(one + other)
                    for j in range(n):
                        line[j] = total[j] * share
                for j in range(n):
                    if line[j] != line[j]:
                        line[j] = _mean_of_seen(flat, at, j, share)


@compiled
def bits(flags, corners, frame, finer, outside, out):  # type: ignore[no-untyped-def]
    """Bitwise or of all sample points, with `outside` for those beside the source; `out` is that at first."""
    flat = flags.ravel()
    size = frame[2]
    at, merged = np.empty((finer * finer, size), np.int32), np.empty(size, np.uint8)
    for a in range(corners.shape[0]):
        rows = _part(a, size, frame[0], out.shape[0])
        for b in range(corners.shape[1]):
            cell, cols = corners[a, b], _part(b, size, frame[1], out.shape[1])
            inside, touches, left, top = _reach(cell, size, rows, cols, flags.shape, MARGIN)
            if not touches:
                continue
            n = cols[1] - cols[0]
            for v in range(rows[0], rows[1]):
                _list(cell, v, size, cols, finer, flags.shape, inside, (left, top), at)
                merged[:n] = 0
                if inside:
                    for s in range(0, finer * finer, 4):
                        for j in range(n):
                            one = flat[np.uint32(at[s, j])] | flat[np.uint32(at[s + 1, j])]
                            merged[j] |= one | flat[np.uint32(at[s + 2, j])] | flat[np.uint32(at[s + 3, j])]
                else:
                    for s in range(finer * finer):
                        for j in range(n):
                            merged[j] |= flat[np.uint32(at[s, j])] if at[s, j] >= 0 else outside
                out[a * size - frame[0] + v, b * size - frame[1] + cols[0] : b * size - frame[1] + cols[1]] = merged[:n]


@compiled
def _commonest(flat, at, j, unknown, found, votes):  # type: ignore[no-untyped-def]
    """The code that most sample points of one pixel hold."""
    n = 0
    for s in range(at.shape[0]):
        code = flat[np.uint32(at[s, j])] if at[s, j] >= 0 else unknown
        which = 0
        while which < n and found[which] != code:
            which += 1
        if which == n:
            found[n], votes[n] = code, 0
            n += 1
        votes[which] += code != unknown
    best, most = unknown, 0
    for which in range(n):
        if votes[which] > most or (0 < votes[which] == most and found[which] < best):
            best, most = found[which], votes[which]
    return best


@compiled
def majority(codes, corners, frame, finer, unknown, out):  # type: ignore[no-untyped-def]
    """The commonest code among the sample points, the lower one in a tie; `unknown` has no vote."""
    flat = codes.ravel()
    size = frame[2]
    at = np.empty((finer * finer, size), np.int32)
    found, votes = np.empty(finer * finer, codes.dtype), np.empty(finer * finer, np.int32)
    for a in range(corners.shape[0]):
        rows = _part(a, size, frame[0], out.shape[0])
        for b in range(corners.shape[1]):
            cell, cols = corners[a, b], _part(b, size, frame[1], out.shape[1])
            inside, touches, left, top = _reach(cell, size, rows, cols, codes.shape, MARGIN)
            if not touches:
                continue
            for v in range(rows[0], rows[1]):
                _list(cell, v, size, cols, finer, codes.shape, inside, (left, top), at)
                line = out[a * size - frame[0] + v, b * size - frame[1] + cols[0] :]
                for j in range(cols[1] - cols[0]):
                    line[j] = _commonest(flat, at, j, unknown, found, votes)


@compiled
def nearest(values, corners, frame, out):  # type: ignore[no-untyped-def]
    """The source pixel that holds each target pixel's centre; where there is none, `out` stays."""
    flat = values.ravel()
    size = frame[2]
    at = np.empty((1, size), np.int32)
    for a in range(corners.shape[0]):
        rows = _part(a, size, frame[0], out.shape[0])
        for b in range(corners.shape[1]):
            cell, cols = corners[a, b], _part(b, size, frame[1], out.shape[1])
            inside, touches, left, top = _reach(cell, size, rows, cols, values.shape, MARGIN)
            if not touches:
                continue
            n = cols[1] - cols[0]
            for v in range(rows[0], rows[1]):
                _list(cell, v, size, cols, 1, values.shape, inside, (left, top), at)
                line = out[a * size - frame[0] + v, b * size - frame[1] + cols[0] :]
                for j in range(n):
                    if inside or at[0, j] >= 0:
                        line[j] = flat[np.uint32(at[0, j])]


@compiled
def _between(values, row, col, down, along):  # type: ignore[no-untyped-def]
    """Between four pixels, those at an edge or without a number left out; the first is given."""
    (high, wide), four = values.shape, np.full(4, np.float32(np.nan), np.float32)
    for k in range(4):
        if 0 <= row + k // 2 < high and 0 <= col + k % 2 < wide:
            four[k] = values[row + k // 2, col + k % 2]
    north, south = four[0] + along * (four[1] - four[0]), four[2] + along * (four[3] - four[2])
    found = north + down * (south - north)
    y, x = row + 0.5 + down, col + 0.5 + along
    if found == found or not (x >= 0 and x < wide and y >= 0 and y < high):
        return found
    total, weight = 0.0, 0.0
    for k in range(4):
        if four[k] == four[k]:
            share = (down if k // 2 else 1 - down) * (along if k % 2 else 1 - along)
            total += share * four[k]
            weight += share
    return np.float32(total / weight) if weight > 1e-6 else np.float32(np.nan)


@compiled
def bilinear(values, corners, frame, out):  # type: ignore[no-untyped-def]
    """The four source pixels around each target pixel's centre, by distance; `out` is NaN at first."""
    flat = values.ravel()
    size = frame[2]
    wide = np.int32(values.shape[1])
    at, along, down = np.empty((2, size), np.int32), np.empty(size, np.float32), np.empty(size, np.float32)
    for a in range(corners.shape[0]):
        rows = _part(a, size, frame[0], out.shape[0])
        for b in range(corners.shape[1]):
            cell, cols = corners[a, b], _part(b, size, frame[1], out.shape[1])
            inside, touches, left, top = _reach(cell, size, rows, cols, values.shape, 0.5 + MARGIN)
            if not touches:
                continue
            n = cols[1] - cols[0]
            left, top = left - 1, top - 1  # half a pixel before a centre may be the pixel before
            for v in range(rows[0], rows[1]):
                x0, y0, dx, dy = _row(cell, v + 0.5, size)
                line = out[a * size - frame[0] + v, b * size - frame[1] + cols[0] :]
                x, y = np.float32(x0 + (dx - 1) * 0.5 - left), np.float32(y0 + dy * 0.5 - 0.5 - top)
                step_x, step_y = np.float32(dx), np.float32(dy)
                for j in range(n):
                    f = np.float32(np.int32(cols[0] + j))
                    px, py = x + step_x * f, y + step_y * f
                    at[0, j], at[1, j] = np.int32(py), np.int32(px)
                    down[j], along[j] = py - np.float32(at[0, j]), px - np.float32(at[1, j])
                if inside:
                    base = np.int32(top) * wide + np.int32(left)
                    for j in range(n):
                        here = np.uint32(base + at[0, j] * wide + at[1, j])
                        below = here + np.uint32(wide)
                        north = flat[here] + along[j] * (flat[here + np.uint32(1)] - flat[here])
                        south = flat[below] + along[j] * (flat[below + np.uint32(1)] - flat[below])
                        line[j] = north + down[j] * (south - north)
                for j in range(n):
                    if line[j] != line[j] and x == x and y == y:
                        line[j] = _between(values, int(top) + at[0, j], int(left) + at[1, j], down[j], along[j])
