"""Effort of patrols: each pass through a cell with its hours and kilometres, and the shifts that meet the standard."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from habitat.cubes import EFFORT
from habitat.errors import ContractError
from habitat.grids import pixels_of

FASTEST_WALK_KMH = 10.0
"""Faster stretches are driven: nobody looks for tracks from a car at that speed."""
LONGEST_SILENCE_MINUTES = 60.0
"""Between two fixes farther apart in time, nobody knows where the team was."""
REST_HOURS = 4.0
"""A team that rests so long begins a new shift."""
STANDARD_HOURS, STANDARD_KM = 4.0, 8.0
"""A shift meets the standard from so many hours on duty and kilometres on foot (park practice)."""
_KEYS = ("patrol", "part")


@dataclass(frozen=True)
class _Steps:
    """From one fix to the next, where a team walked."""

    fix: NDArray[np.intp]
    """Place of the first fix of each step."""
    metres: NDArray[np.float64]
    seconds: NDArray[np.float64]


def patrol_passes(
    fixes: pd.DataFrame, cells: pd.DataFrame, zones: NDArray[np.int32], *, grid: GeoBox
) -> gpd.GeoDataFrame:
    """Cut the tracks of patrols where they go from one cell into the next.

    A pixel belongs to one cell, so that tracks are cut at the edges of pixels: the same ground counts for effort
    and for what was found there. Steps that are driven (faster than 10 km/h), and those between fixes more than an
    hour apart, are no effort; nor is ground outside all cells.

    Parameters
    ----------
    fixes : DataFrame
        As :func:`habitat.records.read_records` returns them: patrol, part, time (UTC), longitude, latitude, timed.
    cells, zones
        As :func:`habitat.landscape.square_cells` returns them.

    Returns
    -------
    GeoDataFrame
        EFFORT, one row a pass of a patrol through a cell: effort_id (patrol/number), deployment (the patrol),
        start, end (UTC), effort_days (days on foot in the cell; null where only the day is known), effort_km,
        method ("patrol"), timed, cell, geometry (lines, EPSG:4326).

    Raises
    ------
    ContractError
        If fixes are not in order of patrol, part and time.
    """
    fixes = fixes.reset_index(drop=True)
    steps = _steps(fixes)
    x, y = _on_grid(fixes, grid)
    pieces = _cut(fixes, steps, x, y, zones, grid)
    if not len(pieces):
        return _no_passes()
    names = np.array([*cells["cell"], None], dtype=object)
    new = np.ones(len(pieces), dtype=bool)
    same = [pieces[name].to_numpy() for name in ("zone", "number")]
    new[1:] = np.any([values[1:] != values[:-1] for values in same], axis=0)
    # a stretch that was driven, or of which nothing is known, ends a pass
    new[1:] |= pieces["begin"].to_numpy()[1:] - pieces["finish"].to_numpy()[:-1] > 1e-3
    pieces["pass"] = np.cumsum(new) - 1
    table = pieces.groupby("pass").agg(
        zone=("zone", "first"),
        fix=("fix", "first"),
        begin=("begin", "first"),
        finish=("finish", "max"),
        seconds=("seconds", "sum"),
        metres=("metres", "sum"),
    )
    lines = _lines(pieces)
    at = table["fix"].to_numpy()
    timed = fixes["timed"].to_numpy(dtype=bool)[at]
    patrol = fixes["patrol"].astype(str).to_numpy()[at]
    start = _moment(table["begin"])
    passes = gpd.GeoDataFrame(
        {
            "deployment": patrol,
            "start": start,
            # a pass of less than a second still began before it ended
            "end": _moment(table["finish"]).where(table["finish"] - table["begin"] >= 1.0, start + pd.Timedelta("1s")),
            "effort_days": np.where(timed, table["seconds"] / 86400, np.nan),
            "effort_km": table["metres"].to_numpy() / 1000,
            "method": "patrol",
            "timed": timed,
            "transport": fixes["transport"].to_numpy(dtype=object)[at],
            "cell": names[table["zone"].to_numpy()],
        },
        geometry=lines,
        crs=str(grid.crs),
    ).to_crs("EPSG:4326")
    passes = passes[passes["cell"].notna()].reset_index(drop=True)
    number = passes.groupby("deployment").cumcount() + 1
    passes.insert(0, "effort_id", passes["deployment"] + "/" + number.astype(str))
    return EFFORT.check(passes)


def patrol_shifts(fixes: pd.DataFrame) -> pd.DataFrame:
    """Return the shifts of patrols, and which meet the standard: four hours on duty and eight kilometres on foot.

    A shift is all that a patrol does until it rests for four hours. It is on duty from its first fix to its last,
    short rests included; kilometres are those walked, at up to 10 km/h.

    Parameters
    ----------
    fixes : DataFrame
        As :func:`patrol_passes` takes them.

    Returns
    -------
    DataFrame
        patrol, shift (number), start, end (UTC), hours (null where only the day is known), km, meets_standard
        (null where hours are not known and the kilometres would do).
    """
    fixes = fixes.reset_index(drop=True)
    steps = _steps(fixes)
    walked = np.zeros(len(fixes))
    walked[steps.fix] = steps.metres
    timed = fixes["timed"].astype(bool)
    rest = timed & (fixes["time"].diff() >= pd.Timedelta(hours=REST_HOURS))
    # where hours are not known each track is taken for a shift
    rest |= ~timed & (fixes["part"] != fixes["part"].shift())
    new = rest.to_numpy() | (fixes["patrol"] != fixes["patrol"].shift()).to_numpy()
    table = fixes.assign(walked=walked, shift=np.cumsum(new)).groupby("shift", sort=True)
    shifts = table.agg(
        patrol=("patrol", "first"),
        start=("time", "min"),
        end=("time", "max"),
        timed=("timed", "all"),
        km=("walked", "sum"),
    ).reset_index(drop=True)
    shifts["km"] /= 1000
    hours = (shifts["end"] - shifts["start"]).dt.total_seconds() / 3600
    shifts["hours"] = hours.where(shifts["timed"].astype(bool))
    far = shifts["km"] >= STANDARD_KM
    long = (shifts["hours"] >= STANDARD_HOURS).astype("boolean").where(shifts["hours"].notna())
    shifts["meets_standard"] = far.astype("boolean") & long
    shifts["shift"] = shifts.groupby("patrol").cumcount() + 1
    return shifts[["patrol", "shift", "start", "end", "hours", "km", "meets_standard"]]


def _steps(fixes: pd.DataFrame) -> _Steps:
    """Steps on foot between fixes of one part."""
    time = fixes["time"].astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    seconds = np.diff(time)
    same = np.ones(max(len(fixes) - 1, 0), dtype=bool)
    for name in _KEYS:
        values = fixes[name].to_numpy()
        same &= values[1:] == values[:-1]
    if (seconds[same] < 0).any():
        raise ContractError("fixes are not in order of time", where="fixes", mend="sort by patrol, part and time")
    metres = _metres(fixes["longitude"].to_numpy(dtype=float), fixes["latitude"].to_numpy(dtype=float))
    timed = fixes["timed"].to_numpy(dtype=bool)[:-1] if len(fixes) else np.zeros(0, dtype=bool)
    driven = timed & (metres * 3.6 > FASTEST_WALK_KMH * np.maximum(seconds, 1.0))
    silent = timed & (seconds > LONGEST_SILENCE_MINUTES * 60)
    fix = np.flatnonzero(same & ~driven & ~silent)
    return _Steps(fix, metres[fix], seconds[fix])


def _metres(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """True lengths on the ellipsoid."""
    from pyproj import Geod

    if len(longitude) < 2:
        return np.zeros(0)
    _, _, metres = Geod(ellps="WGS84").inv(longitude[:-1], latitude[:-1], longitude[1:], latitude[1:])
    return np.asarray(metres)


def _on_grid(fixes: pd.DataFrame, grid: GeoBox) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = gpd.GeoSeries(gpd.points_from_xy(fixes["longitude"], fixes["latitude"]), crs="EPSG:4326")
    placed = points.to_crs(str(grid.crs))
    return placed.x.to_numpy(), placed.y.to_numpy()


def _cut(
    fixes: pd.DataFrame,
    steps: _Steps,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    zones: NDArray[np.int32],
    grid: GeoBox,
) -> pd.DataFrame:
    """Pieces of steps, each in one zone (-1: none).

    Columns: fix, number (of its patrol), zone, metres, seconds, begin and finish (seconds since 1970), and both ends on
    the grid (x0, y0, x1, y1).
    """
    inverse = ~grid.transform
    cols, rows = inverse @ (x, y)
    first, last = steps.fix, steps.fix + 1
    which, share = _crossings(cols[first], cols[last], rows[first], rows[last])
    begin_share = share
    end_share = np.append(share[1:], 1.0)
    end_share[np.append(which[1:] != which[:-1], True)] = 1.0
    middle = (begin_share + end_share) / 2
    from_fix, to_fix = first[which], last[which]
    px = x[from_fix] + middle * (x[to_fix] - x[from_fix])
    py = y[from_fix] + middle * (y[to_fix] - y[from_fix])
    row, col, inside = pixels_of(grid, px, py)
    zone = np.where(inside, zones[np.where(inside, row, 0), np.where(inside, col, 0)], -1)
    time = fixes["time"].astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    part = end_share - begin_share
    return pd.DataFrame(
        {
            "fix": from_fix,
            "number": pd.factorize(fixes["patrol"])[0][from_fix],
            "zone": zone,
            "metres": steps.metres[which] * part,
            "seconds": steps.seconds[which] * part,
            "begin": time[from_fix] + steps.seconds[which] * begin_share,
            "finish": time[from_fix] + steps.seconds[which] * end_share,
            "x0": x[from_fix] + begin_share * (x[to_fix] - x[from_fix]),
            "y0": y[from_fix] + begin_share * (y[to_fix] - y[from_fix]),
            "x1": x[from_fix] + end_share * (x[to_fix] - x[from_fix]),
            "y1": y[from_fix] + end_share * (y[to_fix] - y[from_fix]),
        }
    )


def _crossings(
    c0: NDArray[np.float64], c1: NDArray[np.float64], r0: NDArray[np.float64], r1: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Where straight steps begin and cross the edges of pixels: number of the step, and the share of it before."""
    which, share = [np.arange(len(c0))], [np.zeros(len(c0))]
    for a, b in ((c0, c1), (r0, r1)):
        low, high = np.ceil(np.minimum(a, b)), np.floor(np.maximum(a, b))
        count = np.maximum(high - low + 1, 0).astype(np.int64)
        count[~np.isfinite(a) | ~np.isfinite(b) | (a == b)] = 0
        step = np.repeat(np.arange(len(a)), count)
        within = np.arange(len(step)) - np.repeat(np.cumsum(count) - count, count)
        which.append(step)
        share.append((low[step] + within - a[step]) / (b[step] - a[step]))
    steps, shares = np.concatenate(which), np.concatenate(share)
    order = np.lexsort((shares, steps))
    return steps[order], np.clip(shares[order], 0.0, 1.0)


