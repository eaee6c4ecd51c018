from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitat import indices

LOW, HIGH = np.float32([0.1]), np.float32([0.3])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (indices.ndvi(red=LOW, nir08=HIGH), 0.5),
        (indices.ndmi(nir08=HIGH, swir16=LOW), 0.5),
        (indices.nbr(nir08=HIGH, swir22=LOW), 0.5),
        (indices.ndwi(green=LOW, nir08=HIGH), -0.5),
    ],
)
def test_each_index_by_hand(value: np.ndarray, expected: float) -> None:
    assert value.dtype == np.float32
    assert value == pytest.approx(expected)


def test_what_was_not_seen_has_no_index() -> None:
    first = np.float32([np.nan, 0.2, 0.0, -0.1, 0.2])
    second = np.float32([0.2, np.nan, 0.0, 0.05, 0.2])
    np.testing.assert_array_equal(
        indices.normalized_difference(first, second), np.float32([np.nan, np.nan, np.nan, np.nan, 0])
    )


def test_a_dark_band_below_zero_stays_within_the_limits() -> None:
    assert indices.normalized_difference(np.float32([0.3]), np.float32([-0.1])) == 1


@given(st.floats(-0.25, 1.625, width=32), st.floats(-0.25, 1.625, width=32))
def test_it_lies_within_its_limits_and_changes_sign(first: float, second: float) -> None:
    a, b = np.float32([first]), np.float32([second])
    value = indices.normalized_difference(a, b)
    assert np.isnan(value) or -1 <= value[0] <= 1
    np.testing.assert_array_equal(value, -indices.normalized_difference(b, a))
