"""What a user can get wrong: exit status 1, one line that names the file or key and the remedy, nothing damaged."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from terminal import Said, edit, run

from habitat.store import digest_file

PROGRESS = re.compile(r"\w+ \(\d+ steps\)")


def the_error(said: Said) -> str:
    """The one line of an error; whatever else stands on standard error is progress."""
    assert said.status == 1, said
    lines = [line for line in said.err.splitlines() if not PROGRESS.fullmatch(line)]
    assert len(lines) == 1, said.err
    assert lines[0].startswith("habitat: error: ")
    assert "Traceback" not in said.err
    assert said.out == ""
    return lines[0]


def results(run_folder: Path) -> dict[str, str]:
    """Digests of a run's results: everything but its own account of what it is doing, and finished blocks."""
    names = (path.relative_to(run_folder).as_posix() for path in run_folder.rglob("*") if path.is_file())
    account = ("run.json", "recipe.toml", ".lock", ".digests.json")  # the last remembers files once they are old
    return {name: digest_file(run_folder / name) for name in names if name not in account and ".work/" not in name}


# -- how to spoil a landscape ---------------------------------------------------------------------------


def recipe(old: str, new: str) -> Callable[[Path], None]:
    return lambda land: edit(land, old, new)


def in_another_folder(old: str, new: str) -> Callable[[Path], None]:
    """Change the area: it is part of a run's identity, so the folder must be another one."""

    def spoil(land: Path) -> None:
        edit(land, old, new)
        edit(land, 'folder = "run"', 'folder = "other"')

    return spoil


def without(name: str) -> Callable[[Path], None]:
    return lambda land: (land / name).unlink()


def page(find: Callable[[Path], Path]) -> Callable[[Path], None]:
    """Put a server's error page in place of a file."""

    def spoil(land: Path) -> None:
        find(land).write_text("<!DOCTYPE html><html>503</html>")

    return spoil


def item_of(land: Path, sensor: str = "sentinel-2") -> Path:
    """The first item whose scene lies in a mapping season."""
    items = sorted((land / "scenes").glob(f"{sensor}*/*/*.json"))
    return next(path for path in items if re.search(r"_\d{4}0[678]\d\d_", path.name))


def without_asset(asset: str) -> Callable[[Path], None]:
    def spoil(land: Path) -> None:
        path = item_of(land)
        item = json.loads(path.read_text())
        del item["assets"][asset]
        path.write_text(json.dumps(item))

    return spoil


def without_that_asset_in_any_item(asset: str) -> Callable[[Path], None]:
    def spoil(land: Path) -> None:
        for path in (land / "scenes").glob("sentinel-2*/*/*.json"):
            item = json.loads(path.read_text())
            del item["assets"][asset]
            path.write_text(json.dumps(item))

    return spoil


def truncated(asset: str) -> Callable[[Path], None]:
    def spoil(land: Path) -> None:
        path = item_of(land).with_name(f"{asset}.tif")
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)

    return spoil


def training(change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Callable[[Path], None]:
    def spoil(land: Path) -> None:
        points = gpd.read_file(land / "training.gpkg")
        (land / "training.gpkg").unlink()
        change(points).to_file(land / "training.gpkg")

    return spoil


def sightings(change: Callable[[pd.DataFrame], pd.DataFrame], name: str = "sightings.csv") -> Callable[[Path], None]:
    return lambda land: change(pd.read_csv(land / name, dtype=str)).to_csv(land / name, index=False)


def swapped(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"latitude": "longitude", "longitude": "latitude"})


def area_elsewhere(land: Path) -> None:
    square = gpd.GeoDataFrame(geometry=[shapely.box(20, 45, 20.1, 45.1)], crs="EPSG:4326")
    (land / "area.geojson").unlink()
    square.to_file(land / "area.geojson")


def area_without_reference_system(land: Path) -> None:
    gpd.read_file(land / "area.geojson").to_file(land / "area.shp")
    (land / "area.prj").unlink()
    in_another_folder('region = "area.geojson"', 'region = "area.shp"')(land)


def copied_recipe(land: Path) -> None:
    shutil.copy(land / "recipe.toml", land / "mine.toml")
    (land / "recipe.toml").rename(land / "first.toml")
    shutil.copy(land / "first.toml", land / "recipe.toml")
    state = json.loads((land / "run" / "run.json").read_text())
    (land / "run" / "run.json").write_text(json.dumps(state | {"recipe": "../first.toml"}))


def a_legend_without_forest(land: Path) -> None:
    codes = gpd.read_file(land / "training.gpkg")["code"].unique()
    rows = (f'[[class]]\ncode = {code}\nname = "c{code}"\ncolor = "#112233"\nforest = false\n' for code in codes)
    (land / "legend.toml").write_text("".join(rows))
    edit(land, 'training = "training.gpkg"', 'training = "training.gpkg"\nlegend = "legend.toml"')


