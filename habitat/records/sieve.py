"""What becomes of a bad record: it is set aside with its place and its reason, never dropped in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from habitat.errors import RecordsError

QUARANTINE = ("file", "row", "reason")


class Sieve:
    """The rows of one file, and why some of them cannot be used.

    Parameters
    ----------
    file : str
        Name of the file.
    rows : Index
        Row numbers as a spreadsheet shows them.
    """

    def __init__(self, file: str, rows: pd.Index) -> None:
        self.file = file
        self._reason = pd.Series(None, index=rows, dtype=object)

    def refuse(self, which: Any, reason: Any) -> None:
        """Set rows aside, unless they already are: `reason` is one text, or an array of them."""
        new = np.asarray(which, dtype=bool) & self._reason.isna().to_numpy()
        reasons = np.broadcast_to(np.asarray(reason, dtype=object), new.shape)
        self._reason = self._reason.mask(new, pd.Series(reasons, index=self._reason.index, dtype=object))

    @property
    def good(self) -> NDArray[np.bool_]:
        """Rows that nothing speaks against."""
        return self._reason.isna().to_numpy()

    def quarantine(self) -> pd.DataFrame:
        """Return file, row and reason of what was set aside."""
        bad = self._reason[~self.good]
        return pd.DataFrame({"file": self.file, "row": bad.index.astype("int64"), "reason": bad.to_numpy(dtype=object)})

    def refuse_nothing_left(self) -> None:
        """Raise if no row is left.

        Raises
        ------
        RecordsError
            Naming the most common reason.
        """
        if len(self._reason) and not self.good.any():
            most = str(self._reason.value_counts().index[0])
            row = self._reason.index[(self._reason == most).to_numpy()][0]
            raise RecordsError(
                f"none of its {len(self._reason)} records can be used ({most}: row {row})",
                where=self.file,
                mend="correct the file, or map its columns",
            )


def merge_quarantines(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the quarantines of several files under one another."""
    kept = [part for part in parts if len(part)]
    empty = pd.DataFrame({"file": [], "row": [], "reason": []}).astype({"file": str, "row": "int64", "reason": str})
    return pd.concat(kept, ignore_index=True).astype(empty.dtypes.to_dict()) if kept else empty
