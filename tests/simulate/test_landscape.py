"""The landscape and its history: shares, dates, and one state for scenes and truth."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from habitat.simulate.area import Area
from habitat.simulate.classes import BURNT_GRASS, FOREST_COVER
from habitat.simulate.disturbance import make_history
from habitat.simulate.fields import block_mean
from habitat.simulate.history import History, regrowth
from habitat.simulate.landscape import make_landscape
from habitat.simulate.streams import Streams
from habitat.simulate.terrain import make_terrain
from habitat.simulate.truth import first_loss, tell_truth

YEARS = range(2016, 2026)


def _history(seed: int, size_km: float, years: range = YEARS) -> History:
    area, streams = Area.of_size(size_km), Streams(seed)
    return make_history(make_landscape(area, make_terrain(area, streams), streams), years, streams)


@pytest.fixture(scope="module")
def history() -> History:
    return _history(0, 1.8)


@pytest.mark.parametrize("seed", range(6))
def test_between_a_quarter_and_two_fifths_are_open(seed: int) -> None:
    truth = tell_truth(_history(seed, 1.5), YEARS)
    open_share = 1 - truth.forest.mean(axis=(1, 2))
    assert ((open_share >= 0.25) & (open_share <= 0.40)).all()


def test_at_least_eight_classes(history: History) -> None:
    truth = tell_truth(history, YEARS)
    assert {11, 13, 14, 15, 22, 30, 50, 70} <= set(np.unique(truth.code))
    assert not (truth.code == 0).any()


def test_code_is_forest_exactly_where_crowns_cover_enough(history: History) -> None:
    for day in (date(2016, 9, 15), date(2021, 4, 20), date(2025, 12, 1)):
        state = history.at(day)
        assert np.array_equal((state.code >= 11) & (state.code <= 15), state.cover >= FOREST_COVER)


def test_no_event_falls_inside_a_mapping_season(history: History) -> None:
    kinds = {event.kind for event in history.events}
    assert kinds == {"cut", "fire", "thinning"}
    for event in history.events:
        assert not (6, 1) <= (event.date.month, event.date.day) <= (9, 15)
        if event.kind == "fire":
            assert event.date.month in (4, 5)


def test_a_cut_shows_from_its_day_on_and_counts_as_loss_of_the_next_season(history: History) -> None:
    cut = next(e for e in history.events if e.kind == "cut" and e.date.year >= 2017 and e.killed.sum() > 50)
    day = cut.date
    before = history.at(date.fromordinal(day.toordinal() - 1)).cover[cut.rows, cut.cols][cut.killed]
    after = history.at(day).cover[cut.rows, cut.cols][cut.killed]
    assert before.min() >= FOREST_COVER > after.max()
    loss_year = day.year + (day.month >= 9)
    truth = tell_truth(history, YEARS)
    fine = np.zeros(history.landscape.cover.shape, dtype=np.float32)
    fine[cut.rows, cut.cols] = cut.killed
    whole = block_mean(fine[6:-6, 6:-6], 2) == 1
    told = truth.loss_year[whole]
    assert np.mean(told == loss_year) > 0.9


def test_thinned_forest_stays_forest(history: History) -> None:
    thinned = [e for e in history.events if e.kind == "thinning"]
    for event in thinned[:5]:
        day_before = date.fromordinal(event.date.toordinal() - 1)
        forest = history.at(day_before).cover[event.rows, event.cols] >= FOREST_COVER
        now = history.at(event.date).cover[event.rows, event.cols]
        others = [e for e in history.events if e.date == event.date and e is not event]
        assert others or (now[forest & event.touched] >= FOREST_COVER).all()


def test_burnt_grass_is_grass_that_burned_this_spring(history: History) -> None:
    fire = max((e for e in history.events if e.kind == "fire"), key=lambda e: e.date)
    year = fire.date.year
    state = history.at(date(year, 9, 15))
    burnt = state.code[fire.rows, fire.cols][fire.touched] == BURNT_GRASS
    assert burnt.any()
    assert not (history.at(date(year + 1, 3, 31)).code == BURNT_GRASS)[fire.rows, fire.cols].any()


def test_trees_need_about_ten_years() -> None:
    cover = regrowth(np.array([0.0, 8.0, 10.5, 30.0], dtype=np.float32))
    assert cover[0] < 0.01
    assert cover[1] < FOREST_COVER < cover[2]
    assert cover[3] > 0.8


def test_first_loss_is_the_first() -> None:
    forest = np.array([[1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=bool)[:, None, :]
    assert first_loss(forest, range(2020, 2024)).tolist() == [[2021, 0, 0]]
    assert first_loss(forest[:1], range(2020, 2021)).tolist() == [[0, 0, 0]]


def test_adding_a_purpose_does_not_reshuffle_another() -> None:
    streams = Streams(5)
    first = streams("cuts", 2019).random(3)
    streams("something new").random(100)
    assert np.array_equal(streams("cuts", 2019).random(3), first)
    assert not np.array_equal(streams("cuts", 2020).random(3), first)


def test_slopes_that_face_the_sun_are_brighter() -> None:
    area = Area.of_size(0.9)
    terrain = make_terrain(area, Streams(1))
    light = terrain.illumination(180.0, 40.0)
    steep = terrain.slope > 0.15
    south, north = (steep & (sign * terrain.southness > 0.2) for sign in (1, -1))
    assert light[3][south].mean() > 1.05 > 0.95 > light[3][north].mean()
    down = np.gradient(terrain.height_m, axis=0)
    assert (down[south & (np.abs(terrain.southness) > 0.3)] < 0).all(), "ground falls towards the south"
