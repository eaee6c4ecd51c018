"""Training labels on the run's grid: points, polygons and rasters of codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from odc.geo.geobox import GeoBox

from habitat.errors import HabitatError, TrainingError
from habitat.grids import grid_over
from habitat.legend import DEFAULT_LEGEND
from habitat.records.labels import read_labels

WEST, NORTH = 500_000, 4_800_080
"""The corner of `small_grid`: 4 rows x 6 columns of 20 m."""
OAK, GRASS = 14, 22


def pixel(row: float, col: float) -> shapely.Point:
    """A point by its place in pixels of `small_grid`."""
    return shapely.Point(WEST + 20 * col, NORTH - 20 * row)


def pixels(rows: tuple[float, float], cols: tuple[float, float]) -> shapely.Polygon:
    return shapely.box(WEST + 20 * cols[0], NORTH - 20 * rows[1], WEST + 20 * cols[1], NORTH - 20 * rows[0])


def written(folder: Path, shapes: list[Any], crs: str = "EPSG:32652", **columns: Any) -> Path:
    path = folder / "labels.gpkg"
    gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:32652").to_crs(crs).to_file(path)
    return path


def raster(folder: Path, codes: Any, grid: GeoBox, dtype: str = "uint8") -> Path:
    path = folder / "labels.tif"
    values = np.asarray(codes, dtype=dtype)
    profile = {"driver": "GTiff", "count": 1, "dtype": dtype, "height": values.shape[0], "width": values.shape[1]}
    with rasterio.open(path, "w", crs=str(grid.crs), transform=grid.transform, **profile) as file:
        file.write(values, 1)
    return path


def read(path: Path, grid: GeoBox) -> pd.DataFrame:
    return read_labels(path, grid, codes=DEFAULT_LEGEND.codes)


def rows_of(labels: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Labels as (row, col, year or None, code)."""
    return [(r.row, r.col, None if r.year is pd.NA else r.year, r.code) for r in labels.itertuples()]


# -- points and polygons --------------------------------------------------------------------------------


@pytest.mark.parametrize("crs", ["EPSG:32652", "EPSG:4326", "EPSG:32653"])
def test_a_point_labels_the_pixel_that_holds_it(tmp_path: Path, small_grid: GeoBox, crs: str) -> None:
    points = [pixel(0.1, 0.1), pixel(3.9, 5.9), pixel(1.5, 2.5)]
    labels = read(written(tmp_path, points, crs, code=[OAK, GRASS, 50]), small_grid)
    assert rows_of(labels) == [(0, 0, None, OAK), (3, 5, None, GRASS), (1, 2, None, 50)]


def test_points_beside_the_grid_are_left_out(tmp_path: Path, small_grid: GeoBox) -> None:
    points = [pixel(-0.1, 0.5), pixel(0.5, -0.1), pixel(4.1, 0.5), pixel(0.5, 6.1), pixel(0.5, 0.5)]
    assert rows_of(read(written(tmp_path, points, code=[OAK] * 5), small_grid)) == [(0, 0, None, OAK)]


def test_a_polygon_labels_the_pixels_whose_centre_it_holds(tmp_path: Path, small_grid: GeoBox) -> None:
    shapes = [pixels((0, 2), (0.4, 2.6)), pixels((3.6, 4), (0, 6))]
    labels = read(written(tmp_path, shapes, code=[OAK, GRASS]), small_grid)
    assert rows_of(labels) == [(row, col, None, OAK) for row in (0, 1) for col in (0, 1, 2)]


def test_points_and_polygons_may_be_mixed(tmp_path: Path, small_grid: GeoBox) -> None:
    labels = read(written(tmp_path, [pixels((0, 1), (0, 2)), pixel(3.5, 3.5)], code=[OAK, GRASS]), small_grid)
    assert sorted(rows_of(labels)) == [(0, 0, None, OAK), (0, 1, None, OAK), (3, 3, None, GRASS)]


def test_a_date_says_the_year(tmp_path: Path, small_grid: GeoBox) -> None:
    dates = ["2019-07-01", "2020", None, "2018-12-31T23:00:00Z"]
    points = [pixel(0.5, 0.5 + n) for n in range(4)]
    labels = read(written(tmp_path, points, code=[OAK] * 4, date=dates), small_grid)
    assert labels["year"].dtype == "Int64"
    assert [year for _, _, year, _ in rows_of(labels)] == [2019, 2020, None, 2018]


