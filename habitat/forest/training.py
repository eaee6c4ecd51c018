"""The training table: labels of a place and a year, with what the satellites saw there.

A label is a row of (row, col, year, code). One without a date was true in some year that nobody wrote down:
:func:`habitat.forest.fitting_year` finds out which, from the imagery.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from habitat.cubes import FEATURES
from habitat.errors import TrainingError
from habitat.grids import Block

LABEL_COLUMNS = ("row", "col", "year", "code", "dated")


def gather(features: xr.Dataset, labels: pd.DataFrame, block: Block) -> pd.DataFrame:
    """Return what was seen at the labels that lie in `block`.

    Parameters
    ----------
    features : FEATURES
        Of the block.
    labels : DataFrame
        Columns row, col (on the run's grid), year (missing = not known), code.

    Returns
    -------
    DataFrame
        The labels' columns, `dated`, and one column a predictor; a label without year is there once for
        every year. Labels whose pixel was not seen that year are left out.
    """
    FEATURES.check(features)
    inside = labels[block.holds(labels["row"], labels["col"])]
    names = list(features.data_vars)
    parts = []
    for year in features["year"].values:
        chosen = inside[inside["year"].isna() | (inside["year"] == year)]
        rows = chosen["row"].to_numpy() - block.rows.start
        cols = chosen["col"].to_numpy() - block.cols.start
        one = features.sel(year=year)
        part = pd.DataFrame({name: one[name].values[rows, cols] for name in names})
        part.insert(0, "dated", chosen["year"].notna().to_numpy())
        part.insert(0, "code", chosen["code"].to_numpy())
        part.insert(0, "year", int(year))
        part.insert(0, "col", chosen["col"].to_numpy())
        part.insert(0, "row", chosen["row"].to_numpy())
        parts.append(part[part[names].notna().any(axis=1)])
    return pd.concat(parts, ignore_index=True)


def stack_samples(parts: Sequence[pd.DataFrame], *, max_per_class: int, seed: int) -> pd.DataFrame:
    """Join the blocks' tables and draw at most `max_per_class` samples of each class.

    Raises
    ------
    TrainingError
        If there are no samples, or of one class only.
    """
    samples = pd.concat(list(parts), ignore_index=True) if parts else pd.DataFrame(columns=list(LABEL_COLUMNS))
    if samples.empty:
        raise TrainingError(
            "no label lies on a pixel that was seen",
            where="training",
            mend="check its reference system, dates and area",
        )
    if samples["code"].nunique() < 2:
        raise TrainingError(
            f"all labels are of one class ({int(samples['code'].iloc[0])})",
            where="training",
            mend="add labels of what is not forest, or of what is",
        )
    # the order of blocks must leave no trace
    samples = samples.sort_values(["row", "col", "year", "code"], kind="stable", ignore_index=True)
    return thin_labels(samples, max_per_class=max_per_class, seed=seed)


def thin_labels(labels: pd.DataFrame, *, max_per_class: int, seed: int) -> pd.DataFrame:
    """Draw at most `max_per_class` rows of each `code`, keeping their order."""
    random = np.random.default_rng(seed)
    keep = [
        rows if len(rows) <= max_per_class else random.choice(rows, max_per_class, replace=False)
        for _, rows in sorted(labels.groupby("code").indices.items())
    ]
    return labels.iloc[np.sort(np.concatenate(keep))].reset_index(drop=True)
