"""Pixels onto the run's grid: every truth here can be worked out on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.cubes import Quality
from habitat.errors import CatalogueError, GridError, ReadError
from habitat.grids import Block, crop, grid_over, same_grid
from habitat.store import write_raster
from habitat.tiles import Scene, common_bands, read_stack, run_grid, scene_from_item, select_scenes
from habitat.tiles.catalogue import read_items
from tiles.archive import AREA, AREA_M, CRS, FINE, GRID, LANDSAT, Archive, Layer

ALL_TIME = [(np.datetime64(day).astype(object)) for day in ("1984-01-01", "2100-12-31")]
CLOUD, FILL = Quality.CLOUD, Quality.FILL
nan = np.nan


def inside(grid: GeoBox) -> Any:
    """An area just inside `grid`, in degrees."""
    west, south, east, north = grid.boundingbox.buffered(-2, -2)
    corners = [(west, south), (west, north), (east, north), (east, south)]
    to_degrees = pyproj.Transformer.from_crs(str(grid.crs), "EPSG:4326", always_xy=True)
    return shapely.Polygon([to_degrees.transform(*corner) for corner in corners])


def scenes_of(archive: Archive, area: Any = AREA) -> tuple[Scene, ...]:
    return select_scenes(archive.catalogue(), area=area, windows=[(ALL_TIME[0], ALL_TIME[1])]).scenes


def stack_of(archive: Archive, grid: GeoBox = GRID, *, use_quality: bool = True) -> xr.Dataset:
    return read_stack(scenes_of(archive, inside(grid)), grid, ("red", "nir08"), use_quality=use_quality)


def red_of(archive: Archive, grid: GeoBox = GRID) -> np.ndarray:
    return stack_of(archive, grid)["red"].values[0]


# -- digital numbers to reflectance ---------------------------------------------------------------------


def test_pixels_on_the_run_s_own_grid_are_copied(archive: Archive) -> None:
    numbers = np.arange(1, 10).reshape(3, 3) * 1000
    archive.sentinel2(red=numbers)
    stack = stack_of(archive)
    assert np.allclose(stack["red"].values[0], numbers / 10_000)
    assert stack["red"].dtype == np.float32
    assert not stack["quality"].values.any()
    assert same_grid(stack, GRID) == GRID


def test_the_offset_that_is_still_in_the_pixels_is_taken_out(archive: Archive) -> None:
    stated = {"raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]}
    archive.sentinel2("1", "2022-07-01", red=Layer(3000, said=stated))
    archive.sentinel2("2", "2022-07-02", red=3000, properties={"s2:processing_baseline": "04.00"})
    archive.sentinel2(
        "3", "2022-07-03", red=Layer(2000, said=stated), properties={"earthsearch:boa_offset_applied": True}
    )
    assert np.allclose(stack_of(archive)["red"].values, 0.2)


def test_reflectance_stays_in_the_range_that_real_products_hold(archive: Archive) -> None:
    archive.sentinel2(red=[[1, 20_000, 16_000]] * 3, properties={"s2:processing_baseline": "05.09"})
    assert np.allclose(red_of(archive), [[-0.0999, 1.6, 1.5]] * 3)


# -- from the file's pixels to the run's ----------------------------------------------------------------


def test_10_m_pixels_are_averaged_to_20_m(archive: Archive) -> None:
    numbers = np.full((6, 6), 1000)
    numbers[:2, :2] = [[1000, 2000], [3000, 4000]]
    archive.sentinel2(red=Layer(numbers, FINE))
    assert np.allclose(red_of(archive), [[0.25, 0.1, 0.1], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1]])


def test_nodata_has_no_weight_in_an_average(archive: Archive) -> None:
    numbers = np.full((6, 6), 1000)
    numbers[:2, :2] = [[0, 2000], [0, 4000]]
    numbers[:2, 2:4] = 0
    archive.sentinel2(red=Layer(numbers, FINE))
    stack = stack_of(archive)
    assert np.allclose(stack["red"].values[0], [[0.3, nan, 0.1], [0.1] * 3, [0.1] * 3], equal_nan=True)
    assert np.array_equal(stack["quality"].values[0], [[0, FILL, 0], [0, 0, 0], [0, 0, 0]])
    assert np.isfinite(stack["nir08"].values[0]).all(), "another band's hole is in the quality, not in this band"


def test_landsat_s_pixels_are_shared_out_by_area(archive: Archive) -> None:
    """LANDSAT begins 5 m west and 15 m north of GRID: columns share 1, 1/4 + 3/4, 3/4 + 1/4; rows the other way."""
    archive.landsat("by column", "2020-07-01", red=[[8000, 12_000, 16_000]] * 3)
    archive.landsat("by row", "2020-07-02", red=[[8000] * 3, [12_000] * 3, [16_000] * 3])
    columns, rows = (stack_of(archive)["red"].values + 0.2) / 0.0000275
    assert np.allclose(columns, [[8000, 11_000, 13_000]] * 3)
    assert np.allclose(rows, [[9000] * 3, [12_000] * 3, [15_000] * 3])


@pytest.mark.parametrize(
    ("row", "col", "rows", "cols"), [(1, 1, [0, 1, 2], [1, 2]), (0, 0, [0], [0, 1]), (2, 2, [2], [2])]
)
def test_any_bad_part_wins(archive: Archive, row: int, col: int, rows: list[int], cols: list[int]) -> None:
    codes = np.full((3, 3), 1 << 6)
    codes[row, col] |= 1 << 3
    archive.landsat(qa_pixel=codes)
    expected = np.zeros((3, 3), dtype=np.uint8)
    expected[np.ix_(rows, cols)] = CLOUD
    assert np.array_equal(stack_of(archive)["quality"].values[0], expected)


def test_different_faults_of_a_pixel_s_parts_are_all_kept(archive: Archive) -> None:
    codes = np.full((6, 6), 4)
    codes[0, 0], codes[0, 1], codes[1, 1] = 9, 3, 11
    archive.sentinel2(scl=Layer(codes, FINE))
    quality = stack_of(archive)["quality"].values[0]
    assert quality[0, 0] == Quality.CLOUD | Quality.SHADOW | Quality.SNOW
    assert not quality[1:].any()


def test_where_a_file_ends_nothing_was_seen(archive: Archive) -> None:
    west = grid_over((499_940, 4_800_000, 500_030, 4_800_060), CRS, 10)
    archive.sentinel2(grid=west, red=1000)
    stack = stack_of(archive)
    assert np.allclose(stack["red"].values[0], [[0.1, 0.1, nan]] * 3, equal_nan=True)
    assert np.array_equal(stack["quality"].values[0], [[0, FILL, FILL]] * 3), "half a pixel's quality is unknown"


def test_a_file_beside_the_grid_shows_nothing(archive: Archive) -> None:
    archive.sentinel2(grid=GRID.pad(10)[:3, :3], changed={"geometry": None, "bbox": None})
    stack = stack_of(archive)
    assert np.isnan(stack["red"].values).all()
    assert (stack["quality"].values == FILL).all()


def test_a_block_shows_what_the_whole_shows_there(archive: Archive) -> None:
    random = np.random.default_rng(1)
    archive.landsat(red=random.integers(8000, 20_000, (3, 3)), qa_pixel=random.choice([1 << 6, 1 << 3], (3, 3)))
    archive.sentinel2(red=Layer(random.integers(1, 5000, (6, 6)), FINE), scl=random.choice([4, 9], (3, 3)))
    whole = stack_of(archive)
    for row, col in ((0, 0), (1, 1), (2, 1)):
        part = stack_of(archive, crop(GRID, Block(0, slice(row, row + 1), slice(col, col + 1))))
        there = whole.isel(y=[row], x=[col])
        assert np.array_equal(part["red"].values, there["red"].values)
        assert np.array_equal(part["quality"].values, there["quality"].values)


def test_the_file_s_grid_wins_over_the_item_s(archive: Archive) -> None:
    said = {"proj:transform": [10, 0, 0, 0, -10, 0], "proj:shape": [10_980, 10_980], "proj:epsg": 32610}
    numbers = np.arange(1, 10).reshape(3, 3) * 1000
    archive.sentinel2(red=Layer(numbers, GRID, said), properties={"proj:epsg": 32610})
    assert run_grid(scenes_of(archive), AREA) == GRID
    assert np.allclose(red_of(archive), numbers / 10_000)


def test_a_file_that_runs_from_south_to_north_is_turned(archive: Archive) -> None:
    numbers = np.arange(1, 10).reshape(3, 3) * 1000
    south_first = GeoBox((3, 3), rasterio.Affine(20, 0, AREA_M[0], 0, 20, AREA_M[1]), CRS)
    archive.sentinel2(red=Layer(numbers, south_first), scl=Layer([[9] * 3, [4] * 3, [4] * 3], south_first))
    stack = stack_of(archive)
    assert np.allclose(stack["red"].values[0], numbers[::-1] / 10_000)
    assert np.array_equal(stack["quality"].values[0], [[0] * 3, [0] * 3, [CLOUD] * 3])


# -- scenes that lie beside their place -----------------------------------------------------------------


def shifted(archive: Archive, shift_m: tuple[float, float], grid: GeoBox = GRID) -> xr.Dataset:
    scenes = [replace(scene, shift_m=shift_m) for scene in scenes_of(archive, inside(grid))]
    return read_stack(scenes, grid, ("red", "nir08"))


def test_ground_that_a_file_shows_too_far_east_and_north_is_brought_back(archive: Archive) -> None:
    wide = GRID.pad(2)
    numbers = np.arange(49).reshape(7, 7) * 100 + 100
    archive.sentinel2(red=Layer(numbers, wide), scl=Layer(np.full((7, 7), 4), wide))
    assert np.allclose(shifted(archive, (20.0, 0.0))["red"].values[0], numbers[2:5, 3:6] / 10_000)
    assert np.allclose(shifted(archive, (0.0, 20.0))["red"].values[0], numbers[1:4, 2:5] / 10_000)
    halfway = (numbers[2:5, 2:5] + numbers[2:5, 3:6]) / 20_000
    assert np.allclose(shifted(archive, (10.0, 0.0))["red"].values[0], halfway)


def test_any_bad_part_wins_where_a_shift_cuts_pixels(archive: Archive) -> None:
    wide = GRID.pad(2)
    codes = np.full((7, 7), 4)
    codes[3, 3] = 9
    archive.sentinel2(red=Layer(1000, wide), scl=Layer(codes, wide))
    expected = [[0, 0, 0], [CLOUD, CLOUD, 0], [0, 0, 0]]
    assert np.array_equal(shifted(archive, (7.0, 0.0))["quality"].values[0], expected)


def test_a_shift_is_resampled_once_from_the_file_s_finer_pixels(archive: Archive) -> None:
    fine = FINE.pad(2)
    numbers = np.broadcast_to(np.arange(10) * 100 + 100, (10, 10))
    archive.sentinel2(red=Layer(numbers, fine), scl=Layer(np.full((10, 10), 4), fine))
    assert np.allclose(shifted(archive, (10.0, 0.0))["red"].values[0], [[0.045, 0.065, 0.085]] * 3)


def test_a_scene_of_another_zone_is_moved_in_the_run_s_grid(archive: Archive) -> None:
    source = in_zone_53(WIDE, 100)
    numbers = np.random.default_rng(1).integers(1000, 5000, source.shape)
    archive.sentinel2(grid=source, red=numbers, scl=4)
    there = shifted(archive, (40.0, -20.0), WIDE)["red"].values[0]
    plain = stack_of(archive, WIDE)["red"].values[0]
    assert np.allclose(there[:-1, :-2], plain[1:, 2:], atol=0.002)


# -- another zone ---------------------------------------------------------------------------------------

WIDE = grid_over((740_000, 4_800_000, 740_400, 4_800_400), CRS, 20)
"""20 x 20 pixels near 132 E, where zones 52 and 53 meet."""


def in_zone_53(grid: GeoBox, margin_m: float) -> GeoBox:
    bounds = grid.footprint("EPSG:32653").boundingbox.buffered(margin_m, margin_m)
    return grid_over(tuple(bounds), "EPSG:32653", 20)


def test_another_zone_is_warped_once(archive: Archive) -> None:
    source = in_zone_53(WIDE, 100)
    halves = np.where(np.arange(source.shape.x) < source.shape.x // 2, 9, 4) * np.ones(source.shape, dtype=int)
    archive.sentinel2(grid=source, red=np.where(halves == 9, 8000, 1000), scl=halves)
    stack = stack_of(archive, WIDE)
    to_53 = pyproj.Transformer.from_crs(CRS, "EPSG:32653", always_xy=True)
    x, y = np.meshgrid(WIDE.coordinates["x"].values, WIDE.coordinates["y"].values)
    in_pixels = (to_53.transform(x, y)[0] - source.transform.c) / 20 - source.shape.x // 2
    sure = np.abs(in_pixels) > 1
    assert 300 < sure.sum() < 400
    cloud = in_pixels < 0
    assert np.array_equal(stack["quality"].values[0][sure] == CLOUD, cloud[sure])
    assert np.allclose(stack["red"].values[0][sure], np.where(cloud, 0.8, 0.1)[sure])
    assert not (stack["quality"].values & FILL).any()


def test_what_a_warp_does_not_reach_was_not_seen(archive: Archive) -> None:
    source = in_zone_53(WIDE, 100)
    numbers = np.full(source.shape, 1000)
    numbers[12:17, 12:17] = 0
    archive.sentinel2(grid=source[:, : source.shape.x // 2], red=numbers[:, : source.shape.x // 2])
    stack = stack_of(archive, WIDE)
    red, quality = stack["red"].values[0], stack["quality"].values[0]
    assert np.isfinite(red[:, :8]).sum() > 150
    assert np.isnan(red[:, 12:]).all()
    assert (quality[:, 12:] == FILL).all()
    assert np.isnan(red[:, :8]).any(), "the hole is still there"
    assert np.allclose(red[np.isfinite(red)], 0.1), "no pixel is mixed with nodata"
    assert (quality[np.isnan(red)] & FILL).all()


# -- scenes of a day ------------------------------------------------------------------------------------

WEST, EAST = GRID[:, :2], GRID[:, 1:]
"""Two tiles that share GRID's middle column."""


