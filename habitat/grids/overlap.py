"""Exact area weights between two grids of one reference system, both axis-aligned and north up.

Areas are products of lengths along y and along x, so both axes are worked one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from habitat.errors import GridError

SLIVER = 1e-6
"""Overlaps below this share of a pixel are rounding, not area."""
_STRIP = 64
"""Target rows that are worked at once: few enough that they stay in the processor's cache."""


def overlaps(source: GeoBox, target: GeoBox) -> tuple[Any, Any]:
    """Return the lengths that pixels of two grids share, along y and along x.

    Returns
    -------
    rows, cols : scipy.sparse.csr_array
        (target rows, source rows) and (target cols, source cols), in source pixels. Areas are their products.

    Raises
    ------
    GridError
        If the reference systems differ, or a grid is not north up.
    """
    rows, cols = _axes(source, target)
    return rows.matrix(source.shape.y), cols.matrix(source.shape.x)


@dataclass(frozen=True)
class _Axis:
    """What target pixels take from source pixels along one axis: the first, second, ... that each meets."""

    which: np.ndarray
    """(n, target) source pixels, ascending along n."""
    length: np.ndarray
    """(n, target) lengths, in source pixels; 0 = nothing is taken."""

    def matrix(self, n_source: int) -> Any:
        from scipy.sparse import csr_array

        which, length = self.which.T, self.length.T
        keep = length > 0
        rows = np.broadcast_to(np.arange(len(which))[:, None], which.shape)
        return csr_array((length[keep], (rows[keep], which[keep])), shape=(len(which), n_source))

    def part(self, some: slice) -> tuple[slice, _Axis]:
        """The source pixels that some target pixels need, and the axis between the two."""
        which, length = self.which[:, some], self.length[:, some]
        used = which[length > 0]
        if not used.size:
            return slice(0, 0), _Axis(which[:0], length[:0])
        first, last = int(used.min()), int(used.max())
        return slice(first, last + 1), _Axis(np.clip(which - first, 0, last - first), length)

    def taps(self) -> Iterator[tuple[Any, np.ndarray | None]]:
        """Indices and lengths (None = all 1) of the first, second, ... source pixel; evenly spaced ones as a slice."""
        for which, length in zip(self.which, self.length, strict=True):
            if not length.any():
                continue
            steps = np.diff(which)
            even = len(which) == 1 or (steps[0] > 0 and (steps == steps[0]).all())
            step = int(steps[0]) if len(steps) and even else 1
            index = slice(int(which[0]), int(which[-1]) + 1, step) if even else which
            yield index, None if (length == 1).all() else length


def _axes(source: GeoBox, target: GeoBox) -> tuple[_Axis, _Axis]:
    if source.crs != target.crs:
        raise GridError(f"cannot weigh areas between {source.crs} and {target.crs}", mend="warp to one of them first")
    if not (is_north_up(source) and is_north_up(target)):
        raise GridError("cannot weigh areas of a grid that is not north up", mend="warp it first")
    x = _shared(
        (source.transform.c, source.transform.a, source.shape.x),
        (target.transform.c, target.transform.a, target.shape.x),
    )
    y = _shared(
        (-source.transform.f, -source.transform.e, source.shape.y),
        (-target.transform.f, -target.transform.e, target.shape.y),
    )
    return y, x


def is_north_up(grid: GeoBox) -> bool:
    """Whether rows run west to east and columns north to south."""
    return grid.axis_aligned and grid.transform.a > 0 > grid.transform.e


def _shared(source: tuple[float, float, int], target: tuple[float, float, int]) -> _Axis:
    start, step, n_source = source
    # target edges in source pixels
    edges = ((target[0] - start) + target[1] * np.arange(target[2] + 1)) / step
    near = np.round(edges)
    edges = np.where(np.abs(edges - near) < SLIVER, near, edges)
    span = int(np.ceil(target[1] / step)) + 1
    first = np.floor(edges[:-1]).astype(int)
    which = first[None, :] + np.arange(span)[:, None]
    length = np.minimum(edges[None, 1:], which + 1) - np.maximum(edges[None, :-1], which)
    length = np.round(length, 9)  # so that a window's start leaves no trace in the last bit
    keep = (length > SLIVER) & (which >= 0) & (which < n_source)
    return _Axis(np.clip(which, 0, max(n_source - 1, 0)), np.where(keep, length, 0.0))


