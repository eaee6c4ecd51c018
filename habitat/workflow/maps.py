"""The map stage: a classifier to yearly maps."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from habitat.change import cover_dynamics, smooth_cover
from habitat.forest import CoverModel, predict_classes, predict_dissimilarity, split_forest, unpack_model
from habitat.grids import Block, blocks
from habitat.legend import UNKNOWN, Legend
from habitat.store import RasterWriter, compute_blocks, digest_file, load_block, read_model
from habitat.workflow.context import Context, Outputs
from habitat.workflow.percent import PERCENT_NODATA, to_percent
from habitat.workflow.predictors import FeatureFiles, feature_files
from habitat.workflow.training import MODEL

MAP_BLOCK = 512
"""Pixels; half as many where a pixel's probabilities of all classes and years are more than `MANY`."""
MANY = 64
DOUBT = 6.0
"""Where all labels are of one year, what is said of the others is that year's judgement over again, and must not
outvote it: for the map of that year, evidence of the others counts as its root of this order. On simulated landscapes
roots of order 3 to 10 are alike; on a real square kilometre balanced accuracy is 0.94 with it and 0.91 without
(`benchmarks/romania.py`)."""
LOST = "lost.tif"
"""A band a year: the probability that forest was lost by then."""
MOST_UNLIKE = 254
"""Percent of the threshold at which `forest/<year>_applicability.tif` ends."""
_UNLIKE_UNITS = "dissimilarity index in percent of its threshold; above 100: outside the area of applicability"


def map_forest(context: Context, work: Path) -> Outputs:
    """Write each year's class map, P(forest) given all years and given that year alone, and where the model applies."""
    model_path = context.run.path("forest", MODEL)
    digest = digest_file(model_path)
    held = len(_load(model_path, digest).codes) * len(context.years)
    todo = list(blocks(context.grid, MAP_BLOCK if held <= MANY else max(1, MAP_BLOCK // 2)))
    files = feature_files(context)
    jobs = {str(block.index): partial(map_block, model_path, digest, context.legend, files, block) for block in todo}
    compute_blocks(work, jobs, context.executor, partial(context.progress, "map"))
    layers: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
        ("code", "", UNKNOWN, {"colormap": context.legend.colormap}),
        ("probability", "_probability", PERCENT_NODATA, {"tags": {"units": "percent, given all years"}}),
        ("evidence", "_evidence", PERCENT_NODATA, {"tags": {"units": "percent, given this year alone"}}),
        ("applicability", "_applicability", PERCENT_NODATA, {"tags": {"units": _UNLIKE_UNITS}}),
    )
    outputs = [context.run.path("forest", LOST)]
    names, tags = [str(year) for year in context.years], {"units": "percent, that forest was lost by then"}
    with RasterWriter(outputs[0], context.grid, names, "uint8", PERCENT_NODATA, tags=tags) as file:
        for block in todo:
            file.write(load_block(work, str(block.index), only=["lost"])["lost"], block)
    for number, year in enumerate(context.years):
        for name, ending, nodata, options in layers:
            path = context.run.path("forest", f"{year}{ending}.tif")
            with RasterWriter(path, context.grid, [name], "uint8", nodata, level=1, **options) as file:
                for block in todo:
                    file.write(load_block(work, str(block.index), only=[name])[name][number][None], block)
            outputs.append(path)
    return outputs, {}


def map_block(
    model_path: Path,
    model_digest: str,
    legend: Legend,
    files: FeatureFiles,
    block: Block,
) -> dict[str, np.ndarray]:
    """`code`, `probability`, `evidence`, `applicability` and `lost` of one block: uint8 (year, y, x)."""
    model = _load(model_path, model_digest)
    # a year at a time: a model's answers take more memory than its map
    said, unlike = [], []
    for year in files.years:
        features = files.of_year(year).read(block)
        said.append(predict_classes(model, features))
        unlike.append(_to_percent_of_threshold(predict_dissimilarity(model, features), model))
    alone = said[0] if len(said) == 1 else np.concatenate(said)
    dynamics = cover_dynamics(model.codes, legend)
    history = smooth_cover(alone, dynamics)
    told = history.posterior
    if len(model.label_years) == 1 and len(files.years) > 1 and (of_labels := model.label_years[0]) in files.years:
        at = files.years.index(of_labels)
        told[at] = smooth_cover(_doubted(alone, at), dynamics).posterior[at]
    p_forest, best_forest, best_other = split_forest(model, told)
    code = np.where(p_forest >= 0.5, best_forest, best_other)
    code[np.isnan(p_forest)] = UNKNOWN
    return {
        "code": code.astype(np.uint8),
        "probability": to_percent(p_forest),
        "evidence": to_percent(split_forest(model, alone)[0]),
        "applicability": np.concatenate(unlike),
        "lost": to_percent(history.lost),
    }


def _doubted(said: np.ndarray, at: int) -> np.ndarray:
    """Probabilities (year, class, y, x) with those of all years but one made less sure."""
    soft = said ** np.float32(1 / DOUBT)
    soft /= soft.sum(axis=1, keepdims=True)
    soft[at] = said[at]
    return soft


def _to_percent_of_threshold(index: np.ndarray, model: CoverModel) -> np.ndarray:
    """Dissimilarity in percent of the model's threshold, uint8, rounded up: what is above the threshold stays so."""
    assert model.applicability is not None
    percent = np.ceil(index * np.float32(100 / model.applicability.threshold))
    return np.where(np.isnan(percent), PERCENT_NODATA, np.minimum(percent, MOST_UNLIKE)).astype(np.uint8)


@lru_cache(maxsize=1)
def _load(path: Path, _digest: str) -> CoverModel:
    """The model, read once for all blocks of a process; the digest tells a new model from an old one."""
    return unpack_model(*read_model(path), where=path)
