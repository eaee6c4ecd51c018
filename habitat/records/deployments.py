"""Effort of cameras as people keep it: where one stood, from when to when, and on which days it worked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from habitat.records.columns import EFFORT, PLACE, pick_columns, plain_name
from habitat.records.files import RawTable
from habitat.records.kinds import SET_ASIDE
from habitat.records.observations import as_text
from habitat.records.reading import Reading
from habitat.records.sieve import Sieve, findings_table, merge_findings
from habitat.records.times import AS_OTHERS, Clock, Times, order_inferred, read_times
from habitat.records.values import WGS84, read_numbers, read_places

_ROUNDING_DAYS = 1.0
"""Days worked may pass the time between start and end by this: people count both first and last day."""
_DAY, _NOON = pd.Timedelta(days=1), pd.Timedelta(hours=12)


def sift_deployments(raw: RawTable, reading: Reading) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read one table of deployments.

    A day without its hour means the whole day for records, and its noon for the count of days: who sets a camera up
    and takes it down at unknown hours has, on average, as many days as lie between.

    Returns
    -------
    deployments : DataFrame
        deployment, start, end (UTC), worked_from, worked_to (the same with days as noons), effort_days (null: not
        given), station, groups, issues, source, gaps (a list of pairs of times), file, row, geometry.
    findings : DataFrame
    """
    known = EFFORT if raw.shapes is not None else {**EFFORT, **PLACE}
    required = ("effort_id", "start", "end", *(() if raw.shapes is not None else PLACE))
    named = {ours: theirs for ours, theirs in reading.columns.items() if theirs in raw.table.columns}
    table = pick_columns(raw.table, known, named=named, required=required, file=raw.file)
    sieve = Sieve(raw.file, table.index)
    sieve.mend([raw.encoding is not None] + [False] * (len(table) - 1), "encoding", f"read as {raw.encoding}")
    problems = _problem_columns(raw.table)
    columns = [table["start"], table["end"], *(raw.table[name] for pair in problems for name in pair)]
    clock = Clock.of(columns, reading.timezone, reading.dates)
    found = pd.DataFrame(index=table.index)
    found["deployment"] = as_text(table["effort_id"])
    places = read_places(table if raw.shapes is None else None, raw.shapes, sieve, reading)
    sieve.refuse(places.isna(), "no_coordinates", "no coordinates")
    start, end = (read_times(table[name], name, sieve, clock) for name in ("start", "end"))
    found["start"] = start.utc
    found["end"] = _later(end, _DAY)
    found["worked_from"], found["worked_to"] = _later(start, _NOON), _later(end, _NOON)
    lasted: Any = (found["worked_to"] - found["worked_from"]).dt.total_seconds() / 86400
    found["effort_days"] = read_numbers(table["effort_days"], "effort_days", sieve)
    for name in ("station", "groups", "issues", "source"):
        found[name] = as_text(table[name])
    found["gaps"] = _gaps(raw, problems, found, sieve, clock)
    found["file"], found["row"] = raw.file, table.index
    found["geometry"] = places.array
    sieve.refuse(found["deployment"].isna(), "no_effort_id", "no effort_id")
    sieve.refuse(found["end"] <= found["start"], "ends_before_start", "ends before it starts")
    worked = found["effort_days"].fillna(lasted)
    sieve.refuse(worked <= 0, "worked_no_day", "worked no day: not surveyed")
    too_long = worked > lasted + _ROUNDING_DAYS
    sieve.refuse(too_long, "worked_too_long", "worked more days than lie between start and end")
    sieve.refuse_nothing_left()
    return found[sieve.good], sieve.findings()


