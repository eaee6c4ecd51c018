"""Records of animals as people keep them: one row a record of an animal at a place and a time."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from habitat.errors import RecordsError
from habitat.records.columns import PLACE, SIGHTING, names_in, pick_columns
from habitat.records.files import RawTable
from habitat.records.linking import find_efforts
from habitat.records.reading import Reading
from habitat.records.sieve import Sieve
from habitat.records.times import Clock, join_date_and_time, read_times
from habitat.records.values import WGS84, read_numbers, read_places, read_truths

_PEOPLE = (
    *("homo sapiens", "human", "humans", "person", "people", "man", "ranger", "rangers", "poacher", "staff"),
    *("человек", "люди", "人", "人类"),
)
_VEHICLES = ("vehicle", "car", "truck", "motorcycle", "машина", "автомобиль", "车", "车辆")
_BLANK = ("blank", "empty", "nothing", "none", "false trigger", "no animal", "пусто", "空")
_UNKNOWN = (
    *("unknown", "unidentified", "unid", "unidentifiable", "unknown animal", "animal", "sp", "sp.", "?", "??", "-"),
    *("неизвестно", "неизвестный", "未知", "不明"),
)
_UNCLASSIFIED = ("unclassified", "unknown")
"""As a type of observation."""


def sift_observations(
    raw: RawTable,
    reading: Reading,
    effort: gpd.GeoDataFrame | None = None,
    *,
    origin: str = "",
    folder: str = "",
    own: Collection[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read one table of records.

    Parameters
    ----------
    raw : RawTable
    reading : Reading
    effort : GeoDataFrame, optional
        Known cameras and patrols, as :func:`habitat.records.linking.find_efforts` takes them: a record without
        coordinates takes those of its camera.
    origin, folder, own
        Of the file, as there.

    Returns
    -------
    observations : DataFrame
        event, species, individual, time, effort_id (the `deployment` of its effort), count, certain, probability, file,
        row, own_event (the file's identifier was given), offset_minutes, fault and reason (why it belongs to no
        effort), geometry: records that nothing speaks against.
    findings : DataFrame
        See :class:`habitat.records.sieve.Sieve`.
    """
    placeless = effort is not None and bool((effort["method"] == "camera").any())
    table = _pick(raw, reading, placeless=placeless)
    sieve = Sieve(raw.file, table.index)
    sieve.mend([raw.encoding is not None] + [False] * (len(table) - 1), "encoding", f"read as {raw.encoding}")
    species = as_text(table["species"])
    _refuse_no_animals(table, species, sieve)
    found = pd.DataFrame(index=table.index)
    found["effort_id"], found["source"] = as_text(table["effort_id"]), as_text(table["source"])
    found["fault"] = found["reason"] = pd.Series(None, index=table.index, dtype=object)
    points, missing = _written_places(table, raw, sieve, reading)
    homeless = found["effort_id"].isna() if effort is not None else True
    sieve.refuse(points.isna() & homeless, "no_coordinates", missing)
    clock = Clock.of([table["time"]], reading.timezone, reading.dates)
    times = read_times(table["time"], "time", sieve, clock)
    given = as_text(table["event"])
    stem = re.sub(r"\.\w+(?=/|$)", "", raw.file).replace("/", "-")
    found["event"] = given.where(given.notna(), [f"{stem}-{row}" for row in table.index])
    found["individual"] = as_text(table["individual"])
    found["time"] = times.utc
    if effort is not None:
        linked = find_efforts(found, points, effort, origin=origin, folder=folder, own=own)
        found[["effort_id", "fault", "reason"]] = linked[["effort_id", "fault", "reason"]]
        points = _at_home(points, linked["home"], sieve, told=missing == _NO_PLACE)
    ambiguous = (found["fault"] == "effort_ambiguous").to_numpy()
    sieve.refuse(points.isna() & ambiguous, "no_coordinates", f"{missing}; {{}}", found["reason"])
    sieve.refuse(points.isna(), "no_coordinates", missing)
    found["count"] = read_numbers(table["count"], "count", sieve)
    sieve.refuse(species.isna(), "no_species", "no species")
    sieve.refuse(found["count"] <= 0, "count_not_positive", "count is not above 0")
    sieve.refuse(found["count"] % 1 > 0, "count_not_whole", "count {!r} is no whole number", found["count"])
    _judge(found, table, species, sieve, reading)
    found["own_event"] = given.notna()
    found["offset_minutes"] = times.offset_minutes
    found["file"], found["row"] = raw.file, table.index
    found["geometry"] = points.array
    sieve.refuse_nothing_left()
    return found.loc[sieve.good, list(_ORDER)], sieve.findings()


_ORDER = (
    *("event", "species", "individual", "time", "effort_id", "count", "certain", "probability", "file", "row"),
    *("own_event", "offset_minutes", "fault", "reason", "geometry"),
)
_NO_PLACE = "no coordinates"


