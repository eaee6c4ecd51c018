from __future__ import annotations

from pathlib import Path

import pytest
from fabricated import Story, fabricate

from habitat.report import write_report


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up run with everything in it; tests read it and leave it as it is."""
    folder = fabricate(tmp_path_factory.mktemp("reported") / "run")
    write_report(folder)
    return folder


@pytest.fixture
def small_run(tmp_path: Path):
    """Make a small run that a test may damage."""

    def make(**story) -> Path:
        return fabricate(tmp_path / "run", Story(**({"size": 60, "years": (2019, 2020, 2021)} | story)))

    return make
