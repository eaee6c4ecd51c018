"""Recipes: what is read, what is filled in, and one line for everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from habitat.errors import RecipeError
from habitat.legend import BROAD_LEGEND, DEFAULT_LEGEND
from habitat.recipe import PeriodSection, Recipe, legend_of, read_legend, read_recipe

SAMPLE = Path(__file__).resolve().parents[1] / "sample_tiles" / "recipe.toml"

SECTIONS = {
    "area": 'name = "Valley"\nbbox = [130.8, 43.1, 131, 43.2]',
    "period": 'years = "2016-2018"',
    "scenes": 'source = "tiles/catalog.json"',
    "forest": 'training = "points.gpkg"',
    "change": "",
    "assess": "target_se = 0.02",
    "cells": "size_m = 4000",
    "sightings": 'files = "seen.csv"\neffort = "cameras.csv"',
    "occupancy": 'season = "09-20/11-20"',
    "output": 'folder = "run"',
}
"""A recipe with every section, as short as it can be."""


def written(folder: Path, **changed: str | None) -> Path:
    """A recipe of SECTIONS in `folder`, with some sections changed; None leaves one out."""
    sections = {name: text for name, text in (SECTIONS | changed).items() if text is not None}
    path = folder / "recipe.toml"
    path.write_text("".join(f"[{name}]\n{text}\n" for name, text in sections.items()), encoding="utf-8")
    return path


def fault(path: Path) -> str:
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert str(path.resolve()) in str(caught.value), "every fault names the file"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_map_that_was_translated_knows_broad_classes_only(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, forest='training = "tiles"\ntraining_map = "worldcover"'))
    assert recipe.forest is not None
    assert recipe.forest.training_cover_percent == [20, 50]
    assert legend_of(recipe) is BROAD_LEGEND


def test_one_word_stands_for_a_list_of_one_and_a_number_does_not(tmp_path: Path) -> None:
    recipe = read_recipe(
        written(
            tmp_path,
            scenes='source = "c.json"\ncollections = "sentinel-2-l2a"\nreject = "cloud"',
            forest='training = "points.gpkg"\nfeatures = "bands"',
            change='evidence = "maps"',
            occupancy='season = "09-20/11-20"\npsi = "forest_share"\ncovariates = "own.csv"',
        )
    )
    assert (recipe.scenes.collections, recipe.scenes.reject) == (["sentinel-2-l2a"], ["cloud"])
    assert recipe.forest is not None
    assert recipe.forest.features == ["bands"]
    assert recipe.loss_ways == ("maps",)
    assert recipe.occupancy is not None
    assert (recipe.occupancy.psi, recipe.occupancy.covariates) == ("forest_share", ["own.csv"])
    assert recipe.sightings is not None
    assert (recipe.sightings.files, recipe.sightings.effort) == (["seen.csv"], ["cameras.csv"])
    assert "valid list" in fault(written(tmp_path, cells='size_m = 4000\nsizes_m = "8000"'))
    assert 'evidence needs "maps"' in fault(written(tmp_path, change='evidence = "breaks"'))


def test_burns_ask_for_whole_years_and_for_looks(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, change="burns = true"))
    assert [str(day) for day in recipe.windows()[0]] == ["2016-01-01", "2016-12-31"]
    assert recipe.change_reads_looks
    season = 'season = "11-01/02-28"'
    winters = read_recipe(written(tmp_path, change="burns = true", period=f'years = "2016-2018"\n{season}')).windows()
    assert [str(day) for day in (winters[0][0], winters[-1][1])] == ["2015-11-01", "2018-12-31"], "no season is cut"
    assert not read_recipe(written(tmp_path)).change_reads_looks


def test_what_is_left_out_has_a_good_default(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path))
    assert (recipe.period.season, recipe.period.seasons) == ("06-01/09-15", {})
    assert (recipe.scenes.max_cloud_percent, recipe.scenes.mask, recipe.scenes.collections) == (90, "product", None)
    assert recipe.change is not None
    assert recipe.change.min_patch_ha == 0.5
    assert recipe.sightings is not None
    assert (recipe.sightings.files, recipe.sightings.independent_minutes) == (["seen.csv"], 30)
    assert recipe.occupancy is not None
    assert (recipe.occupancy.psi, recipe.occupancy.p, recipe.occupancy.min_cells) == ("1", "1", 30)
    assert (recipe.area.crs, recipe.area.resolution_m) == (None, None)
    assert legend_of(recipe) is DEFAULT_LEGEND


def test_the_sample_s_own_recipe_is_read() -> None:
    recipe = read_recipe(SAMPLE)
    assert recipe.period.year_list() == tuple(range(2016, 2026))
    assert [season.name for season in recipe.period.season_list()] == ["mapping", "leaf_off", "autumn"]
    assert recipe.cells is not None
    assert recipe.cells.size_m == 300


def test_paths_start_from_the_recipe_s_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, output='folder = "../elsewhere/run"')
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    recipe = read_recipe(Path("..") / path.name)
    assert recipe.path(recipe.scenes.source) == tmp_path.resolve() / "tiles" / "catalog.json"
    assert recipe.folder == tmp_path.resolve().parent / "elsewhere" / "run"
    assert recipe.path("/data/tiles.json") == Path("/data/tiles.json")


def test_files_are_told_by_section(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, cells='file = "cells.gpkg"'))
    assert recipe.files() == {
        "forest": ["points.gpkg"],
        "cells": ["cells.gpkg"],
        "sightings": ["seen.csv", "cameras.csv"],
    }


def test_resolved_says_the_same_again(tmp_path: Path) -> None:
    recipe = read_recipe(SAMPLE)
    again = tmp_path / "recipe.toml"
    again.write_text(tomli_w.dumps(recipe.resolved()), encoding="utf-8")
    assert read_recipe(again).resolved() == recipe.resolved()
    assert recipe.resolved()["scenes"]["max_cloud_percent"] == 90, "defaults are spelt out"


def test_a_recipe_cannot_be_changed(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path))
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        recipe.area.name = "elsewhere"


@pytest.mark.parametrize(
    ("section", "text", "said"),
    [
        ("area", 'name = "V"\nregoin = "a.geojson"', "unknown key 'area.regoin'; did you mean 'region'?"),
        ("period", 'years = "2016"\nseasom = "06-01/09-15"', "unknown key 'period.seasom'; did you mean 'season'"),
        ("scenes", 'sorce = "catalog.json"', "unknown key 'scenes.sorce'; did you mean 'source'?"),
        ("change", "min_patch = 1", "unknown key 'change.min_patch'; did you mean 'min_patch_ha'?"),
        ("cells", "size_m = 300\nzzz = 1", "unknown key 'cells.zzz'; known here: size_m, file"),
        ("sigthings", 'files = "a.csv"', "unknown key 'sigthings'; did you mean 'sightings'?"),
        ("output", 'folder = "run"\n[output.folder_of]\na = 1', "unknown key 'output.folder_of'"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path, section: str, text: str, said: str) -> None:
    assert said in fault(written(tmp_path, **{section: text}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'mask = "histroy"',
            "scenes.mask: Input should be 'product', 'history', 'spectral' or 'none'; did you mean 'history'?",
        ),
        ('view = "Nadir"', "did you mean 'nadir'?"),
        ('sharpness = "comon"', "did you mean 'common'?"),
        ('reject = ["cloud", "shadows"]', "did you mean 'shadow'?"),
        ('mask = "xyzzy"', "`habitat init` writes a recipe with every key"),
        ("mask = 3", "`habitat init` writes a recipe with every key"),
    ],
)
def test_a_misspelt_word_is_told_the_nearest_one(tmp_path: Path, text: str, said: str) -> None:
    assert said in fault(written(tmp_path, scenes=f'source = "tiles/catalog.json"\n{text}'))


def test_the_recipe_s_own_file_is_no_key(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(f'file = "other.toml"\n{path.read_text()}')
    assert "unknown key 'file'" in fault(path)


@pytest.mark.parametrize(
    ("section", "text", "said"),
    [
        ("area", None, "section 'area' is missing"),
        ("output", "", "key 'output.folder' is missing"),
        ("area", 'name = "V"', "area: give either region or bbox"),
        ("area", 'name = "V"\nregion = "a.geojson"\nbbox = [1, 2, 3, 4]', "area: give either region or bbox"),
        ("area", 'name = "V"\nbbox = [131, 43, 130, 44]', "bbox is not west, south, east, north in degrees"),
        ("area", 'name = "V"\nbbox = [43.1, 130.8, 43.2, 131]', "bbox is not west, south, east, north in degrees"),
        ("area", 'name = "V"\nbbox = [130, 43, 131]', "area.bbox"),
        ("area", 'name = ""\nbbox = [1, 2, 3, 4]', "area.name"),
        ("area", 'name = "V"\nbbox = [1, 2, 3, 4]\nresolution_m = 0', "area.resolution_m"),
        ("cells", "size_m = 300\nsizes_m = [600, 300]", "sizes_m names a size twice, or that of the cells themselves"),
        ("cells", 'size_m = 300\nlayers = { "my roads" = "a.gpkg" }', "the layer 'my roads' needs a name of letters"),
        (
            "occupancy",
            'season = "09-20/11-20"\nextinction = "forest_share"',
            'colonisation and extinction need model = "dynamic"',
        ),
        ("occupancy", 'season = "09-20/11-20"\npsi = []', "occupancy.psi"),
        ("occupancy", 'season = "09-20/11-20"\nmodel = "dynamics"', "did you mean 'dynamic'?"),
        ("period", 'years = "2018-2016"', "years = '2018-2016' does not run forward"),
        ("period", 'years = "1950-1960"', "does not run forward between 1984 and 2100"),
        ("period", 'years = "2016 to 2018"', "years = '2016 to 2018' is not like 2016-2025"),
        ("period", "years = true", "period.years"),
        ("period", 'years = "2016"\nseason = "06-31/09-15"', "06-31 in '06-31/09-15' is no day of the year"),
        ("period", 'years = "2016"\nseason = "summer"', "'summer' is not a season; write it as MM-DD/MM-DD"),
        ("period", 'years = "2016"\n[period.seasons]\nmapping = "01-01/02-01"', "'mapping' cannot be the name"),
        ("period", 'years = "2016"\n[period.seasons]\nlevel = "01-01/02-01"', "'level' cannot be the name"),
        ("period", 'years = "2016"\n[period.seasons]\n"a b" = "01-01/02-01"', "'a b' cannot be the name"),
        ("period", 'years = "2016"\n[period.seasons]\nspring = "03-40/04-30"', "spring: 03-40 in '03-40/04-30'"),
        ("scenes", 'source = "c.json"\nmax_cloud_percent = 101', "scenes.max_cloud_percent"),
        ("scenes", 'source = "c.json"\nmask = "fmask"', "scenes.mask"),
        ("scenes", 'source = "https://api.test/v1?token=abc"', "scenes.source: source holds a key or password"),
        ("scenes", 'source = "https://me:abc@api.test/v1"', "scenes.source: source holds a key or password"),
        ("scenes", 'source = "c.json"\non_missing = "ignore"', "scenes.on_missing"),
        ("scenes", "source = 7", "scenes.source"),
        ("forest", 'training = "a.tif"\ntraining_map = "corine"', "forest.training_map"),
        (
            "forest",
            'training = "a.tif"\ntraining_cover_percent = [50, 20]',
            "training_cover_percent takes two ascending",
        ),
        ("forest", 'training = "a.tif"\ntraining_cover_percent = [50]', "forest.training_cover_percent"),
        ("forest", 'training = "a.tif"\ntraining_edge_m = -1', "forest.training_edge_m"),
        ("forest", 'training = "a.tif"\n[forest.training_codes]\n10 = 11', "training_codes translates a map"),
        ("forest", 'training = "a.gpkg"\ntraining_year = 1987', "training_year = 1987 lies outside [period] years"),
        ("forest", None, "[change] needs a section [forest]"),
        ("change", "min_patch_ha = -1", "change.min_patch_ha"),
        ("cells", "", "cells: give either size_m or file"),
        ("cells", 'size_m = 300\nfile = "c.gpkg"', "cells: give either size_m or file"),
        ("cells", 'size_m = "300"', "cells.size_m"),
        ("cells", None, "[sightings] needs a section [cells]"),
        ("sightings", None, "[occupancy] needs a section [sightings]"),
        ("sightings", 'files = "seen.csv"', "[occupancy] needs effort in [sightings]"),
        ("sightings", 'files = []\neffort = "e.csv"', "sightings.files"),
        ("occupancy", 'season = "autumn"', "'autumn' is not a season"),
        ("occupancy", 'season = "09-20/11-20"\noccasion_days = 0', "occupancy.occasion_days"),
        ("occupancy", 'season = "09-20/11-20"\noccasion_days = 1.5', "occupancy.occasion_days"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, section: str, text: str | None, said: str) -> None:
    assert said in fault(written(tmp_path, **{section: text}))


def test_what_is_no_recipe_at_all_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    assert "cannot be read (No such file or directory); `habitat init`" in fault(path)
    path.write_text("[area\nname = 1")
    assert "is not TOML" in fault(path)
    assert "line 1" in fault(path)
    path.write_bytes("[area]\nname = 'Долина'".encode("cp1251"))
    assert "is not UTF-8" in fault(path)
    assert "cannot be read (Is a directory)" in fault(tmp_path)


def test_a_misspelt_key_is_told_before_the_one_that_it_makes_missing(tmp_path: Path) -> None:
    assert "unknown key 'output.fodler'; did you mean 'folder'?" in fault(written(tmp_path, output='fodler = "run"'))


@given(st.integers(1984, 2100), st.integers(0, 30))
def test_years_run_from_the_first_to_the_last(first: int, more: int) -> None:
    last = min(first + more, 2100)
    assert PeriodSection(years=f"{first}-{last}").year_list() == tuple(range(first, last + 1))


def test_one_year_may_be_a_number(tmp_path: Path) -> None:
    assert read_recipe(written(tmp_path, period="years = 2016")).period.year_list() == (2016,)


# -- legend ---------------------------------------------------------------------------------------------


def a_class(code: object = 1, name: str = '"taiga"', color: str = '"#004400"', forest: str = "true") -> str:
    return f"[[class]]\ncode = {code}\nname = {name}\ncolor = {color}\nforest = {forest}\n"


def test_a_legend_of_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "legend.toml").write_text(a_class(7) + a_class(9, '"steppe"', '"#eecc88"', "false"))
    recipe = read_recipe(written(tmp_path, forest='training = "p.gpkg"\nlegend = "legend.toml"'))
    legend = legend_of(recipe)
    assert legend.codes == (7, 9)
    assert legend.forest_codes == (7,)
    assert legend[9].name == "steppe"
    assert isinstance(recipe, Recipe)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no \\[\\[class\\]\\]"),
        ("class = 3", "holds no \\[\\[class\\]\\]"),
        ("[[class]]\ncode = 1", "lacks or garbles 'name'"),
        (a_class('"forest"'), "lacks or garbles"),
        (a_class(0), "class code 0 is outside 1 to 254"),
        (a_class(1) + a_class(1), "class code 1 is given twice"),
        (a_class(color='"green"'), "colour 'green' of class 1"),
        (a_class(forest='"no"'), "lacks or garbles"),
        (a_class(1.5), "lacks or garbles"),
        ("[[class]", "is not TOML"),
    ],
)
def test_a_legend_that_cannot_be_names_its_file(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "legend.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=f"legend.toml.*{said}"):
        read_legend(path)


def test_a_key_in_the_source_is_shown_nowhere(tmp_path: Path) -> None:
    import traceback

    path = written(tmp_path, scenes=f'source = "https://me:{"SECRET".lower()}@api.test/v1"')
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
