"""Burnt ground in a run: found where it was planted, with its day and year, the same however the area is cut."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from rasterio.windows import from_bounds
from terminal import FEW_TREES, run

from habitat.cubes import BANDS
from habitat.errors import RecipeError
from habitat.forest import classifier
from habitat.grids import Block, grid_over
from habitat.legend import DEFAULT_LEGEND, LandCover, Legend
from habitat.simulate import find_preset, write_sample
from habitat.store import digest_file, read_raster, read_table
from habitat.workflow import burns as burning
from habitat.workflow import fires
from habitat.workflow.changes import find_change
from habitat.workflow.ground import Ground
from tests.workflow.watched import items, offer, paint

YEARS = range(2018, 2022)
BURNT_ON = date(2020, 6, 20)
SHOWS = 50
"""Days for which the ground is charred."""
SIDE = 6
CHAR = {"blue": 0.03, "green": 0.04, "red": 0.05, "nir08": 0.08, "swir16": 0.10, "swir22": 0.10}
CROP = 30
FILES = {"burn_year.tif", "burn_severity.tif", "burns.tif", "burn_frequency.tif", "burns.parquet", "fires.parquet"}


def write_burnt_land(folder: Path) -> tuple[slice, slice]:
    """Write a landscape with a burnt square of forest; return its rows and columns."""
    clear = replace(find_preset("standard").with_looks(16), clearest_of=5)
    write_sample(folder, size_km=0.6, seed=9, years=YEARS, preset=clear)
    forest = [read_raster(folder / f"truth/forest_{year}.tif") for year in YEARS]
    always, grid = np.stack([layer[0] for layer, _ in forest]).min(axis=0), forest[0][1]
    places = [(r, c) for r in range(6, 18) for c in range(6, 18)]
    row, col = next((r, c) for r, c in places if always[r - 1 : r + SIDE + 1, c - 1 : c + SIDE + 1].all())
    rows, cols = slice(row, row + SIDE), slice(col, col + SIDE)
    bounds = grid[rows, cols].extent.boundingbox
    for item, path in items(folder):
        day = date.fromisoformat(item["properties"]["datetime"][:10])
        if not BURNT_ON <= day <= BURNT_ON + timedelta(days=SHOWS):
            continue
        for name, asset in item["assets"].items():
            band = next((b.get("common_name", name) for b in asset.get("eo:bands", [])), name)
            told = asset.get("raster:bands", [{}])[0]
            if band in CHAR and "scale" in told:
                paint(path.parent / asset["href"], bounds, (CHAR[band] - told.get("offset", 0.0)) / told["scale"])
    recipe = folder / "recipe.toml"
    maps = recipe.read_text().partition("[cells]")[0] + '[output]\nfolder = "run"\n'
    recipe.write_text(maps.replace("[change]\n", "[change]\nburns = true\n"))
    return rows, cols


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


def files(land: Path) -> dict[str, str]:
    return {path.name: digest_file(path) for path in (land / "run/change").iterdir() if path.suffix != ".json"}


def notes(land: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((land / "run/run.json").read_text())["stages"]["change"]["notes"]
    return found


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
    told = dict(zip(fires.BANDS, read_raster(change / "burns.tif")[0][:, *inner], strict=True))
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
    assert notes(folder)["burns"] == {
        "fires": 1,
        "burnt_forest_ha": pytest.approx(one["forest_ha"]),
        "burnt_open_ha": 0.0,
        "opened_ha": 0.0,
        "areas": "pixel count",
    }


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
    monkeypatch.setattr(burning, "MOST_LOOKS", 1)
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
    assert files(land) == files(burnt[0])


def test_nothing_is_left_behind_where_burns_are_not_asked_for(land: Path) -> None:
    assert files(land).keys() >= FILES
    recipe = land / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("burns = true\n", ""))
    assert run("change", recipe, "--workers", "1").status == 0
    assert not files(land).keys() & FILES
    assert "burns" not in notes(land)


def test_check_says_that_all_scenes_are_read_and_where_they_are_too_few(land: Path) -> None:
    recipe = land / "recipe.toml"
    said = run("check", recipe)
    assert "all 64 scenes of the years are read for burnt ground" in said.out
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


def test_a_legend_says_by_its_names_what_burns() -> None:
    ground = Ground.of(DEFAULT_LEGEND)
    assert ground.forest == {11, 12, 13, 14, 15}
    assert ground.field == {CROP}
    assert ground.open == {21, 22, 23, 40, 60}
    own = Legend((LandCover(1, "Spruce", "#000000", True), LandCover(2, "Rice paddies", "#ffffff", False)))
    assert Ground.of(own) == Ground(frozenset({1}), frozenset(), frozenset({2}))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "field") for name in ("Cropland", "CROPS", "Cropland/Natural Vegetation Mosaics", "Cultivated land")),
        *(
            (name, "field")
            for name in ("Cultivated and managed vegetation", "Non-irrigated arable land", "Rice fields")
        ),
        *((name, "field") for name in ("cropland_rainfed", "Farm land", "Farmland", "Agricultural areas", "paddy")),
        *((name, "open") for name in ("Rock outcrop", "Lava field", "Ice field", "Floodwater meadow", "Pasture")),
        *(
            (name, "open")
            for name in ("Agroforestry", "Licorice", "flooded_vegetation", "Moss and lichen", "Grassland")
        ),
        *(
            (name, "bare")
            for name in ("Permanent water bodies", "Open Water", "Built-up", "built_area", "Urban fabric")
        ),
        *((name, "bare") for name in ("Settlements", "Artificial surfaces")),
    ],
)
def test_whole_words_of_a_name_say_what_a_class_is(name: str, kind: str) -> None:
    legend = Legend((LandCover(1, "Wood", "#000000", True), LandCover(2, name, "#ffffff", False)))
    ground = Ground.of(legend)
    assert (2 in ground.field, 2 in ground.open) == (kind == "field", kind == "open")
    assert ground.forest == {1}


def test_a_missing_band_is_refused_before_losses_are_looked_for() -> None:
    context = SimpleNamespace(bands=BANDS[:-1], grid=None, recipe=SimpleNamespace(change=SimpleNamespace(burns=True)))
    with pytest.raises(RecipeError, match="swir22"):
        find_change(cast("Any", context), Path())


def test_squares_are_nearly_equal_and_cover_the_grid() -> None:
    grid = grid_over((0, 0, 20 * 1000, 20 * 130), "EPSG:32652", 20)
    cut = list(burning.squares(grid))
    assert [block.shape for block in cut] == [(130, 250)] * 4
    assert [block.cols.start for block in cut] == [0, 250, 500, 750]
    first = list(burning.parts(cut[1], 128))
    assert [(part.rows.start, part.cols.start) for part in first] == [(0, 250), (0, 378), (128, 250), (128, 378)]
    assert (first[-1].rows.stop, first[-1].cols.stop) == (130, 500)


class _Told:
    """Eight years of one row of four forest pixels, in place of a run's folder."""

    years = tuple(range(2016, 2024))
    grid = grid_over((0, 0, 80, 20), "EPSG:32652", 20)
    noise = np.eye(2) * 1e-4
    season_ends = np.array([f"{year}-09-15" for year in years], "datetime64[D]")

    def summers(self, block: Block, forest: np.ndarray) -> xr.Dataset:
        values = {"nir08": np.full((8, 1, 4), 0.30), "swir22": np.full((8, 1, 4), 0.08)}
        for band, fallen in {"nir08": 0.12, "swir22": 0.20}.items():
            values[band][2:, 0, 0] = fallen  # for good
            line = np.linspace(fallen, values[band][0, 0, 1], 5)
            values[band][2:7, 0, 1] = line  # back after four years, 80% of it after more than three
        data = {band: (("year", "y", "x"), layer.astype(np.float32)) for band, layer in values.items()}
        return xr.Dataset(data, coords={"year": list(self.years)})

    def forest(self, block: Block) -> np.ndarray:
        return np.ones((8, 1, 4), np.float32)

    def map_layers(self, _kind: str, block: Block) -> np.ndarray:
        codes = np.full((8, 1, 4), 14, np.uint8)
        codes[2:, 0, 0] = 22
        codes[:, 0, 3] = 22
        return codes


