"""The studies of classifiers run, and their yardsticks are what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import applicability, classifiers, prediction
from habitat.forest import SymmetricTrees


def landscape(n: int, *, seed: int) -> pd.DataFrame:
    """Four classes far apart in three predictors, everywhere on a square of 150 pixels."""
    rng = np.random.default_rng(seed)
    codes = rng.choice([11, 14, 22, 50], n)
    centres = {11: (8, 0, 0), 14: (0, 8, 0), 22: (0, 0, 8), 50: (-8, -8, -8)}
    seen = np.array([centres[code] for code in codes]) + rng.normal(0, 1, (n, 3))
    table = pd.DataFrame(seen.astype(np.float32), columns=["ndvi_mapping", "nbr_mapping", "red_autumn"])
    place = rng.integers(0, 150, (n, 2))
    return table.assign(row=place[:, 0], col=place[:, 1], year=rng.integers(2016, 2026, n), code=codes, dated=True)


def test_speed_is_measured_and_labels_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prediction, "N_SAMPLES", 300)
    monkeypatch.setattr(prediction, "peers", dict)
    monkeypatch.setattr(prediction, "CASES", {"three classes": (3, 4)})
    prediction.main(0.001)
    said = capsys.readouterr().out
    assert "SymmetricTrees, 100 of depth 6" in said
    assert "Dissimilarity index" in said


def test_classes_far_apart_score_one_in_their_own_and_in_other_years() -> None:
    figures = classifiers.judge(
        lambda seed: SymmetricTrees(n_trees=20, random_state=seed), landscape(400, seed=0), landscape(800, seed=1), 0
    )
    assert figures["own macro F1"] > 0.98
    assert figures["other forest"] > 0.98
    assert figures["own ECE forest"] < 0.05


def test_classes_far_apart_are_flagged_when_they_were_not_taught() -> None:
    found = applicability.judge(landscape(400, seed=0), landscape(800, seed=1)).set_index("code")
    assert found.index.tolist() == [11, 14, 22, 50]
    assert (found["flagged"] > 0.9).all()
    assert (found["rest"] < 0.06).all()
    assert (found["ceiling"] > 0.95).all()
