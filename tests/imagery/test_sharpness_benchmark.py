"""The benchmark of sharpness runs on one small landscape; edges agree, and gaps pay for it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import sharpness


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharpness, "SIZE_KM", 1.5)
    monkeypatch.setattr(sharpness, "SIDES_M", (40, 100))


def test_edges_of_one_moment_agree() -> None:
    told = sharpness.edges(1)
    own, common = (np.abs(told["none", way, "edge"]) for way in ("own", "common"))
    assert own.mean() > 0.015
    assert common.mean() < 0.01


def test_small_clearings_fade_and_large_ones_stay() -> None:
    told = sharpness.clearings(1)
    contrast = {key: values[0] for key, values in told.items()}
    assert contrast["sentinel-2", "common", 40] < 0.8 * contrast["sentinel-2", "own", 40]
    assert contrast["sentinel-2", "common", 100] > 0.9
    assert told["landsat", "own", 40] == told["landsat", "common", 40]
