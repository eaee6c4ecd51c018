"""Labels that are wrong are found, those that are right stay, and nothing is told of what cannot be judged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forest.landscapes import FOREST_CODES, GRASS, OAK, WATER, samples
from habitat.forest import block_numbers, cleaning, doubtful_labels

FLIPS = {OAK: GRASS, GRASS: OAK, WATER: WATER}


def planted(share: float, *, noise: float = 0.03, other: dict[int, int] = FLIPS) -> tuple[pd.DataFrame, np.ndarray]:
    """Samples of which a share bears another class's code, and which these are."""
    table = samples(100, noise=noise, seed=4)
    wrong = np.random.default_rng(5).random(len(table)) < share
    table.loc[wrong, "code"] = table.loc[wrong, "code"].map(other)
    wrong &= (samples(100, noise=noise, seed=4)["code"] != table["code"]).to_numpy()
    return table, wrong


def doubted(table: pd.DataFrame, seed: int = 1) -> np.ndarray:
    groups = block_numbers(table, block_pixels=15)
    return doubtful_labels(table, forest_codes=FOREST_CODES, groups=groups, seed=seed)


@pytest.mark.parametrize("share", [0.15, 0.2])
def test_planted_errors_are_found_and_right_labels_stay(share: float) -> None:
    table, wrong = planted(share)
    found = doubted(table)
    assert found[wrong].mean() > 0.9
    assert found[~wrong].mean() < 0.01


@pytest.mark.parametrize("share", [0.0, 0.03])
def test_nothing_is_left_out_where_no_more_is_doubted_than_usual(share: float) -> None:
    assert not doubted(planted(share)[0]).any()


def test_which_kind_of_open_land_it_is_is_not_doubted() -> None:
    table, wrong = planted(0.2, other={OAK: OAK, GRASS: WATER, WATER: GRASS})
    assert wrong.any()
    assert not doubted(table).any()


def test_of_a_class_no_more_than_a_share_is_left_out_and_the_most_doubted_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of ten labels of oak six are doubted, and three may go; of grass one."""
    table = pd.DataFrame({"code": [OAK] * 10 + [GRASS] * 10, "row": 0, "col": 0, "year": 2020, "dated": True, "x": 0.0})
    vote = np.array([0.25, 0.1, 0.3, 0.05, 0.2, 0.15, 0.9, 0.9, 0.31, np.nan] + [0.1] * 9 + [0.8])
    monkeypatch.setattr(cleaning, "_vote", lambda *_: vote)
    found = doubtful_labels(table, forest_codes=FOREST_CODES, groups=np.arange(20), seed=1)
    assert np.flatnonzero(found).tolist() == [1, 3, 5, 19]


def test_the_same_seed_doubts_the_same_labels() -> None:
    table, _ = planted(0.2, noise=0.1)
    assert doubted(table).any()
    assert np.array_equal(doubted(table), doubted(table))


def test_what_cannot_be_judged_is_left_alone() -> None:
    table, _ = planted(0.2)
    alone = doubtful_labels(table, forest_codes=FOREST_CODES, groups=np.zeros(len(table)), seed=1)
    of_one_kind = doubtful_labels(table, forest_codes=(), groups=np.arange(len(table)), seed=1)
    assert not alone.any()
    assert not of_one_kind.any()
