"""Looks as sharp as the coarsest: weights against responses worked out apart, and what must not spread."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.errors import ContractError
from habitat.grids import grid_over, resample_mean
from habitat.imagery import match_sharpness, sharpness_reach
from habitat.sensors import SENSORS
from habitat.sensors.sharpness import POINT_SPREAD
from imagery.stacks import stack

BOTH = ("sentinel-2", "landsat")
PLACE = (600_000, 4_800_000, 600_720, 4_800_720)


def looks(sensors: list[str], **bands: object) -> xr.Dataset:
    days = [f"2020-07-{day + 1:02d}" for day in range(len(sensors))]
    return stack(days, **bands).assign_coords(sensor=("time", sensors))


def ground_seen(scene: np.ndarray, sensor: str, band: str, grid: GeoBox) -> np.ndarray:
    """What `grid` shows of a scene of 1 m: blurred, averaged over the sensor's pixels, and from them over the grid."""
    from scipy.ndimage import gaussian_filter

    spread = POINT_SPREAD[sensor][band]
    side, anchor = int(spread.pixel_m), int(spread.anchor_m)
    blurred = gaussian_filter(scene, spread.blur_m, mode="nearest")
    rim = anchor % side
    own = blurred[rim : len(blurred) - (side - rim) % side, rim : len(blurred) - (side - rim) % side]
    pixels = own.reshape(len(own) // side, side, len(own) // side, side).mean(axis=(1, 3))
    west, _, _, north = PLACE
    bounds = (west + rim, north - rim - side * len(pixels), west + rim + side * len(pixels), north - rim)
    return resample_mean(pixels, grid_over(bounds, "EPSG:32652", side, anchor=(rim, -rim)), grid)


@pytest.mark.parametrize(("band", "times"), [("red", 3), ("nir08", 2)])
def test_edges_look_the_same_to_both_sensors(band: str, times: int) -> None:
    """The scene is laid out metre by metre; nothing of the correction's own sums is used."""
    grid = grid_over(PLACE, "EPSG:32652", 20)
    y, x = np.mgrid[:720, :720]
    scene = np.where(np.hypot(x - 350, y - 370) < 230, 0.3, 0.1)  # edges at all places of all pixels
    seen = {sensor: ground_seen(scene, sensor, band, grid) for sensor in BOTH}
    made = match_sharpness(looks(list(BOTH), **{band: np.stack(list(seen.values()))}), sensors=BOTH)[band].values
    inner = (slice(4, -4), slice(4, -4))
    before, after = (np.abs(np.subtract(*each))[inner] for each in (list(seen.values()), made))
    assert before.max() > 0.02
    assert after.mean() < before.mean() / times
    assert np.array_equal(made[1], np.float32(seen["landsat"])), "the coarsest is left as it is"


def test_bands_of_one_sensor_are_made_alike() -> None:
    cube = looks(["sentinel-2"], red=_point(9), nir08=_point(9))
    made = match_sharpness(cube, sensors=["sentinel-2"])
    assert made["red"].values.max() < 0.8
    assert np.array_equal(made["nir08"].values, cube["nir08"].values)


def test_landsat_alone_stays_as_it_is() -> None:
    cube = looks(["landsat", "landsat-tm"], red=np.random.default_rng(0).random((2, 5, 5)))
    assert match_sharpness(cube, sensors=["landsat", "landsat-tm"])["red"].equals(cube["red"])
    assert sharpness_reach(cube.odc.geobox, sensors=["landsat"], bands=["red"]) == 0


def test_what_was_not_seen_stays_so_and_spreads_nowhere() -> None:
    """A cloud that was masked beside even ground leaves it even."""
    values = np.full((1, 9, 9), 0.25)
    values[0, 3:5, 4:] = np.nan
    made = match_sharpness(looks(["sentinel-2"], red=values), sensors=BOTH)["red"].values
    assert np.array_equal(np.isnan(made), np.isnan(values))
    assert np.allclose(made[np.isfinite(made)], 0.25, rtol=1e-6)


def test_sums_stay_and_noise_shrinks() -> None:
    made = match_sharpness(looks(["sentinel-2"], red=_point(15)), sensors=BOTH)["red"].values
    assert made.sum() == pytest.approx(1, rel=1e-5)
    assert (made >= 0).all()
    assert np.array_equal(made[0], made[0].T)
    assert (made**2).sum() < 0.25


def test_a_part_of_the_grid_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(3)
    values = np.where(rng.random((2, 40, 50)) < 0.2, np.nan, rng.random((2, 40, 50)))
    cube = looks(["sentinel-2", "landsat"], red=values)
    whole = match_sharpness(cube, sensors=BOTH)["red"].values
    reach = sharpness_reach(cube.odc.geobox, sensors=BOTH, bands=["red"])
    part = match_sharpness(cube.isel(y=slice(7, 31), x=slice(11, 40)), sensors=BOTH)["red"].values
    inner = (slice(None), slice(reach, -reach), slice(reach, -reach))
    assert 0 < reach <= 3
    assert part[inner].tobytes() == whole[:, 7:31, 11:40][inner].tobytes()


def test_looks_are_blurred_even_where_there_are_none_of_the_coarsest() -> None:
    """A year that only one satellite saw is as sharp as the others."""
    alone = match_sharpness(looks(["sentinel-2"], red=_point(9)), sensors=BOTH)["red"].values[0]
    both = match_sharpness(looks(list(BOTH), red=np.concatenate([_point(9)] * 2)), sensors=BOTH)["red"].values[0]
    assert np.array_equal(alone, both)


def test_every_sensor_s_sharpness_is_known() -> None:
    for sensor in SENSORS:
        assert set(POINT_SPREAD[sensor.name]) == set(sensor.bands)
        assert all(spread.pixel_m <= sensor.resolution_m for spread in POINT_SPREAD[sensor.name].values())


def test_a_sensor_that_is_not_known_is_refused() -> None:
    with pytest.raises(ContractError, match="nothing is known of how sharp 'planet' is"):
        match_sharpness(looks(["planet"], red=0.1), sensors=["planet"])
    with pytest.raises(ContractError, match="is none of the run's"):
        match_sharpness(looks(["landsat"], red=0.1), sensors=["sentinel-2"])
    with pytest.raises(ContractError, match="coordinate 'sensor' is missing"):
        match_sharpness(stack(["2020-07-01"], red=0.1), sensors=["landsat"])


def _point(side: int) -> np.ndarray:
    values = np.zeros((1, side, side))
    values[0, side // 2, side // 2] = 1
    return values
