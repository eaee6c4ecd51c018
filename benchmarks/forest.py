"""The whole way from looks to forest maps, on land that no label was taken from, in every year.

    python -m benchmarks.forest [SEED ...]

Landscapes of the full legend, 3 km, four years, seeds 100 to 109 unless others are named, simulated in memory: looks to
composites, features, labels, classifier, probabilities calibrated, years made consistent, all with the library's own
functions and defaults. Blocks of land of 500 m are dealt into three parts; each part is mapped by a model of the labels
of the other two, and every pixel that was seen is judged, mixed edges and all. Two kinds of labels:

- *points*: as the sample holds them, 1800 of which two thirds are used, rare classes and changed land oversampled,
  about 2% wrong;
- *pixels*: 8000 drawn by chance from the other two parts, as polygons or an existing map would give them; none is
  wrong.

What is asked: balanced accuracy of forest against the rest of 0.95 and more, and a mean F1 over the classes of 0.80 and
more, every year; an expected calibration error of at most 0.03 (10 bins of equal width, the likeliest class, all seen
pixels of all years, given that year alone).

*each year alone*: as the classifier says. *all years*: after :func:`habitat.change.smooth_cover`.

Prints a page and writes `results/forest.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from benchmarks.features import CHOSEN
from benchmarks.labelled import FOLDS, FOREST_CODES, Landscape, judge, make_labelled
from habitat.change import cover_dynamics, smooth_cover
from habitat.forest import calibrate, calibration_error, leave_blocks_out, predict_classes, train_cover
from habitat.legend import DEFAULT_LEGEND

BLOCK_PIXELS = 25
SEED = 1
PIXELS = 8000
WAYS = ("each year alone", "all years")
LABELS = ("points", "pixels")
RESULTS = Path(__file__).parent / "results"


def drawn_pixels(land: Landscape, part: int) -> pd.DataFrame:
    """Labels of pixels by chance, of all parts but one."""
    rows, cols = np.indices((land.side, land.side))
    open_to = np.argwhere(np.broadcast_to(land.fold_of(rows, cols) != part, land.code.shape))
    n = min(PIXELS, len(open_to) // 2)
    at = open_to[np.random.default_rng(part).choice(len(open_to), n, replace=False)]
    codes = land.code[tuple(at.T)].astype(int)
    return pd.DataFrame({"row": at[:, 1], "col": at[:, 2], "year": at[:, 0] + land.years[0], "code": codes})


def said_of(land: Landscape, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (year, class, y, x) of each year alone, each pixel by a model of other land; and the codes."""
    names = land.names(CHOSEN)
    points = land.samples()
    rows, cols = np.indices((land.side, land.side))
    here = land.fold_of(rows, cols)
    codes = np.unique(points["code"])
    whole = np.full((len(land.years), len(codes), *here.shape), np.nan, dtype=np.float32)
    judging = {"forest_codes": FOREST_CODES, "seed": SEED}
    for part in range(FOLDS):
        samples = land.samples(drawn_pixels(land, part)) if kind == "pixels" else points
        samples = samples[land.fold_of(samples["row"], samples["col"]) != part]
        samples = samples[["row", "col", "year", "code", "dated", *names]].reset_index(drop=True)
        left_out = leave_blocks_out(samples, block_pixels=BLOCK_PIXELS, **judging)
        model = calibrate(train_cover(samples, **judging), left_out, samples, **judging)
        said = predict_classes(model, land.features[names])
        at = np.searchsorted(codes, model.codes)
        mine = np.where(np.isnan(said[:, :1]), np.nan, np.zeros((1, len(codes), 1, 1), dtype=np.float32))
        mine[:, at] = said
        whole[..., here == part] = mine[..., here == part]
    return whole, codes


def map_of(said: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The likeliest code of the likelier side, 0 where nothing was seen."""
    forest = np.isin(codes, FOREST_CODES)
    known = np.nan_to_num(said)
    best = [codes[side][known[:, side].argmax(axis=1)] for side in (forest, ~forest)]
    return np.where(np.isnan(said[:, 0]), 0, np.where(known[:, forest].sum(axis=1) >= 0.5, *best))


def figures(land: Landscape, seed: int) -> pd.DataFrame:
    """One row a kind of labels, way and year: scores, and the F1 of every class."""
    rows = []
    for kind in LABELS:
        alone, codes = said_of(land, kind)
        together = smooth_cover(alone, cover_dynamics(codes.tolist(), DEFAULT_LEGEND)).posterior
        for way, said in zip(WAYS, (alone, together), strict=True):
            code = map_of(said, codes)
            for at, year in enumerate(land.years):
                seen = code[at] > 0
                truth, mapped = land.code[at][seen], code[at][seen]
                balanced, macro = judge(truth, mapped)
                classes = np.unique(truth)
                each = f1_score(truth, mapped, average=None, labels=classes, zero_division=0)
                row = {"seed": seed, "labels": kind, "way": way, "year": year, "balanced": balanced, "macro": macro}
                ece = calibration_error(said[at][:, seen].max(axis=0), codes[said[at][:, seen].argmax(axis=0)] == truth)
                rows.append(row | {"ece": ece} | dict(zip(map(str, classes), each, strict=True)))
    return pd.DataFrame(rows)


def tell(found: pd.DataFrame) -> str:
    """The figures as a page of Markdown."""
    seeds = " ".join(map(str, sorted(found["seed"].unique())))
    lines = ["# Forest maps of land without labels", "", f"Made by `python -m benchmarks.forest {seeds}`.", ""]
    head = ["labels", "", "balanced accuracy: mean", "worst year", "years >= 0.95"]
    head += ["macro F1: mean", "worst year", "years >= 0.80", "ECE: mean", "worst year"]
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (kind, way), one in found.groupby(["labels", "way"], sort=False):
        cells = [str(kind), str(way)]
        for name, goal in (("balanced", 0.95), ("macro", 0.80)):
            reached = f"{(one[name] >= goal).sum()} of {len(one)}"
            cells += [f"{one[name].mean():.4f}", f"{one[name].min():.4f}", reached]
        cells += [f"{one['ece'].mean():.4f}", f"{one['ece'].max():.4f}"]
        lines.append("| " + " | ".join(cells) + " |")
    classes = sorted(name for name in found.columns if name.isdigit())
    lines += ["", "F1 of each class, mean over landscapes and years in which it is there:", ""]
    lines += ["| labels | | " + " | ".join(classes) + " |", "|" + "---|" * (len(classes) + 2)]
    for (kind, way), one in found.groupby(["labels", "way"], sort=False):
        lines.append(f"| {kind} | {way} | " + " | ".join(f"{one[name].mean():.2f}" for name in classes) + " |")
    lines += ["", "Each landscape's worst year, all years:", ""]
    lines += ["| seed | labels | balanced accuracy | macro F1 |", "|---|---|---|---|"]
    for (seed, kind), one in found[found["way"] == WAYS[1]].groupby(["seed", "labels"], sort=False):
        lines.append(f"| {seed} | {kind} | {one['balanced'].min():.4f} | {one['macro'].min():.4f} |")
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
