"""The train and map stages: labels to a classifier, and a classifier to yearly maps."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from habitat.change import smooth_forest
from habitat.forest import (
    CoverModel,
    block_numbers,
    cross_validate,
    doubtful_labels,
    fitting_year,
    gather,
    importance,
    predict_cover,
    stack_samples,
    thin_labels,
    train_cover,
    within_years,
)
from habitat.grids import Block, blocks
from habitat.legend import UNKNOWN
from habitat.records.covers import Translation
from habitat.records.labels import read_labels
from habitat.store import (
    RasterWriter,
    compute_blocks,
    digest_file,
    load_block,
    read_model,
    write_json,
    write_model,
    write_table,
)
from habitat.workflow.composites import READ_BLOCK
from habitat.workflow.context import Context, Outputs
from habitat.workflow.percent import PERCENT_NODATA, to_percent
from habitat.workflow.predictors import FeatureFiles, feature_files

MAP_BLOCK = 256
SEED = 20161
"""Of everything random in a run: the same recipe gives the same files."""
MAX_PER_CLASS = 4000
THINNED = 4
"""So many times more labels of a class are looked at than are used: not all were seen."""
SPREAD_PIXELS = 256
"""Side of the blocks of land that share the draw of labels."""
_LISTS = ("predictors", "codes", "label_years")
BLOCKS_ACROSS = 6
"""Blocks of land along the longer side of the labels' extent, for cross-validation."""


def train(context: Context, _work: Path) -> Outputs:
    """Train the classifier and judge it by spatial block cross-validation."""
    section = context.recipe.forest
    assert section is not None
    labels = labels_of(context)
    labels, outside = within_years(labels, context.years)
    if outside:
        context.warnings.append(f"{outside} labels are dated outside the years and were not used")
    labels = thin_labels(labels, max_per_class=THINNED * MAX_PER_CLASS, seed=SEED, block_pixels=SPREAD_PIXELS)
    dated = labels["year"].notna()
    todo = [block for block in blocks(context.grid, READ_BLOCK) if block.holds(labels["row"], labels["col"]).any()]
    files, parts = feature_files(context), []
    for done, year in enumerate(context.years):
        context.progress("train", done, len(context.years) + 2)
        of_year = labels[~dated | (labels["year"] == year)]
        if of_year.empty:
            continue
        for block in todo:
            parts.append(gather(files.of_year(year).read(block), of_year, block))
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
            context.warnings.append(f"labels without a date were taken as of {as_of}, whose scenes they fit best")
        parts = [part[part["dated"] | (part["year"] == as_of)] for part in parts]
        samples = stack_samples(parts, **drawn)
        notes["labels_taken_as_of"] = as_of
    context.progress("train", len(context.years), len(context.years) + 2)
    validation = cross_validate(samples, **judging)
    validation["block_m"] = block_pixels * context.grid.transform.a
    _warn_of_unused(context, labels, samples)
    if section.clean_labels:  # judged by all labels, trained on those that are not doubted
        groups = block_numbers(samples, block_pixels=block_pixels)
        doubted = doubtful_labels(samples, forest_codes=forest_codes, groups=groups, seed=SEED)
        notes["labels_left_out"] = samples.loc[doubted, "code"].value_counts().sort_index().to_dict()
        if doubted.any():
            share = f"{doubted.sum()} of {len(samples)} labels"
            context.warnings.append(f"{share} contradict what was seen there and were not learnt from")
        samples = samples[~doubted]
    model = train_cover(samples, forest_codes=forest_codes, seed=SEED)
    outputs = [context.run.path("forest", name) for name in ("model.skops", "validation.json", "importance.csv")]
    write_model(outputs[0], vars(model) | {name: list(getattr(model, name)) for name in _LISTS})
    write_json(outputs[1], validation)
    write_table(outputs[2], importance(model))
    context.progress("train", len(context.years) + 2, len(context.years) + 2)
    return outputs, notes | {"samples": len(samples)}


def labels_of(context: Context) -> pd.DataFrame:
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


def _warn_of_unused(context: Context, labels: pd.DataFrame, samples: pd.DataFrame) -> None:
    """Say how many labels were not seen, and how many contradict one another."""
    used = len(samples[["row", "col"]].drop_duplicates())
    given = len(labels[["row", "col"]].drop_duplicates())
    if used < given and len(labels) < MAX_PER_CLASS:
        context.warnings.append(f"{given - used} of {given} labelled pixels were not seen in their year and not used")
    contradicted = int((samples.groupby(["row", "col", "year"])["code"].nunique() > 1).sum())
    if contradicted:
        context.warnings.append(f"{contradicted} pixels have labels of different classes in the same year")


def map_forest(context: Context, work: Path) -> Outputs:
    """Write each year's class map, P(forest) given all years, and P(forest) given that year alone."""
    todo = list(blocks(context.grid, MAP_BLOCK))
    model_path = context.run.path("forest", "model.skops")
    digest = digest_file(model_path)
    files = feature_files(context)
    jobs = {
        str(block.index): partial(map_block, model_path, digest, context.legend.forest_codes, files, block)
        for block in todo
    }
    compute_blocks(work, jobs, context.executor, partial(context.progress, "map"))
    layers: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
        ("code", "", UNKNOWN, {"colormap": context.legend.colormap}),
        ("probability", "_probability", PERCENT_NODATA, {"tags": {"units": "percent, given all years"}}),
        ("evidence", "_evidence", PERCENT_NODATA, {"tags": {"units": "percent, given this year alone"}}),
    )
    outputs = []
    for number, year in enumerate(context.years):
        for name, ending, nodata, options in layers:
            path = context.run.path("forest", f"{year}{ending}.tif")
            with RasterWriter(path, context.grid, [name], "uint8", nodata, **options) as file:
                for block in todo:
                    file.write(load_block(work, str(block.index))[name][number][None], block)
            outputs.append(path)
    return outputs, {}


def map_block(
    model_path: Path,
    model_digest: str,
    forest_codes: tuple[int, ...],
    files: FeatureFiles,
    block: Block,
) -> dict[str, np.ndarray]:
    """`code`, `probability` and `evidence` of one block: uint8 (year, y, x)."""
    model = _load(model_path, model_digest)
    # a year at a time: a forest's votes take more memory than its map
    yearly = [predict_cover(model, files.of_year(year).read(block), forest_codes=forest_codes) for year in files.years]
    alone, best_forest, best_other = (np.concatenate(layers) for layers in zip(*yearly, strict=True))
    given_all = smooth_forest(alone)
    code = np.where(given_all >= 0.5, best_forest, best_other)
    code[np.isnan(given_all)] = UNKNOWN
    return {"code": code.astype(np.uint8), "probability": to_percent(given_all), "evidence": to_percent(alone)}


@lru_cache(maxsize=1)
def _load(path: Path, _digest: str) -> CoverModel:
    """The model, read once for all blocks of a process; the digest tells a new model from an old one."""
    content = read_model(path)
    return CoverModel(content["estimator"], **{name: tuple(content[name]) for name in _LISTS})
