"""Probabilities that mean what they say: of pixels said to be forest with 80%, 80% are.

Scores are divided by one number, the temperature, before they become probabilities (Guo et al. 2017,
arXiv:1706.04599). It is fitted to predictions of land that the model had not seen, it cannot change which class is
likeliest, and one number is all that a few hundred labels can carry.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from habitat.forest.boosting import probabilities

N_BINS = 10
"""Bins of equal width between 0 and 1, of :func:`reliability`."""
COLDEST, HOTTEST = 0.2, 10.0
"""Between which a temperature is sought."""


def fit_temperature(scores: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the temperature at which the labels are likeliest.

    Parameters
    ----------
    scores : float array (output, sample)
        Of samples that the model had not seen.
    target : int array (sample,)
        Number of the true class; -1 = a class that the model does not know, which does not count.
    weight : float array (sample,), optional

    Returns
    -------
    float
        Above 1 where the scores were too sure, below where they were too timid; 1 without a sample that counts.
    """
    known = target >= 0
    if not known.any():
        return 1.0
    scores, target = scores[:, known].astype(np.float64), target[known]
    weight = np.ones(len(target)) if weight is None else weight[known]

    def loss(log_temperature: float) -> float:
        said = probabilities(scores / np.exp(log_temperature))[target, np.arange(len(target))]
        return float(-(weight * np.log(np.maximum(said, 1e-12))).sum() / weight.sum())

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


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
