"""Tables and small files, written whole or not at all."""

from __future__ import annotations

import json
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


def read_table(path: Path) -> Any:
    """Read a GeoParquet table, a Parquet table without geometry, or a CSV.

    Raises
    ------
    ReadError
        If it is missing or is not what its name says.
    """
    import geopandas as gpd
    import pandas as pd
    import pyarrow.parquet as pq

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
