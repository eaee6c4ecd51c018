"""Choose the classifier: boosted symmetric trees beside a forest of votes and scikit-learn's boosting.

    OMP_NUM_THREADS=1 python benchmarks/classifiers.py FOLDER [SEED ...]

Simulated landscapes of seeds 0 to 9 are made in FOLDER if they are not there, and run to their composites. Each
classifier is trained on the labels of four fifths of the blocks of land and judged on pixels of the last fifth, by the
landscape's truth: macro F1 over the legend, overall accuracy, balanced accuracy of forest, log loss, and expected
calibration error (10 bins of equal width) of the likeliest class and of forest, at temperatures that are fitted to the
left-out labels; of these, too. `kind/best` compares them with the temperatures that would have fitted the pixels best.
`other` is the same with labels of the first half of the years and pixels of the second, and the temperatures of the
labels' own years. Decision 14 rests on it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold
from sklearn.utils.class_weight import compute_sample_weight

import habitat as hb
from habitat.forest import (
    SymmetricTrees,
    apply_temperatures,
    block_numbers,
    calibration_error,
    fit_temperatures,
    gather,
    stack_samples,
)
from habitat.grids import Block
from habitat.imagery import forest_features
from habitat.records.labels import read_labels
from habitat.workflow.composites import composite_bands, composite_paths, read_composites
from habitat.workflow.context import Context
from habitat.workflow.stages import open_run

FOREST_CODES = (11, 12, 13, 14, 15)
BLOCK_PIXELS = 25
N_PIXELS = 8000
"""Judged in each landscape."""


def voting(seed: int) -> Any:
    """The model of decision 7."""
    forest = RandomForestClassifier(50, min_samples_leaf=3, class_weight="balanced_subsample", random_state=seed)
    extra = ExtraTreesClassifier(50, class_weight="balanced", random_state=seed)
    return VotingClassifier([("forest", forest), ("extra", extra)], voting="soft")


MODELS: dict[str, Callable[[int], Any]] = {
    "RandomForest + ExtraTrees, 50 each": voting,
    "SymmetricTrees, depth 3": lambda seed: SymmetricTrees(depth=3, random_state=seed),
    "SymmetricTrees, depth 4": lambda seed: SymmetricTrees(depth=4, random_state=seed),
    "SymmetricTrees, depth 6": lambda seed: SymmetricTrees(depth=6, random_state=seed),
    "HistGradientBoosting, 100": lambda seed: HistGradientBoostingClassifier(max_iter=100, random_state=seed),
}


def landscape(folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labels and judged pixels of one landscape, both with row, col, year, code and predictors."""
    sample = folder / str(seed)
    if not (sample / "recipe.toml").exists():
        hb.write_sample(sample, seed=seed)
    recipe = hb.read_recipe(sample / "recipe.toml")
    hb.run_recipe(recipe, until="composite")
    rng = np.random.default_rng(seed)
    with ThreadPoolExecutor(1) as pool:
        context = Context(recipe=recipe, run=open_run(recipe), executor=pool)
        grid, years = context.grid, context.years
        labels = read_labels(recipe.path(recipe.forest.training), grid, codes=context.legend.codes)
        whole = Block(0, slice(0, grid.shape[0]), slice(0, grid.shape[1]))
        composites = read_composites(composite_paths(context, years), composite_bands(context), whole)
    features = forest_features(composites)
    truth = np.stack([rasterio.open(sample / "truth" / f"cover_{year}.tif").read(1) for year in years])
    at = rng.choice(truth.size, N_PIXELS, replace=False)
    year, row, col = np.unravel_index(at, truth.shape)
    pixels = pd.DataFrame({"row": row, "col": col, "year": np.array(years)[year], "code": truth[year, row, col]})
    pixels = gather(features, pixels[pixels["code"] > 0].astype({"year": "Int64"}), whole)
    return stack_samples([gather(features, labels, whole)], max_per_class=4000, seed=seed), pixels


