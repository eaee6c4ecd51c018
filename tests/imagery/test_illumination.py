"""Levelled reflectance: hills written out by formula, lit by a law whose shares are known, under dark trees that like
shaded slopes."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from habitat.cubes import Quality
from habitat.errors import ContractError, GridError
from habitat.grids import grid_of
from habitat.imagery import fit_illumination, level_reflectance, slope_samples
from habitat.imagery.relief import rises, sun_cosine, suns
from imagery.stacks import SIDE_M, stack

SIZE = 120
DAYS = ["2020-05-30", "2020-06-21", "2020-08-02", "2020-08-30", "2020-10-20"]
SUNS = [(140, 64), (139, 67), (145, 59), (150, 50), (160, 33)]
"""Azimuth and elevation; the last look is of autumn, when the broadleaves have turned."""
SHARE = {"green": 0.55, "red": 0.6, "nir08": 0.72, "swir16": 0.75}
OAK = {"green": 0.05, "red": 0.03, "nir08": 0.40, "swir16": 0.16}
PINE = {"green": 0.03, "red": 0.02, "nir08": 0.24, "swir16": 0.09}
TURNED = {"green": 0.06, "red": 0.08, "nir08": 0.27, "swir16": 0.20}


def hills(steepness: float = 1.0) -> np.ndarray:
    """Ridges in several directions, slopes up to about 25 degrees."""
    y, x = np.indices((SIZE, SIZE)) * SIDE_M * 2 * np.pi
    waves = ((700, 250, 14), (-350, 900, 11), (1100, -1500, 15))
    return sum(steepness * high * np.sin(x / a + y / b).astype(np.float32) for a, b, high in waves) + np.float32(400)


def forest(height: np.ndarray) -> np.ndarray:
    """Where pines stand: mostly on slopes that face north."""
    _, north = rises(height, SIDE_M)
    return -north / 0.15 + np.random.default_rng(1).standard_normal(height.shape) > 0.2


def looks(height: np.ndarray, shares: dict[str, float] = SHARE, noise: float = 0.02) -> tuple[xr.Dataset, xr.Dataset]:
    """A stack as it is lit, and as it would be on flat ground."""
    pines, rng = forest(height), np.random.default_rng(2)
    nodes = ("time", "node_y", "node_x")
    empty = stack(DAYS, np.zeros((len(DAYS), SIZE, SIZE), dtype=np.uint8), **dict.fromkeys(OAK, 0.0))
    azimuth, elevation = np.array(SUNS, np.float32).T
    cube = empty.assign_coords(
        sun_zenith=(nodes, 90 - elevation[:, None, None]), sun_azimuth=(nodes, azimuth[:, None, None])
    )
    flat = cube.copy(deep=True)
    for k, sun in enumerate(suns(cube, grid_of(cube))):
        cosine, level = sun_cosine(rises(height, SIDE_M), tuple(sun)), np.sin(np.radians(sun[1]))
        for band, share in shares.items():
            oak = TURNED[band] if k == len(SUNS) - 1 else OAK[band]
            plain = np.where(pines, PINE[band], oak) * np.exp(noise * rng.standard_normal(height.shape))
            flat[band].values[k] = plain
            # C as Teillet writes it
            c = (1 - share) / share if share else np.inf
            lit = 1.0 if share == 0 else (np.maximum(cosine, 0) + c) / (level + c)
            cube[band].values[k] = plain * lit
    return cube, flat


def test_the_shares_of_the_light_are_found_although_dark_trees_stand_on_dark_slopes() -> None:
    height = hills()
    cube, _ = looks(height)
    found = fit_illumination([slope_samples(cube, height)])
    assert found["direct_share"].dims == ("time", "band")
    for band, share in SHARE.items():
        # in the visible a forest is dark, and a small offset of one look weighs as much as the sun's way
        most = 0.04 if band in ("nir08", "swir16") else 0.1
        assert np.abs(found["direct_share"].sel(band=band).values - share).max() < most, band


def test_a_regression_on_one_look_would_have_been_far_off() -> None:
    """What the method is there for: Teillet's regression of the same look."""
    height = hills()
    cube, _ = looks(height)
    cosine = sun_cosine(rises(height, SIDE_M), tuple(suns(cube, grid_of(cube))[3]))
    slope, intercept = np.polyfit(cosine.ravel(), cube["nir08"].values[3].ravel(), 1)
    assert abs(1 / (1 + intercept / slope) - SHARE["nir08"]) > 0.15


