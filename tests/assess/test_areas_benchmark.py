"""The coverage of limits is measured: on a few samples, too few to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from habitat.assess import intervals


def test_every_figure_of_every_landscape_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import areas

    before = intervals.SEEN, intervals.UNSEEN, intervals.DRAWS, intervals.draw_shares
    monkeypatch.setattr(areas, "RESULTS", tmp_path)
    monkeypatch.setattr(areas, "DRAWS", 100)
    monkeypatch.setattr("sys.argv", ["areas.py", "20"])
    areas.main()
    text = (tmp_path / "areas.md").read_text(encoding="utf-8")
    assert text.count("\n## ") == 5
    assert text.count("| area of ") == 4 + 3 + 3 + 3 + 6
    assert text.count("| overall accuracy |") == 5
    assert (intervals.SEEN, intervals.UNSEEN, intervals.DRAWS, intervals.draw_shares) == before
