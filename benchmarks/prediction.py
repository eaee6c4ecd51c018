"""How many pixels a second a classifier answers for, on one core, beside its peers.

    OMP_NUM_THREADS=1 python benchmarks/prediction.py [MILLION_PIXELS]

Two cases: forest or not from 12 predictors, and the 14 classes of the legend from 30, both with 100 trees, trained on
20,000 samples of overlapping normal clouds. CPU seconds, the best of three; labels must equal the model's own
`predict`. CatBoost is measured if it is installed (extra `benchmarks`); its table is laid out by rows, ours by columns,
as each likes it best, and the layout is not timed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from habitat.forest import SymmetricTrees, dissimilarity, learn_applicability
from habitat.forest.boosting import likeliest

N_SAMPLES = 20_000
CASES = {"binary, 12 predictors": (2, 12), "14 classes, 30 predictors": (14, 30)}


def clouds(n_classes: int, n_predictors: int, rows: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples (row, predictor) float32 and their classes; the same centres for every seed."""
    centres = np.random.default_rng(1).normal(0, 0.6, (n_classes, n_predictors))
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_classes, rows)
    return (centres[codes] + rng.normal(0, 1, (rows, n_predictors))).astype(np.float32), codes


def seconds(work: Callable[[], Any], repeats: int) -> float:
    """Least CPU time of some repeats, after one that warms up."""
    work()
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def peers() -> dict[str, Any]:
    """Unfitted classifiers by name."""
    found: dict[str, Any] = {
        "scikit-learn RandomForest, 100": RandomForestClassifier(100, random_state=0, n_jobs=1),
        "scikit-learn HistGradientBoosting, 100": HistGradientBoostingClassifier(max_iter=100, random_state=0),
    }
    try:
        from catboost import CatBoostClassifier
    except ImportError:
        return found
    settings = {"iterations": 100, "depth": 6, "verbose": False, "thread_count": 1, "allow_writing_files": False}
    return found | {"CatBoost, 100 of depth 6": CatBoostClassifier(random_seed=0, **settings)}


def judge(n_classes: int, n_predictors: int, million: float) -> None:
    """Print the table of a case."""
    table, codes = clouds(n_classes, n_predictors, N_SAMPLES, seed=2)
    pixels, truth = clouds(n_classes, n_predictors, round(million * 1e6), seed=3)
    columns = np.ascontiguousarray(pixels.T)
    print("| classifier | accuracy | fit, CPU s | million pixels a core-second |\n|---|---|---|---|")

    def row(name: str, model: Any, answer: Callable[[], np.ndarray], truth: np.ndarray, repeats: int) -> None:
        started = time.process_time()
        model.fit(table, codes)
        fit = time.process_time() - started
        speed = len(truth) / 1e6 / seconds(answer, repeats)
        print(f"| {name} | {(np.ravel(answer()) == truth).mean():.4f} | {fit:.2f} | {speed:.2f} |", flush=True)

    SymmetricTrees(n_trees=2).fit(table[:100], codes[:100])  # compiles
    for depth in (4, 6):
        ours = SymmetricTrees(depth=depth, random_state=0)
        name = f"SymmetricTrees, 100 of depth {depth}"
        row(name, ours, partial(labels_of, ours, columns), truth, 3)
        assert np.array_equal(labels_of(ours, columns), ours.predict(pixels)), "labels differ from the model's own"
    for name, model in peers().items():
        count = len(pixels) if "CatBoost" in name else max(N_SAMPLES, len(pixels) // 20)
        row(name, model, lambda model=model, count=count: model.predict(pixels[:count]), truth[:count], 1)
    area = learn_applicability(table, codes, np.arange(len(table)) % 5)
    speed = million / seconds(lambda: dissimilarity(area, columns), 3)
    print(f"\nDissimilarity index, {len(area.points)} points: {speed:.2f} million pixels a core-second")


def labels_of(model: SymmetricTrees, columns: np.ndarray) -> np.ndarray:
    """Classes of a table (predictor, pixel)."""
    return model.classes_[likeliest(model.score_columns(columns))]


def main(million: float) -> None:
    """Print a table of each case."""
    for case, (n_classes, n_predictors) in CASES.items():
        print(f"\n## {case}\n")
        judge(n_classes, n_predictors, million)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
