"""Cross-validation by blocks of land: labels of one block never judge a model that has seen them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import habitat.forest.folds as folds
import habitat.forest.validation as validation
from forest.landscapes import FOREST_CODES, GRASS, OAK, WATER, samples
from habitat.errors import TrainingError
from habitat.forest import block_numbers, cross_validate, dissimilarity, fit_temperatures, fitting_year, judge


def judged(table: pd.DataFrame, **changed: Any) -> dict[str, Any]:
    return cross_validate(table, **({"forest_codes": FOREST_CODES, "block_pixels": 12, "seed": 1} | changed))


def test_blocks_are_squares_of_land() -> None:
    places = pd.DataFrame({"row": [0, 9, 10, 0, 9, 10], "col": [0, 9, 0, 10, 19, 19]})
    numbers = block_numbers(places, block_pixels=10)
    assert len(set(numbers)) == 4
    assert numbers[0] == numbers[1]
    assert numbers[3] == numbers[4]


@pytest.mark.parametrize("block_pixels", [1, 7, 25])
def test_two_blocks_never_share_a_number(block_pixels: int) -> None:
    rows, cols = (axis.ravel() for axis in np.indices((30, 45)))
    numbers = block_numbers(pd.DataFrame({"row": rows, "col": cols}), block_pixels=block_pixels)
    blocks = {(row // block_pixels, col // block_pixels) for row, col in zip(rows, cols, strict=True)}
    assert len(np.unique(numbers)) == len(blocks)


def test_classes_that_lie_apart_are_all_right() -> None:
    said = judged(samples(40))
    assert said["balanced_accuracy"] == said["overall_accuracy"] == 1
    assert said["classes"] == [OAK, GRASS, WATER]
    assert said["class_f1"] == {"14": 1, "22": 1, "50": 1}
    assert said["class_blocks"] == {
        str(code): len(np.unique(block_numbers(part, block_pixels=12))) for code, part in samples(40).groupby("code")
    }
    assert said["confusion"] == [[40, 0, 0], [0, 40, 0], [0, 0, 40]]
    assert said["n_labels"] == sum(fold["n_labels"] for fold in said["folds"]) == 120
    assert len(said["folds"]) == 5
    assert json.loads(json.dumps(said)) == said, "plain numbers"


def test_labels_that_mean_nothing_score_like_a_coin() -> None:
    table = samples(100)
    table["code"] = np.random.default_rng(2).permutation(table["code"])
    assert judged(table)["balanced_accuracy"] == pytest.approx(0.5, abs=0.12)


def test_what_was_learnt_in_a_block_is_not_judged_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a place looks like says nothing here: only a model that has seen the block itself could be right."""
    rng = np.random.default_rng(0)
    blocks = np.repeat(np.arange(20), 20)
    table = pd.DataFrame({"row": blocks * 10, "col": 0, "year": 2020, "dated": True})
    table["code"] = np.where(rng.random(20) < 0.5, OAK, GRASS)[blocks]
    table["ndvi_mapping"] = np.float32(rng.random(20))[blocks]  # the same in a block, and of no meaning beyond it
    assert judged(table, block_pixels=10)["balanced_accuracy"] < 0.75
    assert judged(table.assign(row=rng.integers(0, 20, 400)), block_pixels=1)["balanced_accuracy"] > 0.9

    seen: list[tuple[set[int], set[int]]] = []
    train = folds.train_cover

    def watched(samples: pd.DataFrame, **options: Any) -> Any:
        seen.append((set(samples["row"]), set(table["row"]) - set(samples["row"])))
        return train(samples, **options)

    monkeypatch.setattr(folds, "train_cover", watched)
    judged(table, block_pixels=10)
    assert len(seen) == 5
    assert set.union(*(tested for _, tested in seen)) == set(table["row"])


def test_balanced_accuracy_is_the_mean_of_both_recalls() -> None:
    truth = np.array([OAK] * 4 + [GRASS] * 8 + [WATER] * 2)
    said = np.array([OAK, OAK, OAK, GRASS] + [GRASS] * 5 + [OAK] * 2 + [WATER] + [GRASS, WATER])
    assert validation._forest_accuracy(truth, said, FOREST_CODES) == pytest.approx((3 / 4 + 8 / 10) / 2)
    assert validation._forest_accuracy(truth[:4], said[:4], FOREST_CODES) is None
    assert validation._forest_accuracy(truth[4:], said[4:], FOREST_CODES) is None


