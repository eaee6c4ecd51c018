"""Each pixel's history: series written out by formula, with clouds, shadows and changes put in at known looks."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from habitat.cubes import Quality
from habitat.errors import ContractError
from habitat.imagery import clear_looks, departures, screen_looks
from imagery.stacks import stack

DAYS = np.arange(np.datetime64("2018-01-05"), np.datetime64("2022-01-01"), 16).astype(str).tolist()
"""92 looks in four years."""
SIDE = 9
MIDDLE = SIDE // 2


def land(**changes: np.ndarray) -> xr.Dataset:
    """A leaf-shedding forest under a clear sky."""
    rng = np.random.default_rng(1)
    summer = (1 - np.cos(2 * np.pi * (np.array(DAYS, "datetime64[D]").astype(float) % 365.25 - 15) / 365.25)) / 2
    shape = (len(DAYS), SIDE, SIDE)
    bands = {
        "blue": 0.03 + 0 * summer,
        "nir08": 0.18 + 0.22 * summer,
        "swir16": 0.12 + 0.06 * summer,
    }
    noisy = {
        name: (values[:, None, None] * (1 + 0.03 * rng.standard_normal(shape))).astype(np.float32)
        for name, values in bands.items()
    }
    return stack(DAYS, np.zeros(shape, dtype=np.uint8), **(noisy | changes))


def veil(cube: xr.Dataset, look: int, share: float, where: slice = slice(None)) -> None:
    """Draw a cloud over a look."""
    for band in ("blue", "nir08", "swir16"):
        values = cube[band].values
        values[look, where, where] = values[look, where, where] * (1 - share) + 0.7 * share


def shade(cube: xr.Dataset, look: int, factor: float) -> None:
    for band in ("blue", "nir08", "swir16"):
        cube[band].values[look] *= factor


def used(cube: xr.Dataset) -> np.ndarray:
    return np.isfinite(clear_looks(screen_looks(cube), margin_m=0)["nir08"].values)


def test_a_forest_under_a_clear_sky_keeps_its_looks() -> None:
    assert used(land()).mean() > 0.995


@pytest.mark.parametrize("share", [0.05, 0.2, 0.8])
def test_clouds_that_the_product_missed_are_found(share: float) -> None:
    cube = land()
    for look in (10, 30, 31, 60):
        veil(cube, look, share)
    clear = used(cube)
    assert not clear[[10, 30, 31, 60]].any()
    assert (screen_looks(cube)["quality"].values[10] == Quality.CLOUD).all()
    assert np.delete(clear, [10, 30, 31, 60], axis=0).mean() > 0.99


def test_shadows_that_the_product_missed_are_found() -> None:
    cube = land()
    shade(cube, 40, 0.55)
    assert not used(cube)[40].any()
    assert (screen_looks(cube)["quality"].values[40] == Quality.SHADOW).all()
    assert (departures(cube).values[40] < -1).all()


@pytest.mark.parametrize("bit", [Quality.CLOUD, Quality.SHADOW, Quality.CIRRUS, Quality.SNOW])
def test_looks_that_the_product_dropped_wrongly_are_given_back(bit: int) -> None:
    cube = land()
    cube["quality"].values[[20, 50]] = bit
    assert used(cube)[[20, 50]].mean() > 0.99


def test_what_nobody_measured_or_is_saturated_is_not_given_back() -> None:
    cube = land()
    cube["quality"].values[20] = Quality.FILL
    cube["quality"].values[50] = Quality.SATURATED | Quality.CLOUD
    cube["blue"].values[30, 0, 0] = np.nan
    assert not used(cube)[[20, 50]].any()
    assert np.isnan(departures(cube).values[30, 0, 0])


def test_a_clear_cut_is_no_cloud() -> None:
    cube = land()
    cube["blue"].values[45:] += 0.05
    cube["swir16"].values[45:] += 0.10
    cube["nir08"].values[45:] -= 0.08
    clear = used(cube)
    assert clear[46:].mean() > 0.97  # the first look of it may count as a cloud: nothing tells them apart yet
    assert clear[:44].mean() > 0.97


def test_a_burn_is_no_shadow() -> None:
    cube = land()
    for band in ("nir08", "swir16"):
        cube[band].values[45:] *= 0.5
    assert used(cube)[47:-1].mean() > 0.97


def test_doubt_reaches_around_what_is_sure_and_no_farther() -> None:
    cube = land()
    veil(cube, 30, 0.5, slice(MIDDLE, MIDDLE + 1))
    cube["blue"].values[30] += 0.0135  # doubtful everywhere
    lost = ~used(cube)[30]
    rows, cols = np.indices(lost.shape) - MIDDLE
    assert lost[(rows**2 + cols**2 <= 4)].all()
    assert not lost[(rows**2 + cols**2 > 4)].any()


def test_without_a_history_the_product_is_believed_with_its_margin() -> None:
    cube = land().isel(time=slice(0, 3))
    cube["quality"].values[1, MIDDLE, MIDDLE] = Quality.CLOUD
    assert np.isnan(departures(cube).values).all()
    expected = np.isfinite(clear_looks(cube, margin_m=40)["nir08"].values)
    assert np.array_equal(used(cube), expected)


def test_bits_that_are_not_rejected_spoil_nothing() -> None:
    cube = land()
    cube["quality"].values[:] = Quality.WATER
    screened = screen_looks(cube)
    assert (screened["quality"].values & Quality.WATER).all()
    assert used(cube).mean() > 0.995


def test_every_pixel_stands_alone() -> None:
    cube = land()
    veil(cube, 12, 0.3, slice(0, 4))
    whole = departures(cube).values
    parts = [departures(cube.isel(y=slice(k, k + 1))).values for k in range(SIDE)]
    assert np.array_equal(whole, np.concatenate(parts, axis=1), equal_nan=True)


def test_the_order_of_looks_in_a_clouded_archive_does_not_need_many() -> None:
    """Nine looks make a history with one harmonic; a cloud among them is found."""
    cube = land().isel(time=slice(8, 68, 6))
    veil(cube, 4, 0.3)
    assert not used(cube)[4].any()


def test_bands_that_are_missing_are_named() -> None:
    with pytest.raises(ContractError, match="needs a visible band and nir08"):
        departures(land().drop_vars("blue"))


def test_snow_that_is_wanted_is_no_cloud() -> None:
    cube = land()
    veil(cube, 30, 0.8)
    cube["quality"].values[30] = Quality.SNOW
    reject = Quality.FILL | Quality.CLOUD | Quality.SHADOW
    assert (screen_looks(cube, reject=reject)["quality"].values[30] == Quality.SNOW).all()
    assert not used(cube)[30].any()
