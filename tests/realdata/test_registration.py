"""Romania, 140 real dates: how far they lie beside each other (benchmarks/registration.py)."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import registration

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def real(realdata):
    folder = realdata / "realdata" / "romania"
    if not folder.is_dir():
        pytest.skip("HABITAT_REALDATA holds no realdata/romania")
    return registration.real_shifts(folder)


@pytest.fixture(scope="module")
def pairs(real):
    return registration.compare_real(*real)


def test_most_clear_dates_have_a_shift(real):
    stack, shifts = real
    seen = np.isfinite(registration.clear_looks(stack)["red"].values).mean(axis=(1, 2))
    assert shifts["east_m"].notna()[seen > 0.98 * seen.max()].mean() > 0.9


def test_scenes_of_2016_lie_a_pixel_to_the_north(real):
    _, shifts = real
    year = shifts["time"].dt.year
    assert 10 < shifts.loc[year == 2016, "north_m"].median() < 30
    assert abs(shifts.loc[year > 2016, "north_m"].median()) < 4


@pytest.mark.parametrize("axis", ["east", "north"])
def test_phase_correlation_says_the_same(pairs, axis):
    ours, phase = pairs[f"ours_{axis}"], pairs[f"phase_{axis}"]
    assert ours.corr(phase) > 0.5
    assert (ours - phase).abs().median() < 5


def test_a_band_that_was_not_used_is_more_alike_once_shifts_are_taken_back(pairs):
    far = pairs[np.hypot(pairs["ours_east"], pairs["ours_north"]) > 20 / 3]
    assert far["by_ours"].mean() > far["as_they_lie"].mean() + 0.04
    assert far["by_ours"].mean() > far["by_phase"].mean() - 0.01
