"""Boosted symmetric trees: against sums worked out by hand, plain loops and scikit-learn's own battery."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import estimator_checks_generator

from habitat.forest import SymmetricTrees
from habitat.forest.boosting import quantile_borders

nan = np.nan


def clouds(n: int = 400, *, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    centres = np.random.default_rng(9).normal(0, 1.5, (classes, 5))
    return (centres[codes] + rng.normal(0, 1, (n, 5))).astype(np.float32), codes


@pytest.mark.parametrize(
    ("estimator", "check"),
    list(estimator_checks_generator(SymmetricTrees(n_trees=8, random_state=0))),
    ids=lambda value: getattr(getattr(value, "func", value), "__name__", "trees")[:60],
)
def test_scikit_learns_battery(estimator: SymmetricTrees, check: object) -> None:
    name = check.func.__name__  # type: ignore[attr-defined]
    if name.startswith("check_sample_weight_equivalence"):
        pytest.skip("a weight of 2 is not a row twice where trees see a random share of the rows")
    check(estimator)  # type: ignore[operator]


def test_weights_count_as_repeated_rows_where_every_tree_sees_all() -> None:
    table, codes = clouds(60)
    weight = np.random.default_rng(1).integers(1, 4, 60)
    whole = SymmetricTrees(n_trees=5, row_share=1.0, feature_share=1.0, n_borders=255, random_state=0)
    weighted = clone(whole).fit(table, codes, sample_weight=weight).predict_proba(table)
    # weights are brought to a mean of 1, so that the penalty has to grow with the rows
    scaled = clone(whole).set_params(l2=2.0 * weight.mean())
    repeated = scaled.fit(np.repeat(table, weight, axis=0), np.repeat(codes, weight)).predict_proba(table)
    assert np.allclose(weighted, repeated, atol=1e-3)


def test_one_tree_of_one_question_by_hand() -> None:
    """Log odds start at log(2/2) = 0: slopes are 1/2 and -1/2, curvatures 1/4 each, and two rows lie in each leaf."""
    table, codes = np.float32([[0], [1], [2], [3]]), np.array([0, 0, 1, 1])
    trees = SymmetricTrees(n_trees=1, depth=1, learning_rate=1.0, l2=0.5, row_share=1.0, random_state=0)
    trees.fit(table, codes)
    assert trees.borders_.tolist() == [1.5]
    step = (2 * 0.5) / (2 * 0.25 + 0.5)
    assert trees.decision_scores(table)[0] == pytest.approx([-step, -step, step, step], abs=1e-4)
    assert trees.predict_proba(table)[0, 1] == pytest.approx(1 / (1 + np.exp(step)), abs=1e-4)
    assert trees.predict(table).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(("classes", "depth"), [(2, 6), (3, 1), (7, 4), (14, 8)])
def test_fast_answers_are_those_of_plain_loops(classes: int, depth: int) -> None:
    table, codes = clouds(300, classes=classes)
    table[np.random.default_rng(3).random(table.shape) < 0.1] = nan
    trees = SymmetricTrees(n_trees=11, depth=depth, random_state=0).fit(table, codes)
    expected = np.empty((len(trees.bias_), len(table)))
    for row, values in enumerate(table):
        total = np.zeros(len(trees.bias_), dtype=np.int64)
        for tree in range(11):
            leaf = 0
            for level, (f, b) in enumerate(zip(trees.split_features_[tree], trees.split_bins_[tree], strict=True)):
                own = trees.borders_[trees.border_starts_[f] : trees.border_starts_[f + 1]]
                leaf |= int(b < len(own) and values[f] > own[b]) << level
            total += trees.leaves_[tree, leaf]
        expected[:, row] = total * trees.unit_ + trees.bias_
    assert np.allclose(trees.decision_scores(table), expected, rtol=1e-6, atol=1e-6)


def test_a_pixels_answer_does_not_depend_on_its_neighbours() -> None:
    table, codes = clouds(300)
    trees = SymmetricTrees(n_trees=10, random_state=0).fit(table, codes)
    whole = trees.predict_proba(table)
    for rows in (slice(0, 1), slice(5, 135), slice(37, 300)):
        assert np.array_equal(trees.predict_proba(table[rows]), whole[rows])


def test_the_same_seed_grows_the_same_trees() -> None:
    table, codes = clouds()
    one, same, other = (SymmetricTrees(n_trees=5, random_state=seed).fit(table, codes) for seed in (1, 1, 2))
    assert np.array_equal(one.leaves_, same.leaves_)
    assert np.array_equal(one.borders_, same.borders_)
    assert not np.array_equal(one.predict_proba(table), other.predict_proba(table))


def test_what_missing_means_is_learnt() -> None:
    """Whether a value is there tells the class, the value itself tells nothing."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 200)
    table = np.where(codes == 1, nan, rng.normal(0, 1, 200)).astype(np.float32)[:, None]
    trees = SymmetricTrees(n_trees=20, depth=2, random_state=0).fit(table, codes)
    assert trees.predict(np.float32([[nan], [-9], [0], [9]])).tolist() == [1, 0, 0, 0]


def test_trees_are_as_good_as_scikit_learns_boosting() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    table, codes = clouds(1500, classes=6)
    fresh, truth = clouds(1500, classes=6, seed=5)
    ours = SymmetricTrees(random_state=0).fit(table, codes).score(fresh, truth)
    theirs = HistGradientBoostingClassifier(random_state=0).fit(table, codes).score(fresh, truth)
    assert ours > theirs - 0.01


@pytest.mark.parametrize(
    "wrong", [{"depth": 0}, {"depth": 9}, {"n_borders": 256}, {"row_share": 1.5}, {"l2": -1}, {"n_trees": 0}]
)
def test_settings_out_of_range_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SymmetricTrees(**wrong).fit(*clouds(20))


@pytest.mark.parametrize("name", ["l2", "learning_rate", "row_share", "feature_share"])
@pytest.mark.parametrize("value", [0, 1e-60, nan, np.inf])
def test_settings_that_would_leave_leaves_without_a_number_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}=.* is not above 0"):
        SymmetricTrees(**{name: value}).fit(*clouds(20))


def test_one_class_cannot_be_learnt_and_unfitted_trees_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match="one class"):
        SymmetricTrees().fit(np.zeros((4, 1)), np.ones(4))
    with pytest.raises(NotFittedError):
        SymmetricTrees().predict(np.zeros((4, 1)))


@given(st.lists(st.floats(-1e6, 1e6, width=32) | st.just(nan), min_size=1, max_size=60), st.integers(1, 20))
def test_borders_ascend_and_part_what_differs(values: list[float], n_borders: int) -> None:
    table = np.array(values, dtype=np.float32)
    borders = quantile_borders(table, n_borders)
    assert len(borders) <= n_borders
    assert (np.diff(borders) > 0).all()
    seen = table[~np.isnan(table)]
    sides = (seen[:, None] > borders).sum(axis=0)
    if np.isnan(table).any() and len(seen):
        assert borders[0] == -np.inf
        assert sides[0] == len(seen)
        borders, sides = borders[1:], sides[1:]
    assert ((sides > 0) & (sides < len(seen))).all(), "each has something on both sides"
    if len(np.unique(seen)) <= n_borders - np.isnan(table).any():
        assert len(borders) == max(len(np.unique(seen)) - 1, 0)
