"""One grid for a run, and what can be asked of it.

A grid is an :class:`odc.geo.geobox.GeoBox` (shape, affine, crs): axis-aligned, north up, in metres.
Grids never align by luck: :func:`same_grid` says whether two cubes may meet, and everything that comes
from another grid goes through :func:`resample` first, with exact area weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from habitat.errors import GridError

_BURNING = Lock()
"""rasterio silences a warning while it burns, and Python's filters belong to all threads."""
_SLIVER = 1e-6
"""Overlaps below this share of a pixel are rounding, not area."""


@dataclass(frozen=True)
class Block:
    """A rectangle of a grid's pixels."""

    index: int
    """Place in the fixed order, row by row from the north-west."""
    rows: slice
    cols: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.cols.stop - self.cols.start

    def holds(self, rows: Any, cols: Any) -> Any:
        """Whether each pixel, given by row and column of the grid, lies in it."""
        in_rows = (rows >= self.rows.start) & (rows < self.rows.stop)
        return in_rows & (cols >= self.cols.start) & (cols < self.cols.stop)


def grid_over(
    bounds: tuple[float, float, float, float], crs: Any, resolution_m: float, anchor: tuple[float, float] = (0.0, 0.0)
) -> GeoBox:
    """Return the smallest grid over `bounds` whose pixel edges pass through `anchor`.

    Parameters
    ----------
    bounds : (west, south, east, north)
        In metres of `crs`.
    crs : str or CRS
        A projected reference system in metres.
    resolution_m : float
        Side of the square pixels.
    anchor : (x, y)
        Any point on a pixel corner; edges of real products are not multiples of the resolution.

    Raises
    ------
    GridError
        If `crs` is not in metres or `bounds` are empty.
    """
    from odc.geo import CRS

    crs = CRS(crs)
    if not crs.projected or crs.units[0] not in ("metre", "meter", "m"):
        raise GridError(f"{crs} is not in metres", where="crs", mend="use the area's UTM zone, such as EPSG:32652")
    west, south, east, north = bounds
    if not (east > west and north > south):
        raise GridError(f"an area of no size: {bounds}", where="area")
    x0, y0 = anchor
    left, right = _snap(west, east, x0, resolution_m)
    bottom, top = _snap(south, north, y0, resolution_m)
    from affine import Affine

    shape = (round((top - bottom) / resolution_m), round((right - left) / resolution_m))
    return GeoBox(shape, Affine(resolution_m, 0, left, 0, -resolution_m, top), crs)


def _snap(low: float, high: float, anchor: float, step: float, tolerance: float = 0.01) -> tuple[float, float]:
    """Widen (low, high) to edges at anchor + k * step; a hundredth of a pixel is rounding, not area."""
    first = np.floor((low - anchor) / step + tolerance)
    last = np.ceil((high - anchor) / step - tolerance)
    return anchor + first * step, anchor + max(last, first + 1) * step


def coordinates(grid: GeoBox) -> dict[str, Any]:
    """Return the `y`, `x` and `spatial_ref` coordinates that carry `grid` in a cube."""
    return {str(name): values for name, values in xr_coords(grid, dims=("y", "x")).items()}


def grid_of(cube: Any) -> GeoBox:
    """Return the grid that a cube carries in its coordinates.

    Raises
    ------
    GridError
        If it carries none.
    """
    grid = cube.odc.geobox
    if grid is None or grid.crs is None:
        raise GridError("the cube carries no grid", mend="build its coordinates with grids.coordinates(grid)")
    return grid


def same_grid(*cubes: Any) -> GeoBox:
    """Return the one grid that all cubes (or grids) share.

    Raises
    ------
    GridError
        If shape, reference system or any corner (beyond 1e-6 of a pixel) differ.
    """
    grids = [cube if isinstance(cube, GeoBox) else grid_of(cube) for cube in cubes]
    first = grids[0]
    for other in grids[1:]:
        close = np.allclose(_corners(other), _corners(first), rtol=0, atol=1e-6 * abs(first.transform.a))
        if other.shape != first.shape or other.crs != first.crs or not close:
            raise GridError(
                f"grids differ: {_describe(first)} and {_describe(other)}", mend="resample one to the other first"
            )
    return first


def _corners(grid: GeoBox) -> list[tuple[float, float]]:
    """Three corners, which fix an affine grid: small differences of the pixel's size add up to the far ones."""
    height, width = grid.shape
    return [grid.transform @ corner for corner in ((0, 0), (width, 0), (0, height))]


def _describe(grid: GeoBox) -> str:
    corner = f"({grid.transform.c:.2f}, {grid.transform.f:.2f})"
    return f"{grid.shape.y} x {grid.shape.x} of {grid.transform.a:g} m at {corner} in {grid.crs}"


def blocks(grid: GeoBox, size: int) -> Iterator[Block]:
    """Cut `grid` into blocks of at most `size` x `size` pixels, row by row."""
    index = 0
    for row in range(0, grid.shape.y, size):
        for col in range(0, grid.shape.x, size):
            yield Block(index, slice(row, min(row + size, grid.shape.y)), slice(col, min(col + size, grid.shape.x)))
            index += 1


