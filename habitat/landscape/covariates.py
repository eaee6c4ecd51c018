"""The habitat of each cell in each year: what was seen there, how much is forest, how much was lost.

Shares are of pixels that can answer: forest of those that were seen, loss of those that could be judged.
Of layers only a strip of rows is in memory, of zones and of what was there before one byte a pixel or four.
"""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Proj, Transformer

from habitat.cubes import CELLS, is_loss
from habitat.errors import ContractError
from habitat.landscape.memory import Past
from habitat.landscape.patches import positions
from habitat.landscape.zonal import Rows, Zones, same_shape, strips
from habitat.legend import DEFAULT_LEGEND, Legend

RECENT_YEARS = 3
"""`recent_loss` looks at a year and the two before it."""
LONG_YEARS = 5
"""`loss_5y`, `burnt_5y` and `loss_distance_m` look at a year and the four before it."""

_SPANS = np.array([1, RECENT_YEARS, LONG_YEARS])
_STRANGE = 127


def cell_covariates(
    maps: Iterable[tuple[int, Rows]],
    loss_year: Rows | None,
    cells: gpd.GeoDataFrame,
    zones: Zones,
    *,
    grid: GeoBox,
    legend: Legend = DEFAULT_LEGEND,
) -> gpd.GeoDataFrame:
    """Return CELLS: one row a cell and year; nothing in it is of a later year than the row's.

    Parameters
    ----------
    maps : iterable of (year, uint8 layer (y, x))
        Legend codes of each mapped year, 0 = unknown, years ascending: arrays, or :class:`Rows` of a file.
    loss_year : uint16 layer (y, x) or None
        Year of the first loss, 0 = none, 65535 = unknown; None if change was not mapped.
    cells, zones
        As :func:`square_cells` and :func:`given_cells` return them.

    Returns
    -------
    GeoDataFrame
        `cell`, `year`, `area_m2` (true area of its pixels in the area, on the ellipsoid), `seen_share`
        (pixels seen / pixels), `forest_share` and `share_<code>` (of the pixels seen), `loss_share` (pixels
        lost in this year / pixels that could be judged: seen in this year, their loss known),
        `recent_loss` and `loss_5y` (pixels lost in this year and the two or four before / the same),
        `edge_density_m_ha` (sides between forest and seen land without forest, metres a hectare seen),
        `loss_distance_m` (from the cell's centre to the nearest pixel lost in the last five years),
        `grass_from_forest` (pixels that are grassland and were mapped as forest before / pixels seen), `burnt_5y`
        (pixels mapped as burnt in the last five years / pixels seen), `burnt_years` (years mapped as burnt so far,
        mean of the pixels seen; the last two where the legend has such a class), geometry. A share is null
        where no pixel can answer; loss is null in the first year, which has none before it, and over three and five
        years in the first three and five.

    Raises
    ------
    ContractError
        If a map holds a code that the legend lacks.
    GridError
        If shapes differ.
    """
    if loss_year is not None:
        same_shape(loss_year, zones, "loss years")
    n_pixels = np.zeros(len(cells), dtype=np.int64)
    for strip in strips(len(zones)):
        n_pixels += np.bincount(zones[strip].ravel() + 1, minlength=len(cells) + 1)[1:]
    area = n_pixels * _pixel_area_m2(cells, grid)
    lost = None if loss_year is None else _LostPlaces(loss_year, grid)
    past = Past(zones.shape, legend)
    tables = []
    for k, (year, layer) in enumerate(maps):
        same_shape(layer, zones, f"map of {year}")
        table = pd.DataFrame({"cell": cells["cell"].to_numpy(), "year": year, "area_m2": area})
        counts, edges, losses = _count(layer, loss_year, zones, past, (year, len(cells), legend))
        seen = n_pixels - counts[:, 0]
        table["seen_share"] = _share(seen, n_pixels)
        forest = np.isin(legend.codes, legend.forest_codes)
        table["forest_share"] = _share(counts[:, 1:][:, forest].sum(axis=1), seen)
        for name, column, known in (("loss_share", 1, k > 0), ("recent_loss", 2, k >= 3), ("loss_5y", 3, k >= 5)):
            told = loss_year is not None and known
            table[name] = _share(losses[:, column], losses[:, 0]) if told else np.nan
        side = abs(grid.transform.a)
        table["edge_density_m_ha"] = _share(edges * side, seen * side * side / 1e4)
        table["loss_distance_m"] = np.nan if lost is None or k == 0 else lost.distance_m(cells, year)
        for name, count in past.counts().items():
            table[name] = _share(count, seen)
        for j, code in enumerate(legend.codes):
            table[f"share_{code}"] = _share(counts[:, j + 1], seen)
        tables.append(gpd.GeoDataFrame(table, geometry=cells.geometry.to_numpy(), crs=cells.crs))
    return CELLS.check(pd.concat(tables, ignore_index=True))


