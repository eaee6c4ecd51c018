"""Labels that are wrong are found, those that are right stay, and nothing is told of what cannot be judged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forest.landscapes import GRASS, OAK, WATER, samples
from habitat.forest import block_numbers, doubtful_labels
from habitat.forest.cleaning import MOST_SHARE, _contradicted


def planted(share: float, *, noise: float = 0.03) -> tuple[pd.DataFrame, np.ndarray]:
    """Samples of which a share bears another class's code, and which these are."""
    table = samples(100, noise=noise, seed=4)
    random = np.random.default_rng(5)
    wrong = random.random(len(table)) < share
    other = {OAK: GRASS, GRASS: WATER, WATER: OAK}
    table.loc[wrong, "code"] = table.loc[wrong, "code"].map(other)
    return table, wrong


def doubted(table: pd.DataFrame, seed: int = 1) -> np.ndarray:
    return doubtful_labels(table, groups=block_numbers(table, block_pixels=15), seed=seed)


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_planted_errors_are_found_and_right_labels_stay(share: float) -> None:
    table, wrong = planted(share)
    found = doubted(table)
    assert found[wrong].mean() > 0.9
    assert found[~wrong].mean() < 0.01


def test_nothing_is_doubted_where_nothing_is_wrong() -> None:
    assert not doubted(planted(0.0)[0]).any()


def test_where_classes_look_alike_no_more_than_a_share_of_a_class_is_left_out() -> None:
    table, _ = planted(0.3, noise=0.6)
    found = doubted(table)
    for code in (OAK, GRASS, WATER):
        of_class = (table["code"] == code).to_numpy()
        assert found[of_class].sum() <= MOST_SHARE * of_class.sum()


def test_the_same_seed_doubts_the_same_labels() -> None:
    table, _ = planted(0.2, noise=0.2)
    assert np.array_equal(doubted(table), doubted(table))


def test_labels_of_one_block_cannot_be_judged() -> None:
    table, _ = planted(0.2)
    assert not doubtful_labels(table, groups=np.zeros(len(table)), seed=1).any()


def test_a_label_is_doubted_where_another_class_is_as_sure_as_usual_and_surer_by_a_margin() -> None:
    """Class 0 is usually seen at 0.7, class 1 at 0.8; of class 2 there are too few to leave any out."""
    chance = np.array(
        [[0.8, 0.2, 0.0]] * 18 + [[0.1, 0.9, 0.0], [0.3, 0.7, 0.0]] + [[0.2, 0.8, 0.0]] * 20 + [[0, 1.0, 0]]
    )
    own = np.r_[np.zeros(20), np.ones(20), 2].astype(int)
    assert np.flatnonzero(_contradicted(chance, own)).tolist() == [18], "0.7 is less than class 1's usual 0.8"
