"""What is done again, and what is not: contents decide, never clocks, blocks or workers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from terminal import edit, run

import habitat.workflow.changes
import habitat.workflow.composites
import habitat.workflow.maps
from habitat.errors import ReadError
from habitat.recipe import read_recipe
from habitat.store import digest_file, read_raster, read_table, write_raster
from habitat.workflow import run_recipe

ALL = ["composite", "train", "map", "change", "cells", "join", "occupancy", "report"]
DATA = (".tif", ".parquet", ".csv")


def done_in(land: Path, until: str = "report", **options: int) -> list[str]:
    """Run the recipe and return the stages that were done."""
    return [
        result.name for result in run_recipe(read_recipe(land / "recipe.toml"), until=until, **options) if result.done
    ]


def data(run_folder: Path) -> dict[str, str]:
    """Digests of a run's rasters and tables."""
    files = (path for path in run_folder.rglob("*") if path.suffix in DATA and ".work" not in path.parts)
    return {path.relative_to(run_folder).as_posix(): digest_file(path) for path in files}


def test_a_landscape_that_was_moved_is_up_to_date(land: Path) -> None:
    assert done_in(land) == []


def test_clocks_decide_nothing(land: Path) -> None:
    for number, path in enumerate(sorted(land.rglob("*"))):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    assert done_in(land) == []


def test_words_that_mean_the_same_are_the_same(land: Path) -> None:
    edit(land, "min_patch_ha = 0.5", "min_patch_ha = 0.50  # as before")
    edit(land, 'psi = "forest_share + recent_loss"', "psi = 'forest_share + recent_loss'")
    assert done_in(land) == []


# -- a changed recipe -----------------------------------------------------------------------------------


def test_a_changed_setting_reruns_its_stage_and_what_follows_from_it(land: Path) -> None:
    before = data(land / "run")
    edit(land, "size_m = 300", "size_m = 200")
    done = done_in(land)
    assert done == ["cells", "join", "occupancy", "report"]
    changed = {name for name, digest in data(land / "run").items() if digest != before.get(name)}
    assert {"cells.parquet", "sightings.parquet", "effort.parquet"} <= changed
    assert not any(name.startswith(("composites/", "forest/", "change/")) for name in changed)
    assert "size_m = 200" in (land / "run" / "recipe.toml").read_text()


def test_what_comes_out_the_same_stops_there(land: Path) -> None:
    """No patch has between 0.5 and 0.51 ha: the loss is the same, and nothing follows from it."""
    edit(land, "min_patch_ha = 0.5", "min_patch_ha = 0.51")
    assert done_in(land) == ["change", "report"], "the report tells the settings"


def test_fewer_years_leave_nothing_of_the_others(land: Path) -> None:
    edit(land, '"2019-2021"', '"2020-2021"')
    assert done_in(land, "change") == ALL[:4]
    left = {path.relative_to(land / "run").as_posix() for path in (land / "run").rglob("2019*")}
    assert left == set()
    items = json.loads((land / "run" / "catalog.json").read_text())["links"]
    assert not [link["href"] for link in items if "2019" in link["href"]]


def test_only_what_a_stage_needs_is_run(good_run: Path, land: Path) -> None:
    edit(land, 'folder = "run"', 'folder = "other"')
    assert done_in(land, "composite") == ["composite"]
    assert {path.name for path in (land / "other").iterdir()} >= {
        "composites",
        "run.json",
        "recipe.toml",
        "catalog.json",
    }
    assert not (land / "other" / "forest").exists()
    assert done_in(land, "change") == ["train", "map", "change"]
    assert data(land / "other").items() <= data(good_run / "run").items(), "another folder holds the same files"


# -- changed inputs -------------------------------------------------------------------------------------


def test_one_changed_pixel_of_one_scene_is_noticed(land: Path) -> None:
    path = next((land / "scenes").glob("sentinel-2*/S2?_52TFN_20200[678]*/red.tif"))
    values, grid = read_raster(path)
    values[0, 0, 0] += 500
    write_raster(path, values, grid, ["red"], 0)
    assert done_in(land, "composite") == ["composite"]


def test_what_an_item_says_is_noticed(land: Path) -> None:
    path = next((land / "scenes").glob("sentinel-2*/S2?_52TFN_20200[678]*/*.json"))
    item = json.loads(path.read_text())
    path.write_text(json.dumps(item | {"title": "renamed"}))
    assert done_in(land, "composite") == [], "of no meaning to the composites"
    item["assets"]["red"]["raster:bands"][0]["scale"] = 0.0002
    path.write_text(json.dumps(item))
    assert done_in(land, "composite") == ["composite"]


