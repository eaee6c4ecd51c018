"""Yearly maps made consistent: a hidden-Markov chain over the classes of each pixel.

A year's classification is evidence about the state, not the state: trees do not come and go from one year to the next.
The chain weighs each year's evidence against how rarely forest is lost and how slowly it comes back (forward-backward
algorithm; Rabiner 1989; for land cover Abercrombie and Friedl 2016, doi:10.1109/TGRS.2015.2463689). A year that was not
seen gives no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from habitat.change.dynamics import CoverDynamics, forest_dynamics
from habitat.errors import ContractError


@dataclass(frozen=True)
class CoverHistory:
    """What all years together say of each year."""

    posterior: np.ndarray
    """float32 (year, class, ...): probability of each class given all years; NaN where the year was not seen."""
    lost: np.ndarray
    """float32 (year, ...): probability that forest was lost at least once up to that year, given all years; NaN where
    the pixel was seen in fewer than two years."""


def smooth_cover(evidence: np.ndarray, dynamics: CoverDynamics) -> CoverHistory:
    """Return the probability of each class, and of a loss so far, in each year given the evidence of all years.

    Parameters
    ----------
    evidence : float array (year, class, ...)
        Probabilities of each year alone, as of a classifier that was trained on balanced classes; NaN = not seen.
    dynamics : CoverDynamics
        Of the same classes in the same order.

    Returns
    -------
    CoverHistory
        Before the first year that was seen and after the last, nothing is said to have happened.

    Raises
    ------
    ContractError
        If the classes are not as many.
    """
    from habitat.change._chains import smooth

    years, classes, *shape = evidence.shape
    if classes != len(dynamics.forest):
        raise ContractError(f"evidence of {classes} classes, rates of {len(dynamics.forest)}", where="evidence")
    flat = np.ascontiguousarray(evidence, dtype=np.float32).reshape(years, classes, -1)
    posterior, lost = np.empty_like(flat), np.empty((years, flat.shape[-1]), np.float32)
    steps, kept = (rates.astype(np.float32) for rates in (dynamics.transitions, dynamics.lossless))
    smooth(flat, steps, kept, np.float32(dynamics.trust), posterior, lost)
    seen = np.isfinite(flat[:, 0])
    for year in np.flatnonzero(~seen.all(axis=1)):
        posterior[year][:, ~seen[year]] = np.nan
    lost[:, seen.sum(axis=0) < 2] = np.nan
    return CoverHistory(posterior.reshape(evidence.shape), lost.reshape(years, *shape))


def smooth_forest(evidence: np.ndarray, dynamics: CoverDynamics | None = None) -> np.ndarray:
    """Return P(forest) of each year given the evidence of all years: the chain of two classes.

    Parameters
    ----------
    evidence : float array (year, ...)
        P(forest) of each year alone, 0-1, NaN = not seen.
    dynamics : CoverDynamics, optional
        Of not forest and forest; default: :func:`habitat.change.forest_dynamics`.

    Returns
    -------
    float32 array (year, ...)
        NaN where the pixel was not seen in that year: it has no state.
    """
    return two_classes(evidence, dynamics).posterior[:, 1]


def two_classes(evidence: np.ndarray, dynamics: CoverDynamics | None = None) -> CoverHistory:
    """The chain of not forest and forest, from P(forest) (year, ...)."""
    both = np.stack([1 - evidence, evidence], axis=1)
    return smooth_cover(both, dynamics or forest_dynamics())
