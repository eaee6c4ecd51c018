"""One file of records, whatever its format, as a plain table with the row numbers that its user sees."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from habitat.errors import RecordsError

_MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]
_MEND = "use CSV (UTF-8), GeoPackage or GeoParquet"
_GEOPACKAGE = b"SQLite format 3\x00"


@dataclass(frozen=True)
class RawTable:
    """Records as a file holds them."""

    file: str
    table: pd.DataFrame
    """All columns but geometry; the index tells the row: in a CSV the header is row 1, elsewhere the first
    record is."""
    points: gpd.GeoSeries | None
    """Geometry, if the format has one."""


def read_raw(path: Path) -> RawTable:
    """Read a CSV, a GeoPackage or a GeoParquet, by what its name ends in.

    Raises
    ------
    RecordsError
        If the file is missing, empty, or not what its name says.
    """
    readers = {".csv": _read_csv, ".tsv": _read_csv, ".txt": _read_csv, ".gpkg": _read_geopackage}
    reader = readers.get(path.suffix.lower(), _read_parquet if path.suffix.lower() in _PARQUET else None)
    if reader is None:
        raise RecordsError(f"is of a kind that cannot be read ({path.suffix or 'no suffix'})", where=path, mend=_MEND)
    if not path.is_file():
        raise RecordsError("there is no such file", where=path, mend="check the paths under [sightings]")
    try:
        raw = reader(path)
    except OSError as error:
        raise RecordsError(f"cannot be read ({error.strerror or error})", where=path, mend=_MEND) from error
    if not len(raw.table):
        raise RecordsError("holds no records", where=path, mend="leave it out, or fill it")
    return raw


_PARQUET = (".parquet", ".geoparquet")


def _read_csv(path: Path) -> RawTable:
    content = path.read_bytes()
    if not content.strip():
        raise RecordsError("is empty", where=path, mend="leave it out, or fill it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecordsError("is not UTF-8 text", where=path, mend="save it as 'CSV UTF-8'") from None
    header = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    if header.lstrip().startswith(("<", "{")) or "\x00" in text or separator not in header:
        raise RecordsError("is not a CSV: its first line names no columns", where=path, mend=_MEND)
    try:
        with warnings.catch_warnings():
            # a row that is longer than the header would lose its end with a mere warning
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                dtype=str,
                keep_default_na=False,
                na_values=_MISSING,
                skip_blank_lines=False,
                index_col=False,
            )
    except pd.errors.ParserWarning:
        raise RecordsError("has rows with more fields than its header", where=path, mend="correct them") from None
    except ValueError as error:
        raise RecordsError(f"is not a CSV ({error})", where=path, mend="correct that line") from error
    table = table.apply(lambda column: column.str.strip())
    table.index = pd.RangeIndex(2, len(table) + 2)
    return RawTable(path.name, table.dropna(how="all"), None)


def _read_geopackage(path: Path) -> RawTable:
    # a text file of that name could make GDAL read any other file
    with path.open("rb") as file:
        if file.read(len(_GEOPACKAGE)) != _GEOPACKAGE:
            raise RecordsError("is not a GeoPackage", where=path, mend=_MEND)
    from pyogrio.errors import DataSourceError

    try:
        frame = gpd.read_file(path)
    except (DataSourceError, ValueError) as error:
        raise RecordsError(f"is not a GeoPackage ({error})", where=path, mend=_MEND) from error
    return _with_points(path, frame)


def _read_parquet(path: Path) -> RawTable:
    from pyarrow.lib import ArrowException

    try:
        frame = gpd.read_parquet(path)
    except (ArrowException, ValueError) as error:
        raise RecordsError(f"is not a GeoParquet ({error})", where=path, mend=_MEND) from error
    return _with_points(path, frame)


def _with_points(path: Path, frame: Any) -> RawTable:
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    if not isinstance(frame, gpd.GeoDataFrame):
        return RawTable(path.name, frame, None)
    points = frame.geometry
    return RawTable(path.name, pd.DataFrame(frame.drop(columns=points.name)), points)