def an_unknown_covariate(land: Path) -> None:
    edit(land, 'psi = "forest_share + recent_loss"', 'psi = "forest_shaer"')
    edit(land, "min_cells = 30", "min_cells = 1")


class Case(NamedTuple):
    spoil: Callable[[Path], None]
    said: tuple[str, ...]
    """What the line must name: the file or key, and the remedy."""
    checked: bool = True
    """Whether `habitat check` finds it too, without reading what the stages read."""


CASES = {
    # the recipe
    "unknown key": Case(recipe("season = ", "seasom = "), ("recipe.toml", "'period.seasom'", "did you mean 'season'?")),
    "broken TOML": Case(recipe("[area]", "[area"), ("recipe.toml", "is not TOML", "line 4", "mend that line")),
    "impossible season": Case(
        recipe('"06-01/09-15"', '"06-31/09-15"'), ("recipe.toml", "06-31", "no day of the year", "06-01/09-15")
    ),
    "years backwards": Case(recipe('"2019-2021"', '"2021-2019"'), ("recipe.toml", "'2021-2019'")),
    "a text for a number": Case(
        recipe("min_patch_ha = 0.5", 'min_patch_ha = "half"'), ("recipe.toml", "change.min_patch_ha")
    ),
    "occupancy without sightings": Case(
        recipe("[sightings]", "[sightigns]"), ("recipe.toml", "'sightigns'", "did you mean 'sightings'?")
    ),
    "a reference system in degrees": Case(
        in_another_folder("EPSG:32652", "EPSG:4326"),
        ("EPSG:4326", "is not in metres", "EPSG:32652"),
    ),
    "a reference system that is none": Case(
        in_another_folder("EPSG:32652", "Gauss"),
        ("[area] crs", "'Gauss'", "EPSG:32652"),
    ),
    # area and scenes
    "no region file": Case(without("area.geojson"), ("area.geojson", "no such file", "[area] region")),
    "region without reference system": Case(
        area_without_reference_system, ("area.shp", "carries no reference system", "GeoJSON")
    ),
    "area outside the scenes": Case(area_elsewhere, ("catalog.json", "outside the area", "check [area]")),
    "years without scenes": Case(
        recipe('"2019-2021"', '"2010-2012"'), ("catalog.json", "outside the years", "check [period]")
    ),
    "a season without scenes": Case(
        recipe('"06-01/09-15"', '"01-01/01-02"'),
        ("catalog.json", "no scene in the mapping season of any year", "check [period]"),
    ),
    "no such collection": Case(
        recipe('source = "catalog.json"', 'source = "catalog.json"\ncollections = ["sentinel-2"]'),
        ("catalog.json", "no scene", "check [scenes] collections"),
    ),
    "no catalogue": Case(without("catalog.json"), ("catalog.json", "No such file", "[scenes] source")),
    "catalogue is an HTML page": Case(
        page(lambda land: land / "catalog.json"), ("catalog.json", "is an HTML page", "[scenes] source")
    ),
    "item without a needed band": Case(
        without_asset("nir08"), ("item S2", "lacks the asset 'nir08'", "add the asset, or remove the item")
    ),
    "no near infrared at all": Case(
        without_that_asset_in_any_item("nir08"), ("catalogue", "no nir08 band", "its items need that asset")
    ),
    "item without quality": Case(without_asset("scl"), ("item S2", "no quality asset 'scl'", 'mask = "none"')),
    "a scene's file is gone": Case(
        lambda land: item_of(land).with_name("swir16.tif").unlink(), ("swir16.tif", "item S2", "put it back")
    ),
    "a truncated scene": Case(truncated("red"), ("red.tif", "fetch it again"), checked=False),
    "a scene that is an HTML page": Case(
        page(lambda land: item_of(land).with_name("swir16.tif")),
        ("swir16.tif", "cannot be read as a raster", "fetch it again"),
        checked=False,
    ),
    # training
    "no training": Case(without("training.gpkg"), ("training.gpkg", "no such file", "[forest]")),
    "empty training": Case(
        training(lambda points: points.iloc[:0]),
        ("training.gpkg", "holds no shape", "[forest]"),
    ),
    "one class only": Case(
        training(lambda points: points.assign(code=14)),
        ("training", "all of the labels are forest", "add labels"),
    ),
    "forest alone": Case(
        training(lambda points: points[points["code"].between(11, 15)]),
        ("training", "add labels"),
    ),
    "a code of no class": Case(
        training(lambda points: points.assign(code=points["code"].replace(14, 99))),
        ("training.gpkg", "code 99 is not in the legend", "[forest] legend"),
    ),
    "training elsewhere": Case(
        training(lambda points: points.assign(geometry=points.geometry.translate(50_000))),
        ("training.gpkg", "holds no label inside the area", "check its reference system"),
    ),
    "training of other years": Case(
        training(lambda points: points.assign(date="1999-07-01")),
        ("training", "all labels are of 1999", "add labels of these years"),
    ),
    "no legend": Case(
        recipe('training = "training.gpkg"', 'training = "training.gpkg"\nlegend = "legend.toml"'),
        ("legend.toml", "o such file"),
    ),
    "a legend without forest": Case(
        a_legend_without_forest,
        ("none of the labels are forest", "add labels of forest"),
    ),
    # cells and sightings
    "no cells": Case(recipe("size_m = 300", 'file = "cells.gpkg"'), ("cells.gpkg", "no such file", "[cells]")),
    "no sightings": Case(without("sightings.csv"), ("sightings.csv", "no such file", "[sightings]")),
    "swapped coordinates": Case(
        sightings(swapped),
        ("sightings.csv", "latitude", "longitude"),
    ),
    "swapped coordinates of cameras": Case(
        sightings(swapped, "effort.csv"),
        ("effort.csv", "latitude", "longitude"),
    ),
    "sightings without time": Case(
        sightings(lambda table: table.drop(columns="time")),
        ("sightings.csv", "no column for time", "[sightings]"),
    ),
    "an unknown covariate": Case(
        an_unknown_covariate,
        ("'forest_shaer'", "did you mean 'forest_share'?"),
        checked=False,
    ),
    # the run's folder
    "the folder of another recipe": Case(
        recipe("resolution_m = 20", "resolution_m = 30"),
        ("run", "the run of another recipe (", "choose another [output] folder"),
    ),
    "the folder of another recipe's file": Case(
        copied_recipe,
        ("run", "another recipe (first.toml)", "choose another [output] folder"),
    ),
    "somebody else's folder": Case(
        recipe('folder = "run"', 'folder = "scenes"'),
        ("scenes", "is not empty", "choose an empty [output] folder"),
    ),
    "a garbled run.json": Case(
        page(lambda land: land / "run" / "run.json"),
        ("run.json", "is not a run's state", "delete the folder"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_line_names_it_and_nothing_is_damaged(land: Path, name: str) -> None:
    case = CASES[name]
    case.spoil(land)
    before = results(land / "run")
    assert len(before) > 40
    line = the_error(run("run", land / "recipe.toml"))
    assert [word for word in case.said if word not in line] == [], line
    assert results(land / "run") == before
    if case.checked:
        line = the_error(run("check", land / "recipe.toml"))
        assert [word for word in case.said if word not in line] == [], line


def test_occupancy_needs_sightings(land: Path) -> None:
    path = land / "recipe.toml"
    head, _, tail = path.read_text().partition("[sightings]")
    path.write_text(head + tail[tail.index("[occupancy]") :])
    assert "[occupancy] needs a section [sightings]" in the_error(run("run", path))


def test_what_is_mended_goes_on_and_ends_the_same(land: Path) -> None:
    before = results(land / "run")
    table = (land / "sightings.csv").read_bytes()
    CASES["swapped coordinates"].spoil(land)
    the_error(run("run", land / "recipe.toml"))
    (land / "sightings.csv").write_bytes(table)
    said = run("run", land / "recipe.toml")
    assert said.status == 0
    assert [line.split()[0] for line in said.out.splitlines()[:-1]] == ["join"], "and nothing before or after it"
    assert results(land / "run") == before


# -- the machine ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EACCES, "cannot be written (Permission denied)"), (errno.ENOSPC, "the disk is full")]
)
def test_a_folder_that_takes_no_file(land: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str) -> None:
    """Nothing that is there is touched, and nothing half written is left."""
    before = results(land / "run")
    edit(land, "min_patch_ha = 0.5", "min_patch_ha = 0.1")
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(target).name == "loss_year.tif":
            raise OSError(number, os.strerror(number))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    line = the_error(run("run", land / "recipe.toml"))
    assert "loss_year.tif" in line
    assert reason in line
    assert "free some space or choose another [output] folder" in line
    assert results(land / "run") == before


def test_a_folder_that_cannot_be_made(land: Path) -> None:
    edit(land, 'folder = "run"', 'folder = "README.md/run"')
    line = the_error(run("run", land / "recipe.toml"))
    assert "README.md/run" in line
    assert "choose another [output] folder" in line


def test_two_at_work_in_one_folder(land: Path) -> None:
    with (land / "run" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        line = the_error(run("run", land / "recipe.toml"))
    assert "another habitat is working in this folder; wait until it has finished" in line
    assert run("run", land / "recipe.toml").status == 0


def test_a_terminal_sees_one_line_too(land: Path) -> None:
    """Libraries log what fails, and Python prints what nobody handles."""
    CASES["a truncated scene"].spoil(land)
    program = "import sys; from habitat.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, "run", land / "recipe.toml"], capture_output=True, text=True, check=False
    )
    assert "red.tif" in the_error(Said(done.returncode, done.stdout, done.stderr))
