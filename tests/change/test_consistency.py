"""The chain over the years, against the sum over every path that the two states can take."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitat.change import CoverDynamics, cover_dynamics, forest_dynamics, loss_probability, smooth_cover, smooth_forest
from habitat.errors import ContractError
from habitat.legend import DEFAULT_LEGEND, LandCover, Legend

nan = np.nan
EVIDENCE = st.lists(st.one_of(st.just(nan), st.floats(0, 1, width=32)), min_size=1, max_size=6)
RATES = st.floats(0.0001, 0.5)
DYNAMICS = st.builds(forest_dynamics, loss_rate=RATES, gain_rate=RATES, trust=st.floats(0.2, 0.998))


def paths(evidence: list[float], dynamics: CoverDynamics) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every path of states (1 = forest) and its probability together with the evidence.

    Paths run from the first year that was seen to the last: of the years before and after, nothing is said.
    """
    steps = dynamics.transitions
    seen_years = np.flatnonzero(np.isfinite(evidence))
    first, last = (seen_years[0], seen_years[-1]) if len(seen_years) else (0, 0)
    for middle in product((0, 1), repeat=int(last - first) + 1):
        path = (middle[0],) * int(first) + middle + (middle[-1],) * (len(evidence) - int(last) - 1)
        probability = 0.5
        for step in pairwise(middle):
            probability *= float(steps[step])
        for state, seen in zip(path, evidence, strict=True):
            if not np.isnan(seen):
                believed = dynamics.trust * seen + (1 - dynamics.trust) / 2
                probability *= believed if state else 1 - believed
        yield path, probability


@given(EVIDENCE, DYNAMICS)
def test_every_year_s_state_is_what_all_paths_say(evidence: list[float], dynamics: CoverDynamics) -> None:
    total = sum(p for _, p in paths(evidence, dynamics))
    expected = [
        nan if np.isnan(seen) else sum(p for path, p in paths(evidence, dynamics) if path[year]) / total
        for year, seen in enumerate(evidence)
    ]
    found = smooth_forest(np.array(evidence), dynamics)
    assert np.allclose(found, expected, atol=1e-5, equal_nan=True)
    assert found.dtype == np.float32


@given(EVIDENCE, DYNAMICS)
def test_the_probability_of_loss_is_that_of_all_paths_with_one(evidence: list[float], dynamics: CoverDynamics) -> None:
    total = sum(p for _, p in paths(evidence, dynamics))
    lost = sum(p for path, p in paths(evidence, dynamics) if (1, 0) in pairwise(path)) / total
    seen = np.isfinite(evidence).sum()
    found = loss_probability(np.array(evidence)[:, None, None], dynamics)
    assert np.allclose(found, nan if seen < 2 else lost, atol=2e-5, equal_nan=True)


def test_two_years_by_hand() -> None:
    """Half a per cent of what looks like loss is the classifier's: 0.5 x 0.9 x 0.1 x 0.9 against the other paths."""
    dynamics = forest_dynamics(loss_rate=0.1, gain_rate=0.2, trust=0.8)
    stays, lost, gained, none = 0.9 * 0.9 * 0.1, 0.9 * 0.1 * 0.9, 0.1 * 0.2 * 0.1, 0.1 * 0.8 * 0.9
    total = stays + lost + gained + none
    evidence = np.array([1.0, 0.0])  # believed as 0.9 and 0.1
    assert np.allclose(smooth_forest(evidence, dynamics), [(stays + lost) / total, (stays + gained) / total])
    assert np.allclose(loss_probability(evidence[:, None, None], dynamics), lost / total)


def test_one_odd_year_is_smoothed_over_and_a_lasting_change_is_not() -> None:
    odd, lasting = [0.9, 0.9, 0.3, 0.9, 0.9], [0.9, 0.9, 0.1, 0.1, 0.1]
    made = smooth_forest(np.array([odd, lasting]).T) > 0.5
    assert made.T.tolist() == [[True] * 5, [True, True, False, False, False]]


def test_a_year_is_never_believed_beyond_trust() -> None:
    dynamics = forest_dynamics(trust=0.9)
    assert np.allclose(smooth_forest(np.array([1.0]), dynamics), 0.95)
    assert np.allclose(smooth_forest(np.array([0.0]), dynamics), 0.05)


