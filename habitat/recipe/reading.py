"""A TOML file to a recipe; its first fault as one line."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from habitat.errors import RecipeError
from habitat.recipe.whole import Recipe


def read_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        If the file is missing or broken, or a key is unknown, missing or impossible.
    """
    path = Path(path).resolve()
    settings = read_toml(path)
    if "file" in settings:  # it is a field of Recipe, but not one to be set
        raise RecipeError("unknown key 'file'", where=path, mend="remove it")
    try:
        return Recipe.model_validate({**settings, "file": path})
    except ValidationError as error:
        raise _first_fault(path, error) from error


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds; RecipeError if it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"is not TOML: {error}", where=path, mend="mend that line") from error
    except UnicodeDecodeError as error:
        raise RecipeError("is not UTF-8 text", where=path, mend="save it as UTF-8") from error
    except OSError as error:
        raise RecipeError(
            f"cannot be read ({error.strerror})", where=path, mend="`habitat init` writes one to start from"
        ) from error


def _first_fault(path: Path, error: ValidationError) -> RecipeError:
    """One line for the first fault; a misspelt key comes before the key that it makes missing."""
    first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return RecipeError(f"unknown key {key!r}", where=path, mend=_nearest(first["loc"]))
    mend = "`habitat init` writes a recipe with every key"
    if first["type"] == "missing":
        kind = "section" if len(first["loc"]) == 1 else "key"
        return RecipeError(f"{kind} {key!r} is missing", where=path, mend=mend)
    if first["type"] == "literal_error":
        words = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        near = difflib.get_close_matches(str(first["input"]).lower(), words, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else mend
    said = first["msg"].removeprefix("Value error, ")
    return RecipeError(f"{key}: {said}" if key else said, where=path, mend=mend)


def _nearest(loc: tuple[int | str, ...]) -> str:
    model: Any = Recipe
    for part in loc[:-1]:
        field = model.model_fields.get(part)
        options = [] if field is None else [field.annotation, *getattr(field.annotation, "__args__", ())]
        model = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if model is None:
            return "remove it"
    known = [name for name in model.model_fields if model is not Recipe or name != "file"]
    near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
