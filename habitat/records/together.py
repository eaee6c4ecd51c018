"""Two receivers of one team: what was walked together counts once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from habitat.records.kinds import FLAGGED, SET_ASIDE
from habitat.records.sieve import findings_table, merge_findings
from habitat.records.tracks import in_order
from habitat.records.values import METRES_A_DEGREE, metres_apart
from habitat.sightings.links import microseconds

TOGETHER_M = 100.0
"""Receivers of one team lie no farther apart: people in file, and the error of both."""
TOGETHER_SHARE = 0.8
"""Of the time that both were on."""
SHORTEST_MINUTES = 10.0
"""Who are near each other for less may have met."""
_SILENCE_MINUTES = 60.0
"""Between fixes farther apart in time nobody knows where a receiver was."""
_SAMPLES = (10, 2000)
_MINUTE = 60e6

Floats = NDArray[np.float64]


def count_once(fixes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Leave out what a second receiver tells of the same walk.

    Parts of tracks that are within 100 m of each other for at least 80% of the time (and ten minutes) that both were
    on are of one team. The part that is longer in time stays whole, of the other what lies outside its time.
    Tracks of which only the day is known are not compared.

    Parameters
    ----------
    fixes : DataFrame
        As :func:`habitat.records.tracks.join_tracks` returns them.

    Returns
    -------
    fixes : DataFrame
        What counts.
    walks : DataFrame
        patrol, start, end (UTC), counted: the patrol that counts in its place.
    findings : DataFrame
        Rows of files that do not count: set aside, or flagged where some of a line's fixes count.
    """
    walks: list[dict[str, Any]] = []
    gone = np.zeros(len(fixes), dtype=bool)
    piece = np.zeros(len(fixes), dtype=np.int64)
    by = np.full(len(fixes), None, dtype=object)
    parts = _Parts(fixes)
    kept: list[int] = []
    for own in parts.longest_first():
        for other in parts.beside(own, np.array(kept, dtype=np.intp)):
            if not parts.together(own, other):
                continue
            at, since, until = parts.rows[own], parts.start[other], parts.end[other]
            inside = (parts.time[at] >= since) & (parts.time[at] <= until) & ~gone[at]
            gone[at[inside]] = True
            by[at[inside]] = f"{parts.patrol[other]!r} ({parts.file[other]})"
            piece[at] += parts.time[at] > until
            span = max(since, parts.start[own]), min(until, parts.end[own])
            walks.append(
                {"patrol": parts.patrol[own], "start": span[0], "end": span[1], "counted": parts.patrol[other]}
            )
        kept.append(own)
    table = pd.DataFrame(walks, columns=["patrol", "start", "end", "counted"])
    for name in ("start", "end"):
        table[name] = pd.to_datetime(table[name].astype("int64"), unit="us", utc=True).astype("datetime64[us, UTC]")
    if not len(table):
        return fixes, table, merge_findings([])
    left = fixes.assign(part=fixes.assign(piece=piece).groupby(["part", "piece"], sort=False).ngroup())[~gone]
    alone = left.groupby("part")["time"].transform("size").to_numpy() < 2
    dropped = ~fixes.index.isin(left.index[~alone])
    return in_order(left[~alone]), table, _findings(fixes, dropped, pd.Series(by, index=fixes.index))


def counted_patrols(names: pd.Series, times: pd.Series, walks: pd.DataFrame) -> pd.Series:
    """Return the patrol that counts at each record's time, in place of one that walked together with it."""
    named = names.copy()
    # the patrol that counts may itself have walked with a longer one, which was told before
    for walk in walks.iloc[::-1].itertuples():
        here = (named == walk.patrol) & (times >= walk.start) & (times <= walk.end)
        named = named.mask(here.to_numpy(dtype=bool), walk.counted)
    return named