def test_levelled_reflectance_is_that_of_flat_ground() -> None:
    height = hills()
    cube, flat = looks(height)
    levelled = level_reflectance(cube, height, fit_illumination([slope_samples(cube, height)]))
    for band in SHARE:
        before, after = (np.abs(each[band] / flat[band] - 1).mean(("y", "x")) for each in (cube, levelled))
        assert (after < 0.2 * before).all(), band
    pines = forest(height)
    for look in range(len(DAYS)):
        truth, made = (
            float(np.median(each["nir08"].values[look][~pines]) - np.median(each["nir08"].values[look][pines]))
            for each in (flat, levelled)
        )
        assert made == pytest.approx(truth, abs=0.006)


def test_reflectance_that_slopes_do_not_change_is_left_as_it_is() -> None:
    height = hills()
    cube, _ = looks(height, dict.fromkeys(SHARE, 0.0))
    coefficients = fit_illumination([slope_samples(cube, height)])
    assert np.abs(coefficients["direct_share"].values).max() < 0.06


def test_a_product_that_was_corrected_too_far_is_brought_back() -> None:
    height = hills()
    cube, flat = looks(height, dict.fromkeys(SHARE, -0.25))
    levelled = level_reflectance(cube, height, fit_illumination([slope_samples(cube, height)]))
    before, after = (float(np.abs(each["nir08"] / flat["nir08"] - 1).mean()) for each in (cube, levelled))
    assert after < 0.3 * before


def test_blocks_are_levelled_alike_and_their_samples_may_come_apart() -> None:
    height = hills()
    cube, _ = looks(height)
    halves = [slice(0, 60), slice(60, SIZE)]
    samples = [slope_samples(cube.isel(y=half), height[half]) for half in halves]
    samples[1] = samples[1].isel(time=[1, 2, 3, 4])  # the other block was not seen in May
    coefficients = fit_illumination(samples)
    assert list(coefficients["time"].values) == list(cube["time"].values)
    whole = level_reflectance(cube, height, coefficients)
    part = level_reflectance(cube.isel(y=slice(0, 70)), height[:70], coefficients)
    inner = slice(2, 60)  # Horn's window ends at a rim
    assert np.allclose(part["nir08"].values[:, inner], whole["nir08"].values[:, inner], rtol=2e-4)


def test_flat_ground_and_ground_of_unknown_height_keep_every_bit() -> None:
    height = hills()
    height[:, :50] = 120.0
    height[60:70, 60:70] = np.nan
    cube, _ = looks(hills())
    coefficients = fit_illumination([slope_samples(cube, hills())])
    levelled = level_reflectance(cube, height, coefficients)
    assert np.allclose(levelled["red"].values[:, :, :48], cube["red"].values[:, :, :48], rtol=1e-6)
    assert np.array_equal(levelled["red"].values[:, 61:69, 61:69], cube["red"].values[:, 61:69, 61:69])
    assert not np.array_equal(levelled["red"].values[:, :, 80:], cube["red"].values[:, :, 80:])


