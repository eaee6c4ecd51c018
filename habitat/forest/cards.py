"""The model card: what a model is, how good it was where, and what it must not be used for.

Mitchell et al. 2019, doi:10.1145/3287560.3287596.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from habitat.forest.classifier import CoverModel


def write_card(
    model: CoverModel,
    samples: pd.DataFrame,
    validation: Mapping[str, Any],
    importances: pd.DataFrame,
    *,
    names: Mapping[int, str],
    origin: Mapping[str, str],
) -> str:
    """Return the card as Markdown.

    Parameters
    ----------
    validation : mapping
        As :func:`habitat.forest.judge` returns.
    importances : DataFrame
        As :func:`habitat.forest.importance` returns.
    names : mapping of code to str
        Of the classes.
    origin : mapping of str to str
        Where the model is from: area, sensors, versions; a line each.
    """
    years = sorted(samples["year"].unique().tolist())
    parts = [
        "# Model card: land cover of a pixel and year",
        "\n".join(f"- {name}: {value}" for name, value in origin.items()),
        "## How good it is on land it had not seen",
        _accuracy(validation, names),
        "## How far its probabilities hold",
        _calibration(model, validation),
        "## What it learnt from",
        _table(["class", *map(str, years)], _counts(samples, names, years)),
        "## What it looks at",
        "How far the classes' mean recall on left-out blocks falls when predictors are shuffled together.",
        _table(
            ["kind", "predictors", "how many", "fall"],
            [[row.kind, row.group, row.n_predictors, f"{row.importance:.3f}"] for row in importances.itertuples()],
        ),
        "## Where it may be used",
        _limits(model, years),
    ]
    return "\n\n".join(parts) + "\n"


def _accuracy(validation: Mapping[str, Any], names: Mapping[int, str]) -> str:
    head = (
        f"{validation['method'].capitalize()}: {validation['n_labels']} labels in {validation['n_blocks']} blocks, "
        f"each judged by a model that had seen no label of its block. Limits: {validation['limits']}."
    )
    figures = [
        [said, validation[key], f"{validation.get(f'{key}_low', '')} to {validation.get(f'{key}_high', '')}"]
        for said, key in (
            ("forest or not, balanced accuracy", "balanced_accuracy"),
            ("all classes, macro F1", "macro_f1"),
        )
    ]
    classes = [
        [names.get(int(code), code), f1, validation["class_blocks"][code]]
        for code, f1 in validation["class_f1"].items()
    ]
    note = (
        "A class whose labels lie in one block cannot be judged: without the block nobody taught it, and its F1 is 0."
    )
    return "\n\n".join(
        [head, _table(["figure", "value", "limits"], figures), _table(["class", "F1", "in blocks"], classes), note]
    )


def _calibration(model: CoverModel, validation: Mapping[str, Any]) -> str:
    found = validation["calibration"]
    return (
        f"Expected calibration error of the likeliest class {found['expected_calibration_error']}, of forest "
        f"{found['expected_calibration_error_forest']} ({found['bins']}; each fold by the temperature of the others). "
        "Temperatures of forest against the rest, and of the classes within each: "
        f"{model.own_years.kind:.2f} and {model.own_years.within:.2f} in years with labels of both "
        f"({', '.join(map(str, model.label_years)) or 'none'}), "
        f"{model.other_years.kind:.2f} and {model.other_years.within:.2f} in others."
    )


def _counts(samples: pd.DataFrame, names: Mapping[int, str], years: Sequence[int]) -> list[list[Any]]:
    table = pd.crosstab(samples["code"], samples["year"]).reindex(columns=list(years), fill_value=0)
    return [
        [names.get(int(code), code), *row] for code, row in zip(table.index, table.to_numpy().tolist(), strict=True)
    ]


def _limits(model: CoverModel, years: Sequence[int]) -> str:
    lines = [
        "It knows only the classes above: ground of another class is called the one of these that it looks most like.",
        f"It was taught by scenes of {', '.join(map(str, years))}; other years are less sure than these.",
        "It stands for pixels of the size, seasons and predictors that it was trained on, and for no others.",
        "Areas counted on its maps are pixel counts: estimate areas from reference samples.",
    ]
    if model.applicability is not None:
        lines.insert(
            0,
            f"Pixels whose dissimilarity index exceeds {model.applicability.threshold:.3f} lie outside its area of "
            "applicability: they look unlike anything it was taught. Ground that looks like a class it was taught, and "
            "is another, cannot be told this way.",
        )
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
