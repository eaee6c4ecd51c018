"""Tracks of patrols: where a team was, fix by fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from habitat.errors import RecordsError
from habitat.records.apart import tell_patrols_apart
from habitat.records.columns import PATROL, PLACE, names_in, pick_columns
from habitat.records.files import RawTable
from habitat.records.kinds import SET_ASIDE
from habitat.records.observations import as_text
from habitat.records.reading import Reading
from habitat.records.sieve import Sieve, findings_table, merge_findings
from habitat.records.times import UTC_TIME, Clock, join_date_and_time, read_times
from habitat.records.values import WGS84, read_places

FIXES = ("patrol", "part", "time", "longitude", "latitude", "timed", "transport", "file", "row")
"""Columns of a table of fixes: in a `part` the receiver was on all the time; `timed` = the time of day is known."""
FASTEST_KMH = 200.0
"""A fix that cannot be reached at this speed, nor left at it, is an error of the receiver."""
_LINES = ("LineString", "MultiLineString")
_EARTH_RADIUS_M = 6_371_000.0


def sift_tracks(raw: RawTable, reading: Reading) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read one table of tracks: lines, or a row a fix.

    Of a line the third coordinate may be each vertex's time in milliseconds since 1970, as SMART keeps it; else the
    times between start and end are spread along the line. If only the day is known, they are spread over the day.

    Returns
    -------
    fixes : DataFrame
        :data:`FIXES`, in order of patrol, part and time.
    findings : DataFrame
    """
    fixes, sieve = _of_lines(raw, reading) if has_lines(raw) else _of_points(raw, reading)
    sieve.mend([raw.encoding is not None] + [False] * (len(raw.table) - 1), "encoding", f"read as {raw.encoding}")
    sieve.refuse_nothing_left()
    return fixes, sieve.findings()


def join_tracks(tables: list[pd.DataFrame], sets: Mapping[str, str] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put the tracks of several files together: one patrol's parts in order of time, each fix once.

    Parameters
    ----------
    tables : list of DataFrame
        As :func:`sift_tracks` returns them.
    sets : mapping of file to set, optional
        Within which a name means one patrol; default: everywhere.

    Returns
    -------
    fixes : DataFrame
        With `name`, the patrol's as written.
    findings : DataFrame
        Fixes that an earlier file tells, by the same second and place, whatever it calls the patrol: set aside; of a
        line of which only the day is known all of them, or none.
    """
    if not tables:
        return no_fixes().assign(name=None), merge_findings([])
    fixes = pd.concat(tables, ignore_index=True)
    where = fixes[["time", "longitude", "latitude"]].round({"longitude": 6, "latitude": 6})
    first = fixes["file"].groupby([where[name] for name in where.columns]).transform("first")
    told = fixes["file"] != first
    # where hours are not known, two lines that begin at one place share an invented moment: only whole lines are alike
    whole = told.groupby([fixes["file"], fixes["row"]]).transform("all")
    again = (told & (fixes["timed"].astype(bool) | whole)).to_numpy()
    rows = fixes[again].assign(first=first[again]).drop_duplicates(["file", "row"])
    reasons = [f"is told by {file}" for file in rows["first"]]
    found = findings_table(rows["file"], rows["row"], "duplicate_across_files", SET_ASIDE, reasons)
    fixes = tell_patrols_apart(fixes[~again], sets or {})
    return in_order(fixes), found


def in_order(fixes: pd.DataFrame) -> pd.DataFrame:
    """Return fixes by patrol, each patrol's parts in order of time, with parts numbered through."""
    begun = fixes.groupby(["patrol", "file", "part"])["time"].transform("min")
    fixes = fixes.assign(begun=begun).sort_values(["patrol", "begun", "file", "part", "time"], kind="stable")
    fixes["part"] = fixes.groupby(["patrol", "file", "part"], sort=False).ngroup()
    return fixes.drop(columns="begun").reset_index(drop=True)


def no_fixes() -> pd.DataFrame:
    """A table of fixes without any."""
    return pd.DataFrame({name: [] for name in FIXES}).astype({"time": UTC_TIME, "longitude": float, "latitude": float})


def step_metres(longitude: Any, latitude: Any) -> np.ndarray:
    """Great-circle metres from each point to the next, one fewer than points.

    >>> step_metres([131.0, 131.0], [43.0, 43.1]).round()
    array([11119.])
    """
    x, y = np.radians(np.asarray(longitude, dtype=float)), np.radians(np.asarray(latitude, dtype=float))
    half = np.sin(np.diff(y) / 2) ** 2 + np.cos(y[:-1]) * np.cos(y[1:]) * np.sin(np.diff(x) / 2) ** 2
    return np.asarray(2 * _EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(half))))


