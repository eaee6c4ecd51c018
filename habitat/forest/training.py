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
from habitat.forest.naming import season_predictors
from habitat.grids import Block
from habitat.seasons import MAPPING

LABEL_COLUMNS = ("row", "col", "year", "code", "dated", "label_year")


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


def with_missing_seasons(samples: pd.DataFrame) -> pd.DataFrame:
    """Return every sample as it is, and once more with one season missing, another one for each in turn.

    A classifier that has met every class without each season does not mistake the lack of one, in a cloudy year, for
    the class that happened to lack it in training (`benchmarks/features.py`). The mapping season is never
    missing: without it there is no map.

    Parameters
    ----------
    samples : DataFrame
        As :func:`stack_samples` returns. Bands and indices tell seasons: `red_autumn`, `ndvi_autumn`.

    >>> table = pd.DataFrame({"code": [14, 22], "red_mapping": [0.1, 0.2], "red_autumn": [0.3, 0.4]})
    >>> with_missing_seasons(table)["red_autumn"].tolist()
    [0.3, 0.4, nan, nan]
    """
    of_season = season_predictors([name for name in samples.columns if name not in LABEL_COLUMNS])
    seasons = sorted(of_season.keys() - {MAPPING})
    if not seasons:
        return samples
    copies = samples.copy()
    turn = np.arange(len(copies)) % len(seasons)
    for number, season in enumerate(seasons):
        copies.loc[turn == number, of_season[season]] = np.nan
    return pd.concat([samples, copies], ignore_index=True)


def within_years(labels: pd.DataFrame, years: Sequence[int]) -> tuple[pd.DataFrame, int]:
    """Return the labels that are of some of the years, or of no stated one, and how many are of others.

    Raises
    ------
    TrainingError
        If all are of others.
    """
    of_others = (labels["year"].notna() & ~labels["year"].isin(list(years))).to_numpy(dtype=bool)
    if of_others.all() and len(labels):
        first, last = int(labels["year"].min()), int(labels["year"].max())
        when = f"of {first}" if first == last else f"of {first} to {last}"
        raise TrainingError(
            f"all labels are {when}, outside the years {min(years)} to {max(years)}",
            where="training",
            mend="add labels of these years, or give [period] years theirs",
        )
    return labels[~of_others].reset_index(drop=True), int(of_others.sum())


def stack_samples(
    parts: Sequence[pd.DataFrame], *, max_per_class: int, seed: int, block_pixels: int = 0
) -> pd.DataFrame:
    """Join the blocks' tables and draw at most `max_per_class` samples of each class, as :func:`thin_labels` does.

    Raises
    ------
    TrainingError
        If there are no samples.
    """
    samples = pd.concat(list(parts), ignore_index=True) if parts else pd.DataFrame(columns=list(LABEL_COLUMNS))
    if samples.empty:
        raise TrainingError(
            "no label lies on a pixel that was seen",
            where="training",
            mend="check its reference system, dates and area",
        )
    # the order of blocks must leave no trace
    samples = samples.sort_values(["row", "col", "year", "code"], kind="stable", ignore_index=True)
    return thin_labels(samples, max_per_class=max_per_class, seed=seed, block_pixels=block_pixels)


def labelled_years(labels: pd.DataFrame, *, forest_codes: Sequence[int]) -> tuple[int, ...]:
    """Return the years that have labels (columns `year`, `code`) of forest and of something else, ascending."""
    kinds = labels["code"].isin(list(forest_codes)).groupby(labels["year"]).nunique()
    return tuple(int(year) for year in kinds.index[kinds == 2])


def refuse_one_kind(labels: pd.DataFrame, *, forest_codes: Sequence[int]) -> None:
    """Refuse labels (column `code`) that leave nothing to tell apart.

    Raises
    ------
    TrainingError
        If all are forest, or none is.
    """
    is_forest = labels["code"].isin(list(forest_codes))
    if is_forest.all() or not is_forest.any():
        raise TrainingError(
            f"{'all' if is_forest.all() else 'none'} of the labels are forest",
            where="training",
            mend="add labels of what is not forest" if is_forest.all() else "add labels of forest",
        )


def thin_labels(labels: pd.DataFrame, *, max_per_class: int, seed: int, block_pixels: int = 0) -> pd.DataFrame:
    """Draw at most `max_per_class` rows of each `code`, keeping their order.

    Parameters
    ----------
    block_pixels : int
        Side of square blocks of land that share the draw: each gives as many labels of a class as the others, while
        it has them, so that no corner of the area outvotes the rest. 0: all labels are alike.
    """
    random = np.random.default_rng(seed)
    keep = []
    for _, rows in sorted(labels.groupby("code").indices.items()):
        if len(rows) > max_per_class:
            rows = _spread_over(labels, random.permutation(rows), block_pixels)[:max_per_class]
        keep.append(rows)
    return labels.iloc[np.sort(np.concatenate(keep))].reset_index(drop=True)


def _spread_over(labels: pd.DataFrame, rows: np.ndarray, block_pixels: int) -> np.ndarray:
    """Order shuffled rows so that every block's first come before any block's second."""
    if block_pixels < 1:
        return rows
    block = labels.iloc[rows][["row", "col"]].floordiv(block_pixels)
    turn = block.groupby(["row", "col"]).cumcount().to_numpy()
    return rows[np.argsort(turn, kind="stable")]
