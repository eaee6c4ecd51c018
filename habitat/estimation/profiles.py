"""Profile-likelihood intervals: limits that know the likelihood is not a parabola."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

from habitat.estimation.coefficients import Coefficients
from habitat.estimation.maxima import LogLikelihood

Floats = NDArray[np.float64]

_DROP = 1.920729410347062
"""Half the 95% quantile of chi-square with one degree of freedom."""
_REACH = 12.0
"""A limit further than so many standard errors away is none."""


def profile_intervals(loglik: LogLikelihood, found: Coefficients) -> pd.DataFrame:
    """Return 95% profile-likelihood limits of every estimated term (Venzon and Moolgavkar 1988, by root finding).

    Parameters
    ----------
    loglik : callable
        The log-likelihood that `found` maximises.
    found : Coefficients

    Returns
    -------
    DataFrame
        parameter, term, estimate, lower, upper; infinite where the likelihood never falls enough, NaN at a boundary.
    """
    rows = []
    for k, (parameter, term) in enumerate(found.covariance.index):
        se = float(np.sqrt(found.covariance.to_numpy()[k, k]))
        lower = upper = np.nan
        if np.isfinite(se):
            cost = _profile(loglik, found, k)
            lower, upper = (_limit(cost, float(found.raw[k]), side * se) for side in (-1, 1))
        rows.append({"parameter": parameter, "term": term, "estimate": found.raw[k], "lower": lower, "upper": upper})
    return pd.DataFrame(rows)


def _profile(loglik: LogLikelihood, found: Coefficients, k: int) -> Callable[[float], float]:
    """How far the log-likelihood falls, less the drop of the limit, when raw coefficient `k` is held at a value."""
    row = found.to_raw[k]
    along = row / (row @ row)
    others = np.linalg.svd(row[None, :])[2][1:]  # directions that leave the coefficient as it is
    best = found.maximum.at
    begin = [others @ best]

    def cost(value: float) -> float:
        fixed = along * value
        if not len(others):
            return found.maximum.value - loglik(fixed)[0] - _DROP

        def negative(free: Floats) -> tuple[float, Floats]:
            height, slope = loglik(fixed + free @ others)
            return -height, -(others @ slope)

        result = minimize(negative, begin[0], jac=True, method="BFGS", options={"gtol": 1e-6})
        begin[0] = result.x
        return float(found.maximum.value + result.fun - _DROP)

    return cost


def _limit(cost: Callable[[float], float], at: float, step: float) -> float:
    near, far = at, at + 1.5 * step
    while cost(far) < 0:
        near, far = far, far + step
        if abs(far - at) > _REACH * abs(step):
            return float(np.copysign(np.inf, step))
    return float(brentq(cost, near, far, xtol=1e-6 * abs(step)))
