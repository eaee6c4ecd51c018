"""The classifier on classes that lie far apart: it must get them right, and say nothing where nothing was seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forest.landscapes import FOREST_CODES, GRASS, OAK, WATER, features, samples
from habitat.errors import ContractError, TrainingError
from habitat.forest import CoverModel, predict_cover, train_cover
from habitat.forest.classifier import importance, sharpen, split_votes

CODES = [[OAK, GRASS, WATER], [0, OAK, GRASS]]


@pytest.fixture(scope="module")
def model() -> CoverModel:
    return train_cover(samples(), forest_codes=FOREST_CODES, seed=1)


def test_classes_that_lie_apart_are_told_apart(model: CoverModel) -> None:
    p_forest, best_forest, best_other = predict_cover(model, features(CODES), forest_codes=FOREST_CODES)
    assert p_forest.shape == (1, 2, 3)
    assert p_forest.dtype == np.float32
    assert np.array_equal(p_forest[0] > 0.9, np.array(CODES) == OAK)
    assert np.array_equal(p_forest[0] < 0.1, np.isin(CODES, [GRASS, WATER]))
    assert np.array_equal(best_forest[0], [[OAK, OAK, OAK], [0, OAK, OAK]]), "of the forest classes there is one"
    assert best_other[0, 0, 1:].tolist() == [GRASS, WATER]


def test_what_was_not_seen_has_neither_probability_nor_class(model: CoverModel) -> None:
    p_forest, best_forest, best_other = predict_cover(model, features(CODES), forest_codes=FOREST_CODES)
    assert np.array_equal(np.isnan(p_forest[0]), np.array(CODES) == 0)
    assert best_forest[0, 1, 0] == best_other[0, 1, 0] == 0
    nothing, *codes = predict_cover(model, features([[0, 0]]), forest_codes=FOREST_CODES)
    assert np.isnan(nothing).all()
    assert not np.any(codes)


def test_the_votes_of_all_forest_classes_are_added(model: CoverModel) -> None:
    table = samples(5, noise=0.3, seed=3)[["ndvi_mapping", "ndmi_mapping"]].to_numpy()
    votes = model.estimator.predict_proba(table)
    column = {code: at for at, code in enumerate(model.codes)}
    for codes in ((OAK,), (OAK, WATER), (GRASS, WATER)):
        p_forest, best_forest, best_other = split_votes(model, table, codes)
        assert np.allclose(p_forest, votes[:, [column[code] for code in codes]].sum(axis=1), atol=1e-6)
        assert np.isin(best_forest, codes).all()
        assert not np.isin(best_other, codes).any()


def test_the_order_of_variables_does_not_matter(model: CoverModel) -> None:
    one = predict_cover(model, features(CODES), forest_codes=FOREST_CODES)[0]
    turned = features(CODES)[["ndmi_mapping", "ndvi_mapping"]].assign(more=features(CODES)["ndvi_mapping"])
    assert np.array_equal(predict_cover(model, turned, forest_codes=FOREST_CODES)[0], one, equal_nan=True)


def test_a_missing_predictor_is_named(model: CoverModel) -> None:
    with pytest.raises(ContractError, match="'ndmi_mapping' of the model is missing"):
        predict_cover(model, features(CODES).drop_vars("ndmi_mapping"), forest_codes=FOREST_CODES)


def test_the_same_seed_gives_the_same_model(model: CoverModel) -> None:
    table = samples(20, noise=0.3, seed=5)[["ndvi_mapping", "ndmi_mapping"]].to_numpy()
    again = train_cover(samples(), forest_codes=FOREST_CODES, seed=1)
    other = train_cover(samples(), forest_codes=FOREST_CODES, seed=2)
    votes = [one.estimator.predict_proba(table) for one in (model, again, other)]
    assert np.array_equal(votes[0], votes[1])
    assert not np.array_equal(votes[0], votes[2])


def test_a_missing_season_still_gets_a_vote() -> None:
    """A season without a look is missing in training and at work, and the rest decides."""
    table = samples(60)
    table.loc[::3, "ndmi_mapping"] = np.nan
    model = train_cover(table, forest_codes=FOREST_CODES, seed=1)
    looks = features([[OAK, GRASS]])
    looks["ndmi_mapping"][:] = np.nan
    p_forest, *_ = predict_cover(model, looks, forest_codes=FOREST_CODES)
    assert p_forest[0, 0, 0] > 0.5 > p_forest[0, 0, 1]


@pytest.mark.parametrize(
    ("codes", "said"), [((), "none of the labels are forest"), ((OAK, GRASS, WATER), "all of the")]
)
def test_labels_of_one_kind_teach_nothing(codes: tuple[int, ...], said: str) -> None:
    with pytest.raises(TrainingError, match=f"{said}.*; add labels of"):
        train_cover(samples(5), forest_codes=codes, seed=1)


def test_the_model_knows_which_years_had_labels_of_both_kinds() -> None:
    table = samples(30, years=(2018, 2019, 2020))
    table = table[(table["year"] != 2019) | (table["code"] == OAK)]
    assert train_cover(table, forest_codes=FOREST_CODES, seed=1).label_years == (2018, 2020)


def test_a_year_without_labels_is_believed_less() -> None:
    model = train_cover(samples(noise=0.3), forest_codes=FOREST_CODES, seed=1)
    mixed = samples(20, noise=0.3, seed=9)[list(model.predictors)]
    alone = split_votes(model, mixed.to_numpy(), FOREST_CODES)[0]
    looks = features([[OAK] * len(mixed)])
    for name in model.predictors:
        looks[name][:] = mixed[name].to_numpy()
    own, other = (
        predict_cover(model, looks.assign_coords(year=[year]), forest_codes=FOREST_CODES)[0][0, 0]
        for year in (2020, 2021)
    )
    unsure = (alone > 0) & (alone < 1) & (alone != 0.5)
    assert unsure.sum() > 10
    doubt = [np.abs(p_forest[unsure] - 0.5) for p_forest in (other, alone, own)]
    assert (np.diff(doubt, axis=0) > 0).all()
    assert all(np.array_equal(p_forest > 0.5, alone > 0.5) for p_forest in (other, own))


def test_importance_is_largest_first(model: CoverModel) -> None:
    table = importance(model)
    assert set(table["predictor"]) == {"ndvi_mapping", "ndmi_mapping"}
    assert table["importance"].is_monotonic_decreasing
    assert table["importance"].sum() == pytest.approx(1, abs=1e-5)


# -- sharpening -----------------------------------------------------------------------------------------

SHARES = st.floats(0, 1, width=32).map(np.float32)


@given(SHARES, st.floats(0.2, 5))
def test_sharpening_raises_the_odds_to_a_power(share: np.float32, power: float) -> None:
    made = float(sharpen(np.array([share]), power)[0])
    if 0.001 < share < 0.999:
        odds = (float(share) / (1 - float(share))) ** power
        assert made == pytest.approx(odds / (1 + odds), rel=1e-3)
    assert 0 <= made <= 1
    assert (made >= 0.5) == (share >= 0.5) or made == pytest.approx(0.5, abs=1e-6)


def test_sharpening_leaves_the_ends_the_middle_and_the_unseen() -> None:
    assert np.array_equal(sharpen(np.float32([0, 0.5, 1, np.nan]), 3), np.float32([0, 0.5, 1, np.nan]), equal_nan=True)
