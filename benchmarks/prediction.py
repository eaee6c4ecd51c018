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
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from habitat.forest import SymmetricTrees, dissimilarity, learn_applicability
from habitat.forest.boosting import likeliest

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


def main(million: float) -> None:
    """Print a table of each case."""
    for case, (n_classes, n_predictors) in CASES.items():
        table, codes = clouds(n_classes, n_predictors, 20_000, seed=2)
        pixels, truth = clouds(n_classes, n_predictors, round(million * 1e6), seed=3)
        columns = np.ascontiguousarray(pixels.T)
        print(
            f"\n## {case}\n\n| classifier | accuracy | fit, CPU s | million pixels a core-second |\n|---|---|---|---|"
        )
        for depth in (4, 6):
            ours = SymmetricTrees(depth=depth, random_state=0)
            fit = seconds(lambda model=ours: model.fit(table, codes), 1)
            score = seconds(lambda model=ours: likeliest(model.score_columns(columns)), 3)
            labels = ours.classes_[likeliest(ours.score_columns(columns))]
            assert np.array_equal(labels, ours.predict(pixels)), "labels differ from the model's own"
            print(
                f"| SymmetricTrees, 100 of depth {depth} | {(labels == truth).mean():.4f} | {fit:.2f} | {million / score:.2f} |"
            )
        for name, model in peers().items():
            some = pixels[: max(20_000, len(pixels) // 20)] if "scikit" in name else pixels
            fit = (
                seconds(lambda model=model: model.fit(table, codes), 1)
                if "Cat" in name
                else fitted(model, table, codes)
            )
            score = seconds(lambda model=model, some=some: model.predict(some), 1)
            right = (np.asarray(model.predict(some)).ravel() == truth[: len(some)]).mean()
            print(f"| {name} | {right:.4f} | {fit:.2f} | {len(some) / 1e6 / score:.2f} |", flush=True)
        area = learn_applicability(table, codes, np.arange(len(table)) % 5)
        index = seconds(lambda area=area: dissimilarity(area, columns), 3)
        print(f"\nDissimilarity index, 256 points: {million / index:.2f} million pixels a core-second")


def fitted(model: Any, table: np.ndarray, codes: np.ndarray) -> float:
    """CPU time of one fit."""
    started = time.process_time()
    model.fit(table, codes)
    return time.process_time() - started


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
