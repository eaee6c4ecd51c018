"""How good a map is where it has no labels: spatial block cross-validation.

Labels that lie near one another share their weather, soil and history: a model tested beside its own training
points looks better than it is. So whole blocks of land are left out in turn (Roberts et al. 2017,
doi:10.1111/ecog.02881).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, roc_auc_score

from habitat.errors import TrainingError
from habitat.forest.calibration import N_BINS, calibration_error, fit_temperatures, reliability
from habitat.forest.folds import LeftOut, block_numbers, leave_blocks_out

N_DRAWS = 1000
"""Draws of blocks that limits rest on."""


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
        As :func:`judge` returns.

    Raises
    ------
    TrainingError
        If the labels lie in fewer than two blocks.
    """
    found = leave_blocks_out(samples, forest_codes=forest_codes, block_pixels=block_pixels, seed=seed)
    return judge(found, samples, forest_codes=forest_codes, block_pixels=block_pixels, seed=seed)


def judge(
    found: LeftOut, samples: pd.DataFrame, *, forest_codes: Sequence[int], block_pixels: int, seed: int
) -> dict[str, Any]:
    """Say how good the classes and probabilities of left-out samples are.

    Returns
    -------
    dict
        Plain numbers. `balanced_accuracy` of forest against the rest (mean of both classes' recalls) over all
        left-out samples and `macro_f1`, the mean F1 of the classes, each with `_low` and `_high`: 95% limits from
        draws of whole blocks with replacement, so that neighbours do not count twice. `class_f1` by code and
        `class_blocks`, how many blocks hold its labels: a class of one block is never known when it is asked for.
        `folds` with each fold's, `confusion` of the classes (rows: labels, columns: map), and `calibration`: the
        expected calibration error of the likeliest class and of forest, and the table it rests on.
    """
    codes = np.array(found.codes)
    truth = samples["code"].to_numpy(dtype=int)
    p_forest, predicted = _decide(found, forest_codes)
    blocks = np.unique(block_numbers(samples, block_pixels=block_pixels), return_inverse=True)[1]
    per_block = np.zeros((blocks.max() + 1, len(codes), len(codes)))
    np.add.at(per_block, (blocks, np.searchsorted(codes, truth), np.searchsorted(codes, predicted)), 1)
    draws = np.random.default_rng(seed).multinomial(
        len(per_block), np.full(len(per_block), 1 / len(per_block)), N_DRAWS
    )
    drawn = np.tensordot(draws, per_block, axes=1)
    is_forest = np.isin(codes, list(forest_codes))
    whole = per_block.sum(axis=0)
    with np.errstate(invalid="ignore"):
        limits = {
            "balanced_accuracy": np.nanquantile(_balanced(drawn, is_forest), [0.025, 0.975]),
            "macro_f1": np.nanquantile(_class_f1(drawn).mean(axis=-1), [0.025, 0.975]),
        }
    return {
        "method": "spatial block cross-validation",
        "n_labels": len(truth),
        "n_blocks": len(per_block),
        "balanced_accuracy": _forest_accuracy(truth, predicted, forest_codes),
        "macro_f1": round(float(_class_f1(whole).mean()), 4),
        "overall_accuracy": round(float((truth == predicted).mean()), 4),
        **{
            f"{name}_{end}": round(float(v), 4)
            for name, pair in limits.items()
            for end, v in zip(("low", "high"), pair, strict=True)
        },
        "limits": f"95%, {N_DRAWS} draws of whole blocks",
        "classes": codes.tolist(),
        "class_f1": {str(code): round(float(f1), 4) for code, f1 in zip(codes, _class_f1(whole), strict=True)},
        "class_blocks": {str(code): int((per_block[:, at].sum(axis=1) > 0).sum()) for at, code in enumerate(codes)},
        "confusion": confusion_matrix(truth, predicted, labels=codes).tolist(),
        "folds": [
            {
                "n_labels": int((found.folds == fold).sum()),
                "balanced_accuracy": _forest_accuracy(
                    truth[found.folds == fold], predicted[found.folds == fold], forest_codes
                ),
            }
            for fold in np.unique(found.folds)
        ],
        "calibration": _calibration(found, truth, p_forest, forest_codes),
    }


