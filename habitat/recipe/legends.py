"""The classes of a recipe's maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from habitat.errors import RecipeError
from habitat.legend import BROAD_LEGEND, DEFAULT_LEGEND, LandCover, Legend
from habitat.recipe.reading import read_toml
from habitat.recipe.whole import Recipe


def read_legend(path: Path) -> Legend:
    """Read a legend: `[[class]]` tables with code, name, color and forest.

    Raises
    ------
    RecipeError
        If a class lacks a key, or the legend is impossible.
    """
    rows = read_toml(path).get("class")
    if not isinstance(rows, list) or not rows:
        raise RecipeError("holds no [[class]]", where=path, mend="give each class code, name, color and forest")
    try:
        classes = tuple(
            LandCover(_of(row, "code", int), _of(row, "name", str), _of(row, "color", str), _of(row, "forest", bool))
            for row in rows
        )
    except (KeyError, TypeError) as error:
        raise RecipeError(
            f"a [[class]] lacks or garbles {error}", where=path, mend="give each class code, name, color and forest"
        ) from error
    try:
        return Legend(classes)
    except RecipeError as error:
        raise RecipeError(error.what, where=path, mend=error.mend) from error


def _of(row: dict[str, Any], key: str, kind: type) -> Any:
    if type(row[key]) is not kind:  # forest = "no" is no truth value
        raise TypeError(f"{key} = {row[key]!r}")
    return row[key]


def legend_of(recipe: Recipe) -> Legend:
    """The recipe's legend, or the default one: of a map that was translated the broad one, as it knows no more."""
    if recipe.forest is None or recipe.forest.legend is None:
        translated = recipe.forest is not None and recipe.forest.training_map != "codes"
        return BROAD_LEGEND if translated else DEFAULT_LEGEND
    return read_legend(recipe.path(recipe.forest.legend))
