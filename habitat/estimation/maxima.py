"""Maximum likelihood: the maximum, its curvature, and the standard errors that follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from habitat.errors import EstimationError

Floats = NDArray[np.float64]
LogLikelihood = Callable[[Floats], tuple[float, Floats]]
"""Parameters to (log-likelihood, its gradient)."""

Z95 = 1.959963984540054
"""Half a 95% interval, in standard errors."""

FLAT_SD = 10.0
"""A direction is flat when its standard deviation passes this: no data tell a logit of 10 from one of 20."""


@dataclass(frozen=True)
class Maximum:
    """Where a log-likelihood is largest, and how sharply."""

    at: Floats
    value: float
    information: Floats
    """Observed information: minus the Hessian."""
    converged: bool


def maximise(
    loglik: LogLikelihood, size: int, *, starts: int = 5, seed: int = 0, first: Floats | None = None
) -> Maximum:
    """Maximise a log-likelihood of `size` parameters of order one, from several starts.

    BFGS from `first` (default 0) and from `starts` - 1 draws of N(first, 1); Newton steps polish the best.

    Raises
    ------
    EstimationError
        If no start leads to a finite log-likelihood.
    """
    draws = np.random.default_rng(seed).standard_normal((starts, size))
    draws[0] = 0.0
    draws += 0.0 if first is None else first

    def cost(theta: Floats) -> tuple[float, Floats]:
        value, slope = loglik(theta)
        return -value, -slope

    found = [minimize(cost, start, jac=True, method="BFGS", options={"gtol": 1e-6}) for start in draws]
    finite = [result for result in found if np.isfinite(result.fun)]
    if not finite:
        raise EstimationError("the likelihood is not finite anywhere", mend="check the covariates for extreme values")
    at = np.asarray(min(finite, key=lambda result: result.fun).x, dtype=float)
    value, slope = loglik(at)
    information = -hessian(loglik, at)
    for _ in range(10):
        if np.abs(slope).max() < 1e-8 or np.linalg.eigvalsh(information)[0] < FLAT_SD**-2:
            break
        step = np.linalg.solve(information, slope)
        after, slope_after = loglik(at + step)
        if not np.abs(slope_after).max() < np.abs(slope).max():
            break
        at, value, slope = at + step, after, slope_after
        information = -hessian(loglik, at)
    top = np.linalg.eigvalsh(information)
    return Maximum(at, value, information, bool(np.abs(slope).max() < 1e-4 and top[0] > -1e-4 * max(top[-1], 1.0)))


def hessian(loglik: LogLikelihood, at: Floats, *, step: float = 1e-5) -> Floats:
    """Return the symmetric matrix of second derivatives, by central differences of the exact gradient."""
    shifts = step * np.eye(len(at))
    rows = [(loglik(at + shift)[1] - loglik(at - shift)[1]) / (2 * step) for shift in shifts]
    square = np.array(rows).reshape(len(at), len(at))
    return (square + square.T) / 2


def covariance_of(
    maximum: Maximum, to_raw: Floats, scale: Floats, reach: Floats | None = None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the covariance of raw coefficients, and which of them sit at a boundary or are told by nothing.

    Those are the ones that a flat direction of the likelihood moves; those whose standard error is no number; and
    those that, where their own covariate speaks, lie beyond a logit of 10 or know it no better than that, and do not
    differ from 0 (|estimate| < 1.96 standard errors): complete separation, or a level that hardly occurs. They have
    rows of NaN; the others' covariance holds them fixed where they are.

    Parameters
    ----------
    to_raw : array (k, k)
        Raw coefficients = to_raw @ parameters of `maximum`.
    scale : array (k,)
        Typical size of each raw coefficient's covariate.
    reach : array (k,), optional
        Size of what each covariate says beyond the others, where it says it; default `scale`.
    """
    values, vectors = np.linalg.eigh(maximum.information)
    flat = values < FLAT_SD**-2
    moved = np.abs(to_raw @ vectors[:, flat]) * scale[:, None]
    boundary = (moved > 0.1 * moved.max(axis=0, initial=0.0)).any(axis=1)
    raw, reach = to_raw @ maximum.at, scale if reach is None else reach
    while True:
        covariance, boundary = _with_fixed(maximum.information, to_raw, scale, boundary)
        with np.errstate(invalid="ignore"):
            se = np.sqrt(np.diag(covariance))
        far = np.maximum(np.abs(raw), se) * reach > FLAT_SD
        lost = ~boundary & (~np.isfinite(se) | (far & (np.abs(raw) < Z95 * se)))
        if not lost.any():
            return covariance, boundary
        boundary = boundary | lost


def _with_fixed(
    whitened: Floats, to_raw: Floats, scale: Floats, fixed: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Covariance of raw coefficients with some held fixed, NaN for those; all are, if the rest is flat even so."""
    if not fixed.any():
        return to_raw @ np.linalg.inv(whitened) @ to_raw.T, fixed
    # That part of the raw information, inverted in units in which all coefficients are of one size.
    covariance = np.full(whitened.shape, np.nan)
    free = np.flatnonzero(~fixed)
    if len(free):
        to_units = np.linalg.inv(to_raw) / scale
        information = (to_units.T @ whitened @ to_units)[np.ix_(free, free)]
        if np.linalg.eigvalsh(information)[0] < FLAT_SD**-2:
            return covariance, np.ones_like(fixed)
        covariance[np.ix_(free, free)] = np.linalg.inv(information) / np.outer(scale[free], scale[free])
    return covariance, fixed


# -- what follows ---------------------------------------------------------------------------------------


def aic(loglik: float, n_parameters: int) -> float:
    """Return Akaike's information criterion (Akaike 1974)."""
    return 2.0 * n_parameters - 2.0 * loglik


def linear_predictor(matrix: Floats, coefficients: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Return the predictor of each row of `matrix` and its standard error.

    NaN where a row is NaN, or where it uses a coefficient at a boundary (a NaN on the covariance's diagonal).
    """
    free = np.isfinite(np.diag(covariance))
    rows = matrix[:, free]
    eta = rows @ coefficients[free]
    variance = np.einsum("ij,jk,ik->i", rows, covariance[np.ix_(free, free)], rows)
    lost = (matrix[:, ~free] != 0).any(axis=1)
    return np.where(lost, np.nan, eta), np.where(lost, np.nan, np.sqrt(np.maximum(variance, 0)))


def probability(eta: Floats, se: Floats) -> pd.DataFrame:
    """Return `estimate`, `se`, `lower` and `upper` (95%) of probabilities whose logits have standard errors.

    The standard error by the delta method, the limits by their logits, so that they stay within 0 and 1.
    """
    middle = expit(eta)
    return pd.DataFrame(
        {
            "estimate": middle,
            "se": middle * (1 - middle) * se,
            "lower": expit(eta - Z95 * se),
            "upper": expit(eta + Z95 * se),
        }
    )
