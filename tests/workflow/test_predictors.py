"""What the classifier is shown: read block by block as of the whole, from the files that the composite stage wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox

from habitat.grids import Block, blocks, grid_over
from habitat.imagery import DEFAULT_GROUPS, harmonic_names
from habitat.imagery.features import TERRAIN, Group
from habitat.recipe import ForestSection
from habitat.store import write_raster
from habitat.workflow.composites import NODATA
from habitat.workflow.predictors import FeatureFiles

BANDS = ("red", "nir08", "swir16")
GROUPS: tuple[Group, ...] = ("bands", "indices", "harmonics", "terrain", "texture", "looks")
SIDE = 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> FeatureFiles:
    """Two years and two seasons of noise, an eighth of it not seen, with harmonics and terrain."""
    folder, random = tmp_path_factory.mktemp("composites"), np.random.default_rng(0)
    grid = grid_over((500_000, 4_800_000, 500_000 + 20 * SIDE, 4_800_000 + 20 * SIDE), "EPSG:32652", 20)
    composites, harmonics = {}, {}
    for year in (2020, 2021):
        for season in ("mapping", "autumn"):
            looks = random.integers(0, 8, grid.shape)
            bands = np.where(looks > 0, random.integers(200, 5000, (len(BANDS), *grid.shape)), NODATA)
            composites[year, season] = folder / f"{year}_{season}.tif"
            values = np.concatenate([bands, looks[None]]).astype(np.int16)
            write_raster(composites[year, season], values, grid, [*BANDS, "looks"], NODATA)
        names = harmonic_names(BANDS)
        course = random.integers(-9000, 9000, (len(names), *grid.shape)).astype(np.int16)
        course[:, :, 3] = NODATA
        harmonics[year] = folder / f"{year}_harmonics.tif"
        write_raster(harmonics[year], course, grid, names, NODATA)
    ground = random.uniform(-1, 900, (len(TERRAIN), *grid.shape)).astype(np.float32)
    write_raster(folder / "terrain.tif", ground, grid, TERRAIN, np.nan)
    return FeatureFiles(grid, GROUPS, BANDS, composites, harmonics, folder / "terrain.tif")


def test_blocks_hold_the_bytes_of_the_whole(files: FeatureFiles) -> None:
    whole = files.read(Block(0, slice(0, SIDE), slice(0, SIDE)))
    assert len(whole.data_vars) == 2 * 3 + 2 * 2 + 12 + 4 + 4 + 2
    for block in blocks(files.grid, 17):
        part = files.read(block)
        for name in whole.data_vars:
            expected = whole[name].values[:, block.rows, block.cols]
            assert part[name].values.tobytes() == expected.tobytes(), (name, block)


def test_a_year_at_a_time_holds_the_bytes_of_all(files: FeatureFiles) -> None:
    block = Block(0, slice(3, 20), slice(5, 31))
    both, one = files.read(block), files.of_year(2021).read(block)
    assert one["year"].values.tolist() == [2021]
    for name in both.data_vars:
        assert one[name].values.tobytes() == both[name].values[1:].tobytes(), name


def test_values_come_back_as_they_were_meant(files: FeatureFiles) -> None:
    made = files.read(Block(0, slice(0, SIDE), slice(0, SIDE)))
    with rasterio.open(files.composites[2020, "mapping"]) as file:
        red, seen = file.read(1), file.read(4) > 0
    with rasterio.open(files.harmonics[2020]) as file:
        level = file.read(1)
    assert np.array_equal(np.isfinite(made["red_mapping"].values[0]), seen)
    assert np.allclose(made["red_mapping"].values[0][seen], red[seen] / 10000)
    known = seen & (level != NODATA)
    assert np.array_equal(np.isfinite(made["ndvi_level"].values[0]), known)
    assert np.allclose(made["ndvi_level"].values[0][known], level[known] / 10000)


def test_the_recipe_shows_what_the_library_shows_by_default() -> None:
    assert tuple(ForestSection(training="a.gpkg").features) == DEFAULT_GROUPS


def test_a_run_keeps_the_year_s_course_beside_its_composites(good_run: Path) -> None:
    with rasterio.open(good_run / "run/composites/2020_harmonics.tif") as file:
        course, names, grid = file.read(), file.descriptions, GeoBox.from_rio(file)
    with rasterio.open(good_run / "run/composites/2020.tif") as file:
        assert GeoBox.from_rio(file) == grid
    assert names == harmonic_names(("red", "nir08", "swir16"))
    level = course[0][course[0] != NODATA] / 10000
    assert 0.3 < np.median(level) < 0.8, "NDVI of a forest, over the year"
    item = json.loads((good_run / "run/composites/2020_harmonics.json").read_text())
    assert item["properties"]["start_datetime"].startswith("2020-")
    assert not (good_run / "run/composites/terrain.tif").exists(), "the recipe knows no heights"


def test_levelled_files_are_less_what_their_year_is_off_by_together_or_alone(files: FeatureFiles) -> None:
    random = np.random.default_rng(1)
    off = {key: random.uniform(-0.05, 0.05, len(BANDS)).astype(np.float32) for key in files.composites}
    course_off = {
        year: random.uniform(-0.05, 0.05, len(harmonic_names(BANDS))).astype(np.float32) for year in files.years
    }
    level = replace(files, off=off, harmonics_off=course_off)
    told = files.levelled()
    assert told.off.keys() == off.keys()
    assert told.harmonics_off[2020].shape == (len(harmonic_names(BANDS)),)
    block = Block(0, slice(3, 20), slice(5, 31))
    plain, both = files.read(block), level.read(block)
    for number, year in enumerate(level.years):
        alone = level.of_year(year).read(block)
        for name in both.data_vars:
            assert alone[name].values.tobytes() == both[name].values[[number]].tobytes(), name
        red, course = off[year, "autumn"][0], course_off[year]
        np.testing.assert_allclose(both["red_autumn"][number], plain["red_autumn"][number] - red, atol=1e-6)
        name = harmonic_names(BANDS)[0]
        np.testing.assert_allclose(both[name][number], plain[name][number] - course[0], atol=1e-6)
