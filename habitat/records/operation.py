"""Matrices of camtrapR that tell day by day whether each station's cameras worked.

Source: Niedballa et al. 2016, Methods in Ecology and Evolution 7, 1457-1462, and the manual of `cameraOperation`: a row
a station, a column a day; NA = not set up, 0 = set up and not working, 1 = working, fractions for parts of a day, more
than 1 for several cameras.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from habitat.records.columns import plain_name
from habitat.records.files import RawTable
from habitat.records.kinds import FLAGGED, MENDED
from habitat.records.observations import as_text
from habitat.records.reading import Reading
from habitat.records.sieve import Sieve, findings_table, merge_findings
from habitat.records.times import Clock, read_times
from habitat.records.values import SAME_PLACE_M, metres_apart

_DAY = re.compile(r"(?:X|Day)?[._ ]?(\d{4})[-._](\d\d)[-._](\d\d)", re.IGNORECASE)
"""2019-03-01, X2019.03.01 as R writes it, Day2019.03.01."""
_MOST_OTHERS = 3
"""Columns beside the days."""
_PART = re.compile(r"__(?:SESS|CAM)_.*$")
"""What camtrapR adds to a station for a session or one of its cameras."""


def days_in(raw: RawTable) -> dict[Any, str]:
    """Return the columns of a matrix of operation that are days, and their dates, in order; empty if it is none."""
    days = {column: "-".join(m.groups()) for column in raw.table.columns if (m := _DAY.fullmatch(str(column).strip()))}
    others = len(raw.table.columns) - len(days)
    if raw.shapes is not None or len(days) < 2 or not 1 <= others <= _MOST_OTHERS:
        return {}
    return dict(sorted(days.items(), key=lambda item: item[1]))


def sift_operation(
    raw: RawTable, reading: Reading, deployments: pd.DataFrame, folder: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put the days of a matrix in place of those that a camera table tells of the same stations.

    Parameters
    ----------
    raw : RawTable
        The matrix. Rows of one station (its sessions, its cameras) are added up.
    deployments : DataFrame
        As :func:`habitat.records.deployments.sift_deployments` returns them, with `origin` and `folder`: they tell
        where stations are; of one name those in the matrix's own folder.

    Returns
    -------
    deployments : DataFrame
        Those of stations that the matrix does not have, and a row each time that a station worked alike day after day.
    findings : DataFrame
        Rows of the matrix that are set aside; that days were read from it.
    """
    days = days_in(raw)
    sieve = Sieve(raw.file, raw.table.index)
    worked = _numbers(raw.table[list(days)], sieve)
    station = as_text(raw.table[_station_column(raw.table, days)])
    station = station.astype("string").str.replace(_PART, "", regex=True).astype(object).where(station.notna(), None)
    sieve.refuse(station.isna(), "no_effort_id", "no station")
    known = deployments[deployments["deployment"].isin(set(station.dropna()))]
    here = known["folder"] == folder
    known = known[here | ~known["deployment"].isin(set(known["deployment"][here]))]
    nowhere = station.notna() & ~station.isin(set(known["deployment"]))
    sieve.refuse(nowhere, "no_coordinates", "no camera table tells where station {!r} is", station)
    apart = station.isin(_in_two_places(known))
    sieve.refuse(apart, "station_in_two_places", "the camera table has station {!r} in two places at once", station)
    sieve.refuse(~(worked > 0).any(axis=1), "worked_no_day", "worked no day: not surveyed")
    sieve.refuse_nothing_left()
    runs = _runs_of_stations(worked[sieve.good], station[sieve.good], list(days.values()))
    clock = Clock(reading.timezone)
    scratch = Sieve(raw.file, pd.Index(runs["row"]))
    start, end = (read_times(runs[name], "day", scratch, clock).utc.array for name in ("first", "after"))
    known = known[known["deployment"].isin(set(runs["station"]))]
    new = known.iloc[_row_of_day(runs["station"], start, known)].reset_index(drop=True)
    new = new.assign(
        start=start,
        end=end,
        worked_from=start,
        worked_to=end,
        effort_days=runs["effort_days"].to_numpy(),
        gaps=pd.Series([[] for _ in start], index=runs.index, dtype=object),
        file=raw.file,
        row=runs["row"].to_numpy(),
    )
    keys = ["file", "row"]
    replaced = pd.MultiIndex.from_frame(deployments[keys]).isin(pd.MultiIndex.from_frame(known[keys]))
    told = [
        findings_table(file, [of["row"].min()], "days_of_matrix", MENDED, [_said(raw.file, len(of))])
        for file, of in known.groupby("file", sort=False)
    ]
    return pd.concat([deployments[~replaced], new]), merge_findings([sieve.findings(), *told])