def _pick(raw: RawTable, reading: Reading, *, placeless: bool) -> pd.DataFrame:
    """The columns that we know, with day and hour put together."""
    has_place = raw.shapes is not None
    known = SIGHTING if has_place else {**SIGHTING, **PLACE}
    required = ("species", "time", *(() if has_place or placeless else PLACE))
    table = pick_columns(raw.table, known, named=reading.columns, required=required, file=raw.file)
    if not _same(table["time"], table["clock"]):
        table["time"] = join_date_and_time(table["time"], table["clock"])
    return table


def _same(one: pd.Series, other: pd.Series) -> bool:
    return bool(other.isna().all()) or one.equals(other)


def _written_places(table: pd.DataFrame, raw: RawTable, sieve: Sieve, reading: Reading) -> tuple[gpd.GeoSeries, str]:
    """Places that the file gives, and what is said where none is known."""
    if raw.shapes is None and not all(names_in(raw.table, name, PLACE, reading.columns) for name in PLACE):
        nowhere = gpd.GeoSeries([None] * len(table), index=table.index, crs=WGS84)
        return nowhere, f"{_NO_PLACE}, and its deployment is not known"
    return read_places(table if raw.shapes is None else None, raw.shapes, sieve, reading), _NO_PLACE


def _at_home(points: gpd.GeoSeries, homes: gpd.GeoSeries, sieve: Sieve, *, told: bool) -> gpd.GeoSeries:
    """Places, those of their cameras where none is written."""
    taken = points.isna().to_numpy() & homes.notna().to_numpy() & sieve.good
    if told:
        sieve.mend(taken, "place_of_deployment", "no coordinates: it takes those of its deployment")
    return points.where(~taken, homes)


def _refuse_no_animals(table: pd.DataFrame, species: pd.Series, sieve: Sieve) -> None:
    """Set aside people before all else, so that nothing is told of them; then vehicles, blanks and what has no name."""
    name = species.astype("string").str.casefold()
    kind = as_text(table["type"]).astype("string").str.casefold()
    words = rf"\b(?:{'|'.join(_PEOPLE)})\b"
    # of a conflict between humans and wildlife, the species says that it was an animal
    about_people = kind.str.contains(words, regex=True).fillna(False).astype(bool) & name.isna()
    people = name.isin(_PEOPLE) | kind.isin(_PEOPLE) | about_people
    sieve.refuse(people, "person", "a person: not an animal")
    setup = as_text(table["setup"]).notna()
    sieve.refuse(setup, "camera_setup", "taken while the camera was set up")
    sieve.refuse(name.isin(_VEHICLES) | kind.isin(_VEHICLES), "vehicle", "a vehicle: not an animal")
    sieve.refuse(name.isin(_BLANK) | kind.isin(_BLANK), "blank", "blank: nothing was seen")
    unclassified = kind.isin(_UNCLASSIFIED) & (name.isna() | name.isin(_UNKNOWN))
    sieve.refuse(unclassified, "unclassified", "nobody has said what it shows")
    sieve.refuse(name.isin(_UNKNOWN), "species_unknown", "the species is not known")
    level = as_text(table["level"]).astype("string").str.casefold()
    key = as_text(table["effort_id"]).astype("string") + "\n" + as_text(table["sequence"]).astype("string")
    told = set(key[(level == "event").fillna(False).to_numpy()].dropna())
    again = (level == "media").fillna(False) & key.isin(told)
    sieve.refuse(again, "told_by_event", "one picture of an event that another record tells")


def _judge(found: pd.DataFrame, table: pd.DataFrame, species: pd.Series, sieve: Sieve, reading: Reading) -> None:
    """Add `species`, `certain` (null where nobody says) and `probability`."""
    doubted = species.astype("string").str.contains(r"\?\s*$|\bcf\.", regex=True).fillna(False).astype(bool)
    plain = species.astype("string").str.replace(r"\s*\?+\s*$|\bcf\.\s*", "", regex=True)
    found["species"] = plain.astype(object).where(species.notna(), None)
    certain = read_truths(table["certain"], "certain", sieve)
    probability = pd.to_numeric(table["probability"], errors="coerce").astype(float)
    probability = probability.where((probability >= 0) & (probability <= 1))
    method = as_text(table["method"]).astype("string").str.casefold()
    certain = certain.mask(certain.isna() & (method == "human").fillna(False), True)
    by_machine = (probability >= reading.certain_probability).astype("boolean").where(probability.notna())
    certain = certain.fillna(by_machine).mask(doubted, False)
    found["certain"], found["probability"] = certain, probability
    sieve.flag(certain.eq(False).fillna(False), "uncertain", "the identification is not certain")


def as_text(raw: pd.Series) -> pd.Series:
    """Return values as text, null where there is none; whole numbers without a decimal point."""
    if raw.dtype.kind == "f" and (raw.dropna() % 1 == 0).all():
        raw = raw.astype("Int64")
    text = raw.astype("string").str.strip()
    return text.where(text != "").astype(object).where(text.notna() & (text != ""), None)


def only_species(table: Any, species: Sequence[str]) -> Any:
    """Keep the records of some species, whatever their capitals, spelt as they are asked for.

    Raises
    ------
    RecordsError
        If one of them has no record.
    """
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