def test_neighbouring_tiles_of_a_day_are_one_look(archive: Archive) -> None:
    archive.sentinel2("52TEM", "2020-07-01T02:20:01Z", grid=WEST, red=1000, scl=4)
    archive.sentinel2("52TFM", "2020-07-01T02:20:15Z", grid=EAST, red=2000, scl=9)
    stack = stack_of(archive)
    assert stack.sizes["time"] == 1
    assert stack["scene"].item() == "52TEM 52TFM"
    assert np.allclose(stack["red"].values[0], [[0.1, 0.1, 0.2]] * 3), "the first wins where both saw"
    assert np.array_equal(stack["quality"].values[0], [[0, 0, CLOUD]] * 3)


def test_a_hole_in_one_tile_is_filled_from_the_other(archive: Archive) -> None:
    archive.sentinel2("52TEM", "2020-07-01T02:20:01Z", red=[[1000, 0, 1000]] * 3, scl=[[4, 4, 0]] * 3)
    archive.sentinel2("52TFM", "2020-07-01T02:20:15Z", red=2000)
    stack = stack_of(archive)
    assert np.allclose(stack["red"].values[0], [[0.1, 0.2, 0.2]] * 3)
    assert not stack["quality"].values.any()


def test_the_order_in_which_scenes_are_given_does_not_matter(archive: Archive) -> None:
    archive.sentinel2("52TEM", "2020-07-01T02:20:01Z", red=1000)
    archive.sentinel2("52TFM", "2020-07-01T02:20:15Z", red=2000)
    archive.landsat("L8", "2020-06-01")
    scenes = scenes_of(archive)
    one, other = (read_stack(given, GRID, ("red",)) for given in (scenes, scenes[::-1]))
    assert one.identical(other)


