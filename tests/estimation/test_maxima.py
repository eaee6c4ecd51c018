"""Maxima, their curvature, and what is not estimated because nothing tells it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, log_expit

from habitat.errors import EstimationError
from habitat.estimation import aic, covariance_of, hessian, linear_predictor, maximise, probability


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
