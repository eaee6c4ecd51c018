"""Seasonal medians: against numpy's own, and against looks whose median the eye can see."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from habitat.errors import ContractError
from habitat.imagery import seasonal_median, seasonal_medoid
from habitat.imagery.composites import median_over_time
from habitat.seasons import Season
from imagery.stacks import stack

SUMMER = Season.parse("mapping", "06-01/09-15")
WINTER = Season.parse("winter", "12-01/02-29")
nan = np.nan

REFLECTANCE = st.one_of(st.just(nan), st.integers(-2000, 16_000).map(lambda number: number / 10_000))


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=3, max_side=7), elements=REFLECTANCE))
def test_median_over_time_is_numpy_s_nanmedian(values: np.ndarray) -> None:
    median, count = median_over_time(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy warns of pixels without any look
        expected = np.nanmedian(values.astype(np.float64), axis=0)
    assert np.allclose(median, expected, rtol=1e-6, atol=1e-7, equal_nan=True)
    assert np.array_equal(count, np.isfinite(values).sum(axis=0))
    assert median.dtype == np.float32


@given(hnp.arrays(np.float32, (5, 2, 2), elements=REFLECTANCE), st.permutations(range(5)))
def test_the_order_of_looks_does_not_matter(values: np.ndarray, order: list[int]) -> None:
    for one, other in zip(median_over_time(values), median_over_time(values[order]), strict=True):
        assert np.array_equal(one, other, equal_nan=True)


def test_each_season_is_the_median_of_its_own_clear_looks() -> None:
    looks = stack(
        ["2019-12-24", "2020-01-06", "2020-06-01", "2020-07-15", "2020-09-15T23:59", "2020-09-16", "2021-08-01"],
        red=np.float32([0.5, 0.7, 0.1, 0.2, 0.6, 0.9, nan])[:, None, None],
    )
    made = seasonal_median(looks, years=[2019, 2020, 2021], seasons=[SUMMER, WINTER])
    assert made["red"].dims == ("year", "season", "y", "x")
    assert np.allclose(made["red"].values[:, :, 0, 0], [[nan, nan], [0.2, 0.6], [nan, nan]], equal_nan=True)
    assert made["looks"].values[:, :, 0, 0].tolist() == [[0, 0], [3, 2], [0, 0]]
    assert made["season"].values.tolist() == ["mapping", "winter"]
    assert made["year"].values.tolist() == [2019, 2020, 2021]


def test_every_pixel_has_its_own_looks() -> None:
    red = np.float32([[[0.1, nan]], [[0.3, 0.5]], [[0.8, nan]], [[0.4, nan]]])
    made = seasonal_median(
        stack([f"2020-07-0{day}" for day in range(1, 5)], red=red, nir08=np.where(np.isnan(red), nan, 0.4)),
        years=[2020],
        seasons=[SUMMER],
    )
    assert np.allclose(made["red"].values[0, 0], [[0.35, 0.5]])
    assert np.allclose(made["nir08"].values[0, 0], [[0.4, 0.4]])
    assert made["looks"].values[0, 0].tolist() == [[4, 1]]
    assert "quality" not in made


def test_the_grid_is_handed_on() -> None:
    looks = stack(["2020-07-01"], red=np.zeros((1, 2, 3)))
    made = seasonal_median(looks, years=[2020], seasons=[SUMMER])
    assert made.odc.geobox == looks.odc.geobox


def test_what_is_no_stack_is_refused() -> None:
    with pytest.raises(ContractError, match="STACK"):
        seasonal_median(stack(["2020-07-01"], red=0.1).drop_vars("red"), years=[2020], seasons=[SUMMER])


# -- the look nearest to the median ---------------------------------------------------------------------

DAYS = [f"2020-07-{day:02d}" for day in range(1, 6)]
ONE_SUMMER = {"years": [2020], "seasons": [SUMMER]}


@given(hnp.arrays(np.float32, (3, 5, 2, 2), elements=REFLECTANCE))
def test_a_medoid_is_one_of_the_looks_in_all_its_bands(values: np.ndarray) -> None:
    bands = dict(zip(("red", "nir08", "swir16"), values, strict=True))
    made = seasonal_medoid(stack(DAYS, **bands), **ONE_SUMMER)
    whole = np.isfinite(values).all(axis=0)
    picture = np.stack([made[band].values[0, 0] for band in bands])
    same = (picture[:, None] == values).all(axis=0)
    assert np.array_equal(same.any(axis=0), whole.any(axis=0))
    assert np.array_equal(np.isnan(picture).all(axis=0), ~whole.any(axis=0))
    assert np.array_equal(made["looks"].values[0, 0], whole.sum(axis=0))


def test_of_one_band_the_medoid_of_an_odd_number_of_looks_is_their_median() -> None:
    red = np.float32([0.5, 0.1, 0.2, 0.9, 0.3])[:, None, None]
    assert seasonal_medoid(stack(DAYS, red=red), **ONE_SUMMER)["red"].item() == np.float32(0.3)


def test_no_band_of_an_outlier_gets_into_a_medoid() -> None:
    red = np.float32([0.05, 0.05, 0.30, 0.06, 0.05])[
        :, None, None
    ]  # the third look is hazy: its infrared is the median
    nir08 = np.float32([0.38, 0.39, 0.40, 0.41, 0.42])[:, None, None]
    made = seasonal_medoid(stack(DAYS, red=red, nir08=nir08), **ONE_SUMMER)
    assert made["nir08"].item() != np.float32(0.40)
    assert seasonal_median(stack(DAYS, red=red, nir08=nir08), **ONE_SUMMER)["nir08"].item() == np.float32(0.40)


def test_a_dark_band_counts_as_much_as_a_bright_one() -> None:
    red = np.float32([0.04, 0.08, 0.04, 0.05, 0.04])[:, None, None]
    nir08 = np.float32([0.44, 0.40, 0.36, 0.40, 0.43])[:, None, None]
    picture = seasonal_medoid(stack(DAYS, red=red, nir08=nir08), **ONE_SUMMER)
    assert (picture["red"].item(), picture["nir08"].item()) == (np.float32(0.04), np.float32(0.43))


# -- whose looks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("composite", [seasonal_median, seasonal_medoid])
def test_each_pixel_knows_whose_looks_it_is_made_of(composite: Callable[..., xr.Dataset]) -> None:
    red = np.float32([[[0.1, nan]], [[0.2, 0.2]], [[nan, 0.3]], [[0.1, nan]], [[0.1, 0.1]]])
    looks = stack(DAYS, red=red)
    looks = looks.assign_coords(sensor=("time", ["sentinel-2", "landsat", "sentinel-2", "sentinel-2", "landsat"]))
    made = composite(looks, **ONE_SUMMER)
    assert made["sensor"].values.tolist() == ["landsat", "sentinel-2"]
    assert made["sensor_looks"].values[:, 0, 0, 0].tolist() == [[2, 2], [2, 1]]
    assert np.array_equal(made["sensor_looks"].sum("sensor"), made["looks"])


def test_looks_that_do_not_say_whose_they_are_are_only_counted() -> None:
    assert "sensor_looks" not in seasonal_median(stack(DAYS, red=0.1), **ONE_SUMMER)
