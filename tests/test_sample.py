"""The committed sample, from its tiles to its report, against its truth (the figures that the project promises)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import habitat
from benchmarks.score_sample import score

SAMPLE = Path(__file__).parents[1] / "sample_tiles"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample with a finished run."""
    folder = tmp_path_factory.mktemp("sample") / "sample_tiles"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("run"))
    habitat.run_recipe(habitat.read_recipe(folder / "recipe.toml"))
    return folder


def test_maps_and_losses_are_as_good_as_promised(sample: Path) -> None:
    figures = score(sample, sample / "run")
    assert figures["balanced_accuracy_worst_year"] >= 0.93
    assert figures["loss_f1"] >= 0.75
    assert figures["loss_exact_year"] >= 0.75
    assert figures["loss_within_one_year"] >= 0.95


def test_the_run_holds_every_file_of_the_design(sample: Path) -> None:
    run = sample / "run"
    years = range(2016, 2026)
    wanted = ["recipe.toml", "run.json", "catalog.json", "areas.csv", "report.html", "cells.parquet"]
    wanted += ["effort.parquet", "sightings.parquet", "quarantine.parquet", "occupancy.parquet"]
    wanted += ["change/loss_year.tif", "change/loss_probability.tif", "occupancy/teaching_marten.tif"]
    wanted += [f"composites/{year}.tif" for year in years] + [f"forest/{year}.tif" for year in years]
    wanted += [f"forest/{year}_probability.tif" for year in years]
    assert not [name for name in wanted if not (run / name).is_file()]
    assert not list(run.rglob("*.part"))
    assert not (run / ".work").exists()


def test_a_second_run_has_nothing_to_do(sample: Path) -> None:
    again = habitat.run_recipe(habitat.read_recipe(sample / "recipe.toml"))
    assert [result.name for result in again if result.done] == []
    assert len(again) == 8
