"""Which of the field's formats a file is, and what each of its tables holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from habitat.errors import RecordsError
from habitat.records.camtrap_dp import DESCRIPTION, is_package, read_package
from habitat.records.columns import EFFORT, SIGHTING, names_in, plain_name
from habitat.records.files import RawTable, read_tables
from habitat.records.gpx import read_gpx
from habitat.records.operation import days_in
from habitat.records.reading import Format, Reading
from habitat.records.tracks import has_lines, holds_tracks, sift_tracks

Role = Literal["observations", "deployments", "operation", "tracks"]
"""What a table holds; operation: on which days the cameras of a camera table worked."""


@dataclass(frozen=True)
class Sheet:
    """One table, and what it was taken for."""

    raw: RawTable
    format: Format
    role: Role
    origin: str = ""
    """Path of the file or package that it is from: a name means one thing there."""
    folder: str = ""
    """Path of the folder or package around it."""


def named_apart(sheets: Sequence[tuple[Path, Sheet]]) -> list[Sheet]:
    """Return sheets under names that differ: two parks may both have a sightings.csv."""
    names = [sheet.raw.file for _, sheet in sheets]
    named: list[Sheet] = []
    taken: set[str] = set()
    for path, sheet in sheets:
        name = sheet.raw.file
        if names.count(name) > 1:
            name = f"{path.resolve().parent.name}/{name}"
        number = 2
        while name in taken:
            name, number = f"{name} ({number})", number + 1
        taken.add(name)
        origin = path.resolve()
        whole = is_package(path) and path.name != DESCRIPTION
        folder = origin if whole else origin.parent
        named.append(replace(sheet, raw=replace(sheet.raw, file=name), origin=str(origin), folder=str(folder)))
    return named


def sheets_of(path: Path, reading: Reading, only: Role | None = None) -> list[Sheet]:
    """Return the tables of one file, with what they are; `only` deployments: those that hold effort.

    Raises
    ------
    RecordsError
        If the file is not what its name or the reading's format says.
    """
    asked = reading.format
    if asked == "camtrap_dp" or (asked == "auto" and is_package(path)):
        deployments, observations = read_package(path)
        found = [Sheet(deployments, "camtrap_dp", "deployments")]
        found += [Sheet(observations, "camtrap_dp", "observations")] if observations is not None else []
    elif asked == "gpx" or (asked == "auto" and path.suffix.lower() == ".gpx"):
        if not path.is_file():
            raise RecordsError("there is no such file", where=path, mend="check the paths under [sightings]")
        found = _of_gpx(path, reading)
    else:
        found = [Sheet(raw, *_told(raw, reading, only)) for raw in read_tables(path)]
    if only is not None:
        found = [sheet for sheet in found if sheet.role != "observations"]
        if not found:
            raise RecordsError("holds no effort", where=path, mend="name it in [sightings] files")
    return found


def _told(raw: RawTable, reading: Reading, only: Role | None) -> tuple[Format, Role]:
    """Format and role of a table, by its columns."""
    if reading.format in ("auto", "camtrapr") and days_in(raw):
        return "camtrapr", "operation"
    columns, table = reading.columns, raw.table
    plain = {plain_name(column) for column in table.columns}
    smart = bool(plain & {"patrolid", "patrollegid", "patrolleg", "patroltransporttype"})
    camtrapr = "station" in plain and bool(plain & {"setupdate", "datetimeoriginal"})
    told: Format = "smart" if smart else "camtrapr" if camtrapr else "table"
    if reading.format not in ("auto", "table", told):
        raise RecordsError(
            f"is no table of {reading.format}",
            where=raw.file,
            mend="leave [sightings] format out: it is told from the file",
        )
    told = told if reading.format == "auto" else reading.format
    animals = names_in(table, "species", SIGHTING, columns)
    dates = all(names_in(table, name, EFFORT, columns) for name in ("start", "end"))
    if has_lines(raw) or (holds_tracks(raw, reading) and not animals and not dates):
        return told, "tracks"
    if only is not None or (dates and not animals and not names_in(table, "time", SIGHTING, columns)):
        return told, "deployments"
    return told, "observations"


def _of_gpx(path: Path, reading: Reading) -> list[Sheet]:
    """Tracks and waypoints; a waypoint belongs to the one patrol that was under way at its time."""
    fixes, waypoints = read_gpx(path)
    found: list[Sheet] = []
    if fixes is not None:
        found.append(Sheet(replace(fixes, file=f"{path.name}/tracks"), "gpx", "tracks"))
    if waypoints is None:
        return found
    if fixes is not None:
        known = sift_tracks(fixes, reading)[0].groupby("patrol")["time"].agg(["min", "max"])
        times = pd.to_datetime(waypoints.table["time"], format="ISO8601", utc=True, errors="coerce")
        under_way = {
            row: known.index[(known["min"] <= time) & (known["max"] >= time)] for row, time in times.dropna().items()
        }
        patrol = {row: names[0] for row, names in under_way.items() if len(names) == 1}
        table = waypoints.table.assign(patrol=pd.Series(patrol, dtype=object).reindex(waypoints.table.index))
        waypoints = replace(waypoints, table=table)
    return [*found, Sheet(replace(waypoints, file=f"{path.name}/waypoints"), "gpx", "observations")]
