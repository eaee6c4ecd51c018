"""The answers of interpreters, wherever they were typed in; nothing that was typed in is ever overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from habitat.recipe import Recipe
from habitat.store import digest_input, read_table
from habitat.workflow.context import Context, Plan

SHEET = "assess/sheet.csv"
"""The sheet as CSV: it belongs to who fills it in, and is written anew only while it is empty."""
_NO_ANSWER = ("point", "longitude", "latitude", "confidence", "note")
"""Columns of a sheet that are no answers."""


def answers_path(plan: Plan) -> Path:
    """Where the recipe's answers are, or will be."""
    section = plan.recipe.assess
    assert section is not None
    return plan.recipe.folder / SHEET if section.answers is None else plan.recipe.path(section.answers)


def read_typed(path: Path) -> Any:
    """Read a sheet; None if it is not there, or nobody has typed an answer into it.

    Raises
    ------
    RecordsError
        If it is no table.
    """
    from habitat.records.answers import read_answers

    if not path.is_file():
        return None
    table = read_answers(path)
    answers = table.drop(columns=[name for name in _NO_ANSWER if name in table])
    return table if (answers.to_numpy() != "").any() else None


def answers_digest(context: Context) -> dict[str, str | None]:
    """Name and SHA-256 of the answers, an empty sheet counting as none."""
    path = answers_path(context)
    name = context.recipe.assess.answers if context.recipe.assess else None
    return {name or SHEET: None if read_typed(path) is None else digest_input(path)}


def summarize_assessment(recipe: Recipe) -> list[str]:
    """Say in a few lines what the assess stage left: where to answer, or what the answers tell."""
    folder = recipe.folder / "assess"
    if not (folder / "accuracy.csv").is_file():
        points = len(read_table(folder / "sample.parquet"))
        return [
            f"{points} places to look at, in a browser or as a table:",
            str(folder / "sheet.html"),
            str(folder / "sheet.csv"),
            "name the filled-in file in [assess] answers (or type into sheet.csv), and run `habitat assess` again",
        ]
    accuracy, areas = read_table(folder / "accuracy.csv"), read_table(folder / "areas.csv")
    lines = ["", f"{'accuracy':<34}{'estimate':>10}  95% limits"]
    for row in accuracy.to_dict("records"):
        if row["measure"] == "overall" or row["of"] == "loss":
            name = f"{row['of']}: {row['measure']}" + ("" if row["class"] == "all" else f" of {row['class']}")
            lines.append(f"{name:<34}{row['estimate']:>10.3f}  {row['lower']:.3f} to {row['upper']:.3f}")
    lines += ["", f"{'area, ha':<34}{'estimate':>10}  95% limits"]
    for row in areas.to_dict("records"):
        name = f"{row['what']} {row['year']}" if str(row["what"])[-1].isalpha() else str(row["what"])
        lines.append(f"{name:<34}{row['estimate_ha']:>10,.1f}  {row['lower']:,.1f} to {row['upper']:,.1f}")
    return lines
