"""The whole way from looks to forest maps, on land that no label was taken from, in every year.

    python -m benchmarks.forest [SEED ...]

Landscapes of the full legend, 3 km, four years, seeds 100 to 109 unless others are named, simulated in memory: looks to
composites, harmonics, features, labels as the sample holds them (1800, about 2% wrong), cleaning, classifier, years
made consistent, all with the library's own functions and defaults. Blocks of land of 500 m are dealt into three parts;
each part is mapped by a model of the labels of the other two, and every pixel that was seen is judged, mixed edges and
all. What is asked: balanced accuracy of forest against the rest of 0.95 and more, and a mean F1 over the classes of
0.80 and more, every year.

*each year alone*: as the classifier says. *all years*: after :func:`habitat.change.smooth_forest`. *types of all
years*: besides, each pixel's kind of forest is the one that most of its years say, weighted with P(forest).

Prints tables and writes `results/forest.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

import habitat.forest
from benchmarks.features import CHOSEN
from benchmarks.labelled import FOLDS, FOREST_CODES, Landscape, judge, make_labelled
from habitat.change import smooth_forest
from habitat.forest import block_numbers, doubtful_labels, predict_cover, train_cover

BLOCK_PIXELS = 25
SEED = 1
WAYS = ("each year alone", "all years", "types of all years")
RESULTS = Path(__file__).parent / "results"


def fitted(samples: pd.DataFrame) -> Any:
    """The library's classifier as the train stage makes it, calibrated where the library can do that."""
    model = train_cover(samples, forest_codes=FOREST_CODES, seed=SEED)
    calibrate = getattr(habitat.forest, "calibrate", None)
    if calibrate is None:
        return model
    judging = {"forest_codes": FOREST_CODES, "seed": SEED}
    left_out = habitat.forest.leave_blocks_out(samples, block_pixels=BLOCK_PIXELS, **judging)
    return calibrate(model, left_out, samples, **judging)


def mapped(land: Landscape) -> dict[str, np.ndarray]:
    """Codes (year, y, x) of each way, 0 where nothing was seen."""
    names = land.names(CHOSEN)
    samples = land.samples()[["row", "col", "year", "code", "dated", *names]]
    fold = land.fold_of(samples["row"], samples["col"])
    rows, cols = np.indices((land.side, land.side))
    here = land.fold_of(rows, cols)
    p_forest = np.full(land.code.shape, np.nan, dtype=np.float32)
    best_forest, best_other = np.zeros_like(land.code), np.zeros_like(land.code)
    for part in range(FOLDS):
        taught = samples[fold != part].reset_index(drop=True)
        groups = block_numbers(taught, block_pixels=BLOCK_PIXELS)
        taught = taught[~doubtful_labels(taught, forest_codes=FOREST_CODES, groups=groups, seed=SEED)]
        said = predict_cover(fitted(taught.reset_index(drop=True)), land.features[names], forest_codes=FOREST_CODES)
        for whole, values in zip((p_forest, best_forest, best_other), said, strict=True):
            whole[:, here == part] = values[:, here == part]
    given_all = smooth_forest(p_forest)
    pooled = np.broadcast_to(_most_said(best_forest, np.nan_to_num(given_all)), best_forest.shape)
    maps = {
        WAYS[0]: np.where(p_forest >= 0.5, best_forest, best_other),
        WAYS[1]: np.where(given_all >= 0.5, best_forest, best_other),
        WAYS[2]: np.where(given_all >= 0.5, pooled, best_other),
    }
    return {way: np.where(np.isnan(p_forest), 0, code) for way, code in maps.items()}


def _most_said(codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The code (y, x) with most weight over the years."""
    known = np.unique(codes[codes > 0])
    votes = np.stack([np.where(codes == code, weight, 0).sum(axis=0) for code in known])
    return known[votes.argmax(axis=0)].astype(codes.dtype)


def figures(land: Landscape, seed: int) -> pd.DataFrame:
    """One row a way and year: scores, and the F1 of every class."""
    rows = []
    for way, maps in mapped(land).items():
        for at, year in enumerate(land.years):
            seen = maps[at] > 0
            truth, said = land.code[at][seen], maps[at][seen]
            balanced, macro = judge(truth, said)
            classes = np.unique(truth)
            each = f1_score(truth, said, average=None, labels=classes, zero_division=0)
            by_class = dict(zip(map(str, classes), each, strict=True))
            rows.append({"seed": seed, "way": way, "year": year, "balanced": balanced, "macro": macro, **by_class})
    return pd.DataFrame(rows)


def tell(found: pd.DataFrame) -> str:
    """The figures as a page of Markdown."""
    seeds = " ".join(map(str, sorted(found["seed"].unique())))
    lines = ["# Forest maps of land without labels", "", f"Made by `python -m benchmarks.forest {seeds}`.", ""]
    lines += [
        "| | balanced accuracy: mean | worst year | years >= 0.95 | macro F1: mean | worst year | years >= 0.80 |"
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    for way, one in found.groupby("way", sort=False):
        cells = [str(way)]
        for name, goal in (("balanced", 0.95), ("macro", 0.80)):
            reached = f"{(one[name] >= goal).sum()} of {len(one)}"
            cells += [f"{one[name].mean():.4f}", f"{one[name].min():.4f}", reached]
        lines.append("| " + " | ".join(cells) + " |")
    classes = [name for name in found.columns if name.isdigit()]
    lines += ["", "F1 of each class, mean over landscapes and years in which it is there:", ""]
    lines += ["| | " + " | ".join(sorted(classes)) + " |", "|" + "---|" * (len(classes) + 1)]
    for way, one in found.groupby("way", sort=False):
        lines.append(f"| {way} | " + " | ".join(f"{one[name].mean():.2f}" for name in sorted(classes)) + " |")
    lines += ["", "Each landscape, all years made consistent (types of all years): worst year.", ""]
    lines += ["| seed | balanced accuracy | macro F1 |", "|---|---|---|"]
    for seed, one in found[found["way"] == WAYS[2]].groupby("seed"):
        lines.append(f"| {seed} | {one['balanced'].min():.4f} | {one['macro'].min():.4f} |")
    return "\n".join([*lines, ""])


def main(seeds: list[int]) -> None:
    """Write the page after each landscape, and print it at the end."""
    parts: list[pd.DataFrame] = []
    for seed in seeds:
        parts.append(figures(make_labelled(seed), seed))
        page = tell(pd.concat(parts, ignore_index=True))
        (RESULTS / "forest.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or list(range(100, 110)))