def test_a_year_that_was_not_seen_has_no_state_and_adds_no_evidence() -> None:
    dynamics = forest_dynamics(loss_rate=0.1, gain_rate=0.1)
    unseen = smooth_forest(np.array([0.8, nan, 0.8]), dynamics)
    assert np.isnan(unseen[1])
    # two years' step: lost and regained, or neither
    two_years = forest_dynamics(loss_rate=2 * 0.1 * 0.9, gain_rate=2 * 0.1 * 0.9)
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


def _all_paths(evidence: np.ndarray, dynamics: CoverDynamics) -> tuple[np.ndarray, np.ndarray]:
    """Posterior (year, class) and the share of paths with a loss up to each year, by adding up every path."""
    years, classes = evidence.shape
    believed = dynamics.trust * evidence + (1 - dynamics.trust) / classes
    posterior, lost, total = np.zeros((years, classes)), np.zeros(years), 0.0
    for path in product(range(classes), repeat=years):
        p = np.prod([believed[year, k] for year, k in enumerate(path)])
        p *= np.prod([dynamics.transitions[step] for step in pairwise(path)])
        total += p
        posterior[np.arange(years), path] += p
        steps = [bool(dynamics.forest[a] and not dynamics.forest[b]) for a, b in pairwise(path)]
        lost += p * np.logical_or.accumulate([False, *steps])
    return posterior / total, lost / total


def test_five_classes_over_four_years_are_what_all_paths_say() -> None:
    random = np.random.default_rng(4)
    dynamics = cover_dynamics((14, 15, 21, 22, 50), DEFAULT_LEGEND, loss_rate=0.1, trust=0.9)
    evidence = random.dirichlet(np.full(5, 0.4), size=(4, 90))  # more pixels than lanes
    found = smooth_cover(np.moveaxis(evidence, -1, 1), dynamics)
    for pixel in range(90):
        posterior, lost = _all_paths(evidence[:, pixel], dynamics)
        assert np.allclose(found.posterior[..., pixel], posterior, atol=1e-5)
        assert np.allclose(found.lost[..., pixel], lost, atol=1e-5)


def test_a_forest_s_kind_is_steadier_than_its_yearly_words() -> None:
    """Oak, called birch in one year of five, stays oak; and cut for good, it is not birch that the chain sees."""
    codes = (14, 15, 22)
    dynamics = cover_dynamics(codes, DEFAULT_LEGEND)
    oak, birch, grass = [0.8, 0.15, 0.05], [0.3, 0.6, 0.1], [0.05, 0.05, 0.9]
    pixels = np.array([[oak, oak, birch, oak, oak], [oak, oak, grass, grass, grass]])  # pixel, year, class
    history = smooth_cover(np.moveaxis(pixels, 0, -1), dynamics)
    assert [[codes[k] for k in row] for row in history.posterior.argmax(axis=1).T] == [[14] * 5, [14, 14, 22, 22, 22]]
    assert history.lost[:, 0].max() < 0.05
    assert history.lost[1, 1] < 0.1 < 0.75 < history.lost[2, 1]


def test_rates_are_distributions_whatever_the_legend() -> None:
    own = Legend((LandCover(1, "wood", "#00ff00", True), LandCover(2, "field", "#ffff00", False)))
    for legend, codes in ((DEFAULT_LEGEND, DEFAULT_LEGEND.codes), (own, own.codes), (DEFAULT_LEGEND, (14,))):
        rates = cover_dynamics(codes, legend).transitions
        assert np.allclose(rates.sum(axis=1), 1)
        assert (rates >= 0).all()
        assert (np.diag(rates) > 0.2).all()
    two = cover_dynamics((2, 1), own).transitions
    assert np.allclose(two, forest_dynamics().transitions)


def test_classes_that_are_not_as_many_as_their_rates_are_refused() -> None:
    with pytest.raises(ContractError, match="evidence of 3 classes, rates of 2"):
        smooth_cover(np.zeros((2, 3, 1)), forest_dynamics())
    with pytest.raises(ContractError, match="not a distribution"):
        CoverDynamics(np.array([True, False]), np.array([[1.0, 0.1], [0.0, 1.0]]))
