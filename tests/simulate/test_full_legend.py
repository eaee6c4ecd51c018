"""The preset `full`: every class large enough to be scored, ecology, phenology, and as separable as it should be."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely
from terminal import run

from benchmarks.legend import score
from habitat.cubes import BANDS
from habitat.errors import RecipeError
from habitat.grids import grid_of
from habitat.legend import DEFAULT_LEGEND
from habitat.simulate import PRESETS, Study, make_study, write_sample
from habitat.simulate.area import Area
from habitat.simulate.classes import (
    BARE,
    BURNT_GRASS,
    EVERGREEN,
    GRASS,
    LARCH,
    MIXED,
    OAK,
    SHRUB,
    WATER,
    WETLAND,
)
from habitat.simulate.landscape import make_landscape
from habitat.simulate.presets import LANDSAT, SENTINEL2, even_schedules
from habitat.simulate.scenes import plan_overpasses
from habitat.simulate.sky import sun_at
from habitat.simulate.streams import Streams
from habitat.simulate.surface import make_surface, reflectance
from habitat.simulate.terrain import make_terrain
from habitat.tiles import read_stack, select_scenes

FULL, YEARS = PRESETS["full"], range(2020, 2023)


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study(preset="full", seed=1, size_km=2.1, years=YEARS)


@pytest.mark.parametrize("seed", [2, 3])
def test_every_class_of_the_legend_covers_about_a_hundredth_in_every_year(seed: int) -> None:
    truth = make_study(preset="full", seed=seed, size_km=3.0, years=range(2016, 2018)).truth
    assert FULL.codes == DEFAULT_LEGEND.codes
    shares = np.array([[(code == c).mean() for c in FULL.codes] for code in truth.code])
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert shares.min() > 0.01
    open_share = 1 - truth.forest.mean(axis=(1, 2))
    assert ((open_share >= 0.25) & (open_share <= 0.40)).all()


def test_classes_grow_where_they_would(study: Study) -> None:
    land, terrain = study.landscape, study.landscape.terrain
    wild = land.stand_age == 0
    height = {c: terrain.height_m[(land.forest_type == c) & wild].mean() for c in (EVERGREEN, MIXED, OAK)}
    assert height[EVERGREEN] > height[MIXED] > height[OAK]
    steep, facing = terrain.slope > 0.15, terrain.southness
    sunny, shaded = (land.forest_type[steep & wild & (sign * facing > 0.25)] for sign in (1, -1))
    assert (sunny == OAK).mean() > 1.2 * (shaded == OAK).mean()
    assert (shaded == LARCH).mean() > 5 * (sunny == LARCH).mean()
    mire = land.open_type == WETLAND
    assert terrain.slope[mire].mean() < 0.7 * terrain.slope.mean()
    assert np.median(terrain.river_m[mire]) < 0.5 * np.median(terrain.river_m)
    assert (land.cover[np.isin(land.open_type, (WETLAND, WATER, BARE)) & (land.cover < 0.3)] <= 0.22).all()


def test_planted_blocks_are_even_aged_rectangles_of_one_species(study: Study) -> None:
    land = study.landscape
    assert land.stand_age is not None
    ages = np.unique(land.stand_age[land.stand_age > 0])
    assert 12 <= ages.min() < ages.max() <= 55
    assert len(ages) >= 4
    for age in ages:
        block = land.stand_age == age
        assert len(np.unique(land.forest_type[block])) == 1
        assert block.sum() * 0.01 <= 140 * 240 / 10_000 + 0.2, "hectares"
    species, counts = np.unique(land.forest_type[land.stand_age > 0], return_counts=True)
    assert set(species) == {EVERGREEN, LARCH}
    assert counts.min() > 0.01 * land.cover.size
    texture = study.ground.variation[3]
    within = [texture[land.stand_age == age].std() for age in ages]
    assert np.median(within) < texture[land.stand_age == 0].std()


def _bands(study: Study, month: int, day: int) -> tuple[np.ndarray, np.ndarray]:
    when = datetime(2021, month, day, 2, 16, tzinfo=UTC)
    state, sun = study.history.at(when.date()), sun_at(when, 43.1, 130.8)
    surface = make_surface(study.ground, state, study.streams)
    assert surface.shares.min() >= -1e-6
    assert surface.shares.sum(axis=0).max() <= 1 + 1e-4
    return reflectance(study.ground, surface, SENTINEL2, sun.azimuth, sun.elevation), state.code


def _medians(study: Study, month: int, day: int, band: str, codes: tuple[int, ...]) -> list[float]:
    bands, code = _bands(study, month, day)
    return [float(np.median(bands[BANDS.index(band)][code == c])) for c in codes]


def _ndvi(study: Study, month: int, day: int, codes: tuple[int, ...]) -> list[float]:
    bands, code = _bands(study, month, day)
    ndvi = (bands[3] - bands[2]) / (bands[3] + bands[2])
    return [float(np.median(ndvi[code == c])) for c in codes]


def test_larch_is_green_in_summer_gold_in_october_and_bare_in_winter(study: Study) -> None:
    larch, spruce = _ndvi(study, 7, 20, (LARCH, EVERGREEN))
    assert larch > 0.7
    assert spruce > 0.7
    larch_red = _medians(study, 10, 12, "red", (LARCH,))[0]
    assert larch_red > 2 * _medians(study, 7, 20, "red", (LARCH,))[0], "yellow crowns reflect red"
    early_larch, early_oak = _ndvi(study, 5, 12, (LARCH, OAK))
    assert early_larch > early_oak, "needles are out before the oaks' leaves"
    winter_larch, winter_spruce = _ndvi(study, 4, 5, (LARCH, EVERGREEN))
    assert winter_larch < 0.4 < winter_spruce


def test_mires_are_wet_and_bare_ground_is_bright(study: Study) -> None:
    mire, meadow = _medians(study, 5, 5, "swir16", (WETLAND, GRASS))
    assert mire < meadow - 0.03, "water and wet straw are dark in the shortwave infrared"
    rock, mire_green = _ndvi(study, 7, 20, (BARE, WETLAND))
    assert rock < 0.4 < mire_green
    assert _medians(study, 7, 20, "blue", (BARE,))[0] > 0.07


def test_meadows_burn_in_spring_and_are_black_in_may(study: Study) -> None:
    fires = [e for e in study.history.events if e.kind == "fire" and e.date.year == 2021]
    assert fires
    assert all((4, 1) <= (e.date.month, e.date.day) <= (5, 15) for e in fires)
    burnt = study.history.at(date(2021, 9, 15)).code == BURNT_GRASS
    assert 0.01 < burnt.mean() < 0.08
    assert np.isin(study.landscape.open_type[burnt], (GRASS, SHRUB)).mean() > 0.6
    bands, code = _bands(study, 5, 5)
    nbr = (bands[3] - bands[5]) / (bands[3] + bands[5])
    assert np.median(nbr[code == BURNT_GRASS]) < np.median(nbr[code == GRASS]) - 0.1, "char"


def test_looks_are_those_of_the_files(tmp_path: Path) -> None:
    folder, years = tmp_path / "land", range(2021, 2023)
    write_sample(folder, size_km=0.6, seed=5, years=years, preset=FULL.with_looks(4))
    study = make_study(preset=FULL.with_looks(4), seed=5, size_km=0.6, years=years)
    looks = study.take_looks().stack()
    windows = [(date(2021, 1, 1), date(2022, 12, 31))]
    everywhere = shapely.box(-180, -90, 180, 90)
    scenes = select_scenes(folder / "catalog.json", area=everywhere, windows=windows, max_cloud_percent=100).scenes
    read = read_stack(scenes, study.area.map, BANDS)
    assert looks.sizes == {"time": 8, "y": 30, "x": 30}
    for band in BANDS:
        assert np.abs(read[band].values - looks[band].values).max() < 1e-4
    assert np.array_equal(read["quality"].values, looks["quality"].values)
    for name in ("time", "sensor", "platform", "scene", "y", "x"):
        assert np.array_equal(read[name].values, looks[name].values)
    assert (folder / "truth" / "plantation_age.tif").is_file()
    readme = (folder / "README.md").read_text()
    assert "- **Preset** `full`:" in readme
    assert "--seed 5 --preset full --looks 4`" in readme


def test_a_block_of_looks_is_that_part_of_all_and_a_seed_gives_the_same_again() -> None:
    preset = FULL.with_looks(5)
    study = make_study(preset=preset, seed=1, size_km=0.9, years=YEARS)
    looks = study.take_looks([2021])
    assert {o.when.year for o in looks.overpasses} == {2021}
    assert len(looks.overpasses) == preset.looks_a_year == 5
    whole, part = looks.stack(), looks.stack(slice(10, 40), slice(5, 25))
    cut = whole.isel(y=slice(10, 40), x=slice(5, 25))
    assert all(np.array_equal(part[name].values, cut[name].values) for name in (*cut.data_vars, "y", "x"))
    assert grid_of(part) == study.area.map[10:40, 5:25]
    again = make_study(preset=preset, seed=1, size_km=0.9, years=YEARS).take_looks([2021])
    assert np.array_equal(again.reflectance, looks.reflectance)
    assert np.array_equal(again.quality, looks.quality)


@pytest.mark.parametrize("count", [4, 5, 12, 24, 25, 40])
def test_four_to_forty_dates_a_year(count: int) -> None:
    passes = plan_overpasses(range(2016, 2019), Streams(3), preset=FULL.with_looks(count))
    assert [sum(o.when.year == year for o in passes) for year in range(2016, 2019)] == [count] * 3
    assert len({(o.sensor, o.when.date()) for o in passes}) == 3 * count
    assert {o.sensor for o in passes} == {SENTINEL2, LANDSAT}


@pytest.mark.parametrize("count", [3, 41])
def test_other_numbers_of_dates_are_refused(count: int, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="choose 4 to 40"):
        even_schedules(count)
    said = run("sample", tmp_path / "land", "--preset", "full", "--looks", count)
    assert said.status == 1
    assert said.err.splitlines() == [f"habitat: error: looks: {count} dates a year; choose 4 to 40"]


def test_training_has_enough_of_every_class_and_a_few_are_wrong(study: Study) -> None:
    points = study.draw_training()
    counts = points["code"].value_counts()
    assert set(counts.index) == set(FULL.codes)
    assert counts.min() >= 40
    rows = ((study.area.map.transform.f - points.geometry.y) // 20).astype(int)
    cols = ((points.geometry.x - study.area.map.transform.c) // 20).astype(int)
    years = points["date"].str[:4].astype(int) - YEARS[0]
    assert 0.965 <= (study.truth.code[years, rows, cols] == points["code"]).mean() < 1.0


def test_the_full_legend_lies_over_the_relief_of_the_standard_one() -> None:
    area, streams = Area.of_size(0.9), Streams(7)
    terrain = make_terrain(area, streams)
    plain, full = (make_landscape(area, terrain, streams, preset=PRESETS[name]) for name in ("standard", "full"))
    assert plain.stand_age is None
    assert np.array_equal(plain.terrain.height_m, full.terrain.height_m)
    assert np.array_equal(plain.field_id, full.field_id)


def test_a_plain_forest_of_trees_finds_most_classes_and_not_all_of_them() -> None:
    # a small copy of benchmarks/legend.py, whose table gives a mean of 0.81: neither a riddle nor a gift
    small = make_study(preset=FULL.with_looks(12), seed=0, size_km=1.5, years=range(2019, 2021))
    of_class, balanced = score(small, 0, learnt=3_000, trees=40)
    assert 0.6 < of_class.mean() < 0.95
    assert 0.85 < balanced < 0.99
