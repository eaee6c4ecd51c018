"""The study of masks runs, and on a small landscape finds most of what the product missed."""

from __future__ import annotations

import pytest

from benchmarks import masks


def test_most_of_what_the_product_missed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "SIZE_KM", 0.9)
    monkeypatch.setattr(masks, "YEARS", range(2018, 2023))
    score = masks.simulated(2)
    assert score.missed > 100
    assert score.found > 0.8
    assert score.lost < 0.06
    assert score.regained > 0.2
