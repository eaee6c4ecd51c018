"""A model as settings and arrays: it comes back the same, and whatever does not fit together is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from forest.landscapes import FOREST_CODES, GRASS, OAK, WATER, features, samples
from habitat.errors import ContractError
from habitat.forest import (
    CoverModel,
    calibrate,
    importance,
    judge,
    leave_blocks_out,
    pack_model,
    predict_classes,
    predict_dissimilarity,
    predictor_groups,
    train_cover,
    unpack_model,
    write_card,
)

JUDGING: dict[str, Any] = {"forest_codes": FOREST_CODES, "block_pixels": 12, "seed": 1}


@pytest.fixture(scope="module")
def model() -> CoverModel:
    table = samples(60, noise=0.2)
    found = leave_blocks_out(table, **JUDGING)
    whole = train_cover(table, forest_codes=FOREST_CODES, seed=1)
    return calibrate(whole, found, table, forest_codes=FOREST_CODES, seed=1)


def test_a_model_comes_back_the_same(model: CoverModel) -> None:
    header, arrays = pack_model(model)
    back = unpack_model(json.loads(json.dumps(header)), {name: values.copy() for name, values in arrays.items()})
    looks = features([[OAK, GRASS, WATER, 0]])
    assert np.array_equal(predict_classes(back, looks), predict_classes(model, looks), equal_nan=True)
    assert np.array_equal(predict_dissimilarity(back, looks), predict_dissimilarity(model, looks), equal_nan=True)
    names = ("predictors", "codes", "forest_codes", "label_years", "own_years", "other_years")
    assert all(getattr(back, name) == getattr(model, name) for name in names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codes", [14, 22]),
        ("codes", [22, 14, 50]),
        ("codes", [14, 22, 999]),
        ("codes", "14"),
        ("forest_codes", []),
        ("forest_codes", [14, 22, 50]),
        ("predictors", ["ndvi_mapping"]),
        ("predictors", ["ndvi_mapping", 3]),
        ("predictors", ["ndvi_mapping", "ndvi_mapping"]),
        ("label_years", [2020.5]),
        ("own_years", {"kind": -1.0, "within": 1.0}),
        ("own_years", {"kind": float("nan"), "within": 1.0}),
        ("own_years", None),
        ("unit", 0),
        ("unit", "1"),
        ("settings", {"__class__": 1}),
        ("settings", []),
        ("applicability", {"mean_distance": 1.0}),
    ],
)
def test_settings_that_cannot_be_are_refused(model: CoverModel, name: str, value: object) -> None:
    header, arrays = pack_model(model)
    for changed in (header | {name: value}, {key: kept for key, kept in header.items() if key != name}):
        with pytest.raises(ContractError, match="stranger.npz: does not hold a model"):
            unpack_model(changed, arrays, where="stranger.npz")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("split_features", lambda x: x + 99),
        ("split_features", lambda x: x - 99),
        ("split_features", lambda x: x.astype(np.int32)),
        ("split_bins", lambda x: x[:-1]),
        ("leaves", lambda x: x[:, :-1]),
        ("leaves", lambda x: x - 10**6),
        ("leaves", lambda x: x + 10**6),
        ("bias", lambda x: x * np.float32(np.nan)),
        ("borders", lambda x: x[:-1]),
        ("borders", lambda x: x * np.float32(np.nan)),
        ("border_starts", lambda x: x[::-1].copy()),
        ("border_starts", lambda x: x + 1),
        ("axes", lambda x: x[:-1]),
        ("axes", lambda x: x * np.float32(np.inf)),
        ("centre", lambda x: x[None]),
        ("points", lambda x: x[:0]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(model: CoverModel, name: str, change: Any) -> None:
    header, arrays = pack_model(model)
    with pytest.raises(ContractError, match="does not hold a model"):
        unpack_model(header, arrays | {name: change(arrays[name])})
    del arrays[name]
    with pytest.raises(ContractError, match=f"'{name}' is missing"):
        unpack_model(header, arrays)


def test_years_without_labels_are_never_believed_more(model: CoverModel) -> None:
    assert model.other_years.kind >= model.own_years.kind
    assert model.other_years.within >= model.own_years.within


def test_the_card_says_how_good_how_sure_and_where(model: CoverModel) -> None:
    table = samples(60, noise=0.2)
    found = leave_blocks_out(table, **JUDGING)
    validation = judge(found, table, **JUDGING)
    text = write_card(
        model, table, validation, importance(found, table, seed=1), names={OAK: "oak"}, origin={"area": "Amba"}
    )
    for said in ("area: Amba", str(validation["macro_f1"]), "| oak |", f"{model.applicability.threshold:.3f}", "2020"):  # type: ignore[union-attr]
        assert said in text
    assert text.index("land it had not seen") < text.index("probabilities hold") < text.index("may be used")


def test_a_predictor_that_says_nothing_has_no_importance() -> None:
    table = samples(100, noise=0.1)
    table["height_m"] = np.float32(np.random.default_rng(0).random(len(table)))
    found = importance(leave_blocks_out(table, **JUDGING), table, seed=1).set_index(["kind", "group"])["importance"]
    assert abs(found["features", "terrain"]) < 0.03
    assert found["measure", "ndvi"] > 0.2
    assert found["season", "mapping"] > found["measure", "ndvi"]


def test_only_seasons_of_bands_and_indices_are_seasons() -> None:
    names = ("ndvi_mapping", "ndvi_leaf_off", "nir08_mapping", "nir08_3x3", "ndvi_5x5", "ndvi_level", "ndmi_cos2")
    groups = predictor_groups([*names, "ndvi_scatter", "height_m", "slope", "looks_mapping", "looks_leaf_off", "own_x"])
    assert groups == {
        ("measure", "ndvi"): ["ndvi_mapping", "ndvi_leaf_off"],
        ("measure", "nir08"): ["nir08_mapping"],
        ("measure", "own_x"): ["own_x"],
        ("season", "mapping"): ["ndvi_mapping", "nir08_mapping"],
        ("season", "leaf_off"): ["ndvi_leaf_off"],
        ("features", "harmonics"): ["ndvi_level", "ndmi_cos2", "ndvi_scatter"],
        ("features", "texture"): ["nir08_3x3", "ndvi_5x5"],
        ("features", "terrain"): ["height_m", "slope"],
        ("features", "looks"): ["looks_mapping", "looks_leaf_off"],
    }
