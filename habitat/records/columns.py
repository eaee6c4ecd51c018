"""Which of a file's columns is which of ours: named by the user, or known by one of its usual names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from habitat.errors import RecordsError

PLACE = {
    "latitude": ("latitude", "lat", "decimallatitude", "y", "northing", "utmy", "gpsy", "широта", "纬度"),
    "longitude": (
        "longitude",
        "lon",
        "long",
        "lng",
        "decimallongitude",
        "x",
        "easting",
        "utmx",
        "gpsx",
        "долгота",
        "经度",
    ),
}

SOURCE = ("source", "park", "parkname", "protectedarea", "reserve", "парк", "заповедник", "保护区")
"""Whose records they are: parks may use one name for two cameras."""

SIGHTING = {
    "event": ("event", "observationid", "observation", "recordid", "occurrenceid"),
    "species": ("species", "scientificname", "taxon", "speciesname", "вид", "物种"),
    "time": (
        *("datetime", "datetimeoriginal", "timestamp", "eventstart", "observedat", "observedon"),
        *("времяидата", "датаивремя", "waypointdate", "waypointd", "date", "дата", "日期", "time", "время", "时间"),
    ),
    "clock": ("waypointtime", "waypointt", "time", "время", "时间"),
    "individual": ("individual", "individualid", "animalid", "animal"),
    "effort_id": (
        *("effortid", "deploymentid", "deployment", "effort", "patrolid", "patrol"),
        *("stationid", "station", "cameraid", "camera"),
    ),
    "count": ("count", "individualcount", "number", "groupsize", "количество", "数量"),
    "certain": ("certain", "confirmed", "iscertain"),
    "probability": ("classificationprobability", "probability", "confidence"),
    "method": ("classificationmethod",),
    "type": ("observationtype", "observationcategory0", "observatio", "category"),
    "level": ("observationlevel",),
    "sequence": ("eventid", "sequenceid"),
    "setup": ("camerasetuptype",),
    "source": SOURCE,
}

EFFORT = {
    "effort_id": SIGHTING["effort_id"],
    "start": ("start", "starttime", "startdate", "deploymentstart", "setupdate", "setup", "from"),
    "end": ("end", "endtime", "enddate", "deploymentend", "retrievaldate", "retrieval", "to"),
    "effort_days": ("effortdays", "cameradays", "trapdays", "trapnights", "daysactive"),
    "station": ("station", "stationid", "locationid", "locationname", "camera", "cameraid", "site"),
    "issues": ("timestampissues",),
    "groups": ("deploymentgroups", "session"),
    "source": SOURCE,
}

PATROL = {
    "patrol": ("patrolid", "patrol", "trackid", "track", "name"),
    "time": ("time", "timestamp", "datetime"),
    "start": ("starttime", "start", "begintime"),
    "end": ("endtime", "end"),
    "start_date": ("patrollegdate", "patrollegd", "startdate", "patrolstart", "patrolsta", "date"),
    "end_date": ("patrollegdate", "patrollegd", "enddate", "patrolend", "date"),
    "transport": ("patroltransporttype", "patroltra", "transporttype", "transport"),
}
"""Usual names, in lower case without spaces and marks, the better ones first; a shapefile keeps ten letters of each."""

ALL = (SIGHTING, PLACE, EFFORT, PATROL)


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
    plain = {plain_name(column): column for column in reversed(table.columns)}
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


def names_in(table: pd.DataFrame, ours: str, known: Mapping[str, Sequence[str]], named: Mapping[str, str]) -> bool:
    """Whether a table has a column that is `ours`."""
    plain = {plain_name(column) for column in table.columns}
    return named.get(ours) in table.columns or any(name in plain for name in known[ours])


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


def plain_name(name: object) -> str:
    """A column's name in lower case, without spaces and marks."""
    return re.sub(r"[\W_]+", "", str(name)).lower()


def _nearest(names: Sequence[str], columns: Sequence[object]) -> str | None:
    for name in names:
        near = difflib.get_close_matches(plain_name(name), [plain_name(column) for column in columns], n=1, cutoff=0.6)
        if near:
            return f"is it {next(str(column) for column in columns if plain_name(column) == near[0])!r}?"
    return None


def _has(table: pd.DataFrame) -> str:
    return f"it has {', '.join(map(str, table.columns))}"
