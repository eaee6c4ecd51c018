"""Maxima, their curvature, and what is not estimated because nothing tells it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, log_expit

from habitat.errors import EstimationError
from habitat.estimation import Design, aic, covariance_of, hessian, linear_predictor, maximise, probability
from habitat.estimation.coefficients import _reach
from habitat.estimation.maxima import Maximum


def binomial(seen: float, tried: float):
    def loglik(theta):
        value = seen * log_expit(theta[0]) + (tried - seen) * log_expit(-theta[0])
        return float(value), np.array([seen - tried * expit(theta[0])])

    return loglik


def test_a_binomial_by_hand():
    best = maximise(binomial(20, 80), 1)
    covariance, boundary = covariance_of(best, np.eye(1), np.ones(1))
    assert best.converged
    assert best.at[0] == pytest.approx(np.log(20 / 60), abs=1e-9)
    assert covariance[0, 0] == pytest.approx(1 / (80 * 0.25 * 0.75), rel=1e-6)
    assert not boundary.any()
    assert aic(best.value, 1) == pytest.approx(2 - 2 * best.value)


def test_a_proportion_of_one_is_a_boundary():
    best = maximise(binomial(80, 80), 1)
    covariance, boundary = covariance_of(best, np.eye(1), np.ones(1))
    assert boundary.all()
    assert np.isnan(covariance).all()


def test_the_hessian_is_that_of_the_function():
    matrix = np.array([[2.0, 0.5], [0.5, 1.0]])
    found = hessian(lambda t: (-0.5 * t @ matrix @ t, -matrix @ t), np.array([0.3, -2.0]))
    np.testing.assert_allclose(found, -matrix, atol=1e-8)


def test_a_likelihood_that_is_nowhere_finite_is_an_error():
    with pytest.raises(EstimationError, match="not finite"):
        maximise(lambda theta: (np.nan, np.full(1, np.nan)), 1)


def test_predictions_that_use_a_coefficient_at_a_boundary_are_null():
    covariance = np.array([[0.04, np.nan], [np.nan, np.nan]])
    eta, se = linear_predictor(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([0.5, 20.0]), covariance)
    np.testing.assert_allclose(eta, [0.5, np.nan])
    np.testing.assert_allclose(se, [0.2, np.nan])
    table = probability(eta, se)
    assert table["se"][0] == pytest.approx(0.2 * expit(0.5) * (1 - expit(0.5)))
    assert table["lower"][0] == pytest.approx(expit(0.5 - 1.96 * 0.2), abs=1e-5)
    assert table.iloc[1].isna().all()


def quadratic(at, information):
    """A maximum with known curvature, of an intercept and a level that 1 of 500 rows has."""
    raw = np.array([[500.0, 1.0], [1.0, 1.0]])  # of the columns: rows, and rows with the level
    to_raw = np.linalg.inv(np.linalg.cholesky(raw).T) * np.sqrt(500)
    whitened = to_raw.T @ np.asarray(information) @ to_raw
    best = Maximum(np.linalg.solve(to_raw, np.asarray(at)), -1.0, whitened, True)
    return best, to_raw, np.sqrt(np.diag(raw) / 500)


def test_a_level_that_hardly_occurs_and_runs_off_is_not_estimated():
    best, to_raw, scale = quadratic([0.4, -30.0], np.diag([100.0, 154.0**-2]))
    # as far as columns of mean square one can tell it is estimated: -30 with a standard error of 154
    covariance, boundary = covariance_of(best, to_raw, scale)
    assert not boundary.any()
    assert np.sqrt(covariance[1, 1]) == pytest.approx(154)
    covariance, boundary = covariance_of(best, to_raw, scale, np.ones(2))
    assert boundary.tolist() == [False, True]
    assert covariance[0, 0] == pytest.approx(0.01)
    assert np.isnan(covariance[1, 1])


def test_a_steep_effect_that_is_known_is_estimated():
    best, to_raw, scale = quadratic([0.4, -30.0], np.diag([100.0, 7.0**-2]))
    _, boundary = covariance_of(best, to_raw, scale, np.ones(2))
    assert not boundary.any()


def test_what_a_covariate_says_beyond_the_others_is_measured_where_it_says_it():
    elevation = np.linspace(400, 900, 400)
    level = np.zeros(400)
    level[:2] = 1.0
    design = Design.bind("elevation + level", pd.DataFrame({"elevation": elevation, "level": level}))
    data = pd.DataFrame({"elevation": elevation, "level": level})
    reach = _reach(design.whitened(data), design.to_raw)
    by_hand = []
    matrix = design.matrix(data)
    for k in range(3):
        others = np.delete(matrix, k, axis=1)
        rest = matrix[:, k] - others @ np.linalg.lstsq(others, matrix[:, k])[0]
        by_hand.append(np.sqrt((rest**4).sum() / (rest**2).sum()))
    np.testing.assert_allclose(reach, by_hand, rtol=1e-8)
    assert reach[2] == pytest.approx(1.0, abs=0.05)
    assert reach[0] < 0.5  # at an elevation of 0 nobody looked: its standard error may be large
