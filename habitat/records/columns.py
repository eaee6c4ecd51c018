"""Which of a file's columns is which of ours: named by the user, or known by one of its usual names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from habitat.errors import RecordsError

PLACE = {
    "latitude": ("latitude", "lat", "decimallatitude", "y", "northing", "utmy", "gpsy"),
    "longitude": ("longitude", "lon", "long", "lng", "decimallongitude", "x", "easting", "utmx", "gpsx"),
}

SIGHTING = {
    "event": ("event", "observationid", "observation", "recordid", "occurrenceid"),
    "species": ("species", "scientificname", "taxon", "speciesname"),
    "time": ("datetime", "datetimeoriginal", "timestamp", "eventstart", "observedat", "observedon", "time", "date"),
    "individual": ("individual", "individualid", "animalid", "animal"),
    "effort_id": ("effortid", "deploymentid", "deployment", "effort", "stationid", "station", "cameraid", "camera"),
    "count": ("count", "individualcount", "number", "groupsize"),
}

EFFORT = {
    "effort_id": SIGHTING["effort_id"],
    "start": ("start", "starttime", "startdate", "deploymentstart", "setupdate", "from"),
    "end": ("end", "endtime", "enddate", "deploymentend", "retrievaldate", "to"),
    "effort_days": ("effortdays", "cameradays", "trapdays", "trapnights", "daysactive"),
    "station": ("station", "stationid", "locationid", "locationname", "camera", "cameraid", "site"),
}
"""Usual names, in lower case without spaces and marks, the better ones first."""


def pick_columns(
    table: pd.DataFrame,
    known: Mapping[str, Sequence[str]],
    *,
    named: Mapping[str, str] | None,
    required: Sequence[str],
    file: str,
) -> pd.DataFrame:
    """Return the columns that we know, under our names; those that are optional and missing are null.

    Parameters
    ----------
    known : mapping
        Our names to the names that they usually have.
    named : mapping, optional
        Our name to theirs, where the user says so.
    required : sequence of str
        Our names that must be there.

    Raises
    ------
    RecordsError
        If a required column is missing, or `named` names an unknown one.
    """
    named = dict(named or {})
    for ours, given in named.items():
        if ours in known and given not in table.columns:
            mend = _nearest([given], list(table.columns)) or _has(table)
            raise RecordsError(f"has no column {given!r} for {ours}", where=file, mend=mend)
    plain = {_plain(column): column for column in reversed(table.columns)}
    found: dict[str, pd.Series] = {}
    for ours, names in known.items():
        theirs: str | None = named.get(ours) or next((plain[name] for name in names if name in plain), None)
        if theirs is not None:
            found[ours] = table[theirs]
        elif ours in required:
            used = {plain[n] for known_names in known.values() for n in known_names if n in plain}
            near = _nearest(names, [column for column in table.columns if column not in used])
            example = f"; columns = {{ {ours} = '...' }} in [sightings] says which it is"
            raise RecordsError(f"has no column for {ours}", where=file, mend=(near or _has(table)) + example)
        else:
            found[ours] = pd.Series(None, index=table.index, dtype=object)
    return pd.DataFrame(found)


def refuse_unknown_names(named: Mapping[str, str] | None, *known: Mapping[str, Sequence[str]]) -> None:
    """Refuse a column map that speaks of columns that we do not have.

    Raises
    ------
    RecordsError
        Naming the column and the nearest known one.
    """
    ours = sorted({name for names in known for name in names})
    for name in named or {}:
        if name not in ours:
            near = difflib.get_close_matches(name, ours, n=1, cutoff=0.5)
            mend = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(ours)}"
            raise RecordsError(f"unknown column {name!r}", where="[sightings] columns", mend=mend)


def _plain(name: object) -> str:
    return re.sub(r"[\W_]+", "", str(name)).lower()


def _nearest(names: Sequence[str], columns: Sequence[object]) -> str | None:
    for name in names:
        near = difflib.get_close_matches(_plain(name), [_plain(column) for column in columns], n=1, cutoff=0.6)
        if near:
            return f"is it {next(str(column) for column in columns if _plain(column) == near[0])!r}?"
    return None


def _has(table: pd.DataFrame) -> str:
    return f"it has {', '.join(map(str, table.columns))}"
