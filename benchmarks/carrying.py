"""Labels of one year only: how well the other years are mapped, with and without carrying them there.

    python -m benchmarks.carrying [SEED ...]

Landscapes of the presets `full` and `hard`, 2 km, four years, seeds 100 to 104 unless others are named, simulated in
memory. 2,000 pixels labelled in the first year, none of them wrong, from two thirds of the blocks; judged on the
pixels of the other blocks in the three years after, each year alone: balanced accuracy of forest against the rest, and
the mean F1 of the classes.

- *as they are*: a model of the first year's labels;
- *carried*: :func:`habitat.forest.carry_labels`;
- *labels of its own*: what a model of as many true labels in every year reaches: the ceiling.

Prints a page and writes `results/carrying.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.features import CHOSEN
from benchmarks.labelled import FOREST_CODES, Landscape, judge, likeliest, make_labelled
from habitat.forest import carry_labels, predict_classes, train_cover

SIZE_KM, LABELS, PART = 2.0, 2000, 0
PRESETS = ("full", "hard")
RESULTS = Path(__file__).parent / "results"


def true_labels(land: Landscape, at: np.ndarray, of: int, year: int) -> pd.DataFrame:
    """What was seen in a year at pixels (label, 2), with the classes that they have in the year `of`, by place."""
    codes = land.code[of][tuple(at.T)].astype(int)
    table = pd.DataFrame({"row": at[:, 0], "col": at[:, 1], "year": year, "code": codes})
    return land.samples(table)[["row", "col", "year", "code", "dated", *land.names(CHOSEN)]]


def figures(land: Landscape) -> dict[str, tuple[float, float]]:
    """Scores of the years after the first, mean, for each way."""
    rows, cols = np.indices((land.side, land.side))
    judged = land.fold_of(rows, cols) == PART
    at = np.argwhere(~judged)
    at = at[np.random.default_rng(PART).choice(len(at), min(LABELS, len(at)), replace=False)]
    first, *others = land.years
    how = {"forest_codes": FOREST_CODES, "seed": 1}
    own = true_labels(land, at, 0, first)
    carried = carry_labels(own, [true_labels(land, at, 0, year) for year in others], **how)
    every = pd.concat([true_labels(land, at, number, year) for number, year in enumerate(land.years)])
    models = {
        "as they are": train_cover(own, **how),
        "carried": train_cover(own, carried=carried, **how),
        "labels of its own": train_cover(every.reset_index(drop=True), **how),
    }
    found = {}
    for name, model in models.items():
        said = predict_classes(model, land.features[land.names(CHOSEN)])
        scores = []
        for number in range(1, len(land.years)):
            of_year, truth = said[number][:, judged], land.code[number][judged]
            seen = ~np.isnan(of_year[0])
            scores.append(judge(truth[seen], likeliest(of_year[:, seen].T, np.array(model.codes))))
        found[name] = tuple(np.mean(scores, axis=0))
    return found


def main(seeds: list[int]) -> None:
    """Judge, and write the page."""
    lines = ["# Labels of one year", "", f"Made by `python -m benchmarks.carrying {' '.join(map(str, seeds))}`.", ""]
    lines += ["| preset | labels | balanced accuracy | worst landscape | macro F1 |", "|---|---|---|---|---|"]
    for preset in PRESETS:
        found = [figures(make_labelled(seed, size_km=SIZE_KM, preset=preset)) for seed in seeds]
        for name in found[0]:
            scores = np.array([one[name] for one in found])
            mean = scores.mean(axis=0)
            lines.append(f"| {preset} | {name} | {mean[0]:.3f} | {scores[:, 0].min():.3f} | {mean[1]:.3f} |")
    page = "\n".join([*lines, ""])
    (RESULTS / "carrying.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or list(range(100, 105)))