def test_two_sensors_and_two_days_are_looks_of_their_own(archive: Archive) -> None:
    archive.sentinel2("S2 first", "2020-07-01T02:20:00Z")
    archive.landsat("L8", "2020-07-01T02:10:00Z")
    archive.sentinel2("S2 second", "2020-07-02T02:20:00Z")
    stack = stack_of(archive)
    assert stack["sensor"].values.tolist() == ["landsat", "sentinel-2", "sentinel-2"]
    assert stack["scene"].values.tolist() == ["L8", "S2 first", "S2 second"]
    assert stack["time"].values.astype("datetime64[m]").tolist() == [
        np.datetime64(f"2020-07-{moment}").astype(object) for moment in ("01T02:10", "01T02:20", "02T02:20")
    ]


def test_tiles_are_joined_though_another_satellite_passed_between_them(archive: Archive) -> None:
    archive.sentinel2("52TEM", "2020-07-01T02:20:01Z", grid=WEST)
    archive.landsat("L8", "2020-07-01T02:20:05Z")
    archive.sentinel2("52TFM", "2020-07-01T02:20:15Z", grid=EAST)
    assert stack_of(archive)["scene"].values.tolist() == ["52TEM 52TFM", "L8"]


def test_two_satellites_of_a_day_are_two_looks(archive: Archive) -> None:
    archive.sentinel2("A", "2020-07-01T02:20:00Z", red=1000)
    archive.sentinel2("B", "2020-07-01T02:25:00Z", red=2000, properties={"platform": "sentinel-2b"})
    stack = stack_of(archive)
    assert stack["scene"].values.tolist() == ["A", "B"]
    assert np.allclose(stack["red"].values[:, 0, 0], [0.1, 0.2])


