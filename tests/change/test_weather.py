"""Weather moves a forest as one and is taken out; losses move a few pixels, or all of them by more, and stay."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from habitat.change import find_losses, learn_weather, without_odd_years, without_weather
from habitat.change.breaks import USUAL_SPREAD
from habitat.change.weather import HALO, LAST_YEAR, LASTS, NODE, YEAR_LIMIT
from habitat.errors import ContractError
from tests.change.series import CLEARED, changed, every_days, forest, single

DAYS = every_days(16, 8)
DRY = (DAYS > 1250) & (DAYS < 1400)
SIDE = 40


def _forest(seed: int) -> np.ndarray:
    return forest(DAYS, SIDE * SIDE, seed).reshape(len(DAYS), 6, SIDE, SIDE)


ALL = np.ones((SIDE, SIDE), bool)


def test_what_befalls_the_whole_forest_for_a_summer_is_taken_out() -> None:
    calm = _forest(1)
    dry = calm + (DRY[:, None] * 1.2 * np.array(USUAL_SPREAD))[:, :, None, None]
    left = (without_weather(DAYS, single(dry), ALL) - calm)[DRY].mean(axis=(0, 2, 3))
    assert (np.abs(left) < 0.35 * np.array(USUAL_SPREAD)).all(), "a fifth of it stays in the seasons of eight years"


def test_a_loss_of_a_few_pixels_stays_and_calm_looks_stay_as_they_are() -> None:
    looks = _forest(2)
    cut = looks.copy()
    cut[:, :, 10:14, 20:25] = changed(looks, DAYS, 1500)[:, :, 10:14, 20:25]
    levelled = without_weather(DAYS, single(cut), ALL)
    gone = (levelled - looks)[DAYS >= 1500][:, :, 10:14, 20:25].mean(axis=(0, 2, 3))
    np.testing.assert_allclose(gone, CLEARED, atol=0.15 * np.abs(CLEARED).min() + 0.002)
    assert np.abs(levelled - cut).std() < 0.3 * min(USUAL_SPREAD)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.35])
def test_a_loss_larger_than_the_surroundings_is_no_weather(share: float) -> None:
    looks = _forest(3)
    fallen = looks + share * (changed(looks, DAYS, 2000) - looks)
    levelled = without_weather(DAYS, single(fallen), ALL)
    before, after = ((levelled - looks)[when].mean(axis=(0, 2, 3)) for when in (DAYS < 2000, DAYS >= 2000))
    np.testing.assert_allclose(after - before, share * np.array(CLEARED), rtol=0.12, atol=0.002)
    assert len(find_losses(DAYS, single(fallen), ALL)) > 0.9 * SIDE**2


def test_a_look_is_levelled_by_the_median_of_how_far_the_forest_around_strays() -> None:
    looks = single(_forest(4)[:, :, :4, :10])  # 40 pixels: all of them are the sample of the only node
    looks[3, :, 0, :5] = np.nan
    turn = 2 * np.pi * DAYS / 365.2425
    x = np.stack([np.ones(len(DAYS)), np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], axis=1)
    off = np.empty((len(DAYS), 40))
    for pixel in range(40):
        y = looks[:, 4].reshape(len(DAYS), 40)[:, pixel].astype(float)
        seen = np.isfinite(y)
        terms = np.linalg.solve(x[seen].T @ x[seen] + 0.3 * np.eye(5), x[seen].T @ y[seen])
        off[:, pixel] = y - x @ terms
    levelled = without_weather(DAYS, looks, np.ones((4, 10), bool))
    middle = np.nanmedian(off, axis=1)
    lasts = np.array([np.median(middle[np.abs(DAYS - day) <= LASTS]) for day in DAYS])
    trust = np.where(np.arange(len(DAYS)) == 3, 35 / 45, 40 / 50)  # ten pixels speak for no weather
    expected = looks[:, 4] - (trust * (middle - lasts))[:, None, None]
    np.testing.assert_allclose(levelled[:, 4], expected, atol=2e-5)
    assert np.isnan(levelled[3, :, 0, :5]).all()


def test_where_there_is_no_forest_or_hardly_any_nothing_is_taken_out() -> None:
    looks = single(_forest(5)[:, :, :8, :8])
    few = np.zeros((8, 8), bool)
    np.testing.assert_array_equal(without_weather(DAYS, looks, few), looks)
    few[:2] = True
    np.testing.assert_array_equal(without_weather(DAYS, looks, few), looks)
    with pytest.raises(ContractError, match="forest has shape"):
        without_weather(DAYS, looks, ALL)


def test_weather_of_a_part_is_that_of_the_whole() -> None:
    looks = single(_forest(7).repeat(3, axis=2).repeat(3, axis=3))  # 120 pixels a side
    kinds = np.random.default_rng(7).random(looks.shape[2:]) < 0.7
    whole = learn_weather(DAYS, looks, kinds)
    block = slice(3 * NODE, 5 * NODE)
    rows, cols = slice(block.start - HALO, block.stop + HALO), slice(block.start - HALO - 3, block.stop + HALO)
    part = learn_weather(DAYS, looks[:, :, rows, cols], kinds[rows, cols], corner=(rows.start, cols.start))
    for time in (0, 50, len(DAYS) - 1):
        expected = whole.at(time)[:, block, block]
        assert np.abs(expected).max() > 1e-4
        np.testing.assert_allclose(part.at(time)[:, HALO:-HALO, HALO + 3 : -HALO], expected, atol=1e-6)


def test_a_year_that_is_off_for_all_is_levelled_and_a_clearing_stays() -> None:
    rng = np.random.default_rng(8)
    truth = np.full((6, 40, 40), 0.3, np.float32)
    truth[3:, 10:14, 10:14] = 0.15
    off = np.array([0, 0.02, -0.05, 0.04, 0, 0.3], np.float32)
    seen = truth + off[:, None, None] + rng.normal(0, 0.003, truth.shape).astype(np.float32)
    seen[1, 30:] = np.nan
    cube = xr.Dataset({"nir08": (("year", "y", "x"), seen)}, coords={"year": range(2015, 2021)})
    levelled = without_odd_years(cube, ALL)["nir08"].to_numpy()
    rest = levelled[:, 20:, 20:].mean(axis=(1, 2), where=np.isfinite(levelled[:, 20:, 20:]))
    np.testing.assert_allclose(rest[:5], 0.3 + np.median(off), atol=0.008, err_msg="a tenth of it stays")
    limit = LAST_YEAR * YEAR_LIMIT * USUAL_SPREAD[3]
    np.testing.assert_allclose(rest[5], 0.3 + 0.3 - limit, atol=0.006, err_msg="more than weather does is no weather")
    fall = levelled[:3, 10:14, 10:14].mean() - levelled[3:5, 10:14, 10:14].mean()
    assert fall == pytest.approx(0.15, abs=0.012)
    assert np.isnan(levelled[1, 30:]).all()
    few = np.zeros((40, 40), bool)
    np.testing.assert_array_equal(without_odd_years(cube, few)["nir08"].to_numpy(), seen)


@pytest.mark.parametrize("year", [3, 5, 8])
def test_a_year_takes_no_lasting_loss_for_weather_however_large(year: int) -> None:
    rng = np.random.default_rng(9)
    seen = 0.3 + rng.normal(0, 0.01, (10, 1, 1)) + rng.normal(0, 0.003, (10, 40, 40))
    seen[year:] -= 0.12
    cube = xr.Dataset({"nir08": (("year", "y", "x"), seen.astype(np.float32))}, coords={"year": range(2015, 2025)})
    levelled = without_odd_years(cube, ALL)["nir08"].to_numpy()
    fall = levelled[:year].mean() - levelled[year:].mean()
    assert fall == pytest.approx(0.12, abs=0.012)
    assert levelled[:year].mean(axis=(1, 2)).std() < 0.6 * seen[:year].mean(axis=(1, 2)).std()


def test_losses_are_found_in_forest_alone_at_their_place_through_a_drought() -> None:
    looks = _forest(6)
    looks[:, :, 5:9, 30:] = changed(looks, DAYS, 1800)[:, :, 5:9, 30:]
    looks += (DRY[:, None] * 1.5 * np.array(USUAL_SPREAD))[:, :, None, None]
    woods = ALL.copy()
    woods[:, 35:] = False
    found = find_losses(DAYS, single(looks), woods)
    places = set(zip(found["row"], found["column"], strict=True))
    assert places == {(row, column) for row in range(5, 9) for column in range(30, 35)}
    assert (found["probability"] > 0.75).all()
    two = find_losses(DAYS, single(looks), woods, workers=2)
    assert two.equals(found)