class _Parts:
    """Timed parts of tracks: their rows, span and frame."""

    def __init__(self, fixes: pd.DataFrame) -> None:
        self.time = microseconds(fixes["time"])
        self._x, self._y = (fixes[name].to_numpy(dtype=float) for name in ("longitude", "latitude"))
        of = fixes.reset_index(drop=True)[fixes["timed"].astype(bool).to_numpy()].groupby("part", sort=True)
        self.rows = [np.sort(at) for at in (group.index.to_numpy() for _, group in of)]
        self.patrol, self.file = ([fixes[name].iloc[at[0]] for at in self.rows] for name in ("patrol", "file"))
        self.start = np.array([self.time[at[0]] for at in self.rows], dtype=np.int64)
        self.end = np.array([self.time[at[-1]] for at in self.rows], dtype=np.int64)
        frame = [(self._x[at].min(), self._y[at].min(), self._x[at].max(), self._y[at].max()) for at in self.rows]
        self._frame = np.array(frame, dtype=float).reshape(-1, 4)

    def longest_first(self) -> list[int]:
        """Numbers of parts; of equal ones that which is told first."""
        return np.argsort(-(self.end - self.start), kind="stable").tolist()

    def beside(self, own: int, others: NDArray[np.intp]) -> list[int]:
        """Those of `others` that were on at the same time for long enough, and came near."""
        shared = np.minimum(self.end[others], self.end[own]) - np.maximum(self.start[others], self.start[own])
        slack = 2 * TOGETHER_M / METRES_A_DEGREE / max(np.cos(np.radians(self._frame[own, 3])), 0.05)
        low, high = self._frame[own, :2] - slack, self._frame[own, 2:] + slack
        near = (self._frame[others, :2] <= high).all(axis=1) & (self._frame[others, 2:] >= low).all(axis=1)
        return others[(shared >= SHORTEST_MINUTES * _MINUTE) & near].tolist()

    def together(self, one: int, other: int) -> bool:
        """Whether two parts are within reach of each other for most of the time that both tell of."""
        since, until = max(self.start[one], self.start[other]), min(self.end[one], self.end[other])
        number = int(np.clip((until - since) / _MINUTE, *_SAMPLES))
        moments = np.linspace(since, until, number)
        (x0, y0), (x1, y1) = self._at(one, moments), self._at(other, moments)
        known = np.isfinite(x0) & np.isfinite(x1)
        if known.mean() * (until - since) < SHORTEST_MINUTES * _MINUTE:
            return False
        metres = metres_apart(x0[known], y0[known], x1[known], y1[known])
        return bool((metres <= TOGETHER_M).mean() >= TOGETHER_SHARE)

    def _at(self, part: int, moments: Floats) -> tuple[Floats, Floats]:
        """Place of a part at moments; NaN in a silence."""
        rows = self.rows[part]
        time = self.time[rows].astype(float)
        after = np.clip(np.searchsorted(time, moments), 1, len(time) - 1)
        silent = time[after] - time[after - 1] > _SILENCE_MINUTES * _MINUTE
        x, y = (np.interp(moments, time, values[rows]) for values in (self._x, self._y))
        return np.where(silent, np.nan, x), np.where(silent, np.nan, y)


def _findings(fixes: pd.DataFrame, dropped: NDArray[np.bool_], by: pd.Series) -> pd.DataFrame:
    """Rows of files of which no fix counts any more, and those of which some do not."""
    table = fixes[["file", "row"]].assign(dropped=dropped, by=by.where(dropped))
    whole = table.groupby(["file", "row"])["dropped"].transform("all")
    parts = []
    for which, kind, outcome, said in (
        (whole, "walked_together", SET_ASIDE, "counts once"),
        (~whole, "walked_together_in_part", FLAGGED, "that stretch counts once"),
    ):
        rows = table[which & table["dropped"]].groupby(["file", "row"], sort=False)["by"].first().reset_index()
        reasons = [f"walked together with {name or 'another'}: {said}" for name in rows["by"]]
        parts.append(findings_table(rows["file"], rows["row"], kind, outcome, reasons))
    return merge_findings(parts)