def test_f1_of_each_class_by_hand() -> None:
    confusion = np.array([[6.0, 2.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    assert validation._class_f1(confusion) == pytest.approx([2 * 6 / (8 + 7), 2 * 3 / (4 + 5), 0])


def test_limits_are_wider_where_neighbours_err_together() -> None:
    """The same share of wrong labels, once scattered and once in whole blocks of land."""
    table = samples(300)
    blocks = block_numbers(table, block_pixels=12)
    rng = np.random.default_rng(0)
    wrong = {"scattered": rng.random(len(table)) < 0.2, "together": np.isin(blocks, np.unique(blocks)[::5])}
    width = {}
    for name, where in wrong.items():
        lied = table.assign(
            code=np.where(where, table["code"].map({OAK: GRASS, GRASS: OAK, WATER: OAK}), table["code"])
        )
        said = judged(lied)
        assert said["balanced_accuracy_low"] < said["balanced_accuracy"] < said["balanced_accuracy_high"]
        assert said["macro_f1_low"] < said["macro_f1"] < said["macro_f1_high"]
        width[name] = said["balanced_accuracy_high"] - said["balanced_accuracy_low"]
    assert width["together"] > 1.5 * width["scattered"]


def test_what_is_said_of_left_out_labels_is_calibrated() -> None:
    said = judged(samples(400, noise=0.3))["calibration"]
    assert said["expected_calibration_error_forest"] < 0.05
    assert sum(row["n"] for row in said["forest"]) == 1200
    assert said["bins"] == "10 of equal width, 0 to 1"


def test_a_class_of_one_block_counts_in_the_error_but_does_not_heat_the_temperatures() -> None:
    """Water of one block is never known to the model that is asked for it; what is said of the rest stays as sure."""
    table = samples(150, noise=0.2)
    alone = table[table["code"] == WATER].assign(row=5000, col=0)
    rest = table[table["code"] != WATER]
    options: dict[str, Any] = {"forest_codes": FOREST_CODES, "block_pixels": 12, "seed": 1}
    found = folds.leave_blocks_out(pd.concat([rest, alone], ignore_index=True), **options)
    assert found.known.tolist() == [True] * len(rest) + [False] * len(alone)
    truth = np.searchsorted(found.codes, rest["code"])
    assert found.temperatures == fit_temperatures(found.log_said[:, found.known], truth, found.is_forest)
    everything = np.append(truth, np.full(len(alone), found.codes.index(WATER)))
    assert fit_temperatures(found.log_said, everything, found.is_forest).within > 2 * found.temperatures.within
    said = validation.judge(found, pd.concat([rest, alone], ignore_index=True), **options)
    assert said["class_f1"]["50"] == 0
    assert sum(row["n"] for row in said["calibration"]["likeliest_class"]) == len(table)


def test_a_class_of_one_year_does_not_heat_the_temperatures_of_other_years() -> None:
    """Water was labelled in one of two years: where the year is left out too, nobody knows it."""
    table = samples(150, years=(2019, 2020), noise=0.2)
    rest = table[table["code"] != WATER]
    options: dict[str, Any] = {"forest_codes": FOREST_CODES, "seed": 1}

    labels = pd.concat([rest, table[table["code"] == WATER].assign(year=2020)], ignore_index=True)
    found = folds.leave_blocks_out(labels, block_pixels=12, **options)
    at = folds._other_years(found, labels, FOREST_CODES, 1)
    assert at is not None
    assert at.within < 2, "10 is the hottest that is sought"
    assert at.kind < 2


def test_labels_in_one_block_cannot_be_judged() -> None:
    with pytest.raises(TrainingError, match="all labels lie in one block of land.*spread the labels"):
        judged(samples(5), block_pixels=60)


def test_forest_in_one_block_alone_cannot_be_judged() -> None:
    """Without that block there is no forest to learn from."""
    table = samples(40)
    corner = (table["row"] // 30) * 2 + table["col"] // 30
    with pytest.raises(TrainingError, match="labels of forest lie in one part of the area alone.*add labels of forest"):
        judged(table[(table["code"] == OAK) == (corner == 0)], block_pixels=30)


def test_samples_that_may_not_be_learnt_from_are_asked_of_and_teach_nothing() -> None:
    """A fifth of the labels is wrong and known to be: folds, other years and the area learn as if it were not there."""
    table = samples(100, years=(2019, 2020))
    wrong = np.arange(len(table)) % 5 == 0
    lied = table.assign(code=np.where(wrong & (table["code"] == OAK), GRASS, table["code"]))
    lied.loc[wrong, "ndvi_mapping"] += np.float32(5)
    options: dict[str, Any] = {"forest_codes": FOREST_CODES, "block_pixels": 12, "seed": 1}
    found = folds.leave_blocks_out(lied, taught=~wrong, **options)
    assert [model.label_years for model in found.models] == [(2019, 2020)] * 5
    for fold, model in enumerate(found.models):
        own = folds.train_cover(lied[~wrong & (found.folds != fold)], forest_codes=FOREST_CODES, seed=1)
        assert np.array_equal(folds.ask(own, lied), folds.ask(model, lied))
    assert judge(found, lied, **options)["n_labels"] == len(lied)
    whole = folds.train_cover(lied[~wrong], forest_codes=FOREST_CODES, seed=1)
    area = folds.calibrate(whole, found, lied, forest_codes=FOREST_CODES, seed=1).applicability
    assert area is not None
    assert area.centre == pytest.approx(lied.loc[~wrong, ["ndvi_mapping", "ndmi_mapping"]].mean().to_numpy(), rel=1e-5)
    seen = lied[["ndvi_mapping", "ndmi_mapping"]].to_numpy(dtype=np.float32).T
    assert (dissimilarity(area, seen)[wrong] > area.threshold).all()


# -- labels without a date ------------------------------------------------------------------------------


def of_years(right: int, years: tuple[int, ...]) -> pd.DataFrame:
    """The same labels over each year's scenes; in all years but the right one half of the forest looks like grass."""
    parts = []
    for year in years:
        part = samples(40, seed=year).assign(year=year, dated=False)
        if year != right:
            grass = part.loc[part["code"] == GRASS, ["ndvi_mapping", "ndmi_mapping"]].to_numpy()[::2]
            part.loc[part.index[part["code"] == OAK][::2], ["ndvi_mapping", "ndmi_mapping"]] = grass + np.float32(0.01)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def test_labels_without_a_date_are_of_the_year_that_they_fit() -> None:
    table = of_years(2019, (2018, 2019, 2020))
    year, accuracy = fitting_year(table, forest_codes=FOREST_CODES, block_pixels=12, seed=1)
    assert year == 2019
    assert accuracy[2019] == 1
    assert accuracy.keys() == {2018, 2019, 2020}
    assert all(value is not None and value < 0.95 for other, value in accuracy.items() if other != 2019)


def test_a_year_with_labels_of_one_kind_says_nothing() -> None:
    table = of_years(2018, (2018, 2019))
    table = table[(table["year"] == 2018) | (table["code"] == OAK)]
    year, accuracy = fitting_year(table, forest_codes=FOREST_CODES, block_pixels=12, seed=1)
    assert (year, accuracy[2019]) == (2018, None)


def test_a_year_with_forest_in_one_fold_alone_says_nothing_and_ends_nothing() -> None:
    table = of_years(2018, (2018, 2019))
    corner = (table["row"] < 12) & (table["col"] < 12)
    table = table[(table["year"] == 2018) | (table["code"] != OAK) | corner]
    assert ((table["year"] == 2019) & (table["code"] == OAK)).any()
    year, accuracy = fitting_year(table, forest_codes=FOREST_CODES, block_pixels=36, seed=1)
    assert (year, accuracy[2019]) == (2018, None)


def test_a_cut_that_leaves_a_fold_without_forest_is_passed_over() -> None:
    """Forest lies in rows 3 and 4: of one block as land is first cut, of two where it is cut six pixels further."""
    places = [(row, 0, code) for row in range(20) for code in (OAK, GRASS) if code == GRASS or row in (3, 4)]
    table = pd.DataFrame(places * 4, columns=["row", "col", "code"]).assign(year=2018, dated=False)
    table["ndvi_mapping"] = np.where(table["code"] == OAK, 0.8, 0.2) + np.linspace(0, 0.01, len(table))
    options: dict[str, Any] = {"forest_codes": FOREST_CODES, "block_pixels": 10, "seed": 1}
    with pytest.raises(TrainingError, match="labels of forest lie in one part"):
        cross_validate(table, **options)
    assert fitting_year(table, **options)[1][2018] == 1
