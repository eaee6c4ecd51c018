"""The train stage: labels to a classifier, judged on land that it did not learn from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import habitat
from habitat.forest import (
    block_numbers,
    calibrate,
    carry_labels,
    doubtful_labels,
    fitting_year,
    gather,
    importance,
    judge,
    labelled_years,
    leave_blocks_out,
    pack_model,
    stack_samples,
    thin_labels,
    train_cover,
    within_years,
    write_card,
)
from habitat.grids import blocks
from habitat.records.covers import Translation
from habitat.records.labels import read_labels
from habitat.store import write_json, write_model, write_table, write_text
from habitat.workflow.composites import READ_BLOCK
from habitat.workflow.context import Context, Outputs, Plan
from habitat.workflow.predictors import feature_files

SEED = 20161
"""Of everything random in a run: the same recipe gives the same files."""
MAX_PER_CLASS = 4000
THINNED = 4
"""So many times more labels of a class are looked at than are used: not all were seen."""
SPREAD_PIXELS = 256
"""Side of the blocks of land that share the draw of labels."""
MODEL = "model.npz"
FEW = 10
"""Labels of a class that are too few to judge it by."""
BLOCKS_ACROSS = 6
"""Blocks of land along the longer side of the labels' extent, for cross-validation."""


def train(context: Context, _work: Path) -> Outputs:
    """Train the classifier and judge it by spatial block cross-validation."""
    section = context.recipe.forest
    assert section is not None
    labels = labels_of(context)
    if beyond := labels.attrs.get("outside", 0):
        context.warnings.append(f"{beyond} labels lie outside the area and were not used")
    labels, outside = within_years(labels, context.years)
    if outside:
        context.warnings.append(f"{outside} labels are dated outside the years and were not used")
    labels = thin_labels(labels, max_per_class=THINNED * MAX_PER_CLASS, seed=SEED, block_pixels=SPREAD_PIXELS)
    dated = labels["year"].notna()
    todo = [block for block in blocks(context.grid, READ_BLOCK) if block.holds(labels["row"], labels["col"]).any()]
    rich = labelled_years(labels[dated], forest_codes=context.legend.forest_codes)
    files, parts, elsewhen = feature_files(context), [], []
    for done, year in enumerate(context.years):
        context.progress("train", done, len(context.years) + 2)
        of_year = ~dated | (labels["year"] == year)
        of_others = labels[~of_year].assign(year=year)
        for block in todo:
            features = files.of_year(year).read(block)
            parts.append(gather(features, labels[of_year], block))
            if year not in rich:
                elsewhen.append(gather(features, of_others, block))
    forest_codes = context.legend.forest_codes
    extent = 1 + max(int(labels[axis].max() - labels[axis].min()) for axis in ("row", "col"))
    block_pixels = max(1, -(-extent // BLOCKS_ACROSS))
    judging: dict[str, Any] = {"forest_codes": forest_codes, "block_pixels": block_pixels, "seed": SEED}
    notes: dict[str, Any] = {"labels": len(labels), "labels_outside_the_years": outside}
    drawn: dict[str, Any] = {"max_per_class": MAX_PER_CLASS, "seed": SEED, "block_pixels": SPREAD_PIXELS}
    samples = stack_samples(parts, **drawn)
    if not samples["dated"].all():
        as_of = section.training_year
        if as_of is None:
            as_of, notes["fit_by_year"] = fitting_year(samples[~samples["dated"]], **judging)
            told = any(found is not None for found in notes["fit_by_year"].values())
            why = "whose scenes they fit best" if told else "the latest: too few of them to tell which year they fit"
            context.warnings.append(f"labels without a date were taken as of {as_of}, {why}")
        elsewhen += [part[~part["dated"] & (part["year"] != as_of)] for part in parts]
        parts = [part[part["dated"] | (part["year"] == as_of)] for part in parts]
        samples = stack_samples(parts, **drawn)
        notes["labels_taken_as_of"] = as_of
    context.progress("train", len(context.years), len(context.years) + 2)
    taught = np.ones(len(samples), dtype=bool)
    if section.clean_labels:  # judged by all labels, trained on those that are not doubted
        taught = ~_doubted(context, samples, notes, judging)
    learnt = samples[taught]
    carried = carry_labels(learnt, elsewhen, forest_codes=forest_codes, seed=SEED)
    if len(carried):
        carried = thin_labels(carried, **drawn)
        years = ", ".join(map(str, sorted(carried["year"].unique())))
        context.warnings.append(
            f"no labels of both forest and the rest in {years}: those of other years were taken where they fit"
        )
    notes["labels_carried"] = len(carried)
    left_out = leave_blocks_out(samples, taught=taught, **judging)
    validation = judge(left_out, samples, **judging) | {"block_m": block_pixels * context.grid.transform.a}
    importances = importance(left_out, samples, seed=SEED)
    _warn_of_unused(context, labels, samples)
    model = train_cover(learnt, carried=carried, forest_codes=forest_codes, seed=SEED)
    model = calibrate(model, left_out, samples, carried=carried, forest_codes=forest_codes, seed=SEED)
    names = (MODEL, "validation.json", "importance.csv", "model.md")
    outputs = [context.run.path("forest", name) for name in names]
    write_model(outputs[0], *pack_model(model))
    write_json(outputs[1], validation)
    write_table(outputs[2], importances)
    classes = {cover.code: cover.name for cover in context.legend}
    write_text(outputs[3], write_card(model, learnt, validation, importances, names=classes, origin=_origin(context)))
    context.progress("train", len(context.years) + 2, len(context.years) + 2)
    return outputs, notes | {"samples": len(samples)}


def _doubted(context: Context, samples: pd.DataFrame, notes: dict[str, Any], judging: Mapping[str, Any]) -> np.ndarray:
    """Which labels contradict what was seen there: bool (sample,); noted, and warned of."""
    groups = block_numbers(samples, block_pixels=judging["block_pixels"])
    doubted = doubtful_labels(samples, forest_codes=judging["forest_codes"], groups=groups, seed=SEED)
    notes["labels_left_out"] = samples.loc[doubted, "code"].value_counts().sort_index().to_dict()
    if doubted.any():
        share = f"{doubted.sum()} of {len(samples)} labels"
        context.warnings.append(f"{share} contradict what was seen there and were not learnt from")
    return doubted


def labels_of(context: Plan) -> pd.DataFrame:
    """The labels that the recipe names, on the run's grid."""
    section = context.recipe.forest
    assert section is not None
    translation = None
    if section.training_map != "codes":
        low, high = section.training_cover_percent
        translation = Translation(section.training_map, section.training_codes, (low, high))
    return read_labels(
        context.recipe.path(section.training),
        context.grid,
        codes=context.legend.codes,
        translation=translation,
        edge_m=section.training_edge_m,
        years=context.years,
    )


def _origin(context: Context) -> dict[str, str]:
    """Where a model is from, for its card."""
    sensors = sorted({scene["sensor"] for scene in context.run.state["stages"]["composite"]["notes"]["scenes"]})
    return {
        "area": context.recipe.area.name,
        "grid": f"{context.grid.crs}, pixels of {context.grid.transform.a:g} m",
        "seasons": ", ".join(season.name for season in context.seasons),
        "sensors": ", ".join(sensors),
        "made by": f"habitat {habitat.__version__}, numpy {np.__version__}",
    }


def _warn_of_unused(context: Context, labels: pd.DataFrame, samples: pd.DataFrame) -> None:
    """Say how many labels were not seen, and how many contradict one another."""
    used = len(samples[["row", "col"]].drop_duplicates())
    given = len(labels[["row", "col"]].drop_duplicates())
    if used < given and len(labels) < MAX_PER_CLASS:
        context.warnings.append(f"{given - used} of {given} labelled pixels were not seen in their year and not used")
    counts = samples["code"].value_counts().sort_index()
    if few := [f"{code} ({n})" for code, n in counts.items() if n < FEW]:
        context.warnings.append(
            f"fewer than {FEW} labels of class {', '.join(few)}: what is said of its accuracy means little"
        )
    contradicted = int((samples.groupby(["row", "col", "year"])["code"].nunique() > 1).sum())
    if contradicted:
        context.warnings.append(f"{contradicted} pixels have labels of different classes in the same year")
