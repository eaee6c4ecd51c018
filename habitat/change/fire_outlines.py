"""Single fires from burnt pixels: which burns belong together, and their outlines.

Burns of neighbours, at sides or corners, are one fire if their first charred looks lie at most some weeks apart: a
pixel that burned in two years lies in two fires.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.change._fires import joined
from habitat.change.burns import SEVERITIES
from habitat.change.charring import BurnRules
from habitat.change.losses import patch_outlines


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
    row, column = (burns[name].to_numpy(np.int64) for name in ("row", "column"))
    day = burns["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    found = joined(row, column, day, apart_days=apart_days)
    by_fire = pd.DataFrame({"fire": found, "day": day, "place": row * (column.max(initial=0) + 1) + column})
    table = by_fire.groupby("fire").agg(size=("day", "size"), day=("day", "median"), place=("place", "min"))
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

    numbers, fire = np.unique(burns["fire"].to_numpy(np.int64), return_inverse=True)
    pixel_ha = abs(grid.transform.a * grid.transform.e) / 1e4
    size = np.bincount(fire, minlength=len(numbers))
    severity = burns["severity"].to_numpy(np.int64)
    held = np.zeros((len(numbers), max(SEVERITIES) + 1), np.int64)
    np.add.at(held, (fire, severity), 1)
    most = held.shape[1] - 1 - held[:, ::-1].argmax(axis=1)
    days = {name: _middle_days(burns[name].to_numpy(), fire, size) for name in _DATES}
    middle = burns.groupby(fire)[["dnbr", "dnbr_year"]].median()
    columns = {
        "fire": numbers,
        "year": days["date"].astype("datetime64[Y]").astype(np.int64) + 1970,
        **days,
        "area_ha": size * pixel_ha,
        "forest_ha": np.bincount(fire[burns["was_forest"].to_numpy(bool)], minlength=len(numbers)) * pixel_ha,
        "severity": pd.Series([SEVERITIES[code] for code in most], dtype="object"),
        "severe_share": held[:, _MODERATE_LOW + 1 :].sum(axis=1) / np.maximum(size, 1),
        "dnbr": middle["dnbr"].to_numpy(float),
        "dnbr_year": middle["dnbr_year"].to_numpy(float),
    }
    places = burns["row"].to_numpy(np.int64), burns["column"].to_numpy(np.int64)
    return gpd.GeoDataFrame(columns, geometry=_outlines(fire, *places, grid), crs=str(grid.crs))


_DATES = ("date", "earliest")
_MODERATE_LOW = 2


def _middle_days(days: np.ndarray, fire: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The median day of each fire, the earlier of two, datetime64[s] (fire,)."""
    ordered = days.astype("datetime64[D]")[np.lexsort((days, fire))]
    begins = np.cumsum(size) - size
    return np.asarray(ordered[begins + (size - 1) // 2].astype("datetime64[s]"))


def _outlines(fire: np.ndarray, row: np.ndarray, column: np.ndarray, grid: GeoBox) -> list[Any]:
    """The outline of each fire, whose pixels touch at sides or corners: as many in one raster as share no pixel."""
    if not len(fire):
        return []
    top, left = int(row.min()), int(column.min())
    shape = (int(row.max()) - top + 1, int(column.max()) - left + 1)
    window = grid[top : top + shape[0], left : left + shape[1]]
    sheet = _sheets(fire, row * (int(column.max()) + 1) + column)
    outlines: list[Any] = [None] * len(sheet)
    for own in range(int(sheet.max()) + 1):
        here = sheet[fire] == own
        burnt = np.zeros(shape, np.int32)
        burnt[row[here] - top, column[here] - left] = fire[here] + 1
        for number, outline in patch_outlines(burnt, window):
            outlines[int(number) - 1] = outline
    return outlines


def _sheets(fire: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Give each fire the first raster in which no fire with a smaller number has one of its pixels, int64 (fire,)."""
    shared = pd.DataFrame({"fire": fire, "place": place}).drop_duplicates()
    shared = shared[shared["place"].duplicated(keep=False)]
    met = shared.merge(shared, on="place", suffixes=("", "_other")).query("fire_other < fire")
    met = met[["fire", "fire_other"]].drop_duplicates().sort_values(["fire", "fire_other"])
    sheet = np.zeros(int(fire.max()) + 1, np.int64)
    for number, others in met.groupby("fire")["fire_other"]:
        taken = set(sheet[others.to_numpy()].tolist())
        sheet[int(str(number))] = next(free for free in range(len(taken) + 1) if free not in taken)
    return sheet