def test_new_records_leave_the_maps_alone(land: Path) -> None:
    with (land / "sightings.csv").open("a") as table:
        table.write((land / "sightings.csv").read_text().splitlines()[-1].replace("2021-", "2020-", 1) + "\n")
    assert [name for name in done_in(land) if name in ALL[:5]] == []


# -- changed outputs ------------------------------------------------------------------------------------


def delete(path: Path) -> None:
    path.unlink()


def tamper(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


@pytest.mark.parametrize(
    ("name", "spoil", "stage"),
    [
        ("composites/2020.tif", delete, "composite"),
        ("forest/validation.json", tamper, "train"),
        ("forest/2020_probability.tif", tamper, "map"),
        ("change/loss_year.tif", delete, "change"),
        ("areas.csv", tamper, "report"),
        ("cells.parquet", delete, "cells"),
        ("sightings.parquet", tamper, "join"),
        ("occupancy.parquet", delete, "occupancy"),
        ("report.html", delete, "report"),
    ],
)
def test_an_output_that_is_gone_or_changed_is_made_again(
    land: Path, name: str, spoil: Callable[[Path], None], stage: str
) -> None:
    before = data(land / "run")
    spoil(land / "run" / name)
    assert done_in(land) == [stage], "what comes out is what it was, so nothing follows"
    assert data(land / "run") == before
    assert done_in(land) == []


# -- blocks and workers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("pixels", "workers"), [(13, 1), (8, 4)])
def test_neither_blocks_nor_workers_show_in_maps_and_losses(
    land: Path, monkeypatch: pytest.MonkeyPatch, pixels: int, workers: int
) -> None:
    monkeypatch.setattr(habitat.workflow.maps, "MAP_BLOCK", pixels)
    monkeypatch.setattr(habitat.workflow.evidence, "READ_BLOCK", pixels)
    before = data(land / "run")
    (land / "run" / "forest" / "2020.tif").unlink()
    (land / "run" / "change" / "loss_year.tif").unlink()
    assert done_in(land, "change", workers=workers) == ["map", "change"]
    assert data(land / "run") == before


def test_common_bands_take_sentinel_2_s_blue_to_landsat_s(land: Path) -> None:
    edit(land, "[scenes]\n", '[scenes]\nbands = "common"\n')
    edit(land, 'folder = "run"', 'folder = "common"')
    assert done_in(land, "composite") == ["composite"]

    def blue(folder: str) -> np.ndarray:
        values = read_raster(land / folder / "composites" / "2020.tif")[0][0].astype(float)
        return np.where(values == -32768, np.nan, values)

    lower = blue("run") - blue("common")
    assert 0 < np.nanmedian(lower) < 60  # of the median of both sensors' looks: less than the line's 0.004 and 2%


def test_a_run_knows_whose_looks_its_composites_are_made_of(land: Path) -> None:
    looks = read_raster(land / "run" / "composites" / "2020.tif")[0][-1]
    of_sensor, _ = read_raster(land / "run" / "composites" / "2020_sensors.tif")
    assert of_sensor.shape[0] == 2
    assert np.array_equal(of_sensor.sum(axis=0), looks)
    assert (of_sensor > 0).any(axis=(1, 2)).all()


def test_a_medoid_is_another_picture_of_the_same_looks(land: Path) -> None:
    edit(land, "[scenes]\n", '[scenes]\ncomposite = "medoid"\n')
    edit(land, 'folder = "run"', 'folder = "medoid"')
    assert done_in(land, "composite") == ["composite"]
    (median, _), (medoid, _) = (read_raster(land / f / "composites" / "2020.tif") for f in ("run", "medoid"))
    assert np.array_equal(median[-1], medoid[-1])
    assert np.array_equal(median[0] == -32768, medoid[0] == -32768)
    one = (median[-1] == 1) & (median[0] != -32768)
    assert np.array_equal(median[:, one], medoid[:, one]), "of one look both are that look"
    assert not np.array_equal(median, medoid)


def test_the_sensors_of_a_season_s_looks_are_dated_like_the_season(land: Path) -> None:
    times = [
        json.loads((land / "run" / "composites" / f"2020_leaf_off{end}.json").read_text())["properties"]
        for end in ("", "_sensors")
    ]
    assert times[0]["start_datetime"] == times[1]["start_datetime"] == "2020-03-15T00:00:00Z"


def test_finished_blocks_are_not_computed_again(land: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(habitat.workflow.composites, "READ_BLOCK", 16)
    edit(land, 'folder = "run"', 'folder = "other"')
    compute = habitat.workflow.composites.CompositeJob.__call__
    computed: list[tuple[int, int]] = []
    broken = True

    def watched(job: habitat.workflow.composites.CompositeJob) -> dict[str, np.ndarray]:
        if broken and job.years[0] == 2021:
            raise ReadError("cannot be read", where="scene")
        computed.append((job.years[0], job.block.index))
        return compute(job)

    monkeypatch.setattr(habitat.workflow.composites.CompositeJob, "__call__", watched)
    with pytest.raises(ReadError):
        done_in(land, "composite", workers=1)
    assert not list((land / "other").rglob("*.tif")), "nothing before all is there"
    first = list(computed)
    assert {year for year, _ in first} == {2019, 2020}
    broken = False
    assert done_in(land, "composite", workers=1) == ["composite"]
    assert sorted(computed) == [(year, block) for year in (2019, 2020, 2021) for block in range(4)]
    assert computed[: len(first)] == first
    assert not (land / "other" / ".work").exists()


# -- run.json -------------------------------------------------------------------------------------------


def test_every_number_can_be_traced(good_run: Path) -> None:
    state = json.loads((good_run / "run" / "run.json").read_text())
    assert set(state["stages"]) >= set(ALL)
    assert state["schema"] == 1
    assert state["recipe"] == "../recipe.toml"
    assert set(state["versions"]) >= {"habitat", "python"}
    recorded = {name: digest for stage in state["stages"].values() for name, digest in stage["outputs"].items()}
    assert recorded.items() >= data(good_run / "run").items(), "every raster and table belongs to a stage"
    for name, digest in recorded.items():
        assert digest_file(good_run / "run" / name) == digest
    assert all(stage["finished"] and stage["seconds"] >= 0 for stage in state["stages"].values())
    scenes = state["stages"]["composite"]["notes"]["scenes"]
    assert len(scenes) + len(state["stages"]["composite"]["notes"]["left_out"]) == 24
    assert not any(str(good_run) in text for text in [json.dumps(state)]), "no path of this machine"


def test_a_run_says_what_it_does_as_it_goes(land: Path) -> None:
    edit(land, "min_patch_ha = 0.5", "min_patch_ha = 0.2")
    ticks: list[tuple[str, int, int]] = []
    run_recipe(read_recipe(land / "recipe.toml"), until="change", progress=lambda *tick: ticks.append(tick))
    assert {stage for stage, _, _ in ticks} == {"change"}
    assert ticks[-1][1] == ticks[-1][2] > 0
    assert run("change", land / "recipe.toml").status == 0


def test_a_section_that_is_taken_out_takes_its_files_along(land: Path) -> None:
    done_in(land)
    edit(land, "[change]\nmin_patch_ha = 0.5", "")
    assert "report" in done_in(land)
    assert not list((land / "run" / "change").glob("*.tif"))
    listed = json.loads((land / "run" / "catalog.json").read_text(encoding="utf-8"))["links"]
    assert not [link for link in listed if "loss" in link["href"]]
    assert "loss" not in (land / "run" / "areas.csv").read_text(encoding="utf-8")


def test_another_mapping_season_is_joined_anew(land: Path) -> None:
    done_in(land)
    edit(land, 'season = "06-01/09-15"', 'season = "06-01/09-18"')
    assert {"composite", "join", "occupancy"} <= set(done_in(land))


def test_a_catalogue_that_was_cut_off_is_written_again(land: Path) -> None:
    done_in(land)
    (land / "run" / "forest" / "2018.json").unlink(missing_ok=True)
    (land / "run" / "catalog.json").unlink()
    assert done_in(land) == []
    assert (land / "run" / "catalog.json").exists()


def test_each_stage_says_what_it_was_made_from(land: Path) -> None:
    done_in(land)
    stages = json.loads((land / "run" / "run.json").read_text(encoding="utf-8"))["stages"]
    assert len(stages["composite"]["inputs"]) > 3
    assert "training.gpkg" in stages["train"]["inputs"]
    assert "sightings.csv" in stages["join"]["inputs"]


def test_candidates_leave_their_average_beside_the_best_and_one_formula_none(land: Path) -> None:
    path = land / "run" / "occupancy" / "averaged.csv"
    assert not path.exists()
    edit(land, "min_cells = 30", "min_cells = 1")  # the landscape is small
    edit(land, 'p = "effort"', 'p = "1"')
    edit(land, 'psi = "forest_share + recent_loss"', 'psi = ["1", "forest_share"]')
    assert done_in(land, until="occupancy") == ["occupancy"]
    mean, best = pd.read_csv(path), read_table(land / "run" / "occupancy.parquet")
    estimated = best[best["season"].isin(mean["season"])]
    assert mean[["cell", "season"]].to_numpy().tolist() == estimated[["cell", "season"]].to_numpy().tolist()
    assert mean["psi"].notna().any()
    edit(land, 'psi = ["1", "forest_share"]', 'psi = "1"')
    assert done_in(land, until="occupancy") == ["occupancy"]
    assert not path.exists()
