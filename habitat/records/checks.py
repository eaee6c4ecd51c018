"""Faults that no record shows by itself: clocks against deployments, places against stations, cameras side by side."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from habitat.records.kinds import FLAGGED, KINDS
from habitat.records.linking import FAR_M
from habitat.records.sieve import findings_table, merge_findings
from habitat.records.values import metres_apart
from habitat.sightings.links import microseconds, rows_at

_SHIFTS_HOURS = (*range(1, 15), 24, 365 * 24, 366 * 24, 2 * 365 * 24, 731 * 24)
"""Shifts that clocks have: zones and summer time, noon for midnight, a day, a year or two."""
_SAME_SPOT_DEGREES = 0.0005
"""Cameras within about 50 m of each other look at one place."""


def check_observations(observations: gpd.GeoDataFrame, effort: gpd.GeoDataFrame | None, area: Any) -> pd.DataFrame:
    """Return what is odd about records that are used: findings, all flagged."""
    noted = _Notes(observations)
    if area is not None:
        x, y = observations.geometry.x.to_numpy(), observations.geometry.y.to_numpy()
        noted.flag(~shapely.intersects_xy(area, x, y), "outside_area", "lies outside the area")
    faults, reasons = (observations[name].to_numpy(dtype=object) for name in ("fault", "reason"))
    for kind in sorted(set(faults[pd.notna(faults)])):
        noted.flag(faults == kind, kind, reasons)
    if effort is not None and len(effort):
        row, holds = rows_at(observations["effort_id"], observations["time"], effort)
        named = observations["effort_id"].notna().to_numpy()
        noted.flag(named & (row < 0), "effort_unknown", "its effort_id is not among the effort")
        cameras = (row >= 0) & (effort["method"].to_numpy()[row] == "camera")
        _check_times(observations, effort, np.where(cameras, row, -1), holds, noted)
        _check_zones(observations, noted)
        issues = effort["issues"].astype("string").str.casefold().isin(["true", "yes", "1"]).to_numpy()
        issue = cameras & issues[row]
        noted.flag(issue, "timestamp_issues", "its deployment says that its times are wrong")
    return noted.findings()


def check_effort(effort: gpd.GeoDataFrame, area: Any) -> pd.DataFrame:
    """Return what is odd about deployments that are used: findings, all flagged."""
    noted = _Notes(effort)
    points = effort.geometry
    whole = ~effort.duplicated(["file", "row"]).to_numpy()
    if area is not None:
        inside = shapely.intersects_xy(area, points.x.to_numpy(), points.y.to_numpy())
        noted.flag(whole & ~inside, "outside_area", "lies outside the area")
    start, end, name = microseconds(effort["start"]), microseconds(effort["end"]), pd.factorize(effort["deployment"])[0]
    spots = np.asarray(points, dtype=object)
    overlaps, moved = np.zeros(len(effort), dtype=bool), np.zeros(len(effort), dtype=bool)
    # two parks may both have a station 1
    park = effort["source"].fillna(effort["folder"])
    for at in (
        pd.DataFrame({"station": effort["station"].to_numpy(), "park": park.to_numpy()})
        .groupby(["station", "park"])
        .indices.values()
    ):
        if len(at) > 1:
            overlaps[at] = _overlapping(start[at], end[at], name[at])
            moved[at] = _far(spots[at], spots[at[0]])
    # two parks may know one camera by two names: the place tells
    one, other = shapely.STRtree(spots).query(spots, predicate="dwithin", distance=_SAME_SPOT_DEGREES)
    twice = (one > other) & (name[one] != name[other]) & (start[one] < end[other]) & (start[other] < end[one])
    overlaps[one[twice]] = True
    both = "works at one station or place on the same days as another: camera-days are counted of each"
    noted.flag(whole & overlaps, "overlapping_deployments", both)
    noted.flag(whole & moved, "station_moved", f"its station stood more than {FAR_M:g} m away before")
    return noted.findings()


class _Notes:
    """Findings about the rows of a table that remember their file and row."""

    def __init__(self, table: Any) -> None:
        self._file, self._row = table["file"].to_numpy(dtype=object), table["row"].to_numpy()
        self._parts: list[pd.DataFrame] = []

    def flag(self, which: NDArray[np.bool_], kind: str, reason: Any) -> None:
        assert KINDS[kind] == FLAGGED
        at = np.flatnonzero(which)
        if not len(at):
            return
        reasons = [reason] * len(at) if isinstance(reason, str) else [reason[i] for i in at]
        self._parts.append(findings_table(self._file[at], self._row[at], kind, FLAGGED, reasons))

    def findings(self) -> pd.DataFrame:
        return merge_findings(self._parts)


def _check_times(
    observations: gpd.GeoDataFrame,
    effort: gpd.GeoDataFrame,
    row: NDArray[np.intp],
    holds: NDArray[np.bool_],
    noted: _Notes,
) -> None:
    """Flag records that their deployment's dates do not hold, and say by how much its clock may be wrong."""
    known = row >= 0
    name = effort["deployment"].to_numpy(dtype=object)
    span = effort.groupby("deployment", sort=False).agg(start=("start", "min"), end=("end", "max"))
    of = span.index.get_indexer(name)[np.where(known, row, 0)]
    time = observations["time"]
    when = microseconds(time)
    early = known & (when < microseconds(span["start"])[of])
    late = known & (when > microseconds(span["end"])[of])
    outside = early | late
    shifted: dict[Any, str] = {}
    if outside.any():
        deployment = pd.Series(np.where(known, name[row], None), index=observations.index, dtype=object)
        for which in sorted(set(deployment[outside])):
            mine = (deployment == which).to_numpy()
            hours = likely_shift(time[mine], span.loc[which, "start"], span.loc[which, "end"])
            if hours is not None:
                said = f"{hours / 24:+g} days" if abs(hours) >= 24 else f"{hours:+d} h"
                shifted[which] = (
                    f"{int((outside & mine).sum())} of {int(mine.sum())} records of {which!r} lie outside its dates: "
                    f"all would lie inside if the clock were set {said}"
                )
        by_clock = outside & deployment.isin(list(shifted)).to_numpy()
        noted.flag(by_clock, "clock_shift", deployment.map(shifted, na_action="ignore").to_numpy())
        early, late = early & ~by_clock, late & ~by_clock
    noted.flag(early, "before_deployment", "lies before its deployment began")
    noted.flag(late, "after_deployment", "lies after its deployment ended")
    noted.flag(known & ~outside & ~holds, "in_a_gap", "lies in a gap, when its camera did not work")


