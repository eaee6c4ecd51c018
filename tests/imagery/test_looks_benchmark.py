"""What steps cost beside reading is measured: on tiles too small to tell."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_every_step_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import looks

    for name, value in {"SIDE": 96, "DATES": 4, "BLOCK": 32, "REPEATS": 1, "RESULTS": tmp_path}.items():
        monkeypatch.setattr(looks, name, value)
    monkeypatch.setattr("sys.argv", ["looks.py", str(tmp_path / "tiles")])
    looks.main()
    rows = [line for line in (tmp_path / "looks.md").read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 14
    assert all(float(row.split("|")[3]) > 0 for row in rows[1:])