def test_what_became_of_each_burn_is_told_beside_it() -> None:
    date = np.full((2, 1, 4), np.datetime64("NaT"), "datetime64[s]")
    date[0] = np.datetime64("2018-05-03")  # of the second pixel there is a fire later on that the summers do not show
    date[1, 0, 1] = np.datetime64("2022-10-20")
    date[1, 0, 0] = np.datetime64("2018-10-20")  # and of the first one in the same year, in the grass
    layers = dict.fromkeys(("charring", "dnbr", "dnbr_year", "rdnbr"), np.full((2, 1, 4), 0.3, np.float32))
    layers |= {"date": date, "earliest": date - np.timedelta64(864000, "s"), "severity": np.ones((2, 1, 4), np.uint8)}
    found = xr.Dataset({name: (("burn", "y", "x"), values) for name, values in layers.items()})
    sources = burning.BurnSources(cast("Any", _Told()), Ground.of(DEFAULT_LEGEND))
    job = burning.BurnJob(sources, Block(0, slice(0, 1), slice(0, 4)), Path(), None)
    told = job._listed(found, np.array([[burning.FOREST] * 3 + [burning.OPEN]]))
    assert told["column"].tolist() == [0, 0, 1, 1, 2, 3]
    assert told["was_forest"].tolist() == [True, False, True, True, True, False]
    assert told["opened"].tolist() == [True, False, False, False, False, False]
    nothing = burning.NO_FALL
    assert told["regrown"].tolist() == [burning.NOT_REGROWN, nothing, 2022, nothing, nothing, nothing]
    assert told["date"].tolist() == [6697, 6867, 6697, 8328, 6697, 6697], "days since 2000-01-01"


def test_ground_that_burned_twice_is_counted_once_of_each_kind() -> None:
    """The first pixel opened after two burns of its forest in one year; the second burned as forest and as grass."""
    burns = pd.DataFrame(
        {
            "row": [0, 0, 0, 0, 5],
            "column": [0, 0, 1, 1, 0],
            "was_forest": [True, True, True, False, False],
            "opened": [True, True, True, False, False],
        }
    )
    assert fires.burnt_once(burns, 0.04) == {
        "burnt_forest_ha": pytest.approx(0.08),
        "burnt_open_ha": pytest.approx(0.08),
        "opened_ha": pytest.approx(0.08),
    }
