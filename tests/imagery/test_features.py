"""Predictors: bands and indices of each season, and nothing where the mapping season saw nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from habitat.errors import ContractError, GridError
from habitat.grids import coordinates, grid_over
from habitat.imagery import feature_margin, forest_features, terrain_features
from habitat.imagery.features import INDICES
from habitat.indices import normalized_difference

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


# -- beside bands and indices ---------------------------------------------------------------------------


def on_a_grid(bands: dict[str, Any], height: int, width: int) -> xr.Dataset:
    """A COMPOSITE of one year and the mapping season on pixels of 20 m."""
    grid = grid_over((500_000, 4_800_000, 500_000 + 20 * width, 4_800_000 + 20 * height), "EPSG:32652", 20)
    dims = ("year", "season", "y", "x")
    cubes = {name: (dims, np.float32(values).reshape(1, 1, height, width)) for name, values in bands.items()}
    looks = (dims, np.isfinite(cubes["nir08"][1]).astype(np.uint16))
    return xr.Dataset(cubes | {"looks": looks}, coords={"year": [2020], "season": ["mapping"], **coordinates(grid)})


def test_indices_are_those_of_the_library_to_the_bit() -> None:
    random = np.random.default_rng(0)
    bands = {
        name: random.uniform(-0.1, 0.6, 600).astype(np.float32)
        for name in ("green", "red", "nir08", "swir16", "swir22")
    }
    bands["red"][:5], bands["nir08"][:5] = 0.0, [0.0, -0.1, nan, 0.2, -0.0]
    made = forest_features(on_a_grid(bands, 20, 30), groups=["indices"])
    seen = np.isfinite(bands["nir08"])
    for name, (one, other) in INDICES.items():
        expected = np.where(seen, normalized_difference(bands[one], bands[other]), nan)
        assert np.array_equal(made[f"{name}_mapping"].values.ravel(), expected, equal_nan=True), name


def test_texture_is_the_deviation_of_what_is_known_around_a_pixel() -> None:
    random = np.random.default_rng(1)
    nir = random.uniform(0.1, 0.5, (12, 15)).astype(np.float32)
    nir[random.random(nir.shape) < 0.2] = nan
    red = np.full_like(nir, 0.05)
    made = forest_features(on_a_grid({"red": red, "nir08": nir}, 12, 15), groups=["texture"])
    assert set(made.data_vars) == {"nir08_3x3", "nir08_5x5", "ndvi_3x3", "ndvi_5x5"}
    ndvi = (nir - red) / (nir + red)
    for name, values in (("nir08", nir), ("ndvi", ndvi)):
        for size, reach in (("3x3", 1), ("5x5", 2)):
            around = np.pad(values.astype(float), reach, constant_values=nan)
            windows = np.lib.stride_tricks.sliding_window_view(around, (2 * reach + 1,) * 2).reshape(12, 15, -1)
            enough = (np.isfinite(windows).sum(axis=-1) >= 3) & np.isfinite(nir)
            expected = np.where(enough, np.nanstd(windows, axis=-1), nan)
            assert np.allclose(made[f"{name}_{size}"].values[0], expected, atol=1e-6, equal_nan=True), (name, size)


def test_terrain_tells_how_the_ground_leans() -> None:
    """A plane that falls 3 m to the north and 4 m to the west in every 20 m: 0.25 in all."""
    rows, cols = np.indices((5, 6))
    height = np.float32(100 + 3 * rows + 4 * cols)
    ground = terrain_features(height, resolution_m=20)
    seen = on_a_grid({"nir08": np.full((5, 6), 0.3)}, 5, 6)
    seen["looks"][0, 0, 2, 3] = 0
    made = forest_features(seen, groups=["terrain"], terrain=ground)
    up = 1 / np.sqrt(1 + 0.25**2)
    expected = {"slope": np.degrees(np.arctan(0.25)), "northness": 0.15 * up, "eastness": -0.2 * up, "height_m": height}
    for name, value in expected.items():
        there = np.broadcast_to(value, (5, 6)).astype(float).copy()
        there[2, 3] = nan
        assert np.allclose(made[name].values[0], there, atol=1e-5, equal_nan=True), name
    with pytest.raises(ContractError, match="no group gives a predictor"):
        forest_features(seen, groups=["terrain"])
    with pytest.raises(GridError, match="terrain have"):
        forest_features(seen, groups=["terrain"], terrain=ground.isel(y=slice(1, None)))


def test_a_block_with_its_margin_gives_the_bytes_of_the_whole() -> None:
    random = np.random.default_rng(2)
    bands = {name: random.uniform(0.02, 0.5, (30, 34)).astype(np.float32) for name in ("red", "nir08", "swir16")}
    bands["nir08"][random.random((30, 34)) < 0.1] = nan
    groups: list[Any] = ["bands", "indices", "texture", "looks"]
    whole_composite = on_a_grid(bands, 30, 34)
    whole = forest_features(whole_composite, groups=groups)
    margin = feature_margin(groups)
    for rows, cols in ((slice(0, 13), slice(0, 17)), (slice(13, 30), slice(17, 34)), (slice(9, 20), slice(5, 21))):
        wide = tuple(slice(max(part.start - margin, 0), part.stop + margin) for part in (rows, cols))
        block = forest_features(whole_composite.isel(y=wide[0], x=wide[1]), groups=groups)
        inner = {"y": slice(rows.start - wide[0].start, rows.stop - wide[0].start),
                 "x": slice(cols.start - wide[1].start, cols.stop - wide[1].start)}  # fmt: skip
        for name in whole.data_vars:
            part = block[name].isel(inner).values
            assert part.tobytes() == whole[name].isel(y=rows, x=cols).values.tobytes(), name


def test_the_course_of_the_year_is_taken_where_the_mapping_season_saw_the_pixel() -> None:
    seen = on_a_grid({"nir08": [[0.3, nan, 0.4]]}, 1, 3)
    course = xr.Dataset({"ndvi_level": (("year", "y", "x"), np.float32([[[0.7, 0.8, nan]]]))}, {"year": seen["year"]})
    made = forest_features(seen, groups=["bands", "harmonics", "looks"], harmonics=course)
    assert np.allclose(made["ndvi_level"], [[[0.7, nan, nan]]], equal_nan=True)
    assert np.allclose(made["looks_mapping"], [[[1, nan, 1]]], equal_nan=True)
    assert "ndvi_level" not in forest_features(seen, groups=["bands"], harmonics=course)
    with pytest.raises(GridError, match="harmonics have"):
        forest_features(seen, harmonics=course.isel(x=slice(2)))
    for other in (course.assign_coords(year=[1999]), course.drop_vars("year"), course.isel(year=[0, 0])):
        with pytest.raises(ContractError, match=r"harmonics are of the years \[.*\], the composite of \[2020\]"):
            forest_features(seen, harmonics=other)
