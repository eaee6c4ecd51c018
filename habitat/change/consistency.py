"""Yearly maps made consistent: a hidden-Markov chain of two states, forest and not forest, per pixel.

A year's classification is evidence about the state, not the state: trees do not come and go from one year
to the next. The chain weighs each year's evidence against how rarely forest is lost and how slowly it comes
back (forward-backward algorithm; Rabiner 1989; for land cover Abercrombie and Friedl 2016,
doi:10.1109/TGRS.2015.2463689). A year that was not seen gives no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ForestDynamics:
    """How forest changes from one year to the next, and how far a single year's map is believed."""

    loss_rate: float = 0.05
    """Probability that a forest pixel is not forest a year later. Above what is usual (0.3-1% a year, Hansen
    et al. 2013, doi:10.1126/science.1244693), so that a place that is being logged is not smoothed over."""
    gain_rate: float = 0.005
    """Probability that a pixel without forest carries forest a year later: crowns close over decades."""
    trust: float = 0.99
    """A year's P(forest) is held between 1 - trust and trust."""

    @property
    def transitions(self) -> np.ndarray:
        """Row: state of the year before; column: of the year. 0 = not forest, 1 = forest."""
        return np.array([[1 - self.gain_rate, self.gain_rate], [self.loss_rate, 1 - self.loss_rate]])


def likelihoods(evidence: np.ndarray, dynamics: ForestDynamics) -> np.ndarray:
    """Likelihood of each state given each year alone.

    Parameters
    ----------
    evidence : float array (year, ...)
        P(forest) of each year alone, 0-1, NaN = not seen.

    Returns
    -------
    float32 array (year, 2, ...)
        1 for both states where nothing was seen.
    """
    p = np.clip(evidence, 1 - dynamics.trust, dynamics.trust).astype(np.float32)
    both = np.stack([1 - p, p], axis=1)
    return np.where(np.isnan(both), np.float32(1), both)


def forward(likelihood: np.ndarray, transitions: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scaled forward pass over the years from the first that was seen to the last.

    Parameters
    ----------
    likelihood : float array (year, 2, ...)
    transitions : float array (2, 2)
        Rows need not sum to one: what is struck out has no probability.
    seen : bool array (year, ...)
        Before the first seen year and after the last, nothing can be said to have happened.

    Returns
    -------
    states : float array (year, 2, ...)
        P(state | evidence up to that year).
    log_evidence : float array (...)
        Log of the evidence's total probability; -inf where `transitions` forbid it.
    """
    states = np.empty(likelihood.shape)
    log_evidence = np.zeros(likelihood.shape[2:])
    prior = np.full((2, *likelihood.shape[2:]), 0.5)
    moving = np.logical_or.accumulate(seen)[:-1] & np.logical_or.accumulate(seen[::-1])[::-1][1:]
    for year in range(len(likelihood)):
        if year:
            before = states[year - 1]
            prior = np.where(moving[year - 1], np.einsum("ij,i...->j...", transitions, before), before)
        joint = prior * likelihood[year]
        total = joint.sum(axis=0)
        states[year] = joint / total
        log_evidence += np.log(total)
    return states, log_evidence


def smooth_forest(evidence: np.ndarray, dynamics: ForestDynamics | None = None) -> np.ndarray:
    """Return P(forest) of each year given the evidence of all years.

    Parameters
    ----------
    evidence : float array (year, ...)
        P(forest) of each year alone, 0-1, NaN = not seen.
    dynamics : ForestDynamics, optional

    Returns
    -------
    float32 array (year, ...)
        NaN where the pixel was not seen in that year: it has no state.
    """
    dynamics = dynamics or ForestDynamics()
    likelihood = likelihoods(evidence, dynamics)
    states, _ = forward(likelihood, dynamics.transitions, np.isfinite(evidence))
    later = np.ones(states.shape[1:])
    for year in range(len(states) - 1, -1, -1):
        posterior = states[year] * later
        states[year] = posterior / posterior.sum(axis=0)
        later = np.einsum("ij,j...->i...", dynamics.transitions, likelihood[year] * later)
        later /= later.sum(axis=0)
    return np.where(np.isnan(evidence), np.nan, states[:, 1]).astype(np.float32)
