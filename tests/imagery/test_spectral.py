"""Single scenes written out by hand: even ground of known spectra, with clouds, shadows and snow at known places."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from habitat.cubes import BANDS, Quality
from habitat.errors import ContractError
from habitat.imagery import spectral_quality
from habitat.imagery.spectral import path_reflectance
from imagery.stacks import stack

FOREST = (0.02, 0.04, 0.03, 0.35, 0.18, 0.08)
DESERT = (0.167, 0.238, 0.340, 0.380, 0.480, 0.460)
WATER = (0.040, 0.040, 0.030, 0.020, 0.010, 0.010)
DEEP_WATER = (0.060, 0.040, 0.020, 0.003, 0.001, 0.001)
SNOW = (0.80, 0.80, 0.80, 0.75, 0.12, 0.10)
SNOWY_TREES = (0.14, 0.14, 0.14, 0.25, 0.07, 0.05)
CLOUD = (0.50, 0.50, 0.50, 0.55, 0.40, 0.30)
AIR = (0.085, 0.050, 0.028, 0.010, 0.002, 0.001)
"""What the air adds at the top of the atmosphere."""
SIDE = 96


def scene(spectrum: tuple[float, ...], *, side: int = 64, looks: int = 1) -> xr.Dataset:
    """Even ground with a noise of 3%."""
    rng = np.random.default_rng(0)
    shape = (looks, side, side)
    noisy = {band: level * (1 + 0.03 * rng.standard_normal(shape)) for band, level in zip(BANDS, spectrum, strict=True)}
    days = [f"2020-07-{day + 1:02d}" for day in range(looks)]
    return stack(days, np.zeros(shape, dtype=np.uint8), **noisy)


def with_air(cube: xr.Dataset) -> xr.Dataset:
    return cube.assign({band: cube[band] + np.float32(more) for band, more in zip(BANDS, AIR, strict=True)})


def bits(cube: xr.Dataset, **options: bool) -> np.ndarray:
    return np.asarray(spectral_quality(cube, **options)["quality"].values)


CLOUDED = (slice(40, 56), slice(40, 56))
SHADED = (slice(20, 36), slice(28, 44))
"""20 pixels to the north and 12 to the west of the cloud."""


def under_a_cloud(factor: float = 0.45) -> xr.Dataset:
    """A forest of 96 x 96 pixels with a cloud and its shadow."""
    cube = scene(FOREST, side=SIDE)
    for band, bright in zip(BANDS, CLOUD, strict=True):
        cube[band].values[0][SHADED] *= factor
        cube[band].values[0][CLOUDED] = bright
    return cube


def in_sun(cube: xr.Dataset, azimuth: float, zenith: float) -> xr.Dataset:
    dims = ("time", "node_y", "node_x")
    return cube.assign_coords(
        sun_azimuth=(dims, np.full((1, 2, 2), azimuth)), sun_zenith=(dims, np.full((1, 2, 2), zenith))
    )


@pytest.mark.parametrize("side", [1, 3, 64])
@pytest.mark.parametrize("air", [False, True])
@pytest.mark.parametrize(
    ("spectrum", "expected"),
    [
        (FOREST, 0),
        (DESERT, 0),
        (WATER, Quality.WATER),
        (DEEP_WATER, Quality.WATER),
        (SNOW, Quality.SNOW),
        (SNOWY_TREES, Quality.SNOW),
        (CLOUD, Quality.CLOUD),
    ],
)
def test_scenes_of_one_kind_are_that_through_air_and_without(
    spectrum: tuple[float, ...], expected: int, air: bool, side: int
) -> None:
    cube = scene(spectrum, side=side)
    assert (bits(with_air(cube) if air else cube) == expected).all()


@pytest.mark.parametrize("air", [False, True])
def test_a_cloud_is_found_with_a_pixel_around_and_its_shadow_where_it_falls(air: bool) -> None:
    found = bits(with_air(under_a_cloud()) if air else under_a_cloud())[0]
    cloud, shadow = (found & Quality.CLOUD) > 0, (found & Quality.SHADOW) > 0
    assert cloud[CLOUDED].all()
    assert cloud.sum() == 16 * 16 + 4 * 16
    assert shadow[SHADED].mean() > 0.95
    assert shadow.sum() < 1.1 * 16 * 16


def test_the_sun_tells_where_shadows_lie() -> None:
    toward = np.degrees(np.arctan2(12, -20)) % 360  # of the sun, 12 to the east for 20 to the south
    zenith = np.degrees(np.arctan(np.hypot(20, 12) * 20 / 1500))  # of a cloud at 1500 m
    found = bits(in_sun(under_a_cloud(), toward, zenith))[0]
    assert ((found & Quality.SHADOW) > 0)[SHADED].mean() > 0.95
    away = bits(in_sun(under_a_cloud(), toward + 180, zenith))[0]
    assert not ((away & Quality.SHADOW) > 0)[SHADED].any()


def test_dark_ground_without_a_cloud_is_no_shadow() -> None:
    cube = scene(FOREST, side=SIDE)
    for band in BANDS:
        cube[band].values[0][SHADED] *= 0.45
    assert not bits(cube).any()


def test_specks_are_no_clouds() -> None:
    cube = scene(FOREST)
    for band, bright in zip(BANDS, CLOUD, strict=True):
        cube[band].values[0, 10:12, 10:12] = bright  # a roof of 2 x 2 pixels
        cube[band].values[0, 30:33, 30:33] = bright
    found = bits(cube)[0]
    assert not found[8:14, 8:14].any()
    assert (found[30:33, 30:33] == Quality.CLOUD).all()


def test_a_cloud_that_saturates_the_blue_is_still_a_cloud() -> None:
    cube = under_a_cloud()
    cube["blue"].values[0][CLOUDED] = 0.28  # less than half of red and a bit: no haze is left to see
    assert (bits(cube)[0][CLOUDED] == Quality.CLOUD).all()


def test_an_even_haze_is_seen_where_the_air_is_known_to_be_taken_off() -> None:
    hazy = scene(tuple(0.7 * level + 0.3 * white for level, white in zip(FOREST, (0.6,) * 6, strict=True)))
    assert (bits(hazy, corrected=True) == Quality.CLOUD).all()


def test_looks_are_judged_alone() -> None:
    both = xr.concat([scene(FOREST, side=SIDE), under_a_cloud()], dim="time")
    assert np.array_equal(bits(both)[0], bits(scene(FOREST, side=SIDE))[0])
    assert np.array_equal(bits(both)[1], bits(under_a_cloud())[0])


def test_what_a_product_said_is_forgotten_but_for_fill_and_saturation() -> None:
    cube = scene(FOREST)
    cube["quality"].values[0, 0, :4] = (Quality.CLOUD, Quality.SNOW, Quality.FILL, Quality.SATURATED)
    cube["green"].values[0, 0, 4] = np.nan
    before = cube.copy(deep=True)
    assert bits(cube)[0, 0, :6].tolist() == [0, 0, Quality.FILL, Quality.SATURATED, Quality.FILL, 0]
    xr.testing.assert_identical(cube, before)


def test_nothing_seen_is_all_fill() -> None:
    assert (bits(scene((np.nan,) * 6)) == Quality.FILL).all()


@pytest.mark.parametrize("missing", [["swir22"], ["swir16"], ["blue"], ["swir16", "swir22"], ["green", "swir22"]])
def test_clouds_are_found_without_some_bands(missing: list[str]) -> None:
    found = bits(under_a_cloud().drop_vars(missing))[0]
    assert (found[CLOUDED] == Quality.CLOUD).all()
    assert not (found[60:] & Quality.CLOUD).any()


def test_bands_that_nothing_stands_in_for_are_named() -> None:
    with pytest.raises(ContractError, match="needs nir08"):
        spectral_quality(scene(FOREST).drop_vars("nir08"))


def path_of(spectrum: tuple[float, ...], air: float) -> float:
    """What of a scene's blue is taken to be air."""
    rng = np.random.default_rng(3)
    ground = np.array(spectrum[:5])[:, None] * (1 + 0.03 * rng.standard_normal((5, 2000)))
    return float(path_reflectance((ground + air * np.array(AIR[:5])[:, None]).astype(np.float32))[0])


@pytest.mark.parametrize("spectrum", [FOREST, DESERT, SNOW, CLOUD])
def test_none_is_taken_off_where_there_is_no_air(spectrum: tuple[float, ...]) -> None:
    assert path_of(spectrum, 0) < 0.01


@pytest.mark.parametrize("spectrum", [FOREST, DESERT])
def test_air_over_ground_is_taken_off(spectrum: tuple[float, ...]) -> None:
    assert path_of(spectrum, 1) == pytest.approx(AIR[0], abs=0.025)
