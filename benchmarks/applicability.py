"""How much of a class that was never taught lies outside the area of applicability, each class left out in turn.

    OMP_NUM_THREADS=1 python -m benchmarks.applicability FOLDER [SEED ...]

Landscapes as in classifiers.py. For each class: samples of all others teach; pixels of the class, by the landscape's
truth, should be flagged and pixels of the others should not. Three figures each: the index as habitat has it at its own
threshold; the paper's own scaling (standardised, weighed by importance, all samples); and the ceiling: a forest of 100
trees that was *taught* the class, on half of the pixels, and flags 5% of the rest. What lies above that no index of
these predictors can reach. `at 5%` moves the index's threshold to where 5% of the rest are flagged.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GroupKFold

from benchmarks.classifiers import BLOCK_PIXELS, landscape
from habitat.forest import block_numbers, dissimilarity, learn_applicability


def folds_of(labels: pd.DataFrame) -> np.ndarray:
    """Fold of spatial cross-validation of each label."""
    folds = np.zeros(len(labels), dtype=int)
    groups = block_numbers(labels, block_pixels=BLOCK_PIXELS)
    for fold, (_, test) in enumerate(GroupKFold(5).split(labels, groups=groups)):
        folds[test] = fold
    return folds


def of_paper(table: np.ndarray, codes: np.ndarray, folds: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """Index and threshold as the paper has them; missing values at the mean."""
    middle, spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    known, asked = (np.nan_to_num((x - middle) / spread) for x in (table, pixels))
    weight = ExtraTreesClassifier(100, random_state=0).fit(known, codes).feature_importances_
    known, asked = known * weight, asked * weight
    own = np.empty(len(known))
    for fold in np.unique(folds):
        own[folds == fold] = cKDTree(known[folds != fold]).query(known[folds == fold])[0]
    low, high = np.quantile(own, [0.25, 0.75])
    return cKDTree(known).query(asked)[0], own[own <= high + 1.5 * (high - low)].max()


def ceiling(pixels: np.ndarray, is_class: np.ndarray) -> float:
    """Share of the class that one who was taught it finds, at 5% of the rest."""
    filled = np.nan_to_num(pixels, nan=-1.0)
    taught = np.arange(len(filled)) % 2 == 0
    forest = ExtraTreesClassifier(100, min_samples_leaf=2, class_weight="balanced", random_state=0)
    said = forest.fit(filled[taught], is_class[taught]).predict_proba(filled[~taught])[:, 1]
    own = is_class[~taught]
    return float((said[own] > np.quantile(said[~own], 0.95)).mean())


def judge(labels: pd.DataFrame, pixels: pd.DataFrame) -> pd.DataFrame:
    """A row a class."""
    names = [name for name in labels.columns if name not in ("row", "col", "year", "code", "dated")]
    table, asked = (x[names].to_numpy(dtype=np.float64) for x in (labels, pixels))
    codes, truth, folds = labels["code"].to_numpy(), pixels["code"].to_numpy(dtype=int), folds_of(labels)
    rows = []
    for code in np.unique(codes):
        kept, own = codes != code, truth == code
        rest = ~own & np.isin(truth, codes)
        if own.sum() < 10:
            continue
        area = learn_applicability(table[kept], codes[kept], folds[kept])
        ours = (dissimilarity(area, asked.T), area.threshold)
        row = {"code": int(code)}
        for name, (index, threshold) in (
            ("", ours),
            ("paper ", of_paper(table[kept], codes[kept], folds[kept], asked)),
        ):
            row |= {f"{name}flagged": (index[own] > threshold).mean(), f"{name}rest": (index[rest] > threshold).mean()}
            row[f"{name}at 5%"] = (index[own] > np.quantile(index[rest], 0.95)).mean()
        rows.append(row | {"ceiling": ceiling(asked, own)})
    return pd.DataFrame(rows)


def main(folder: Path, seeds: list[int]) -> None:
    """Print the mean over landscapes of each class, and the median over classes."""
    table = pd.concat([judge(*landscape(folder, seed)) for seed in seeds])
    mean = table.groupby("code").mean()
    print("| class | " + " | ".join(mean.columns) + " |\n" + "|---" * (len(mean.columns) + 1) + "|")
    for code, row in mean.iterrows():
        print(f"| {code} | " + " | ".join(f"{value:.2f}" for value in row) + " |")
    print("| median | " + " | ".join(f"{value:.2f}" for value in mean.median()) + " |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or list(range(10)))
