"""The benchmark of joining works, on a thousandth of its size."""

from __future__ import annotations

from pathlib import Path

from benchmarks import joining


def test_every_part_of_the_benchmark_works(tmp_path: Path) -> None:
    joining.make_inputs(tmp_path, 1000, 300)
    rows = {name: part(tmp_path, 300) for name, part in joining.PARTS.items()}
    assert rows["read records"] == rows["join"] == 1000
    assert 900 < rows["events"] <= 1000
