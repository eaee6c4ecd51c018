"""Areas and accuracies are those that papers print and that whole landscapes have; limits hold as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from assess.examples import OLOFSSON_HA, drawn, landscape, olofsson
from habitat.assess import ReferenceSample, Tally, intervals, limits_of, ratio_of
from habitat.errors import EstimationError


def half_width(estimate) -> float:
    return (estimate.wald_upper - estimate.wald_lower) / 2


# -- Olofsson et al. 2014, section 4 --------------------------------------------------------------------


def test_the_worked_example_of_olofsson_2014_to_the_last_printed_digit() -> None:
    sample = olofsson()
    deforestation = sample.area_share(0)
    assert round(deforestation.value * OLOFSSON_HA) == 21_158
    assert round(half_width(deforestation) * OLOFSSON_HA) == 6_158
    assert [round(sample.users_accuracy(code).value, 2) for code in range(4)] == [0.88, 0.73, 0.93, 0.96]
    assert [round(half_width(sample.users_accuracy(code)), 2) for code in range(4)] == [0.07, 0.10, 0.04, 0.02]
    assert [round(sample.producers_accuracy(code).value, 2) for code in range(4)] == [0.75, 0.85, 0.93, 0.96]
    overall = sample.overall_accuracy()
    assert (round(overall.value, 2), round(half_width(overall), 2)) == (0.95, 0.02)


def test_the_error_matrix_of_shares_is_that_of_olofsson_2014() -> None:
    table = olofsson().error_matrix().pivot(index="mapped", columns="reference", values="share")
    printed = [[0.0176, 0, 0.0013, 0.0011], [0, 0.0110, 0.0016, 0.0024], [0.0019, 0, 0.2967, 0.0213]]
    printed += [[0.0040, 0.0020, 0.0179, 0.6212]]
    assert np.round(table.to_numpy(), 4).tolist() == printed


# -- against every pixel ---------------------------------------------------------------------------------


def truths(mapped: np.ndarray, true: np.ndarray) -> dict[str, float]:
    found = {"overall": float((mapped == true).mean())}
    for code in range(3):
        both = ((mapped == code) & (true == code)).sum()
        found[f"area {code}"] = float((true == code).mean())
        found[f"user {code}"] = both / (mapped == code).sum()
        found[f"producer {code}"] = both / (true == code).sum()
    return found


def estimates(sample: ReferenceSample) -> dict:
    found = {"overall": sample.overall_accuracy()}
    for code in range(3):
        found[f"area {code}"] = sample.area_share(code)
        found[f"user {code}"] = sample.users_accuracy(code)
        found[f"producer {code}"] = sample.producers_accuracy(code)
    return found


def test_where_every_pixel_was_looked_at_the_estimate_is_the_truth_and_has_no_doubt() -> None:
    stratum, mapped, true = landscape(size=30)
    pixels = {code: np.bincount(stratum[mapped == code], minlength=3) for code in range(3)}
    known = truths(mapped, true)
    for name, found in estimates(ReferenceSample(stratum, mapped, true, np.bincount(stratum), pixels)).items():
        assert found.value == pytest.approx(known[name]), name
        assert found.se == 0, name
        assert found.lower == pytest.approx(known[name]), name
        assert found.upper == pytest.approx(known[name]), name


def test_estimates_from_strata_that_are_not_the_map_s_are_unbiased_and_their_errors_are_as_large_as_they_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over 400 samples: the mean is within three of its standard errors, and the spread is what was stated."""
    monkeypatch.setattr(intervals, "DRAWS", 2)  # limits are not looked at
    stratum, mapped, true = landscape()
    rng = np.random.default_rng(0)
    runs = [estimates(drawn(stratum, mapped, true, [80, 120, 100], rng)) for _ in range(400)]
    for name, known in truths(mapped, true).items():
        values = np.array([run[name].value for run in runs])
        stated = np.sqrt(np.mean([run[name].se ** 2 for run in runs]))
        bias = 0.01 * known if name.startswith(("user", "producer")) else 0  # of a ratio: of the order of 1 / n
        assert abs(values.mean() - known) < 3 * values.std() / 20 + bias, name
        assert values.std() == pytest.approx(stated, rel=0.15), name


