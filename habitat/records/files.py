"""One file of records, whatever its format, as a plain table with the row numbers that its user sees."""

from __future__ import annotations

import io
import tempfile
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from habitat.errors import RecordsError
from habitat.records.texts import decode

_MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]
_MEND = "use CSV (UTF-8), GeoPackage or GeoParquet"
_GEOPACKAGE = b"SQLite format 3\x00"
_SHAPEFILE = b"\x00\x00\x27\x0a"
_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
MOST_BYTES = 2 * 2**30
"""Of one file in an archive: a few kilobytes can unfold to more than a disk holds."""


@dataclass(frozen=True)
class RawTable:
    """Records as a file holds them."""

    file: str
    table: pd.DataFrame
    """All columns but geometry; the index tells the row: in a CSV the header is row 1, elsewhere the first
    record is."""
    shapes: gpd.GeoSeries | None = None
    """Geometry, if the format has one."""
    encoding: str | None = None
    """Of a text that is not UTF-8."""


def read_raw(path: Path) -> RawTable:
    """Read the one table of a file: see :func:`read_tables`.

    Raises
    ------
    RecordsError
        As it; also if there are several.
    """
    tables = read_tables(path)
    if len(tables) > 1:
        names = ", ".join(raw.file for raw in tables)
        raise RecordsError(f"holds several layers ({names})", where=path, mend="save each in a file of its own")
    return tables[0]


def read_tables(path: Path) -> list[RawTable]:
    """Read a CSV, GeoPackage, GeoParquet, shapefile or zipped shapefile, by what its name ends in.

    Returns
    -------
    list of RawTable
        One; of a GeoPackage every layer that holds records.

    Raises
    ------
    RecordsError
        If the file is missing, empty, or not what its name says.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise RecordsError(f"is of a kind that cannot be read ({path.suffix or 'no suffix'})", where=path, mend=_MEND)
    if not path.is_file():
        raise RecordsError("there is no such file", where=path, mend="check the paths under [sightings]")
    try:
        tables = [raw for raw in reader(path) if len(raw.table)]
    except OSError as error:
        raise RecordsError(f"cannot be read ({error.strerror or error})", where=path, mend=_MEND) from error
    if not tables:
        raise RecordsError("holds no records", where=path, mend="leave it out, or fill it")
    return tables


def read_text_table(content: bytes, path: Path) -> RawTable:
    """Read the bytes of a CSV; all values are text.

    Raises
    ------
    RecordsError
        If it is empty or is no table.
    """
    if not content.strip():
        raise RecordsError("is empty", where=path, mend="leave it out, or fill it")
    text, encoding = decode(content, path)
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
    return RawTable(path.name, table.dropna(how="all"), encoding=encoding)


def read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """Read one file of an archive.

    Raises
    ------
    RecordsError
        If it is broken, or unfolds to more than :data:`MOST_BYTES`.
    """
    if archive.getinfo(name).file_size > MOST_BYTES:
        raise RecordsError(f"{name} unfolds to more than 2 GiB", where=path, mend="unpack it and give the folder")
    try:
        with archive.open(name) as member:
            content = member.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise RecordsError(f"{name} cannot be unpacked ({error})", where=path, mend="pack it again") from error
    return content


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a zip.

    Raises
    ------
    RecordsError
        If it is none.
    """
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError) as error:
        raise RecordsError(f"is not a zip ({error})", where=path, mend="pack it again") from error


def _read_csv(path: Path) -> list[RawTable]:
    return [read_text_table(path.read_bytes(), path)]


def _read_geopackage(path: Path) -> list[RawTable]:
    _refuse_another_kind(path, _GEOPACKAGE, "a GeoPackage")
    return _read_vectors(path, path, "a GeoPackage")


def _read_shapefile(path: Path) -> list[RawTable]:
    return _shapefile(path, path)


def _read_zipped_shapefile(path: Path) -> list[RawTable]:
    with open_archive(path) as archive, tempfile.TemporaryDirectory() as folder:
        # a name inside may climb out of the folder, so that only its end is kept
        parts = [name for name in archive.namelist() if Path(name).suffix.lower() in _SHAPEFILE_PARTS]
        shapes = [name for name in parts if name.lower().endswith(".shp")]
        if len(shapes) != 1:
            raise RecordsError(f"holds {len(shapes)} shapefiles, not one", where=path, mend="zip each on its own")
        stem = shapes[0][: -len(".shp")]
        for name in parts:
            if name[: -len(Path(name).suffix)] == stem:
                (Path(folder) / f"one{Path(name).suffix.lower()}").write_bytes(read_member(archive, name, path))
        return _shapefile(Path(folder) / "one.shp", path)


def _shapefile(path: Path, named: Path) -> list[RawTable]:
    _refuse_another_kind(path, _SHAPEFILE, "a shapefile", named)
    for part in (".dbf", ".shx"):
        if not any(path.with_suffix(suffix).is_file() for suffix in (part, part.upper())):
            raise RecordsError(f"lacks its {part} file", where=named, mend="keep all parts of a shapefile together")
    return _read_vectors(path, named, "a shapefile")


def _refuse_another_kind(path: Path, magic: bytes, kind: str, named: Path | None = None) -> None:
    # a text file of that name could make GDAL read any other file
    with path.open("rb") as file:
        if file.read(len(magic)) != magic:
            raise RecordsError(f"is not {kind}", where=named or path, mend=_MEND)


def _read_vectors(path: Path, named: Path, kind: str) -> list[RawTable]:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        frames = {layer: gpd.read_file(path, layer=layer) for layer in layers}
    except (DataSourceError, DataLayerError, FeatureError, GeometryError, ValueError) as error:
        raise RecordsError(f"is not {kind} ({error})", where=named, mend=_MEND) from error
    alone = len(frames) == 1
    return [_with_shapes(named.name if alone else f"{named.name}/{name}", frame) for name, frame in frames.items()]


def _read_parquet(path: Path) -> list[RawTable]:
    from pyarrow.lib import ArrowException

    try:
        frame = gpd.read_parquet(path)
    except (ArrowException, ValueError) as error:
        raise RecordsError(f"is not a GeoParquet ({error})", where=path, mend=_MEND) from error
    return [_with_shapes(path.name, frame)]


def _with_shapes(name: str, frame: Any) -> RawTable:
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    if not isinstance(frame, gpd.GeoDataFrame):
        return RawTable(name, frame)
    shapes = frame.geometry
    return RawTable(name, pd.DataFrame(frame.drop(columns=shapes.name)), shapes)


_READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,
    ".gpkg": _read_geopackage,
    ".shp": _read_shapefile,
    ".zip": _read_zipped_shapefile,
    ".parquet": _read_parquet,
    ".geoparquet": _read_parquet,
}
