"""Losses among breaks: what turns away from forest, stands out and lasts; dates and limits as they are said to be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from habitat.change import find_breaks, find_losses, loss_breaks
from habitat.change.disturbances import LOSS, loss_features
from habitat.cubes import BANDS
from habitat.errors import ContractError
from tests.change.series import CLEARED, changed, every_days, forest, single

DAYS = every_days(12, 10)


def _break(**other: float) -> pd.DataFrame:
    """One strong break: a complete removal, on day 5000 at the earliest and by day 5010."""
    row = {"row": 3, "column": 7, "after_day": 5000.0, "by_day": 5010.0, "day": 5005.0, "confirmed_day": 5200.0}
    row |= {"returned_day": np.nan, "statistic": 150.0, "looks": 12, "looks_before": 80, "probability": 0.9}
    row |= {f"change_{band}": change for band, change in zip(BANDS, CLEARED, strict=True)}
    return pd.DataFrame([row | other], index=[41])


def test_a_removal_is_a_loss_and_keeps_its_place_dates_and_index() -> None:
    found = loss_breaks(_break())
    assert found.index.tolist() == [41]
    assert found[["row", "column"]].to_numpy().tolist() == [[3, 7]]
    assert found["date"].item() == pd.Timestamp("2013-09-14"), "day 5005 from 2000-01-01"
    assert found["lower"].item() == pd.Timestamp("2013-09-09")
    assert found["upper"].item() == pd.Timestamp("2013-09-19")
    assert found["probability"].item() > 0.95


def test_after_a_winter_without_looks_the_date_is_a_month_before_the_first_look() -> None:
    found = loss_breaks(_break(after_day=4850.0, day=4930.0))
    assert found["date"].item() == pd.Timestamp("2013-08-20"), "30 days before 2013-09-19"
    assert found["lower"].item() == pd.Timestamp("2013-04-12")


def test_the_probability_is_logistic_in_the_features() -> None:
    table = _break(change_red=0.5)
    features = loss_features(table)[0]
    assert features[:4] == pytest.approx([1, np.log(150), np.log(12), np.log(80)])
    assert features[4:] == pytest.approx([4, 5, 6, -0.06 / 0.025, 6, 6]), "changes in usual spreads, 6 at most"
    score = sum(weight * value for weight, value in zip(LOSS, features, strict=True))
    assert loss_breaks(table)["probability"].item() == pytest.approx(1 / (1 + np.exp(-score)))


def test_neither_regrowth_nor_what_returned_is_a_loss_and_what_hardly_stands_out_is_less_probable() -> None:
    greener = {f"change_{band}": -change for band, change in zip(BANDS, CLEARED, strict=True)}
    assert len(loss_breaks(_break(**greener), least_probability=0)) == 0
    assert len(loss_breaks(_break(returned_day=5400.0), least_probability=0)) == 0
    usual = loss_breaks(_break(), least_probability=0)["probability"].item()
    for other in ({"statistic": 90.0}, {"change_swir22": 0.02, "change_swir16": 0.02}):
        assert loss_breaks(_break(**other), least_probability=0)["probability"].item() < usual


def test_of_cuts_thinnings_and_droughts_in_series_the_cuts_are_called() -> None:
    looks = forest(DAYS, 90, 1)
    looks[..., :30] = changed(looks, DAYS, 2000)[..., :30]
    looks[..., 30:60] = changed(looks, DAYS, 2020, 2110, share=0.5)[..., 30:60]
    found = loss_breaks(find_breaks(DAYS, single(looks)))
    assert found["column"].tolist() == list(range(30))
    upper = (found["upper"] - pd.Timestamp("2000-01-01")).dt.days
    assert upper.between(1990, 2040).all()


def test_where_there_is_no_forest_and_where_nothing_was_looked_at_there_is_no_loss() -> None:
    days = every_days(16, 4)
    looks = single(forest(days, 16, 1).reshape(len(days), 6, 4, 4))
    some = find_losses(days, looks, np.ones((4, 4), bool), least_probability=0)
    for found in (
        find_losses(days, looks, np.zeros((4, 4), bool)),
        find_losses(days[:0], looks[:0], np.ones((4, 4), bool)),
    ):
        assert len(found) == 0
        assert list(found.columns) == list(some.columns)


def test_a_table_that_is_none_of_breaks_is_refused() -> None:
    with pytest.raises(ContractError, match="'statistic' is missing"):
        loss_breaks(_break().drop(columns="statistic"))
    assert list(loss_breaks(_break().iloc[:0]).columns) == ["row", "column", "date", "lower", "upper", "probability"]
