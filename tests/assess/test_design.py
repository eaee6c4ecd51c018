"""How many samples, in which strata, and which pixels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from habitat.assess import (
    Scheme,
    allocate,
    allocate_for,
    draw_sample,
    expected_se,
    last_seen,
    pool_years,
    sample_size,
    stratify,
)
from habitat.errors import EstimationError
from habitat.grids import blocks, grid_over

SHARES, RIGHT = [0.020, 0.015, 0.320, 0.645], [0.70, 0.60, 0.90, 0.95]
"""Of Olofsson et al. 2014, section 5.1.1."""


def test_the_size_of_olofsson_2014() -> None:
    assert sample_size(SHARES, RIGHT, 0.01) == 641  # (0.2531 / 0.01)^2, which they round to 641


def test_the_size_reaches_the_target_with_optimal_allocation() -> None:
    n = sample_size(SHARES, RIGHT, 0.01)
    pixels = (np.array(SHARES) * 1e6).astype(int)
    best = allocate(n, pixels, accuracies=RIGHT, how="optimal", least=2)
    assert expected_se(best, SHARES, RIGHT) == pytest.approx(0.01, rel=0.002)
    for how in ("proportional", "equal"):
        other = allocate(n, pixels, accuracies=RIGHT, how=how, least=2)
        assert other.sum() == n
        assert expected_se(other, SHARES, RIGHT) > 0.01


def test_every_stratum_gets_its_least_and_the_rest_is_shared() -> None:
    assert allocate(640, [20_000, 15_000, 320_000, 645_000], accuracies=RIGHT, least=75).tolist() == [75, 75, 162, 328]
    assert allocate(400, [1, 2, 3, 4], accuracies=RIGHT, how="equal", least=2).tolist() == [1, 2, 3, 4], "all there is"
    assert allocate(10, [5_000, 5_000], accuracies=[0.9, 0.9], least=30).tolist() == [30, 30], "more than was asked for"
    assert allocate(100, [10, 9_990], accuracies=[0.9, 0.9], how="equal", least=2).tolist() == [10, 90]
    assert allocate(100, [0, 9_990], accuracies=[0.9, 0.9], least=20).tolist() == [0, 100]


@pytest.mark.parametrize("how", ["proportional", "equal", "optimal"])
@pytest.mark.parametrize("least", [2, 75])
def test_the_target_is_reached_however_samples_are_shared_and_with_no_more_than_it_takes(how, least: int) -> None:
    pixels = (np.array(SHARES) * 1e6).astype(int)
    n = allocate_for(0.01, pixels, accuracies=RIGHT, how=how, least=least)
    assert expected_se(n, SHARES, RIGHT) <= 0.01
    fewer = allocate(int(n.sum()) - 1, pixels, accuracies=RIGHT, how=how, least=least)
    assert expected_se(fewer, SHARES, RIGHT) > 0.01


def test_proportional_shares_take_as_many_as_simple_random_sampling_of_strata_says() -> None:
    """Sum of W p (1 - p) over the target squared: (0.0042 + 0.0036 + 0.0288 + 0.0306375) / 0.0001 = 672.4."""
    n = allocate_for(0.01, (np.array(SHARES) * 1e6).astype(int), accuracies=RIGHT, least=2)
    assert abs(int(n.sum()) - 673) <= 2  # whole numbers in small strata


def test_where_all_pixels_are_too_few_all_are_taken() -> None:
    assert allocate_for(0.001, [10, 0, 90], accuracies=[0.5, 0.5, 0.9], least=2).tolist() == [10, 0, 90]


# -- which pixels ----------------------------------------------------------------------------------------

GRID = grid_over((0, 0, 1400, 1000), "EPSG:32652", 20)
STRATA = np.random.default_rng(0).choice(4, size=(50, 70), p=[0.1, 0.1, 0.5, 0.3]).astype(np.uint8)


def parts(size: int, reverse: bool = False):
    todo = list(blocks(GRID, size))
    return [(block, STRATA[block.rows, block.cols]) for block in (reversed(todo) if reverse else todo)]


def test_neither_blocks_nor_their_order_show_in_the_sample() -> None:
    whole = draw_sample(parts(100), GRID, [20, 60, 40], seed=7)
    for size, reverse in ((9, False), (9, True), (32, True)):
        assert draw_sample(parts(size, reverse), GRID, [20, 60, 40], seed=7).equals(whole)
    assert not draw_sample(parts(100), GRID, [20, 60, 40], seed=8).equals(whole)


def test_each_stratum_has_as_many_different_pixels_as_were_asked_for() -> None:
    sample = draw_sample(parts(16), GRID, [20, 60, 40], seed=7)
    assert sample["stratum"].value_counts().to_dict() == {0: 20, 1: 60, 2: 40}
    assert not sample.duplicated(["row", "col"]).any()
    assert (STRATA[sample["row"], sample["col"]] == sample["stratum"] + 1).all()


def test_a_larger_sample_holds_the_smaller_one() -> None:
    few, many = (draw_sample(parts(100), GRID, [n, n, n], seed=7) for n in (10, 30))
    assert set(few.itertuples(index=False, name=None)) <= set(many.itertuples(index=False, name=None))


def test_every_pixel_of_a_stratum_is_as_likely() -> None:
    """Two thousand seeds: how often each of 100 pixels is drawn, against chance (chi-square, p > 0.001)."""
    grid = grid_over((0, 0, 200, 200), "EPSG:32652", 20)
    block = next(iter(blocks(grid, 100)))
    times = np.zeros((10, 10))
    for seed in range(2000):
        sample = draw_sample([(block, np.ones((10, 10), np.uint8))], grid, [5], seed=seed)
        times[sample["row"], sample["col"]] += 1
    assert stats.chisquare(times.ravel()).pvalue > 0.001


def test_the_order_of_the_points_tells_nothing_of_their_strata() -> None:
    """In a stratified sample of 300 the mean place of a stratum's points is that of chance, within three errors."""
    sample = draw_sample(parts(100), GRID, [100, 100, 100], seed=7)
    for _, part in sample.groupby("stratum"):
        assert abs(part.index.to_numpy().mean() - 149.5) < 3 * 300 / np.sqrt(12 * 100)


