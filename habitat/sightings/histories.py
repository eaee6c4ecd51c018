"""Detection histories: in which cells someone looked, for how long, and whether the species was seen.

No effort means not surveyed, never not detected.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from habitat.errors import RecipeError
from habitat.seasons import Season
from habitat.sightings.days import midnights
from habitat.sightings.efforts import days_of, effort_by_cell, is_camera

_MOMENT_DAYS = 1e-9


@dataclass(frozen=True)
class Occasions:
    """A survey season cut into occasions; the population is taken as closed over all of them."""

    season: int
    """The year that the season belongs to."""
    edges: pd.DatetimeIndex
    """UTC; occasion i runs from edges[i] up to, but not including, edges[i + 1]."""

    @classmethod
    def of(cls, season: Season, year: int, *, days: int, timezone: str = "UTC") -> Occasions:
        """Cut the season of `year` into occasions of `days`; the last one ends with the season and may be shorter.

        They begin at midnights of `timezone`.

        Raises
        ------
        RecipeError
            If the season has not room for two occasions: with one, detection cannot be told from occupancy.

        >>> Occasions.of(Season.parse("winter", "12-01/02-28"), 2021, days=30).edges.strftime("%m-%d").tolist()
        ['12-01', '12-31', '01-30', '03-01']
        """
        first, last = season.window(year)
        start, stop = pd.Timestamp(first), pd.Timestamp(last) + pd.Timedelta(days=1)
        length = (stop - start).days
        if length <= days:
            raise RecipeError(
                f"occasions of {days} days leave a season of {length} days with only one",
                where="[occupancy] occasion_days",
                mend="use shorter occasions or a longer season",
            )
        cuts = [*pd.date_range(start, stop, freq=pd.Timedelta(days=days), inclusive="left"), stop]
        return cls(year, midnights(cuts, timezone))

    def __len__(self) -> int:
        return len(self.edges) - 1


def detection_history(
    events: gpd.GeoDataFrame, effort: gpd.GeoDataFrame, *, species: str, occasions: Occasions
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Return the detection history of one species in one season.

    Only events that belong to an effort count: where nobody looked regularly, a sighting says nothing of
    how often the animal is missed.

    Parameters
    ----------
    events : GeoDataFrame
        EVENTS: species, time, effort_id, event.
    effort : GeoDataFrame
        EFFORT with `cell` (see :func:`locate`), one row a deployment or a patrol's pass through a cell. Effort is
        spread evenly from start to end.

    Returns
    -------
    history : Dataset
        Over (cell, occasion), cells that were surveyed in the season: `detected` (float: 1 seen, 0 not
        seen, NaN not surveyed) and `effort` (days of cameras and days on patrol, 0 where not surveyed); `start` of
        each occasion; attributes species and season. Where there are patrols `effort_km` (walked), and where
        somebody judged identifications `certain` (1, 0, NaN: of records), as models of false records read it.
    set_aside : DataFrame
        event, reason: events of the species in the season that do not count. Those without an effort_id
        (opportunistic sightings) are not listed.

    Raises
    ------
    ContractError
        If `effort` has no column `cell`, or a deployment ends before it starts.
    """
    amounts = effort_by_cell(effort, occasions.edges)
    names = amounts["cell"].to_numpy()
    cell = pd.Index(names).get_indexer(effort["cell"])
    counted, set_aside = _linked(events, effort, species, occasions)
    occasion, row = counted["occasion"].to_numpy(dtype=int), counted["deployment"].to_numpy(dtype=int)
    detected = np.where(amounts["surveyed"], 0.0, np.nan)
    detected[cell[row], occasion] = 1.0
    days = amounts["camera_days"] + amounts["patrol_hours"] / 24
    history = xr.Dataset(
        {"detected": (("cell", "occasion"), detected), "effort": days},
        attrs={"species": species, "season": occasions.season},
    )
    history["effort"].attrs["units"] = "camera-days"
    if not is_camera(effort).all():
        history["effort"].attrs["units"] = "days of cameras and of patrols"
        history["effort_km"] = amounts["patrol_km"]
    if "certain" in counted and counted["certain"].notna().any():
        history["certain"] = (("cell", "occasion"), _certain(counted, cell[row], occasion, detected.shape))
    return history, set_aside


def _certain(
    counted: pd.DataFrame, cell: NDArray[np.intp], occasion: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """1 where any record is certain, 0 where those that were judged are not, NaN where nobody judged one."""
    judged = counted["certain"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(judged)
    certain = np.full(shape, -1.0)
    np.maximum.at(certain, (cell[known], occasion[known]), judged[known])
    return np.where(certain < 0, np.nan, certain)


_OF_EVENT = ("event", "time", "effort_id", "certain")


def _worked(effort: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Rows of effort with any; where only the day of a patrol is known, its kilometres tell."""
    walked = effort["effort_km"].to_numpy(dtype=float) > 0 if "effort_km" in effort.columns else False
    return np.asarray((effort["effort_days"].to_numpy(dtype=float) > 0) | walked)


def _hours_unknown(effort: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Passes of which only the day is known."""
    if "timed" not in effort.columns:
        return np.zeros(len(effort), dtype=bool)
    return ~effort["timed"].astype("boolean").fillna(True).to_numpy(dtype=bool)


def _linked(
    events: gpd.GeoDataFrame, effort: gpd.GeoDataFrame, species: str, occasions: Occasions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return events that count, with the positions of their deployment and occasion, and those set aside."""
    first, last = occasions.edges[0], occasions.edges[-1]
    chosen = (events["species"] == species) & events["effort_id"].notna()
    chosen &= (events["time"] >= first) & (events["time"] < last)
    of = pd.DataFrame(events.loc[chosen, [name for name in _OF_EVENT if name in events.columns]])
    of["deployment"] = pd.Index(effort["effort_id"]).get_indexer(of["effort_id"])
    known = (of["deployment"] >= 0).to_numpy()
    at = of["deployment"].to_numpy()[known]
    time, start, end = days_of(of["time"]), days_of(effort["start"])[at], days_of(effort["end"])[at]
    edges = days_of(pd.Series(occasions.edges))
    # a picture at the moment that a camera was taken down belongs to the time before
    within = np.minimum(time[known], end - _MOMENT_DAYS)
    # of a pass whose hours are not known only the day is: a record of that day belongs to it
    slack = np.where(_hours_unknown(effort)[at], 1.0, 0.0)
    within = np.where(slack > 0, np.clip(within, start, end - _MOMENT_DAYS), within)
    why = np.full(len(at), None, dtype=object)
    why[effort["cell"].isna().to_numpy()[at]] = "its deployment lies outside the area"
    why[~_worked(effort)[at]] = "its deployment worked no day"
    outside = (time[known] < start - slack) | (time[known] > end + slack) | (within < edges[0])
    why[outside] = "outside the dates of its deployment"
    reason = np.full(len(of), "its effort_id is not among the effort", dtype=object)
    reason[known] = why
    of["occasion"] = 0
    of.loc[known, "occasion"] = np.searchsorted(edges, within, side="right") - 1
    good = np.array([text is None for text in reason], dtype=bool)
    return of[good], pd.DataFrame({"event": of["event"][~good], "reason": reason[~good]}).reset_index(drop=True)