def test_a_pass_goes_on_while_the_next_scene_is_within_half_an_hour(archive: Archive) -> None:
    for name, time in (("a", "02:00"), ("b", "02:29"), ("c", "02:58"), ("d", "03:29")):
        archive.sentinel2(name, f"2020-07-01T{time}:00Z")
    assert stack_of(archive)["scene"].values.tolist() == ["a b c", "d"]


def test_a_pass_may_cross_midnight(archive: Archive) -> None:
    archive.sentinel2("a", "2020-07-01T23:59:50Z")
    archive.sentinel2("b", "2020-07-02T00:00:10Z")
    stack = stack_of(archive)
    assert stack["scene"].values.tolist() == ["a b"]
    assert stack["time"].values[0] == np.datetime64("2020-07-01T23:59:50")


def test_dates_without_a_time_are_one_pass(archive: Archive) -> None:
    archive.sentinel2("a", "2020-07-01T00:00:00Z")
    archive.sentinel2("b", "2020-07-01T00:00:00Z")
    assert stack_of(archive)["scene"].values.tolist() == ["a b"]


def test_what_needs_no_warp_comes_first(archive: Archive) -> None:
    archive.sentinel2("a, foreign", "2020-07-01T02:20:00Z", grid=in_zone_53(WIDE, 100), red=3000)
    archive.sentinel2("b, own", "2020-07-01T02:20:10Z", grid=WIDE[:, :10], red=1000)
    scenes = [s for item in read_items(archive.catalogue()) if (s := scene_from_item(item)) is not None]
    stack = read_stack(scenes, WIDE, ("red",))
    assert stack["scene"].item() == "b, own a, foreign"
    assert np.allclose(stack["red"].values[0, :, :10], 0.1)
    assert np.allclose(stack["red"].values[0, :, 10:], 0.3)
    assert stack["time"].values[0] == np.datetime64("2020-07-01T02:20:00"), "the pass begins with its first scene"


