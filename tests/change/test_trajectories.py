"""Segments of yearly series: what is found, what is left alone, and that the search is the best there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from habitat.change import (
    TrajectorySettings,
    find_episodes,
    fit_trajectories,
    regrowth_year,
    select_episode,
    yearly_noise,
)
from habitat.errors import ContractError, EstimationError

YEARS = np.arange(2001, 2021)


def cube_of(*series: object, years: np.ndarray = YEARS) -> xr.Dataset:
    """A cube of one row of pixels, a band of each argument (pixel, year)."""
    bands = {f"band{k}": (("year", "y", "x"), np.float32(values).T[:, None, :]) for k, values in enumerate(series)}
    return xr.Dataset(bands, coords={"year": years})


def noisy(rng: np.random.Generator, lines: np.ndarray, sd: float = 0.02) -> np.ndarray:
    return lines + rng.normal(0, sd, lines.shape)


def least_squares_left(values: np.ndarray, breaks: tuple[int, ...], fewest_sloping: int = 3) -> float:
    """Sum of squares that numpy's own lines leave over (year,), broken before each of `breaks`."""
    left = 0.0
    for part in np.split(np.arange(len(values)), breaks):
        degree = 1 if len(part) >= fewest_sloping else 0
        left += float(((values[part] - np.polyval(np.polyfit(part, values[part], degree), part)) ** 2).sum())
    return left


def test_a_clearing_and_the_regrowth_after_it_are_told_with_years_and_sizes() -> None:
    line = np.where(YEARS < 2009, 0.7, 0.2 + 0.03 * (YEARS - 2009))
    fit = fit_trajectories(cube_of(noisy(np.random.default_rng(1), np.tile(line, (50, 1)))), noise=np.array([[4e-4]]))
    assert (fit["segments"] == 2).mean() > 0.9
    episodes = find_episodes(fit, index="band0")
    lost, back = select_episode(episodes, "greatest"), select_episode(episodes, "greatest", kind="recovery")
    assert (lost["year"] == 2009).all()
    assert lost["abrupt"].all()
    assert float(lost["duration_years"].median()) == 1
    assert float(lost["before"].mean()) == pytest.approx(0.7, abs=0.01)
    assert float(lost["after"].mean()) == pytest.approx(0.2, abs=0.02)
    assert float(lost["magnitude"].mean()) == pytest.approx(-0.5, abs=0.02)
    assert (back["year"] == 2010).mean() > 0.9
    assert float(back["rate"].mean()) == pytest.approx(0.03, abs=0.003)
    assert float(back["duration_years"].median()) == 11


def test_every_disturbance_is_kept_and_the_first_greatest_and_latest_can_be_asked_for() -> None:
    line = np.select([YEARS < 2005, YEARS < 2010, YEARS < 2015], [0.8, 0.6, 0.2], 0.05)
    episodes = find_episodes(fit_trajectories(cube_of(line[None]), noise=np.array([[1e-4]])), index="band0")
    assert episodes["year"].values[:, 0, 0].tolist() == [2005, 2010, 2015, 0]
    assert [int(select_episode(episodes, which)["year"][0, 0]) for which in ("first", "greatest", "latest")] == [
        2005,
        2010,
        2015,
    ]
    two = find_episodes(fit_trajectories(cube_of(line[None]), noise=np.array([[1e-4]])), index="band0", most_episodes=2)
    assert two["year"].values[:, 0, 0].tolist() == [2005, 2010]


def test_a_slow_decline_is_one_disturbance_that_lasts() -> None:
    line = np.interp(YEARS, [2001, 2008, 2012, 2020], [0.8, 0.8, 0.4, 0.4])
    fit = fit_trajectories(cube_of(noisy(np.random.default_rng(2), np.tile(line, (50, 1)), 0.01)), noise=[[1e-4]])
    lost = select_episode(find_episodes(fit, index="band0"), "greatest")
    assert (~lost["abrupt"]).mean() > 0.9
    assert float(lost["duration_years"].median()) in (3, 4)
    assert float(abs(lost["year"] - 2009.0).max()) <= 1


