"""Records in the field's formats: which a file is, and all files of a survey put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from habitat.cubes import EFFORT as EFFORT_CONTRACT
from habitat.errors import RecordsError
from habitat.records.camtrap_dp import is_package, read_package
from habitat.records.checks import check_effort, check_observations
from habitat.records.columns import ALL, EFFORT, SIGHTING, names_in, plain_name, refuse_unknown_names
from habitat.records.deployments import segments_of, sift_deployments
from habitat.records.duplicates import find_duplicates
from habitat.records.files import RawTable, read_tables
from habitat.records.gpx import read_gpx
from habitat.records.kinds import SET_ASIDE
from habitat.records.observations import only_species, sift_observations
from habitat.records.reading import Format, Reading
from habitat.records.sieve import merge_findings
from habitat.records.tracks import has_lines, holds_tracks, no_fixes, sift_tracks
from habitat.records.values import WGS84

Role = Literal["observations", "deployments", "tracks"]


@dataclass(frozen=True)
class Source:
    """One table that was read, and what was understood of it."""

    file: str
    format: Format
    role: Role
    records: int
    set_aside: int
    other_species: int = 0
    """Records of animals that were not asked for."""


@dataclass(frozen=True)
class Records:
    """Everything that a survey's files hold."""

    observations: gpd.GeoDataFrame
    """event, species, individual, time (UTC), effort_id, count, certain (null: nobody says), probability, file, row,
    geometry (points, EPSG:4326). `effort_id` is the name of a deployment or a patrol."""
    effort: gpd.GeoDataFrame
    """EFFORT of cameras, a row a time without gaps: effort_id, deployment (the name that records know it by), start,
    end (UTC), effort_days, station, groups, method ("camera"), geometry."""
    fixes: pd.DataFrame
    """Tracks of patrols, a row a fix: patrol, part, time (UTC), longitude, latitude, timed, transport, file, row."""
    findings: pd.DataFrame
    """file, row, kind, outcome ("set aside", "flagged", "mended"), reason."""
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class _Sheet:
    raw: RawTable
    format: Format
    role: Role


def read_records(
    files: Sequence[Path], effort_files: Sequence[Path] = (), *, reading: Reading | None = None
) -> Records:
    """Read sightings, deployments and patrols from files of any of the field's formats.

    Parameters
    ----------
    files : sequence of Path
        Tables (CSV, GeoPackage, GeoParquet, shapefile, zipped shapefile), Camtrap DP packages, tables of camtrapR,
        exports of SMART, GPX files.
    effort_files : sequence of Path
        The same, of which nothing but effort is read.
    reading : Reading, optional
        What must be known beside the files.

    Raises
    ------
    RecordsError
        If a file is missing, empty or not what its name says; lacks a column; has swapped coordinates, times without
        zone, or no usable record; or if no file names one of the reading's species.
    """
    reading = reading or Reading()
    refuse_unknown_names(reading.columns, *ALL)
    if not files and not effort_files:
        raise RecordsError("no file of sightings is given", where="[sightings] files")
    sheets = _named_apart(
        [(path, sheet) for path in files for sheet in _sheets(path, reading)]
        + [(path, sheet) for path in effort_files for sheet in _sheets(path, reading, "deployments")]
    )
    deployments = [sift_deployments(sheet.raw, reading) for sheet in sheets if sheet.role == "deployments"]
    effort, repeated = (
        segments_of(pd.concat([table for table, _ in deployments])) if deployments else (no_effort(), None)
    )
    walked = [sift_tracks(sheet.raw, reading) for sheet in sheets if sheet.role == "tracks"]
    fixes = pd.concat([table for table, _ in walked], ignore_index=True) if walked else no_fixes()
    homes = _homes(effort)
    seen = [sift_observations(sheet.raw, reading, homes) for sheet in sheets if sheet.role == "observations"]
    animals, duplicates = _observations([table for table, _ in seen])
    observations = animals if reading.species is None else only_species(animals, reading.species)
    others = animals["file"].value_counts() - observations["file"].value_counts().reindex(
        animals["file"].unique()
    ).fillna(0)
    checked = [check_effort(effort, reading.area)] if len(effort) else []
    checked.append(check_observations(observations, _known(effort, fixes), reading.area))
    sifted = [found for _, found in (*deployments, *walked, *seen)]
    findings = merge_findings([*sifted, *([] if repeated is None else [repeated]), duplicates, *checked])
    aside = findings["file"][findings["outcome"] == SET_ASIDE].value_counts()
    return Records(
        observations.drop(columns=["own_event", "own_place", "offset_minutes"]),
        EFFORT_CONTRACT.check(effort.drop(columns="issues")),
        fixes,
        findings,
        tuple(
            Source(
                sheet.raw.file,
                sheet.format,
                sheet.role,
                len(sheet.raw.table),
                int(aside.get(sheet.raw.file, 0)),
                int(others.get(sheet.raw.file, 0)),
            )
            for sheet in sheets
        ),
    )


