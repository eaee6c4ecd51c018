"""Burnt ground in a run: found where it was planted, with its day and year, the same however the area is cut."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.windows import from_bounds
from terminal import FEW_TREES, run

from habitat.forest import classifier
from habitat.store import read_raster, read_table
from habitat.workflow import burns as burning
from habitat.workflow import fires
from tests.workflow.watched import LOOKS, YEARS, change_files, change_notes, items, offer, write_painted

BURNT_ON = date(2020, 6, 20)
SHOWS = 50
"""Days for which the ground is charred."""
CHAR = {"blue": 0.03, "green": 0.04, "red": 0.05, "nir08": 0.08, "swir16": 0.10, "swir22": 0.10}
CROP = 30
FILES = {"burn_year.tif", "burn_severity.tif", "burns.tif", "burn_frequency.tif", "burns.parquet", "fires.parquet"}


def write_burnt_land(folder: Path) -> tuple[slice, slice]:
    """Write a landscape with a burnt square of forest; return its rows and columns."""
    place = write_painted(folder, CHAR, BURNT_ON, BURNT_ON + timedelta(days=SHOWS))
    recipe = folder / "recipe.toml"
    maps = recipe.read_text().partition("[cells]")[0] + '[output]\nfolder = "run"\n'
    recipe.write_text(maps.replace("[change]\n", "[change]\nburns = true\n"))
    return place


@pytest.fixture(scope="module")
def burnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[slice, slice]]:
    """A landscape with a fire, and its run; not to be changed."""
    folder = tmp_path_factory.mktemp("burns") / "land"
    place = write_burnt_land(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "N_TREES", FEW_TREES)
        said = run("run", folder / "recipe.toml", "--workers", "1")
    assert said.status == 0, said.err
    return folder, place


@pytest.fixture
def land(burnt: tuple[Path, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may spoil."""
    monkeypatch.setattr(classifier, "N_TREES", FEW_TREES)
    return Path(shutil.copytree(burnt[0], tmp_path / "land"))


def test_a_fire_has_its_year_days_and_severity(burnt: tuple[Path, tuple[slice, slice]]) -> None:
    folder, place = burnt
    change = folder / "run/change"
    year = read_raster(change / "burn_year.tif")[0]
    assert (year[0][place][1:-1, 1:-1] == BURNT_ON.year).all()
    assert (year[0][place] == BURNT_ON.year).sum() >= 34, "corners are mixed"
    elsewhere = (year[0] != 0) & (year[0] != 65535)
    elsewhere[place] = False
    assert elsewhere.sum() <= 8, "pixels at the rim, where the files' own pixels of 30 m reach over it"
    inner = tuple(slice(part.start + 1, part.stop - 1) for part in place)
    told = dict(zip(fires.BURN_BANDS, read_raster(change / "burns.tif")[0][:, *inner], strict=True))
    burnt_on = (pd.Timestamp(BURNT_ON) - pd.Timestamp(2000, 1, 1)).days
    assert (told["earliest"] < burnt_on).all()
    assert ((told["date"] >= burnt_on) & (told["date"] <= burnt_on + SHOWS)).all()
    assert (told["dnbr"] > 600).all(), "char in place of forest: from about 0.7 to about -0.1"
    assert (np.abs(told["dnbr_year"]) < 60).all(), "the same forest stands there a year on"
    assert (told["burns"] == 1).all()
    assert (told["seen_years"] == 4).all()
    assert not told["opened"].any()
    assert (read_raster(change / "burn_severity.tif")[0][0][inner] >= 3).all()
    assert read_raster(change / "burn_frequency.tif")[0][0][inner] == pytest.approx(10 / 4)


def test_fires_have_outlines_and_burns_a_row_each(burnt: tuple[Path, tuple[slice, slice]]) -> None:
    folder, (rows, cols) = burnt
    fire = read_table(folder / "run/change/fires.parquet")
    assert len(fire) == 1
    one, grid = fire.iloc[0], read_raster(folder / "run/change/burn_year.tif")[1]
    assert (one["year"], one["severity"]) == (2020, "high")
    assert one["earliest"] < pd.Timestamp(BURNT_ON) <= one["date"]
    assert one["area_ha"] == pytest.approx(one.geometry.area / 1e4)
    assert one.geometry.covers(grid[rows.start + 1 : rows.stop - 1, cols.start + 1 : cols.stop - 1].extent.geom)
    burns = read_table(folder / "run/change/burns.parquet")
    assert len(burns) * 0.04 == pytest.approx(one["area_ha"])
    first = burns.iloc[0]
    assert first["x"] == grid.transform.c + 20 * (first["column"] + 0.5)
    assert burns["was_forest"].all()
    areas = pd.read_csv(folder / "run/areas.csv")
    counted = areas[areas["what"].str.startswith("burnt")].set_index(["what", "year"])
    assert counted.loc["burnt forest", 2020]["estimate_ha"] == pytest.approx(one["area_ha"])
    assert (counted["method"] == "pixel_count").all()
    assert counted["estimate_ha"].sum() == pytest.approx(one["area_ha"])
    assert change_notes(folder)["burns"] == {
        "fires": 1,
        "burnt_forest_ha": pytest.approx(one["forest_ha"]),
        "burnt_open_ha": 0.0,
        "opened_ha": 0.0,
        "areas": "pixel count",
        "fields_left_out": True,
    }
    assert change_notes(folder)["scenes_read"] == 4 * LOOKS, "for burns, though breaks are not in the evidence"


