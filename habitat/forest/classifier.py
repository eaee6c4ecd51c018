"""The classifier: boosted symmetric trees on the predictors of a pixel and year, with calibrated probabilities.

Classes are weighted so that rare ones are not voted down. How sure the trees may be is learnt from land that they had
not seen, apart for years with labels and for years without: see docs/adr/0014.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.utils.class_weight import compute_sample_weight

from habitat.cubes import FEATURES
from habitat.errors import ContractError
from habitat.forest.applicability import Applicability, dissimilarity
from habitat.forest.boosting import SymmetricTrees
from habitat.forest.calibration import NEUTRAL, Temperatures, apply_temperatures
from habitat.forest.training import LABEL_COLUMNS, labelled_years, refuse_one_kind, with_missing_seasons
from habitat.legend import UNKNOWN

N_TREES = 100
AT_ONCE = 4096
"""Pixels that are answered for together: few enough for their predictors and answers to stay in a core's own cache."""


@dataclass(frozen=True)
class CoverModel:
    """A fitted classifier and what it needs to be used."""

    estimator: SymmetricTrees
    predictors: tuple[str, ...]
    """In the order in which it was trained."""
    codes: tuple[int, ...]
    """Legend codes in the order of its probabilities."""
    forest_codes: tuple[int, ...]
    """Those of them that are forest."""
    label_years: tuple[int, ...]
    """Years with labels of forest and of something else."""
    own_years: Temperatures = NEUTRAL
    """Of the years with labels."""
    other_years: Temperatures = NEUTRAL
    """Of the years without."""
    applicability: Applicability | None = None
    """Where it may be believed; None until it was learnt."""
    elsewhen: SymmetricTrees | None = None
    """Of the years without labels: it learnt from labels carried there as well. None: there were none."""

    def trees_of(self, *, own_year: bool) -> SymmetricTrees:
        """Those that are asked of a year with labels of its own, or of one without."""
        return self.estimator if own_year or self.elsewhen is None else self.elsewhen


def train_cover(
    samples: pd.DataFrame, *, forest_codes: Sequence[int], seed: int, carried: pd.DataFrame | None = None
) -> CoverModel:
    """Fit the classifier, not calibrated yet: :func:`habitat.forest.calibrate` does that.

    Parameters
    ----------
    samples : DataFrame
        `year`, `code` and one column a predictor, as :func:`habitat.forest.stack_samples` returns.
    forest_codes : sequence of int
        Codes of the classes that are forest.
    seed : int
        Of the trees; the same samples and seed give the same model.
    carried : DataFrame, optional
        Labels in the years without any, of :func:`habitat.forest.carry_labels`: a second classifier learns from them
        too, and is asked of those years. The first, of the years with labels, stays as it is.

    Raises
    ------
    TrainingError
        If all samples are forest, or none is.
    """
    refuse_one_kind(samples, forest_codes=forest_codes)
    own_years = labelled_years(samples, forest_codes=forest_codes)
    predictors = predictors_of(samples)
    estimator = _fit(samples, predictors, seed)
    has_more = carried is not None and len(carried) > 0
    return CoverModel(
        estimator,
        predictors,
        tuple(int(code) for code in estimator.classes_),
        tuple(int(code) for code in estimator.classes_ if code in forest_codes),
        own_years,
        elsewhen=_fit(pd.concat([samples, carried], ignore_index=True), predictors, seed) if has_more else None,
    )


def _fit(samples: pd.DataFrame, predictors: Sequence[str], seed: int) -> SymmetricTrees:
    samples = with_missing_seasons(samples)
    codes = samples["code"].to_numpy(dtype=int)
    weight = compute_sample_weight("balanced", codes)
    trees = SymmetricTrees(n_trees=N_TREES, random_state=seed)
    return trees.fit(samples[list(predictors)].to_numpy(dtype=np.float32), codes, sample_weight=weight)


def predictors_of(samples: pd.DataFrame) -> tuple[str, ...]:
    """Names of a training table's predictors."""
    return tuple(str(name) for name in samples.columns if name not in LABEL_COLUMNS)


