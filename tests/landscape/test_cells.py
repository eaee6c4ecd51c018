"""Cells are the same in every run, and hold the pixels whose centres lie in them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from habitat.errors import GridError
from habitat.landscape import given_cells, paint_cells, square_cells


def grid_at(left: float, top: float, shape: tuple[int, int] = (6, 6), pixel: float = 50) -> GeoBox:
    return GeoBox(shape, Affine(pixel, 0, left, 0, -pixel, top), "EPSG:32652")


def test_cells_are_named_by_their_south_west_corner():
    cells, zones = square_cells(grid_at(435600, 4771500), 100)
    assert list(cells["cell"][:3]) == ["E4356N47714", "E4357N47714", "E4358N47714"]
    assert cells.crs == "EPSG:32652"
    assert cells.geometry.iloc[0].bounds == (435600, 4771400, 435700, 4771500)
    assert zones.dtype == np.int32
    assert np.array_equal(np.bincount(zones.ravel()), [4] * 9)
    assert square_cells(grid_at(435600, 4771500), 150)[0]["cell"].iloc[0] == "E435600N4771350"


@settings(max_examples=40, deadline=None)
@given(
    dx=st.integers(0, 30), dy=st.integers(0, 30), rows=st.integers(1, 20), cols=st.integers(1, 20),
    size=st.sampled_from([100, 150, 260, 300]), seed=st.integers(0, 99),
)  # fmt: skip
def test_every_pixel_inside_lies_in_the_square_of_its_zone(dx, dy, rows, cols, size, seed):
    grid = grid_at(435015 + dx * 10, 4771515 + dy * 10, (rows, cols))
    inside = np.random.default_rng(seed).random((rows, cols)) < 0.5
    inside[0, 0] = True
    cells, zones = square_cells(grid, size, inside)
    assert ((zones >= 0) == inside).all()
    assert set(zones[inside]) == set(range(len(cells)))
    assert cells["cell"].is_unique
    row, col = np.nonzero(inside)
    x, y = grid.transform.c + 50 * (col + 0.5), grid.transform.f - 50 * (row + 0.5)
    west, south, east, north = cells.geometry.bounds.to_numpy()[zones[inside]].T
    assert ((west <= x) & (x <= east) & (south <= y) & (y <= north)).all()
    assert (west % size == 0).all()


def test_a_cell_has_its_name_whatever_part_of_the_map_is_run():
    whole, _ = square_cells(grid_at(435600, 4771500, (12, 12)), 300)
    part, _ = square_cells(grid_at(435600, 4771500, (12, 12))[3:9, 5:9], 300)
    both = whole.merge(part, on="cell")
    assert len(both) == len(part)
    assert (both["geometry_x"].to_numpy() == both["geometry_y"].to_numpy()).all()


@pytest.mark.parametrize(("size", "said"), [(99, "smaller than two pixels"), (250.5, "whole number")])
def test_impossible_sizes_are_refused(size, said):
    with pytest.raises(GridError, match=said):
        square_cells(grid_at(0, 0), size)


def test_an_area_without_pixels_is_refused():
    with pytest.raises(GridError, match="no pixel lies inside"):
        square_cells(grid_at(0, 0), 100, np.zeros((6, 6), dtype=bool))
    with pytest.raises(GridError, match="shape"):
        square_cells(grid_at(0, 0), 100, np.ones((5, 6), dtype=bool))


def test_given_polygons_keep_their_names_and_order():
    grid = grid_at(435600, 4771500)
    left, right = shapely.box(435600, 4771200, 435750, 4771500), shapely.box(435750, 4771200, 435900, 4771500)
    far = shapely.box(0, 0, 10, 10)
    brought = gpd.GeoDataFrame({"cell": [7, 3, 5]}, geometry=[right, left, far], crs="EPSG:32652").to_crs("EPSG:4326")
    cells, zones = given_cells(brought, grid)
    assert list(cells["cell"]) == ["7", "3", "5"]
    assert (zones == [[1, 1, 1, 0, 0, 0]] * 6).all()


def test_given_polygons_that_cannot_be_cells():
    grid = grid_at(435600, 4771500)
    one = shapely.box(435600, 4771200, 435750, 4771500)
    table = gpd.GeoDataFrame({"cell": ["a", "b"]}, geometry=[one, one], crs="EPSG:32652")
    with pytest.raises(GridError, match="cells a and b overlap"):
        given_cells(table, grid)
    with pytest.raises(GridError, match="used twice"):
        given_cells(table.assign(cell="a"), grid)
    with pytest.raises(GridError, match="reference system"):
        given_cells(gpd.GeoDataFrame(geometry=[one]), grid)
    with pytest.raises(GridError, match="not all polygons"):
        given_cells(table.set_geometry(table.centroid), grid)
    with pytest.raises(GridError, match="no cell holds a pixel"):
        given_cells(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:32652"), grid)


def test_values_are_painted_into_their_cells():
    _, zones = square_cells(grid_at(0, 300), 150, np.arange(36).reshape(6, 6) > 0)
    painted = paint_cells([1, 2, 3, 4], zones)
    assert painted.dtype == np.float32
    assert np.isnan(painted[0, 0])
    assert painted[0, 1] == 1
    assert painted[5, 5] == 4