@pytest.mark.parametrize("bands", [1, 4])
def test_noise_alone_is_divided_as_often_as_the_settings_say(bands: int) -> None:
    rng = np.random.default_rng(3)
    covariance = 0.0004 * (0.5 + 0.5 * np.eye(bands))
    values = np.moveaxis(rng.multivariate_normal(np.full(bands, 0.5), covariance, (20_000, 20)), -1, 0)
    values[:, rng.random(values.shape[1:]) < 0.2] = np.nan
    for rate in (0.01, 0.05):
        fit = fit_trajectories(cube_of(*values), noise=covariance, settings=TrajectorySettings(rate))
        assert float((fit["segments"] > 1).mean()) == pytest.approx(rate, rel=0.25)
        assert float((fit["p_value"] <= rate).mean()) == pytest.approx(rate, rel=0.25)


def test_the_division_is_the_best_of_all_there_are() -> None:
    rng = np.random.default_rng(4)
    years = np.arange(2010, 2020)
    series = np.cumsum(rng.normal(0, 1, (30, 10)), axis=1)
    # no penalty worth the name: as many segments as explain best
    settings = TrajectorySettings(0.9999, max_segments=3, spike_excess=np.inf)
    fit = fit_trajectories(cube_of(series, years=years), noise=np.eye(1), settings=settings)
    for pixel, values in enumerate(series):
        count = int(fit["segments"][0, pixel])
        begins = fit["first_year"].values[1:count, 0, pixel] - 2010
        ways = [
            breaks
            for breaks in itertools.combinations(range(1, 10), count - 1)
            if all(b - a >= 2 for a, b in itertools.pairwise(breaks))
        ]
        best = min(least_squares_left(values, breaks) for breaks in ways)
        assert least_squares_left(values, tuple(begins)) == pytest.approx(best, rel=1e-4)
        assert float(fit["spread"][0, pixel]) == pytest.approx(np.sqrt(best / 10), rel=1e-3)


def test_fitted_values_are_those_of_ordinary_least_squares() -> None:
    line = np.where(YEARS < 2012, 0.6, 0.1 + 0.02 * (YEARS - 2012))
    values = noisy(np.random.default_rng(5), line[None], 0.01)
    fit = fit_trajectories(cube_of(values), noise=[[1e-4]])
    part = YEARS >= 2012
    expected = np.polyval(np.polyfit(YEARS[part], values[0, part], 1), [2012, 2020])
    assert fit["start"].values[0, 1, 0, 0] == pytest.approx(expected[0], abs=1e-4)
    assert fit["end"].values[0, 1, 0, 0] == pytest.approx(expected[1], abs=1e-4)


def test_bands_are_fitted_together_in_their_own_units_whatever_their_scale_and_correlation() -> None:
    rng = np.random.default_rng(6)
    covariance = np.array([[1e-4, 5e-2], [5e-2, 100.0]])
    noise = np.moveaxis(rng.multivariate_normal([0, 0], covariance, (40, 20)), -1, 0)
    one = np.where(YEARS < 2010, 0.5, 0.3) + noise[0]
    other = np.where(YEARS < 2010, 3000, 3300) + noise[1]
    fit = fit_trajectories(cube_of(one, other), noise=covariance)
    assert (fit["first_year"][1] == 2010).mean() > 0.9
    assert fit["end"].values[:, 0, 0].mean(axis=-1) == pytest.approx([0.5, 3000], rel=0.05)
    assert fit["start"].values[:, 1, 0].mean(axis=-1) == pytest.approx([0.3, 3300], rel=0.05)


