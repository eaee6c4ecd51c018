"""The studies of trajectories and kinds run, and score by their own rules; how well is for their own pages to say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import kinds, trajectories
from habitat.change.patches import ATTRIBUTES


def test_years_are_scored_where_a_true_loss_is_called() -> None:
    loss = np.array([[2018, 2019, 2020, 0, 0]])
    forest = np.array([[[1, 1, 1, 1, 0]], [[1, 1, 1, 1, 0]]], dtype=bool)
    found = np.array([[2018, 2020, 0, 2019, 2019]]), np.array([[0.5, 0.5, 0.05, 0.3, 0.5]])
    scored = trajectories.score(found, loss, forest)
    assert scored == trajectories.Score(2, 1, 1, 1, 2, 4, 3)


def test_the_race_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDTS_PYTHON", raising=False)
    assert set(trajectories.speeds(pixels=4_000, turns=1)) == {"habitat, one index", "habitat, four bands"}


def test_weights_that_are_learnt_name_what_they_were_learnt_from() -> None:
    import pandas as pd

    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 30)
    values = rng.normal(0, 0.3, (180, len(ATTRIBUTES)))
    values[np.arange(180), labels] += 3
    training = pd.DataFrame(values, columns=list(ATTRIBUTES)).assign(label=labels)
    space: dict[str, object] = {}
    exec(kinds.fit(training), space)
    weights = np.asarray(space["WEIGHTS"])
    assert space["KINDS"] == kinds.KINDS
    units = (values - np.asarray(space["CENTRE"])) / np.asarray(space["SPREAD"])
    assert ((np.column_stack([np.ones(180), units]) @ weights.T).argmax(axis=1) == labels).all()
