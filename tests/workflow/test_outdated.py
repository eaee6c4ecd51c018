"""Results of an earlier run beside newer ones are told of, whoever stopped where."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import run

from habitat.errors import EstimationError
from habitat.recipe import read_recipe
from habitat.workflow import occupying, outdated_stages, outdated_words
from habitat.workflow.stages import open_run


def fewer_sightings(land: Path) -> Path:
    """Leave out the last fifty sightings; return the recipe."""
    path = land / "sightings.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-50]))
    return land / "recipe.toml"


def test_a_whole_run_has_none(land: Path) -> None:
    recipe = read_recipe(land / "recipe.toml")
    assert outdated_stages(open_run(recipe)) == {}
    assert outdated_words(recipe) == ""


def test_what_stands_beside_new_sightings_after_a_failure_is_told_in_the_error_and_by_check(
    land: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise EstimationError("does not converge", where="occupancy", mend="simplify it")

    recipe = fewer_sightings(land)
    with monkeypatch.context() as patch:
        patch.setattr(occupying, "model_occupancy", failing)
        said = run("run", recipe)
    assert said.status == 1
    assert "does not converge; simplify it; occupancy.parquet, occupancy/" in said.err
    assert "(occupancy, report) are of an earlier run" in said.err
    said = run("check", recipe)
    assert said.status == 0
    assert "habitat: warning: occupancy.parquet" in said.err
    assert "(occupancy, report) are of an earlier run" in said.err
    assert run("run", recipe).status == 0
    assert outdated_words(read_recipe(recipe)) == ""


def test_a_command_that_goes_no_further_says_what_it_leaves_behind(land: Path) -> None:
    recipe = fewer_sightings(land)
    said = run("join", recipe)
    assert said.status == 0
    assert "(occupancy, report) are of an earlier run: `habitat run` makes what is missing" in said.err
    assert list(outdated_stages(open_run(read_recipe(recipe)))) == ["occupancy", "report"]