@pytest.mark.parametrize(
    ("dates", "years"),
    [
        pytest.param(pd.to_datetime(["2019-07-01", None]), [2019, None], id="dates"),
        pytest.param([2019, 2020], [2019, 2020], id="years"),
        pytest.param([2019.0, None], [2019, None], id="years with gaps"),
    ],
)
def test_a_date_may_be_of_any_type(tmp_path: Path, small_grid: GeoBox, dates: Any, years: list[int | None]) -> None:
    path = written(tmp_path, [pixel(0.5, 0.5), pixel(0.5, 1.5)], code=[OAK] * 2, date=dates)
    assert [year for _, _, year, _ in rows_of(read(path, small_grid))] == years


def test_polygons_of_two_years_may_cover_the_same_pixel(tmp_path: Path, small_grid: GeoBox) -> None:
    shapes = [pixels((0, 1), (0, 2)), pixels((0, 1), (1, 2)), pixels((0, 1), (1, 2))]
    labels = read(written(tmp_path, shapes, code=[OAK, GRASS, 23], date=["2018-07-01", "2020-07-01", None]), small_grid)
    expected = {(0, 0, 2018, OAK), (0, 1, 2018, OAK), (0, 1, 2020, GRASS), (0, 1, None, 23)}
    assert set(rows_of(labels)) == expected
    assert len(labels) == 4


def test_codes_may_be_whole_numbers_in_any_form(tmp_path: Path, small_grid: GeoBox) -> None:
    points = [pixel(0.5, 0.5), pixel(0.5, 1.5)]
    for codes in ([14.0, 22.0], ["14", "22"]):
        labels = read(written(tmp_path, points, code=codes), small_grid)
        assert labels["code"].tolist() == [OAK, GRASS]
        assert labels["code"].dtype.kind == "i"


def test_the_edge_of_a_polygon_may_be_left_out(tmp_path: Path, small_grid: GeoBox) -> None:
    path = written(tmp_path, [pixels((0, 4), (0, 6)), pixels((0, 1), (0, 1))], code=[OAK, OAK])
    labels = read_labels(path, small_grid, codes=DEFAULT_LEGEND.codes, edge_m=20)
    assert [(row, col) for row, col, _, _ in rows_of(labels)] == [(r, c) for r in (1, 2) for c in (1, 2, 3, 4)]


def test_labels_that_are_all_edge_are_told(tmp_path: Path, small_grid: GeoBox) -> None:
    """Two pixels of 20 m are nothing 20 m farther in; so are stripes of a pixel in a raster."""
    polygons = written(tmp_path, [pixels((0, 2), (0, 2))], code=[OAK])
    stripes = raster(tmp_path, [[OAK, GRASS] * 3] * 4, small_grid)
    for path in (polygons, stripes):
        assert len(read(path, small_grid)) > 0
        with pytest.raises(
            TrainingError, match=r"all labels lie within 20 m of an edge; lower \[forest\] training_edge_m"
        ):
            read_labels(path, small_grid, codes=DEFAULT_LEGEND.codes, edge_m=20)
    outside = written(tmp_path, [pixels((90, 99), (0, 9))], code=[OAK])
    with pytest.raises(TrainingError, match="holds no label inside the area"):
        read_labels(outside, small_grid, codes=DEFAULT_LEGEND.codes, edge_m=20)


def test_polygons_of_different_codes_on_the_same_ground_are_named(tmp_path: Path, small_grid: GeoBox) -> None:
    shapes = [pixels((0, 1), (0, 1)), pixels((0, 2), (0, 3)), pixels((1, 3), (2, 5))]
    with pytest.raises(TrainingError, match="labels.gpkg: polygons of rows 2 and 3 overlap with codes 14 and 22; cut"):
        read(written(tmp_path, shapes, code=[OAK, OAK, GRASS]), small_grid)
    beside = [pixels((0, 2), (0, 3)), pixels((0, 2), (2.6, 5))]  # they share ground, but the centre of no pixel
    assert len(read(written(tmp_path, beside, code=[OAK, GRASS]), small_grid)) == 10


# -- rasters --------------------------------------------------------------------------------------------


def test_a_raster_on_the_run_s_grid_is_taken_as_it_is(tmp_path: Path, small_grid: GeoBox) -> None:
    codes = np.zeros((4, 6), dtype="uint8")
    codes[1, 2], codes[3, 5] = OAK, GRASS
    assert rows_of(read(raster(tmp_path, codes, small_grid), small_grid)) == [(1, 2, None, OAK), (3, 5, None, GRASS)]