def test_fields_are_left_out(burnt: tuple[Path, object]) -> None:
    folder, _ = burnt
    codes = np.stack([read_raster(folder / f"run/forest/{year}.tif")[0][0] for year in YEARS])
    fields = (codes == CROP).all(axis=0)
    year = read_raster(folder / "run/change/burn_year.tif")[0][0]
    assert fields.any()
    assert (year[fields] == 65535).all()
    assert (year[(codes != CROP).all(axis=0)] != 65535).all(), "all else was seen"


def test_small_parts_and_a_second_try_make_the_same_files(
    burnt: tuple[Path, object], land: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (land / "run/change/burns.tif").unlink()
    monkeypatch.setattr(burning, "MOST_BURN_LOOKS", 1)
    monkeypatch.setattr(burning, "LEAST_SIDE", 16)
    whole, calls = burning.BurnJob.__call__, []

    def interrupted(job: burning.BurnJob) -> dict[str, np.ndarray]:
        calls.append(job.block.index)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(job)

    monkeypatch.setattr(burning.BurnJob, "__call__", interrupted)
    assert run("change", land / "recipe.toml", "--workers", "1").status == 130
    kept = {path.stem for path in land.glob("run/.work/change-*/burns-*.npz")}
    assert 2 <= len(kept) < 4
    assert run("change", land / "recipe.toml", "--workers", "1").status == 0
    assert change_files(land) == change_files(burnt[0])


def test_nothing_is_left_behind_where_burns_are_not_asked_for(land: Path) -> None:
    assert change_files(land).keys() >= FILES
    recipe = land / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("burns = true\n", ""))
    assert run("change", recipe, "--workers", "1").status == 0
    assert not change_files(land).keys() & FILES
    assert "burns" not in change_notes(land)


def test_check_says_that_all_scenes_are_read_and_where_they_are_too_few(land: Path) -> None:
    recipe = land / "recipe.toml"
    said = run("check", recipe)
    assert f"all {4 * LOOKS} scenes of the years are read for burnt ground" in said.out
    assert "burns:" not in said.out + said.err
    offer(land, lambda place: place % 4 == 0)
    said = run("check", recipe)
    assert said.status == 0
    assert "4 of 4 years have scenes of fewer than 8 days (2018 first)" in said.out + said.err


def test_scenes_without_swir22_are_refused_before_anything_is_run(land: Path) -> None:
    for item, path in items(land):
        named = item["assets"].items()
        item["assets"] = {
            name: asset
            for name, asset in named
            if "swir22" not in (name, *(band.get("common_name") for band in asset.get("eo:bands", [])))
        }
        path.write_text(json.dumps(item))
    recipe = land / "recipe.toml"
    said = run("check", recipe)
    assert (said.status, "burns need a band that not every sensor has: swir22" in said.err) == (1, True)


def test_where_no_scene_looks_nothing_is_said(burnt: tuple[Path, object], land: Path) -> None:
    """Not even that nothing burned."""
    grid = read_raster(land / "truth/forest_2018.tif")[1]
    left, low, right, high = grid[:, :8].extent.boundingbox
    west = left - 100, low - 100, right, high + 100
    for item, path in items(land):
        for name, asset in item["assets"].items():
            if name != "thumbnail" and asset["href"].endswith(".tif"):
                hide(path.parent / asset["href"], west)
    recipe = land / "recipe.toml"
    said = run("change", recipe, "--workers", "1")
    assert said.status == 0, said.err
    for name, nothing in fires.NOT_TOLD.items():
        layers = read_raster(land / f"run/change/{name}.tif")[0][:, :, :6]
        assert (np.isnan(layers) if nothing != nothing else layers == nothing).all(), name
    assert len(read_table(land / "run/change/fires.parquet")) == 1


def hide(path: Path, bounds: tuple[float, float, float, float]) -> None:
    """Put 0, which is no data, where a file's pixels lie within bounds."""
    with rasterio.open(path) as file:
        values, profile = file.read(1), file.profile
        window = from_bounds(*bounds, transform=file.transform).round_offsets().round_lengths()
        height, width = values.shape
        rows, cols = window.toslices()
        values[max(rows.start, 0) : min(rows.stop, height), max(cols.start, 0) : min(cols.stop, width)] = 0
    with rasterio.open(path, "w", **{**profile, "driver": "GTiff"}) as file:
        file.write(values, 1)
