"""The habitat as it stood on the day: never a later map, and null where nothing was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from habitat.cubes import is_loss
from habitat.errors import ContractError
from habitat.seasons import Season
from habitat.sightings.days import local_days
from habitat.sightings.places import pixels_at

_OF_CELL = ("forest_share", "seen_share")

_ORDER = (
    *("event", "species", "individual", "time", "effort_id"),
    *("cell", "habitat_season", "habitat_from", "code", "forest_share", "years_since_loss"),
)
"""First columns of the joined table."""
_EPOCH = np.datetime64("2000-01-01", "D")
_NO_DATE = -32768


@dataclass(frozen=True)
class HabitatLayers:
    """What is known of pixels, on the grid of the run (y, x)."""

    maps: Iterable[tuple[int, NDArray[np.uint8]]]
    """Legend codes of each mapped year, 0 = unknown: a generator keeps one in memory."""
    loss_year: NDArray[np.uint16] | None = None
    """Year of the first loss, 0 = none, 65535 = unknown."""
    loss_day: NDArray[np.int16] | None = None
    """First look that shows the loss, days since 2000-01-01; -32768 = no break dates it."""


def habitat_year(times: pd.Series, season: Season, years: Sequence[int], *, timezone: str = "UTC") -> pd.Series:
    """Return the year of the latest mapped season that ended on or before each local day; null if none did.

    Parameters
    ----------
    times : Series of datetime64[UTC]
    season : Season
        The mapping season; one that crosses New Year belongs to the year in which it ends.
    years : sequence of int
        Years that were mapped.
    timezone : str
        Whose midnights part the days.

    >>> days = pd.Series(pd.to_datetime(["2021-09-14T23:00Z", "2021-09-15T00:00Z", "2015-01-01T00:00Z"]))
    >>> habitat_year(days, Season.parse("mapping", "06-01/09-15"), [2019, 2020, 2021]).tolist()
    [2020, 2021, <NA>]
    """
    day = local_days(times, timezone)
    mapped = np.sort(np.asarray(years, dtype=np.int64))
    ends = np.array([season.window(int(year))[1] for year in mapped], dtype="datetime64[D]")
    place = np.searchsorted(ends, day, side="right") - 1
    found = pd.array(np.append(mapped, 0)[place], dtype="Int64")
    found[(place < 0) | np.isnat(day)] = pd.NA
    return pd.Series(found, index=times.index, name="habitat_season")


def join_to_habitat(
    events: gpd.GeoDataFrame,
    habitat: gpd.GeoDataFrame,
    layers: HabitatLayers,
    *,
    grid: GeoBox,
    season: Season,
    timezone: str = "UTC",
) -> gpd.GeoDataFrame:
    """Give each event the habitat of its own day, in its pixel and in its cell.

    Habitat at date d is that of the latest mapping season that ended on or before d, never of a later
    one. A pixel that was not seen in that season has no class, and none is borrowed from another year.
    A dated break on or before d overrides the map of a season before the loss: the pixel's forest is gone, and what
    is there instead is not known until the next map. Shares of the cell stay those of the map.

    Parameters
    ----------
    events : GeoDataFrame
        EVENTS with `cell` (see :func:`locate`).
    habitat : GeoDataFrame
        CELLS: cell x year.
    layers : HabitatLayers
        Maps, and losses where they are known.
    season : Season
        The mapping season.
    timezone : str
        Whose midnights part the days.

    Returns
    -------
    GeoDataFrame
        All events, in their order, with `habitat_season` (the year whose map was used), `habitat_from` ("map", or
        "break" where one overrides it: `code` null, `years_since_loss` 0), `code` of the pixel, `forest_share` and
        `seen_share` of the cell, and `years_since_loss` of the pixel (null unless it was lost in or before that
        season, or a break overrides it). An event outside the area, or before the first map, has null in all of them.

    Raises
    ------
    ContractError
        If `events` have no column `cell`.
    """
    if "cell" not in events.columns:
        raise ContractError("column 'cell' is missing", where="events", mend="locate the events first")
    at = pixels_at(events, grid)
    here = at.inside & events["cell"].notna().to_numpy()
    used = habitat_year(events["time"], season, sorted(habitat["year"].unique()), timezone=timezone).array.copy()
    used[~here] = pd.NA
    year = np.asarray(used.fillna(0), dtype=np.int64)
    code = np.zeros(len(events), dtype=np.int64)
    for mapped, layer in layers.maps:
        now = here & (year == mapped)
        code[now] = layer[at.row[now], at.col[now]]
    zero = np.zeros(len(events), dtype=np.int64)
    lost = zero if layers.loss_year is None else layers.loss_year[at.row, at.col].astype(np.int64)
    broken = np.zeros(len(events), dtype=bool)
    if layers.loss_day is not None:
        shown = layers.loss_day[at.row, at.col].astype(np.int64)
        day = (local_days(events["time"], timezone) - _EPOCH).astype(np.int64)
        broken = (year > 0) & is_loss(lost) & (lost > year) & (shown != _NO_DATE) & (shown <= day)
    source = pd.Series(np.where(broken, "break", "map"), index=events.index, dtype="string").mask(year == 0)
    joined = events.assign(habitat_season=used, habitat_from=source, code=_null_where(code, (code == 0) | broken))
    of_cell = habitat.set_index(["cell", "year"])[list(_OF_CELL)]
    wanted = pd.MultiIndex.from_arrays([events["cell"], year])
    for column in _OF_CELL:
        joined[column] = of_cell[column].reindex(wanted).to_numpy()
    not_lost = ((year == 0) | ~is_loss(lost) | (lost > year)) & ~broken
    joined["years_since_loss"] = _null_where(np.where(broken, 0, year - lost), not_lost)
    others = [name for name in joined.columns if name not in (*_ORDER, "geometry")]
    return joined[[*_ORDER, *others, "geometry"]]


def _null_where(values: NDArray[np.int64], null: NDArray[np.bool_]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values, null)
