"""The study of single scenes runs, and on a small landscape finds the clouds and keeps the clear ground."""

from __future__ import annotations

import pytest

from benchmarks import spectral


def test_most_clouds_are_found_with_air_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectral, "SIZE_KM", 0.9)
    monkeypatch.setattr(spectral, "YEARS", range(2020, 2022))
    scores = spectral.simulated(2)
    for air in (False, True):
        score = spectral.added([part for (_, with_air), part in scores.items() if with_air == air])
        assert score.cloud.true > 500
        assert score.cloud.both / score.cloud.true > 0.9
        assert score.cloud.both / score.cloud.found > 0.7
        assert score.lost / score.clear < 0.12
