"""From a recipe to a sheet, and from the sheet filled in to areas whose limits hold the truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from terminal import FEW_TREES, edit, run

from habitat.cubes import is_loss
from habitat.errors import RecordsError
from habitat.forest import classifier
from habitat.grids import blocks
from habitat.legend import DEFAULT_LEGEND
from habitat.recipe import read_recipe
from habitat.store import Run, read_raster, read_table
from habitat.workflow import estimates, run_recipe, sampling
from habitat.workflow.context import Context
from habitat.workflow.kept import find_kept

YEARS = ("2019", "2020", "2021")
SECTION = '[assess]\nsamples = 120\nleast = 20\nseed = 4\nanswers = "answers.csv"\n\n[cells]'


def assess(land: Path) -> list[str]:
    return [result.name for result in run_recipe(read_recipe(land / "recipe.toml"), until="assess") if result.done]


def sample_of(land: Path) -> pd.DataFrame:
    return read_table(land / "run" / "assess" / "sample.parquet")


def truth_at(land: Path, sample: pd.DataFrame, year: str) -> np.ndarray:
    return read_raster(land / "truth" / f"forest_{year}.tif")[0][0][sample["row"], sample["col"]]


def fill_in(land: Path, path: Path) -> pd.DataFrame:
    """Answer every point with the landscape's truth."""
    sheet = pd.read_csv(land / "run" / "assess" / "sheet.csv", dtype=str, keep_default_na=False)
    for year in YEARS:
        sheet[year] = np.array(["N", "F"])[truth_at(land, sample_of(land), year)]
    sheet.to_csv(path, index=False)
    return sheet


@contextmanager
def in_context(land: Path) -> Iterator[Context]:
    recipe, run = read_recipe(land / "recipe.toml"), land / "run"
    identity = json.loads((run / "run.json").read_text("utf-8"))["identity"]
    with ThreadPoolExecutor(1) as pool:
        yield Context(recipe, run=Run(run, identity, recipe.file), executor=pool)


