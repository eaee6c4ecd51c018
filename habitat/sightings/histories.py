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

from habitat.cubes import EFFORT
from habitat.errors import ContractError, RecipeError
from habitat.seasons import Season

_DAY = np.timedelta64(1, "D") / np.timedelta64(1, "us")

_MOMENT_DAYS = 1e-9


@dataclass(frozen=True)
class Occasions:
    """A survey season cut into occasions; the population is taken as closed over all of them."""

    season: int
    """The year that the season belongs to."""
    edges: pd.DatetimeIndex
    """UTC; occasion i runs from edges[i] up to, but not including, edges[i + 1]."""

    @classmethod
    def of(cls, season: Season, year: int, *, days: int) -> Occasions:
        """Cut the season of `year` into occasions of `days`; the last one ends with the season and may be shorter.

        Raises
        ------
        RecipeError
            If the season has not room for two occasions: with one, detection cannot be told from occupancy.

        >>> Occasions.of(Season.parse("winter", "12-01/02-28"), 2021, days=30).edges.strftime("%m-%d").tolist()
        ['12-01', '12-31', '01-30', '03-01']
        """
        first, last = season.window(year)
        start, stop = pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC") + pd.Timedelta(days=1)
        length = (stop - start).days
        if length <= days:
            raise RecipeError(
                f"occasions of {days} days leave a season of {length} days with only one",
                where="[occupancy] occasion_days",
                mend="use shorter occasions or a longer season",
            )
        cuts = [*pd.date_range(start, stop, freq=pd.Timedelta(days=days), inclusive="left"), stop]
        return cls(year, pd.DatetimeIndex(cuts))

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
        EFFORT with `cell` (see :func:`locate`). Days worked are spread evenly from start to end.

    Returns
    -------
    history : Dataset
        Over (cell, occasion), cells that were surveyed in the season: `detected` (float: 1 seen, 0 not
        seen, NaN not surveyed) and `effort` (camera-days, 0 where not surveyed); `start` of each occasion;
        attributes species and season.
    set_aside : DataFrame
        event, reason: events of the species in the season that do not count. Those without an effort_id
        (opportunistic sightings) are not listed.

    Raises
    ------
    ContractError
        If `effort` has no column `cell`, or a deployment ends before it starts.
    """
    EFFORT.check(effort)
    if "cell" not in effort.columns:
        raise ContractError("column 'cell' is missing", where="effort", mend="locate the deployments first")
    if not (effort["end"] > effort["start"]).all():
        raise ContractError("a deployment ends before it starts", where="effort")
    days = _effort_days(effort, occasions.edges)
    placed = effort["cell"].notna().to_numpy()
    names = np.array(sorted(set(effort["cell"][placed & (days.sum(axis=1) > 0)])), dtype=object)
    cell = pd.Index(names).get_indexer(effort["cell"])
    camera_days = np.zeros((len(names), len(occasions)))
    np.add.at(camera_days, cell[cell >= 0], days[cell >= 0])

    counted, set_aside = _linked(events, effort, species, occasions)
    occasion, deployment = counted["occasion"].to_numpy(dtype=int), counted["deployment"].to_numpy(dtype=int)
    detected = np.where(camera_days > 0, 0.0, np.nan)
    detected[cell[deployment], occasion] = 1.0
    history = xr.Dataset(
        {"detected": (("cell", "occasion"), detected), "effort": (("cell", "occasion"), camera_days)},
        coords={
            "cell": names,
            "occasion": np.arange(len(occasions)),
            "start": ("occasion", occasions.edges[:-1].tz_localize(None).to_numpy()),
        },
        attrs={"species": species, "season": occasions.season},
    )
    history["effort"].attrs["units"] = "camera-days"
    return history, set_aside


def _effort_days(effort: gpd.GeoDataFrame, edges: pd.DatetimeIndex) -> NDArray[np.float64]:
    """Return days worked, (deployment, occasion)."""
    start, end, edge = _days(effort["start"]), _days(effort["end"]), _days(pd.Series(edges))
    shared = np.minimum(end[:, None], edge[None, 1:]) - np.maximum(start[:, None], edge[None, :-1])
    worked = effort["effort_days"].to_numpy(dtype=float) / (end - start)
    return np.maximum(shared, 0.0) * worked[:, None]


def _days(times: pd.Series) -> NDArray[np.float64]:
    return times.astype("datetime64[us, UTC]").astype("int64").to_numpy() / _DAY


def _linked(
    events: gpd.GeoDataFrame, effort: gpd.GeoDataFrame, species: str, occasions: Occasions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return events that count, with the positions of their deployment and occasion, and those set aside."""
    first, last = occasions.edges[0], occasions.edges[-1]
    chosen = (events["species"] == species) & events["effort_id"].notna()
    chosen &= (events["time"] >= first) & (events["time"] < last)
    of = pd.DataFrame(events.loc[chosen, ["event", "time", "effort_id"]])
    of["deployment"] = pd.Index(effort["effort_id"]).get_indexer(of["effort_id"])
    known = (of["deployment"] >= 0).to_numpy()
    at = of["deployment"].to_numpy()[known]
    time, start, end = _days(of["time"]), _days(effort["start"])[at], _days(effort["end"])[at]
    edges = _days(pd.Series(occasions.edges))
    # a picture at the moment that a camera was taken down belongs to the time before
    within = np.minimum(time[known], end - _MOMENT_DAYS)
    why = np.full(len(at), None, dtype=object)
    why[effort["cell"].isna().to_numpy()[at]] = "its deployment lies outside the area"
    why[effort["effort_days"].to_numpy()[at] <= 0] = "its deployment worked no day"
    why[(time[known] < start) | (time[known] > end) | (within < edges[0])] = "outside the dates of its deployment"
    reason = np.full(len(of), "its effort_id is not among the effort", dtype=object)
    reason[known] = why
    of["occasion"] = 0
    of.loc[known, "occasion"] = np.searchsorted(edges, within, side="right") - 1
    good = np.array([text is None for text in reason], dtype=bool)
    return of[good], pd.DataFrame({"event": of["event"][~good], "reason": reason[~good]}).reset_index(drop=True)
