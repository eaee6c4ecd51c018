"""Where a model applies: known distances, a class that was never taught, and what was taught."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.cbook import boxplot_stats
from scipy.spatial.distance import cdist

import habitat.forest.applicability as module
from forest.landscapes import FOREST_CODES, OAK, features, samples
from habitat.errors import ContractError, TrainingError
from habitat.forest import dissimilarity, learn_applicability, predict_dissimilarity, train_cover

nan = np.nan


def taught(n: int = 300, *, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    table = rng.normal(0, 1, (n, 6))
    table[np.arange(n), codes] += 6
    return table * [1, 10, 100, 1, 1, 1], codes, rng.integers(0, 5, n)


def test_the_index_is_the_distance_to_the_nearest_point_in_units_of_the_mean() -> None:
    table, codes, folds = taught(200)
    area = learn_applicability(table, codes, folds)
    fresh = taught(400, seed=1)[0].astype(np.float32)
    places, known = ((x - area.centre) @ area.axes for x in (fresh.astype(float), table))
    assert np.allclose(dissimilarity(area, fresh.T), cdist(places, known).min(axis=1) / area.mean_distance, atol=2e-4)
    assert area.mean_distance == pytest.approx(cdist(known, known)[np.triu_indices(200, 1)].mean(), rel=1e-3)


def test_what_a_class_differs_by_within_itself_has_length_one() -> None:
    table, codes, folds = taught(3000)
    area = learn_applicability(table, codes, folds)
    places = (table - area.centre) @ area.axes
    for code in range(3):
        assert np.allclose(np.cov(places[codes == code].T), np.eye(6), atol=0.25)


def test_the_threshold_is_the_upper_whisker_of_the_samples_measured_from_other_folds() -> None:
    table, codes, folds = taught(200)
    area = learn_applicability(table, codes, folds)
    places = (table - area.centre) @ area.axes
    apart = cdist(places, places)
    apart[folds[:, None] == folds] = np.inf
    own = apart.min(axis=1) / area.mean_distance
    (box,) = boxplot_stats(own)
    assert area.threshold == pytest.approx(box["whishi"], rel=1e-3)
    assert 0 < len(box["fliers"]) < 10, "fewer lie beyond it than beyond the 95% quantile"


def test_a_class_that_lies_in_one_fold_alone_does_not_drag_the_threshold_up() -> None:
    """A twentieth of the samples are far from all other folds."""
    table, codes, folds = taught(600)
    usual = learn_applicability(table, codes, folds)
    alone = np.arange(600) < 36
    table[alone, 5] += 100
    folds = np.where(alone, 0, folds)
    area = learn_applicability(table, np.where(alone, 9, codes), folds)
    places = (table - area.centre) @ area.axes
    far = cdist(places[alone], places[folds != 0]).min(axis=1) / area.mean_distance
    assert (far > 3 * area.threshold).all()
    assert area.threshold * area.mean_distance < 1.5 * usual.threshold * usual.mean_distance


def test_a_class_that_was_not_taught_lies_outside_and_what_was_taught_inside() -> None:
    table, codes, folds = taught(600, classes=4)
    for left_out in range(4):
        kept = codes != left_out
        area = learn_applicability(table[kept], codes[kept], folds[kept])
        fresh, truth, _ = taught(600, classes=4, seed=7)
        outside = dissimilarity(area, fresh.T) > area.threshold
        assert outside[truth == left_out].mean() > 0.8
        assert outside[truth != left_out].mean() < 0.05


def test_many_samples_are_represented_by_points_that_leave_none_far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    table, codes, folds = taught(2000)
    whole = learn_applicability(table, codes, folds)
    assert len(whole.points) == module.MAX_POINTS
    monkeypatch.setattr(module, "MAX_POINTS", 5000)
    exact = learn_applicability(table, codes, folds)
    fresh = taught(1000, seed=3)[0].T
    near, far = dissimilarity(exact, fresh), dissimilarity(whole, fresh)
    assert (far >= near - 1e-4).all()
    agree = (far > whole.threshold) == (near > exact.threshold)
    assert agree.mean() > 0.9


def test_missing_predictors_count_as_ordinary_and_unseen_pixels_have_no_index() -> None:
    table, codes, folds = taught()
    area = learn_applicability(table, codes, folds)
    one = table[:1].astype(np.float32)
    filled, gap, nothing = one.copy(), one.copy(), np.full_like(one, nan)
    filled[0, 4], gap[0, 4] = area.centre[4], nan
    found = dissimilarity(area, np.concatenate([filled, gap, nothing]).T)
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert np.isnan(found[2])


def test_samples_of_one_fold_or_without_any_difference_teach_no_distance() -> None:
    table, codes, _ = taught(50)
    with pytest.raises(TrainingError, match="one fold"):
        learn_applicability(table, codes, np.zeros(50))
    with pytest.raises(TrainingError, match="look the same"):
        learn_applicability(np.ones((50, 2)), codes, np.arange(50) % 2)


def test_a_model_that_was_not_calibrated_says_so() -> None:
    model = train_cover(samples(), forest_codes=FOREST_CODES, seed=1)
    with pytest.raises(ContractError, match="was not learnt; calibrate it"):
        predict_dissimilarity(model, features([[OAK]]))
