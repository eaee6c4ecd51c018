"""Training labels from points, polygons or a raster of codes, laid onto the run's grid."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from habitat.errors import TrainingError
from habitat.grids import pixels_of, rasterize, resample_majority, window_over
from habitat.records.shapes import read_shapes
from habitat.store import open_raster

_RASTERS = (".tif", ".tiff")
_MEND = "[forest] training takes points, polygons or a raster of codes"


def read_labels(path: Path, grid: GeoBox, *, codes: Collection[int]) -> pd.DataFrame:
    """Read labels.

    Parameters
    ----------
    path : Path
        Points or polygons with an integer column `code` and perhaps a `date`, or a raster of codes
        (0 = no label).
    grid : GeoBox
        The run's grid.
    codes : collection of int
        The legend's codes.

    Returns
    -------
    DataFrame
        row, col, year (<NA> = holds in every year), code: one row a labelled pixel inside the grid.

    Raises
    ------
    TrainingError
        If the file cannot be read, has no `code`, holds a code that the legend lacks, or lies outside.
    """
    raster = path.suffix.lower() in _RASTERS
    labels = _from_raster(path, grid) if raster else _from_vectors(path, grid)
    if labels.empty:
        raise TrainingError("holds no label inside the area", where=path, mend="check its reference system and [area]")
    strange = sorted(set(labels["code"].unique()) - set(codes))
    if strange:
        raise TrainingError(
            f"code {int(strange[0])} is not in the legend", where=path, mend="correct it, or give [forest] legend"
        )
    return labels


def _from_raster(path: Path, grid: GeoBox) -> pd.DataFrame:
    with open_raster(path) as file:
        native, nodata = GeoBox.from_rio(file), file.nodata
        if native.crs is None:
            raise TrainingError("carries no reference system", where=path, mend="georeference it")
        window = window_over(native, grid)
        codes = file.read(1, window=Window.from_slices(*window))
    if codes.dtype.kind not in "iu":
        raise TrainingError(f"holds {codes.dtype}, not integer codes", where=path, mend="write codes as uint8")
    if nodata is not None:
        codes[codes == nodata] = 0
    native = native[window]
    on_grid = resample_majority(codes, native, grid, unknown=0)
    rows, cols = np.nonzero(on_grid)
    return _table(rows, cols, pd.array([pd.NA] * len(rows), dtype="Int64"), on_grid[rows, cols])


def _from_vectors(path: Path, grid: GeoBox) -> pd.DataFrame:
    shapes = read_shapes(path, error=TrainingError, mend=_MEND)
    if "code" not in shapes.columns:
        raise TrainingError(
            f"has no column 'code' (has {', '.join(map(str, shapes.columns))})", where=path, mend="add the class codes"
        )
    shapes = shapes.to_crs(str(grid.crs))
    code = pd.to_numeric(shapes["code"], errors="coerce")
    if code.isna().any() or (code % 1 != 0).any():
        at = int(np.flatnonzero(code.isna() | (code % 1 != 0))[0])
        raise TrainingError(
            f"code '{shapes['code'].iloc[at]}' of row {at + 1} is no whole number", where=path, mend="correct it"
        )
    years = _years(shapes, path)
    points = (shapes.geom_type == "Point").to_numpy()
    tables = [_of_points(shapes[points], code[points], years[points], grid)]
    if not points.all():
        tables.append(_of_polygons(shapes[~points], code[~points], years[~points], grid))
    return pd.concat(tables, ignore_index=True)


def _years(shapes: Any, path: Path) -> pd.Series:
    if "date" not in shapes.columns:
        return pd.Series(pd.NA, index=shapes.index, dtype="Int64")
    written = shapes["date"]
    if written.dtype.kind == "f" and (written.dropna() % 1 == 0).all():
        written = written.astype("Int64")  # years, with gaps between them
    dates = pd.to_datetime(written.astype("string"), errors="coerce", format="ISO8601", utc=True)
    garbled = written.notna() & dates.isna()
    if garbled.any():
        at = int(np.flatnonzero(garbled)[0])
        raise TrainingError(
            f"date '{written.iloc[at]}' of row {at + 1} is no date", where=path, mend="write it as YYYY-MM-DD"
        )
    return dates.dt.year.astype("Int64")


def _of_points(points: Any, code: pd.Series, years: pd.Series, grid: GeoBox) -> pd.DataFrame:
    rows, cols, inside = pixels_of(grid, points.geometry.x, points.geometry.y)
    return _table(rows[inside], cols[inside], years[inside], code[inside])


def _of_polygons(polygons: Any, code: pd.Series, years: pd.Series, grid: GeoBox) -> pd.DataFrame:
    parts = []
    for year in years.drop_duplicates():
        chosen = (years.isna() if year is pd.NA else (years == year).fillna(False)).to_numpy()
        burnt = rasterize(list(polygons.geometry[chosen]), list(code[chosen]), grid)
        rows, cols = np.nonzero(burnt)
        parts.append(_table(rows, cols, pd.array([year] * len(rows), dtype="Int64"), burnt[rows, cols]))
    return pd.concat(parts, ignore_index=True)


def _table(rows: Any, cols: Any, years: Any, codes: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": np.asarray(rows, dtype=int),
            "col": np.asarray(cols, dtype=int),
            "year": pd.array(years, dtype="Int64"),
            "code": np.asarray(codes, dtype=int),
        }
    )
