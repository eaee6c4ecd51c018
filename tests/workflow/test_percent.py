"""Whole percent: near the share, and on the same side of a half."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from habitat.workflow.percent import PERCENT_NODATA, from_percent, to_percent

SHARES = hnp.arrays(np.float32, 20, elements=st.one_of(st.just(np.nan), st.floats(0, 1, width=32)))


@given(SHARES)
def test_a_round_trip_stays_near_and_on_its_side_of_a_half(share: np.ndarray) -> None:
    back = from_percent(to_percent(share))
    seen = ~np.isnan(share)
    assert np.array_equal(np.isnan(back), ~seen)
    assert np.array_equal(back[seen] >= 0.5, share[seen] >= 0.5)
    assert (np.abs(back[seen] - share[seen]) <= 0.01 + 1e-6).all()


@given(SHARES)
def test_percent_is_a_whole_number_and_keeps_the_order(share: np.ndarray) -> None:
    percent = to_percent(np.sort(share))
    seen = percent[percent != PERCENT_NODATA].astype(int)
    assert ((seen >= 0) & (seen <= 100)).all()
    assert (np.diff(seen) >= 0).all()


def test_what_has_been_written_is_read_and_written_the_same() -> None:
    percent = np.array([*range(101), PERCENT_NODATA], dtype=np.uint8)
    assert np.array_equal(to_percent(from_percent(percent)), percent)


def test_percent_by_hand() -> None:
    share = np.array([0, 0.004, 0.006, 0.494, 0.496, np.nextafter(0.5, 0), 0.5, 0.503, 0.996, 1, np.nan])
    assert to_percent(share).tolist() == [0, 0, 1, 49, 49, 49, 50, 50, 100, 100, 255]