def mean_by_area(values: np.ndarray, source: GeoBox, target: GeoBox) -> np.ndarray:
    """Means over the parts that are not NaN, float32; NaN where there are none."""
    rows, cols = _axes(source, target)
    out = np.full(target.shape, np.nan, dtype=np.float32)
    for some, here, down in _strips(rows):
        strip = values[here].astype(np.float64)
        seen = np.isfinite(strip)
        if seen.all():
            heights, among = np.unique(down.length.sum(axis=0), return_inverse=True)
            weight = _along(np.repeat(heights[:, None], values.shape[1], axis=1), cols)[among]
        else:
            strip[~seen] = 0.0
            weight = _along(_down(seen.astype(np.float64), down), cols)
        total = _along(_down(strip, down), cols)
        np.divide(total, weight, out=out[some], where=weight > SLIVER, casting="same_kind")
    return out


def any_by_area(flags: np.ndarray, source: GeoBox, target: GeoBox, outside: int) -> np.ndarray:
    """Bitwise or of all uint8 flags that a pixel overlaps, and of `outside` where a part of it meets none."""
    rows, cols = _axes(source, target)
    sides = (target.transform.e / source.transform.e, target.transform.a / source.transform.a)
    cut = [axis.length.sum(axis=0) < side * (1 - SLIVER * 10) for axis, side in zip((rows, cols), sides, strict=True)]
    out = np.zeros(target.shape, dtype=np.uint8)
    for some, here, down in _strips(rows):
        if flags[here].any():
            out[some] = _merged(_merged(flags[here], down, 0), cols, 1)
    out[cut[0]] |= np.uint8(outside)
    out[:, cut[1]] |= np.uint8(outside)
    return out


def majority_by_area(codes: np.ndarray, source: GeoBox, target: GeoBox, unknown: int) -> np.ndarray:
    """The code that covers most of each pixel, the lower one in a tie; `unknown` only where it is alone."""
    rows, cols = _axes(source, target)
    winner = np.full(target.shape, unknown, dtype=codes.dtype)
    for some, here, down in _strips(rows):
        strip = codes[here]
        best = np.zeros(winner[some].shape)
        for code in np.unique(strip[strip != unknown]):
            area = _along(_down((strip == code).astype(np.float64), down), cols)
            better = area > best + SLIVER
            best[better], winner[some][better] = area[better], code
    return winner


def _strips(rows: _Axis) -> Iterator[tuple[slice, slice, _Axis]]:
    """Target rows a strip at a time, the source rows that they need, and the axis between the two."""
    for start in range(0, rows.which.shape[1], _STRIP):
        some = slice(start, min(start + _STRIP, rows.which.shape[1]))
        here, down = rows.part(some)
        if here.stop > here.start:
            yield some, here, down


def _down(values: np.ndarray, axis: _Axis) -> np.ndarray:
    """Weighted sums over rows."""
    return _sum((values[index], None if weight is None else weight[:, None]) for index, weight in axis.taps())


def _along(values: np.ndarray, axis: _Axis) -> np.ndarray:
    """Weighted sums over columns."""
    n = axis.which.shape[1]
    if not axis.length.any():
        return np.zeros((len(values), n))
    return _sum((_columns(values, index), weight) for index, weight in axis.taps())


def _sum(parts: Iterator[tuple[np.ndarray, np.ndarray | None]]) -> np.ndarray:
    total: Any = None
    for values, weight in parts:
        part = values if weight is None else values * weight
        total = part if total is None else np.add(total, part, out=total if total.base is None else None)
    return total


def _columns(values: np.ndarray, index: Any) -> np.ndarray:
    return values[:, index] if isinstance(index, slice) else np.take(values, index, axis=1)


def _merged(flags: np.ndarray, axis: _Axis, dim: int) -> np.ndarray:
    """Bitwise or along an axis."""
    shape = (axis.which.shape[1], flags.shape[1]) if dim == 0 else (flags.shape[0], axis.which.shape[1])
    merged = np.zeros(shape, dtype=np.uint8)
    for which, length in zip(axis.which, axis.length, strict=True):
        part = np.take(flags, which, axis=dim)
        merged |= (
            part if length.all() else part * (length > 0).astype(np.uint8)[(slice(None), None) if dim == 0 else None]
        )
    return merged
