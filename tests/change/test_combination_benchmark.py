"""The benchmark of the combination learns what it is shown, and counts what it says it counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import combination as benchmark
from habitat.change import LossEvidence, yearly_drops

YEARS = np.arange(2018, 2024)


def case(seed: int, *, told_by: str) -> benchmark.Case:
    """Squares of loss that either the maps or the trajectories know of; the other says noise."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((40, 40), np.uint16)
    for _ in range(8):
        row, col = rng.integers(0, 34, 2)
        truth[row : row + 5, col : col + 5] = rng.integers(2019, 2024)
    gone = (truth > 0) & (YEARS[:, None, None] >= truth)
    begins = YEARS[:, None, None] == truth
    noise = rng.uniform(0, 0.3, gone.shape).cumsum(axis=0) / 6
    lost = np.where(gone, 0.97, 0.01) if told_by == "maps" else np.clip(noise, 0, 0.4)
    falls = np.where(begins, 0.4, 0) if told_by == "trajectories" else (rng.random(gone.shape) < 0.02) * 0.15
    evidence = LossEvidence(
        YEARS,
        lost.astype(np.float32),
        np.full(gone.shape, 0.9, np.float32),
        falls.astype(np.float32),
        drops=yearly_drops(0.6 - falls.cumsum(axis=0)),
    )
    none = pd.DataFrame(columns=list(benchmark.LOSSES))
    return benchmark.Case(evidence, truth, (0.0, 0.0, 0.0), 1, none, {})


@pytest.mark.parametrize("told_by", ["maps", "trajectories"])
def test_weights_go_to_what_knows(told_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = ("maps", "trajectories")
    weights = benchmark.fit([case(seed, told_by=told_by) for seed in (0, 1)], ways)
    monkeypatch.setitem(benchmark.combine_evidence.__globals__["WEIGHTS"], ways, tuple(weights))
    figures, said, was = benchmark.judge(case(2, told_by=told_by), ways)
    assert figures[0] > 0.95, "F1"
    assert figures[3] > 0.95, "exact year"
    assert benchmark.calibration(said, was)[0] < 0.02


def test_calibration_is_the_mean_distance_of_what_was_said_from_what_was() -> None:
    said = np.array([0.25, 0.25, 0.25, 0.25, 0.95, 0.95])
    was = np.array([1, 0, 0, 0, 1, 0], bool)
    error, rows = benchmark.calibration(said, was)
    assert rows == [(0.25, 0.25, 4), (pytest.approx(0.95), 0.5, 2)]
    assert error == pytest.approx(0.45 * 2 / 6)


def test_the_table_of_weights_is_python_that_names_its_landscapes() -> None:
    weights = {("maps", "breaks"): np.array([0.5, 1.0])}
    text = benchmark.table({"WEIGHTS": weights, "ONE_YEAR": {}}, [0, 1, 2])
    scope: dict[str, object] = {}
    exec(compile(text, "weights", "exec"), scope)
    assert scope["WEIGHTS"] == {("maps", "breaks"): (0.5, 1.0)}
    assert scope["ONE_YEAR"] == {}
    assert "Learnt on standard and hard landscapes of seeds 0 to 2." in str(scope["__doc__"])
