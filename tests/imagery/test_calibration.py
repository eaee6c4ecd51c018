"""One sensor's bands: against the simulator's spectra, which share nothing with the published lines."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from habitat.cubes import BANDS
from habitat.errors import ContractError
from habitat.imagery import to_common_bands
from habitat.sensors import SENSORS
from habitat.sensors.bandpass import lines_to_oli
from habitat.simulate import spectra
from imagery.stacks import stack

SENSOR = ["sentinel-2", "sentinel-2", "landsat", "landsat-tm", "hls-s30"]
PLATFORM = ["sentinel-2a", "Sentinel-2B", "landsat-8", "landsat-7", "sentinel-2a"]


def looks(**bands: float) -> xr.Dataset:
    days = [f"2020-07-{day:02d}" for day in range(1, 6)]
    cube = stack(days, np.zeros((5, 1, 1), dtype=np.uint8), **bands)
    return cube.assign_coords(sensor=("time", SENSOR), platform=("time", PLATFORM))


def test_each_look_takes_its_own_satellite_s_line() -> None:
    common = to_common_bands(looks(green=0.1, nir08=0.4))
    assert np.allclose(common["green"].values.ravel(), [0.09963, 0.09995, 0.1, 0.09382, 0.1], atol=1e-6)
    assert np.allclose(common["nir08"].values.ravel(), [0.39922, 0.39864, 0.4, 0.40082, 0.4], atol=1e-6)


def test_what_is_olis_already_is_the_same_in_every_bit_and_holes_stay() -> None:
    cube = looks(red=0.123)
    cube["red"].values[0] = np.nan
    common = to_common_bands(cube)
    assert np.isnan(common["red"].values[0, 0, 0])
    assert common["red"].dtype == np.float32
    assert np.array_equal(common["red"].values[[2, 4]], cube["red"].values[[2, 4]])
    assert np.array_equal(common["quality"].values, cube["quality"].values)


@pytest.mark.parametrize("surface", [spectra.LEAF, spectra.NEEDLE])
def test_green_canopies_are_within_three_thousandths(surface: int) -> None:
    ours, olis = (spectra.band_reflectance(sensor)[surface] for sensor in ("sentinel-2", "landsat"))
    cube = looks(**dict(zip(BANDS, map(float, ours), strict=True)))
    common = to_common_bands(cube)
    made = np.array([common[band].values[0, 0, 0] for band in BANDS])
    assert np.abs(made - olis).max() < 0.003
    assert abs(made[3] / olis[3] - 1) < 0.03


def test_every_sensor_has_a_line_for_all_its_bands_or_none() -> None:
    for sensor in SENSORS:
        assert set(lines_to_oli(sensor.name)) in ({*()}, set(BANDS))


def test_a_stack_that_does_not_say_whose_it_is_is_refused() -> None:
    with pytest.raises(ContractError, match="'sensor' is missing"):
        to_common_bands(looks(red=0.1).drop_vars("sensor"))
