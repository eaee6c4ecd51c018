"""A formula is bound to the data it was first used on, and is never code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from habitat.errors import EstimationError
from habitat.estimation import Design, NoDataError

DATA = pd.DataFrame(
    {
        "x": [1.0, 2.0, 4.0, np.nan, 8.0],
        "who": ["A", "B", "A", "B", "B"],
        "one": 1.0,
        "burnt": [True, False] * 2 + [True],
    }
)


def test_whitened_columns_are_orthonormal_and_lead_back_to_raw_coefficients():
    design = Design.bind("x + who", DATA)
    assert design.terms == ("Intercept", "x", "who[T.B]")
    white = design.whitened(DATA)
    known = np.isfinite(white).all(axis=1)
    assert list(known) == [True, True, True, False, True]
    np.testing.assert_allclose(white[known].T @ white[known] / 4, np.eye(3), atol=1e-12)
    theta = np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(design.matrix(DATA)[known] @ (design.to_raw @ theta), white[known] @ theta)


def test_terms_that_add_nothing_are_left_out():
    design = Design.bind("one + x + I(2 * x) + burnt", DATA)
    assert design.estimated == ("Intercept", "x", "burnt")


def test_transforms_remember_the_data_they_were_bound_to():
    design = Design.bind("scale(x) - 1", DATA)
    new = design.matrix(pd.DataFrame({"x": [DATA["x"].mean()]}))
    np.testing.assert_allclose(new, [[0.0]], atol=1e-12)


def test_new_data_beyond_the_old_are_said_to_be_so():
    design = Design.bind("x + who", DATA)
    new = pd.DataFrame({"x": [1.0, 8.1, 0.9, 5.0, np.nan], "who": ["A", "A", "A", "C", "A"]})
    assert list(design.outside(new)) == [False, True, True, True, False]
    assert list(np.isnan(design.matrix(new)).any(axis=1)) == [False, False, False, True, True]


def test_levels_written_as_numbers_are_levels_in_c():
    design = Design.bind("C(x)", DATA)
    new = pd.DataFrame({"x": [1.0, 3.0]})
    assert list(design.outside(new)) == [False, True]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("xx", "unknown variable 'xx'.*did you mean 'x'"),
        ("x +", "cannot be read"),
        ("y ~ x", "cannot be read"),
        ("__import__('os').getcwd()", "not allowed|cannot be read"),
        ("x.mean()", "not allowed"),
        ("{x.sum()}", "not allowed"),
        ("np.log(x)", "not allowed"),
        ("log(x - 1)", "not finite"),
        ("0", "no term"),
    ],
)
def test_formulas_that_are_refused(formula, said):
    with pytest.raises(EstimationError, match=said), np.errstate(divide="ignore"):
        Design.bind(formula, DATA)


def test_without_a_complete_row_there_are_no_data():
    with pytest.raises(NoDataError):
        Design.bind("x", DATA.assign(x=np.nan))