def likely_shift(times: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> int | None:
    """Return by how many hours a clock is likely wrong: the least shift that brings all times between two.

    None if no shift that clocks have does, or none is needed.

    >>> times = pd.Series(pd.to_datetime(["2021-05-31T18:00Z", "2021-06-02T05:00Z"]))
    >>> likely_shift(times, pd.Timestamp("2021-06-01T00:00Z"), pd.Timestamp("2021-06-03T00:00Z"))
    6
    """
    first, last = times.min(), times.max()
    if first >= start and last <= end:
        return None
    for size in _SHIFTS_HOURS:
        for hours in (size, -size):
            by = pd.Timedelta(hours=hours)
            if first + by >= start and last + by <= end:
                return hours
    return None


def _check_zones(observations: gpd.GeoDataFrame, noted: _Notes) -> None:
    """Flag records whose written zone is not that of most of their deployment, by more than summer time."""
    offsets = observations["offset_minutes"]
    if not offsets.max() - offsets.min() > 60:
        return
    table = pd.DataFrame({"name": observations["effort_id"], "offset": observations["offset_minutes"]}).reset_index()
    table = table[table["name"].notna() & table["offset"].notna()]
    usual = table.groupby("name")["offset"].agg(lambda offsets: offsets.mode().iloc[0])
    apart = (table["offset"] - table["name"].map(usual)).abs() > 60
    which = np.zeros(len(observations), dtype=bool)
    which[table.index[apart]] = True
    noted.flag(which, "mixed_zones", "its time is written in another zone than the other records of its deployment")


def _overlapping(start: NDArray[np.int64], end: NDArray[np.int64], name: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which rows share time with a row of another deployment that comes before them."""
    other = np.tril(name[:, None] != name[None, :])
    return np.asarray((other & (start[:, None] < end[None, :]) & (start[None, :] < end[:, None])).any(axis=1))


def _far(points: Any, home: Any) -> NDArray[np.bool_]:
    """Whether points (degrees) lie more than FAR_M from one of them."""
    metres = metres_apart(shapely.get_x(points), shapely.get_y(points), home.x, home.y)
    return np.asarray(metres > FAR_M)
