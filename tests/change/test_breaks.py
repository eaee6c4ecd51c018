"""Breaks: planted ones are found where they are, and what is no break is not called one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from habitat.change import breaks as breaks_module
from habitat.change._fitting import absorb, design, refit
from habitat.change._lanes import load, rows_of, store, total
from habitat.change._state import COEFFICIENTS, GRAM, HEAD, ORIGIN, ROWS, WHITENING, pack, unpack
from habitat.change.bands import SWIR22_OF_SWIR16, with_all_bands
from habitat.change.breaks import (
    BreakRules,
    find_breaks,
    looks_of,
    new_states,
    take_in,
)
from habitat.cubes import BANDS
from habitat.errors import ContractError
from habitat.grids.compiling import compiled_part
from tests.change.series import CLEARED, changed, every_days, forest, single

DAYS = every_days(16, 8)
CHANGES = [f"change_{band}" for band in BANDS]


@compiled_part
def fit(states, days, looks, work):  # type: ignore[no-untyped-def]
    """Take looks (time, LANES) into the first state, and solve."""
    state, rows, bench = rows_of(states, 0), rows_of(looks, 0), rows_of(work, 0)
    for t in range(len(days)):
        design(state, days[t], bench)
        absorb(state, rows, t, np.float32(1), bench)
    refit(state, bench)


@compiled_part
def sum_of_rows(array):  # type: ignore[no-untyped-def]
    rows = rows_of(array, 0)
    store(rows, 2, load(rows, 0) - np.float32(2) * load(rows, 1) + load(rows, 0) * load(rows, 1))
    rows[0, 3] = rows[0, 3] + np.float32(1)
    return total(load(rows, 2))


def test_rows_of_eight_add_multiply_and_sum() -> None:
    rows = np.arange(24, dtype=np.float32).reshape(3, 8)
    expected = rows[0] - 2 * rows[1] + rows[0] * rows[1]
    assert sum_of_rows(rows) == expected.sum()
    np.testing.assert_array_equal(rows[2], expected)
    assert rows[0, 3] == 4


def test_the_model_is_the_ridge_regression_of_all_bands() -> None:
    days = DAYS[:60]
    looks = np.zeros((60, 8), np.float32)
    looks[:, :6] = forest(days, 1, 0)[:, :, 0, 0]
    states = new_states(1)
    states[0, HEAD, ORIGIN] = 400
    work = breaks_module.bench_with_prior(0, 0)
    fit(states, days.astype(np.float32), looks, work)

    turn = 2 * np.pi * days / 365.2425
    waves = [wave(n * turn) for n in (1, 2, 3) for wave in (np.cos, np.sin)]
    x = np.stack([np.ones(60), (days - 400) / 365.2425, *waves], axis=1)
    y = looks[:, :6].astype(float)
    ridge = np.diag(breaks_module.RIDGE)
    expected = np.linalg.solve(x.T @ x + ridge, x.T @ y)
    np.testing.assert_allclose(states[0, COEFFICIENTS : COEFFICIENTS + 8, :6], expected, atol=2e-5)
    np.testing.assert_allclose(states[0, GRAM : GRAM + 8], x.T @ x, atol=1e-3)

    factor = np.linalg.cholesky(x.T @ x + ridge)
    decided = np.sum((np.diag(factor) ** 2 - np.diag(ridge)) / np.diag(factor) ** 2)
    rest = y - x @ expected
    usual = np.diag(np.array(breaks_module.USUAL_SPREAD) ** 2)
    spread = (rest.T @ rest + 6 * usual) / (60 - decided + 6) + np.eye(6) * breaks_module.LEAST_SPREAD**2
    whitening = states[0, WHITENING : WHITENING + 6, :6].T.astype(float)
    np.testing.assert_allclose(whitening @ spread @ whitening.T, np.eye(6), atol=2e-3)


def test_a_removal_is_found_between_the_looks_that_hold_it_with_its_size() -> None:
    since = 1700.0
    looks = forest(DAYS, 40, 1)
    looks[..., ::2] = changed(looks, DAYS, since)[..., ::2]
    found = find_breaks(DAYS, single(looks))
    assert found["column"].tolist() == list(range(0, 40, 2))
    assert ((found["after_day"] < since) & (since <= found["by_day"])).mean() >= 0.9
    assert found["by_day"].between(since - 16, since + 32).all()
    assert (found["confirmed_day"] <= since + 10 * 16).all()
    assert found["returned_day"].isna().all()
    np.testing.assert_allclose(found[CHANGES].mean(), CLEARED, atol=0.01)
    assert (found["probability"] > 0.9).all()


def test_forest_that_only_follows_the_seasons_has_no_break() -> None:
    assert len(find_breaks(DAYS, single(forest(DAYS, 2000, 2)))) == 0


def test_a_fifth_of_the_canopy_is_seen_where_looks_are_many() -> None:
    days = every_days(8, 6)
    found = find_breaks(days, single(changed(forest(days, 50, 3), days, 1200, share=0.3)))
    assert len(set(found["column"])) >= 45


def test_what_has_lasted_half_a_year_is_believed_on_less_evidence() -> None:
    days = every_days(8, 8)
    dry = changed(forest(days, 60, 12), days, 1250, 1310, share=0.4)
    thin = changed(forest(days, 60, 12), days, 1250, share=0.4)
    weak = BreakRules(prompt_false_alarms=1e-90)
    assert len(find_breaks(days, single(dry), rules=weak)) == 0
    later = find_breaks(days, single(thin), rules=weak)
    assert later["column"].nunique() >= 55
    assert (later["confirmed_day"] - later["by_day"] >= 180).all()
    at_once = find_breaks(days, single(thin), rules=BreakRules(prompt_false_alarms=1e-13))
    assert (at_once["confirmed_day"] - at_once["by_day"] < 180).all()


def test_two_removals_are_two_breaks() -> None:
    looks = changed(forest(DAYS, 5, 4), DAYS, 900, 1900)
    looks = changed(looks, DAYS, 1900, share=0.1)  # grown back at once, nearly
    found = find_breaks(DAYS, single(looks))
    assert found.groupby("column").size().tolist() == [2] * 5
    assert found["row"].eq(0).all()


def test_clouds_that_the_mask_missed_are_no_break() -> None:
    looks = forest(DAYS, 500, 5)
    rng = np.random.default_rng(5)
    cloudy = rng.random((len(DAYS), 1, 1, 500)) < 0.08
    assert len(find_breaks(DAYS, single(looks + cloudy * rng.uniform(0.05, 0.5, cloudy.shape)))) <= 2


def test_a_drought_is_marked_as_returned() -> None:
    days = every_days(8, 8)
    looks = changed(forest(days, 30, 6), days, 1250, 1340, share=0.5)  # a summer's three months
    found = find_breaks(days, single(looks))
    assert len(found) == 30
    assert found["returned_day"].between(1340, 1340 + 500).all()
    assert (found["probability"] < 0.2).all()


def test_a_look_without_one_of_its_bands_is_not_seen() -> None:
    looks = single(changed(forest(DAYS, 8, 7), DAYS, 1500))
    holes = looks.copy()
    holes[::3, 4] = np.nan
    fewer = np.delete(looks, np.s_[::3], axis=0)
    pd.testing.assert_frame_equal(find_breaks(DAYS, holes), find_breaks(np.delete(DAYS, np.s_[::3]), fewer))
    assert len(find_breaks(DAYS, np.full_like(looks, np.nan))) == 0


def test_neither_neighbours_nor_threads_nor_chunks_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = single(changed(forest(DAYS, 150, 8), DAYS, 1500))
    together = find_breaks(DAYS, looks)
    monkeypatch.setattr(breaks_module, "CHUNK", 70)
    pd.testing.assert_frame_equal(find_breaks(DAYS, looks, workers=3), together)
    alone = find_breaks(DAYS, looks[..., 149:])
    pd.testing.assert_frame_equal(
        alone.drop(columns="column"), together[together["column"] == 149].drop(columns="column").reset_index(drop=True)
    )


def test_pixels_keep_their_rows_and_columns() -> None:
    looks = forest(DAYS, 12, 9).reshape(len(DAYS), 6, 3, 4)
    looks[:, :, 2, 1] = changed(looks[:, :, 2:, 1:2], DAYS, 1500)[:, :, 0, 0]
    found = find_breaks(DAYS, single(looks))
    assert found[["row", "column"]].to_numpy().tolist() == [[2, 1]]


def test_packed_states_lose_nothing_that_counts() -> None:
    looks = single(changed(forest(DAYS, 40, 10), DAYS, 2800)).reshape(len(DAYS), 6, 40)
    whole, half = new_states(40), new_states(40)
    take_in(whole, DAYS, looks, rules=BreakRules())
    middle = len(DAYS) - 4
    take_in(half, DAYS[:middle], looks[:middle], rules=BreakRules())
    half = unpack(*pack(half))
    take_in(half, DAYS[middle:], looks[middle:].copy(), rules=BreakRules())
    assert half.shape == (40, ROWS, 8)
    for one, other in zip(pack(whole), pack(half), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(pack(whole)[1]) > 0


def test_a_stack_gives_its_looks_in_order_of_the_bands() -> None:
    times = np.array(["2000-01-02T12:00", "2000-02-01T00:00"], dtype="datetime64[ns]")
    layers = {band: (("time", "y", "x"), np.full((2, 1, 1), i / 10, np.float32)) for i, band in enumerate(BANDS)}
    quality = (("time", "y", "x"), np.zeros((2, 1, 1), np.uint8))
    stack = xr.Dataset(layers | {"quality": quality}, coords={"time": times})
    days, values = looks_of(stack)
    assert days.tolist() == [1.5, 31.0]
    np.testing.assert_allclose(values[0, :, 0, 0], np.arange(6) / 10)
    with pytest.raises(ContractError, match="'swir22' is missing"):
        looks_of(stack.drop_vars("swir22"))


@pytest.mark.parametrize(
    ("days", "shape", "why"),
    [
        (DAYS[::-1], (len(DAYS), 6, 1, 1), "do not ascend"),
        (DAYS, (len(DAYS), 5, 1, 1), "have shape"),
        (DAYS, (6, len(DAYS), 1, 1), "have shape"),
        (np.where(DAYS > 99, np.nan, DAYS), (len(DAYS), 6, 1, 1), "do not ascend"),
    ],
)
def test_looks_that_do_not_fit_are_refused(days: np.ndarray, shape: tuple[int, ...], why: str) -> None:
    with pytest.raises(ContractError, match=why):
        find_breaks(days, np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    "wrong",
    [{"min_looks": 25}, {"min_looks": 7}, {"min_days": 0.0}, {"false_alarms": 0.0}, {"prompt_false_alarms": 1.0}],
)
def test_rules_that_no_model_can_keep_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ContractError, match="a model needs 8 to 24 looks"):
        BreakRules(**wrong)  # type: ignore[arg-type]


def test_short_models_leave_room_for_all_events() -> None:
    rng = np.random.default_rng(11)
    looks = single(forest(DAYS, 64, 11) + np.repeat(rng.normal(0, 0.2, (19, 1, 1, 64)), 10, axis=0)[: len(DAYS)])
    soon = BreakRules(false_alarms=1e-13, prompt_false_alarms=1e-13, confirmations=2, confirm_days=1.0)
    found = find_breaks(DAYS, looks, rules=replace(soon, min_looks=8, min_days=60.0))
    assert len(found) > 64


def test_swir16_stands_in_for_swir22_and_nothing_for_other_bands() -> None:
    values = np.full((2, 1, 1), 0.2, np.float32)
    coords = {"time": np.array(["2020-01-01", "2020-02-01"], "datetime64[ns]"), "y": [0.0], "x": [0.0]}
    stack = xr.Dataset(dict.fromkeys(BANDS, (("time", "y", "x"), values)), coords=coords)
    assert with_all_bands(stack) is stack
    lacking = with_all_bands(stack.drop_vars("swir22"))
    assert np.allclose(lacking["swir22"], 0.2 * SWIR22_OF_SWIR16)
    with pytest.raises(ContractError, match="band 'red' is missing"):
        with_all_bands(stack.drop_vars("red"))
