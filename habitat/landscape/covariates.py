"""The habitat of each cell in each year: what was seen there, how much is forest, how much was lost.

Shares are of pixels that can answer: forest of those that were seen, loss of those that could be judged.
One year is in memory at a time, and of it one strip of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Proj, Transformer

from habitat.cubes import CELLS, UNKNOWN_LOSS
from habitat.errors import ContractError, GridError
from habitat.legend import DEFAULT_LEGEND, Legend

RECENT_YEARS = 3
"""`recent_loss` looks at a year and the two before it."""

_STRIP = 512

Codes = NDArray[np.uint8]


def cell_covariates(
    maps: Iterable[tuple[int, Codes]],
    loss_year: NDArray[np.uint16] | None,
    cells: gpd.GeoDataFrame,
    zones: NDArray[np.int32],
    *,
    grid: GeoBox,
    legend: Legend = DEFAULT_LEGEND,
) -> gpd.GeoDataFrame:
    """Return CELLS: one row a cell and year.

    Parameters
    ----------
    maps : iterable of (year, uint8 array (y, x))
        Legend codes of each mapped year, 0 = unknown, years ascending: a generator keeps one in memory.
    loss_year : uint16 array (y, x) or None
        Year of the first loss, 0 = none, 65535 = unknown; None if change was not mapped.
    cells, zones
        As :func:`square_cells` and :func:`given_cells` return them.

    Returns
    -------
    GeoDataFrame
        `cell`, `year`, `area_m2` (true area of its pixels in the area, on the ellipsoid), `seen_share`
        (pixels seen / pixels), `forest_share` and `share_<code>` (of the pixels seen), `loss_share` (pixels
        lost in this year / pixels that could be judged: seen in this year, their loss known),
        `recent_loss` (pixels lost in this year and the two before / the same), geometry. A share is
        null where no pixel can answer; loss is null in the first year, which has none before it, and
        recent loss in the first three.

    Raises
    ------
    ContractError
        If a map holds a code that the legend lacks.
    GridError
        If shapes differ.
    """
    if loss_year is not None:
        _same_shape(loss_year, zones, "loss years")
    n_cells = len(cells)
    n_pixels = _count(zones, None, n_cells, 1)[:, 0]
    area = n_pixels * _pixel_area_m2(cells, grid)
    forest = np.isin(legend.codes, legend.forest_codes)
    tables = []
    for k, (year, layer) in enumerate(maps):
        _same_shape(layer, zones, f"map of {year}")
        counts = _count(zones, _positions(layer, legend, year), n_cells, len(legend.codes) + 1)
        seen, of_class = n_pixels - counts[:, 0], counts[:, 1:]
        table = pd.DataFrame({"cell": cells["cell"].to_numpy(), "year": year, "area_m2": area})
        table["seen_share"] = _share(seen, n_pixels)
        table["forest_share"] = _share(of_class[:, forest].sum(axis=1), seen)
        table["loss_share"], table["recent_loss"] = np.nan, np.nan
        if loss_year is not None and k > 0:
            lost, recent, judged = _loss_counts(loss_year, layer, zones, n_cells, year)
            table["loss_share"] = _share(lost, judged)
            if k >= RECENT_YEARS:
                table["recent_loss"] = _share(recent, judged)
        for j, name in enumerate(legend.codes):
            table[f"share_{name}"] = _share(of_class[:, j], seen)
        tables.append(gpd.GeoDataFrame(table, geometry=cells.geometry.to_numpy(), crs=cells.crs))
    return CELLS.check(pd.concat(tables, ignore_index=True))


def _strips(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _STRIP):
        yield slice(start, min(start + _STRIP, rows))


def _count(
    zones: NDArray[np.int32], kinds: Callable[[slice], NDArray[np.integer]] | None, n_cells: int, n_kinds: int
) -> NDArray[np.int64]:
    """Count pixels by (cell, kind)."""
    total = np.zeros(n_cells * n_kinds, dtype=np.int64)
    for strip in _strips(len(zones)):
        of_cell = zones[strip]
        inside = of_cell >= 0
        key = of_cell[inside].astype(np.int64) * n_kinds
        if kinds is not None:
            key += kinds(strip)[inside]
        total += np.bincount(key, minlength=len(total))
    return total.reshape(n_cells, n_kinds)


def _positions(layer: Codes, legend: Legend, year: int) -> Callable[[slice], NDArray[np.integer]]:
    """Return the position of each pixel's class in the legend, from 1; unknown is 0."""
    table = np.full(256, 255, dtype=np.uint8)
    table[0] = 0
    table[list(legend.codes)] = np.arange(1, len(legend.codes) + 1)

    def of(strip: slice) -> NDArray[np.integer]:
        found = table[layer[strip]]
        if (found == 255).any():
            strange = int(layer[strip][found == 255][0])
            raise ContractError(f"code {strange} is not in the legend", where=f"map of {year}")
        return found

    return of


def _loss_counts(
    loss_year: NDArray[np.uint16], layer: Codes, zones: NDArray[np.int32], n_cells: int, year: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pixels lost in `year`, lost recently, and judged, by cell."""

    def kinds(strip: slice) -> NDArray[np.integer]:
        when = loss_year[strip]
        judged = (when != UNKNOWN_LOSS) & ((layer[strip] != 0) | (when == year))
        recent = judged & (when > year - RECENT_YEARS) & (when <= year)
        return judged.astype(np.uint8) + recent + (recent & (when == year))

    counts = _count(zones, kinds, n_cells, 4)
    return counts[:, 3], counts[:, 2] + counts[:, 3], counts[:, 1:].sum(axis=1)


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _pixel_area_m2(cells: gpd.GeoDataFrame, grid: GeoBox) -> NDArray[np.float64]:
    """True area of a pixel at each cell: a map's metre is not a metre everywhere (UTM: up to 0.2% of area)."""
    crs = CRS.from_user_input(str(grid.crs))
    middle = cells.geometry.centroid
    geographic = crs.geodetic_crs
    lon, lat = Transformer.from_crs(crs, geographic, always_xy=True).transform(middle.x.to_numpy(), middle.y.to_numpy())
    scale = np.asarray(Proj(crs).get_factors(lon, lat).areal_scale, dtype=float)
    return abs(grid.transform.a * grid.transform.e) / scale


def _same_shape(layer: NDArray[np.generic], zones: NDArray[np.int32], where: str) -> None:
    if layer.shape != zones.shape:
        raise GridError(f"has the shape {layer.shape}, the cells' zones {zones.shape}", where=where)
