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
from habitat.forest.calibration import Temperatures, apply_temperatures, fit_temperatures
from habitat.forest.classifier import CoverModel, class_scores, train_cover

N_FOLDS = 5
LEAST = 1e-6
"""Least probability that is told apart from none."""


@dataclass(frozen=True)
class LeftOut:
    """What was said of each sample by a model that had not seen its block."""

    codes: tuple[int, ...]
    """Classes of all samples."""
    is_forest: np.ndarray
    """bool (class,)"""
    folds: np.ndarray
    """int (sample,): the fold that each was left out with."""
    log_said: np.ndarray
    """float64 (class, sample): logarithms of probabilities before calibration."""
    known: np.ndarray
    """bool (sample,): whether the model that was asked had been taught the sample's class; if not, it gave it no
    probability, and how sure it should be cannot be learnt from the sample."""
    temperatures: Temperatures
    """At which the labels of known classes are likeliest."""
    models: tuple[CoverModel, ...]
    """Of each fold: trained on the others."""
    taught: np.ndarray
    """bool (sample,): which samples models learnt from, where not asked of them."""

    def calibrated(self, at: Temperatures | None = None) -> np.ndarray:
        """Probabilities at some temperatures, by default the fitted ones: float64 (class, sample)."""
        return apply_temperatures(self.log_said, self.is_forest, at or self.temperatures)


def block_numbers(samples: pd.DataFrame, *, block_pixels: int) -> np.ndarray:
    """Number the square block of land that each sample lies in."""
    rows = samples["row"].to_numpy() // block_pixels
    cols = samples["col"].to_numpy() // block_pixels
    return rows * (cols.max() + 1) + cols


def leave_blocks_out(
    samples: pd.DataFrame,
    *,
    forest_codes: Sequence[int],
    block_pixels: int,
    seed: int,
    taught: np.ndarray | None = None,
) -> LeftOut:
    """Train on some blocks of land and ask of the others, in turn.

    Parameters
    ----------
    taught : bool array (sample,), optional
        Which samples models may learn from, by default all; they are asked of all.

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
    truth = samples["code"].to_numpy(dtype=int)
    said = np.full((len(codes), len(samples)), LEAST)
    known = np.zeros(len(samples), dtype=bool)
    models = []
    taught = np.ones(len(samples), dtype=bool) if taught is None else taught
    splits = [
        (train[taught[train]], test) for train, test in GroupKFold(min(N_FOLDS, n_blocks)).split(samples, groups=groups)
    ]
    _check_kinds(np.isin(truth, list(forest_codes)), [train for train, _ in splits])
    for fold, (train, test) in enumerate(splits):
        model = train_cover(samples.iloc[train], forest_codes=forest_codes, seed=seed)
        folds[test] = fold
        said[np.ix_(np.searchsorted(codes, model.codes), test)] = ask(model, samples.iloc[test])
        known[test] = np.isin(truth[test], model.codes)
        models.append(model)
    log_said = np.log(np.maximum(said, LEAST))
    is_forest = np.isin(codes, list(forest_codes))
    at = fit_temperatures(log_said[:, known], np.searchsorted(codes, truth[known]), is_forest)
    return LeftOut(tuple(codes.tolist()), is_forest, folds, log_said, known, at, tuple(models), taught)


def _check_kinds(is_forest: np.ndarray, trains: Sequence[np.ndarray]) -> None:
    """Raise if labels of forest, or of the rest, lie in one fold alone: without it nobody could teach them."""
    for lacking, kind in (("forest", is_forest), ("everything else", ~is_forest)):
        if kind.any() and not all(kind[train].any() for train in trains):
            raise TrainingError(
                f"labels of {lacking} lie in one part of the area alone: the map's accuracy cannot be judged",
                where="training",
                mend=f"add labels of {lacking} in other parts of the area",
            )


def ask(model: CoverModel, samples: pd.DataFrame) -> np.ndarray:
    """What a model says of samples before calibration: probabilities (class, sample)."""
    table = samples[list(model.predictors)].to_numpy(dtype=np.float32).T
    return probabilities(class_scores(model, np.ascontiguousarray(table)))


def calibrate(
    model: CoverModel,
    found: LeftOut,
    samples: pd.DataFrame,
    *,
    forest_codes: Sequence[int],
    seed: int,
    carried: pd.DataFrame | None = None,
) -> CoverModel:
    """Return the model with temperatures and an area of applicability, learnt from what others left out.

    Years without labels have temperatures of their own, never cooler: those of labels whose block *and* year were left
    out, where half the years teach and the other half asks; labels carried to such years make the model better than
    that. Where all labels are of one year nothing tells how far others can be believed, and the years' own are used: on
    simulated landscapes they fit (docs/adr/0014), and the area of applicability shows where they cannot.

    Parameters
    ----------
    model : CoverModel
        Of all samples that may be learnt from.
    found : LeftOut
        Of the same samples.
    carried : DataFrame, optional
        Labels in the years without any, from which the model learnt too: the area of applicability holds them.
    """
    taught = samples.assign(fold=found.folds)[found.taught]
    if carried is not None and len(carried):
        of_place = taught.drop_duplicates(["row", "col"])[["row", "col", "fold"]]
        taught = pd.concat([taught, carried.merge(of_place, on=["row", "col"])], ignore_index=True)
    table = taught[list(model.predictors)].to_numpy(dtype=np.float64)
    codes, folds = (taught[name].to_numpy(dtype=int) for name in ("code", "fold"))
    own, other = found.temperatures, _other_years(found, samples, forest_codes, seed) or found.temperatures
    return replace(
        model,
        own_years=own,
        other_years=Temperatures(max(own.kind, other.kind), max(own.within, other.within)),
        applicability=learn_applicability(table, codes, folds),
    )


def _other_years(found: LeftOut, samples: pd.DataFrame, forest_codes: Sequence[int], seed: int) -> Temperatures | None:
    """Temperatures of samples whose block and year were left out; None if there is one year only, or nothing known."""
    years, truth = samples["year"].to_numpy(dtype=int), samples["code"].to_numpy(dtype=int)
    codes = np.array(found.codes)
    half = np.searchsorted(np.unique(years), years) % 2
    said = np.full(found.log_said.shape, LEAST)
    asked = np.zeros(len(truth), dtype=bool)
    for fold in np.unique(found.folds):
        for side in (0, 1):
            train = found.taught & (found.folds != fold) & (half != side)
            test = (found.folds == fold) & (half == side)
            kinds = samples["code"][train].isin(list(forest_codes)).nunique()
            if test.any() and kinds == 2:
                other = train_cover(samples[train], forest_codes=forest_codes, seed=seed)
                said[np.ix_(np.searchsorted(codes, other.codes), np.flatnonzero(test))] = ask(other, samples[test])
                asked[test] = np.isin(truth[test], other.codes)
    if not asked.any():
        return None
    log_said = np.log(np.maximum(said[:, asked], LEAST))
    return fit_temperatures(log_said, np.searchsorted(codes, truth[asked]), found.is_forest)
