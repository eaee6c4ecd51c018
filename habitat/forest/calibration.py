"""Probabilities that mean what they say: of pixels said to be forest with 80%, 80% are.

Scores are divided by a temperature before they become probabilities (Guo et al. 2017, arXiv:1706.04599). There are two:
one of the odds of forest against the rest, and one of the classes within each of these kinds. Larch and oak are told
apart less surely than forest and meadow, and one number for both would doubt the forest because it doubts the oak.
They are fitted to predictions of land that the model had not seen; they change neither which kind is likelier nor
which class within it, and two numbers are what a few hundred labels can carry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

N_BINS = 10
"""Bins of equal width between 0 and 1, of :func:`reliability`."""
COLDEST, HOTTEST = 0.2, 10.0
"""Between which a temperature is sought."""
LEAST = 1e-12


@dataclass(frozen=True)
class Temperatures:
    """Above 1 where scores were too sure, below where they were too timid."""

    kind: float = 1.0
    """Of forest against the rest."""
    within: float = 1.0
    """Of the classes of a kind."""


NEUTRAL = Temperatures()


def apply_temperatures(scores: np.ndarray, is_forest: np.ndarray, at: Temperatures) -> np.ndarray:
    """Return calibrated probabilities.

    Parameters
    ----------
    scores : float array (class, ...)
        Logarithms of probabilities, up to a constant of each sample.
    is_forest : bool array (class,)
        Some of them are, and some are not.
    at : Temperatures

    Returns
    -------
    array (class, ...)
        As `scores`.
    """
    said = np.empty_like(scores)
    logs = []
    for kind in (is_forest, ~is_forest):
        own = scores[kind]
        top = own.max(axis=0)
        own -= top
        logs.append(top + np.log(np.exp(own).sum(axis=0)))
        share = np.exp(own / own.dtype.type(at.within))
        said[kind] = share / share.sum(axis=0)
    with np.errstate(over="ignore"):
        p_forest = 1 / (1 + np.exp((logs[1] - logs[0]) / scores.dtype.type(at.kind)))
    said[is_forest] *= p_forest
    said[~is_forest] *= 1 - p_forest
    return said


def fit_temperatures(scores: np.ndarray, target: np.ndarray, is_forest: np.ndarray) -> Temperatures:
    """Return the temperatures at which the labels are likeliest.

    Parameters
    ----------
    scores : float array (class, sample)
        Logarithms of probabilities of samples that the model had not seen, up to a constant of each.
    target : int array (sample,)
        Number of the true class.
    is_forest : bool array (class,)

    Returns
    -------
    Temperatures
        Of no samples: neutral.
    """
    if not len(target):
        return NEUTRAL
    scores, every = scores.astype(np.float64), np.arange(len(target))
    own = is_forest[target]

    def loss_of_kind(kind: float) -> float:
        p_forest = apply_temperatures(scores, is_forest, Temperatures(kind=kind))[is_forest].sum(axis=0)
        return _loss(np.where(own, p_forest, 1 - p_forest))

    def loss_within(within: float) -> float:
        said = apply_temperatures(scores, is_forest, Temperatures(within=within))
        of_kind = np.where(own, said[is_forest].sum(axis=0), said[~is_forest].sum(axis=0))
        return _loss(said[target, every] / np.maximum(of_kind, LEAST))

    return Temperatures(_coolest(loss_of_kind), _coolest(loss_within))


def _loss(said: np.ndarray) -> float:
    return float(-np.log(np.clip(said, LEAST, 1)).mean())


def _coolest(loss: Callable[[float], float]) -> float:
    """The temperature of least loss."""
    ends = (np.log(COLDEST), np.log(HOTTEST))
    return float(np.exp(minimize_scalar(lambda log: loss(float(np.exp(log))), bounds=ends, method="bounded").x))


def reliability(said: np.ndarray, true: np.ndarray, *, n_bins: int = N_BINS) -> pd.DataFrame:
    """Compare what was said with what was true, in bins of equal width.

    Parameters
    ----------
    said : float array (sample,)
        Probabilities, 0-1.
    true : bool array (sample,)

    Returns
    -------
    DataFrame
        One row a bin that holds samples: `low`, `high`, `n`, `said` (mean) and `true` (share).

    >>> reliability(np.array([0.1, 0.9, 0.95]), np.array([False, True, False]), n_bins=2)
       low  high  n   said  true
    0  0.0   0.5  1  0.100   0.0
    1  0.5   1.0  2  0.925   0.5
    """
    bins = np.minimum((np.asarray(said) * n_bins).astype(int), n_bins - 1)
    rows = [
        (b / n_bins, (b + 1) / n_bins, int(here.sum()), float(said[here].mean()), float(true[here].mean()))
        for b in range(n_bins)
        if (here := bins == b).any()
    ]
    return pd.DataFrame(rows, columns=["low", "high", "n", "said", "true"])


def calibration_error(said: np.ndarray, true: np.ndarray, *, n_bins: int = N_BINS) -> float:
    """Return the expected calibration error: the mean distance of said and true over bins, by their samples.

    Naeini et al. 2015, AAAI 29, 2901-2907. Bins are those of :func:`reliability`.

    >>> calibration_error(np.array([0.1, 0.9, 0.95]), np.array([False, True, False]), n_bins=2)
    0.3166...
    """
    table = reliability(said, true, n_bins=n_bins)
    return float(((table["said"] - table["true"]).abs() * table["n"]).sum() / table["n"].sum())
