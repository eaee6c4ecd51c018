"""Values of one grid on another.

Between grids of one reference system, both north up, every part of a pixel counts by its exact area. Between any
others the target pixel is looked at through sample points: FINER along each side, and more where the source is
finer, so that no source pixel falls between them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from habitat.errors import GridError
from habitat.grids.overlap import any_by_area, is_north_up, majority_by_area, mean_by_area
from habitat.grids.positions import Cells, cells_of

FINER = 4
"""Sample points along each side of a target pixel."""
_PER_SOURCE_PIXEL = 2
"""Sample points along each side of a source pixel, at least."""


def window_over(source: GeoBox, target: GeoBox) -> tuple[slice, slice]:
    """Return the rows and columns of `source` that lie under `target`: the least that resampling needs.

    Empty slices where the two do not meet.
    """
    if _by_area(source, target):
        corners = ((0, 0), (target.shape.x, target.shape.y))
        (x0, y0), (x1, y1) = (~source.transform @ (target.transform @ corner) for corner in corners)
        rows, cols = (y0 + 1e-6, y1 - 1e-6), (x0 + 1e-6, x1 - 1e-6)
    else:
        x, y = _edges(source, target)
        if not (np.isfinite(x).any() and np.isfinite(y).any()):
            return slice(0, 0), slice(0, 0)
        # one pixel more: for rounding, and for the neighbours that bilinear weights take in
        rows, cols = (np.nanmin(y) - 1, np.nanmax(y) + 1), (np.nanmin(x) - 1, np.nanmax(x) + 1)
    return _slice(*rows, source.shape.y), _slice(*cols, source.shape.x)


def _edges(source: GeoBox, target: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Source columns and rows of the corners of all cells, cut at the target's edges; NaN where there are none."""
    cells = cells_of(source, target)
    height, width = target.shape
    rows = np.unique(np.clip(np.arange(cells.corners.shape[0] + 1) * cells.size - cells.row, 0, height))
    cols = np.unique(np.clip(np.arange(cells.corners.shape[1] + 1) * cells.size - cells.col, 0, width))
    x, y = cells.at(rows, cols)
    lost = ~(np.isfinite(x) & np.isfinite(y))
    return np.where(lost, np.nan, x), np.where(lost, np.nan, y)


def _slice(low: float, high: float, n: int) -> slice:
    first, last = max(int(np.floor(min(low, n))), 0), min(int(np.ceil(max(high, 0))), n)
    return slice(first, last) if last > first else slice(0, 0)


def resample_mean(values: np.ndarray, source: GeoBox, target: GeoBox) -> np.ndarray:
    """Return area-weighted means of `values` on `target`.

    Parameters
    ----------
    values : float array (y, x) on `source`, NaN = missing

    Returns
    -------
    float32 array (y, x) on `target`
        Weighted over the parts that are not NaN; NaN where there are none.
    """
    if source == target:
        return values.astype(np.float32, copy=False)
    if _by_area(source, target):
        return mean_by_area(values, source, target)
    from habitat.grids import _kernels

    out = np.full(target.shape, np.nan, dtype=np.float32)
    if values.size and out.size:
        cells = _sampled(values, source, target)
        _kernels.mean(_plain(values, np.float32), *_args(cells), _finer(source, target), out)
    return out


def resample_bits(flags: np.ndarray, source: GeoBox, target: GeoBox, outside: int) -> np.ndarray:
    """Return on `target` the bitwise or of all `flags` a pixel overlaps: any bad part wins.

    Parameters
    ----------
    flags : uint8 array (y, x) on `source`
    outside : int
        Flags of what lies outside `source`.
    """
    if source == target:
        return flags
    if _by_area(source, target):
        return any_by_area(flags, source, target, outside)
    from habitat.grids import _kernels

    out = np.full(target.shape, outside, dtype=np.uint8)
    if flags.size and out.size:
        cells = _sampled(flags, source, target)
        _kernels.bits(_plain(flags, np.uint8), *_args(cells), _finer(source, target), np.uint8(outside), out)
    return out


def resample_majority(codes: np.ndarray, source: GeoBox, target: GeoBox, unknown: int) -> np.ndarray:
    """Return on `target` the code that covers most of each pixel; `unknown` has no vote unless it is alone.

    Parameters
    ----------
    codes : integer array (y, x) on `source`
    """
    if source == target:
        return codes
    if _by_area(source, target):
        return majority_by_area(codes, source, target, unknown)
    from habitat.grids import _kernels

    out = np.full(target.shape, unknown, dtype=np.int64)
    if codes.size and out.size:
        cells = _sampled(codes, source, target)
        _kernels.majority(_plain(codes, np.int64), *_args(cells), _finer(source, target), unknown, out)
    return out.astype(codes.dtype)


def resample_nearest(values: np.ndarray, source: GeoBox, target: GeoBox, outside: float) -> np.ndarray:
    """Return for each pixel of `target` the source pixel that holds its centre, `outside` where there is none."""
    if source == target:
        return values
    from habitat.grids import _kernels

    out = np.full(target.shape, outside, dtype=values.dtype)
    if values.size and out.size:
        cells = _sampled(values, source, target)
        _kernels.nearest(_plain(values, values.dtype), *_args(cells), out)
    return out


def resample_bilinear(values: np.ndarray, source: GeoBox, target: GeoBox) -> np.ndarray:
    """Return `values` between the four source pixels around each centre, float32; NaN has no weight.

    For surfaces, such as elevation: it looks at four source pixels, however many a target pixel covers.
    """
    if source == target:
        return values.astype(np.float32, copy=False)
    from habitat.grids import _kernels

    out = np.full(target.shape, np.nan, dtype=np.float32)
    if values.size and out.size:
        cells = _sampled(values, source, target)
        _kernels.bilinear(_plain(values, np.float32), *_args(cells), out)
    return out


def _by_area(source: GeoBox, target: GeoBox) -> bool:
    """Whether areas can be weighed exactly."""
    return source.crs == target.crs and is_north_up(source) and is_north_up(target)


def _sampled(values: np.ndarray, source: GeoBox, target: GeoBox) -> Cells:
    if values.size >= 2**31:
        raise GridError(f"{values.shape[0]} x {values.shape[1]} pixels at once are too many", mend="read a window")
    return cells_of(source, target)


def _args(cells: Cells) -> tuple[np.ndarray, tuple[int, int, int]]:
    return cells.corners, (cells.row, cells.col, cells.size)


def _plain(values: np.ndarray, dtype: Any) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=dtype)


@lru_cache(maxsize=32)
def _finer(source: GeoBox, target: GeoBox) -> int:
    """Sample points along each side of a target pixel."""
    # the ratio varies a little over a projection, and blocks of a grid should agree
    return max(FINER, _PER_SOURCE_PIXEL * int(np.ceil(cells_of(source, target).source_pixels - 0.05)))
