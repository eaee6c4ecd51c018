"""The committed sample, from its tiles to its report, against its truth (the figures that the project promises)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import habitat
from benchmarks.score_sample import score
from habitat.store import read_raster, read_table

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


# -- animals: this changes the run, so it comes last ------------------------------------------------------


def rerun(sample: Path, **settings: str) -> dict[str, pd.DataFrame]:
    """Change lines of the recipe, run it again up to occupancy, and return the tables it wrote."""
    path = sample / "recipe.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    for key, value in settings.items():
        known = [n for n, line in enumerate(lines) if line.startswith(f"{key} = ")]
        at = known[0] if known else lines.index("[occupancy]") + 1
        lines[at : at + len(known)] = [f"{key} = {value}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    habitat.run_recipe(habitat.read_recipe(path), until="occupancy")
    folder = sample / "run" / "occupancy"
    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in ("share", "estimates", "models", "fit")}
    return tables | {"cells": read_table(sample / "run" / "occupancy.parquet")}


def test_planted_effects_and_true_shares_lie_inside_the_run_s_limits(sample: Path) -> None:
    tables = rerun(sample)
    planted = json.loads((sample / "truth" / "parameters.json").read_text())["occupancy"]
    truth = pd.read_csv(sample / "truth" / "occupancy.csv").groupby("season")["occupied"].mean()
    terms, share = tables["estimates"].query("parameter == 'psi'"), tables["share"].set_index("season")
    for term, value in (("forest_share", planted["psi_forest_share"]), ("recent_loss", planted["psi_recent_loss"])):
        rows = terms[terms["term"] == term]
        assert ((rows["lower"] <= value) & (value <= rows["upper"])).all(), term
    assert ((share["lower"] <= truth) & (truth <= share["upper"])).all()
    assert ((share["expected_lower"] <= truth) & (truth <= share["expected_upper"])).all()
    off = abs(share[["naive", "estimate"]].sub(truth, axis=0)).mean()
    assert off["naive"] > 2 * off["estimate"]
    assert tables["fit"]["c_hat"].between(0.5, 1.6).all()
    values, _ = read_raster(sample / "run" / "occupancy" / "teaching_marten.tif")
    assert values.shape[0] == 6
    psi, _, lower, upper = values[:4]
    known = ~np.isnan(psi)
    assert (lower[known] <= psi[known]).all()
    assert (psi[known] <= upper[known]).all()


def test_a_dynamic_model_of_the_same_records_is_chosen_by_aic_and_told_at_two_sizes(sample: Path) -> None:
    tables = rerun(
        sample,
        model='"dynamic"',
        psi='["1", "forest_share"]',
        colonisation='"next_forest_share"',
        extinction='"next_forest_share"',
        size_m="300\nsizes_m = [450]",
        min_cells="20",
        fit_draws="5",
    )
    assert tables["models"]["model"][0].startswith("psi(forest_share) col(next_forest_share)")
    assert tables["models"]["weight"].sum() == pytest.approx(1)
    share = tables["share"]
    assert share["size_m"].tolist() == [300] * 5 + [450] * 5
    assert (share["estimate"] > share["naive"]).all()
    small, wide = (share[share["size_m"] == size].set_index("season")["estimate"] for size in (300, 450))
    assert (wide > small).all(), "more of the larger cells are used"
    assert (tables["fit"]["season"] == "2021-2025").all()
    assert set(tables["estimates"]["parameter"]) == {"psi", "col", "ext", "p"}
    assert tables["cells"].groupby("season").size().tolist() == [100] * 5
    assert not tables["estimates"]["boundary"].any()