def _count(
    layer: Rows, loss_year: Rows | None, zones: Zones, past: Past, of: tuple[int, int, Legend]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Count a year's pixels by (cell, class), sides of forest by cell, and losses by (cell, span)."""
    from habitat.landscape import _counting

    year, n_cells, legend = of
    table = _columns(legend)
    counts = np.zeros((n_cells, len(legend.codes) + 1), dtype=np.int64)
    edges, losses = np.zeros(n_cells, dtype=np.int64), np.zeros((n_cells, len(_SPANS) + 1), dtype=np.int64)
    above = np.zeros((2, zones.shape[1]), dtype=np.int64)  # codes and zones of the row above: none
    past.begin(year, n_cells)
    for strip in strips(len(zones)):
        codes, where = np.ascontiguousarray(layer[strip]), np.ascontiguousarray(zones[strip])
        strange = _counting.classes(codes, where, table, above, counts, edges)
        if strange >= 0:
            raise ContractError(f"code {strange} is not in the legend", where=f"map of {year}")
        if loss_year is not None:
            _counting.losses(np.ascontiguousarray(loss_year[strip]), codes, where, year, _SPANS, losses)
        past.remember(strip, codes, where)
        above = np.stack([codes[-1], where[-1]]).astype(np.int64)
    return counts, edges, losses


def _columns(legend: Legend) -> NDArray[np.uint8]:
    """Of each code, its column among the counts; with bit 128 if it is forest."""
    table = np.full(256, _STRANGE, dtype=np.uint8)
    table[0] = 0
    table[list(legend.codes)] = np.arange(1, len(legend.codes) + 1)
    table[list(legend.forest_codes)] |= 128
    return table


class _LostPlaces:
    """Where pixels were lost, and when."""

    def __init__(self, loss_year: Rows, grid: GeoBox) -> None:
        rows, cols, years = [], [], []
        for strip in strips(loss_year.shape[0]):
            when = loss_year[strip]
            row, col = np.nonzero(is_loss(when))
            rows.append(row + strip.start)
            cols.append(col)
            years.append(when[row, col])
        self._years = np.concatenate(years).astype(np.int64)
        self._points = np.column_stack(positions(grid, np.concatenate(rows), np.concatenate(cols)))

    def distance_m(self, cells: gpd.GeoDataFrame, year: int) -> NDArray[np.float64]:
        """From each cell's centre to the nearest pixel lost in the last years up to `year`; NaN if there is none."""
        from scipy.spatial import cKDTree

        near = (self._years <= year) & (self._years > year - LONG_YEARS)
        if not near.any():
            return np.full(len(cells), np.nan)
        middle = cells.geometry.centroid
        tree = cKDTree(self._points[near], balanced_tree=False, compact_nodes=False)  # many points, few questions
        distance, _ = tree.query(np.column_stack([middle.x, middle.y]))
        return np.asarray(distance, dtype=float)


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=np.asarray(whole) > 0)


def _pixel_area_m2(cells: gpd.GeoDataFrame, grid: GeoBox) -> NDArray[np.float64]:
    """True area of a pixel at each cell: a map's metre is not a metre everywhere (UTM: up to 0.2% of area)."""
    crs = CRS.from_user_input(str(grid.crs))
    middle = cells.geometry.centroid
    geographic = crs.geodetic_crs
    lon, lat = Transformer.from_crs(crs, geographic, always_xy=True).transform(middle.x.to_numpy(), middle.y.to_numpy())
    scale = np.asarray(Proj(crs).get_factors(lon, lat).areal_scale, dtype=float)
    return abs(grid.transform.a * grid.transform.e) / scale
