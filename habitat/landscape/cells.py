"""Survey cells: which they are, and which pixels are theirs.

A pixel belongs to the cell that holds its centre. Cells come with `zones`, an int32 raster of their
positions in the table, -1 where a pixel belongs to none: all that is counted by cell is counted by zone.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from habitat.errors import GridError
from habitat.grids import rasterize

_HECTOMETRE = 100
_SHARED = 1e-6
"""Polygons that share less than this part of their area only touch: drawing is never exact."""


def square_cells(
    grid: GeoBox, size_m: float, inside: NDArray[np.bool_] | None = None
) -> tuple[gpd.GeoDataFrame, NDArray[np.int32]]:
    """Cut the area into squares whose edges are multiples of their size, so that a cell is the same in every run.

    Parameters
    ----------
    size_m : float
        Side of the squares, metres of the grid's reference system: whole metres, two pixels or more.
    inside : bool array (y, x), optional
        Pixels of the area; default: all.

    Returns
    -------
    cells : GeoDataFrame
        `cell` and `geometry` (the whole square), row by row from the north-west; only squares that hold a
        pixel of the area. The name tells the south-west corner in units of 100 m, as in E4356N47712, or in
        metres if the size is no multiple of 100.
    zones : int32 array (y, x)

    Raises
    ------
    GridError
        If cells are smaller than two pixels or not whole metres, or no pixel is inside.
    """
    pixel = max(abs(grid.transform.a), abs(grid.transform.e))
    if size_m < 2 * pixel:
        raise GridError(
            f"cells of {size_m:g} m are smaller than two pixels", where="size_m", mend=f"use {2 * pixel:g} m or more"
        )
    if size_m != int(size_m):
        raise GridError(f"{size_m:g} m is not a whole number of metres", where="size_m", mend="use a whole number")
    size = int(size_m)
    ny, nx = grid.shape
    col = np.floor((grid.transform.c + grid.transform.a * (np.arange(nx) + 0.5)) / size).astype(np.int64)
    row = np.floor((grid.transform.f + grid.transform.e * (np.arange(ny) + 0.5)) / size).astype(np.int64)
    n_cols = int(col[-1] - col[0]) + 1
    places = ((row[0] - row)[:, None] * n_cols + (col - col[0])[None, :]).astype(np.int32)
    mask = _mask(grid, inside)
    held = np.bincount(places[mask], minlength=int(places[-1, -1]) + 1) > 0
    number = np.where(held, np.cumsum(held) - 1, -1).astype(np.int32)
    zones = np.where(mask, number[places], np.int32(-1))
    kept = np.flatnonzero(held)
    west, south = (col[0] + kept % n_cols) * size, (row[0] - kept // n_cols) * size
    unit = _HECTOMETRE if size % _HECTOMETRE == 0 else 1
    names = [f"E{x // unit}N{y // unit}" for x, y in zip(west, south, strict=True)]
    squares = shapely.box(west, south, west + size, south + size)
    return gpd.GeoDataFrame({"cell": names}, geometry=squares, crs=_crs(grid)), zones


def given_cells(
    cells: gpd.GeoDataFrame, grid: GeoBox, inside: NDArray[np.bool_] | None = None
) -> tuple[gpd.GeoDataFrame, NDArray[np.int32]]:
    """Take polygons as survey cells.

    Parameters
    ----------
    cells : GeoDataFrame
        Polygons in any reference system, with unique names in a column `cell`; without one they are
        numbered from 1.
    inside : bool array (y, x), optional
        Pixels of the area; default: all.

    Returns
    -------
    cells : GeoDataFrame
        `cell` (text) and `geometry` in the grid's reference system, all of them and in their order: one
        without a pixel in the area has an area of 0 there.
    zones : int32 array (y, x)

    Raises
    ------
    GridError
        If there is no reference system, no polygon, a name is missing or used twice, polygons overlap,
        or none holds a pixel of the area.
    """
    if cells.crs is None:
        raise GridError("the cells have no reference system", where="cells", mend="save them with one")
    geometry = cells.geometry.to_crs(_crs(grid)).reset_index(drop=True)
    if not len(geometry) or not geometry.geom_type.isin(["Polygon", "MultiPolygon"]).all():
        raise GridError("the cells are not all polygons", where="cells", mend="give one polygon for each cell")
    names = cells["cell"] if "cell" in cells.columns else pd.Series(range(1, len(cells) + 1))
    if names.isna().any() or not names.astype(str).is_unique:
        raise GridError("a cell's name is missing or used twice", where="cells", mend="give each its own `cell`")
    _refuse_overlaps(geometry, names)
    # one more than the position, so that 0 is none
    zones = rasterize(list(geometry), range(1, len(geometry) + 1), grid) - np.int32(1)
    zones[~_mask(grid, inside)] = -1
    if (zones < 0).all():
        raise GridError("no cell holds a pixel of the area", where="cells", mend="check where they lie")
    return gpd.GeoDataFrame({"cell": names.astype(str).to_numpy()}, geometry=geometry.to_numpy(), crs=_crs(grid)), zones


def paint_cells(values: Any, zones: NDArray[np.int32]) -> NDArray[np.float32]:
    """Give each pixel its cell's value: float32 (y, x), NaN where there is no cell.

    >>> paint_cells([0.25, 0.5], np.array([[0, 1, -1]]))
    array([[0.25, 0.5 ,  nan]], dtype=float32)
    """
    return np.append(np.asarray(values, dtype=np.float32), np.float32(np.nan))[zones]


def _mask(grid: GeoBox, inside: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    shape = (grid.shape.y, grid.shape.x)
    mask = np.ones(shape, dtype=bool) if inside is None else np.asarray(inside, dtype=bool)
    if mask.shape != shape:
        raise GridError(f"the area's pixels have the shape {mask.shape}, the grid {shape}", where="inside")
    if not mask.any():
        raise GridError("no pixel lies inside the area", where="area", mend="check the region or the bounding box")
    return mask


def _refuse_overlaps(geometry: gpd.GeoSeries, names: pd.Series) -> None:
    first, second = shapely.STRtree(geometry.to_numpy()).query(geometry.to_numpy(), predicate="intersects")
    pairs = first < second
    first, second = first[pairs], second[pairs]
    area = shapely.area(shapely.intersection(geometry.to_numpy()[first], geometry.to_numpy()[second]))
    smaller = np.minimum(geometry.area.to_numpy()[first], geometry.area.to_numpy()[second])
    bad = np.flatnonzero(area > _SHARED * smaller)
    if len(bad):
        one, other = names.iloc[first[bad[0]]], names.iloc[second[bad[0]]]
        raise GridError(f"cells {one} and {other} overlap", where="cells", mend="cut them so that they only touch")


def _crs(grid: GeoBox) -> str:
    return str(grid.crs)