@pytest.fixture(scope="module")
def drawn(good_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small landscape with a sample drawn; not to be changed."""
    folder = Path(shutil.copytree(good_run, tmp_path_factory.mktemp("drawn") / "land"))
    edit(folder, "[cells]", SECTION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "N_TREES", FEW_TREES)
        assert assess(folder) == ["assess"]
    return folder


@pytest.fixture
def sheeted(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `drawn` that a test may answer."""
    monkeypatch.setattr(classifier, "N_TREES", FEW_TREES)
    return Path(shutil.copytree(drawn, tmp_path / "land"))


# -- without answers -------------------------------------------------------------------------------------


def test_the_sample_is_as_large_as_was_asked_for_and_lies_in_its_strata(drawn: Path) -> None:
    sample = sample_of(drawn)
    strata = read_raster(drawn / "run" / "assess" / "strata.tif")[0][0]
    assert len(sample) == 120
    assert (strata[sample["row"], sample["col"]] == sample["stratum_code"]).all()
    counts = np.bincount(strata.ravel())
    for code, part in sample.groupby("stratum_code"):
        assert len(part) >= min(20, counts[code])
        assert (part["stratum_pixels"] == counts[code]).all()
        assert np.allclose(part["inclusion_probability"], len(part) / counts[code])
    assert np.allclose((1 / sample["inclusion_probability"]).sum(), (strata > 0).sum())


def test_the_sheet_says_nothing_of_the_map(drawn: Path) -> None:
    folder = drawn / "run" / "assess"
    for table in (pd.read_csv(folder / "sheet.csv"), read_table(folder / "sheet.parquet")):
        hidden = {"stratum", "row", "col", "stratum_code", "inclusion_probability"}
        assert not hidden & set(table.columns)
        assert list(table["point"]) == list(sample_of(drawn)["point"])
    page = (folder / "sheet.html").read_text(encoding="utf-8")
    assert "stratum" not in page
    assert "inclusion" not in page


def test_the_same_recipe_gives_the_same_sample(sheeted: Path) -> None:
    before = sample_of(sheeted)
    shutil.rmtree(sheeted / "run" / "assess")
    assert assess(sheeted) == ["assess"]
    assert sample_of(sheeted).equals(before)
    assert assess(sheeted) == []
    edit(sheeted, "seed = 4", "seed = 5")
    assert assess(sheeted) == ["assess"]
    assert not set(sample_of(sheeted)["point"]) & set(before["point"])


def test_areas_without_answers_are_pixel_counts_without_limits(drawn: Path) -> None:
    areas = pd.read_csv(drawn / "run" / "areas.csv")
    assert set(areas["method"]) == {"pixel_count"}
    assert areas[["lower", "upper"]].isna().all(axis=None)


# -- with answers ----------------------------------------------------------------------------------------


def test_limits_hold_the_truth_of_the_landscape(sheeted: Path) -> None:
    fill_in(sheeted, sheeted / "answers.csv")
    assert assess(sheeted) == ["assess"]
    population = read_raster(sheeted / "run" / "assess" / "strata.tif")[0][0] > 0
    areas = pd.read_csv(sheeted / "run" / "areas.csv").set_index(["year", "what"])
    for year in YEARS:
        true = read_raster(sheeted / "truth" / f"forest_{year}.tif")[0][0]
        for what, state in (("forest", 1), ("not forest", 0)):
            row = areas.loc[(int(year), what)]
            hectares = float(((true == state) & population).sum()) * 0.04
            assert row["method"] == "stratified"
            assert row["n_samples"] == 120
            assert row["lower"] <= row["estimate_ha"] <= row["upper"]
            # of six limits of 95% one may well miss; none should miss those of 99%
            sides = (row["estimate_ha"] - row["lower"], row["upper"] - row["estimate_ha"])
            assert -1.31 * sides[0] <= hectares - row["estimate_ha"] <= 1.31 * sides[1], (year, what)
        assert areas.loc[(int(year), "not seen"), "method"] == "pixel_count"
    loss = read_raster(sheeted / "truth" / "loss_year.tif")[0][0]
    hectares = float((np.isin(loss, (2020, 2021)) & population).sum()) * 0.04
    whole = areas.loc[(2021, "loss 2020-2021")]
    assert whole["lower"] <= hectares <= whole["upper"]


def test_a_map_that_is_the_truth_is_found_right(sheeted: Path) -> None:
    """The maps are put in the answers' place: every accuracy is one, and the areas are the pixel counts."""
    sheet = pd.read_csv(sheeted / "run" / "assess" / "sheet.csv", dtype=str, keep_default_na=False)
    sample, forest = sample_of(sheeted), (11, 12, 13, 14, 15)
    for year in YEARS:
        code = read_raster(sheeted / "run" / "forest" / f"{year}.tif")[0][0][sample["row"], sample["col"]]
        sheet[year] = np.where(code == 0, "?", np.where(np.isin(code, forest), "F", "N"))
    sheet.to_csv(sheeted / "answers.csv", index=False)
    assess(sheeted)
    accuracy = pd.read_csv(sheeted / "run" / "assess" / "accuracy.csv")
    by_year = accuracy[accuracy["of"].isin(YEARS)]
    assert np.allclose(by_year["estimate"].dropna(), 1)
    assert (by_year["upper"].dropna() == 1).all()


def test_a_sheet_without_an_answer_and_forests_that_are_lost_twice_are_told(sheeted: Path) -> None:
    sheet = fill_in(sheeted, sheeted / "answers.csv")
    sheet.loc[:1, list(YEARS)] = ["F", "N", "F"]
    sheet.loc[2, list(YEARS)] = ["N", "F", "N"]
    sheet.to_csv(sheeted / "answers.csv", index=False)
    assert "lose their forest more than once" not in run("assess", sheeted / "recipe.toml").err
    sheet[list(YEARS)] = ""
    sheet.to_csv(sheeted / "answers.csv", index=False)
    assert "answers.csv holds no answer yet: areas stay pixel counts" in run("assess", sheeted / "recipe.toml").err


def test_places_that_cannot_be_told_or_are_not_answered_are_left_out_and_counted(sheeted: Path) -> None:
    sheet = fill_in(sheeted, sheeted / "answers.csv")
    sheet.loc[:3, "2020"] = "?"
    sheet.loc[4:9, list(YEARS)] = ""
    sheet.to_csv(sheeted / "answers.csv", index=False)
    said = run("assess", sheeted / "recipe.toml")
    assert said.status == 0, said.err
    assert "6 of 120 places have no answer" in said.err
    assert "4 places could not be told in some year" in said.err
    areas = pd.read_csv(sheeted / "run" / "areas.csv").set_index(["year", "what"])
    assert areas.loc[(2019, "forest"), "n_samples"] == 114
    assert areas.loc[(2020, "forest"), "n_samples"] == 110
    assert "95% limits" in said.out


def test_a_stratum_of_which_too_little_can_be_told_stops_its_own_year_alone(sheeted: Path) -> None:
    sheet, sample = fill_in(sheeted, sheeted / "answers.csv"), sample_of(sheeted)
    name = sample["stratum"].iloc[0]
    sheet.loc[sheet.index[sample["stratum"] == name], "2020"] = "?"
    sheet.to_csv(sheeted / "answers.csv", index=False)
    said = run("assess", sheeted / "recipe.toml")
    assert said.status == 0, said.err
    assert f"nothing is estimated for 2020: stratum {name!r} has 0 answers" in " ".join(said.err.split())
    areas = pd.read_csv(sheeted / "run" / "areas.csv").set_index(["year", "what"])["method"]
    assert [areas.loc[(year, "forest")] for year in (2019, 2020, 2021)] == ["stratified", "pixel_count", "stratified"]


@pytest.mark.parametrize("pixels", [1, 2])
def test_a_tiny_stratum_that_cannot_be_told_is_joined_to_the_largest(pixels: int) -> None:
    """One place of each tiny stratum, or none, tells: there is nobody left to ask."""
    sample = pd.DataFrame({"stratum": ["loss"] * pixels + ["forest"] * 4, "stratum_code": [1] * pixels + [2] * 4})
    sample = sample.assign(stratum_pixels=np.where(sample["stratum_code"] == 1, pixels, 90))
    sample = sample.assign(stratum_samples=np.where(sample["stratum_code"] == 1, pixels, 4))
    told = np.arange(len(sample)) > 0
    ones = np.ones(len(sample), dtype=int)
    made = estimates._reference(sample, told, ones, ones, {1: np.array([pixels, 80]), 0: np.array([0, 10])})
    assert made.stratum_pixels.tolist() == [90 + pixels]
    assert made.stratum.tolist() == [0] * (pixels + 3)
    assert {code: held.tolist() for code, held in made.mapped_pixels.items()} == {1: [80 + pixels], 0: [10]}
    whole = estimates._reference(sample, told | True, ones, ones, {1: np.array([pixels, 80]), 0: np.array([0, 10])})
    assert whole.stratum_pixels.tolist() == [pixels, 90], "all was told, so the stratum stands"


def test_answers_outlive_the_maps_that_they_were_drawn_from(sheeted: Path) -> None:
    """A new map of the same area is judged by the same answers: its strata are not the map's classes any more."""
    fill_in(sheeted, sheeted / "answers.csv")
    assess(sheeted)
    before = sample_of(sheeted)
    edit(sheeted, "[forest]\n", '[forest]\nfeatures = ["bands"]\n')
    assert "assess" in assess(sheeted)
    assert sample_of(sheeted).equals(before)
    notes = json.loads((sheeted / "run" / "run.json").read_text(encoding="utf-8"))["stages"]["assess"]["notes"]
    assert notes["sample_kept"]
    assert notes["answered"] == 120


def test_answers_find_their_sample_again_after_a_run_without_them(sheeted: Path) -> None:
    """Another sample is drawn meanwhile, and a file of neither is refused: nothing of the first sample is lost."""
    fill_in(sheeted, sheeted / "answers.csv")
    before, strata = sample_of(sheeted), (sheeted / "run" / "assess" / "strata.tif").read_bytes()
    (sheeted / "answers.csv").rename(sheeted / "aside.csv")
    edit(sheeted, "seed = 4", "seed = 5")
    assess(sheeted)
    assert not set(sample_of(sheeted)["point"]) & set(before["point"])
    typed = pd.read_csv(sheeted / "aside.csv", dtype=str)
    typed.assign(point=typed["point"].str.replace(r"^\w+-", "beefed-", regex=True)).to_csv(
        sheeted / "answers.csv", index=False
    )
    with pytest.raises(RecordsError, match="answers the sample beefed"):
        assess(sheeted)
    (sheeted / "aside.csv").replace(sheeted / "answers.csv")
    assert assess(sheeted) == ["assess"]
    assert sample_of(sheeted).equals(before)
    assert (sheeted / "run" / "assess" / "strata.tif").read_bytes() == strata


def test_a_map_is_looked_up_by_blocks_as_if_it_were_read_whole(sheeted: Path, monkeypatch) -> None:
    monkeypatch.setattr(sampling, "READ_BLOCK", 7)
    sample, path = sample_of(sheeted), sheeted / "run" / "forest" / "2020.tif"
    with in_context(sheeted) as context:
        found = sampling.look_up(context, path, sample)
    whole, strata = read_raster(path)[0][0], read_raster(sheeted / "run" / "assess" / "strata.tif")[0][0]
    assert len(list(blocks(context.grid, 7))) > 9
    assert found.at_points.tolist() == whole[sample["row"], sample["col"]].tolist()
    assert found.values.tolist() == np.unique(whole).tolist()
    for code in range(1, strata.max() + 1):
        expected = [((strata == code) & (whole == value)).sum() for value in found.values]
        assert found.pixels[code - 1].tolist() == expected


def test_answers_of_another_grid_or_outline_are_refused(sheeted: Path) -> None:
    fill_in(sheeted, sheeted / "answers.csv")
    assess(sheeted)
    typed = pd.read_csv(sheeted / "answers.csv", dtype=str)
    with in_context(sheeted) as context:
        assert find_kept(context, typed) is not None
        grid = context.grid
        context.grid = grid.pad(1)
        with pytest.raises(RecordsError, match="another grid than the run has now; go back to the"):
            find_kept(context, typed)
        context.grid = grid.translate_pix(1, 0)
        with pytest.raises(RecordsError, match="another grid"):
            find_kept(context, typed)
        context.grid, context.area = grid, context.area.buffer(0.001)
        with pytest.raises(RecordsError, match="another outline of the area"):
            find_kept(context, typed)


def test_what_was_typed_into_the_run_s_own_sheet_is_used_and_never_overwritten(sheeted: Path) -> None:
    edit(sheeted, 'answers = "answers.csv"\n', "")
    own = sheeted / "run" / "assess" / "sheet.csv"
    fill_in(sheeted, own)
    typed = own.read_bytes()
    assert assess(sheeted) == ["assess"]
    assert "stratified" in (sheeted / "run" / "areas.csv").read_text(encoding="utf-8")
    edit(sheeted, "seed = 4", "seed = 9")
    edit(sheeted, "min_patch_ha = 0.5", "min_patch_ha = 0")
    assess(sheeted)
    assert own.read_bytes() == typed
    assert assess(sheeted) == []


def test_a_recipe_without_the_section_has_pixel_counts_again(sheeted: Path) -> None:
    fill_in(sheeted, sheeted / "answers.csv")
    run_recipe(read_recipe(sheeted / "recipe.toml"))
    assert "stratified" in (sheeted / "run" / "areas.csv").read_text(encoding="utf-8")
    edit(sheeted, SECTION, "[cells]")
    run_recipe(read_recipe(sheeted / "recipe.toml"))
    assert "stratified" not in (sheeted / "run" / "areas.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda sheet: sheet.assign(point=sheet["point"].str.replace(r"^\w+-", "beefed-", regex=True)),
            "the sample beefed",
        ),
        (lambda sheet: pd.concat([sheet, sheet.iloc[:1]]), "is answered twice"),
        (lambda sheet: sheet.replace({"2020": {"F": "W"}}), "is answered 'W' in 2020; write one of ?, F, N"),
        (lambda sheet: sheet.drop(columns="2021"), "has no column '2021'"),
        (lambda sheet: sheet.assign(latitude="12.5"), "not where it was drawn"),
        (lambda sheet: sheet.iloc[:1], "and a standard error needs two"),
    ],
)
def test_answers_that_cannot_be_used_are_one_line(sheeted: Path, spoil, said: str) -> None:
    spoil(fill_in(sheeted, sheeted / "answers.csv")).to_csv(sheeted / "answers.csv", index=False)
    found = run("assess", sheeted / "recipe.toml")
    assert found.status == 1
    lines = [line for line in found.err.splitlines() if line.startswith("habitat: error")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (sheeted / "run" / "assess" / "accuracy.csv").exists()


def test_all_classes_of_the_legend_can_be_asked_for(sheeted: Path) -> None:
    """Strata are then loss and the classes of the last map; of limits that hold in 95% at least 80% must hold here."""
    edit(sheeted, "[assess]\n", '[assess]\nclasses = "legend"\nnear_loss_m = 40\n')
    edit(sheeted, "min_patch_ha = 0.5", "min_patch_ha = 0")
    assess(sheeted)
    sample = sample_of(sheeted)
    lost = is_loss(read_raster(sheeted / "run" / "change" / "loss_year.tif")[0]).any()
    assert ("near loss" in set(sample["stratum"])) == lost
    sheet = pd.read_csv(sheeted / "run" / "assess" / "sheet.csv", dtype=str, keep_default_na=False)
    for year in YEARS:
        cover = read_raster(sheeted / "truth" / f"cover_{year}.tif")[0][0][sample["row"], sample["col"]]
        sheet[year] = cover.astype(str)
    sheet.to_csv(sheeted / "answers.csv", index=False)
    assert run("assess", sheeted / "recipe.toml").status == 0
    population = read_raster(sheeted / "run" / "assess" / "strata.tif")[0][0] > 0
    areas = pd.read_csv(sheeted / "run" / "areas.csv").set_index(["year", "what"])
    held = []
    for year in YEARS:
        true = read_raster(sheeted / "truth" / f"cover_{year}.tif")[0][0]
        for cover in DEFAULT_LEGEND:
            if (true == cover.code).any():
                if (int(year), cover.name) not in areas.index:
                    held.append(False)  # no answer names it
                    continue
                row = areas.loc[(int(year), cover.name)]
                assert row["method"] == "stratified"
                held.append(row["lower"] <= ((true == cover.code) & population).sum() * 0.04 <= row["upper"])
    assert len(held) >= 15
    assert np.mean(held) >= 0.8
    assert "2021, classes" in set(pd.read_csv(sheeted / "run" / "assess" / "accuracy.csv")["of"])
