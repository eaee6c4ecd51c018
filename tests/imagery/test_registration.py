"""Shifts between looks: ground of random fields, drawn finer than a pixel and moved by known metres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import ndimage

from habitat.cubes import Quality
from habitat.errors import ContractError
from habitat.imagery import combine_shifts, estimate_shifts, significant_shifts
from imagery.stacks import SIDE_M, stack

FINE_M = 4
SIDE = 72
PER = SIDE_M // FINE_M
ROOM = 10 * PER
"""Fine pixels around, so that moved ground does not end."""


def fields(seed: int = 1) -> np.ndarray:
    """Fine ground of patches with sharp edges, each its own number from 0 to 11."""
    size = SIDE * PER + 2 * ROOM
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), 5 * PER)
    return np.digitize(noise, np.quantile(noise, np.linspace(0, 1, 13)[1:-1]))


def seen(ground: np.ndarray, shift_m: tuple[float, float]) -> np.ndarray:
    """A look of 20 m at fine ground that lies too far east and north by `shift_m`."""
    east, north = shift_m
    moved = ndimage.shift(ground.astype(float), (-north / FINE_M, east / FINE_M), order=1)
    inner = moved[ROOM:-ROOM, ROOM:-ROOM]
    return inner.reshape(SIDE, PER, SIDE, PER).mean(axis=(1, 3))


def series(shifts_m: Sequence[tuple[float, float]], **changes: np.ndarray) -> xr.Dataset:
    """A look of one summer every second day, each field with its own reflectance, each look with its own shift."""
    rng = np.random.default_rng(2)
    ground = fields()
    bands = {}
    for band in ("red", "nir08"):
        of_field = rng.uniform(0.05, 0.4, 12)[ground]
        looks = np.stack([seen(of_field, shift) for shift in shifts_m])
        bands[band] = looks + 0.003 * rng.standard_normal(looks.shape)
    days = (np.datetime64("2020-06-01") + 2 * np.arange(len(shifts_m))).astype(str).tolist()
    return stack(days, np.zeros(bands["red"].shape, dtype=np.uint8), **(bands | changes))


SHIFTS = [(0.0, 0.0)] * 6 + [(12.0, -5.0), (-7.0, 9.0), (0.0, 20.0)]


def test_known_shifts_are_found_within_half_a_metre_and_their_sides_are_not_mixed_up() -> None:
    found = estimate_shifts(series(SHIFTS))
    assert np.abs(found[["east_m", "north_m"]].to_numpy() - np.array(SHIFTS)).max() < 0.5
    assert (found["pixels"] > 1000).all()


def test_the_standard_error_covers_what_is_wrong() -> None:
    found = estimate_shifts(series(SHIFTS))
    wrong = np.abs(found[["east_m", "north_m"]].to_numpy() - np.array(SHIFTS))
    errors = found[["east_se_m", "north_se_m"]].to_numpy()
    assert (wrong <= 3 * errors).mean() > 0.9
    assert errors.max() < 1


def test_a_look_whose_contrast_is_turned_round_lies_where_it_lay() -> None:
    cube = series(SHIFTS)
    cube["nir08"].values[7] = 0.45 - cube["nir08"].values[7]
    found = estimate_shifts(cube)
    assert found.loc[7, ["east_m", "north_m"]].to_numpy(float) == pytest.approx(SHIFTS[7], abs=0.5)


def test_ground_that_was_cleared_does_not_pull_the_look_along() -> None:
    cube = series(SHIFTS)
    for band in ("red", "nir08"):
        cube[band].values[8, 20:40, 20:50] = 0.3
    found = estimate_shifts(cube)
    assert found.loc[8, ["east_m", "north_m"]].to_numpy(float) == pytest.approx(SHIFTS[8], abs=0.7)


def test_clouds_are_left_out() -> None:
    cube = series(SHIFTS)
    cube["quality"].values[6, :40] = Quality.CLOUD
    for band in ("red", "nir08"):
        cube[band].values[6, :40] = np.random.default_rng(3).uniform(0.3, 0.9, (40, SIDE))
    found = estimate_shifts(cube)
    assert found.loc[6, ["east_m", "north_m"]].to_numpy(float) == pytest.approx(SHIFTS[6], abs=0.7)


def test_a_look_without_edges_or_without_clear_pixels_has_no_shift() -> None:
    cube = series(SHIFTS)
    cube["quality"].values[0] = Quality.CLOUD
    for band in ("red", "nir08"):
        cube[band].values[1] = 0.2
        cube[band].values[2] = 0.2 + 0.01 * np.random.default_rng(4).standard_normal((SIDE, SIDE))
    found = estimate_shifts(cube)
    assert found.loc[[0, 1, 2], ["east_m", "north_m", "east_se_m", "north_se_m"]].isna().all(axis=None)
    assert (found.loc[[0, 1, 2], "pixels"] == 0).all()
    assert found.loc[3:, "east_m"].notna().all()


def test_a_shadow_that_moves_with_the_season_is_not_taken_for_a_shift() -> None:
    shifts = [(0.0, 0.0)] * 16 + [(0.0, 9.0)] * 16  # sixteen looks of summer, sixteen of autumn, as edges seem to lie
    cube = series(shifts)
    days = np.datetime64("2020-06-01", "ns") + np.timedelta64(1, "D") * np.r_[np.arange(16), 100 + np.arange(16)]
    found = estimate_shifts(cube.assign_coords(time=days))
    assert found["north_m"].abs().max() < 1.5


def test_other_sensors_are_told_against_the_reference_sensor() -> None:
    cube = series([(0.0, 0.0)] * 6 + [(8.0, 8.0)] * 8)
    cube = cube.assign_coords(sensor=("time", ["sentinel-2"] * 6 + ["landsat"] * 8))
    found = estimate_shifts(cube)
    assert found.groupby("sensor")["north_m"].median().to_dict() == pytest.approx(
        {"sentinel-2": 0, "landsat": 8}, abs=0.5
    )


def test_a_stack_without_any_of_the_bands_is_refused() -> None:
    cube = series(SHIFTS).rename(nir08="blue").drop_vars("red")
    with pytest.raises(ContractError, match="red, nir08, swir16"):
        estimate_shifts(cube)


def table(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    """Estimates of looks, one a day."""
    frame = pd.DataFrame(rows, columns=["east_m", "north_m", "east_se_m", "north_se_m"])
    time = pd.date_range("2020-06-01", periods=len(rows))
    return frame.assign(scene=[f"S{k}" for k in range(len(rows))], sensor="sentinel-2", time=time, pixels=200)


NAN = (np.nan,) * 4


def test_windows_weigh_by_their_standard_errors() -> None:
    both = combine_shifts([table((5.0, 1.0, 1.0, 1.0)), table((5.0, 1.0, 2.0, 1.0))])
    assert both.loc[0, ["east_m", "north_m"]].tolist() == [5.0, 1.0]
    assert both.loc[0, ["east_se_m", "north_se_m"]].tolist() == pytest.approx([(1 + 1 / 4) ** -0.5, 2**-0.5])
    assert both.loc[0, "pixels"] == 400


def test_a_window_that_differs_from_all_others_is_left_out() -> None:
    parts = [table((east, 0.0, 0.5, 0.5)) for east in (4.0, 4.2, 3.8, 4.0, 40.0)]
    assert combine_shifts(parts).loc[0, "east_m"] == pytest.approx(4.0, abs=0.01)


def test_windows_that_can_not_tell_have_no_say() -> None:
    both = combine_shifts([table(NAN, NAN), table((3.0, 4.0, 1.0, 1.0), NAN)])
    assert both["east_m"].tolist() == pytest.approx([3.0, np.nan], nan_ok=True)
    assert both["scene"].tolist() == ["S0", "S1"]


def test_only_shifts_of_a_third_of_a_pixel_and_two_standard_errors_are_kept() -> None:
    kept = significant_shifts(
        table((7.0, 0.0, 1.0, 1.0), (6.0, 0.0, 1.0, 1.0), (5.0, 5.0, 1.0, 1.0), (7.0, 0.0, 4.0, 1.0), NAN),
        resolution_m=20,
    )
    assert kept["east_m"].tolist() == [7.0, 0.0, 5.0, 0.0, 0.0]
    assert kept["north_m"].tolist() == [0.0, 0.0, 5.0, 0.0, 0.0]
