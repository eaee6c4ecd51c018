"""Training labels from points, polygons, a raster of codes or another's map, laid onto the run's grid."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.errors import TrainingError
from habitat.grids import pixels_of, rasterize
from habitat.records.covers import Translation
from habitat.records.rasters import SUFFIXES, LabelRaster, label_table, raster_labels
from habitat.records.shapes import read_shapes

_MEND = "[forest] training takes points, polygons or a raster of codes"


def read_labels(
    path: Path,
    grid: GeoBox,
    *,
    codes: Collection[int],
    translation: Translation | None = None,
    edge_m: float = 0.0,
    years: Sequence[int] = (),
) -> pd.DataFrame:
    """Read labels.

    Parameters
    ----------
    path : Path
        Points or polygons with an integer column `code` and perhaps a `date`; a raster of codes (0 = no label); with a
        translation the GeoTIFF of a map, or the folder of its tiles.
    grid : GeoBox
        The run's grid.
    codes : collection of int
        The legend's codes.
    translation : Translation, optional
        Of a map's values into the legend's codes.
    edge_m : float
        How far from the edge of a polygon, or from the next class of a raster, there is no label. Points have no edge.
    years : sequence of int
        For which labels are wanted, where a map knows of years.

    Returns
    -------
    DataFrame
        row, col, year (<NA> = not known), code: one row a labelled pixel inside the grid. Its `attrs["outside"]` counts
        the points that lie outside.

    Raises
    ------
    TrainingError
        If the file cannot be read, has no `code`, holds a code that the legend lacks or a value that the map does not
        have, lies outside, is all edge, or has polygons of different codes on the same ground.
    """
    if translation is not None and path.is_file() and path.suffix.lower() not in SUFFIXES:
        raise TrainingError(
            f"is no GeoTIFF, and [forest] training_map says that it is a map ({translation.kind})",
            where=path,
            mend="leave training_map out for points and polygons",
        )

    def within(edge_m: float) -> pd.DataFrame:
        if translation is not None or path.suffix.lower() in SUFFIXES:
            return raster_labels(LabelRaster(path, translation, edge_m, tuple(years)), grid)
        return _from_vectors(path, grid, edge_m)

    labels = within(edge_m)
    if labels.empty:
        if edge_m > 0 and not within(0).empty:
            raise TrainingError(
                f"all labels lie within {edge_m:g} m of an edge", where=path, mend="lower [forest] training_edge_m"
            )
        raise TrainingError("holds no label inside the area", where=path, mend="check its reference system and [area]")
    strange = sorted(set(labels["code"].unique()) - set(codes))
    if strange:
        mend = "correct it, or give [forest] legend" if translation is None else "give it in [forest] training_codes"
        raise TrainingError(f"code {int(strange[0])} is not in the legend", where=path, mend=mend)
    return labels


def _from_vectors(path: Path, grid: GeoBox, edge_m: float) -> pd.DataFrame:
    import geopandas as gpd

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
    rows, cols, inside = pixels_of(grid, shapes.geometry[points].x, shapes.geometry[points].y)
    of_points = label_table(rows[inside], cols[inside], years[points][inside], code[points][inside])
    outside: dict[Hashable | None, Any] = {"outside": int((~inside).sum())}
    if points.all():
        of_points.attrs = outside
        return of_points
    polygons = gpd.GeoDataFrame(
        {"code": code[~points].astype(int), "year": years[~points], "row": np.flatnonzero(~points) + 1},
        geometry=shapes.geometry[~points],
    )
    table = pd.concat([of_points, *_of_polygons(polygons, grid, edge_m, path)], ignore_index=True)
    table.attrs = outside
    return table


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


def _of_polygons(polygons: Any, grid: GeoBox, edge_m: float, path: Path) -> Iterator[pd.DataFrame]:
    """Labels of polygons year by year."""
    if edge_m > 0:
        polygons = polygons.set_geometry(polygons.geometry.buffer(-edge_m))
        polygons = polygons[~polygons.geometry.is_empty]
    for year in polygons["year"].drop_duplicates():
        of_year = polygons[polygons["year"].isna() if year is pd.NA else (polygons["year"] == year).fillna(False)]
        _refuse_contradictions(of_year, grid, path)
        burnt = rasterize(list(of_year.geometry), list(of_year["code"]), grid)
        rows, cols = np.nonzero(burnt)
        yield label_table(rows, cols, np.full(len(rows), 0 if year is pd.NA else year), burnt[rows, cols])


def _refuse_contradictions(polygons: Any, grid: GeoBox, path: Path) -> None:
    """Raise if polygons of different codes share the centre of a pixel: the last one would win in silence."""
    one, other = polygons.sindex.query(polygons.geometry, predicate="intersects")
    code = polygons["code"].to_numpy()
    apart = (one < other) & (code[one] != code[other])
    for first, second in zip(one[apart].tolist(), other[apart].tolist(), strict=True):
        shared = polygons.geometry.iloc[first].intersection(polygons.geometry.iloc[second])
        if shared.area > 0 and rasterize([shared], [1], grid).any():
            rows = polygons["row"].iloc[[first, second]].tolist()
            raise TrainingError(
                f"polygons of rows {rows[0]} and {rows[1]} overlap with codes {code[first]} and {code[second]}",
                where=path,
                mend="cut one off the other, or date them",
            )