def test_a_small_stratum_that_was_sampled_in_half_is_known_better() -> None:
    yes = np.array([True])
    few = Tally(np.array([100.0]), np.array([50]), np.array([50]), np.array([10]), yes, yes, ~yes)
    many = Tally(np.array([1e6]), np.array([50]), np.array([50]), np.array([10]), yes, yes, ~yes)
    assert ratio_of(few)[1] == pytest.approx(ratio_of(many)[1] * np.sqrt(0.5), rel=1e-6)
    few_width, many_width = (np.diff(limits_of(tally))[0] for tally in (few, many))
    assert few_width == pytest.approx(many_width * np.sqrt(0.5), rel=0.02)


# -- limits ----------------------------------------------------------------------------------------------


def test_the_limits_of_one_binomial_share_are_nearly_those_of_the_exact_posterior() -> None:
    """By Jeffreys' prior, where hits and misses were both seen: quantiles of Beta(k + 1/2, n - k + 1/2)."""
    from scipy.stats import beta

    yes = np.array([True])
    for k, n in ((1, 50), (7, 50), (40, 50)):
        tally = Tally(np.array([1e6]), np.array([n]), np.array([n]), np.array([k]), yes, yes, ~yes)
        lower, upper = limits_of(tally)
        assert lower == pytest.approx(beta.ppf(0.025, k + 1 / 2, n - k + 1 / 2), rel=0.06, abs=2e-4)
        assert upper == pytest.approx(beta.ppf(0.975, k + 1 / 2, n - k + 1 / 2), rel=0.02)


def test_nothing_found_is_not_nothing_there() -> None:
    yes = np.array([True, True])
    n = np.array([300, 200])
    tally = Tally(np.array([6e6, 4e6]), n, n, np.array([0, 0]), yes, yes, ~yes)
    assert ratio_of(tally) == (0.0, 0.0), "as published, with no doubt at all"
    lower, upper = limits_of(tally)
    assert lower == 0
    assert 0.002 < upper < 0.02, "three of three hundred could well have been missed"


def test_what_the_map_rules_out_does_not_widen_limits() -> None:
    """User's accuracy in strata that are the map's classes is a share of one stratum, whatever the others hold."""
    sample = olofsson()
    alone = Tally(*(np.array([v]) for v in (2e5, 75, 75, 66)), *(np.array([v]) for v in (True, True, False)))
    found = sample.users_accuracy(0)
    assert (found.lower, found.upper) == limits_of(alone)


def test_the_same_sample_has_the_same_limits() -> None:
    assert olofsson().area_share(0) == olofsson().area_share(0)


def test_limits_hold_the_truth_of_a_rare_class_where_wald_s_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """1% mapped as loss, 0.3% of the forest omitted: 200 samples; benchmarks/areas.py has 2,000 of four landscapes."""
    monkeypatch.setattr(intervals, "DRAWS", 4000)
    rng = np.random.default_rng(3)
    pixels, n = np.array([1e5, 6e6, 3.9e6]), np.array([100, 300, 200])
    yes, held, wald = np.ones(3, dtype=bool), 0, 0
    truth = (0.85 * 1e5 + 0.003 * 6e6) / 1e7
    for _ in range(200):
        tally = Tally(pixels, n, n, rng.binomial(n, [0.85, 0.003, 0.0]), yes, yes, ~yes)
        lower, upper = limits_of(tally)
        value, se = ratio_of(tally)
        held += lower <= truth <= upper
        wald += abs(value - truth) <= 1.96 * se
    assert held / 200 >= 0.93
    assert wald / 200 < 0.75


# -- samples that cannot be used -------------------------------------------------------------------------


def test_a_stratum_with_one_answer_is_refused_by_name() -> None:
    with pytest.raises(EstimationError, match=r"stratum 'loss 2020' has 1 answer, and a standard error needs two"):
        ReferenceSample(
            np.array([0, 0, 1]), np.zeros(3, int), np.zeros(3, int), np.array([90, 90]), {}, ("forest", "loss 2020")
        )


def test_a_stratum_of_one_pixel_that_was_looked_at_is_no_fault() -> None:
    sample = ReferenceSample(
        np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([9, 1]), {0: [9, 0], 1: [0, 1]}
    )
    assert np.isfinite(sample.area_share(1).se)


def test_a_class_that_no_sampled_pixel_is_mapped_as_has_no_users_accuracy() -> None:
    found = olofsson().users_accuracy(9)
    assert np.isnan([found.value, found.se, found.lower, found.upper]).all()
