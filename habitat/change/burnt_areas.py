"""Single fires from burnt pixels: which burns belong together, and their outlines.

Burns of neighbours, at sides or corners, are one fire if their first charred looks lie at most some weeks apart: a
pixel that burned in two years lies in two fires.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.change.burns import SEVERITIES
from habitat.change.charring import BurnRules
from habitat.change.losses import patch_outlines

_SIDES = ((0, 1), (1, 0), (1, 1), (1, -1))


def number_fires(burns: pd.DataFrame, *, apart_days: float = BurnRules.agree_days) -> np.ndarray:
    """Number the fires that burns belong to from 1, the largest first.

    Parameters
    ----------
    burns : DataFrame
        A row a burn of a pixel: `row`, `column` (int), `date` (datetime64) of the first look that shows it.
    apart_days : float
        Burns of neighbours belong together if they are at most so far apart.

    Returns
    -------
    int64 array (burn,)
        Of fires of one size the earlier comes first, then the one whose first pixel lies farther north, then west.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(burns):
        return np.empty(0, np.int64)
    row, column = (burns[name].to_numpy(np.int64) for name in ("row", "column"))
    day = burns["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    width = int(column.max()) + 3  # a column more on each side, so that no row runs on into the next
    place = row * width + column + 1
    ends = [np.empty((0, 2), np.int64)]
    own = pd.DataFrame({"place": place, "burn": np.arange(len(burns)), "day": day})
    for down, right in _SIDES:
        beside = own.assign(place=own["place"] - down * width - right)
        met = own.merge(beside, on="place", suffixes=("", "_beside"))
        met = met[(met["day"] - met["day_beside"]).abs() <= apart_days]
        ends.append(met[["burn", "burn_beside"]].to_numpy())
    first, second = np.concatenate(ends).T
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(len(burns),) * 2)
    found = connected_components(links, directed=False)[1]
    by_fire = pd.DataFrame({"fire": found, "day": day, "place": place}).groupby("fire")
    table = by_fire.agg(size=("day", "size"), day=("day", "median"), place=("place", "min"))
    order = np.lexsort((table["place"], table["day"], -table["size"]))
    number = np.empty(len(table), np.int64)
    number[order] = np.arange(1, len(table) + 1)
    return number[found]


def outline_fires(burns: pd.DataFrame, grid: GeoBox) -> Any:
    """Return fires as polygons, in the order of their numbers.

    Parameters
    ----------
    burns : DataFrame
        A row a burn of a pixel: `fire` of :func:`number_fires`, `row`, `column`; `date` and `earliest`, datetime64;
        `severity`, a code of :data:`habitat.change.burns.SEVERITIES`; `dnbr` and `dnbr_year`, NaN = not known;
        `was_forest`, bool.
    grid : GeoBox
        Whose rows and columns they are.

    Returns
    -------
    GeoDataFrame
        `fire`; `year`, `date` and `earliest`: medians of the looks that first show it and of those before; `area_ha`
        and `forest_ha`, by pixel count; `severity`, the class of most pixels, the graver of equals; `severe_share`,
        of pixels above moderate-low; `dnbr` and `dnbr_year`, medians; geometry in the grid's reference system.
    """
    import geopandas as gpd

    pixel_ha = abs(grid.transform.a * grid.transform.e) / 1e4
    rows, outlines = [], []
    for fire, own in burns.groupby("fire"):
        date, earliest = (_middle_day(own[name].to_numpy()) for name in _DATES)
        counts = own["severity"].value_counts()
        rows.append(
            {
                "fire": int(str(fire)),
                "year": int(date.astype("datetime64[Y]").astype(int)) + 1970,
                "date": date,
                "earliest": earliest,
                "area_ha": len(own) * pixel_ha,
                "forest_ha": int(own["was_forest"].sum()) * pixel_ha,
                "severity": SEVERITIES[int(counts[counts == counts.max()].index.max())],
                "severe_share": float((own["severity"] > _MODERATE_LOW).mean()),
                "dnbr": float(own["dnbr"].median()),
                "dnbr_year": float(own["dnbr_year"].median()),
            }
        )
        outlines.append(_outline(own["row"].to_numpy(np.int64), own["column"].to_numpy(np.int64), grid))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    kinds = dict.fromkeys(_SHARES, "float64") | dict.fromkeys(_DATES, "datetime64[s]")
    table = table.astype(kinds | {"fire": "int64", "year": "int64", "severity": "object"})
    return gpd.GeoDataFrame(table, geometry=outlines, crs=str(grid.crs))


_DATES = ("date", "earliest")
_SHARES = ("area_ha", "forest_ha", "severe_share", "dnbr", "dnbr_year")
COLUMNS = ("fire", "year", *_DATES, "area_ha", "forest_ha", "severity", "severe_share", "dnbr", "dnbr_year")
"""Of :func:`outline_fires`, without the geometry."""
_MODERATE_LOW = 2


def _middle_day(days: np.ndarray) -> np.datetime64:
    """The median day, the earlier of two."""
    ordered = np.sort(days.astype("datetime64[D]"))
    return np.datetime64(ordered[(len(ordered) - 1) // 2], "s")


def _outline(row: np.ndarray, column: np.ndarray, grid: GeoBox) -> Any:
    """The outline of pixels that touch at sides or corners."""
    top, left = int(row.min()), int(column.min())
    burnt = np.zeros((int(row.max()) - top + 1, int(column.max()) - left + 1), np.uint8)
    burnt[row - top, column - left] = 1
    return patch_outlines(burnt, grid[top : top + burnt.shape[0], left : left + burnt.shape[1]])[0][1]
