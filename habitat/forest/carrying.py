"""Labels carried to years that have none: most ground stays what it is, and a model should have met every year.

A model of one year's labels meets other years' seasons unprepared: leaves that came early, other sun, other air. So
each label is also laid on the pictures of its pixel in the years without labels, unless a model of the labels as they
are finds its class there all but impossible: then the ground has changed. The idea is that of migrating samples (Huang
et al. 2020, doi:10.1016/j.isprsjprs.2020.01.010), which compares spectra between years where this asks the classifier.

What it gains was measured (`benchmarks/carrying.py`, `benchmarks/romania.py`). Years that have labels of their own are
left alone: there the few labels of ground that did change after all cost more losses than the many others gain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from habitat.forest.boosting import probabilities
from habitat.forest.classifier import class_scores, train_cover
from habitat.forest.training import labelled_years

LEAST_LIKELY = 0.05
"""Probability of a label's class below which its pixel has changed."""


def carry_labels(
    samples: pd.DataFrame, elsewhen: Sequence[pd.DataFrame], *, forest_codes: Sequence[int], seed: int
) -> pd.DataFrame:
    """Return the labels' pixels in other years, where these do not contradict them.

    Parameters
    ----------
    samples : DataFrame
        Labels in their own years, as :func:`habitat.forest.stack_samples` returns.
    elsewhen : sequence of DataFrame
        The same columns: what was seen at labelled pixels in other years.
    forest_codes, seed
        As for :func:`train_cover`.

    Returns
    -------
    DataFrame
        Rows of `elsewhen` in years that lack labels of forest or of the rest, each with `label_year`, the year of its
        label. Labels not in `samples` are left out; of those that meet in a pixel and year the likeliest stays.
    """
    keys = ["row", "col", "code"]
    offered = pd.concat([samples.iloc[:0], *elsewhen], ignore_index=True)
    of_label = samples[[*keys, "year"]].rename(columns={"year": "label_year"}).drop_duplicates(keys)
    found = offered.drop_duplicates([*keys, "year"]).merge(of_label, on=keys)
    found = found[~found["year"].isin(labelled_years(samples, forest_codes=forest_codes))]
    if found.empty:
        return found
    model = train_cover(samples, forest_codes=forest_codes, seed=seed)
    table = np.ascontiguousarray(found[list(model.predictors)].to_numpy(dtype=np.float32).T)
    said = probabilities(class_scores(model, table))
    own = said[np.searchsorted(model.codes, found["code"].to_numpy()), np.arange(len(found))]
    found = found.assign(said=own)[own >= LEAST_LIKELY].sort_values("said", ascending=False, kind="stable")
    found = found.drop_duplicates(["row", "col", "year"]).drop(columns="said")
    return found.sort_values(["row", "col", "year"], ignore_index=True)