def test_a_scene_that_adds_nothing_is_not_read(archive: Archive) -> None:
    archive.sentinel2("a", "2020-07-01T02:20:00Z", red=1000)
    spare = archive.sentinel2("b", "2020-07-01T02:20:10Z", red=2000)
    scenes = [s for item in read_items(archive.catalogue()) if (s := scene_from_item(item)) is not None]
    archive.file(spare, "red").write_text("<html>")
    stack = read_stack(scenes, GRID, ("red",))
    assert stack["scene"].item() == "a b"
    assert np.allclose(stack["red"].values, 0.1)
    with pytest.raises(ReadError, match="red.tif"):
        read_stack(scenes[::-1][:1], GRID, ("red",))


# -- quality and nodata ---------------------------------------------------------------------------------


def test_without_a_quality_asset_the_product_s_mask_cannot_be_used(archive: Archive) -> None:
    archive.sentinel2("bare", scl=None)
    with pytest.raises(CatalogueError, match="item bare: has no quality asset 'scl'.*mask = \"none\""):
        stack_of(archive)
    assert np.allclose(stack_of(archive, use_quality=False)["red"].values, 0.1)


def test_without_a_mask_only_fill_is_marked(archive: Archive) -> None:
    archive.sentinel2(red=[[0, 1000, 1000]] * 3, scl=9)
    stack = stack_of(archive, use_quality=False)
    assert np.array_equal(stack["quality"].values[0], [[FILL, 0, 0]] * 3)


@pytest.mark.parametrize(
    "red",
    [
        pytest.param(Layer([[0, 1000, 1000]] * 3), id="of the product, nobody says"),
        pytest.param(Layer([[0, 1000, 1000]] * 3, nodata=0), id="the file says"),
        pytest.param(Layer([[65_535, 1000, 1000]] * 3, nodata=65_535), id="only the file says"),
        pytest.param(Layer([[7, 1000, 1000]] * 3, said={"raster:bands": [{"nodata": 7}]}), id="only the item says"),
        pytest.param(
            Layer([[-9999, 1000, 1000]] * 3, GRID, {"raster:bands": [{"nodata": -9999}]}, -9999, "int16"), id="both say"
        ),
        pytest.param(Layer([[nan, 1000, 1000]] * 3, dtype="float32"), id="not a number"),
    ],
)
def test_no_measurement_is_no_reflectance(archive: Archive, red: Layer) -> None:
    archive.sentinel2(red=red)
    stack = stack_of(archive)
    assert np.allclose(stack["red"].values[0], [[nan, 0.1, 0.1]] * 3, equal_nan=True)
    assert np.array_equal(stack["quality"].values[0], [[FILL, 0, 0]] * 3)


def test_the_file_s_own_nodata_wins_and_its_zeros_are_dark_ground(archive: Archive) -> None:
    archive.sentinel2(red=Layer([[0, 65_535, 1000]] * 3, said={"raster:bands": [{"nodata": 0}]}, nodata=65_535))
    stack = stack_of(archive)
    assert np.allclose(stack["red"].values[0], [[0, nan, 0.1]] * 3, equal_nan=True)
    assert np.array_equal(stack["quality"].values[0], [[0, FILL, 0]] * 3)


