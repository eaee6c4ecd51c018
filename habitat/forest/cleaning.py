"""Labels that what was seen contradicts: found by a model that has not seen them, and left out.

Confident learning (Northcutt, Jiang and Chuang 2021, Journal of Artificial Intelligence Research 70, 1373-1411): a
label is doubted where a model trained on other blocks of land is as sure of another class as it usually is of that
class's own labels. Here it must also be surer of it by a margin than of the label's class, and of a class never more
labels are left out than a share: where classes look alike a model errs more often than people do.
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
MARGIN = 0.25
"""By so much the other class must be likelier than the label's."""
MOST_SHARE = 0.3
"""Of the labels of a class, the largest share that is left out."""
LEAST_LABELS = 10
"""Classes with fewer labels are left alone: nothing can be said of what they usually look like."""


def doubtful_labels(samples: pd.DataFrame, *, groups: Sequence[int] | np.ndarray, seed: int) -> np.ndarray:
    """Tell which labels are contradicted by what was seen there.

    Parameters
    ----------
    samples : DataFrame
        As :func:`habitat.forest.stack_samples` returns.
    groups : sequence of int
        Block of land of each sample: a label is judged by labels of other blocks alone.
    seed : int
        Of the trees; the same samples and seed give the same answer.

    Returns
    -------
    bool array (sample,)
        All False where there are fewer than two blocks.
    """
    codes = samples["code"].to_numpy(dtype=int)
    folds = min(N_FOLDS, len(np.unique(groups)))
    if folds < 2:
        return np.zeros(len(codes), dtype=bool)
    classes, own = np.unique(codes, return_inverse=True)
    table = samples[[name for name in samples.columns if name not in LABEL_COLUMNS]].to_numpy(dtype=np.float32)
    chance = np.zeros((len(codes), len(classes)))
    for train, test in GroupKFold(folds).split(table, groups=groups):
        trees = ExtraTreesClassifier(
            N_TREES, min_samples_leaf=2, class_weight="balanced", random_state=seed, n_jobs=1
        ).fit(table[train], codes[train])
        chance[np.ix_(test, np.searchsorted(classes, trees.classes_))] = trees.predict_proba(table[test])
    return _contradicted(chance, own)


def _contradicted(chance: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Which labels (sample,), numbers of columns of `chance` (sample, class), are contradicted by it."""
    everyone = np.arange(len(own))
    usual = np.array([chance[own == k, k].mean() for k in range(chance.shape[1])])
    mine = chance[everyone, own]
    sure = np.where(chance >= usual, chance, -1.0)
    sure[everyone, own] = -1.0
    excess = sure.max(axis=1) - mine
    doubted = excess > MARGIN
    for k, count in enumerate(np.bincount(own)):
        of_class = np.flatnonzero(doubted & (own == k))
        most = 0 if count < LEAST_LABELS else int(MOST_SHARE * count)
        worst_first = of_class[np.argsort(-excess[of_class], kind="stable")]
        doubted[worst_first[most:]] = False
    return doubted
