"""Tables and small files, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from habitat.errors import ReadError
from habitat.store._atomic import replacing


def write_table(path: Path, table: Any) -> None:
    """Write a (Geo)DataFrame as GeoParquet, or as CSV if `path` ends in .csv."""
    with replacing(path) as part:
        if path.suffix == ".csv":
            table.to_csv(part, index=False, lineterminator="\n")
        else:
            table.to_parquet(part, index=False, compression="zstd")


_GROUP = 2**17
"""Rows that lie together in a Parquet file."""


@contextmanager
def table_in_parts(path: Path) -> Iterator[TableParts]:
    """Write a Parquet table part by part; it appears when the block ends well, and only then.

    How the rows were cut into parts cannot be seen in the file.
    """
    with replacing(path) as part, ExitStack() as opened:
        table = TableParts(part, opened)
        yield table
        table.finish()


class TableParts:
    """Parts of one table: all have the same columns of the same types. At least one is to be written, if empty."""

    def __init__(self, path: Path, opened: ExitStack) -> None:
        self._path, self._opened = path, opened
        self._file: Any = None
        self._waiting: Any = None

    def write(self, table: Any) -> None:
        """Append the rows of a DataFrame."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._file is None:
            first = pa.Table.from_pandas(table, preserve_index=False)
            self._file = self._opened.enter_context(pq.ParquetWriter(self._path, first.schema, compression="zstd"))
            self._waiting = first.slice(0, 0)
        more = pa.Table.from_pandas(table, schema=self._file.schema, preserve_index=False)
        self._waiting = pa.concat_tables([self._waiting, more])
        while len(self._waiting) >= _GROUP:
            self._file.write_table(self._waiting.slice(0, _GROUP))
            self._waiting = self._waiting.slice(_GROUP)

    def finish(self) -> None:
        """Write what waits for its group to be full."""
        assert self._waiting is not None, "a table in parts has at least one part"
        if len(self._waiting):
            self._file.write_table(self._waiting)


def read_table(path: Path | str) -> Any:
    """Read a GeoParquet table, a Parquet table without geometry, or a CSV.

    Raises
    ------
    ReadError
        If it is missing or is not what its name says.
    """
    import geopandas as gpd
    import pandas as pd
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path)
        has_geometry = b"geo" in (pq.read_schema(path).metadata or {})
        return gpd.read_parquet(path) if has_geometry else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise ReadError(f"cannot be read as a table ({error})", where=path, mend="run its stage again") from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, data: Any) -> None:
    """Write JSON with sorted keys, so that equal content gives equal bytes."""
    write_text(path, json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read what :func:`write_json` wrote; nothing if it is not there, or is no JSON object."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
