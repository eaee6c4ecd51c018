"""Probabilities that mean what they say: temperatures that were hidden are found again."""

from __future__ import annotations

import numpy as np
import pytest

from habitat.forest import Temperatures, apply_temperatures, calibration_error, fit_temperatures, reliability
from habitat.forest.boosting import probabilities

FOREST = np.array([True, True, False, False, False])


def drawn(at: Temperatures, n: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and classes that are true as often as their calibrated probabilities say."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (5, n))
    said = apply_temperatures(scores, FOREST, at)
    return scores, (rng.random(n) > said.cumsum(axis=0)).sum(axis=0).clip(max=4)


@pytest.mark.parametrize("hidden", [Temperatures(1, 1), Temperatures(0.5, 2), Temperatures(3, 0.7)])
def test_hidden_temperatures_are_found(hidden: Temperatures) -> None:
    scores, target = drawn(hidden)
    found = fit_temperatures(scores, target, FOREST)
    assert found.kind == pytest.approx(hidden.kind, rel=0.1)
    assert found.within == pytest.approx(hidden.within, rel=0.1)
    said = apply_temperatures(scores, FOREST, found)
    assert calibration_error(said.max(axis=0), said.argmax(axis=0) == target) < 0.02
    assert calibration_error(said[FOREST].sum(axis=0), FOREST[target]) < 0.02


def test_without_heat_probabilities_are_the_softmax() -> None:
    scores = np.random.default_rng(1).normal(0, 3, (5, 50)).astype(np.float32)
    assert np.allclose(apply_temperatures(scores, FOREST, Temperatures()), probabilities(scores), atol=1e-6)
    assert apply_temperatures(scores, FOREST, Temperatures()).dtype == np.float32


def test_by_hand() -> None:
    """Odds of forest 3:1, of its classes 2:1; at temperature 2 of the kind their root, at 1/2 within their square."""
    scores = np.log(np.array([[2.0], [1.0], [1.0]]))
    said = apply_temperatures(scores, np.array([True, True, False]), Temperatures(2, 0.5))[:, 0]
    forest = 3**0.5 / (1 + 3**0.5)
    assert said == pytest.approx([forest * 4 / 5, forest / 5, 1 - forest])


def test_heat_changes_neither_the_kind_nor_the_class_within_it() -> None:
    scores = np.random.default_rng(2).normal(0, 3, (5, 500))
    cold, hot = (apply_temperatures(scores, FOREST, at) for at in (Temperatures(0.3, 0.5), Temperatures(5, 3)))
    for kind in (FOREST, ~FOREST):
        assert np.array_equal(cold[kind].argmax(axis=0), hot[kind].argmax(axis=0))
    assert np.array_equal(cold[FOREST].sum(axis=0) > 0.5, hot[FOREST].sum(axis=0) > 0.5)
    assert np.allclose(hot.sum(axis=0), 1)


def test_extreme_scores_stay_probabilities() -> None:
    scores = np.float32([[800, -800], [0, 0], [-800, 800], [0, 0], [0, 0]])
    said = apply_temperatures(scores, FOREST, Temperatures(0.2, 0.2))
    assert np.isfinite(said).all()
    assert said[[0, 2], [0, 1]] == pytest.approx(1)


def test_reliability_and_its_error_by_hand() -> None:
    said = np.array([0.05, 0.15, 0.95, 0.95, 1.0])
    true = np.array([False, True, True, True, False])
    table = reliability(said, true)
    assert table["n"].tolist() == [1, 1, 3]
    assert table["low"].tolist() == [0.0, 0.1, 0.9]
    assert calibration_error(said, true) == pytest.approx((0.05 + 0.85 + 3 * abs(2.9 / 3 - 2 / 3)) / 5)
