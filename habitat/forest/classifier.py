"""The classifier: a random forest over the predictors of a pixel and year.

A random forest (Breiman 2001) needs no tuning, takes missing seasons as they are, and its votes order pixels
well; classes are weighted so that rare ones are not voted down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.ensemble import RandomForestClassifier

from habitat.cubes import FEATURES
from habitat.errors import ContractError
from habitat.forest.training import LABEL_COLUMNS
from habitat.legend import UNKNOWN

N_TREES = 100
MIN_LEAF = 3
"""Samples in a leaf: with fewer, one wrong label makes a rule of its own."""


@dataclass(frozen=True)
class CoverModel:
    """A fitted classifier and what it needs to be used."""

    estimator: RandomForestClassifier
    predictors: tuple[str, ...]
    """In the order in which it was trained."""
    codes: tuple[int, ...]
    """Legend codes in the order of its probabilities."""


def train_cover(samples: pd.DataFrame, *, seed: int) -> CoverModel:
    """Fit the classifier.

    Parameters
    ----------
    samples : DataFrame
        `code` and one column a predictor, as :func:`habitat.forest.stack_samples` returns.
    seed : int
        Of the forest; the same samples and seed give the same model.
    """
    predictors = tuple(name for name in samples.columns if name not in LABEL_COLUMNS)
    estimator = RandomForestClassifier(
        n_estimators=N_TREES, min_samples_leaf=MIN_LEAF, class_weight="balanced_subsample", random_state=seed, n_jobs=1
    )
    estimator.fit(samples[list(predictors)].to_numpy(dtype=np.float32), samples["code"].to_numpy(dtype=int))
    return CoverModel(estimator, predictors, tuple(int(code) for code in estimator.classes_))


def predict_cover(
    model: CoverModel, features: xr.Dataset, *, forest_codes: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predict every pixel and year of FEATURES.

    Returns
    -------
    p_forest : float32 array (year, y, x)
        Probability of all forest classes together; NaN where nothing was seen.
    best_forest, best_other : uint8 arrays (year, y, x)
        The likeliest code among the forest classes, and among the others; 0 where nothing was seen or the
        model knows no such class.

    Raises
    ------
    ContractError
        If a predictor of the model is missing.
    """
    FEATURES.check(features)
    missing = [name for name in model.predictors if name not in features]
    if missing:
        raise ContractError(f"predictor {missing[0]!r} of the model is missing", where="FEATURES")
    table = np.stack([features[name].values for name in model.predictors], axis=-1)
    seen = np.isfinite(table).any(axis=-1)
    p_forest = np.full(seen.shape, np.nan, dtype=np.float32)
    best_forest = np.full(seen.shape, UNKNOWN, dtype=np.uint8)
    best_other = best_forest.copy()
    if seen.any():
        p_forest[seen], best_forest[seen], best_other[seen] = split_votes(model, table[seen], forest_codes)
    return p_forest, best_forest, best_other


def split_votes(
    model: CoverModel, table: np.ndarray, forest_codes: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P(forest), likeliest forest code and likeliest other code of each row of a (sample, predictor) table."""
    votes = model.estimator.predict_proba(table)
    codes = np.array(model.codes, dtype=np.uint8)
    is_forest = np.isin(codes, list(forest_codes))
    best = [
        codes[kind][votes[:, kind].argmax(axis=1)] if kind.any() else np.full(len(table), UNKNOWN, dtype=np.uint8)
        for kind in (is_forest, ~is_forest)
    ]
    return votes[:, is_forest].sum(axis=1).astype(np.float32), best[0], best[1]
