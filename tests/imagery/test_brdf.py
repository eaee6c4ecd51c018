"""Views made nadir: kernels worked out by hand, a model given back, and what must stay as it is."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from habitat.cubes import BANDS
from habitat.errors import ContractError
from habitat.imagery import nadir_reflectance
from habitat.imagery.brdf import LOWEST_SUN_DEG, kernels
from habitat.sensors.anisotropy import WEIGHTS
from imagery.stacks import stack

NAMES = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")


def seen(
    angles: list[tuple[float, float, float, float]], sensors: list[str] | None = None, **bands: object
) -> xr.Dataset:
    """Looks with the same angles at all four nodes."""
    days = [f"2020-07-{day + 1:02d}" for day in range(len(angles))]
    cube = stack(days, **bands)
    nodes = {
        name: (("time", "node_y", "node_x"), np.float32([[[each[k]] * 2] * 2 for each in angles]))
        for k, name in enumerate(NAMES)
    }
    west, north = 500_000.0, 4_800_000.0 + 20 * cube.sizes["y"]
    return cube.assign_coords(
        sensor=("time", sensors or ["sentinel-2"] * len(angles)),
        scene=("time", [f"SCENE-{k}" for k in range(len(angles))]),
        node_y=[north, 4_800_000.0],
        node_x=[west, west + 20 * cube.sizes["x"]],
        **nodes,
    )


def modelled(band: str, sun: float, view: float, azimuth: float) -> float:
    volume, surface = kernels(np.array(sun), np.array(view), azimuth)
    weights = WEIGHTS[band]
    return float(weights[0] + weights[1] * volume + weights[2] * surface)


@pytest.mark.parametrize(
    ("sun", "view", "azimuth", "volume", "surface"),
    [
        (0, 0, 0, 0, 0),
        # phase 45: (pi/4 cos 45 + sin 45) / (1 + cos 45) - pi/4; cos t = 2 / (1 + sqrt 2), t = 0.5945
        (45, 0, 0, -0.0459, -1.1068),
        # the hot spot: phase 0, crowns hide their shadows: (pi/2) / (2 cos 30) - pi/4, and sec 30 ** 2 - sec 30
        (30, 30, 0, 0.1215, 0.1786),
    ],
)
def test_kernels_are_those_worked_out_by_hand(
    sun: float, view: float, azimuth: float, volume: float, surface: float
) -> None:
    made = kernels(np.array(float(sun)), np.array(float(view)), float(azimuth))
    assert made[0] == pytest.approx(volume, abs=2e-4)
    assert made[1] == pytest.approx(surface, abs=2e-3)


@given(st.floats(0, 70), st.floats(0, 60), st.floats(-360, 360))
def test_light_may_go_either_way(sun: float, view: float, azimuth: float) -> None:
    there, back = kernels(np.array(sun), np.array(view), azimuth), kernels(np.array(view), np.array(sun), -azimuth)
    assert np.allclose(there, back, atol=1e-6)


def test_what_the_model_says_of_any_view_becomes_what_it_says_from_above() -> None:
    bands = {band: modelled(band, 40, 10, 30) for band in BANDS}
    made = nadir_reflectance(seen([(40, 350, 10, 20)], **bands))  # 30 degrees apart, across north
    for band in BANDS:
        assert made[band].values[0, 0, 0] == pytest.approx(modelled(band, 40, 0, 0), rel=1e-5)
        assert made[band].dtype == np.float32
    assert made["nir08"].values[0, 0, 0] < bands["nir08"]  # the sun behind the sensor shows the lit sides


def test_another_sun_may_be_asked_for() -> None:
    made = nadir_reflectance(seen([(40, 150, 10, 105)], red=modelled("red", 40, 10, 45)), sun_zenith_deg=30)
    assert made["red"].values[0, 0, 0] == pytest.approx(modelled("red", 30, 0, 0), rel=1e-5)


def test_from_above_nothing_changes_at_any_sun() -> None:
    made = nadir_reflectance(seen([(20, 150, 0, 0), (82, 150, 0, 70)], red=0.1234, quality=3))
    assert np.allclose(made["red"].values, 0.1234, rtol=1e-6)
    assert (made["quality"].values == 3).all()


def test_a_sun_lower_than_the_model_knows_is_taken_for_the_lowest() -> None:
    low, lowest = (nadir_reflectance(seen([(sun, 150, 9, 285)], red=0.1)) for sun in (84, LOWEST_SUN_DEG))
    assert np.array_equal(low["red"].values, lowest["red"].values)


def test_the_factor_is_bilinear_between_nodes() -> None:
    cube = seen([(40, 150, 10, 105)], red=np.full((1, 4, 8), 0.1))
    for node in range(2):
        cube["view_zenith"].values[0, :, node] = (10, 2)[node]
    made = nadir_reflectance(cube)["red"].values[0]
    west, east = (0.1 * modelled("red", 40, 0, 0) / modelled("red", 40, view, 45) for view in (10, 2))
    shares = (np.arange(8) + 0.5) / 8
    assert np.allclose(made, west + (east - west) * shares, rtol=1e-6)


def test_pixels_of_every_cell_of_nodes_are_reached() -> None:
    cube = seen([(40, 150, 0, 105)], red=np.full((1, 6, 6), 0.1)).drop_vars([*NAMES, "node_x", "node_y"])
    x, y = (np.linspace(0, 120, n) for n in (4, 3))
    azimuth = np.float32(np.arange(12).reshape(1, 3, 4) * 10)
    same = {"sun_zenith": 40, "sun_azimuth": 150, "view_zenith": 9}
    nodes = {name: (("time", "node_y", "node_x"), np.full((1, 3, 4), v, np.float32)) for name, v in same.items()}
    nodes["view_azimuth"] = (("time", "node_y", "node_x"), azimuth)
    cube = cube.assign_coords(node_x=500_000 + x, node_y=4_800_120 - y, **nodes)
    factor = np.array(
        [[modelled("red", 40, 0, 0) / modelled("red", 40, 9, 150 - a) for a in row] for row in azimuth[0]]
    )
    centres = np.arange(6) * 20 + 10.0
    rows = np.array([np.interp(centres, x, row) for row in factor])
    expected = np.array([np.interp(centres, y, column) for column in rows.T]).T
    assert np.allclose(nadir_reflectance(cube)["red"].values[0], 0.1 * expected, rtol=1e-6)


def test_what_was_not_seen_stays_so() -> None:
    cube = seen([(40, 150, 10, 105)], red=np.full((1, 2, 2), 0.1))
    cube["red"].values[0, 1, 0] = np.nan
    made = nadir_reflectance(cube)["red"].values[0]
    assert np.isnan(made).tolist() == [[False, False], [True, False]]


def test_hls_is_the_same_in_every_bit_and_needs_no_angles() -> None:
    nan = float("nan")
    cube = seen([(nan,) * 4, (40, 150, 10, 105), (nan,) * 4], ["hls-s30", "landsat", "hls-l30"], red=0.1234)
    made = nadir_reflectance(cube)["red"].values
    assert np.array_equal(made[[0, 2]], cube["red"].values[[0, 2]])
    assert abs(made[1, 0, 0] - 0.1234) > 0.001
    alone = cube.isel(time=[0, 2]).drop_vars(NAMES)
    assert nadir_reflectance(alone).identical(alone)


def test_a_look_without_angles_is_named_with_its_mend() -> None:
    cube = seen([(40, 150, 10, 105), (40, 150, float("nan"), 105)], red=0.1)
    with pytest.raises(ContractError, match="scene SCENE-1: has no sun and view angles; index or fetch"):
        nadir_reflectance(cube)
    with pytest.raises(ContractError, match="scene SCENE-0: has no sun and view angles"):
        nadir_reflectance(cube.drop_vars(NAMES))


def test_nodes_that_do_not_reach_around_the_pixels_are_refused() -> None:
    cube = seen([(40, 150, 10, 105)], red=np.full((1, 2, 2), 0.1))
    with pytest.raises(ContractError, match="do not reach around"):
        nadir_reflectance(cube.assign_coords(node_x=[500_020.0, 500_040.0]))
