"""All that a survey's files hold, put together: animals, cameras, patrols, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from habitat.cubes import EFFORT as EFFORT_CONTRACT
from habitat.errors import RecordsError
from habitat.records.apart import apart_from_cameras, tell_cameras_apart
from habitat.records.checks import check_effort, check_observations
from habitat.records.columns import ALL, refuse_unknown_names
from habitat.records.deployments import segments_of, sift_deployments
from habitat.records.duplicates import find_duplicates
from habitat.records.formats import Role, Sheet, named_apart, sheets_of
from habitat.records.kinds import SET_ASIDE
from habitat.records.observations import only_species, sift_observations
from habitat.records.operation import left_out_of_matrices, sift_operation
from habitat.records.reading import Format, Reading
from habitat.records.sieve import merge_findings
from habitat.records.together import count_once, counted_patrols
from habitat.records.tracks import join_tracks, sift_tracks
from habitat.records.values import WGS84


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
    sheets = named_apart(
        [(path, sheet) for path in files for sheet in sheets_of(path, reading)]
        + [(path, sheet) for path in effort_files for sheet in sheets_of(path, reading, "deployments")]
    )
    effort, own, of_cameras = _cameras(sheets, reading)
    fixes, of_patrols = _patrols(sheets, reading, set(effort["name"]))
    known = _known(effort, fixes, {sheet.raw.file: sheet for sheet in sheets})
    animals, of_animals = _animals(sheets, reading, known, own)
    fixes, walks, together = count_once(fixes)
    animals["effort_id"] = counted_patrols(animals["effort_id"], animals["time"], walks)
    observations = animals if reading.species is None else only_species(animals, reading.species)
    checked = check_observations(observations, known, reading.area)
    findings = merge_findings([*of_cameras, *of_patrols, together, *of_animals, checked])
    others = animals[~animals["event"].isin(observations["event"])]
    return Records(
        observations.drop(columns=["own_event", "offset_minutes", "fault", "reason"]),
        EFFORT_CONTRACT.check(effort.drop(columns=["issues", "name", "source", "origin", "folder"])),
        fixes.drop(columns="name"),
        findings,
        _sources(sheets, findings, others),
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


def _cameras(
    sheets: Sequence[Sheet], reading: Reading
) -> tuple[gpd.GeoDataFrame, Mapping[str, set[str]], list[pd.DataFrame]]:
    """Effort, the names of cameras by the file or package that tells them, and findings."""
    of_cameras = [sheet for sheet in sheets if sheet.role == "deployments"]
    matrices = [sheet for sheet in sheets if sheet.role == "operation"]
    if not of_cameras and matrices:
        mend = "name the camera table too, with the stations' coordinates"
        raise RecordsError(
            "tells when cameras worked, and no file where they stood", where=matrices[0].raw.file, mend=mend
        )
    sifted = [sift_deployments(sheet.raw, reading) for sheet in of_cameras]
    if not sifted:
        return no_effort(), {}, []
    deployments = pd.concat(
        table.assign(origin=sheet.origin, folder=sheet.folder)
        for sheet, (table, _) in zip(of_cameras, sifted, strict=True)
    )
    findings, told = [found for _, found in sifted], deployments
    for sheet in matrices:
        deployments, found = sift_operation(sheet.raw, reading, deployments, sheet.folder)
        findings.append(found)
    findings.append(left_out_of_matrices(told, deployments))
    effort, repeated = segments_of(tell_cameras_apart(deployments))
    checked = [check_effort(effort, reading.area)] if len(effort) else []
    own = {str(origin): set(of) for origin, of in deployments.groupby("origin")["deployment"]}
    return effort, own, [*findings, repeated, *checked]


def _patrols(
    sheets: Sequence[Sheet], reading: Reading, cameras: Collection[Any]
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    of_patrols = [sheet for sheet in sheets if sheet.role == "tracks"]
    sifted = [sift_tracks(sheet.raw, reading) for sheet in of_patrols]
    # a receiver calls the tracks of every day alike, a park gives each patrol its own name
    sets = {sheet.raw.file: sheet.origin if sheet.format == "gpx" else sheet.folder for sheet in of_patrols}
    fixes, repeated = join_tracks([table for table, _ in sifted], sets)
    fixes = apart_from_cameras(fixes, cameras)
    return fixes, [*(found for _, found in sifted), repeated]


def _animals(
    sheets: Sequence[Sheet], reading: Reading, effort: gpd.GeoDataFrame | None, own: Mapping[str, set[str]]
) -> tuple[gpd.GeoDataFrame, list[pd.DataFrame]]:
    """Records of all species, each once."""
    sifted = [
        sift_observations(
            *(sheet.raw, reading, effort), origin=sheet.origin, folder=sheet.folder, own=own.get(sheet.origin, ())
        )
        for sheet in sheets
        if sheet.role == "observations"
    ]
    if not sifted:
        return gpd.GeoDataFrame(_NOTHING_SEEN, geometry="geometry", crs=WGS84), []
    table, repeated = find_duplicates(pd.concat([table for table, _ in sifted], ignore_index=True))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=WGS84), [*(found for _, found in sifted), repeated]


def _sources(sheets: Sequence[Sheet], findings: pd.DataFrame, others: pd.DataFrame) -> tuple[Source, ...]:
    aside = findings["file"][findings["outcome"] == SET_ASIDE].value_counts().to_dict()
    unasked = others["file"].value_counts().to_dict()
    return tuple(
        Source(
            file=(name := sheet.raw.file),
            format=sheet.format,
            role=sheet.role,
            records=len(sheet.raw.table),
            set_aside=int(aside.get(name, 0)),
            other_species=int(unasked.get(name, 0)),
        )
        for sheet in sheets
    )


_NOTHING_SEEN: Mapping[str, Any] = {
    **{
        name: pd.Series([], dtype=object)
        for name in ("event", "species", "individual", "effort_id", "file", "fault", "reason")
    },
    "time": pd.Series([], dtype="datetime64[us, UTC]"),
    **{name: pd.Series([], dtype=float) for name in ("count", "probability", "offset_minutes")},
    "certain": pd.Series([], dtype="boolean"),
    "row": pd.Series([], dtype="int64"),
    "own_event": pd.Series([], dtype=bool),
    "geometry": pd.Series([], dtype=object),
}


def _known(effort: gpd.GeoDataFrame, tracks: pd.DataFrame, sheets: Mapping[str, Sheet]) -> gpd.GeoDataFrame | None:
    """Cameras and patrols together, for the records to be linked to."""
    if not len(tracks):
        return effort if len(effort) else None
    spans = tracks.groupby("patrol", sort=False).agg(
        name=("name", "first"),
        file=("file", "first"),
        start=("time", "min"),
        end=("time", "max"),
        x=("longitude", "first"),
        y=("latitude", "first"),
    )
    where = {name: [getattr(sheets[file], name) for file in spans["file"]] for name in ("origin", "folder")}
    patrols = gpd.GeoDataFrame(
        {"effort_id": spans.index, "deployment": spans.index, **spans[["name", "start", "end"]].to_dict("series")},
        geometry=gpd.points_from_xy(spans["x"], spans["y"]),
        crs=WGS84,
    ).assign(**where, effort_days=0.0, method="patrol", issues=None, station=None, source=None)
    return patrols if not len(effort) else pd.concat([effort, patrols], ignore_index=True)
