"""What `habitat check` says of animals: formulas that cannot be, records that lie elsewhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from terminal import edit, run

from habitat.errors import RecipeError
from habitat.recipe import read_recipe
from habitat.store import read_table
from habitat.workflow import Plan
from habitat.workflow.formulas import cell_variables, check_formulas
from habitat.workflow.whereabouts import misplaced


def refused(land: Path) -> str:
    with pytest.raises(RecipeError) as error:
        check_formulas(Plan(read_recipe(land / "recipe.toml")), patrols=False)
    return str(error.value)


def test_the_variables_that_check_knows_are_those_of_a_run(land: Path) -> None:
    known = cell_variables(Plan(read_recipe(land / "recipe.toml")))
    made = set(read_table(land / "run" / "cells.parquet").columns) - {"cell", "year", "geometry"}
    assert set(known) == made
    assert len(set(known)) == len(known)


def test_a_misspelt_covariate_is_told_before_the_run(land: Path) -> None:
    edit(land, 'psi = "forest_share + recent_loss"', 'psi = ["forest_share", "forest_shar + recent_loss"]')
    said = run("check", str(land / "recipe.toml"))
    assert said.status == 1
    assert "unknown variable 'forest_shar'; did you mean 'forest_share'?" in said.err.replace("\n", " ")
    assert "[occupancy] psi" in said.err


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("forest_share + ", "cannot be read"),
        ("open('x')", "is not allowed"),
        ("effrt", "did you mean 'effort'?"),
        ("effort_km", "unknown variable 'effort_km'"),  # no patrol was read
        ("next_forest_share", "unknown variable"),
    ],
)
def test_formulas_of_detection(land: Path, formula: str, words: str) -> None:
    edit(land, 'p = "effort"', f'p = "{formula}"')
    assert words in refused(land)


def test_what_may_stand_in_formulas(land: Path) -> None:
    (land / "roads.csv").write_text("cell,season,snow\na,2020,1\n")
    (land / "visits.csv").write_text("occasion,bait\n0,1\n")
    edit(land, 'p = "effort"', 'p = "log(effort) + day + bait + snow"\ncovariates = ["roads.csv", "visits.csv"]')
    plan = Plan(read_recipe(land / "recipe.toml"))
    check_formulas(plan, patrols=False)
    edit(land, "forest_share + recent_loss", "forest_share + bait")
    assert "unknown variable 'bait'" in refused(land)


def test_steps_of_a_dynamic_model_may_look_ahead(land: Path) -> None:
    edit(land, 'p = "effort"', 'p = "season"\nmodel = "dynamic"\nextinction = "next_recent_loss + trend"')
    check_formulas(Plan(read_recipe(land / "recipe.toml")), patrols=False)
    edit(land, "next_recent_loss", "nxt_recent_loss")
    assert "did you mean 'next_recent_loss'?" in refused(land)


# -- records that lie elsewhere -------------------------------------------------------------------------


def said_of(x: list[float], y: list[float], years: list[int]) -> list[str]:
    """Of records, with an area from 131 to 132 east and 43 to 44 north and the years 2016 to 2020."""
    times = pd.Series(pd.to_datetime([f"{year}-07-01T00:00Z" for year in years]))
    found = gpd.GeoDataFrame({"time": times}, geometry=gpd.points_from_xy(x, y), crs=4326)
    plan = SimpleNamespace(
        area=shapely.box(131, 43, 132, 44),
        years=tuple(range(2016, 2021)),
        recipe=SimpleNamespace(sightings=None, period=SimpleNamespace(years="2016-2020")),
    )
    return misplaced(plan, SimpleNamespace(observations=found))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "y", "cause"),
    [
        (43.5, 131.5, "latitude and longitude are exchanged"),
        (-131.5, 43.5, "longitudes lack their minus"),
        (131.5, -43.5, "latitudes lack their minus"),
        (137.5, 43.5, "names the zone east of theirs"),
        (131.5, 53.5, "about 1,112 km from its middle"),
    ],
)
def test_the_likely_cause_of_records_outside_the_area_is_told(x: float, y: float, cause: str) -> None:
    (said,) = said_of([x] * 3, [y] * 3, [2018] * 3)
    assert said.startswith("none of 3 records lies in the area and the years of the recipe: 3 outside the area (")
    assert cause in said


def test_records_outside_the_years_are_told_with_theirs() -> None:
    (said,) = said_of([131.5, 131.5], [43.5, 43.5], [2009, 2011])
    assert said.endswith("2 of 2009-2011, while the recipe's years are 2016-2020")


def test_records_of_which_some_lie_elsewhere_and_the_others_in_other_years() -> None:
    (said,) = said_of([131.5, 140.0], [43.5, 43.5], [2009, 2018])
    assert ": 1 outside the area" in said
    assert "; 1 of 2009, while" in said


def test_one_record_in_place_and_time_is_enough() -> None:
    assert said_of([131.5, 140.0], [43.5, 43.5], [2018, 2009]) == []
    assert said_of([131.5], [43.5], [2021]) == []  # it meets the map of 2020
    assert said_of(list(np.empty(0)), [], []) == []


def test_check_warns_of_records_of_other_years(land: Path) -> None:
    edit(land, 'years = "', 'years = "2030-2031"  # "')
    plan = Plan(read_recipe(land / "recipe.toml"))
    from habitat.workflow.survey_records import records_of

    (said,) = misplaced(plan, records_of(plan))
    assert "the recipe's years are 2030-2031" in said
