"""How much bands mind directions: a strength given back, drawn to the published one where nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from habitat.errors import ContractError
from habitat.imagery import fit_strengths, nadir_reflectance, view_pairs
from habitat.imagery.brdf import kernels
from habitat.sensors.anisotropy import WEIGHTS
from imagery.stacks import stack

BANDS = ("red", "nir08", "swir16")
FROM_EAST, FROM_WEST = (40.0, 150.0, 10.0, 104.0), (40.0, 150.0, 10.0, 284.0)
"""Angles of the sun, and of a sensor in the east and in the west: they are 46 and 134 degrees from the sun."""
TRUE = {"red": 2.0, "nir08": 1.0, "swir16": 1.6}


def factor(band: str, angles: tuple[float, ...], strength: float) -> float:
    sun, sun_azimuth, view, azimuth = angles
    volume, surface = kernels(np.array(sun), np.array(view), sun_azimuth - azimuth)
    isotropic, of_volume, of_surface = WEIGHTS[band]
    return float(1 + strength * (of_volume * volume + of_surface * surface) / isotropic)


def both_sides(
    days: list[str], *, noise: float = 0.0, a_day: float = 0.0, sensor: str = "sentinel-2", side: int = 64
) -> xr.Dataset:
    """Looks at a forest, from the east and from the west by turns; whole looks err by `noise` and rise `a_day`."""
    rng = np.random.default_rng(5)
    angles = [(FROM_EAST, FROM_WEST)[k % 2] for k in range(len(days))]
    when = (np.array(days, dtype="datetime64[D]") - np.datetime64(days[0])).astype(float)
    level = {"red": 0.03, "nir08": 0.35, "swir16": 0.16}
    looks = {}
    for band in BANDS:
        pixels = level[band] * rng.uniform(0.8, 1.2, (side, side))
        seen = [factor(band, each, TRUE[band]) * (1 + noise * rng.standard_normal()) for each in angles]
        looks[band] = np.stack([pixels * one * np.exp(a_day * day) for one, day in zip(seen, when, strict=True)])
    cube = stack(days, **looks)
    nodes = {
        name: (("time", "node_y", "node_x"), np.float32([[[each[k]] * 2] * 2 for each in angles]))
        for k, name in enumerate(("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"))
    }
    north, east = 4_800_000.0 + 20 * side, 500_000.0 + 20 * side
    return cube.assign_coords(
        sensor=("time", [sensor] * len(days)), node_y=[north, 4_800_000.0], node_x=[500_000.0, east], **nodes
    )


def many(n: int, *, every: int = 4) -> list[str]:
    return [str(np.datetime64("2020-05-01") + every * k) for k in range(n)]


def fitted(*parts: pd.DataFrame, sensor: str = "sentinel-2") -> dict[str, tuple[float, float]]:
    found = fit_strengths(parts, sensors=[sensor], bands=BANDS).sel(sensor=sensor)
    return {b: (float(found["strength"].sel(band=b)), float(found["strength_se"].sel(band=b))) for b in BANDS}


def test_the_strength_that_was_put_in_comes_out() -> None:
    """1% of noise a look, and a season that adds 0.3% a day: a fifth of what the view does, always the same way."""
    told = fitted(view_pairs(both_sides(many(40), noise=0.01, a_day=0.003)))
    for band, true in TRUE.items():
        strength, error = told[band]
        assert abs(strength - true) < 2.5 * error
        assert error < 0.2


def test_errors_are_as_large_as_is_said() -> None:
    """Of many series, how far strengths lie off, in standard errors."""
    off = []
    for first in range(24):
        days = [str(np.datetime64("2020-04-01") + 5 * first + 4 * k) for k in range(30)]
        cube = both_sides(days, side=60)
        rng = np.random.default_rng(first)
        noise = np.exp(0.03 * rng.standard_normal((len(days), 1, 1)))
        told = fitted(view_pairs(cube.assign({band: cube[band] * noise.astype(np.float32) for band in BANDS})))
        off.append((told["nir08"][0] - TRUE["nir08"]) / told["nir08"][1])
    assert 0.4 < np.std(off) < 1.4


def test_with_it_looks_from_both_sides_agree() -> None:
    cube = both_sides(many(2))
    strengths = fit_strengths([view_pairs(both_sides(many(60)))], sensors=["sentinel-2"], bands=BANDS)
    published, learnt = nadir_reflectance(cube), nadir_reflectance(cube, strengths=strengths)
    for band in ("red", "swir16"):
        steps = [abs(float(np.log(made[band].values[1] / made[band].values[0]).mean())) for made in (published, learnt)]
        assert steps[0] > 0.015
        assert steps[1] < steps[0] / 8


def test_one_is_what_is_published() -> None:
    cube = both_sides(many(2))
    strengths = fit_strengths([], sensors=["sentinel-2"], bands=BANDS)
    assert nadir_reflectance(cube, strengths=strengths).equals(nadir_reflectance(cube))


def test_few_and_loud_pairs_leave_it_open() -> None:
    few, many_pairs = (fitted(view_pairs(both_sides(many(n), noise=0.2)))["red"] for n in (4, 80))
    assert few[1] > 0.3
    assert many_pairs[1] < few[1]
    assert 0 <= few[0] <= 3


@pytest.mark.parametrize("days", [many(1), many(20, every=20)])
def test_looks_from_one_side_or_far_apart_say_nothing(days: list[str]) -> None:
    pairs = view_pairs(both_sides(days))
    assert not len(pairs)
    assert fitted(pairs) == dict.fromkeys(BANDS, (1.0, 1.0))


def test_looks_from_the_same_side_are_no_pair() -> None:
    cube = both_sides(many(12)).isel(time=slice(None, None, 2))
    assert not len(view_pairs(cube))


def test_ground_that_is_not_green_and_products_made_nadir_say_nothing() -> None:
    cube = both_sides(many(10))
    assert not len(view_pairs(cube.assign(red=cube["nir08"])))
    assert not len(view_pairs(both_sides(many(10), sensor="hls-s30")))


def test_a_look_under_clouds_is_passed_over() -> None:
    cube = both_sides(many(4, every=3))
    for band in BANDS:
        cube[band].values[1] = np.nan
    pairs = view_pairs(cube)
    assert [(e.day, x.day) for e, x in zip(pairs["earlier"], pairs["later"], strict=True)] == [(1, 10), (7, 10)]


def test_a_pair_of_several_samples_is_one_pair() -> None:
    part = view_pairs(both_sides(many(20), noise=0.02))
    once, thrice = fitted(part), fitted(part, part, part)
    for band in BANDS:
        assert once[band] == pytest.approx(thrice[band], rel=1e-6)


def test_a_cloud_that_was_missed_has_no_vote() -> None:
    cube = both_sides(many(30), noise=0.005)
    cube["nir08"].values[7] *= 1.5
    strength, error = fitted(view_pairs(cube))["nir08"]
    assert abs(strength - TRUE["nir08"]) < 3 * error


def test_looks_without_angles_are_refused() -> None:
    with pytest.raises(ContractError, match="no sun and view angles"):
        view_pairs(both_sides(many(4)).drop_vars("view_zenith"))
