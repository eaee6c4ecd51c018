"""The same record twice: in one file, in two files of a park, or in those of two parks that know it by other names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from habitat.records.kinds import FLAGGED, SET_ASIDE
from habitat.records.sieve import findings_table, merge_findings
from habitat.records.values import SAME_PLACE_M, metres_apart


def find_duplicates(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set aside records that another one tells, and make all event names different.

    An identifier that two different records have is not trusted: parks number from 1. Records of one file without
    identifiers of their own that are alike in all are kept, since a picture of two animals has two rows.

    Returns
    -------
    table : DataFrame
        What is left, with unique `event`.
    findings : DataFrame
    """
    table = table.reset_index(drop=True)
    parts = []
    alike = _alike(table)
    same_event = table.duplicated("event").to_numpy()
    first = table.drop_duplicates("event").set_index("event")
    at_first = pd.Series(np.arange(len(table))[~same_event], index=first.index).reindex(table["event"]).to_numpy()
    repeated = same_event & (alike == alike[at_first])
    parts.append(_told(table, repeated, at_first, "repeated_event", "event {event!r} is already in {file}, row {row}"))
    reused = same_event & ~repeated
    if reused.any():
        reasons = [
            f"event {name!r} is another record's too: it is called after its row" for name in table["event"][reused]
        ]
        parts.append(findings_table(table["file"][reused], table["row"][reused], "event_id_reused", FLAGGED, reasons))
        stem = table["file"].str.rsplit(".", n=1).str[0]
        renamed = stem + "-" + table["row"].astype(str) + "-" + table["event"]
        table["event"] = table["event"].where(~reused, renamed)
    across, told_by = _across_files(table, repeated)
    parts.append(_told(table, across, told_by, "duplicate_across_files", "is told by {file}, row {row}, as {event!r}"))
    gone = repeated | across
    twice = pd.DataFrame({"alike": alike, "file": table["file"]}).duplicated().to_numpy()
    twice = twice & ~table["own_event"].to_numpy(dtype=bool) & ~gone
    if twice.any():
        why = ["alike in all to a row before it: two animals, or one written down twice"] * int(twice.sum())
        parts.append(findings_table(table["file"][twice], table["row"][twice], "repeated_row", FLAGGED, why))
    return table[~gone].reset_index(drop=True), merge_findings(parts)


def _alike(table: pd.DataFrame) -> np.ndarray:
    """Number records by what they say."""
    points = np.asarray(table["geometry"], dtype=object)
    keys = pd.DataFrame(
        {
            "species": table["species"].str.casefold(),
            "individual": table["individual"],
            "time": table["time"],
            "effort": table["effort_id"],
            "x": shapely.get_x(points).round(4),
            "y": shapely.get_y(points).round(4),
            "count": table["count"],
        }
    )
    return keys.groupby(list(keys.columns), dropna=False, sort=False).ngroup().to_numpy()


def _across_files(table: pd.DataFrame, gone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which records an earlier file tells, and where: the same species, second and place."""
    which, told_by = np.zeros(len(table), dtype=bool), np.zeros(len(table), dtype=np.intp)
    if table["file"].nunique() < 2:
        return which, told_by
    keys = pd.DataFrame(
        {
            "species": table["species"].str.casefold(),
            "second": table["time"].dt.floor("s"),
            "at": np.arange(len(table)),
            "number": pd.factorize(table["file"])[0],
        }
    )[~gone]
    keys = keys[keys.duplicated(["species", "second"], keep=False)]
    pairs = keys.merge(keys, on=["species", "second"], suffixes=("", "_before"))
    pairs = pairs[pairs["number_before"] < pairs["number"]]
    points = np.asarray(table["geometry"], dtype=object)
    here, there = points[pairs["at"]], points[pairs["at_before"]]
    metres = metres_apart(shapely.get_x(there), shapely.get_y(there), shapely.get_x(here), shapely.get_y(here))
    pairs = pairs[metres <= SAME_PLACE_M]
    taken: set[tuple[int, int]] = set()
    for at, before, number in zip(
        pairs["at"].tolist(), pairs["at_before"].tolist(), pairs["number"].tolist(), strict=True
    ):
        # one record stands for one of another file, so that two animals in both files stay two
        if not which[at] and not which[before] and (before, number) not in taken:
            which[at], told_by[at] = True, before
            taken.add((before, number))
    return which, told_by


def _told(table: pd.DataFrame, which: np.ndarray, by: np.ndarray, kind: str, reason: str) -> pd.DataFrame:
    """Findings that point at another record."""
    at = np.flatnonzero(which)
    if not len(at):
        return merge_findings([])
    others = table.iloc[np.asarray(by)[at]]
    texts = [
        reason.format(event=event, file=file, row=row)
        for event, file, row in zip(others["event"], others["file"], others["row"], strict=True)
    ]
    return findings_table(table["file"].iloc[at], table["row"].iloc[at], kind, SET_ASIDE, texts)
