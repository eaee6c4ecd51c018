"""Grids that the eye can check: areas are worked out by hand, properties by hypothesis."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from habitat import grids
from habitat.errors import GridError

UTM = "EPSG:32652"
WEST, SOUTH = 500_000.0, 4_800_000.0


def grid(shape: tuple[int, int], step: float, west: float = 0, north: float = 0) -> GeoBox:
    """A grid whose north-west corner lies `west` and `north` metres from a round place."""
    return GeoBox(shape, Affine(step, 0, WEST + west, 0, -step, SOUTH + north), UTM)


# -- one grid -------------------------------------------------------------------------------------------


def test_a_grid_snaps_outwards_to_its_anchor() -> None:
    made = grids.grid_over((WEST + 1, SOUTH + 1, WEST + 59, SOUTH + 41), UTM, 20)
    assert made.shape == (3, 3)
    assert (made.transform.c, made.transform.f) == (WEST, SOUTH + 60)


def test_the_anchor_moves_the_edges() -> None:
    made = grids.grid_over((WEST, SOUTH, WEST + 60, SOUTH + 60), UTM, 30, anchor=(15, 15))
    assert made.transform.c % 30 == made.transform.f % 30 == 15
    assert made.transform.c <= WEST < made.transform.c + 30
    assert made.shape == (3, 3)


def test_a_hundredth_of_a_pixel_is_rounding() -> None:
    made = grids.grid_over((WEST - 0.1, SOUTH, WEST + 40.1, SOUTH + 40), UTM, 20)
    assert made.shape == (2, 2)


def test_a_grid_has_at_least_one_pixel() -> None:
    assert grids.grid_over((WEST + 1, SOUTH + 1, WEST + 2, SOUTH + 2), UTM, 20).shape == (1, 1)


@pytest.mark.parametrize(
    ("bounds", "crs", "says"),
    [
        ((130, 42, 131, 43), "EPSG:4326", "is not in metres"),
        ((0, 0, 100, 100), "EPSG:2263", "is not in metres"),  # feet
        ((10, 0, 10, 5), UTM, "no size"),
        ((10, 0, 0, 5), UTM, "no size"),
        ((0, 0, float("nan"), 5), UTM, "no size"),
    ],
)
def test_an_impossible_grid_is_an_error(bounds: tuple[float, float, float, float], crs: str, says: str) -> None:
    with pytest.raises(GridError, match=says):
        grids.grid_over(bounds, crs, 20)


def cube_on(place: GeoBox) -> xr.Dataset:
    return xr.Dataset({"code": (("y", "x"), np.zeros(place.shape, np.uint8))}, coords=grids.coordinates(place))


def test_a_cube_carries_its_grid(small_grid: GeoBox) -> None:
    assert grids.same_grid(cube_on(small_grid), small_grid) == small_grid
    assert grids.grid_of(cube_on(small_grid)) == small_grid


def test_a_cube_without_a_grid_is_an_error() -> None:
    with pytest.raises(GridError, match="carries no grid"):
        grids.grid_of(xr.Dataset({"code": (("y", "x"), np.zeros((2, 2)))}))


@pytest.mark.parametrize(
    "other",
    [
        grid((10, 10), 20, west=1e-3),
        grid((10, 10), 20, north=-1e-3),
        grid((10, 11), 20),
        grid((10, 10), 20.001),
        GeoBox((10, 10), grid((10, 10), 20).transform, "EPSG:32653"),
    ],
    ids=["a millimetre east", "a millimetre south", "a column more", "a larger pixel", "another zone"],
)
def test_grids_never_align_by_luck(other: GeoBox) -> None:
    here = grid((10, 10), 20)
    with pytest.raises(GridError, match="grids differ: 10 x 10 of 20 m"):
        grids.same_grid(here, other)
    with pytest.raises(GridError, match="resample one to the other"):
        grids.same_grid(cube_on(here), cube_on(other))


def test_a_pixel_that_is_a_little_larger_shifts_the_far_corner() -> None:
    here, there = grid((1, 5000), 20), grid((1, 5000), 20 * (1 + 5e-7))  # 5 cm over 100 km
    with pytest.raises(GridError):
        grids.same_grid(here, there)


def test_rounding_in_the_last_digits_is_no_difference() -> None:
    assert grids.same_grid(grid((10, 10), 20), grid((10, 10), 20, west=1e-9)).shape == (10, 10)


# -- blocks ---------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 17))
def test_blocks_cover_every_pixel_once(height: int, width: int, size: int) -> None:
    place = grid((height, width), 20)
    count = np.zeros((height, width), int)
    for expected, block in enumerate(grids.blocks(place, size)):
        assert block.index == expected
        assert max(block.shape) <= size
        assert grids.crop(place, block).shape == block.shape
        count[block.rows, block.cols] += 1
    assert (count == 1).all()


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 12), st.integers(0, 9))
def test_a_widened_block_holds_its_block(height: int, width: int, size: int, pixels: int) -> None:
    place = grid((height, width), 20)
    numbers = np.arange(height * width).reshape(height, width)
    for block in grids.blocks(place, size):
        wide, inner = grids.widen(block, place, pixels)
        np.testing.assert_array_equal(numbers[wide.rows, wide.cols][inner], numbers[block.rows, block.cols])
        assert wide.rows.start == max(block.rows.start - pixels, 0)
        assert wide.cols.stop == min(block.cols.stop + pixels, width)


# -- from one grid to another ---------------------------------------------------------------------------


def test_overlaps_of_landsat_and_sentinel2_by_hand() -> None:
    """30 m pixels that begin 15 m west of 20 m pixels.

    metres     -15    0    15   20        40   45         60        75   80
    30 m        |----------|---------------------|--------------------|
    20 m              |---------|----------|--------------|---------------|
    """
    source, target = grid((1, 3), 30, west=-15), grid((1, 4), 20)
    _, cols = grids.overlaps(source, target)
    np.testing.assert_allclose(
        cols.toarray() * 30,
        [
            [15, 5, 0],
            [0, 20, 0],
            [0, 5, 15],
            [0, 0, 15],  # the source ends at 75 m
        ],
        atol=1e-9,
    )


def test_mean_by_hand() -> None:
    source, target = grid((2, 3), 30, west=-15, north=15), grid((1, 2), 20)
    values = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    # Rows: the target's 20 m lie 15 m in the first row and 5 m in the second. Columns: as above.
    first = (15 * (15 * 1 + 5 * 2) + 5 * (15 * 10 + 5 * 20)) / 400
    second = (15 * 20 * 2 + 5 * 20 * 20) / 400
    np.testing.assert_allclose(grids.resample_mean(values, source, target), [[first, second]], rtol=1e-6)


def test_a_mean_is_taken_over_what_was_seen() -> None:
    source, target = grid((1, 3), 30, west=-15), grid((1, 5), 20)
    values = np.array([[np.nan, 2.0, 4.0]])
    got = grids.resample_mean(values, source, target)
    np.testing.assert_allclose(got, [[2, 2, (5 * 2 + 15 * 4) / 20, 4, np.nan]], rtol=1e-6)
    assert got.dtype == np.float32


def test_the_same_grid_changes_nothing(small_grid: GeoBox) -> None:
    values = np.arange(24, dtype=np.float32).reshape(4, 6)
    codes = values.astype(np.uint8)
    np.testing.assert_array_equal(grids.resample_mean(values, small_grid, small_grid), values)
    np.testing.assert_array_equal(grids.resample_bits(codes, small_grid, small_grid, 32), codes)
    np.testing.assert_array_equal(grids.resample_majority(codes, small_grid, small_grid, 0), codes)


steps = st.sampled_from([7.5, 10.0, 20.0, 30.0, 60.0])
shifts = st.floats(-100, 100)


@given(steps, steps, shifts, shifts, st.floats(-0.25, 1.625))
def test_a_constant_stays_that_constant(step: float, other: float, west: float, north: float, value: float) -> None:
    source, target = grid((9, 8), step), grid((5, 6), other, west, north)
    got = grids.resample_mean(np.full((9, 8), value), source, target)
    assert np.all(np.isnan(got) | (np.abs(got - value) < 1e-6))


@given(steps, steps, st.floats(0, 100), st.floats(0, 100), st.integers(0, 2**32 - 1))
def test_the_mean_conserves_mass(step: float, other: float, west: float, north: float, seed: int) -> None:
    """Where the target covers the whole source, the sum of value times area is the same on both."""
    source = grid((7, 6), step)
    values = np.random.default_rng(seed).random((7, 6))
    size = int(np.ceil((7 * step + 100) / other)) + 1
    target = grid((size, size), other, -west, north)
    rows, cols = grids.overlaps(source, target)
    seen = np.outer(rows.sum(axis=1), cols.sum(axis=1))
    got = np.nan_to_num(grids.resample_mean(values, source, target))
    assert (got * seen).sum() == pytest.approx(values.sum(), rel=1e-4)


def test_any_bad_part_wins() -> None:
    source, target = grid((1, 4), 30, west=-15), grid((1, 5), 20)
    flags = np.array([[0, 4, 1, 0]], np.uint8)
    # 20 m pixels meet 30 m pixels 0+1, 1, 1+2, 2+3, 3.
    np.testing.assert_array_equal(grids.resample_bits(flags, source, target, 32), [[4, 4, 5, 1, 0]])


def test_pixels_that_only_touch_do_not_win() -> None:
    source, target = grid((1, 3), 20), grid((1, 1), 20, west=20)
    flags = np.array([[1, 0, 1]], np.uint8)
    np.testing.assert_array_equal(grids.resample_bits(flags, source, target, 32), [[0]])


def test_what_the_source_does_not_cover_is_outside() -> None:
    source, target = grid((1, 2), 30, west=-15), grid((1, 3), 20)  # the source ends at 45 m
    got = grids.resample_bits(np.array([[0, 1]], np.uint8), source, target, outside=32)
    np.testing.assert_array_equal(got, [[1, 1, 33]])


@given(steps, steps, shifts, shifts, st.integers(0, 2**32 - 1))
def test_every_bad_pixel_marks_every_pixel_it_touches(
    step: float, other: float, west: float, north: float, seed: int
) -> None:
    """Against a loop over all pairs of pixels, as shapely sees them."""
    source, target = grid((3, 4), step), grid((3, 3), other, west / 4, north / 4)
    flags = np.random.default_rng(seed).choice(np.uint8([0, 0, 1, 2, 4, 8]), size=(3, 4))
    expected = np.zeros((3, 3), np.uint8)
    for i, j in np.ndindex(3, 3):
        for k, m in np.ndindex(3, 4):
            shared = square(target, i, j).intersection(square(source, k, m)).area
            if shared > 1e-3 * step:
                expected[i, j] |= flags[k, m]
            elif shared > 0:
                return  # a sliver: either answer is right
    got = grids.resample_bits(flags, source, target, outside=0)
    np.testing.assert_array_equal(got, expected)


def square(place: GeoBox, row: int, col: int) -> object:
    west, north = place.transform @ (col, row)
    east, south = place.transform @ (col + 1, row + 1)
    return box(west, south, east, north)


def test_the_majority_is_of_area() -> None:
    source, target = grid((1, 3), 30, west=-15), grid((1, 4), 20)
    codes = np.array([[14, 22, 30]], np.uint8)
    np.testing.assert_array_equal(grids.resample_majority(codes, source, target, unknown=0), [[14, 22, 30, 30]])


def test_unknown_has_no_vote_unless_it_is_alone() -> None:
    source, target = grid((2, 2), 10), grid((1, 2), 20)
    codes = np.array([[0, 0], [0, 14]], np.uint8)
    np.testing.assert_array_equal(grids.resample_majority(codes, source, target, unknown=0), [[14, 0]])


def test_in_a_tie_the_lower_code_wins() -> None:
    source, target = grid((1, 2), 10), grid((1, 1), 20)
    codes = np.array([[70, 14]], np.uint8)
    np.testing.assert_array_equal(grids.resample_majority(codes, source, target, unknown=0), [[14]])


def test_areas_are_not_weighed_between_zones() -> None:
    there = GeoBox((2, 2), grid((2, 2), 20).transform, "EPSG:32653")
    with pytest.raises(GridError, match="cannot weigh areas"):
        grids.overlaps(grid((2, 2), 20), there)


# -- shapes and points ----------------------------------------------------------------------------------


def test_a_pixel_belongs_to_the_polygon_that_holds_its_centre() -> None:
    place = grid((2, 3), 20)
    left = box(WEST, SOUTH - 40, WEST + 31, SOUTH)  # holds the second column's centre at 30 m
    over = box(WEST, SOUTH - 20, WEST + 19, SOUTH)
    np.testing.assert_array_equal(grids.rasterize([left, over], [5, 7], place), [[7, 5, 0], [5, 5, 0]])
    np.testing.assert_array_equal(grids.rasterize([], [], place, fill=-1), np.full((2, 3), -1))


def test_points_find_their_pixels() -> None:
    place = grid((2, 3), 20)
    x = WEST + np.array([0, 19.9, 20, 59.9, 60, -0.1, np.nan, 30])
    y = SOUTH + np.array([-0.1, -20, -20, -39.9, -1, -1, -1, 0.1])
    rows, cols, inside = grids.pixels_of(place, x, y)
    np.testing.assert_array_equal(inside, [True, True, True, True, False, False, False, False])
    np.testing.assert_array_equal(rows[inside], [0, 1, 1, 1])
    np.testing.assert_array_equal(cols[inside], [0, 0, 1, 2])


def test_threads_may_burn_polygons_side_by_side(small_grid: GeoBox) -> None:
    """rasterio silences a warning as it burns; with filters that threads share, it came through now and then."""
    square = box(500_000, 4_800_000, 500_040, 4_800_040)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            burnt = list(threads.map(lambda _: grids.rasterize([square], [1], small_grid).sum(), range(3000)))
    finally:
        sys.setswitchinterval(before)
    assert burnt == [4] * 3000
