from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import habitat.forest.classifier
from cli.terminal import run
from habitat.simulate import write_sample


@pytest.fixture(scope="session", autouse=True)
def few_trees() -> Iterator[None]:
    """How good the map is does not matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(habitat.forest.classifier, "N_TREES", 5)
        yield


@pytest.fixture(scope="session")
def good_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated landscape whose recipe has been run to the end."""
    folder = tmp_path_factory.mktemp("good") / "land"
    write_sample(folder, size_km=0.6, seed=3, years=range(2019, 2022))
    said = run("run", folder / "recipe.toml")
    assert said.status == 0, said.err
    return folder


@pytest.fixture
def land(good_run: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(good_run, tmp_path / "land"))
