"""What becomes of a bad record: it is set aside with its place and its reason, never dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from habitat.errors import RecordsError
from habitat.records.kinds import FLAGGED, KINDS, MENDED, NO_ANIMAL, SET_ASIDE

COLUMNS = ("file", "row", "kind", "outcome", "reason")


class Sieve:
    """The rows of one file, and what is wrong with some of them.

    Parameters
    ----------
    file : str
        Name of the file.
    rows : Index
        Row numbers as a spreadsheet shows them.
    """

    def __init__(self, file: str, rows: pd.Index) -> None:
        self.file, self.rows = file, rows
        self._reason = np.full(len(rows), None, dtype=object)
        self._kind = np.full(len(rows), None, dtype=object)
        self._flags: list[tuple[NDArray[np.intp], str, list[str]]] = []
        self._mended: list[tuple[int, str, str]] = []

    def refuse(self, which: Any, kind: str, reason: str, values: Any = None) -> None:
        """Set rows aside, unless they already are.

        Parameters
        ----------
        which : bool array
        kind : str
            A set aside one of :data:`habitat.records.kinds.KINDS`.
        reason : str
            What its user reads; with `values` (one a row) a template that takes the row's.
        """
        assert KINDS[kind] == SET_ASIDE
        at = np.flatnonzero(_plain(which) & self.good)
        self._kind[at] = kind
        self._reason[at] = _worded(reason, values, at)

    def flag(self, which: Any, kind: str, reason: str, values: Any = None) -> None:
        """Say what is odd about rows that are used all the same; of rows that are set aside nothing is said."""
        assert KINDS[kind] == FLAGGED
        at = np.flatnonzero(_plain(which))
        if len(at):
            self._flags.append((at, kind, _worded(reason, values, at)))

    def mend(self, which: Any, kind: str, what: str) -> None:
        """Say once that rows were read otherwise than they stand there."""
        assert KINDS[kind] == MENDED
        at = np.flatnonzero(_plain(which))
        if len(at):
            number = "1 record" if len(at) == 1 else f"{len(at)} records, first in this row"
            self._mended.append((int(self.rows[at[0]]), kind, f"{what} ({number})"))

    @property
    def good(self) -> NDArray[np.bool_]:
        """Rows that nothing speaks against."""
        return np.asarray(pd.isna(self._kind), dtype=bool)

    def findings(self) -> pd.DataFrame:
        """Return file, row, kind, outcome and reason of all that was found, as it stands now."""
        good = self.good
        bad = np.flatnonzero(~good)
        parts = []
        if len(bad):
            parts.append(findings_table(self.file, self.rows[bad], self._kind[bad], SET_ASIDE, self._reason[bad]))
        for at, kind, reasons in self._flags:
            used = good[at]
            texts = [text for text, is_used in zip(reasons, used, strict=True) if is_used]
            parts.append(findings_table(self.file, self.rows[at[used]], kind, FLAGGED, texts))
        for row, kind, text in self._mended:
            parts.append(findings_table(self.file, [row], kind, MENDED, [text]))
        return merge_findings(parts)

    def refuse_nothing_left(self) -> None:
        """Raise if no row is left, of those that may tell of an animal: a camera may see none.

        Raises
        ------
        RecordsError
            Naming the most common reason.
        """
        meant = ~np.isin(self._kind.astype(str), NO_ANIMAL)
        if meant.any() and not self.good.any():
            most = str(pd.Series(self._reason[meant]).value_counts().index[0])
            row = self.rows[np.flatnonzero(self._reason == most)[0]]
            raise RecordsError(
                f"none of its {int(meant.sum())} records can be used ({most}: row {row})",
                where=self.file,
                mend="correct the file, or map its columns",
            )


def findings_table(file: Any, rows: Any, kind: Any, outcome: str, reasons: Any) -> pd.DataFrame:
    """Put findings into a table: file, row, kind, outcome, reason."""
    table = pd.DataFrame({"row": np.asarray(rows, dtype="int64")})
    columns = {"file": file, "kind": kind, "outcome": outcome, "reason": np.asarray(list(reasons), dtype=object)}
    columns = {name: np.asarray(v, dtype=object) if np.ndim(v) else v for name, v in columns.items()}
    return table.assign(**columns)[list(COLUMNS)].astype(_TYPES)


def merge_findings(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the findings of several files under one another."""
    kept = [part for part in parts if len(part)]
    empty = pd.DataFrame({name: [] for name in COLUMNS}).astype(_TYPES)
    return pd.concat(kept, ignore_index=True).astype(_TYPES) if kept else empty


def split_findings(findings: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what was set aside (file, row, kind, reason), and what is used though it was flagged or mended."""
    aside = findings["outcome"] == SET_ASIDE
    quarantine = findings[aside].drop(columns="outcome").reset_index(drop=True)
    return quarantine, findings[~aside].reset_index(drop=True)


_TYPES: Any = {"file": str, "row": "int64", "kind": str, "outcome": str, "reason": str}


def _plain(which: Any) -> NDArray[np.bool_]:
    return np.asarray(pd.array(which, dtype="boolean").fillna(False), dtype=bool)


def _worded(reason: str, values: Any, at: NDArray[np.intp]) -> list[str]:
    if values is None:
        return [reason] * len(at)
    chosen = np.asarray(values, dtype=object)[at]
    return [reason.format(value) for value in chosen.tolist()]