def test_slopes_that_the_sun_only_grazes_are_left_and_called_shadow() -> None:
    height = hills(4.0)
    cube, _ = looks(height)
    sun = tuple(suns(cube, grid_of(cube))[4])
    grazed = sun_cosine(rises(height, SIDE_M), sun) <= 0.1
    assert grazed.sum() > 100
    levelled = level_reflectance(cube, height, fit_illumination([slope_samples(cube, height)]))
    assert np.array_equal(levelled["quality"].values[4] == Quality.SHADOW, grazed)
    assert np.array_equal(levelled["nir08"].values[4][grazed], cube["nir08"].values[4][grazed])
    ratio = levelled["nir08"].values / cube["nir08"].values
    assert ratio.min() >= 0.499
    assert ratio.max() <= 2.501


def test_where_there_is_nothing_to_learn_from_shares_are_halfway() -> None:
    plain = np.full((SIZE, SIZE), 50.0, np.float32)
    cube, _ = looks(plain)
    assert slope_samples(cube, plain).sizes["pixel"] == 0
    coefficients = fit_illumination([slope_samples(cube, plain)])
    assert (coefficients["direct_share"].sel(band=["nir08", "swir16"]).values == 0.5).all()
    assert (coefficients["direct_share"].values <= 0.5).all()
    assert np.allclose(level_reflectance(cube, plain, coefficients)["red"].values, cube["red"].values, rtol=1e-6)
    one = slope_samples(looks(hills())[0], hills()).isel(time=[1])
    assert np.allclose(fit_illumination([one])["usual_share"].sel(band="nir08").values, 0.5)


def test_looks_that_no_sample_saw_take_what_is_usual_for_their_sensor() -> None:
    height = hills()
    cube, _ = looks(height)
    cube = cube.assign_coords(sensor=("time", ["landsat"] * 5))
    coefficients = fit_illumination([slope_samples(cube, height)])
    later = cube.assign_coords(time=cube["time"] + np.timedelta64(1, "D"))
    made = level_reflectance(later, height, coefficients)
    usual = coefficients.assign(direct_share=coefficients["direct_share"] * 0 + coefficients["usual_share"].values[0])
    assert np.array_equal(made["nir08"].values, level_reflectance(cube, height, usual)["nir08"].values)


def test_each_sensor_has_shares_of_its_own() -> None:
    """Some products have been levelled already, some have not."""
    height = hills()
    lit, plain = looks(height)
    plain = plain.assign_coords(time=plain["time"] + np.timedelta64(1, "D"))
    both = xr.concat(
        [
            lit.assign_coords(sensor=("time", ["landsat"] * len(DAYS))),
            plain.assign_coords(sensor=("time", ["sentinel-2"] * len(DAYS))),
        ],
        "time",
        data_vars="minimal",
        coords="minimal",
        compat="equals",
        join="exact",
    )
    shares = fit_illumination([slope_samples(both, height, most=2000)])["usual_share"].sel(band="nir08")
    assert float(shares.sel(known_sensor="landsat")) == pytest.approx(SHARE["nir08"], abs=0.05)
    assert float(shares.sel(known_sensor="sentinel-2")) == pytest.approx(0, abs=0.05)


def test_looks_that_are_not_clear_teach_nothing() -> None:
    height = hills()
    cube, _ = looks(height)
    plain = fit_illumination([slope_samples(cube, height)])
    for band in SHARE:
        cube[band].values[1, :, :60] = 0.8
    cube["quality"].values[1, :, :60] = Quality.CLOUD
    veiled = fit_illumination([slope_samples(cube, height)])
    assert np.abs(veiled["direct_share"].values - plain["direct_share"].values).max() < 0.05


def test_stacks_without_red_and_heights_of_another_shape_are_refused() -> None:
    height = hills()
    cube, _ = looks(height)
    with pytest.raises(ContractError, match="red and nir08"):
        slope_samples(cube.drop_vars("red"), height)
    with pytest.raises(GridError):
        level_reflectance(cube, height[:-1], fit_illumination([slope_samples(cube, height)]))
    with pytest.raises(ContractError, match="no samples"):
        fit_illumination([])
