"""The studies of forest maps run on a landscape too small to tell, and judge on land that no label was taken from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import cleaning, features, forest, labelled


@pytest.fixture(scope="module")
def land() -> labelled.Landscape:
    return labelled.make_labelled(3, size_km=1.2, years=range(2019, 2021))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "fitted", lambda samples, names, trees=6: FITTED(samples, names, trees))
    monkeypatch.setattr(cleaning, "fitted", features.fitted)
    monkeypatch.setattr(cleaning, "NOISES", (("none", 0.0), ("crossed", 0.2)))


FITTED = features.fitted


def test_every_predictor_is_of_a_group(land: labelled.Landscape) -> None:
    of_groups = [land.names([group]) for group in labelled.ALL_GROUPS]
    assert [len(names) for names in of_groups] == [24, 16, 12, 4, 4, 4]
    assert sorted(name for names in of_groups for name in names) == sorted(map(str, land.features.data_vars))


def test_labels_of_a_block_never_train_what_is_judged_there(land: labelled.Landscape) -> None:
    taught = features.training(land)
    assert len(taught) > 100
    assert (land.fold_of(taught["row"], taught["col"]) != features.LEFT_OUT).all()
    rows, cols = np.indices((land.side, land.side))
    folds = land.fold_of(rows, cols)
    assert set(np.unique(folds)) == {0, 1, 2}
    assert len(np.unique(folds[:10, :10])) == 1, "blocks of ten pixels"


def test_predictors_are_tabled(land: labelled.Landscape) -> None:
    one = {"groups": [features.by_groups(land)], "season": [features.by_season(land)]}
    page = features.tell(one | {"label year": [features.by_label_year(land)], "looks": [{"a": (0.9, 0.5)}]}, [3])
    rows = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) == 4 + (len(features.SETS) + 1) + 8 + 6 + 1
    assert all(0 < float(row.split("|")[2]) <= 1 for row in rows if row.split("|")[2].strip()[0].isdigit())


def test_a_season_is_taken_away_or_filled_from_the_year_beside(land: labelled.Landscape) -> None:
    bare, filled = (features.without_season(land, "autumn", 0, fill) for fill in (False, True))
    assert np.isnan(bare.features["ndvi_autumn"].values[0]).all()
    assert np.isfinite(bare.features["ndvi_autumn"].values[1]).any()
    both = np.isfinite(filled.features["ndvi_autumn"].values).all(axis=0)
    assert np.array_equal(filled.features["ndvi_autumn"].values[0][both], land.features["ndvi_autumn"].values[1][both])
    assert np.array_equal(bare.features["ndvi_mapping"], land.features["ndvi_mapping"], equal_nan=True)


def test_planted_errors_are_tabled(land: labelled.Landscape) -> None:
    found = cleaning.study(land, 3)
    assert found["cleaning"].tolist() == [
        "as they are", "habitat", "habitat without its guard", "confident learning",
        "as they are", "habitat", "confident learning",
    ]  # fmt: skip
    assert found[["balanced", "macro"]].to_numpy().min() > 0
    assert "| crossed, 20% | habitat |" in cleaning.tell([found], [3])


@pytest.mark.slow
def test_maps_are_judged_in_every_year_and_way(land: labelled.Landscape) -> None:
    found = forest.figures(land, 3)
    assert len(found) == len(forest.WAYS) * len(forest.LABELS) * 2
    assert found["balanced"].min() > 0.6
    assert pd.unique(found["way"]).tolist() == list(forest.WAYS)
    assert forest.tell(found).count("\n| ") == 1 + 4 + 1 + 4 + 1 + 2