def test_a_quality_file_s_own_nodata_is_fill(archive: Archive) -> None:
    archive.sentinel2(scl=Layer([[255, 4, 9]] * 3, nodata=255, dtype="uint8"))
    assert np.array_equal(stack_of(archive)["quality"].values[0], [[FILL, 0, CLOUD]] * 3)


def test_numbers_that_float32_cannot_hold_keep_their_digits(archive: Archive) -> None:
    archive.sentinel2(
        red=Layer([[16_777_217, 16_777_219, 0]] * 3, said={"raster:bands": [{"scale": 5e-8}]}, dtype="uint32")
    )
    exact = np.array([16_777_217, 16_777_219]) * 5e-8
    assert np.array_equal(red_of(archive)[:, :2], np.broadcast_to(exact.astype(np.float32), (3, 2)))


def test_landsat_s_fill_flag_is_fill(archive: Archive) -> None:
    archive.landsat(qa_pixel=Layer([[1, 1 << 6, 1 << 6]] * 3, LANDSAT, nodata=1))
    assert np.array_equal(stack_of(archive)["quality"].values[0], [[FILL, FILL, 0]] * 3)


SATURATED = Quality.SATURATED


def test_saturation_is_added_to_the_other_bits(archive: Archive) -> None:
    archive.landsat(qa_pixel=[[1 << 6, 1 << 3, 1 << 6]] * 3, qa_radsat=[[0, 0b10000, 0b10000]] * 3)
    assert np.array_equal(stack_of(archive, LANDSAT)["quality"].values[0], [[0, CLOUD | SATURATED, SATURATED]] * 3)


def test_saturation_of_any_part_spoils_a_pixel(archive: Archive) -> None:
    archive.landsat(qa_radsat=[[0b10000, 0, 0]] * 3)
    assert np.array_equal(stack_of(archive)["quality"].values[0], [[SATURATED, SATURATED, 0]] * 3)


def test_a_band_that_is_not_ours_may_be_saturated(archive: Archive) -> None:
    archive.landsat(qa_radsat=1)
    assert not stack_of(archive)["quality"].values.any()


def test_thematic_mapper_s_saturation_has_bits_of_its_own(archive: Archive) -> None:
    archive.landsat(
        "LE07_L2SP_115030_20200701_02_T1",
        qa_radsat=[[0b1, 0b100000, 1 << 9]] * 3,
        properties={"platform": "landsat-7"},
    )
    assert np.array_equal(stack_of(archive, LANDSAT)["quality"].values[0], [[SATURATED, 0, FILL]] * 3)


def test_a_landsat_without_its_saturation_is_read_as_it_is(archive: Archive) -> None:
    archive.landsat()
    (scene,) = scenes_of(archive, inside(GRID))
    assert scene.saturation is None
    assert not stack_of(archive)["quality"].values.any()


def test_gaps_of_landsat_7_are_fill_and_do_not_run_into_their_neighbours(archive: Archive) -> None:
    gap = {"properties": {"platform": "landsat-7"}, "name": "LE07_L2SP_115030_20200701_02_T1"}
    archive.landsat(red=[[0, 16_000, 16_000]] * 3, nir08=[[0, 20_000, 20_000]] * 3, qa_pixel=[[1, 64, 64]] * 3, **gap)
    stack = stack_of(archive)  # the gap ends at 500 025: it covers the first pixel of 20 m, and a quarter of the second
    assert np.array_equal(stack["quality"].values[0], [[FILL, FILL, 0]] * 3)
    for band, number in (("red", 16_000), ("nir08", 20_000)):
        seen = number * 2.75e-5 - 0.2
        assert np.allclose(stack[band].values[0], [[nan, seen, seen]] * 3, equal_nan=True)


# -- files that cannot be read --------------------------------------------------------------------------


def unreadable(archive: Archive, file: Path, said: str) -> None:
    with pytest.raises(ReadError, match=said) as caught:
        stack_of(archive)
    assert str(file) in str(caught.value), "the file is named"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_an_error_and_never_a_hole(archive: Archive, kept: float) -> None:
    grid = grid_over((500_000, 4_790_000, 510_240, 4_800_240), CRS, 20)
    numbers = np.random.default_rng(0).integers(1, 50, grid.shape).astype("uint16")  # DEFLATE stores what is wilder
    item = archive.sentinel2()
    file = archive.file(item, "red")
    file.unlink()
    write_raster(file, numbers[None], grid, ["red"], 0)
    size = file.stat().st_size
    scenes = scenes_of(archive)
    assert np.allclose(read_stack(scenes, grid, ("red",), use_quality=False)["red"].values[0], numbers / 10_000)
    with file.open("r+b") as opened:
        opened.truncate(int(size * kept))
    with pytest.raises(ReadError, match="fetch it again") as caught:
        read_stack(scenes, grid, ("red",), use_quality=False)
    assert str(file) in str(caught.value)


