"""What interpreters answered: one state a year and place, checked before anything is estimated from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from habitat.errors import RecordsError
from habitat.legend import Legend

UNSURE = "?"
"""Answer of someone who looked and cannot tell."""
FOREST, OTHER = "F", "N"
"""Answers where only forest and not forest are told apart."""
NO_ANSWER = -2
UNTOLD = -1


def allowed_answers(legend: Legend, classes: str) -> dict[str, int]:
    """Return what may be answered, and the class that it means: codes of the legend, or 1 = forest and 0 = the rest."""
    if classes == "legend":
        return {str(code): code for code in legend.codes}
    return {FOREST: 1, OTHER: 0}


@dataclass(frozen=True)
class Answers:
    """Answers in the order of the sample's points."""

    states: np.ndarray
    """int (point, year): a class, -1 = cannot be told, -2 = not answered."""

    @property
    def answered(self) -> np.ndarray:
        """Bool (point,), which points have an answer for every year."""
        return (self.states != NO_ANSWER).all(axis=1)


def check_answers(
    table: pd.DataFrame, points: Sequence[str], years: Sequence[int], allowed: Mapping[str, int]
) -> Answers:
    """Take answers into the order of the sample's points.

    Parameters
    ----------
    table : DataFrame
        `point` (its id), a column a year (2019, ...) with the state in that year's mapping season, or `answer`: the
        year of loss, F or N where nothing changed. Text; other columns are passed over.
    points : sequence of str
        Ids of the sample's points.
    years : sequence of int
    allowed : mapping of str to int
        What may be answered, and the class that it means.

    Returns
    -------
    Answers

    Raises
    ------
    RecordsError
        For the first of: a column missing, ids of another sample, ids twice, an unknown answer, a point answered for
        some years and not for others.
    """
    if "point" not in table:
        raise RecordsError("has no column 'point'", mend="use the columns of the sheet, assess/sheet.csv")
    ids = table["point"].fillna("").astype(str).str.strip()
    _refuse_ids(ids, points)
    columns = [str(year) for year in years]
    if not set(columns) & set(table.columns) and "answer" in table:
        written = _expanded(table["answer"], years, ids)
    else:
        lacking = [column for column in columns if column not in table]
        if lacking:
            raise RecordsError(f"has no column {lacking[0]!r}", mend="it needs one a year, or `answer`")
        written = table[columns].fillna("").astype(str).apply(lambda column: column.str.strip())
    text = written.set_axis(ids, axis=0).reindex(list(points))
    states = np.full(text.shape, NO_ANSWER)
    known = {UNSURE: UNTOLD} | dict(allowed)
    for (at, year), value in np.ndenumerate(text.fillna("").to_numpy()):
        if value == "":
            continue
        plain = value.upper().removesuffix(".0")
        if plain not in known:
            raise RecordsError(
                f"point {points[at]} is answered {value!r} in {years[year]}",
                mend=f"write one of {', '.join(map(str, known))}",
            )
        states[at, year] = known[plain]
    partly = (states != NO_ANSWER).any(axis=1) & (states == NO_ANSWER).any(axis=1)
    if partly.any():
        at = int(np.flatnonzero(partly)[0])
        gap = years[int(np.flatnonzero(states[at] == NO_ANSWER)[0])]
        raise RecordsError(
            f"point {points[at]} has answers for some years and none for {gap}",
            mend=f"answer it for every year; {UNSURE} where it cannot be told",
        )
    return Answers(states)


def _refuse_ids(ids: pd.Series, points: Sequence[str]) -> None:
    sample = points[0].rpartition("-")[0]
    foreign = ids[~ids.isin(set(points))]
    if len(foreign):
        first = foreign.iloc[0]
        other = first.rpartition("-")[0]
        if other and other != sample and not ids.isin(set(points)).any():
            raise RecordsError(
                f"answers the sample {other}, and this run's is {sample}",
                mend="its maps or [assess] have changed since: go back to them, or answer the new sheet",
            )
        raise RecordsError(f"point {first!r} is not in the sample {sample}", mend="remove that row, or correct its id")
    twice = ids[ids.duplicated()]
    if len(twice):
        raise RecordsError(f"point {twice.iloc[0]} is answered twice", mend="keep one of the rows")


def _expanded(answer: pd.Series, years: Sequence[int], ids: pd.Series) -> pd.DataFrame:
    """Write the year of loss, F or N out as a state a year."""
    rows = []
    for value, point in zip(answer.fillna("").astype(str).str.strip().str.upper(), ids, strict=True):
        plain = value.removesuffix(".0")
        if plain in ("", UNSURE, FOREST, OTHER):
            rows.append([plain] * len(years))
        elif plain.isdigit() and int(plain) in years[1:]:
            rows.append([FOREST if year < int(plain) else OTHER for year in years])
        else:
            raise RecordsError(
                f"point {point} is answered {value!r}",
                mend=f"write {FOREST}, {OTHER}, {UNSURE} or a year of loss from {years[1]} to {years[-1]}",
            )
    return pd.DataFrame(rows, columns=[str(year) for year in years])