def said_of(model: Any, table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Log probabilities (class, sample) of all codes."""
    said = np.full((len(codes), len(table)), 1e-4)
    said[np.searchsorted(codes, model.classes_)] = model.predict_proba(table).T
    return np.log(np.maximum(said, 1e-4))


def judge(make: Callable[[int], Any], labels: pd.DataFrame, pixels: pd.DataFrame, seed: int) -> dict[str, float]:
    """Figures of one classifier and landscape."""
    names = [n for n in labels.columns if n not in ("row", "col", "year", "code", "dated")]
    codes = np.unique(labels["code"])
    groups, own = (
        block_numbers(t.assign(col=t["col"].clip(upper=149)), block_pixels=BLOCK_PIXELS) for t in (labels, pixels)
    )
    half = np.median(np.unique(labels["year"]))
    found: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]] = {"own": [], "other": []}
    seconds = 0.0
    for a, b in GroupKFold(5).split(labels, groups=groups):
        for kind in found:
            train, test = labels.iloc[a], labels.iloc[b]
            asked = pixels[np.isin(own, groups[b]) & pixels["code"].isin(codes)]
            if kind == "other":
                train, test, asked = train[train.year < half], test[test.year < half], asked[asked.year > half]
            started = time.process_time()
            model = make(seed)
            weight = compute_sample_weight("balanced", train["code"])
            model.fit(
                train[names].to_numpy(np.float32),
                train["code"],
                **({} if isinstance(model, VotingClassifier) else {"sample_weight": weight}),
            )
            seconds += time.process_time() - started
            found[kind].append(
                (
                    said_of(model, test[names].to_numpy(np.float32), codes),
                    np.searchsorted(codes, test["code"]),
                    said_of(model, asked[names].to_numpy(np.float32), codes),
                    np.searchsorted(codes, asked["code"].to_numpy(int)),
                )
            )
    figures: dict[str, float] = {}
    forest = np.isin(codes, FOREST_CODES)
    for kind, parts in found.items():
        said, target, asked_said, truth = (np.concatenate(x, axis=-1) for x in zip(*parts, strict=True))
        at = fit_temperatures(said, target, forest)
        p = apply_temperatures(asked_said, forest, at)
        p_forest, is_forest = np.clip(p[forest].sum(axis=0), 0, 1), forest[truth]
        allowed = np.where(forest[:, None], p_forest >= 0.5, p_forest < 0.5)
        top = np.where(allowed, p, -1).argmax(axis=0)
        of_labels = apply_temperatures(said, forest, at)
        figures |= {
            f"{kind} macro F1": f1_score(truth, top, average="macro"),
            f"{kind} overall": float((top == truth).mean()),
            f"{kind} forest": float(((p_forest >= 0.5)[is_forest].mean() + (p_forest < 0.5)[~is_forest].mean()) / 2),
            f"{kind} log loss": float(-np.log(p[truth, np.arange(len(truth))]).mean()),
            f"{kind} ECE": calibration_error(p.max(axis=0), p.argmax(axis=0) == truth),
            f"{kind} ECE forest": calibration_error(p_forest, is_forest),
            f"{kind} ECE labels": calibration_error(of_labels.max(axis=0), of_labels.argmax(axis=0) == target),
        }
        best = fit_temperatures(asked_said, truth, forest)
        figures |= {f"{kind} kind/best": at.kind / best.kind, f"{kind} within/best": at.within / best.within}
    return figures | {"fit CPU s": seconds / 10}


def main(folder: Path, seeds: list[int]) -> None:
    """Print a table of means over landscapes."""
    cases = {seed: landscape(folder, seed) for seed in seeds}
    first = True
    for name, make in MODELS.items():
        each = pd.DataFrame([judge(make, *cases[seed], seed) for seed in seeds])
        if first:
            print("| model | " + " | ".join(each.columns) + " |\n|---" * 1 + "|---" * len(each.columns) + "|")
            first = False
        print(f"| {name} | " + " | ".join(f"{v:.3f}" for v in each.mean()) + " |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or list(range(10)))