def _lines(pieces: pd.DataFrame) -> NDArray[np.object_]:
    """The line of each pass, from the ends of its pieces."""
    number = pieces["pass"].to_numpy()
    starts = np.append(True, number[1:] != number[:-1])
    index = np.concatenate([number[starts], number])
    points = np.concatenate([pieces[["x0", "y0"]].to_numpy()[starts], pieces[["x1", "y1"]].to_numpy()])
    order = np.argsort(index, kind="stable")
    return np.asarray(shapely.linestrings(points[order], indices=index[order]))


def _moment(seconds: pd.Series) -> pd.Series:
    return pd.to_datetime((seconds * 1e6).round().astype("int64"), unit="us", utc=True).astype("datetime64[us, UTC]")


def _no_passes() -> gpd.GeoDataFrame:
    text = ("effort_id", "deployment", "method", "transport", "cell")
    columns: dict[str, pd.Series] = {name: pd.Series([], dtype=object) for name in text}
    columns |= {name: pd.Series([], dtype="datetime64[us, UTC]") for name in ("start", "end")}
    columns |= {name: pd.Series([], dtype=float) for name in ("effort_days", "effort_km")}
    columns["timed"] = pd.Series([], dtype=bool)
    return gpd.GeoDataFrame(columns, geometry=[], crs="EPSG:4326")
