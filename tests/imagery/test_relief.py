"""Relief: planes, walls and cones whose shadows are known by geometry."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from pyproj import Proj

from habitat.cubes import Quality
from habitat.errors import ContractError, GridError
from habitat.grids import grid_of
from habitat.imagery import cast_shadow, shade_looks, shadow_reach_m, slope_and_aspect
from habitat.imagery.relief import LEAST_COSINE, north_of, rises, sun_cosine, suns
from imagery.stacks import SIDE_M, stack

SIZE = 160
HALF = SIZE // 2


def east_north(size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Metres from the middle pixel."""
    rows, cols = np.indices((size, size))
    return (cols - size // 2) * 10.0, (size // 2 - rows) * 10.0


def lit_looks(zenith: float, azimuth: float, size: int = SIZE) -> xr.Dataset:
    cube = stack(["2021-10-20"], np.zeros((1, size, size), dtype=np.uint8), nir08=0.3)
    nodes = ("time", "node_y", "node_x")
    return cube.assign_coords(
        sun_zenith=(nodes, np.full((1, 2, 2), zenith, np.float32)),
        sun_azimuth=(nodes, np.full((1, 2, 2), azimuth, np.float32)),
    )


@pytest.mark.parametrize("aspect", [0, 45, 120, 200, 311])
@pytest.mark.parametrize("slope", [2, 30])
def test_a_plane_has_its_slope_and_aspect_up_to_the_rim(slope: float, aspect: float) -> None:
    east, north = east_north(9)
    down = np.radians(aspect)
    height = 500 - np.tan(np.radians(slope)) * (east * np.sin(down) + north * np.cos(down))
    slopes, aspects = slope_and_aspect(height.astype(np.float32), resolution_m=10)
    assert np.abs(slopes - slope).max() < 0.01
    assert np.abs((aspects - aspect + 180) % 360 - 180).max() < 0.1


def test_slopes_are_horns_weights_not_plain_differences() -> None:
    height = np.float32([[1, 2, 9], [4, 5, 6], [3, 8, 7]])
    east = ((9 + 12 + 7) - (1 + 8 + 3)) / 80
    north = ((1 + 4 + 9) - (3 + 16 + 7)) / 80
    slope, _ = slope_and_aspect(height, resolution_m=10)
    assert slope[1, 1] == pytest.approx(np.degrees(np.arctan(np.hypot(east, north))), abs=1e-4)


def test_unknown_heights_stay_unknown_and_throw_no_shadow() -> None:
    height = np.zeros((20, 20), np.float32)
    height[5, 5] = np.nan
    slope, aspect = slope_and_aspect(height, resolution_m=10)
    unknown = np.zeros_like(height, dtype=bool)
    unknown[4:7, 4:7] = True
    assert np.array_equal(np.isnan(slope), unknown)
    assert np.array_equal(np.isnan(aspect), unknown)
    assert not cast_shadow(height, sun_azimuth=200, sun_elevation=10, resolution_m=10).any()


@pytest.mark.parametrize("azimuth", [0, 20, 45, 77, 90, 135, 160, 225, 301, 350])
@pytest.mark.parametrize("elevation", [15, 40])
def test_a_wall_s_shadow_ends_where_geometry_says_to_half_a_pixel(azimuth: float, elevation: float) -> None:
    east, north = east_north()
    sun = np.radians(azimuth)
    towards = east * np.sin(sun) + north * np.cos(sun)
    height = 100.0 * np.exp(-((np.minimum(towards, 0) / 60) ** 2) - (np.maximum(towards, 0) / 200) ** 2)
    shade = cast_shadow(height.astype(np.float32), sun_azimuth=azimuth, sun_elevation=elevation, resolution_m=10)
    # the ray that grazes the wall, on a profile a hundred times finer
    far = np.arange(800, -800, -0.1)
    profile = 100.0 * np.exp(-((np.minimum(far, 0) / 60) ** 2) - (np.maximum(far, 0) / 200) ** 2)
    ray = profile - far * np.tan(np.radians(elevation))
    dark = ray < np.maximum.accumulate(ray) - 1e-9
    begin, end = far[dark].max(), far[dark].min()
    inner = np.hypot(east, north) < 550
    sure_dark = inner & (towards < begin - 10) & (towards > end + 5)
    sure_lit = inner & ((towards > begin + 10) | (towards < end - 5))
    assert sure_dark.sum() > 500
    assert shade[sure_dark].all()
    assert not shade[sure_lit].any()


@pytest.mark.parametrize("azimuth", [10, 60, 145, 260])
def test_a_tower_s_shadow_is_as_wide_as_the_tower_however_far_it_falls(azimuth: float) -> None:
    east, north = east_north()
    height = np.where(np.hypot(east, north) < 62, 200.0, 0.0).astype(np.float32)
    shade = cast_shadow(height, sun_azimuth=azimuth, sun_elevation=20, resolution_m=10)
    sun = np.radians(azimuth)
    along, aside = -(east * np.sin(sun) + north * np.cos(sun)), east * np.cos(sun) - north * np.sin(sun)
    far = (along > 350) & (along < 450)
    assert shade[far & (np.abs(aside) < 52)].all()
    assert not shade[far & (np.abs(aside) > 72)].any()
    tip = along[shade & (np.abs(aside) < 10)].max()
    assert tip == pytest.approx(200 / np.tan(np.radians(20)) + 62, abs=12)
    assert tip <= 62 + 10 + shadow_reach_m(200, sun_elevation=20)


def test_slopes_that_face_away_are_dark_and_flat_ground_is_not() -> None:
    east, _ = east_north(20)
    assert not cast_shadow(np.zeros((20, 20), np.float32), sun_azimuth=90, sun_elevation=3, resolution_m=10).any()
    steep = (east * np.tan(np.radians(31))).astype(np.float32)  # falls to the west
    assert cast_shadow(steep, sun_azimuth=90, sun_elevation=30, resolution_m=10).all()
    assert not cast_shadow(steep, sun_azimuth=90, sun_elevation=32, resolution_m=10).any()
    assert not cast_shadow(steep, sun_azimuth=270, sun_elevation=30, resolution_m=10).any()


def test_looks_are_shaded_from_true_north() -> None:
    cube = lit_looks(zenith=60, azimuth=150)
    rng = np.random.default_rng(3)
    height = (300 * rng.random((SIZE // 8, SIZE // 8))).repeat(8, 0).repeat(8, 1).astype(np.float32)
    turn = north_of(grid_of(cube))
    dark = cast_shadow(height, sun_azimuth=150 + turn, sun_elevation=30, resolution_m=SIDE_M)
    dark |= sun_cosine(rises(height, SIDE_M), (150 + turn, 30)) <= LEAST_COSINE
    shaded = shade_looks(cube, height)
    assert 0.1 < dark.mean() < 0.9
    assert np.array_equal(shaded["quality"].values[0] == Quality.SHADOW, dark)
    assert not cube["quality"].values.any(), "the stack that was given is left alone"


def test_true_north_leans_as_the_projection_says() -> None:
    cube = stack(["2021-10-20"], np.zeros((1, 50, 50), dtype=np.uint8), nir08=0.3)
    cube = cube.assign_coords(x=cube["x"] + 150_000)  # 131 E, two degrees east of the zone's middle
    grid = grid_of(cube)
    longitude, latitude = 129 + 151_000 / 80_900, 43.33
    gamma = Proj("EPSG:32652").get_factors(longitude, latitude).meridian_convergence
    assert abs(gamma) > 1
    assert north_of(grid) == pytest.approx(
        -np.degrees(np.arctan(np.tan(np.radians(1.866)) * np.sin(np.radians(43.33)))), abs=0.02
    )
    assert abs(north_of(grid)) == pytest.approx(abs(gamma), abs=0.02)


def test_suns_around_north_have_their_mean_at_north() -> None:
    cube = lit_looks(zenith=50, azimuth=359)
    cube["sun_azimuth"].values[0, 0] = 1
    azimuth, elevation = suns(cube, grid_of(cube))[0]
    assert min(azimuth, 360 - azimuth) == pytest.approx(0, abs=0.01 + abs(north_of(grid_of(cube))))
    assert elevation == pytest.approx(40, abs=0.02)


def test_a_look_whose_sun_is_unknown_keeps_its_quality() -> None:
    cube = lit_looks(zenith=np.nan, azimuth=np.nan)
    height = np.indices((SIZE, SIZE))[0].astype(np.float32) * 40
    assert np.array_equal(shade_looks(cube, height)["quality"].values, cube["quality"].values)


def test_stacks_without_a_sun_and_heights_of_another_shape_are_refused() -> None:
    cube = lit_looks(zenith=50, azimuth=150, size=20)
    with pytest.raises(ContractError, match="'sun_zenith' is missing"):
        shade_looks(cube.drop_vars("sun_zenith"), np.zeros((20, 20), np.float32))
    with pytest.raises(GridError, match=r"\(19, 20\)"):
        shade_looks(cube, np.zeros((19, 20), np.float32))


def test_shadows_fall_in_from_beyond_the_pixels() -> None:
    wide = np.zeros((41, 41), np.float32)
    wide[:, 34] = 200.0  # a wall to the east of the pixels, which are the inner 21
    looks = lit_looks(zenith=60, azimuth=90, size=21)
    alone = shade_looks(looks, wide[10:-10, 10:-10])["quality"].values[0]
    told = shade_looks(looks, wide, beyond=10)["quality"].values[0]
    # it is 346 m long, 17 pixels of 20 m: its tip lies at column 17, the 8th of the inner ones
    assert not alone.any()
    assert (told[:, 8:] == Quality.SHADOW).all()
    assert not told[:, :6].any()