def test_a_file_that_has_not_been_fetched(archive: Archive) -> None:
    archive.sentinel2()
    (scene,) = scenes_of(archive)
    far = replace(scene, bands={"red": replace(scene.bands["red"], href="https://tiles.example/B04.tif?sig=secret")})
    with pytest.raises(ReadError, match="B04.tif: is not here yet; habitat fetch") as caught:
        read_stack([far], GRID, ("red",))
    assert "secret" not in str(caught.value)


def test_pixels_that_cannot_be_decoded_say_why(archive: Archive) -> None:
    grid = grid_over((500_000, 4_790_000, 510_240, 4_800_240), CRS, 20)
    numbers = np.random.default_rng(0).integers(1, 50, grid.shape).astype("uint16")  # DEFLATE stores what is wilder
    file = archive.file(archive.sentinel2(), "red")
    file.unlink()
    write_raster(file, numbers[None], grid, ["red"], 0)
    scenes = scenes_of(archive)
    with rasterio.open(file) as opened:
        second = int(opened.get_tag_item("BLOCK_OFFSET_1_0", "TIFF", bidx=1))
    with file.open("r+b") as opened:  # where a block begins: GDAL lets pass what looks like DEFLATE further on
        opened.seek(second)
        opened.write(b"\xff" * 100)
    with pytest.raises(ReadError, match=r"red.tif.*(?i:decod|zip|deflate).*fetch it again") as caught:
        read_stack(scenes, grid, ("red",), use_quality=False)
    assert "previous exception" not in str(caught.value)


@pytest.mark.parametrize("asset", ["red", "scl"])
def test_a_file_that_is_not_there(archive: Archive, asset: str) -> None:
    item = archive.sentinel2()
    archive.file(item, asset).unlink()
    unreadable(archive, archive.file(item, asset), "there is no such file")


def test_an_error_page_in_place_of_a_picture(archive: Archive) -> None:
    file = archive.file(archive.sentinel2(), "red")
    file.write_text("<html>403 Forbidden</html>")
    unreadable(archive, file, "cannot be read as a raster")


def test_a_virtual_raster_under_another_name_is_refused(archive: Archive, tmp_path: Path) -> None:
    """It could read any file of the machine."""
    file = archive.file(archive.sentinel2(), "red")
    secret = Layer(4242).write(tmp_path / "secret.tif")
    file.write_text(
        '<VRTDataset rasterXSize="3" rasterYSize="3"><SRS>EPSG:32652</SRS>'
        "<GeoTransform>500000, 20, 0, 4800060, 0, -20</GeoTransform>"
        f'<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename>{secret}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with rasterio.open(file) as trap:
        assert trap.read(1)[0, 0] == 4242, "GDAL itself walks into it"
    unreadable(archive, file, "cannot be read as a raster")


def test_a_file_without_a_reference_system(archive: Archive) -> None:
    file = archive.file(archive.sentinel2(), "red")
    profile = {"driver": "GTiff", "width": 3, "height": 3, "count": 1, "dtype": "uint16"}
    with rasterio.open(file, "w", transform=GRID.transform, **profile) as bare:
        bare.write(np.ones((1, 3, 3), dtype="uint16"))
    unreadable(archive, file, "carries no reference system; georeference it")


@pytest.mark.parametrize("scl", [Layer(4, dtype="float32"), Layer(400), Layer(-1, dtype="int16")])
def test_a_quality_band_that_holds_no_codes(archive: Archive, scl: Layer) -> None:
    unreadable(archive, archive.file(archive.sentinel2(scl=scl), "scl"), "no codes of sentinel-2's 'scl'")


def test_an_item_whose_nodata_its_file_cannot_hold(archive: Archive) -> None:
    item = archive.sentinel2(red=Layer(1000, said={"raster:bands": [{"nodata": -9999}]}))
    unreadable(archive, archive.file(item, "red"), "nodata -9999")


def test_a_jpeg_2000_is_read_too(archive: Archive) -> None:
    item = archive.sentinel2(red=Layer(0, said={"href": "./red.jp2"}))
    profile = {"driver": "JP2OpenJPEG", "width": 3, "height": 3, "count": 1, "dtype": "uint16", "crs": CRS}
    numbers = np.arange(1, 10, dtype="uint16").reshape(1, 3, 3) * 1000
    lossless = {"QUALITY": "100", "REVERSIBLE": "YES"}
    with rasterio.open(
        archive.file(item, "red").with_suffix(".jp2"), "w", transform=GRID.transform, **profile, **lossless
    ) as file:
        file.write(numbers)
    assert np.allclose(red_of(archive), numbers[0] / 10_000)


# -- bands ----------------------------------------------------------------------------------------------


def test_bands_are_those_that_every_sensor_has(archive: Archive) -> None:
    archive.sentinel2(swir22=None)
    archive.landsat()
    assert common_bands(scenes_of(archive)) == ("blue", "green", "red", "nir08", "swir16")


def test_a_band_that_one_item_lacks_names_that_item(archive: Archive) -> None:
    archive.sentinel2("whole", "2020-07-01")
    archive.sentinel2("partial", "2020-07-02", swir16=None)
    with pytest.raises(CatalogueError, match="item partial: lacks the asset 'swir16' that other sentinel-2 items have"):
        common_bands(scenes_of(archive))


@pytest.mark.parametrize("band", ["red", "nir08"])
def test_without_red_and_near_infrared_there_is_no_vegetation(archive: Archive, band: str) -> None:
    archive.sentinel2(**{band: None})
    archive.landsat()
    with pytest.raises(CatalogueError, match=f"no {band} band in every sensor's scenes"):
        common_bands(scenes_of(archive))


# -- the run's grid -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sensors", "resolution_m"), [("S", 20), ("L", 30), ("SL", 20), ("LS", 20)], ids=["S2", "Landsat", "S2+L", "L+S2"]
)
def test_resolution_is_20_m_with_any_sentinel2(archive: Archive, sensors: str, resolution_m: float) -> None:
    for sensor in sensors:
        archive.sentinel2() if sensor == "S" else archive.landsat()
    assert run_grid(scenes_of(archive), AREA).transform.a == resolution_m


