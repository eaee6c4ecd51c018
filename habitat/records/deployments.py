"""Effort as people keep it: where a camera stood, from when to when, and how many days it worked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from habitat.cubes import EFFORT as CONTRACT
from habitat.errors import RecordsError
from habitat.records.columns import EFFORT, PLACE, SIGHTING, pick_columns, refuse_unknown_names
from habitat.records.files import read_raw
from habitat.records.observations import as_text
from habitat.records.sieve import Sieve, merge_quarantines
from habitat.records.values import WGS84, read_numbers, read_places, read_times

_ROUNDING_DAYS = 1.0
"""Days worked may pass the time between start and end by this: people count both first and last day."""


def read_effort(
    paths: Path | Sequence[Path],
    *,
    columns: Mapping[str, str] | None = None,
    crs: Any = None,
    area: Any = None,
    timezone: str | None = None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read camera deployments from CSV, GeoPackage or GeoParquet files.

    Parameters
    ----------
    paths : Path or sequence of Path
    columns : mapping, optional
        Our column to theirs. Ours: effort_id, start, end, latitude, longitude (not where there is
        geometry), and if known effort_days (days that it worked; default: from start to end), station.
        Names that only sightings have may stand here too: one map serves both.
    crs, area, timezone
        As in :func:`read_sightings`.

    Returns
    -------
    effort : GeoDataFrame
        EFFORT: effort_id, start, end (UTC), effort_days, station, geometry (points, EPSG:4326).
    quarantine : DataFrame
        file, row, reason: a deployment that ends before it starts, worked no day or more days than there
        were, has an identifier used before, or no place.

    Raises
    ------
    RecordsError
        As :func:`read_sightings`.
    """
    refuse_unknown_names(columns, EFFORT, PLACE, SIGHTING)
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not files:
        raise RecordsError("no file of effort is given", where="[sightings] effort")
    parts = [_read_one(path, columns, crs, area, timezone) for path in files]
    table = pd.concat([part for part, _ in parts], ignore_index=True)
    repeated = table.duplicated("effort_id")
    again = table[repeated]
    reason = [f"effort_id {name!r} is used twice" for name in again["effort_id"]]
    set_aside = pd.DataFrame({"file": again["file"], "row": again["row"], "reason": reason})
    table = table[~repeated].drop(columns=["file", "row"]).reset_index(drop=True)
    effort = gpd.GeoDataFrame(table, geometry="geometry", crs=WGS84)
    return CONTRACT.check(effort), merge_quarantines([*(q for _, q in parts), set_aside])


def _read_one(
    path: Path, columns: Mapping[str, str] | None, crs: Any, area: Any, timezone: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    raw = read_raw(path)
    known = EFFORT if raw.points is not None else {**EFFORT, **PLACE}
    required = ("effort_id", "start", "end", *(() if raw.points is not None else PLACE))
    named = {ours: theirs for ours, theirs in (columns or {}).items() if theirs in raw.table.columns}
    table = pick_columns(raw.table, known, named=named, required=required, file=raw.file)
    sieve = Sieve(raw.file, table.index)
    places = read_places(table if raw.points is None else None, raw.points, sieve, crs=crs, area=area)
    found = pd.DataFrame(index=table.index)
    found["effort_id"] = as_text(table["effort_id"])
    found["start"] = read_times(table["start"], "start", sieve, timezone)
    found["end"] = read_times(table["end"], "end", sieve, timezone)
    lasted: Any = (found["end"] - found["start"]).dt.total_seconds() / 86400
    worked = read_numbers(table["effort_days"], "effort_days", sieve)
    found["effort_days"] = worked.where(worked.notna(), lasted)
    found["station"] = as_text(table["station"])
    found["file"], found["row"] = raw.file, table.index
    found["geometry"] = places.array
    sieve.refuse(found["effort_id"].isna(), "no effort_id")
    sieve.refuse(lasted <= 0, "ends before it starts")
    sieve.refuse(found["effort_days"] <= 0, "worked no day: not surveyed")
    sieve.refuse(found["effort_days"] > lasted + _ROUNDING_DAYS, "worked more days than lie between start and end")
    sieve.refuse_nothing_left()
    return found[sieve.good], sieve.quarantine()
