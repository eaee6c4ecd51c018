"""From one reference system to another: positions against pyproj, values against loops over exact positions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numba
import numpy as np
import pyproj
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat import grids
from habitat.errors import GridError
from habitat.grids import compiling, positions

ZONE_52, ZONE_53, DEGREES = "EPSG:32652", "EPSG:32653", "EPSG:4326"
nan = np.nan


def place(shape: tuple[int, int], pixel_m: float, crs: str = ZONE_52) -> GeoBox:
    """A grid near 132 E, where zones 52 and 53 meet."""
    west = {ZONE_52: 740_000, ZONE_53: 260_000}[crs]
    return GeoBox(shape, Affine(pixel_m, 0, west, 0, -pixel_m, 4_800_000), crs)


def over(target: GeoBox, crs: str, pixel: float, margin: float = 0) -> GeoBox:
    """A grid of another system that covers `target`; its pixel and margin are in that system's unit."""
    left, bottom, right, top = target.footprint(crs).boundingbox.buffered(margin, margin)
    shape = (int(np.ceil((top - bottom) / pixel)), int(np.ceil((right - left) / pixel)))
    return GeoBox(shape, Affine(pixel, 0, left, 0, -pixel, top), crs)


def exactly(source: GeoBox, target: GeoBox, finer: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Source column and row of every sample point of every target pixel, by pyproj alone."""
    cols, rows = np.meshgrid(*((np.arange(n * finer) + 0.5) / finer for n in (target.shape.x, target.shape.y)))
    change = pyproj.Transformer.from_crs(str(target.crs), str(source.crs), always_xy=True)
    return ~source.transform @ change.transform(*(target.transform @ (cols, rows)))


# -- positions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "crs", "pixel"),
    [
        pytest.param(place((300, 300), 20), ZONE_53, 20, id="the next zone"),
        pytest.param(place((300, 300), 20), ZONE_53, 30, id="to coarser pixels"),
        pytest.param(place((300, 300), 20), ZONE_53, 10, id="to finer pixels"),
        pytest.param(place((150, 150), 2000), ZONE_53, 2000, id="three hundred kilometres"),
        pytest.param(place((150, 150), 20_000), ZONE_53, 20_000, id="beyond where the zones are used"),
        pytest.param(place((300, 300), 20), DEGREES, 0.0002, id="degrees"),
        pytest.param(place((150, 150), 3000), "EPSG:3035", 3000, id="an equal-area system of far away"),
        pytest.param(place((150, 150), 3000), "EPSG:3413", 3000, id="a polar system"),
    ],
)
def test_every_position_is_right_to_a_twentieth_of_a_pixel(target: GeoBox, crs: str, pixel: float) -> None:
    source = over(target, crs, pixel)
    cells = grids.cells_of(source, target)
    x, y = exactly(source, target)
    found = cells.at(np.arange(target.shape.y) + 0.5, np.arange(target.shape.x) + 0.5)
    error = np.hypot(found[0] - x, found[1] - y).max()
    assert error <= 0.05 * min(1, cells.source_pixels)
    assert cells.error <= positions.TOLERANCE


def test_cells_are_cut_until_their_positions_are_right() -> None:
    smooth, bent = place((300, 300), 20), place((150, 150), 20_000)
    assert grids.cells_of(over(smooth, ZONE_53, 20), smooth).size == positions.STEP
    assert grids.cells_of(over(bent, ZONE_53, 20_000), bent).size < positions.STEP


def test_a_turn_of_the_globe_is_no_distance() -> None:
    """A file in degrees that ends at 180 E, under a grid of zone 60 that goes beyond."""
    target = GeoBox((200, 200), Affine(100, 0, 730_000, 0, -100, 5_010_000), "EPSG:32660")
    source = GeoBox((400, 400), Affine(0.001, 0, 179.7, 0, -0.001, 45.3), DEGREES)
    x, _ = grids.cells_of(source, target).at(np.array([100.0]), np.arange(200) + 0.5)
    assert np.diff(x[0]) == pytest.approx(np.full(199, 1.27), abs=0.02)
    assert x[0, 0] < 300 < x[0, -1]


# -- windows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("crs", "pixel"), [(ZONE_53, 20), (ZONE_53, 30), (DEGREES, 0.0002)])
def test_a_window_holds_what_is_looked_at_and_a_pixel_more(crs: str, pixel: float) -> None:
    target = place((150, 200), 20)
    source = over(target, crs, pixel, margin=50 * pixel)
    x, y = exactly(source, target, finer=4)
    rows, cols = grids.window_over(source, target)
    for found, positions_ in ((rows, y), (cols, x)):
        assert 1 <= positions_.min() - found.start <= 2.5
        assert 1 <= found.stop - positions_.max() <= 2.5


def test_a_window_ends_where_the_file_does() -> None:
    target = place((150, 200), 20)
    source = over(target, ZONE_53, 20)[40:90, 30:]
    assert grids.window_over(source, target) == (slice(0, 50), slice(0, source.shape.x))


@pytest.mark.parametrize("crs", [ZONE_52, ZONE_53])
@pytest.mark.parametrize("away", [(0, 10_000), (10_000, 0), (0, -10_000), (-10_000, 0)])
def test_grids_that_do_not_meet_share_nothing(crs: str, away: tuple[float, float]) -> None:
    target = place((15, 20), 20)
    source = over(target, crs, 20)
    source = GeoBox(source.shape, Affine.translation(*away) @ source.transform, crs)
    rows, cols = grids.window_over(source, target)
    assert (rows.stop - rows.start) * (cols.stop - cols.start) == 0
    part, nothing = source[rows, cols], np.zeros(source.shape, np.uint8)[rows, cols]
    assert np.isnan(grids.resample_mean(nothing.astype(np.float32), part, target)).all()
    assert (grids.resample_bits(nothing, part, target, 32) == 32).all()
    assert (grids.resample_majority(nothing, part, target, 7) == 7).all()


# -- values ---------------------------------------------------------------------------------------------


def looked_at(values: np.ndarray, source: GeoBox, target: GeoBox, finer: int, outside: float) -> np.ndarray:
    """What each sample point of each target pixel sees: (rows, cols, finer * finer), by plain indexing."""
    x, y = exactly(source, target, finer)
    inside = (x >= 0) & (x < source.shape.x) & (y >= 0) & (y < source.shape.y)
    seen = np.full(x.shape, outside, dtype=np.result_type(values, np.min_scalar_type(outside)))
    seen[inside] = values[y[inside].astype(int), x[inside].astype(int)]
    rows, cols = target.shape
    return seen.reshape(rows, finer, cols, finer).transpose(0, 2, 1, 3).reshape(rows, cols, finer * finer)


def agree(found: np.ndarray, expected: np.ndarray) -> bool:
    """All but a few: of up to 36 sample points one may lie on the edge of two pixels, to a thousandth."""
    same = np.isclose(found, expected, rtol=1e-6, equal_nan=True)
    return bool(same.mean() > 0.95)


@pytest.fixture(
    params=[(20, 20, 4), (20, 30, 4), (20, 10, 4), (30, 10, 6)], ids=lambda sizes: f"{sizes[1]} to {sizes[0]} m"
)
def pair(request: pytest.FixtureRequest) -> tuple[GeoBox, GeoBox, int]:
    """A source that ends inside the target, the target, and the sample points along a side of its pixels."""
    to, of, finer = request.param
    target = place((70, 200), to)
    source = over(target, ZONE_53, of)
    return source[: source.shape.y - 20, 10:], target, finer


def test_a_mean_is_that_of_its_sample_points(pair: tuple[GeoBox, GeoBox, int]) -> None:
    source, target, finer = pair
    random = np.random.default_rng(1)
    values = random.random(source.shape).astype(np.float32)
    values[random.random(source.shape) < 0.05] = nan
    seen = looked_at(values, source, target, finer, nan)
    count = np.isfinite(seen).sum(axis=-1)
    expected = np.where(count > 0, np.nansum(seen, axis=-1) / np.maximum(count, 1), nan)
    found = grids.resample_mean(values, source, target)
    assert found.dtype == np.float32
    assert np.isnan(expected).any()
    assert agree(found, expected)


def test_any_bad_sample_point_wins(pair: tuple[GeoBox, GeoBox, int]) -> None:
    source, target, finer = pair
    flags = np.random.default_rng(2).choice(np.uint8([0, 0, 0, 1, 2, 4]), source.shape)
    expected = np.bitwise_or.reduce(looked_at(flags, source, target, finer, np.uint8(32)), axis=-1)
    assert agree(grids.resample_bits(flags, source, target, outside=32), expected)


def test_most_sample_points_name_the_class(pair: tuple[GeoBox, GeoBox, int]) -> None:
    source, target, finer = pair
    codes = np.random.default_rng(3).choice(np.uint8([0, 14, 22, 30]), source.shape)
    seen = looked_at(codes, source, target, finer, np.uint8(0))
    votes = np.stack([(seen == code).sum(axis=-1) for code in (14, 22, 30)])
    expected = np.where(votes.max(axis=0) > 0, np.array([14, 22, 30])[votes.argmax(axis=0)], 0)
    found = grids.resample_majority(codes, source, target, unknown=0)
    assert found.dtype == np.uint8
    assert agree(found, expected)


def test_the_nearest_pixel_holds_the_centre(pair: tuple[GeoBox, GeoBox, int]) -> None:
    source, target, _ = pair
    values = np.random.default_rng(4).integers(-9000, 9000, source.shape).astype(np.int16)
    expected = looked_at(values, source, target, 1, np.int16(-9999))[..., 0]
    found = grids.resample_nearest(values, source, target, -9999)
    assert found.dtype == np.int16
    assert agree(found, expected)


def test_bilinear_weights_keep_a_plane(pair: tuple[GeoBox, GeoBox, int]) -> None:
    source, target, _ = pair
    rows, cols = np.mgrid[: source.shape.y, : source.shape.x] + 0.5
    plane = (3 * cols - 2 * rows).astype(np.float32)
    x, y = exactly(source, target)
    found = grids.resample_bilinear(plane, source, target)
    middle = (x > 0.5) & (x < source.shape.x - 0.5) & (y > 0.5) & (y < source.shape.y - 0.5)
    assert np.abs(found - (3 * x - 2 * y))[middle].max() < 0.01
    assert np.isnan(found[(x < 0) | (y > source.shape.y)]).all()


def test_bilinear_weights_leave_out_what_is_missing() -> None:
    target = place((40, 40), 20)
    source = over(target, ZONE_53, 20, margin=40)
    values = np.full(source.shape, 7, dtype=np.float32)
    values[20:25, 20:25] = nan
    found = grids.resample_bilinear(values, source, target)
    assert np.isnan(found).any()
    assert set(found[np.isfinite(found)]) == {7}


def test_a_constant_stays_that_constant_to_the_last_bit() -> None:
    target = place((200, 200), 20)
    source = over(target, ZONE_53, 20, margin=40)
    found = grids.resample_mean(np.full(source.shape, 0.1, np.float32), source, target)
    assert set(found.ravel()) == {np.float32(0.1)}


RESAMPLED: dict[str, Callable[[np.ndarray, GeoBox, GeoBox], np.ndarray]] = {
    "mean": grids.resample_mean,
    "bits": lambda values, *boxes: grids.resample_bits(values.astype(np.uint8), *boxes, 32),
    "majority": lambda values, *boxes: grids.resample_majority(values.astype(np.uint8), *boxes, 0),
    "nearest": lambda values, *boxes: grids.resample_nearest(values, *boxes, -1),
    "bilinear": grids.resample_bilinear,
}


@pytest.mark.parametrize("how", RESAMPLED)
def test_a_block_shows_what_the_whole_shows_there(how: str) -> None:
    """From the block's own window of the file, and across the edges of cells."""
    target = place((300, 300), 20)
    source = over(target, ZONE_53, 20)[30:, :-30]
    values = np.random.default_rng(5).uniform(0, 6, source.shape).astype(np.float32)
    values[50:55, 60:65] = nan if how in ("mean", "bilinear") else 0
    whole = RESAMPLED[how](values, source, target)
    for rows, cols in (
        (slice(0, 70), slice(0, 300)),
        (slice(101, 219), slice(90, 131)),
        (slice(299, 300), slice(7, 8)),
    ):
        window = grids.window_over(source, target[rows, cols])
        part = RESAMPLED[how](values[window], source[window], target[rows, cols])
        np.testing.assert_array_equal(part, whole[rows, cols])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_file_that_lies_on_its_side_is_turned(turns: int) -> None:
    upright = place((4, 4), 20)
    numbers = np.arange(16, dtype=np.float32).reshape(4, 4)
    middle = upright.transform @ (2, 2)
    turned = GeoBox((4, 4), Affine.rotation(90 * turns, middle) @ upright.transform, ZONE_52)
    for how in ("mean", "nearest", "bilinear"):
        found = RESAMPLED[how](np.rot90(numbers, -turns).copy(), turned, upright)
        np.testing.assert_allclose(found, numbers, atol=1e-4)


def test_a_file_askew_keeps_its_mean() -> None:
    target = place((60, 60), 20)
    askew = GeoBox((300, 300), Affine.rotation(37, (740_000, 4_800_000)) @ place((1, 1), 10).transform, ZONE_52)
    values = np.random.default_rng(6).random((300, 300)).astype(np.float32)
    found = grids.resample_mean(values, askew, target)
    assert np.isfinite(found).any()
    assert np.nanmean(found) == pytest.approx(0.5, abs=0.02)
    seen = looked_at(values, askew, target, 4, nan)
    assert agree(
        found,
        np.nanmean(np.where(np.isfinite(seen).any(axis=-1)[..., None], seen, -1), axis=-1)
        * np.where(np.isfinite(seen).any(axis=-1), 1, nan),
    )


# -- where it is compiled ---------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses_to_keep(*, cache: bool = False, **options: bool) -> Callable[[object], object]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    monkeypatch.setattr(numba, "njit", refuses_to_keep)
    assert compiling.compiled(len) == (len, {"nogil": True, "error_model": "numpy"})


def test_one_zone_needs_no_compiler() -> None:
    program = """
import sys
import numpy as np
from habitat import grids
source = grids.grid_over((0, 0, 900, 900), "EPSG:32652", 30, (15, 15))
target = grids.grid_over((0, 0, 900, 900), "EPSG:32652", 20)
codes = np.ones(source.shape, np.uint8)
grids.resample_mean(codes.astype(np.float32), source, target)
grids.resample_bits(codes, source, target, 32)
grids.resample_majority(codes, source, target, 0)
print("numba" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_more_pixels_than_can_be_counted_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    target = place((4, 4), 20)
    huge = GeoBox((50_000, 50_000), place((1, 1), 20, ZONE_53).transform, ZONE_53)
    with pytest.raises(GridError, match="50000 x 50000 pixels at once are too many; read a window"):
        grids.resample_nearest(np.broadcast_to(np.uint8(1), (50_000, 50_000)), huge, target, 0)
