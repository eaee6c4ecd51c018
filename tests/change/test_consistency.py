"""The chain over the years, against the sum over every path that the two states can take."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitat.change import ForestDynamics, loss_probability, smooth_forest

nan = np.nan
EVIDENCE = st.lists(st.one_of(st.just(nan), st.floats(0, 1, width=32)), min_size=1, max_size=6)
RATES = st.floats(0.0001, 0.5)
DYNAMICS = st.builds(ForestDynamics, loss_rate=RATES, gain_rate=RATES, trust=st.floats(0.6, 0.999))


def paths(evidence: list[float], dynamics: ForestDynamics) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every path of states (1 = forest) and its probability together with the evidence.

    Paths run from the first year that was seen to the last: of the years before and after, nothing is said.
    """
    loss, gain = dynamics.loss_rate, dynamics.gain_rate
    steps = {(1, 0): loss, (1, 1): 1 - loss, (0, 1): gain, (0, 0): 1 - gain}
    seen_years = np.flatnonzero(np.isfinite(evidence))
    first, last = (seen_years[0], seen_years[-1]) if len(seen_years) else (0, 0)
    for middle in product((0, 1), repeat=int(last - first) + 1):
        path = (middle[0],) * int(first) + middle + (middle[-1],) * (len(evidence) - int(last) - 1)
        probability = 0.5
        for step in pairwise(middle):
            probability *= steps[step]
        for state, seen in zip(path, evidence, strict=True):
            if not np.isnan(seen):
                believed = min(max(seen, 1 - dynamics.trust), dynamics.trust)
                probability *= believed if state else 1 - believed
        yield path, probability


@given(EVIDENCE, DYNAMICS)
def test_every_year_s_state_is_what_all_paths_say(evidence: list[float], dynamics: ForestDynamics) -> None:
    total = sum(p for _, p in paths(evidence, dynamics))
    expected = [
        nan if np.isnan(seen) else sum(p for path, p in paths(evidence, dynamics) if path[year]) / total
        for year, seen in enumerate(evidence)
    ]
    found = smooth_forest(np.array(evidence), dynamics)
    assert np.allclose(found, expected, atol=1e-5, equal_nan=True)
    assert found.dtype == np.float32


@given(EVIDENCE, DYNAMICS)
def test_the_probability_of_loss_is_that_of_all_paths_with_one(evidence: list[float], dynamics: ForestDynamics) -> None:
    total = sum(p for _, p in paths(evidence, dynamics))
    lost = sum(p for path, p in paths(evidence, dynamics) if (1, 0) in pairwise(path)) / total
    seen = np.isfinite(evidence).sum()
    found = loss_probability(np.array(evidence)[:, None, None], dynamics)
    assert np.allclose(found, nan if seen < 2 else lost, atol=2e-5, equal_nan=True)


def test_two_years_by_hand() -> None:
    """Half a per cent of what looks like loss is the classifier's: 0.5 x 0.9 x 0.1 x 0.9 against the other paths."""
    dynamics = ForestDynamics(loss_rate=0.1, gain_rate=0.2, trust=0.9)
    stays, lost, gained, none = 0.9 * 0.9 * 0.1, 0.9 * 0.1 * 0.9, 0.1 * 0.2 * 0.1, 0.1 * 0.8 * 0.9
    total = stays + lost + gained + none
    evidence = np.array([0.9, 0.1])
    assert np.allclose(smooth_forest(evidence, dynamics), [(stays + lost) / total, (stays + gained) / total])
    assert np.allclose(loss_probability(evidence[:, None, None], dynamics), lost / total)


def test_one_odd_year_is_smoothed_over_and_a_lasting_change_is_not() -> None:
    odd, lasting = [0.9, 0.9, 0.3, 0.9, 0.9], [0.9, 0.9, 0.1, 0.1, 0.1]
    made = smooth_forest(np.array([odd, lasting]).T) > 0.5
    assert made.T.tolist() == [[True] * 5, [True, True, False, False, False]]


def test_a_year_is_never_believed_beyond_trust() -> None:
    dynamics = ForestDynamics(trust=0.95)
    assert np.allclose(smooth_forest(np.array([1.0]), dynamics), 0.95)
    assert np.allclose(smooth_forest(np.array([0.0]), dynamics), 0.05)


def test_a_year_that_was_not_seen_has_no_state_and_adds_no_evidence() -> None:
    dynamics = ForestDynamics(loss_rate=0.1, gain_rate=0.1)
    unseen = smooth_forest(np.array([0.8, nan, 0.8]), dynamics)
    assert np.isnan(unseen[1])
    # two years' step: lost and regained, or neither
    two_years = ForestDynamics(loss_rate=2 * 0.1 * 0.9, gain_rate=2 * 0.1 * 0.9)
    assert np.allclose(unseen[[0, 2]], smooth_forest(np.array([0.8, 0.8]), two_years), atol=1e-6)


def test_pixels_know_nothing_of_one_another() -> None:
    evidence = np.random.default_rng(0).random((5, 3, 4))
    evidence[evidence < 0.2] = nan
    whole, loss = smooth_forest(evidence), loss_probability(evidence)
    for row, col in np.ndindex(3, 4):
        one = evidence[:, row : row + 1, col : col + 1]
        assert np.array_equal(whole[:, row : row + 1, col : col + 1], smooth_forest(one), equal_nan=True)
        assert np.array_equal(loss[row : row + 1, col : col + 1], loss_probability(one), equal_nan=True)


@pytest.mark.parametrize("evidence", [[1.0] * 40, [0.0] * 40, [1.0, 0.0] * 20])
def test_forty_years_neither_overflow_nor_vanish(evidence: list[float]) -> None:
    assert np.isfinite(smooth_forest(np.array(evidence))).all()
    probability = loss_probability(np.array(evidence)[:, None, None]).item()
    assert 0 <= probability <= 1