def _decide(found: LeftOut, forest_codes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """P(forest) and class of each sample: the likeliest of the kind, forest or not, that is likelier."""
    codes = np.array(found.codes)
    said = found.calibrated()
    is_forest = np.isin(codes, list(forest_codes))
    p_forest = said[is_forest].sum(axis=0)
    allowed = np.where(is_forest[:, None], p_forest >= 0.5, p_forest < 0.5)
    return p_forest, codes[np.where(allowed, said, -1).argmax(axis=0)]


def _calibration(
    found: LeftOut, truth: np.ndarray, p_forest: np.ndarray, forest_codes: Sequence[int]
) -> dict[str, Any]:
    """How far what is said of left-out samples is from what is true; each fold by the temperature of the others."""
    codes = np.array(found.codes)
    target = np.searchsorted(codes, truth)
    said = np.empty_like(found.log_said)
    for fold in np.unique(found.folds):
        here = found.folds == fold
        others = ~here & found.known
        at = fit_temperatures(found.log_said[:, others], target[others], found.is_forest)
        said[:, here] = found.calibrated(at)[:, here]
    p_forest = np.clip(said[np.isin(codes, list(forest_codes))].sum(axis=0), 0, 1)
    top, right = said.max(axis=0), said.argmax(axis=0) == target
    forest = np.isin(truth, list(forest_codes))
    return {
        "temperatures": {name: round(value, 4) for name, value in vars(found.temperatures).items()},
        "expected_calibration_error": round(calibration_error(top, right), 4),
        "expected_calibration_error_forest": round(calibration_error(p_forest, forest), 4),
        "bins": f"{N_BINS} of equal width, 0 to 1",
        "likeliest_class": reliability(top, right).round(4).to_dict("records"),
        "forest": reliability(p_forest, forest).round(4).to_dict("records"),
    }


def _balanced(confusion: np.ndarray, is_forest: np.ndarray) -> np.ndarray:
    """Mean recall of forest and of the rest, of confusions (..., label, map)."""
    kinds = [
        confusion[..., kind, :][..., kind].sum(axis=(-1, -2)) / confusion[..., kind, :].sum(axis=(-1, -2))
        for kind in (is_forest, ~is_forest)
    ]
    return np.asarray(sum(kinds)) / 2


def _class_f1(confusion: np.ndarray) -> np.ndarray:
    """F1 of each class of confusions (..., label, map): (..., class); 0 where a class was neither there nor said."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return 2 * hits / np.maximum(confusion.sum(axis=-1) + confusion.sum(axis=-2), 1)


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

    Where land has changed, a map laid over another year's scenes teaches the classifier that a clearing is forest. The
    year in which left-out blocks' forest stands out best from the rest is the year the labels are of, by the area under
    the receiver operating characteristic: it sees how sure the classifier was, where accuracies of years beside one
    another tie.

    Parameters
    ----------
    samples : DataFrame
        Labels without date, each there once for every year.

    Returns
    -------
    year : int
        Where none can be judged, the latest.
    areas : dict of year to area under the curve
        0.5-1; None where a year cannot be judged: it lacks forest or everything else, or has it in one part of the land
        alone.
    """
    areas: dict[int, float | None] = {}
    third = max(1, block_pixels // 3)
    for year in np.unique(samples["year"].to_numpy(dtype=int)).tolist():
        of_year = samples[samples["year"] == year]
        judged = []
        # where blocks happen to be cut moves the figure by more than years differ: cut them three ways
        for shift in (0, third, 2 * third):
            cut = of_year.assign(row=of_year["row"] + shift, col=of_year["col"] + shift)
            with contextlib.suppress(TrainingError):  # this cut leaves a fold without forest, or without the rest
                left_out = leave_blocks_out(cut, forest_codes=forest_codes, block_pixels=block_pixels, seed=seed)
                p_forest = np.exp(left_out.log_said[left_out.is_forest]).sum(axis=0)
                judged.append(roc_auc_score(cut["code"].isin(list(forest_codes)), p_forest))
        areas[year] = round(float(np.mean(judged)), 4) if judged else None
    return max(areas, key=lambda year: (areas[year] or 0.0, year)), areas