def test_a_stratum_that_is_too_small_is_refused() -> None:
    with pytest.raises(EstimationError, match="stratum 0 has"):
        draw_sample(parts(100), GRID, [5_000, 1, 1], seed=0)


# -- strata ----------------------------------------------------------------------------------------------


def test_strata_are_loss_by_period_a_belt_and_what_is_stable() -> None:
    loss = np.array([[0, 0, 0, 0, 2019, 2020, 65535, 2021, 0]], dtype=np.uint16)
    code = np.array([[14, 22, 14, 22, 22, 22, 14, 22, 0]], dtype=np.uint8)
    inside = np.array([[True] * 7 + [False, True]])
    scheme = Scheme(((2019, 2020), (2021, 2021)), True, (("forest", (11, 14)), ("not forest", (22,))))
    assert scheme.names == ("loss 2019-2020", "loss 2021", "near loss", "forest", "not forest")
    assert scheme.is_loss == (True, True, False, False, False)
    assert stratify(loss, code, inside, scheme, belt_pixels=2).tolist() == [[4, 5, 3, 3, 1, 1, 0, 0, 0]]
    plain = Scheme(((2019, 2021),), False, scheme.classes)
    assert stratify(loss, code, inside, plain).tolist() == [[2, 3, 2, 3, 1, 1, 0, 0, 0]]


def test_years_with_little_loss_are_joined() -> None:
    assert pool_years({2017: 90, 2018: 10, 2019: 45, 2020: 5}, 50) == ((2017, 2017), (2018, 2020))
    assert pool_years({2017: 90, 2018: 80}, 50) == ((2017, 2017), (2018, 2018))
    assert pool_years({2017: 5, 2018: 0}, 50) == ((2017, 2018),), "too little in all: one period"
    assert pool_years({2017: 0, 2018: 0}, 50) == ()
    assert pool_years({}, 50) == ()


def test_the_last_map_that_saw_a_pixel_counts() -> None:
    maps = [np.array([[14, 14, 0]]), np.array([[22, 0, 0]])]
    assert last_seen(maps).tolist() == [[22, 14, 0]]