def _of_points(raw: RawTable, reading: Reading) -> tuple[pd.DataFrame, Sieve]:
    placed = raw.shapes is not None
    known = {name: PATROL[name] for name in ("patrol", "time", "transport")} | ({} if placed else PLACE)
    required = ("patrol", "time", *(() if placed else PLACE))
    table = pick_columns(raw.table, known, named=_named(raw, reading), required=required, file=raw.file)
    sieve = Sieve(raw.file, table.index)
    places = read_places(table if not placed else None, raw.shapes, sieve, reading)
    sieve.refuse(places.isna(), "no_coordinates", "no coordinates")
    patrol = as_text(table["patrol"])
    sieve.refuse(patrol.isna(), "no_effort_id", "no patrol")
    clock = Clock.of([table["time"]], reading.timezone, reading.dates)
    sieve.refuse(table["time"].isna(), "fix_without_time", "a fix without a time")
    times = read_times(table["time"], "time", sieve, clock)
    fixes = pd.DataFrame(
        {
            "patrol": patrol,
            "part": raw.table.get("part", 0),
            "time": times.utc,
            "longitude": places.x,
            "latitude": places.y,
            "timed": ~times.date_only,
            "transport": as_text(table["transport"]),
            "file": raw.file,
            "row": table.index,
        },
        index=table.index,
    )
    fixes = fixes[sieve.good].sort_values(["patrol", "part", "time"], kind="stable")
    jumps = _jumps(fixes)
    sieve.refuse(_rows(sieve, fixes.index[jumps]), *_JUMP)
    fixes = fixes[~jumps]
    short = fixes.groupby(["patrol", "part"])["time"].transform("size") < 2
    sieve.refuse(_rows(sieve, fixes.index[short]), "track_too_short", "alone: one fix is no track")
    return fixes[~short.to_numpy()].reset_index(drop=True), sieve


_JUMP = ("gps_jump", f"too far from the fixes before and after it for {FASTEST_KMH:g} km/h")


def _jumps(fixes: pd.DataFrame) -> np.ndarray:
    """Fixes of which neither the one before nor the one after can be reached, in their part."""
    if len(fixes) < 3:
        return np.zeros(len(fixes), dtype=bool)
    seconds = fixes["time"].diff().dt.total_seconds().to_numpy()[1:]
    reach = np.maximum(seconds, 1.0) * FASTEST_KMH / 3.6
    key = fixes[["patrol", "part"]]
    joined = (key == key.shift()).all(axis=1).to_numpy()[1:]
    far = joined & (step_metres(fixes["longitude"], fixes["latitude"]) > reach)
    before, after = np.append(False, far), np.append(far, False)
    first, last = np.append(True, ~joined), np.append(~joined, True)
    jumps = before & after
    # the end of a part has one neighbour, which may be the one that jumped
    at_start = first & after & ~np.append(jumps[1:], False)
    at_end = last & before & ~np.append(False, jumps[:-1])
    return np.asarray(jumps | at_start | at_end)


def _rows(sieve: Sieve, rows: pd.Index) -> np.ndarray:
    return np.asarray(sieve.rows.isin(rows))


def _of_lines(raw: RawTable, reading: Reading) -> tuple[pd.DataFrame, Sieve]:
    assert raw.shapes is not None
    wanted = ("patrol", "start", "end", "start_date", "end_date", "transport")
    table = pick_columns(
        raw.table, {n: PATROL[n] for n in wanted}, named=_named(raw, reading), required=(), file=raw.file
    )
    sieve = Sieve(raw.file, table.index)
    lines = raw.shapes.set_crs(reading.crs) if raw.shapes.crs is None and reading.crs is not None else raw.shapes
    if lines.crs is None:
        raise RecordsError("carries no reference system", where=raw.file, mend="save it with one, or give crs")
    lines = lines.where(lines.geom_type.isin(_LINES))
    sieve.refuse(lines.isna() | lines.is_empty, "no_coordinates", "no line")
    own = _epochs(lines)
    starts = join_date_and_time(table["start_date"], table["start"])
    ends = join_date_and_time(table["end_date"].fillna(table["start_date"]), table["end"])
    start, end, whole = _window(starts, ends, own, sieve, reading)
    sieve.refuse(end <= start, "ends_before_start", "ends before it starts")
    lines = lines.to_crs(WGS84)
    sieve.refuse(shapely.length(np.asarray(lines, dtype=object)) == 0, "track_too_short", "a line without length")
    name = as_text(table["patrol"])
    name = name.where(name.notna(), [f"{raw.file.rsplit('.', 1)[0]}-{row}" for row in table.index])
    sieve.flag(whole, "time_of_day_unknown", "only the day is known: hours on patrol are not counted")
    parts = []
    transport = as_text(table["transport"])
    for row in table.index[sieve.good]:
        vertices = _vertices(lines[row], own[row], start[row], end[row])
        about = {"patrol": name[row], "timed": not whole[row], "transport": transport[row]}
        parts.append(vertices.assign(**about, file=raw.file, row=row))
    fixes = pd.concat(parts, ignore_index=True) if parts else no_fixes()
    fixes["part"] = fixes.groupby(["patrol", "row", "part"], sort=False).ngroup()
    return fixes[list(FIXES)].sort_values(["patrol", "time"], kind="stable", ignore_index=True), sieve


