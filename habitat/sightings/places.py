"""In which pixel, and so in which cell, something happened."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from habitat.errors import GridError
from habitat.grids import pixels_of


@dataclass(frozen=True)
class Pixels:
    """Pixels of points; row and column are 0 where a point lies outside."""

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    inside: NDArray[np.bool_]


def pixels_at(points: gpd.GeoDataFrame, grid: GeoBox) -> Pixels:
    """Return the pixels of points in any reference system.

    Raises
    ------
    GridError
        If the points carry no reference system.
    """
    if points.crs is None:
        raise GridError("the points have no reference system", where="sightings", mend="set their crs")
    geometry = points.geometry.to_crs(str(grid.crs))
    rows, cols, inside = pixels_of(grid, geometry.x, geometry.y)
    return Pixels(np.where(inside, rows, 0), np.where(inside, cols, 0), inside)


def locate(
    points: gpd.GeoDataFrame, cells: pd.DataFrame, zones: NDArray[np.int32], *, grid: GeoBox
) -> gpd.GeoDataFrame:
    """Return `points` with a column `cell`: the cell of the pixel that each lies in, null outside the area.

    Parameters
    ----------
    points : GeoDataFrame
        Events or deployments, in any reference system.
    cells, zones
        As :func:`habitat.landscape.square_cells` returns them.

    Raises
    ------
    GridError
        If the points carry no reference system.
    """
    at = pixels_at(points, grid)
    zone = np.where(at.inside, zones[at.row, at.col], -1)
    names = np.array([*cells["cell"], None], dtype=object)
    return points.assign(cell=names[zone])
