"""What the classifier looks at: how much worse it does on unseen land when it is told a lie.

Predictors that mean nearly the same stand in for one another, so that shuffling one of them does no harm. They are
shuffled together, by what they mean: all bands and indices of a season, or one of them in all seasons; the year's
course, texture, the ground and the counts of looks each as a whole (Breiman 2001; grouped: Gregorutti et al. 2015,
doi:10.1016/j.csda.2015.04.002).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import recall_score

from habitat.forest.folds import LeftOut, ask
from habitat.forest.naming import LOOKS, describe
from habitat.forest.training import LABEL_COLUMNS

N_SHUFFLES = 3


def predictor_groups(names: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """Group predictors by kind of group and name.

    Bands and indices are in two groups, one of the kind `measure` and one of the kind `season`; `harmonics`, `texture`,
    `terrain` and `looks` are groups of the kind `features`. A name that is none of these is a measure of its own.

    >>> predictor_groups(["ndvi_mapping", "ndvi_autumn", "ndvi_level", "slope"])
    {('measure', 'ndvi'): ['ndvi_mapping', 'ndvi_autumn'], ('season', 'mapping'): ['ndvi_mapping'],
     ('season', 'autumn'): ['ndvi_autumn'], ('features', 'harmonics'): ['ndvi_level'],
     ('features', 'terrain'): ['slope']}
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        kind, season = describe(name)
        if kind in ("harmonics", "texture", "terrain", LOOKS):
            groups.setdefault(("features", kind), []).append(name)
            continue
        groups.setdefault(("measure", kind), []).append(name)
        if season:
            groups.setdefault(("season", season), []).append(name)
    return groups


def importance(found: LeftOut, samples: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return how much recall on left-out blocks falls when a group of predictors is shuffled.

    Returns
    -------
    DataFrame
        `kind` (season, measure or features), `group`, `n_predictors`, `importance`: the fall of the classes' mean
        recall, mean over folds and shuffles, and `spread`, the standard deviation of the folds' means; largest first.
    """
    random = np.random.default_rng(seed)
    groups = predictor_groups([str(name) for name in samples.columns if name not in LABEL_COLUMNS])
    falls: dict[tuple[str, str], list[float]] = {group: [] for group in groups}
    for fold, model in zip(np.unique(found.folds), found.models, strict=True):
        own = samples[found.folds == fold]
        truth = own["code"].to_numpy(dtype=int)
        kept = _recall(model.codes, ask(model, own), truth)
        orders = [random.permutation(len(own)) for _ in range(N_SHUFFLES)]
        for group, names in groups.items():
            shuffled = [own.assign(**{name: own[name].to_numpy()[order] for name in names}) for order in orders]
            falls[group].append(kept - float(np.mean([_recall(model.codes, ask(model, t), truth) for t in shuffled])))
    rows = [
        (kind, group, len(groups[kind, group]), round(float(np.mean(fall)), 4), round(float(np.std(fall)), 4))
        for (kind, group), fall in falls.items()
    ]
    table = pd.DataFrame(rows, columns=["kind", "group", "n_predictors", "importance", "spread"])
    return table.sort_values(["kind", "importance"], ascending=[True, False], kind="stable", ignore_index=True)


def _recall(codes: Sequence[int], said: np.ndarray, truth: np.ndarray) -> float:
    """Mean recall of the classes that occur."""
    predicted = np.array(codes)[said.argmax(axis=0)]
    return float(recall_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0))