def test_unseen_years_call_nothing_and_a_loss_shows_in_the_first_year_seen() -> None:
    line = np.where(YEARS < 2009, 0.7, 0.2).astype(float)
    gap = line.copy()
    gap[(YEARS >= 2008) & (YEARS <= 2010)] = np.nan
    few = np.where(YEARS < 2004, line, np.nan)
    fit = fit_trajectories(cube_of([line, gap, few, np.full(20, np.nan)]), noise=[[1e-4]])
    episodes = find_episodes(fit, index="band0")
    assert episodes["year"].values[0, 0].tolist() == [2009, 2011, 0, 0]
    assert float(episodes["duration_years"][0, 0, 1]) == 4
    assert fit["segments"].values[0].tolist() == [2, 2, 1, 0]
    assert fit["seen_years"].values[0].tolist() == [20, 17, 3, 0]
    assert np.isnan(fit["p_value"].values[0]).tolist() == [False, False, True, True]
    assert episodes["last_year"].values[0].tolist() == [2020, 2020, 2003, 0]


def test_a_year_is_seen_where_all_its_bands_are() -> None:
    one, other = np.full(20, 0.5), np.full(20, 0.5)
    other[3] = np.nan
    assert int(fit_trajectories(cube_of(one[None], other[None]), noise=np.eye(2))["seen_years"][0, 0]) == 19


def test_a_year_of_cloud_is_left_out_but_a_loss_in_the_last_year_is_not() -> None:
    spike, last = np.full(20, 0.7), np.full(20, 0.7)
    spike[8], last[19] = 0.2, 0.2
    fit = fit_trajectories(cube_of([spike, last]), noise=[[1e-4]])
    assert fit["segments"].values[0].tolist() == [1, 2]
    assert fit["seen_years"].values[0].tolist() == [19, 20]
    assert int(fit["first_year"][1, 0, 1]) == 2020


def test_the_noise_of_a_year_is_told_in_spite_of_changes() -> None:
    rng = np.random.default_rng(7)
    covariance = np.array([[4e-4, 1e-4], [1e-4, 1e-4]])
    values = np.moveaxis(rng.multivariate_normal([0.5, 0.5], covariance, (4_000, 20)), -1, 0)
    values[:, :400, 10:] -= 0.4
    assert yearly_noise(np.swapaxes(values, 1, 2)) == pytest.approx(covariance, rel=0.1)


def test_blocks_give_the_same_as_the_whole() -> None:
    rng = np.random.default_rng(8)
    cube = cube_of(rng.normal(0.5, 0.1, (100, 20)), rng.normal(0.5, 0.1, (100, 20)))
    whole = fit_trajectories(cube, noise=np.eye(2) * 0.01)
    parts = [fit_trajectories(cube.isel(x=part), noise=np.eye(2) * 0.01) for part in (slice(0, 37), slice(37, 100))]
    xr.testing.assert_identical(xr.concat(parts, "x"), whole)


def test_cubes_that_are_not_yearly_are_refused() -> None:
    cube = cube_of(np.full((2, 20), 0.5))
    with pytest.raises(ContractError, match="choose one season"):
        fit_trajectories(cube.expand_dims(season=1))
    with pytest.raises(ContractError, match="do not ascend"):
        fit_trajectories(cube.isel(year=slice(None, None, -1)))
    with pytest.raises(EstimationError, match="38 pairs"):
        fit_trajectories(cube)
    with pytest.raises(ContractError, match="nbr"):
        find_episodes(fit_trajectories(cube, noise=[[1e-4]]))


def test_the_year_in_which_most_is_regained_is_read_off_the_fitted_line() -> None:
    # 0.5 lost in 2006; 80% of it is back at 0.6, which 0.2 + 0.04 a year reaches ten years later
    back = np.where(YEARS < 2006, 0.7, 0.2 + 0.04 * (YEARS - 2006))
    at_once = np.select([YEARS < 2006, YEARS < 2012], [0.7, 0.2], 0.65)
    never = np.where(YEARS < 2006, 0.7, 0.2)
    fit = fit_trajectories(cube_of([back, at_once, never, np.full(20, 0.7)]), noise=np.array([[1e-4]]))
    lost = select_episode(find_episodes(fit, index="band0"), "greatest")
    assert regrowth_year(fit, lost, index="band0").values[0].tolist() == [2016, 2012, 0, 0]
    assert regrowth_year(fit, lost, index="band0", share=0.4).values[0].tolist() == [2011, 2012, 0, 0]