def read_sightings(
    paths: Path | Sequence[Path], *, reading: Reading | None = None
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read sightings alone: observations and findings, as :func:`read_records`."""
    records = read_records(_paths(paths), reading=reading)
    return records.observations, records.findings


def read_effort(
    paths: Path | Sequence[Path], *, reading: Reading | None = None
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read deployments alone: effort and findings, as :func:`read_records`.

    Raises
    ------
    RecordsError
        As it; also if there is no file.
    """
    files = _paths(paths)
    if not files:
        raise RecordsError("no file of effort is given", where="[sightings] effort")
    records = read_records((), files, reading=reading)
    return records.effort, records.findings


def no_effort() -> gpd.GeoDataFrame:
    """Effort without any row."""
    empty = pd.DataFrame(columns=["deployment", "start", "end", "effort_days", "gaps", "file", "row", "geometry"])
    return segments_of(empty)[0]


def _paths(paths: Path | Sequence[Path]) -> list[Path]:
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def _named_apart(sheets: Sequence[tuple[Path, _Sheet]]) -> list[_Sheet]:
    """Sheets whose names differ: two parks may both have a sightings.csv."""
    names = [sheet.raw.file for _, sheet in sheets]
    named: list[_Sheet] = []
    taken: set[str] = set()
    for path, sheet in sheets:
        name = sheet.raw.file
        if names.count(name) > 1:
            name = f"{path.resolve().parent.name}/{name}"
        number = 2
        while name in taken:
            name, number = f"{name} ({number})", number + 1
        taken.add(name)
        named.append(replace(sheet, raw=replace(sheet.raw, file=name)))
    return named


def _sheets(path: Path, reading: Reading, only: Role | None = None) -> list[_Sheet]:
    """The tables of one file, with what they are."""
    asked = reading.format
    if asked == "camtrap_dp" or (asked == "auto" and is_package(path)):
        deployments, observations = read_package(path)
        found = [_Sheet(deployments, "camtrap_dp", "deployments")]
        found += [_Sheet(observations, "camtrap_dp", "observations")] if observations is not None else []
    elif asked == "gpx" or (asked == "auto" and path.suffix.lower() == ".gpx"):
        if not path.is_file():
            raise RecordsError("there is no such file", where=path, mend="check the paths under [sightings]")
        found = _of_gpx(path, reading)
    else:
        found = [_Sheet(raw, *_told(raw, reading, only)) for raw in read_tables(path)]
    if only is not None:
        found = [sheet for sheet in found if sheet.role != "observations"]
        if not found:
            raise RecordsError("holds no effort", where=path, mend="name it in [sightings] files")
    return found


def _told(raw: RawTable, reading: Reading, only: Role | None) -> tuple[Format, Role]:
    """Format and role of a table, by its columns."""
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


def _of_gpx(path: Path, reading: Reading) -> list[_Sheet]:
    """Tracks and waypoints; a waypoint belongs to the one patrol that was under way at its time."""
    fixes, waypoints = read_gpx(path)
    found: list[_Sheet] = []
    if fixes is not None:
        found.append(_Sheet(replace(fixes, file=f"{path.name}/tracks"), "gpx", "tracks"))
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
    return [*found, _Sheet(replace(waypoints, file=f"{path.name}/waypoints"), "gpx", "observations")]


def _homes(effort: gpd.GeoDataFrame) -> gpd.GeoSeries | None:
    """Place of each deployment."""
    if not len(effort):
        return None
    first = effort.drop_duplicates("deployment")
    return gpd.GeoSeries(first.geometry.array, index=first["deployment"], crs=WGS84)


def _observations(seen: Iterable[pd.DataFrame]) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    parts = list(seen)
    if not parts:
        return gpd.GeoDataFrame(_NOTHING_SEEN, geometry="geometry", crs=WGS84), merge_findings([])
    table, found = find_duplicates(pd.concat(parts, ignore_index=True))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=WGS84), found


_NOTHING_SEEN: Mapping[str, Any] = {
    **{name: pd.Series([], dtype=object) for name in ("event", "species", "individual", "effort_id", "file")},
    "time": pd.Series([], dtype="datetime64[us, UTC]"),
    **{name: pd.Series([], dtype=float) for name in ("count", "probability", "offset_minutes")},
    "certain": pd.Series([], dtype="boolean"),
    "row": pd.Series([], dtype="int64"),
    **{name: pd.Series([], dtype=bool) for name in ("own_event", "own_place")},
    "geometry": pd.Series([], dtype=object),
}


def _known(effort: gpd.GeoDataFrame, tracks: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Cameras and patrols together, for checks of the records."""
    if not len(tracks):
        return effort if len(effort) else None
    spans = tracks.groupby("patrol", sort=False).agg(
        start=("time", "min"), end=("time", "max"), x=("longitude", "first"), y=("latitude", "first")
    )
    patrols = gpd.GeoDataFrame(
        {"effort_id": spans.index, "deployment": spans.index, "start": spans["start"], "end": spans["end"]},
        geometry=gpd.points_from_xy(spans["x"], spans["y"]),
        crs=WGS84,
    ).assign(effort_days=0.0, method="patrol", issues=None, station=None)
    return patrols if not len(effort) else pd.concat([effort, patrols], ignore_index=True)