def _window(
    starts: pd.Series, ends: pd.Series, own: pd.Series, sieve: Sieve, reading: Reading
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """From when to when each line was walked, and where only the days are known."""
    if own.notna().all():
        known = own.map(lambda times: (times[0], times[-1]))
        begun, over = (pd.to_datetime(known.str[k].astype(float), unit="ms", utc=True).astype(UTC_TIME) for k in (0, 1))
        return begun, over, pd.Series(False, index=own.index)
    clock = Clock.of([starts, ends], reading.timezone, reading.dates)
    start, end = read_times(starts, "start", sieve, clock), read_times(ends, "end", sieve, clock)
    whole = pd.Series(start.date_only | end.date_only, index=own.index) & own.isna()
    return start.utc, end.utc.where(~end.date_only, end.utc + pd.Timedelta(days=1)), whole


def _epochs(lines: Any) -> pd.Series:
    """Each vertex's time in milliseconds since 1970, where the third coordinate can be nothing else; else null."""
    found: dict[Any, Any] = {}
    for row, line in lines.items():
        z = None
        if line is not None and not line.is_empty and line.has_z:
            z = shapely.get_coordinates(line, include_z=True)[:, 2]
            plausible = np.isfinite(z).all() and (z > 6.3e11).all() and (z < 4.2e12).all()  # 1990 to 2103
            z = z if plausible and (np.diff(z) >= 0).all() and z[-1] > z[0] else None
        found[row] = z
    return pd.Series(found, dtype=object)


def _vertices(line: Any, epochs: Any, start: Any, end: Any) -> pd.DataFrame:
    """Fixes of one line."""
    pieces = list(shapely.get_parts(line))
    xy = [shapely.get_coordinates(piece) for piece in pieces]
    part = np.repeat(np.arange(len(xy)), [len(points) for points in xy])
    points = np.concatenate(xy)
    if epochs is not None:
        times = pd.to_datetime(np.asarray(epochs), unit="ms", utc=True)
    else:
        steps = step_metres(points[:, 0], points[:, 1])
        steps[np.diff(part) > 0] = 0.0  # from the end of one piece to the next nobody walked
        walked = np.append(0.0, np.cumsum(steps))
        share = walked / walked[-1] if walked[-1] > 0 else np.linspace(0, 1, len(walked))
        times = start + pd.to_timedelta(share * (end - start).total_seconds(), unit="s")
    return pd.DataFrame(
        {"part": part, "time": pd.Series(times).astype(UTC_TIME), "longitude": points[:, 0], "latitude": points[:, 1]}
    )


def _named(raw: RawTable, reading: Reading) -> dict[str, str]:
    named = {ours: theirs for ours, theirs in reading.columns.items() if theirs in raw.table.columns}
    return named | ({"patrol": named["effort_id"]} if "effort_id" in named and "patrol" not in named else {})


def has_lines(raw: RawTable) -> bool:
    """Whether any of a table's shapes is a line."""
    return raw.shapes is not None and bool(raw.shapes.geom_type.isin(_LINES).any())


def holds_tracks(raw: RawTable, reading: Reading) -> bool:
    """Whether a table is one of tracks: it has lines, or rows of a patrol, a time and a place, and no species."""
    if has_lines(raw):
        return True
    placed = raw.shapes is not None or all(names_in(raw.table, name, PLACE, reading.columns) for name in PLACE)
    return placed and all(names_in(raw.table, name, PATROL, reading.columns) for name in ("patrol", "time"))