def left_out_of_matrices(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return findings: of a camera table beside a matrix, the deployments whose days no matrix told.

    They count as worked from setup to retrieval, beside stations of which it is known day by day.

    Parameters
    ----------
    before, after : DataFrame
        Deployments without and with the days of all matrices, as :func:`sift_operation` takes and returns them.
    """
    rows, left = (pd.MultiIndex.from_frame(table[["file", "row"]]) for table in (before, after))
    kept = rows.isin(left)
    beside = kept & before["file"].isin(set(before["file"][~kept])).to_numpy()
    reasons = [
        f"no matrix tells the days of station {name!r}: all count as worked" for name in before["deployment"][beside]
    ]
    at = before[beside]
    return findings_table(at["file"].to_numpy(), at["row"].to_numpy(), "station_not_in_matrix", FLAGGED, reasons)


def _in_two_places(known: pd.DataFrame) -> set[str]:
    """Stations with two deployments at a time that stand apart."""
    found = set()
    for name, of in known.groupby("deployment", sort=False):
        rows = of.to_dict("records")
        for one, other in combinations(rows, 2):
            if one["start"] < other["end"] and other["start"] < one["end"]:
                a, b = one["geometry"], other["geometry"]
                if metres_apart(a.x, a.y, b.x, b.y) > SAME_PLACE_M:
                    found.add(str(name))
    return found


def _said(file: str, n: int) -> str:
    return f"days worked are those of {file} ({n} record{'s' if n > 1 else ''}, first in this row)"


def _station_column(table: pd.DataFrame, days: dict[Any, str]) -> Any:
    others = [column for column in table.columns if column not in days]
    return next((column for column in others if plain_name(column) == "station"), others[0])


def _numbers(table: pd.DataFrame, sieve: Sieve) -> pd.DataFrame:
    numbers = table.apply(pd.to_numeric, errors="coerce").astype(float)
    wrong = (table.notna() & ~(numbers >= 0)).any(axis=1)
    sieve.refuse(wrong, "not_a_number", "a day holds neither NA nor a number from 0 on")
    return numbers


def _runs_of_stations(worked: pd.DataFrame, station: pd.Series, days: list[str]) -> pd.DataFrame:
    """Runs of days on which a station worked alike: station, row (of the file), first, after (dates), effort_days."""
    dates = pd.DatetimeIndex(days)
    after = (dates + pd.Timedelta(days=1)).strftime("%Y-%m-%d")
    runs = []
    for name, rows in station.groupby(station, sort=False):
        amount = worked.loc[rows.index].sum(axis=0).to_numpy(dtype=float)
        cut = (amount[1:] != amount[:-1]) | (np.diff(dates) != pd.Timedelta(days=1))
        firsts = np.flatnonzero(np.append(True, cut))
        for first, last in zip(firsts, np.append(firsts[1:], len(amount)) - 1, strict=True):
            if amount[first] > 0:
                total = float(amount[first] * (last - first + 1))
                runs.append((name, rows.index[0], days[first], after[last], total))
    return pd.DataFrame(runs, columns=["station", "row", "first", "after", "effort_days"])


def _row_of_day(station: pd.Series, start: Any, known: pd.DataFrame) -> list[int]:
    """Row of `known` of each run: of its station, that which had been set up then; else the first."""
    places = dict(list(known.reset_index(drop=True).groupby("deployment", sort=False)))
    found = []
    for name, day in zip(station, start, strict=True):
        of = places[name]
        then = of.index[(of["start"] < day + pd.Timedelta(days=1)) & (day < of["end"])]
        found.append(int(then[0] if len(then) else of.index[0]))
    return found
