"""Labels that what was seen contradicts: found by a model that has not seen them, and left out.

A label of forest is doubted where a model that was trained on other blocks of land is sure that there is none, and the
reverse: the rule of Brodley and Friedl 1999, Journal of Artificial Intelligence Research 11, 131-167, with a threshold
on the vote. Of which kind the forest is, models say wrong more often than people do: such labels are left alone, as
finer rules (confident learning among them) threw out good labels of rare classes: `benchmarks/cleaning.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GroupKFold

from habitat.forest.training import LABEL_COLUMNS

N_TREES = 60
N_FOLDS = 5
MOST_TRAINING = 10_000
"""Samples that a fold's trees learn from: more would say the same more slowly."""
LEAST_VOTE = 0.3
"""A label of forest, or of the rest, with at most this vote is doubted."""
USUAL_SHARE = 0.08
"""Where no more than this share of the labels is doubted nothing is left out: good labels of mixed pixels and of rare
classes are doubted too, 3 to 7% of all on simulated land."""
MOST_SHARE = 0.3
"""Of the labels of a class, the largest share that is left out: the most doubted."""


def doubtful_labels(
    samples: pd.DataFrame, *, forest_codes: Sequence[int], groups: Sequence[int] | np.ndarray, seed: int
) -> np.ndarray:
    """Tell which labels are contradicted by what was seen there, forest against the rest.

    Parameters
    ----------
    samples : DataFrame
        As :func:`habitat.forest.stack_samples` returns.
    forest_codes : sequence of int
        Codes of the classes that are forest.
    groups : sequence of int
        Block of land of each sample: a label is judged by labels of other blocks alone.
    seed : int
        Of the trees; the same samples and seed give the same answer.

    Returns
    -------
    bool array (sample,)
        All False where there are fewer than two blocks, where a fold lacks forest or the rest, and where no more labels
        are doubted than is usual with good ones.
    """
    codes = samples["code"].to_numpy(dtype=int)
    is_forest = np.isin(codes, list(forest_codes))
    table = samples[[name for name in samples.columns if name not in LABEL_COLUMNS]].to_numpy(dtype=np.float32)
    vote = _vote(table, codes, is_forest, np.asarray(groups), seed)
    own = np.where(is_forest, vote, 1 - vote)
    doubted = own <= LEAST_VOTE  # NaN is never doubted
    if doubted.mean() <= USUAL_SHARE:
        return np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        of_class = np.flatnonzero(doubted & (codes == code))
        most = int(MOST_SHARE * (codes == code).sum())
        worst_first = of_class[np.argsort(own[of_class], kind="stable")]
        doubted[worst_first[most:]] = False
    return doubted


def _vote(table: np.ndarray, codes: np.ndarray, is_forest: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Share of the vote for forest by trees that have not seen the sample's block; NaN where none could be grown."""
    vote = np.full(len(codes), np.nan)
    folds = min(N_FOLDS, len(np.unique(groups)))
    if folds < 2:
        return vote
    random = np.random.default_rng(seed)
    for train, test in GroupKFold(folds).split(table, groups=groups):
        if len(train) > MOST_TRAINING:
            train = np.sort(random.choice(train, MOST_TRAINING, replace=False))
        if len(np.unique(is_forest[train])) < 2:
            continue
        trees = ExtraTreesClassifier(N_TREES, min_samples_leaf=2, class_weight="balanced", random_state=seed, n_jobs=1)
        said = trees.fit(table[train], codes[train]).predict_proba(table[test])
        vote[test] = said[:, np.isin(trees.classes_, np.unique(codes[is_forest]))].sum(axis=1)
    return vote
