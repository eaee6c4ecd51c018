"""Maps, trajectories and breaks give one year and one probability of loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from habitat.change import LossEvidence, breaks_by_year, combine_evidence, fitted_course, settle_years, yearly_drops
from habitat.change import combination as module
from habitat.change.combination import loss_features
from habitat.errors import ContractError

YEARS = np.arange(2018, 2023)


def evidence(lost: list[float], forest: list[float], *, side: int = 3) -> LossEvidence:
    """The same evidence of the maps in all pixels of a square."""

    def spread(values: list[float]) -> np.ndarray:
        return np.broadcast_to(np.array(values, np.float32)[:, None, None], (5, side, side)).copy()

    return LossEvidence(YEARS, spread(lost), spread(forest))


def with_falls(known: LossEvidence, year: int, fall: float) -> LossEvidence:
    falls = np.zeros_like(known.lost)
    falls[year - 2018] = fall
    return replace(known, falls=falls, drops=yearly_drops(0.6 - np.cumsum(falls, axis=0)))


def with_break(known: LossEvidence, year: int, probability: float, looks: float = 12.0) -> LossEvidence:
    breaks = np.full_like(known.lost, np.nan)
    breaks[year - 2018] = probability
    return replace(known, breaks=breaks, looks=np.full(known.lost.shape[1:], looks, np.float32))


def without_breaks(known: LossEvidence) -> LossEvidence:
    """Looks enough for a break, and none."""
    return replace(known, breaks=np.full_like(known.lost, np.nan), looks=np.full(known.lost.shape[1:], 20, np.float32))


CLEAR = evidence([0.01, 0.01, 0.97, 0.99, 0.99], [0.99, 0.99, 0.02, 0.02, 0.02])
STEADY = evidence([0.0, 0.01, 0.01, 0.01, 0.02], [0.99] * 5)
TORN = evidence([0.0, 0.05, 0.45, 0.5, 0.5], [0.95, 0.9, 0.55, 0.5, 0.5])


def test_what_all_say_is_said() -> None:
    for known in (with_falls(CLEAR, 2020, 0.5), with_break(CLEAR, 2020, 0.99)):
        loss, probability = combine_evidence(known)
        assert (loss == 2020).all()
        assert (probability > 0.9).all()
    for known in (
        with_falls(STEADY, 2020, 0.0),
        without_breaks(STEADY),
    ):
        loss, probability = combine_evidence(known)
        assert (loss == 0).all()
        assert (probability < 0.05).all()


def test_a_fall_and_a_break_decide_what_maps_leave_open_and_date_it() -> None:
    for add, against in (
        (lambda year: with_falls(TORN, year, 0.4), with_falls(TORN, 2020, 0.0)),
        (
            lambda year: with_break(TORN, year, 0.95),
            without_breaks(TORN),
        ),
    ):
        without = combine_evidence(against)[1]
        for year in (2019, 2020):
            loss, probability = combine_evidence(add(year))
            assert (loss == year).all()
            assert (probability > without + 0.1).all()


def test_weights_of_one_for_maps_alone_give_the_maps_own_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    features = loss_features(with_falls(TORN, 2020, 0.0)).shape[0]
    monkeypatch.setitem(module.WEIGHTS, ("maps", "trajectories"), (0, 1, *([0] * (features - 2))))
    probability = combine_evidence(with_falls(TORN, 2020, 0.0))[1]
    np.testing.assert_allclose(probability, 0.5, atol=0.02)  # the floor of 0.5% a year


def test_no_loss_is_called_in_a_year_that_was_not_seen_nor_where_one_year_was() -> None:
    known = with_falls(evidence([np.nan] * 5, [0.99, np.nan, np.nan, np.nan, np.nan]), 2020, 0.5)
    loss, probability = combine_evidence(known)
    assert (loss == 65535).all()
    assert np.isnan(probability).all()
    known = with_break(evidence([0.0, 0.5, 0.97, 0.99, 0.99], [0.99, np.nan, 0.02, 0.02, 0.02]), 2020, 0.99)
    assert (combine_evidence(known)[0] == 2020).all()
    assert not known.seen_again[1].any()
    assert (loss_features(known)[:, 1] == 0).all()


def test_a_pixel_has_neighbours_and_the_area_has_an_end() -> None:
    around = with_falls(CLEAR, 2020, 0.5)
    falls = around.falls.copy()
    falls[:, 1, 1] = 0
    layer = loss_features(replace(around, falls=falls))[6, 2]
    assert layer[1, 1] == pytest.approx(2.5)
    assert layer[0, 0] == pytest.approx(2.5 * 2 / 3), "three neighbours, one of them without a fall"


def test_a_year_drops_below_the_median_of_the_three_before_it() -> None:
    index = np.array([0.6, np.nan, 0.5, 0.2, 0.7, np.nan, 0.1])[:, None, None]
    assert yearly_drops(index)[:, 0, 0].tolist() == pytest.approx([0, 0, 0.1, 0.35, -0.35, 0, 0.35])
    assert (yearly_drops(np.full((3, 1, 1), np.nan)) == 0).all()


def test_maps_alone_are_no_combination() -> None:
    with pytest.raises(ContractError, match="no combination"):
        combine_evidence(CLEAR)


def test_a_break_is_of_the_first_season_that_ends_after_it_and_was_seen() -> None:
    ends = np.array([f"{year}-09-15" for year in YEARS], "datetime64[D]")
    again = np.ones((5, 1, 4), bool)
    again[0] = False
    again[2, 0, 1] = False
    losses = pd.DataFrame(
        {
            "row": 0,
            "column": [0, 1, 2, 3, 3],
            "date": pd.to_datetime(["2020-09-15", "2020-03-01", "2022-10-01", "2019-10-01", "2020-08-01"]),
            "probability": [0.9, 0.8, 0.7, 0.6, 0.95],
        }
    )
    probability, which = breaks_by_year(losses, ends, again)
    assert [tuple(np.argwhere(which == k).ravel()) for k in range(5)] == [(2, 0, 0), (3, 0, 1), (), (), (2, 0, 3)]
    assert probability[2, 0, 3] == np.float32(0.95)
    assert np.isfinite(probability).sum() == 3


def test_a_break_dates_the_loss_of_its_pixel_and_moves_it_by_a_year_where_its_looks_leave_no_other() -> None:
    ends = {year: np.datetime64(f"{year}-09-15") for year in YEARS}
    loss = np.full((1, 10), 2020, np.uint16)
    loss[0, 5] = 2019
    loss[0, 6], loss[0, 7] = 0, 65535
    rows = [
        (0, "2019-06-01", "2019-07-01", 0.8, "the season before is the only one it can show in"),
        (1, "2019-06-01", "2019-10-01", 0.8, "it may have come after the end of the season before: that year stays"),
        (2, "2020-10-01", "2021-07-01", 0.8, "it comes after the season's end"),
        (3, "2019-06-01", "2019-07-01", 0.5, "it is not sure enough to move a year"),
        (4, "2021-10-01", "2022-03-01", 0.9, "it is two years off"),
        (5, "2018-06-01", "2018-07-01", 0.9, "nothing is lost in the first season"),
        (6, "2020-06-01", "2020-07-01", 0.9, "nothing was lost"),
        (7, "2020-06-01", "2020-07-01", 0.9, "nothing is known"),
        (8, "2020-06-01", "2020-07-01", 0.2, "not sure, but of the same year"),
        (8, "2020-06-01", "2020-07-01", 0.3, "the surer of two"),
        (8, "2020-06-01", "2020-07-01", 0.1, "the least sure"),
    ]
    later = [(9, "2021-06-01", "2021-07-01", 0.99, "another fits the year: a surer one does not move it")]
    rows += [(9, "2020-06-01", "2020-07-01", 0.8, "of that year"), *later]
    losses = pd.DataFrame(rows, columns=["column", "lower", "upper", "probability", "why"]).assign(row=0)
    losses = losses.astype({"lower": "datetime64[s]", "upper": "datetime64[s]"})
    settled, dating = settle_years(loss, losses, ends)
    assert settled[0].tolist() == [2019, 2020, 2021, 2020, 2020, 2019, 0, 65535, 2020, 2020]
    assert np.flatnonzero(dating).tolist() == [0, 1, 2, 9, 11]


def test_a_course_is_level_between_breaks_and_nowhere_else() -> None:
    days = np.arange(0, 2000, 25.0)
    values = np.where(days < 1000, 0.6, 0.2) + 0.1 * np.cos(2 * np.pi * days / 365.2425)
    at = np.array([500.0, 990.0, 1500.0, 2100.0])
    course = fitted_course(days, values, at, breaks=[(975.0, 1000.0)])
    wave = 0.1 * np.cos(2 * np.pi * at / 365.2425)
    np.testing.assert_allclose(course[[0, 2]], [0.6 + wave[0], 0.2 + wave[2]], atol=0.01)
    assert np.isnan(course[[1, 3]]).all()
