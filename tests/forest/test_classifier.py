"""The classifier on classes that lie far apart: it must get them right, and say nothing where nothing was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import habitat.forest.classifier as module
from forest.landscapes import FOREST_CODES, GRASS, OAK, WATER, features, samples
from habitat.errors import ContractError, TrainingError
from habitat.forest import (
    CoverModel,
    Temperatures,
    calibrate,
    leave_blocks_out,
    predict_classes,
    predict_cover,
    predict_dissimilarity,
    split_forest,
    train_cover,
)

CODES = [[OAK, GRASS, WATER], [0, OAK, GRASS]]


@pytest.fixture(scope="module")
def model() -> CoverModel:
    return train_cover(samples(), forest_codes=FOREST_CODES, seed=1)


def test_classes_that_lie_apart_are_told_apart(model: CoverModel) -> None:
    p_forest, best_forest, best_other = predict_cover(model, features(CODES))
    assert p_forest.shape == (1, 2, 3)
    assert p_forest.dtype == np.float32
    assert np.array_equal(p_forest[0] > 0.9, np.array(CODES) == OAK)
    assert np.array_equal(p_forest[0] < 0.1, np.isin(CODES, [GRASS, WATER]))
    assert np.array_equal(best_forest[0], [[OAK, OAK, OAK], [0, OAK, OAK]]), "of the forest classes there is one"
    assert best_other[0, 0, 1:].tolist() == [GRASS, WATER]


def test_what_was_not_seen_has_neither_probability_nor_class(model: CoverModel) -> None:
    p_forest, best_forest, best_other = predict_cover(model, features(CODES))
    assert np.array_equal(np.isnan(p_forest[0]), np.array(CODES) == 0)
    assert best_forest[0, 1, 0] == best_other[0, 1, 0] == 0
    nothing, *codes = predict_cover(model, features([[0, 0]]))
    assert np.isnan(nothing).all()
    assert not np.any(codes)


def test_the_probabilities_of_all_forest_classes_are_added(model: CoverModel) -> None:
    said = predict_classes(model, mixed())
    assert said.shape == (1, 3, 1, 15)
    assert np.allclose(said.sum(axis=1), 1, atol=1e-6)
    column = {code: at for at, code in enumerate(model.codes)}
    for codes in ((OAK,), (OAK, WATER), (GRASS, WATER)):
        p_forest, best_forest, best_other = split_forest(replace(model, forest_codes=codes), said)
        assert np.allclose(p_forest, said[:, [column[code] for code in codes]].sum(axis=1), atol=1e-6)
        assert np.isin(best_forest, codes).all()
        assert not np.isin(best_other, codes).any()


def test_labels_are_those_of_the_models_own_predict(model: CoverModel) -> None:
    """Whatever the block that a pixel is asked in, and at any temperature of the classes within a kind."""
    looks = mixed(200)
    table = np.stack([looks[name].values.ravel() for name in model.predictors], axis=1)
    labels = np.array(model.codes)[predict_classes(model, looks)[0].argmax(axis=0).ravel()]
    assert np.array_equal(labels, model.estimator.predict(table))


def mixed(count: int = 5) -> xr.Dataset:
    """Pixels that lie between the classes."""
    table = samples(count, noise=0.3, seed=3)
    looks = features([[OAK] * len(table)])
    for name in looks.data_vars:
        looks[name][:] = table[str(name)].to_numpy()
    return looks


def test_the_order_of_variables_does_not_matter(model: CoverModel) -> None:
    one = predict_cover(model, features(CODES))[0]
    turned = features(CODES)[["ndmi_mapping", "ndvi_mapping"]].assign(more=features(CODES)["ndvi_mapping"])
    assert np.array_equal(predict_cover(model, turned)[0], one, equal_nan=True)


def test_a_missing_predictor_is_named(model: CoverModel) -> None:
    with pytest.raises(ContractError, match="'ndmi_mapping' of the model is missing"):
        predict_cover(model, features(CODES).drop_vars("ndmi_mapping"))


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
    p_forest, *_ = predict_cover(model, looks)
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


def test_years_with_and_without_labels_have_temperatures_of_their_own(model: CoverModel) -> None:
    hot = replace(model, own_years=Temperatures(0.5, 1.0), other_years=Temperatures(2.0, 1.0))
    p, own, other = (
        predict_cover(one, mixed(50).assign_coords(year=[year]))[0].astype(float)
        for one, year in ((model, 2020), (hot, 2020), (hot, 2021))
    )
    odds = p / (1 - p)
    assert np.allclose(own / (1 - own), odds**2, rtol=1e-2)
    assert np.allclose(other / (1 - other), odds**0.5, rtol=1e-2)


def test_the_likeliest_of_a_kind_is_the_first_of_equals_and_nothing_where_there_is_none(model: CoverModel) -> None:
    random = np.random.default_rng(4)
    said = random.integers(0, 4, (2, 5, 3, 300)).astype(np.float32) / 8  # ties, and sums above one
    said[0, :, 1, ::7] = np.nan
    for forest_codes in ((11, 14), (), (11, 12, 14, 30, 50)):
        five = replace(model, codes=(11, 12, 14, 30, 50), forest_codes=forest_codes)
        p_forest, *best = split_forest(five, said)
        is_forest = np.isin(five.codes, forest_codes)
        assert np.array_equal(p_forest, np.minimum(said[:, is_forest].sum(axis=1), 1), equal_nan=bool(forest_codes))
        for kind, codes in zip((is_forest, ~is_forest), best, strict=True):
            if not kind.any():
                assert not codes.any()
                continue
            expected = np.array(five.codes)[kind][np.nan_to_num(said)[:, kind].argmax(axis=1)]
            assert np.array_equal(codes, np.where(np.isnan(said[:, 0]), 0, expected))


def test_pixels_are_told_the_same_however_many_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = calibrated()
    looks = mixed(40)
    looks["ndvi_mapping"][..., 5:9] = np.nan
    looks["ndmi_mapping"][..., 7:12] = np.nan
    told = predict_classes(model, looks), predict_dissimilarity(model, looks)
    unseen = np.arange(looks.sizes["x"])[7:9]
    for answer in told:
        assert np.array_equal(np.flatnonzero(np.isnan(answer.reshape(-1, looks.sizes["x"])).any(axis=0)), unseen)
    for at_once in (1, 7, 50):
        monkeypatch.setattr(module, "AT_ONCE", at_once)
        for answer, again in zip(
            told, (predict_classes(model, looks), predict_dissimilarity(model, looks)), strict=True
        ):
            assert answer.tobytes() == again.tobytes()


def calibrated() -> CoverModel:
    table = samples()
    left_out = leave_blocks_out(table, forest_codes=FOREST_CODES, block_pixels=10, seed=1)
    model = train_cover(table, forest_codes=FOREST_CODES, seed=1)
    return calibrate(model, left_out, table, forest_codes=FOREST_CODES, seed=1)
