"""Sightings as people keep them: one row a record of an animal at a place and a time."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from habitat.errors import RecordsError
from habitat.records.columns import EFFORT, PLACE, SIGHTING, pick_columns, refuse_unknown_names
from habitat.records.files import read_raw
from habitat.records.sieve import Sieve, merge_quarantines
from habitat.records.values import WGS84, read_numbers, read_places, read_times


def read_sightings(
    paths: Path | Sequence[Path],
    *,
    columns: Mapping[str, str] | None = None,
    species: Sequence[str] | None = None,
    crs: Any = None,
    area: Any = None,
    timezone: str | None = None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read sightings from CSV, GeoPackage or GeoParquet files.

    Parameters
    ----------
    paths : Path or sequence of Path
    columns : mapping, optional
        Our column to theirs. Ours: species, time, latitude, longitude (not where there is geometry), and
        if known event, individual, effort_id, count. Usual names such as lat, datetime or deploymentID
        are found without it; names that only effort has may stand here too.
    species : sequence of str, optional
        Only these, whatever their capitals; other species are left out without a note. Default: all.
    crs : optional
        Reference system of coordinates that are not degrees.
    area : shapely geometry, optional
        In degrees; tells whether coordinates are swapped. Records outside it are kept.
    timezone : str, optional
        Zone of times that carry none, such as "Asia/Vladivostok".

    Returns
    -------
    observations : GeoDataFrame
        event (the file's own identifier, else file name and row), species, individual, time (UTC),
        effort_id, count, file, row, geometry (points, EPSG:4326). Missing values are null.
    quarantine : DataFrame
        file, row (as a spreadsheet shows it), reason: records that cannot be used.

    Raises
    ------
    RecordsError
        If a file is missing, empty or not what its name says; lacks a column; has swapped coordinates,
        times without zone, or no usable record; or if no file names one of `species`.
    """
    refuse_unknown_names(columns, SIGHTING, PLACE, EFFORT)
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not files:
        raise RecordsError("no file of sightings is given", where="[sightings] files")
    parts = [_read_one(path, columns, crs, area, timezone) for path in files]
    table = pd.concat([part for part, _ in parts], ignore_index=True)
    quarantine = [set_aside for _, set_aside in parts]
    table, repeated = _refuse_repeats(table)
    if species is not None:
        table = _only(table, species)
    observations = gpd.GeoDataFrame(table, geometry="geometry", crs=WGS84)
    return observations, merge_quarantines([*quarantine, repeated])


def _read_one(
    path: Path, columns: Mapping[str, str] | None, crs: Any, area: Any, timezone: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    raw = read_raw(path)
    known = SIGHTING if raw.points is not None else {**SIGHTING, **PLACE}
    required = ("species", "time", *(() if raw.points is not None else PLACE))
    table = pick_columns(raw.table, known, named=columns, required=required, file=raw.file)
    sieve = Sieve(raw.file, table.index)
    places = read_places(table if raw.points is None else None, raw.points, sieve, crs=crs, area=area)
    found = pd.DataFrame(index=table.index)
    given = as_text(table["event"])
    found["event"] = given.where(given.notna(), [f"{path.stem}-{row}" for row in table.index])
    found["species"] = as_text(table["species"])
    found["individual"] = as_text(table["individual"])
    found["time"] = read_times(table["time"], "time", sieve, timezone)
    found["effort_id"] = as_text(table["effort_id"])
    found["count"] = read_numbers(table["count"], "count", sieve)
    found["file"], found["row"] = raw.file, table.index
    found["geometry"] = places.array
    sieve.refuse(found["species"].isna(), "no species")
    sieve.refuse(found["count"] <= 0, "count is not above 0")
    sieve.refuse_nothing_left()
    return found[sieve.good], sieve.quarantine()


def as_text(raw: pd.Series) -> pd.Series:
    """Return values as text, null where there is none; whole numbers without a decimal point."""
    if raw.dtype.kind == "f" and (raw.dropna() % 1 == 0).all():
        raw = raw.astype("Int64")
    text = raw.astype("string").str.strip()
    return text.where(text != "").astype(object).where(text.notna() & (text != ""), None)


def _refuse_repeats(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set aside records whose event another record already has."""
    repeated = table.duplicated("event")
    if not repeated.any():
        return table, pd.DataFrame()
    first = table[~repeated].set_index("event")
    again = table[repeated]
    where = first.loc[again["event"], ["file", "row"]]
    reason = [
        f"event {event!r} is already in {file}, row {row}"
        for event, file, row in zip(again["event"], where["file"], where["row"], strict=True)
    ]
    set_aside = pd.DataFrame({"file": again["file"], "row": again["row"], "reason": reason})
    return table[~repeated].reset_index(drop=True), set_aside


def _only(table: pd.DataFrame, species: Sequence[str]) -> pd.DataFrame:
    wanted = {name.strip().casefold(): name for name in species}
    plain = table["species"].str.casefold()
    there = sorted(set(table["species"]))
    for name, spelt in wanted.items():
        if not (plain == name).any():
            near = difflib.get_close_matches(spelt, there, n=1, cutoff=0.5)
            mend = f"did you mean {near[0]!r}?" if near else f"recorded: {', '.join(there[:8])}"
            raise RecordsError(f"no record of {spelt!r}", where="[sightings] species", mend=mend)
    chosen = plain.isin(list(wanted)).to_numpy()
    spelling = np.array([wanted[name] for name in plain[chosen]], dtype=object)
    return table[chosen].assign(species=spelling).reset_index(drop=True)
