"""How good a map is where it has no labels: spatial block cross-validation.

Labels that lie near one another share their weather, soil and history: a model tested beside its own training
points looks better than it is. So whole blocks of land are left out in turn (Roberts et al. 2017,
doi:10.1111/ecog.02881).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupKFold

from habitat.errors import TrainingError
from habitat.forest.classifier import split_votes, train_cover

N_FOLDS = 5
TIE = 0.01
"""Years whose accuracies differ by less fit equally well."""


def block_numbers(samples: pd.DataFrame, *, block_pixels: int) -> np.ndarray:
    """Number the square block of land that each sample lies in."""
    rows = samples["row"].to_numpy() // block_pixels
    cols = samples["col"].to_numpy() // block_pixels
    return rows * (cols.max() + 1) + cols


def cross_validate(
    samples: pd.DataFrame, *, forest_codes: Sequence[int], block_pixels: int, seed: int
) -> dict[str, Any]:
    """Train on some blocks of land, judge on the others, in turn.

    Parameters
    ----------
    samples : DataFrame
        As :func:`habitat.forest.stack_samples` returns.
    block_pixels : int
        Side of the blocks.

    Returns
    -------
    dict
        Plain numbers: `balanced_accuracy` of forest against the rest (mean of both classes' recalls) over all
        left-out samples, `folds` with each fold's, `confusion` of the classes (rows: labels, columns: map).

    Raises
    ------
    TrainingError
        If the labels lie in fewer than two blocks.
    """
    groups = block_numbers(samples, block_pixels=block_pixels)
    n_blocks = len(np.unique(groups))
    if n_blocks < 2:
        raise TrainingError(
            "all labels lie in one block of land: the map's accuracy cannot be judged",
            where="training",
            mend="spread the labels over the area",
        )
    codes = np.unique(samples["code"].to_numpy(dtype=int))
    truth = samples["code"].to_numpy(dtype=int)
    predicted = np.zeros_like(truth)
    folds = []
    for train, test in GroupKFold(min(N_FOLDS, n_blocks)).split(samples, groups=groups):
        model = train_cover(samples.iloc[train], forest_codes=forest_codes, seed=seed)
        table = samples.iloc[test][list(model.predictors)].to_numpy(dtype=np.float32)
        p_forest, best_forest, best_other = split_votes(model, table, forest_codes)
        predicted[test] = np.where(p_forest >= 0.5, best_forest, best_other)
        folds.append(
            {
                "n_labels": len(test),
                "balanced_accuracy": _forest_accuracy(truth[test], predicted[test], forest_codes),
            }
        )
    return {
        "method": "spatial block cross-validation",
        "n_labels": len(truth),
        "n_blocks": n_blocks,
        "balanced_accuracy": _forest_accuracy(truth, predicted, forest_codes),
        "overall_accuracy": round(float((truth == predicted).mean()), 4),
        "classes": codes.tolist(),
        "confusion": confusion_matrix(truth, predicted, labels=codes).tolist(),
        "folds": folds,
    }


def _forest_accuracy(truth: np.ndarray, predicted: np.ndarray, forest_codes: Sequence[int]) -> float | None:
    """Mean of the recalls of forest and of the rest; None where one of them has no label."""
    is_forest, said_forest = np.isin(truth, list(forest_codes)), np.isin(predicted, list(forest_codes))
    if is_forest.all() or not is_forest.any():
        return None
    return round(float((said_forest[is_forest].mean() + (~said_forest[~is_forest]).mean()) / 2), 4)


def fitting_year(
    samples: pd.DataFrame, *, forest_codes: Sequence[int], block_pixels: int, seed: int
) -> tuple[int, dict[int, float | None]]:
    """Find the year in which labels without a date were true: the one whose imagery foretells them best.

    Where land has changed, a map laid over another year's scenes teaches the classifier that a clearing is
    forest. The year with the best cross-validated accuracy is the year the labels are of; of several that
    come within :data:`TIE` of it, the latest.

    Parameters
    ----------
    samples : DataFrame
        Labels without date, each there once for every year.

    Returns
    -------
    year : int
    accuracy : dict of year to balanced accuracy
        None where a year lacks forest or everything else.
    """
    accuracy: dict[int, float | None] = {}
    third = max(1, block_pixels // 3)
    for year in np.unique(samples["year"].to_numpy(dtype=int)).tolist():
        of_year = samples[samples["year"] == year]
        accuracy[year] = None
        if of_year["code"].isin(list(forest_codes)).nunique() == 2:
            # where blocks happen to be cut moves the figure by more than years differ: cut them three ways
            cuts = [of_year.assign(row=of_year["row"] + cut, col=of_year["col"] + cut) for cut in (0, third, 2 * third)]
            judged = [
                cross_validate(cut, forest_codes=forest_codes, block_pixels=block_pixels, seed=seed) for cut in cuts
            ]
            accuracy[year] = round(float(np.mean([one["balanced_accuracy"] for one in judged])), 4)
    best = max(found or 0.0 for found in accuracy.values())
    return max(year for year, found in accuracy.items() if (found or 0.0) >= best - TIE), accuracy
