"""Used or not, season after season: the hidden states of cells, and what their histories say of them.

A cell is used in the first season with probability psi; from one season to the next an unused cell is colonised with
probability col, and a used one is left with probability ext (MacKenzie et al. 2003). One season is the case without
steps. With the states' probabilities given the whole history, every gradient of the log-likelihood is a difference
between what the history says happened and what the model expected (Fisher's identity).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

_FAR = 30.0
"""Logits beyond it are as good as never and always: held here, nothing observed is ever quite impossible."""


@dataclass(frozen=True, eq=False)
class StatePaths:
    """What the histories say of the states."""

    loglik: Floats
    """(cell,)."""
    used: Floats
    """(cell, season): probability of use given the whole history."""
    colonised: Floats
    """(cell, step): probability of unused before and used after."""
    left: Floats
    """(cell, step): probability of used before and unused after."""

    def slopes(self, psi: Floats, col: Floats, ext: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the gradients along the logits of psi (cell,), col and ext (cell, step)."""
        before = self.used[:, :-1]
        return (
            self.used[:, 0] - expit(psi),
            self.colonised - expit(col) * (1 - before),
            self.left - expit(ext) * before,
        )


def trace_states(psi: Floats, col: Floats, ext: Floats, unused: Floats, used: Floats) -> StatePaths:
    """Run the forward-backward algorithm over the seasons of all cells at once.

    Parameters
    ----------
    psi : array (cell,)
        Logits.
    col, ext : arrays (cell, step)
        Logits; a step leads from a season to the next.
    unused, used : arrays (cell, season)
        Log-likelihood of each season's records in an unused and in a used cell; 0 and 0 without visits.
    """
    psi, col, ext = (np.clip(logit, -_FAR, _FAR) for logit in (psi, col.T, ext.T))
    top = np.maximum(unused, used).T
    without, with_ = np.exp(unused.T - top), np.exp(used.T - top)  # (season, cell): neighbours in memory
    gain, keep, loss, stay = expit(col), expit(-col), expit(ext), expit(-ext)
    n_seasons = len(top)
    empty, full = np.empty_like(top), np.empty_like(top)  # given the records up to a season
    scale = np.empty_like(top)
    before_empty, before_full = expit(-psi), expit(psi)
    for t in range(n_seasons):
        if t:
            before_empty = empty[t - 1] * keep[t - 1] + full[t - 1] * loss[t - 1]
            before_full = empty[t - 1] * gain[t - 1] + full[t - 1] * stay[t - 1]
        np.multiply(before_empty, without[t], out=empty[t])
        np.multiply(before_full, with_[t], out=full[t])
        np.add(empty[t], full[t], out=scale[t])
        empty[t] /= scale[t]
        full[t] /= scale[t]
    share, colonised, left = np.empty_like(top), np.empty_like(gain), np.empty_like(gain)
    later_empty = later_full = np.ones(len(psi))
    for t in range(n_seasons - 1, -1, -1):
        np.multiply(full[t], later_full, out=share[t])
        if t:
            told_empty = without[t] * later_empty / scale[t]
            told_full = with_[t] * later_full / scale[t]
            colonised[t - 1] = empty[t - 1] * gain[t - 1] * told_full
            left[t - 1] = full[t - 1] * loss[t - 1] * told_empty
            later_empty = keep[t - 1] * told_empty + gain[t - 1] * told_full
            later_full = loss[t - 1] * told_empty + stay[t - 1] * told_full
    loglik = (np.log(scale) + top).sum(axis=0)
    return StatePaths(loglik, share.T, colonised.T, left.T)


def project(psi: Floats, col: Floats, ext: Floats) -> Floats:
    """Return the probability of use in every season (cell, season) that the rates alone foretell."""
    share = [expit(psi)]
    for t in range(col.shape[1]):
        share.append(share[-1] * expit(-ext[:, t]) + (1 - share[-1]) * expit(col[:, t]))
    return np.stack(share, axis=1)
