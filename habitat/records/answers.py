"""Interpreters' answers from a CSV, GeoPackage or GeoParquet, as text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from habitat.errors import RecordsError
from habitat.records.files import read_raw


def read_answers(path: Path) -> pd.DataFrame:
    """Read a sheet that interpreters filled in.

    Returns
    -------
    DataFrame
        All columns as text, empty where nothing was written.

    Raises
    ------
    RecordsError
        If it is missing, or is not a table.
    """
    try:
        table = read_raw(path).table
    except RecordsError as error:
        raise RecordsError(error.what, where=path, mend="give [assess] answers the sheet as CSV (UTF-8)") from error
    text = table.astype("string").fillna("").set_axis([str(name).strip() for name in table.columns], axis=1)
    return pd.DataFrame(text).astype(str).reset_index(drop=True)
