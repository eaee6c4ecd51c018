"""Predictors: bands and indices of each season, and nothing where the mapping season saw nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from habitat.errors import ContractError
from habitat.imagery import forest_features

nan = np.nan


def composite(looks: Any, **bands: Any) -> xr.Dataset:
    """A COMPOSITE of one year, two seasons and two pixels from (season, x) arrays."""
    cubes = {name: np.float32(np.broadcast_to(values, (2, 2))) for name, values in bands.items()}
    return xr.Dataset(
        {name: (("year", "season", "y", "x"), values[None, :, None, :]) for name, values in cubes.items()}
        | {"looks": (("year", "season", "y", "x"), np.uint16(looks)[None, :, None, :])},
        coords={"year": [2020], "season": ["mapping", "autumn"]},
    )


FOREST = {"green": 0.05, "red": 0.1, "nir08": 0.4, "swir16": 0.2, "swir22": 0.1}


def test_each_season_has_its_bands_and_indices() -> None:
    features = forest_features(composite([[1, 1], [1, 1]], **FOREST))
    expected = {
        "green": 0.05, "red": 0.1, "nir08": 0.4, "swir16": 0.2, "swir22": 0.1,
        "ndvi": 0.6, "ndmi": 1 / 3, "nbr": 0.6, "ndwi": -7 / 9,
    }  # fmt: skip
    assert set(features.data_vars) == {f"{name}_{season}" for name in expected for season in ("mapping", "autumn")}
    for name, value in expected.items():
        for season in ("mapping", "autumn"):
            found = features[f"{name}_{season}"]
            assert found.dims == ("year", "y", "x")
            assert found.dtype == np.float32
            assert np.allclose(found, value), name


def test_an_index_without_its_band_is_left_out() -> None:
    features = forest_features(composite([[1, 1], [1, 1]], red=0.1, nir08=0.4))
    assert set(features.data_vars) == {f"{n}_{s}" for n in ("red", "nir08", "ndvi") for s in ("mapping", "autumn")}


def test_a_season_without_a_look_is_missing_and_never_zero() -> None:
    features = forest_features(composite([[1, 1], [1, 0]], red=[[0.1, 0.1], [0.3, nan]], nir08=0.4))
    assert np.allclose(features["red_autumn"], [[[0.3, nan]]], equal_nan=True)
    assert np.allclose(features["ndvi_autumn"], [[[1 / 7, nan]]], equal_nan=True)
    assert np.allclose(features["red_mapping"], 0.1)


def test_a_pixel_that_the_mapping_season_did_not_see_has_no_predictors() -> None:
    features = forest_features(
        composite([[1, 0], [1, 1]], red=[[0.1, nan], [0.3, 0.3]], nir08=[[0.4, nan], [0.4, 0.4]])
    )
    for name in features.data_vars:
        assert np.isnan(features[name].values[0, 0, 1]), name
        assert np.isfinite(features[name].values[0, 0, 0]), name


def test_what_is_no_composite_is_refused() -> None:
    with pytest.raises(ContractError, match="COMPOSITE"):
        forest_features(composite([[1, 1], [1, 1]], red=0.1).drop_vars("looks"))
