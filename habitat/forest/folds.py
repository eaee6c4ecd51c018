"""What models say of land that they have not seen: blocks of land, and years, are left out in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from habitat.errors import TrainingError
from habitat.forest.applicability import learn_applicability
from habitat.forest.boosting import probabilities
from habitat.forest.calibration import fit_temperature
from habitat.forest.classifier import OTHER_YEAR, CoverModel, predictors_of, train_cover

N_FOLDS = 5
LEAST = 1e-6
"""Least probability that is told apart from none."""


@dataclass(frozen=True)
class LeftOut:
    """What was said of each sample by a model that had not seen its block."""

    codes: tuple[int, ...]
    """Classes of all samples."""
    folds: np.ndarray
    """int (sample,): the fold that each was left out with."""
    log_said: np.ndarray
    """float64 (class, sample): logarithms of probabilities before calibration."""
    temperature: float
    """At which the labels are likeliest."""
    models: tuple[CoverModel, ...]
    """Of each fold: trained on the others."""

    def calibrated(self, temperature: float | None = None) -> np.ndarray:
        """Probabilities at a temperature, by default the fitted one: float64 (class, sample)."""
        return probabilities(self.log_said / (temperature or self.temperature))


def block_numbers(samples: pd.DataFrame, *, block_pixels: int) -> np.ndarray:
    """Number the square block of land that each sample lies in."""
    rows = samples["row"].to_numpy() // block_pixels
    cols = samples["col"].to_numpy() // block_pixels
    return rows * (cols.max() + 1) + cols


def leave_blocks_out(samples: pd.DataFrame, *, forest_codes: Sequence[int], block_pixels: int, seed: int) -> LeftOut:
    """Train on some blocks of land and ask of the others, in turn.

    Raises
    ------
    TrainingError
        If the labels lie in fewer than two blocks, or forest or the rest in one fold alone.
    """
    groups = block_numbers(samples, block_pixels=block_pixels)
    n_blocks = len(np.unique(groups))
    if n_blocks < 2:
        raise TrainingError(
            "all labels lie in one block of land: the map's accuracy cannot be judged",
            where="training",
            mend="spread the labels over the area",
        )
    codes = np.unique(samples["code"].to_numpy(dtype=int))
    folds = np.zeros(len(samples), dtype=int)
    said = np.full((len(codes), len(samples)), LEAST)
    models = []
    for fold, (train, test) in enumerate(GroupKFold(min(N_FOLDS, n_blocks)).split(samples, groups=groups)):
        model = train_cover(samples.iloc[train], forest_codes=forest_codes, seed=seed)
        folds[test] = fold
        said[np.ix_(np.searchsorted(codes, model.codes), test)] = ask(model, samples.iloc[test])
        models.append(model)
    log_said = np.log(np.maximum(said, LEAST))
    target = np.searchsorted(codes, samples["code"].to_numpy(dtype=int))
    temperature = fit_temperature(log_said, target)
    return LeftOut(tuple(codes.tolist()), folds, log_said, temperature, tuple(models))


def ask(model: CoverModel, samples: pd.DataFrame) -> np.ndarray:
    """What a model says of samples before calibration: probabilities (class, sample)."""
    table = samples[list(model.predictors)].to_numpy(dtype=np.float32).T
    return probabilities(model.estimator.score_columns(np.ascontiguousarray(table)))


def calibrate(
    model: CoverModel, found: LeftOut, samples: pd.DataFrame, *, forest_codes: Sequence[int], seed: int
) -> CoverModel:
    """Return the model with temperatures and an area of applicability, learnt from what others left out.

    The temperature of years without labels is that of labels whose block *and* year were left out: half the years
    teach, the other half asks. Where all labels are of one year it is :data:`OTHER_YEAR` times the years' own.

    Parameters
    ----------
    model : CoverModel
        Of all samples.
    found : LeftOut
        Of the same samples.
    """
    table = samples[list(predictors_of(samples))].to_numpy(dtype=np.float64)
    codes = samples["code"].to_numpy(dtype=int)
    return replace(
        model,
        temperature=found.temperature,
        temperature_other=max(
            found.temperature, _other_years(found, samples, forest_codes, seed) or OTHER_YEAR * found.temperature
        ),
        applicability=learn_applicability(table, codes, found.folds),
    )


def _other_years(found: LeftOut, samples: pd.DataFrame, forest_codes: Sequence[int], seed: int) -> float | None:
    """Temperature of samples whose block and year were left out; None if there is one year only."""
    years = samples["year"].to_numpy(dtype=int)
    codes = np.array(found.codes)
    half = np.searchsorted(np.unique(years), years) % 2
    said = np.full(found.log_said.shape, np.nan)
    for fold in np.unique(found.folds):
        for side in (0, 1):
            train, test = (found.folds != fold) & (half != side), (found.folds == fold) & (half == side)
            kinds = samples["code"][train].isin(list(forest_codes)).nunique()
            if test.any() and kinds == 2:
                other = train_cover(samples[train], forest_codes=forest_codes, seed=seed)
                said[:, test] = LEAST
                said[np.ix_(np.searchsorted(codes, other.codes), np.flatnonzero(test))] = ask(other, samples[test])
    asked = np.isfinite(said).all(axis=0)
    if not asked.any():
        return None
    target = np.searchsorted(codes, samples["code"].to_numpy(dtype=int))
    return fit_temperature(np.log(np.maximum(said[:, asked], LEAST)), target[asked])
