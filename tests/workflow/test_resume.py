"""`kill -9` in the middle of the work, and the same command again: the end is as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import FEW_TREES, run

from habitat.forest import classifier
from habitat.store import digest_file
from habitat.workflow import composites, evidence, maps, training

pytestmark = pytest.mark.slow

BLOCK = 10
"""Pixels: many blocks of a small area."""

PROGRAM = f"""
import sys
from habitat.cli import main
from habitat.forest import classifier
from habitat.workflow import composites, evidence, maps, training
classifier.N_TREES = {FEW_TREES}
composites.READ_BLOCK = evidence.READ_BLOCK = training.READ_BLOCK = maps.MAP_BLOCK = {BLOCK}
main(sys.argv[1:])
"""


def start(land: Path) -> subprocess.Popen[str]:
    """`habitat run` in a process of its own, in small blocks."""
    command = [sys.executable, "-c", PROGRAM, "run", str(land / "recipe.toml"), "--workers", "1"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def kill_when(land: Path, ready: Callable[[Path], bool]) -> None:
    """Start the run and kill it, children and all, as soon as `ready(run's folder)`."""
    process = start(land)
    try:
        until = time.monotonic() + 120
        while not ready(land / "run"):
            assert process.poll() is None, f"it ended before it could be killed: {process.communicate()}"
            assert time.monotonic() < until
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def blocks(run_folder: Path, stage: str) -> set[Path]:
    """Finished blocks of a stage at work."""
    return set(run_folder.glob(f".work/{stage}-*/*.npz"))


def finished(run_folder: Path) -> set[str]:
    stages = json.loads((run_folder / "run.json").read_text())["stages"]
    return {name for name, stage in stages.items() if stage["finished"]}


def data(run_folder: Path) -> dict[str, str]:
    files = (path for path in run_folder.rglob("*") if path.suffix in (".tif", ".parquet", ".csv"))
    return {path.relative_to(run_folder).as_posix(): digest_file(path) for path in files}


@pytest.fixture
def lands(good_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two equal landscapes of two years that have not been run, and this process set to work as PROGRAM does."""
    monkeypatch.setattr(classifier, "N_TREES", FEW_TREES)
    for module, name in ((composites, "READ"), (evidence, "READ"), (training, "READ"), (maps, "MAP")):
        monkeypatch.setattr(module, f"{name}_BLOCK", BLOCK)
    folders = [tmp_path / "whole", tmp_path / "killed"]
    for folder in folders:
        shutil.copytree(good_run, folder, ignore=shutil.ignore_patterns("run"))
        recipe = folder / "recipe.toml"
        recipe.write_text(recipe.read_text().replace('"2019-2021"', '"2020-2021"'))
    return folders


def test_a_killed_run_ends_like_one_that_was_not(lands: list[Path]) -> None:
    whole, land = lands
    assert run("run", whole / "recipe.toml").status == 0

    kill_when(land, lambda folder: len(blocks(folder, "composite")) >= 5)
    assert finished(land / "run") == set()
    assert 5 <= len(blocks(land / "run", "composite")) < 18

    kill_when(land, lambda folder: len(blocks(folder, "map")) >= 1)
    assert finished(land / "run") == {"composite", "train"}
    kept = {path: path.stat().st_mtime_ns for path in (land / "run" / "composites").glob("*.tif")}

    process = start(land)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "what was finished is not made again"
    made = data(land / "run")
    assert len(made) > 20
    assert made == data(whole / "run")
    left = [path for path in (land / "run").rglob("*") if path.suffix in (".part", ".raw") or path.name == ".work"]
    assert left == []

    began = time.monotonic()
    assert run("run", land / "recipe.toml").out.startswith("nothing to do: all 8 stages are up to date")
    assert time.monotonic() - began < 5