def widen(block: Block, grid: GeoBox, pixels: int) -> tuple[Block, tuple[slice, slice]]:
    """Return `block` grown by `pixels` inside `grid`, and where the block lies in what has grown."""
    rows = slice(max(block.rows.start - pixels, 0), min(block.rows.stop + pixels, grid.shape.y))
    cols = slice(max(block.cols.start - pixels, 0), min(block.cols.stop + pixels, grid.shape.x))
    height, width = block.shape
    top, left = block.rows.start - rows.start, block.cols.start - cols.start
    return Block(block.index, rows, cols), (slice(top, top + height), slice(left, left + width))


def crop(grid: GeoBox, block: Block) -> GeoBox:
    """Return the part of `grid` that `block` covers."""
    return grid[block.rows, block.cols]


# -- from one grid to another ---------------------------------------------------------------------------


def overlaps(source: GeoBox, target: GeoBox) -> tuple[Any, Any]:
    """Return the lengths that pixels of two grids share, along y and along x.

    Returns
    -------
    rows, cols : scipy.sparse.csr_array
        (target rows, source rows) and (target cols, source cols), in source pixels. Areas are their products.

    Raises
    ------
    GridError
        If the reference systems differ.
    """
    if source.crs != target.crs:
        raise GridError(f"cannot weigh areas between {source.crs} and {target.crs}", mend="warp to one of them first")
    x = _shared(
        (source.transform.c, source.transform.a, source.shape.x),
        (target.transform.c, target.transform.a, target.shape.x),
    )
    y = _shared(
        (-source.transform.f, -source.transform.e, source.shape.y),
        (-target.transform.f, -target.transform.e, target.shape.y),
    )
    return y, x


def _shared(source: tuple[float, float, int], target: tuple[float, float, int]) -> Any:
    from scipy.sparse import csr_array

    start, step, n_source = source
    # target edges in source pixels
    edges = ((target[0] - start) + target[1] * np.arange(target[2] + 1)) / step
    near = np.round(edges)
    edges = np.where(np.abs(edges - near) < _SLIVER, near, edges)
    span = int(np.ceil(target[1] / step)) + 1
    first = np.floor(edges[:-1]).astype(int)
    which = first[:, None] + np.arange(span)[None, :]
    length = np.minimum(edges[1:, None], which + 1) - np.maximum(edges[:-1, None], which)
    length = np.round(length, 9)  # so that a window's start leaves no trace in the last bit
    keep = (length > _SLIVER) & (which >= 0) & (which < n_source)
    row = np.broadcast_to(np.arange(target[2])[:, None], which.shape)
    return csr_array((length[keep], (row[keep], which[keep])), shape=(target[2], n_source))


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
    rows, cols = overlaps(source, target)
    seen = np.isfinite(values)
    total = rows @ np.where(seen, values, 0).astype(np.float64) @ cols.T
    weight = rows @ seen.astype(np.float64) @ cols.T
    return np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > _SLIVER).astype(np.float32)


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
    rows, cols = overlaps(source, target)
    covered = np.outer(rows.sum(axis=1), cols.sum(axis=1))
    whole = abs(target.transform.a * target.transform.e / (source.transform.a * source.transform.e))
    merged = np.where(covered < whole * (1 - _SLIVER * 10), np.uint8(outside), np.uint8(0))
    for bit in range(8):
        plane = (flags >> bit) & 1
        if plane.any():
            merged |= ((rows @ plane.astype(np.float32) @ cols.T) > _SLIVER).astype(np.uint8) << bit
    return merged.astype(np.uint8)


def resample_majority(codes: np.ndarray, source: GeoBox, target: GeoBox, unknown: int) -> np.ndarray:
    """Return on `target` the code that covers most of each pixel; `unknown` has no vote unless it is alone."""
    if source == target:
        return codes
    rows, cols = overlaps(source, target)
    best = np.zeros((target.shape.y, target.shape.x))
    winner = np.full(best.shape, unknown, dtype=codes.dtype)
    for code in np.unique(codes[codes != unknown]):
        area = rows @ (codes == code).astype(np.float64) @ cols.T
        better = area > best + _SLIVER
        best[better], winner[better] = area[better], code
    return winner


# -- shapes and points on a grid ------------------------------------------------------------------------


def rasterize(geometries: Sequence[Any], values: Sequence[int], grid: GeoBox, fill: int = 0) -> np.ndarray:
    """Burn polygons into int32: a pixel belongs to the polygon that holds its centre, the last one wins."""
    from rasterio.features import rasterize as burn

    if not len(geometries):
        return np.full((grid.shape.y, grid.shape.x), fill, dtype=np.int32)
    shapes = zip(geometries, (int(v) for v in values), strict=True)
    shape = (grid.shape.y, grid.shape.x)
    with _BURNING:
        return burn(shapes, out_shape=shape, transform=grid.transform, fill=fill, dtype="int32")


def pixels_of(grid: GeoBox, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, column and whether it is inside, of points given in the grid's reference system."""
    cols, rows = ~grid.transform @ (np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    finite = np.isfinite(cols) & np.isfinite(rows)
    cols = np.floor(np.where(finite, cols, -1)).astype(int)
    rows = np.floor(np.where(finite, rows, -1)).astype(int)
    inside = (rows >= 0) & (rows < grid.shape.y) & (cols >= 0) & (cols < grid.shape.x)
    return rows, cols, inside
