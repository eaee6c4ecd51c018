"""The measurement of zonal counts runs, and says nothing of a peer that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import zonal


def test_figures_are_measured_without_the_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZONAL_PYTHON", raising=False)
    figures = zonal.main(tmp_path, rows=360, layers=2, results=tmp_path)
    assert set(figures) == {"ours_codes_s", "ours_mean_s", "ours_extra_bytes_a_pixel"}
    assert 0 < figures["ours_extra_bytes_a_pixel"] < 16
    assert "| nan |" in (tmp_path / "zonal.md").read_text()