def test_edges_are_landsat_s_own_where_nothing_else_is_there(archive: Archive) -> None:
    archive.landsat()
    assert run_grid(scenes_of(archive), inside(LANDSAT)) == LANDSAT


def test_edges_off_the_multiples_of_20_are_kept(archive: Archive) -> None:
    """As in archives cut in EPSG:3035: pixels are copied, not mixed."""
    odd = GeoBox((3, 3), rasterio.Affine(20, 0, 5_271_007.0, 0, -20, 2_745_013.0), "EPSG:3035")
    numbers = np.arange(1, 10).reshape(3, 3) * 1000
    archive.sentinel2(grid=odd, red=numbers)
    scenes = scenes_of(archive, inside(odd))
    grid = run_grid(scenes, inside(odd))
    assert same_grid(grid, odd)
    assert np.allclose(read_stack(scenes, grid, ("red",))["red"].values[0], numbers / 10_000)


def test_a_finer_grid_keeps_the_edges_too(archive: Archive) -> None:
    archive.landsat()
    grid = run_grid(scenes_of(archive), inside(LANDSAT), resolution_m=15)
    assert (grid.shape, grid.transform.c, grid.transform.f) == ((6, 6), 499_995, 4_800_075)


def test_the_zone_is_that_of_most_scenes(archive: Archive) -> None:
    tiles: Mapping[str, GeoBox] = {"a": WIDE, "b": WIDE[:10, :], "c": in_zone_53(WIDE, 100)}
    for number, (name, grid) in enumerate(tiles.items(), start=1):
        archive.sentinel2(name, f"2020-07-0{number}", grid=grid)
    area = inside(WIDE)
    scenes = scenes_of(archive, area)
    assert run_grid(scenes, area).crs == CRS
    assert run_grid(scenes[::-1], area).crs == CRS
    assert run_grid(scenes, area, crs="EPSG:32653").crs == "EPSG:32653"


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:999999", "the local one"])
def test_a_reference_system_that_cannot_carry_a_grid(archive: Archive, crs: str) -> None:
    archive.sentinel2()
    with pytest.raises(GridError, match="crs") as caught:
        run_grid(scenes_of(archive), AREA, crs=crs)
    assert "EPSG:32652" in str(caught.value), "the remedy"


def test_the_first_file_of_a_run_is_checked_like_the_others(archive: Archive) -> None:
    item = archive.sentinel2()
    archive.file(item, "scl").write_text("<html>")
    with pytest.raises(ReadError, match="scl.tif"):
        run_grid(scenes_of(archive), AREA)