def test_a_finer_raster_is_decided_by_the_majority_of_labels(tmp_path: Path, small_grid: GeoBox) -> None:
    fine = grid_over((500_000, 4_800_000, 500_120, 4_800_080), "EPSG:32652", 10)
    codes = np.zeros((8, 12), dtype="uint8")
    codes[0:2, 0:2] = [[OAK, OAK], [OAK, GRASS]]
    codes[0:2, 2:4] = [[0, 0], [0, GRASS]]
    assert rows_of(read(raster(tmp_path, codes, fine), small_grid)) == [(0, 0, None, OAK), (0, 1, None, GRASS)]


def test_a_raster_of_another_zone_is_warped(tmp_path: Path, small_grid: GeoBox) -> None:
    bounds = small_grid.footprint("EPSG:32653").boundingbox.buffered(100, 100)
    other = grid_over(tuple(bounds), "EPSG:32653", 10)
    labels = read(raster(tmp_path, np.full(other.shape, OAK), other), small_grid)
    assert len(labels) == 24
    assert set(labels["code"]) == {OAK}


def test_a_raster_beside_the_grid_holds_no_label(tmp_path: Path, small_grid: GeoBox) -> None:
    with pytest.raises(TrainingError, match="labels.tif: holds no label inside the area"):
        read(raster(tmp_path, np.full((4, 6), OAK), small_grid.translate_pix(100, 0)), small_grid)


# -- what cannot be -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"class": [OAK, GRASS]}, "has no column 'code' .has class, geometry."),
        ({"code": [OAK, 99]}, "code 99 is not in the legend; correct it, or give .forest. legend"),
        ({"code": [OAK, 0]}, "code 0 is not in the legend"),
        ({"code": [OAK, 22.5]}, "code '22.5' of row 2 is no whole number"),
        ({"code": [OAK, None]}, "code 'nan' of row 2 is no whole number"),
        ({"code": ["oak", "grass"]}, "code 'oak' of row 1 is no whole number"),
        ({"code": [OAK, GRASS], "date": ["2019-07-01", "last summer"]}, "date 'last summer' of row 2 is no date"),
        ({"code": [OAK, GRASS], "date": ["2019-13-45", "2019-07-01"]}, "date '2019-13-45' of row 1 is no date"),
    ],
)
def test_wrong_tables_name_the_row_and_the_remedy(
    tmp_path: Path, small_grid: GeoBox, columns: dict[str, Any], said: str
) -> None:
    path = written(tmp_path, [pixel(0.5, 0.5), pixel(0.5, 1.5)], **columns)
    with pytest.raises(TrainingError, match=f"labels.gpkg: {said}"):
        read(path, small_grid)


def test_labels_elsewhere_are_told(tmp_path: Path, small_grid: GeoBox) -> None:
    path = written(tmp_path, [shapely.Point(WEST - 9000, NORTH)], code=[OAK])
    with pytest.raises(TrainingError, match="labels.gpkg: holds no label inside the area; check its reference system"):
        read(path, small_grid)


def test_a_raster_of_shares_is_no_raster_of_codes(tmp_path: Path, small_grid: GeoBox) -> None:
    path = raster(tmp_path, np.full((4, 6), 0.5), small_grid, "float32")
    with pytest.raises(TrainingError, match="labels.tif: holds float32, not integer codes"):
        read(path, small_grid)


def test_a_raster_with_a_code_of_no_class(tmp_path: Path, small_grid: GeoBox) -> None:
    with pytest.raises(TrainingError, match="labels.tif: code 99 is not in the legend"):
        read(raster(tmp_path, np.full((4, 6), 99), small_grid), small_grid)


def test_a_raster_that_is_cut_short_or_missing(tmp_path: Path, small_grid: GeoBox) -> None:
    path = raster(tmp_path, np.full((4, 6), OAK), small_grid)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(HabitatError, match="labels.tif"):
        read(path, small_grid)
    path.unlink()
    with pytest.raises(HabitatError, match="labels.tif"):
        read(path, small_grid)


def test_a_file_that_is_not_there(tmp_path: Path, small_grid: GeoBox) -> None:
    with pytest.raises(TrainingError, match=r"labels.gpkg: there is no such file; \[forest\] training takes"):
        read(tmp_path / "labels.gpkg", small_grid)