def predict_cover(model: CoverModel, features: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
    return split_forest(model, predict_classes(model, features))


def predict_classes(model: CoverModel, features: xr.Dataset) -> np.ndarray:
    """Return the probability of every class, pixel and year of FEATURES, given that year alone.

    Returns
    -------
    float32 array (year, class, y, x)
        Classes in the order of `model.codes`; NaN where nothing was seen.

    Raises
    ------
    ContractError
        If a predictor of the model is missing.
    """
    years, height, width = (features.sizes[dim] for dim in FEATURES.dims)
    said = np.empty((years, len(model.codes), height * width), dtype=np.float32)
    is_forest = np.isin(model.codes, model.forest_codes)
    is_own = [int(year) in model.label_years for year in features["year"].values]
    scorers = {own: model.trees_of(own_year=own).column_scorer() for own in set(is_own)}
    for year, part, table in _tables(model, features):
        own = is_own[year]
        here = apply_temperatures(
            _of_every_class(scorers[own](table)), is_forest, model.own_years if own else model.other_years
        )
        here[:, _unseen(table)] = np.nan
        said[year][:, part] = here
    return said.reshape(years, len(model.codes), height, width)


def class_scores(model: CoverModel, table: np.ndarray, *, own_year: bool = True) -> np.ndarray:
    """Scores of every class, float32 (class, sample), of a float32 table (predictor, sample), before calibration."""
    return _of_every_class(model.trees_of(own_year=own_year).score_columns(table))


def _of_every_class(scores: np.ndarray) -> np.ndarray:
    """Scores (class, sample) of (output, sample): of two classes, the trees tell the odds of the second."""
    return np.concatenate([np.zeros_like(scores), scores]) if len(scores) == 1 else scores


def split_forest(model: CoverModel, said: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P(forest), likeliest forest code and likeliest other code of class probabilities (year, class, ...)."""
    from habitat.forest._splitting import split

    assert UNKNOWN == 0, "as the kernel has it"
    codes = np.array(model.codes, dtype=np.uint8)
    is_forest = np.isin(codes, list(model.forest_codes))
    years, classes, *shape = said.shape
    flat = np.ascontiguousarray(said, dtype=np.float32).reshape(years, classes, -1)
    p_forest = np.empty((years, flat.shape[-1]), dtype=np.float32)
    best = np.empty((2, years, flat.shape[-1]), dtype=np.uint8)
    for year in range(years):
        split(flat[year], is_forest, codes, p_forest[year], best[:, year])
    best = best.reshape(2, years, *shape)
    return p_forest.reshape(years, *shape), best[0], best[1]


def predict_dissimilarity(model: CoverModel, features: xr.Dataset) -> np.ndarray:
    """Return how unlike the training samples every pixel and year of FEATURES is, float32 (year, y, x).

    Above `model.applicability.threshold` the model is asked for what it did not learn; NaN where nothing was seen.

    Raises
    ------
    ContractError
        If a predictor of the model is missing, or its applicability was not learnt.
    """
    if model.applicability is None:
        raise ContractError("the model's area of applicability was not learnt", where="model", mend="calibrate it")
    years, height, width = (features.sizes[dim] for dim in FEATURES.dims)
    index = np.empty((years, height * width), dtype=np.float32)
    for year, part, table in _tables(model, features):
        index[year, part] = dissimilarity(model.applicability, table)
    return index.reshape(years, height, width)


def _tables(model: CoverModel, features: xr.Dataset) -> Iterator[tuple[int, slice, np.ndarray]]:
    """Number of a year, `AT_ONCE` of its pixels, and the model's predictors of them, float32 (predictor, pixel).

    The table is filled anew each time: what is kept of it must be copied.
    """
    FEATURES.check(features)
    missing = [name for name in model.predictors if name not in features]
    if missing:
        raise ContractError(f"predictor {missing[0]!r} of the model is missing", where="FEATURES")
    layers = [features.variables[name].values for name in model.predictors]
    pixels = features.sizes["y"] * features.sizes["x"]
    whole = np.empty((len(layers), min(pixels, AT_ONCE)), dtype=np.float32)
    for year in range(features.sizes["year"]):
        flat = [layer[year].reshape(-1) for layer in layers]
        for start in range(0, pixels, AT_ONCE):
            part = slice(start, min(start + AT_ONCE, pixels))
            table = whole if part.stop - start == len(whole[0]) else np.empty_like(whole[:, : part.stop - start])
            for values, row in zip(flat, table, strict=True):
                row[:] = values[part]
            yield year, part, table


def _unseen(table: np.ndarray) -> np.ndarray:
    """Where all predictors of a table (predictor, pixel) are missing."""
    unseen = ~np.isfinite(table[0])
    unseen[unseen] = ~np.isfinite(table[:, unseen]).any(axis=0)
    return unseen