def segments_of(deployments: pd.DataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Cut deployments at their gaps.

    Parameters
    ----------
    deployments : DataFrame
        As :func:`habitat.records.apart.tell_cameras_apart` returns them, with `origin` and `folder`.

    Returns
    -------
    effort : GeoDataFrame
        EFFORT: one row a time that a camera worked without a gap. `effort_id` is the deployment's own, followed by
        /1, /2, ... if it has several rows; with `deployment`, `station`, `groups`, `method` ("camera"), `name`,
        `source`, `origin`, `folder`.
    findings : DataFrame
        Deployments whose name another one has for the same days: set aside. Those that follow it are its next rows.
    """
    kept: list[dict[str, Any]] = []
    aside: list[tuple[str, int, str, str]] = []
    times: dict[str, list[tuple[Any, Any]]] = {}
    for row in deployments.to_dict("records"):
        name = row["deployment"]
        if any(row["start"] < end and start < row["end"] for start, end in times.get(name, [])):
            why = f"effort_id {name!r} is used twice for the same days"
            aside.append((row["file"], row["row"], "repeated_deployment", why))
            continue
        times.setdefault(name, []).append((row["start"], row["end"]))
        pieces = _cut(row)
        kept += pieces
        if not pieces:
            aside.append((row["file"], row["row"], "worked_no_day", "worked no day: not surveyed"))
    table = pd.DataFrame(kept, columns=_SEGMENT)
    number, of = table.groupby("deployment").cumcount() + 1, table.groupby("deployment")["deployment"].transform("size")
    table["effort_id"] = table["deployment"].where(of == 1, table["deployment"] + "/" + number.astype(str))
    for name in ("start", "end"):
        table[name] = table[name].astype("datetime64[us, UTC]")
    table["effort_days"] = table["effort_days"].astype(float)
    effort = gpd.GeoDataFrame(table, geometry="geometry", crs=WGS84)
    refused = [findings_table(file, [row], kind, SET_ASIDE, [why]) for file, row, kind, why in aside]
    return effort, merge_findings(refused)


_OF_DEPLOYMENT = ("deployment", "station", "groups", "issues", "name", "source", "origin", "folder", "file", "row")
_SEGMENT = ["effort_id", *_OF_DEPLOYMENT[:1], "start", "end", "effort_days", "method", *_OF_DEPLOYMENT[1:], "geometry"]


def _cut(row: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """Rows of one deployment: from gap to gap."""
    pieces = []
    since, worked_since = row["start"], row["worked_from"]
    for (start, worked_start), (end, worked_end) in row["gaps"]:
        pieces.append((since, start, worked_since, worked_start))
        since, worked_since = max(since, end), max(worked_since, worked_end)
    pieces.append((since, row["end"], worked_since, row["worked_to"]))
    lengths = [max((to - began).total_seconds() / 86400, 0.0) for _, _, began, to in pieces]
    share = 1.0 if np.isnan(row["effort_days"]) else row["effort_days"] / max(sum(lengths), 1e-9)
    common = {name: row[name] for name in (*_OF_DEPLOYMENT, "geometry")}
    return [
        common | {"start": start, "end": end, "effort_days": days * share, "method": "camera"}
        for (start, end, _, _), days in zip(pieces, lengths, strict=True)
        if days > 0
    ]


def _later(times: Times, after: pd.Timedelta) -> pd.Series:
    """Times, later by `after` where their hour is not known."""
    return times.utc.where(~times.date_only, times.utc + after)


def _problem_columns(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Names of the columns that tell from when to when a camera did not work, as camtrapR has them."""
    plain = {plain_name(column): column for column in table.columns}
    numbers = sorted(int(m[1]) for name in plain if (m := re.fullmatch(r"problem(\d+)from", name)))
    return [(plain[f"problem{n}from"], plain[f"problem{n}to"]) for n in numbers if f"problem{n}to" in plain]


def _gaps(raw: RawTable, problems: list[tuple[str, str]], found: pd.DataFrame, sieve: Sieve, clock: Clock) -> pd.Series:
    """Gaps of each deployment, in order of time: pairs of (time, the same for the count of days)."""
    gaps: dict[Any, list[Any]] = {row: [] for row in found.index}
    for first, last in problems:
        some = raw.table[first].notna() | raw.table[last].notna()
        if not some.any():
            continue
        scratch = Sieve(raw.file, raw.table.index[some])
        start, end = (read_times(raw.table.loc[some, name], name, scratch, clock) for name in (first, last))
        for column in (first, last):
            guessed = order_inferred(raw.table[column], clock)
            sieve.flag(guessed, "date_order_inferred", f"{column} {{!r}}: {AS_OTHERS}", raw.table[column])
        broken = pd.Series(~scratch.good | (end.utc < start.utc).to_numpy(), index=scratch.rows)
        bad = broken.reindex(found.index, fill_value=False)
        sieve.flag(bad, "gap_unreadable", f"{first} and {last} are no gap: it is taken to have worked all the time")
        outside = (start.utc >= found["end"][some]) | (_later(end, _DAY) <= found["start"][some])
        stray = (outside & ~broken).reindex(found.index, fill_value=False)
        sieve.flag(stray, "gap_outside_deployment", f"{first} to {last} lies outside the deployment")
        begun, over = _later(start, _DAY), end.utc
        noon = _later(start, _NOON), _later(end, _NOON)
        for k, row in enumerate(scratch.rows):
            if not broken.iloc[k] and not outside.iloc[k]:
                # on the days of a gap without their hours, the camera may still have taken pictures
                gaps[row].append(((begun.iloc[k], noon[0].iloc[k]), (over.iloc[k], noon[1].iloc[k])))
    return pd.Series({row: sorted(pairs) for row, pairs in gaps.items()}, dtype=object)
