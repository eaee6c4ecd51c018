"""What lies around and under cells, worked out by hand: edges, losses, history, patches, ways, terrain, own layers."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.errors import ContractError, GridError
from habitat.landscape import (
    ForestGrid,
    cell_covariates,
    corridor_covariate,
    find_corridors,
    forest_grid,
    forest_patches,
    forest_resistance,
    patch_covariates,
    square_cells,
    terrain_covariates,
    vector_covariates,
    zonal_mean,
)

W, S = 435_000, 4_771_000


def grid_of(height: int, width: int, side: float = 100.0) -> GeoBox:
    return GeoBox((height, width), Affine(side, 0, W, 0, -side, S + height * side), "EPSG:32652")


# -- covariates of cells --------------------------------------------------------------------------------


def test_edges_are_sides_between_forest_and_seen_land_in_the_forest_s_cell():
    grid = grid_of(2, 4)
    # cells of 200 m: the left two columns and the right two
    codes = np.array([[11, 11, 22, 22], [11, 22, 11, 0]], dtype=np.uint8)
    cells, zones = square_cells(grid, 200)
    table = cell_covariates([(2020, codes)], None, cells, zones, grid=grid)
    # left: (0,1) meets (0,2) and (1,1); (1,0) meets (1,1). right: (1,2) meets (0,2) and (1,1), not the unseen (1,3)
    np.testing.assert_allclose(table["edge_density_m_ha"], [300 / 4, 200 / 3])


def test_a_strip_s_first_row_meets_the_last_one_of_the_strip_above():
    grid = grid_of(1030, 3, 10)
    codes = np.full((1030, 3), 11, dtype=np.uint8)
    codes[512:] = 22
    cells, zones = square_cells(grid, 10_000)
    table = cell_covariates([(2020, codes)], None, cells, zones, grid=grid)
    edges = table["edge_density_m_ha"] * table["seen_share"] * np.bincount(zones.ravel()) * 0.01
    assert edges.sum() == pytest.approx(30)


def test_losses_are_counted_over_one_three_and_five_years_and_never_later():
    grid = grid_of(1, 10)
    years = range(2016, 2023)
    loss = np.array([[0, 2017, 2018, 2019, 2020, 2021, 2022, 0, 0, 65535]], dtype=np.uint16)
    cells, zones = square_cells(grid, 1000)
    maps = [(year, np.where((loss > 0) & (loss <= year), 22, 11).astype(np.uint8)) for year in years]
    table = cell_covariates(maps, loss, cells, zones, grid=grid).set_index("year")
    np.testing.assert_allclose(table["loss_share"], [np.nan, *[1 / 9] * 6])
    np.testing.assert_allclose(table["recent_loss"], [*[np.nan] * 3, *[3 / 9] * 4])
    np.testing.assert_allclose(table["loss_5y"], [*[np.nan] * 5, 5 / 9, 5 / 9])
    # the centre lies at column 5.0: lost in 2017 is column 1, 3.5 pixels and, across, 4.5 from the cell's middle row
    middle = cells.geometry.centroid.iloc[0]
    across = middle.y - (S + 50)
    assert table.loc[2017, "loss_distance_m"] == pytest.approx(np.hypot(350, across))
    assert table.loc[2021, "loss_distance_m"] == pytest.approx(np.hypot(50, across))
    assert np.isnan(table.loc[2016, "loss_distance_m"])


def test_what_was_forest_and_what_burnt_is_remembered_by_year():
    grid = grid_of(1, 4)
    maps = {
        2015: [11, 22, 23, 23],
        2016: [22, 22, 23, 0],
        2018: [23, 11, 22, 22],
        2021: [22, 22, 22, 22],
    }
    cells, zones = square_cells(grid, 1000)
    layers = ((year, np.array([codes], dtype=np.uint8)) for year, codes in maps.items())
    table = cell_covariates(layers, None, cells, zones, grid=grid).set_index("year")
    np.testing.assert_allclose(table["grass_from_forest"], [0, 1 / 3, 1 / 4, 2 / 4])
    # 2018: the first pixel burns; the third burnt in 2016, the fourth in 2015. 2021: 2015 and 2016 are long ago
    np.testing.assert_allclose(table["burnt_5y"], [2 / 4, 1 / 3, 3 / 4, 1 / 4])
    np.testing.assert_allclose(table["burnt_years"], [2 / 4, 2 / 3, (1 + 2 + 1) / 4, (1 + 2 + 1) / 4])


def test_means_by_zone_pass_over_what_is_unknown():
    zones = np.array([[0, 0, 1], [-1, 1, 2]], dtype=np.int32)
    values = np.array([[1.0, np.nan, 4.0], [9.0, 6.0, np.nan]])
    mean, number = zonal_mean(values, zones, 3)
    np.testing.assert_allclose(mean, [1, 5, np.nan])
    assert number.tolist() == [1, 2, 0]
    with pytest.raises(GridError, match="values: has the shape"):
        zonal_mean(values[:1], zones, 3)


# -- patches --------------------------------------------------------------------------------------------


def test_a_map_is_joined_to_coarse_pixels_that_tell_their_share():
    codes = np.array([[11, 22, 0, 0, 14], [11, 11, 0, 0, 0], [22, 22, 11, 0, 22]], dtype=np.uint8)
    forest = forest_grid(codes, grid=grid_of(3, 5), max_pixels=6)
    assert forest.factor == 2
    np.testing.assert_allclose(forest.share, [[3 / 4, np.nan, 1], [0, 1, 0]])
    assert forest.side_m == 200
    whole = forest_grid(codes, grid=grid_of(3, 5))
    assert (whole.factor, whole.share.shape) == (1, (3, 5))


def forest_of(rows: list[str], side: float = 100.0) -> ForestGrid:
    """`#` is forest, `.` is not, `?` was not seen."""
    share = np.array([[{"#": 1.0, ".": 0.0, "?": np.nan}[c] for c in row] for row in rows], dtype=np.float32)
    return ForestGrid(share, grid_of(*share.shape, side), 1)


def test_patches_have_their_size_core_edge_and_neighbour():
    forest = forest_of(
        [
            ".......",
            ".###...",
            ".###.#.",
            ".###...",
            "......#",
        ]
    )
    numbers, patches = forest_patches(forest, edge_m=100)
    assert patches["patch"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(patches["area_km2"], [0.09, 0.01, 0.01])
    np.testing.assert_allclose(patches["core_km2"], [0.01, 0, 0])  # its middle alone lies 150 m from an edge
    np.testing.assert_allclose(patches["edge_km"], [1.2, 0.4, 0.2])  # the grid's own edge is none
    np.testing.assert_allclose(patches["nearest_m"], [100, 100, (np.hypot(1, 2) - 1) * 100])
    np.testing.assert_allclose(patches["shape"], [1, 1, 0.5])
    assert (patches.geometry[0].x, patches.geometry[0].y) == (W + 250, S + 250)
    assert numbers[2, 5] == 2
    alone = forest_patches(forest_of(["##", "##"]))[1]
    assert alone["core_km2"].tolist() == [0.04]
    assert alone["nearest_m"].isna().all()
    assert forest_patches(forest_of(["..", ".."]))[1].empty


def test_cells_know_the_patch_that_reaches_into_them():
    forest = forest_of(["####..", "####..", "......", "......", "....??", "....??"])
    cells, zones = square_cells(forest.grid, 200)
    numbers, patches = forest_patches(forest, edge_m=50)
    table = patch_covariates(forest, numbers, patches, zones, len(cells), edge_m=50)
    np.testing.assert_allclose(table["patch_km2"], [0.08, 0.08, 0, 0, 0, 0, 0, 0, np.nan])
    np.testing.assert_allclose(table["core_share"], [0.75, 0.625, *[0] * 6, np.nan])  # half of each pixel at a rim
    deep = patch_covariates(forest, numbers, patches, zones, len(cells), edge_m=150)
    # the far half of row 0 lies 150 m and more from the land in row 2; its column 3 lies within 100 m of column 4
    np.testing.assert_allclose(deep["core_share"][:2], [1 / 4, 1 / 8])


# -- corridors ------------------------------------------------------------------------------------------


def test_the_cheapest_way_goes_round_through_forest():
    forest = forest_of(
        [
            "##.....##",
            "##.....##",
            "#########",
        ]
    )
    patches = np.zeros(forest.share.shape, dtype=np.int32)
    patches[:2, :2], patches[:2, 7:] = 1, 2
    found, detour = find_corridors(forest_resistance(forest), patches, forest=forest, large=[1, 2])
    way = found.iloc[0]
    # from (1, 1) down to (2, 2), along, up to (1, 7): two diagonals and four straight steps, all forest
    assert way["cost_km"] == pytest.approx((2 * np.sqrt(2) + 4) * 0.1)
    assert way["length_km"] == pytest.approx(way["cost_km"])
    assert (way["open_km"], way["widest_gap_m"]) == (0, 0)
    assert np.nanmin(detour) == pytest.approx(1)
    assert detour[2, 4] == pytest.approx(1)
    assert detour[0, 4] > 3
    straight, _ = find_corridors(forest_resistance(forest, open_resistance=1.0), patches, forest=forest, large=[1, 2])
    assert straight.iloc[0]["length_km"] == pytest.approx(0.6)
    assert straight.iloc[0]["widest_gap_m"] == pytest.approx(500)


def test_a_gap_is_told_and_a_barrier_bars():
    forest = forest_of(["##...##"])
    patches = np.array([[1, 1, 0, 0, 0, 2, 2]], dtype=np.int32)
    resistance = forest_resistance(forest)
    found, _ = find_corridors(resistance, patches, forest=forest, large=[1, 2])
    way = found.iloc[0]
    assert way["cost_km"] == pytest.approx((10.5 + 20 + 20 + 10.5) * 0.1)
    assert way["widest_gap_m"] == pytest.approx(300)
    assert way["corridor_km2"] == pytest.approx(0.03)
    resistance[0, 3] = np.inf
    nothing, detour = find_corridors(resistance, patches, forest=forest, large=[1, 2])
    assert nothing.empty
    assert np.isnan(detour).all()
    with pytest.raises(ContractError, match="differ in shape"):
        find_corridors(resistance[:, :3], patches, forest=forest, large=[1, 2])


def test_a_way_through_a_third_patch_is_no_way_of_its_own():
    forest = forest_of(["#.#.#"])
    patches = np.array([[1, 0, 2, 0, 3]], dtype=np.int32)
    found, detour = find_corridors(forest_resistance(forest), patches, forest=forest, large=[1, 2, 3])
    assert found[["from_patch", "to_patch"]].to_numpy().tolist() == [[1, 2], [2, 3]]
    cells, zones = square_cells(forest.grid, 200)
    np.testing.assert_allclose(corridor_covariate(detour, forest, zones, len(cells)), 1)


# -- terrain and own layers -----------------------------------------------------------------------------


def test_a_plane_that_falls_to_the_south_west_has_one_slope_and_one_face():
    row, col = np.mgrid[:600, :10]
    heights = 3.0 * (col - row)  # rises to the east, falls to the south: 3 m in 10 m each
    cells, zones = square_cells(grid_of(600, 10, 10), 3000)
    table = terrain_covariates(lambda rows: heights[rows], zones, len(cells), pixel_m=10)
    steep = np.hypot(0.3, 0.3)
    np.testing.assert_allclose(table["slope_degrees"], np.degrees(np.arctan(steep)), rtol=1e-5)
    np.testing.assert_allclose(table["southwestness"], steep / np.sqrt(1 + steep**2), rtol=1e-5)
    for k in range(len(cells)):
        inside = heights[zones == k]
        assert table["height_m"][k] == pytest.approx(inside.mean())
        assert table["ruggedness_m"][k] == pytest.approx(inside.std(), rel=1e-4)


def test_shapes_have_a_distance_and_a_density():
    grid = grid_of(20, 20)
    cells, _ = square_cells(grid, 1000)  # four of 1 km2
    road = gpd.GeoDataFrame(geometry=[shapely.LineString([(W, S + 500), (W + 1000, S + 500)])], crs=grid.crs)
    lines = vector_covariates(cells, road, name="roads")
    # from the north-west, row by row: centres at 1000 m, (500, 1000), 0 and 500 m from it
    np.testing.assert_allclose(lines["roads_distance_m"], [1000, np.hypot(500, 1000), 0, 500])
    np.testing.assert_allclose(lines["roads_km_per_km2"], [0, 0, 1, 0])
    dots = gpd.GeoDataFrame(
        geometry=[shapely.Point(W + 1500, S + 1500), shapely.Point(W + 1600, S + 1500)], crs=grid.crs
    )
    points = vector_covariates(cells, dots.to_crs(4326), name="villages")
    np.testing.assert_allclose(points["villages_distance_m"], [1000, 0, np.hypot(1000, 1000), 1000], atol=0.01)
    np.testing.assert_allclose(points["villages_per_km2"], [0, 2, 0, 0])
    field = gpd.GeoDataFrame(geometry=[shapely.box(W, S, W + 1000, S + 250)], crs=grid.crs)
    areas = vector_covariates(cells, field, name="fields")
    np.testing.assert_allclose(areas["fields_share"], [0, 0, 0.25, 0])
    np.testing.assert_allclose(areas["fields_distance_m"][2], 250)


def test_shapes_that_cannot_be_meant_are_refused():
    cells, _ = square_cells(grid_of(20, 20), 1000)
    mixed = gpd.GeoDataFrame(geometry=[shapely.Point(W, S), shapely.box(W, S, W + 1, S + 1)], crs=cells.crs)
    with pytest.raises(GridError, match="mixed: holds Point and Polygon"):
        vector_covariates(cells, mixed, name="mixed")
    with pytest.raises(GridError, match="no reference system"):
        vector_covariates(cells, mixed.set_crs(None, allow_override=True), name="mixed")
