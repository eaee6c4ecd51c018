"""The classifier: two kinds of randomised trees that vote on the predictors of a pixel and year.

A random forest (Breiman 2001) and extremely randomised trees (Geurts et al. 2006) err in different places,
need no tuning, and take missing seasons as they are. Classes are weighted so that rare ones are not voted
down. Both choices and the two figures below were made on simulated landscapes of seeds 0 to 5 and checked
on real scenes: see docs/adr/0007.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, VotingClassifier

from habitat.cubes import FEATURES
from habitat.errors import ContractError, TrainingError
from habitat.forest.training import LABEL_COLUMNS
from habitat.legend import UNKNOWN

N_TREES = 50
"""Of each kind."""
MIN_LEAF = 3
"""Samples in a leaf of the random forest: with fewer, one wrong label makes a rule of its own."""
SHARPNESS_OWN = 3.0
"""An average of trees is timid. The odds of forest are raised to this power in a year that has labels."""
SHARPNESS_OTHER = 0.7
"""The same for a year without labels: the model has not seen its weather, so its word counts less."""


@dataclass(frozen=True)
class CoverModel:
    """A fitted classifier and what it needs to be used."""

    estimator: VotingClassifier
    predictors: tuple[str, ...]
    """In the order in which it was trained."""
    codes: tuple[int, ...]
    """Legend codes in the order of its probabilities."""
    label_years: tuple[int, ...]
    """Years with labels of forest and of something else."""


def train_cover(samples: pd.DataFrame, *, forest_codes: Sequence[int], seed: int) -> CoverModel:
    """Fit the classifier.

    Parameters
    ----------
    samples : DataFrame
        `year`, `code` and one column a predictor, as :func:`habitat.forest.stack_samples` returns.
    forest_codes : sequence of int
        Codes of the classes that are forest.
    seed : int
        Of the trees; the same samples and seed give the same model.

    Raises
    ------
    TrainingError
        If all samples are forest, or none is.
    """
    is_forest = samples["code"].isin(list(forest_codes))
    if is_forest.all() or not is_forest.any():
        raise TrainingError(
            f"{'all' if is_forest.all() else 'none'} of the labels are forest",
            where="training",
            mend="add labels of what is not forest" if is_forest.all() else "add labels of forest",
        )
    predictors = tuple(name for name in samples.columns if name not in LABEL_COLUMNS)
    settings = {"n_estimators": N_TREES, "random_state": seed, "n_jobs": 1}
    forest = RandomForestClassifier(min_samples_leaf=MIN_LEAF, class_weight="balanced_subsample", **settings)
    extra = ExtraTreesClassifier(class_weight="balanced", **settings)
    estimator = VotingClassifier([("forest", forest), ("extra", extra)], voting="soft")
    estimator.fit(samples[list(predictors)].to_numpy(dtype=np.float32), samples["code"].to_numpy(dtype=int))
    kinds = is_forest.groupby(samples["year"]).nunique()
    return CoverModel(
        estimator,
        predictors,
        tuple(int(code) for code in estimator.classes_),
        tuple(int(year) for year in kinds.index[kinds == 2]),
    )


def importance(model: CoverModel) -> pd.DataFrame:
    """Mean decrease of impurity of each predictor (predictor, importance), largest first."""
    each = [trees.feature_importances_ for trees in model.estimator.estimators_]
    table = pd.DataFrame({"predictor": model.predictors, "importance": np.mean(each, axis=0).round(6)})
    return table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def predict_cover(
    model: CoverModel, features: xr.Dataset, *, forest_codes: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predict every pixel and year of FEATURES.

    Returns
    -------
    p_forest : float32 array (year, y, x)
        Probability of all forest classes together, given that year alone; NaN where nothing was seen.
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
    own = np.isin(features["year"].values, model.label_years)[:, None, None]
    p_forest = sharpen(p_forest, np.where(own, SHARPNESS_OWN, SHARPNESS_OTHER))
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


def sharpen(share: np.ndarray, power: np.ndarray | float) -> np.ndarray:
    """Raise the odds of a share of votes to a power: 0, 0.5 and 1 stay what they are, NaN too.

    >>> sharpen(np.float32([0.25, 0.5, 0.75]), 2.0)
    array([0.1, 0.5, 0.9], dtype=float32)
    """
    yes, no = share**power, (1 - share) ** power
    return (yes / (yes + no)).astype(np.float32)
