"""The grid itself: how one is made, how a cube carries it, and when two are one."""

from __future__ import annotations

from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from habitat.errors import GridError


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
