"""The race of breaks runs, and its judge counts as it says; how fast is for its own page to say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import break_series, breaks


def test_the_judge_counts_the_first_call_in_time_and_every_other_as_false() -> None:
    series = break_series.Series(np.zeros(0), np.zeros((0, 6, 4), np.float32), np.array([1000.0, 1000, np.nan, 1000]))
    calls = np.array([0, 0, 1, 2]), np.array([1010.0, 1500, 2000, 5])
    assert breaks.judge(series, calls) == pytest.approx(
        {"omission": 2 / 3, "false": 3 / 4, "F1": 2 / 7, "days": 10, "bias": 255}
    )


@pytest.mark.parametrize("kind", break_series.KINDS)
def test_series_have_the_clear_looks_and_breaks_that_they_say(kind: str) -> None:
    series = break_series.make(kind, 200, 0)
    seen = np.isfinite(series.values)
    assert (seen.all(axis=1).sum(axis=0) == 210).all()
    assert (seen.any(axis=1) == seen.all(axis=1)).all()
    assert 0.4 < np.isfinite(series.breaks).mean() < 0.6 if kind in break_series.WITH_BREAKS else True


def test_ours_takes_part_and_finds_the_easy_breaks() -> None:
    scores = breaks.race("easy", 60, 0).loc["habitat"]
    assert scores["omission"] == 0
    assert scores["false"] <= 0.05
