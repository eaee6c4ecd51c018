"""Likelihoods against sums over every hidden state, and their gradients against differences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit
from scipy.stats import poisson

from habitat.estimation import hessian
from habitat.occupancy import DynamicOccupancy, RoyleNicholsOccupancy, SingleSeasonOccupancy
from habitat.occupancy.abundance import AbundanceLikelihood

nan = np.nan
DETECTED = np.array(
    [
        [[0, 1], [0, 0], [nan, nan], [1, 0]],
        [[0, 0], [0, nan], [0, 0], [0, 0]],
        [[nan, nan], [1, 1], [0, 0], [0, 1]],
        [[1, 0], [0, 0], [0, 0], [0, 0]],
        [[0, 0], [0, 1], [0, 1], [nan, 0]],
        [[0, 0], [0, 0], [0, 0], [0, 0]],
    ]
)
CERTAIN = np.where(DETECTED == 1, np.arange(48).reshape(6, 4, 2) % 3 == 0, nan).astype(float)
CERTAIN[2, 1, 1] = nan  # nobody judged it
COVER = np.array([0.1, 0.9, 0.4, 0.7, 0.2, 0.5])
COVERS = COVER[:, None] + 0.1 * np.arange(4)


def history(**more: np.ndarray) -> xr.Dataset:
    visits = ("cell", "season", "occasion")
    data = {"detected": (visits, DETECTED), "cover": (("cell", "season"), COVERS)}
    data |= {name: (visits, values) for name, values in more.items()}
    return xr.Dataset(data, coords={"cell": list("abcdef"), "season": [2019, 2020, 2021, 2022]})


def over_all_paths(beta: dict[str, np.ndarray], *, false: bool = False) -> float:
    """Sum each cell's history over its 16 paths of states; `beta` are raw coefficients."""
    total = 0.0
    for cell in range(6):
        psi = expit(beta["psi"] @ [1, COVERS[cell, 0]])
        of_cell = 0.0
        for path in product((0, 1), repeat=4):
            chance = psi if path[0] else 1 - psi
            for t in range(3):
                col = expit(beta["col"][0])
                ext = expit(beta["ext"] @ [1, COVERS[cell, t + 1]])
                step = {(0, 1): col, (0, 0): 1 - col, (1, 0): ext, (1, 1): 1 - ext}
                chance *= step[path[t], path[t + 1]]
            for t, visit in product(range(4), range(2)):
                seen, p = DETECTED[cell, t, visit], expit(beta["p"][0])
                if np.isnan(seen):
                    continue
                if not false:
                    chance *= {0: 1 - p, 1: p}[int(seen)] if path[t] else float(not seen)
                    continue
                fp, b, sure = expit(beta["fp"][0]), expit(beta["b"][0]), CERTAIN[cell, t, visit]
                if not seen:
                    chance *= 1 - p if path[t] else 1 - fp
                elif path[t]:
                    chance *= p * (1.0 if np.isnan(sure) else b if sure else 1 - b)
                else:
                    chance *= 0.0 if sure == 1 else fp
            of_cell += chance
        total += np.log(of_cell)
    return total


@pytest.mark.parametrize("false", [False, True])
def test_the_dynamic_likelihood_is_the_sum_over_all_paths_and_its_gradient_exact(false):
    model = DynamicOccupancy("cover", "1", "next_cover", "1", fp="1" if false else None)
    model.fit(history(certain=CERTAIN))
    random = np.random.default_rng(3)
    for _ in range(3):
        theta = random.normal(size=len(model._coefficients.raw))
        cut = model._coefficients.split(model._coefficients.to_raw @ theta)
        value, slope = model._likelihood(theta)
        assert value == pytest.approx(over_all_paths(cut, false=false))
        step = 1e-6 * np.eye(len(theta))
        numeric = [(model._likelihood(theta + h)[0] - model._likelihood(theta - h)[0]) / 2e-6 for h in step]
        np.testing.assert_allclose(slope, numeric, rtol=1e-5, atol=1e-6)


def test_a_single_season_by_hand():
    detected = xr.Dataset({"detected": (("cell", "occasion"), [[0.0, 1.0], [0.0, nan]])}, coords={"cell": [1, 2]})
    model = SingleSeasonOccupancy().fit(detected)
    psi, p = expit(0.4), expit(-0.7)
    expected = np.log(psi * (1 - p) * p) + np.log(psi * (1 - p) + 1 - psi)
    assert model._likelihood(np.array([0.4, -0.7]))[0] == pytest.approx(expected)


def test_extreme_coefficients_give_numbers():
    model = DynamicOccupancy("cover", "1", "next_cover", "1").fit(history())
    for at in (1e3, -1e3):
        value, slope = model._likelihood(np.full(6, at))
        assert np.isfinite(value)
        assert np.isfinite(slope).all()


def test_abundance_is_a_sum_over_numbers_and_its_gradient_exact():
    site, detected = np.array([0, 0, 1, 1, 1]), np.array([1.0, 0, 0, 0, 0])
    lam, r = np.array([[1.0, 0.5], [1.0, -0.2]]), np.ones((5, 1))
    likelihood = AbundanceLikelihood(lam, r, site, detected)
    theta = np.array([0.6, 0.4, -1.0])
    n, miss = np.arange(200), (1 - expit(-1.0)) ** np.arange(200)
    means = np.exp(lam @ theta[:2])
    first = (poisson.pmf(n, means[0]) * (1 - miss) * miss).sum()
    second = (poisson.pmf(n, means[1]) * miss**3).sum()
    value, slope = likelihood(theta)
    assert value == pytest.approx(np.log(first) + np.log(second))
    numeric = [(likelihood(theta + h)[0] - likelihood(theta - h)[0]) / 2e-6 for h in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-7)
    assert np.isfinite(hessian(likelihood, theta)).all()


def test_animals_and_their_detection_are_recovered():
    random = np.random.default_rng(12)
    cover = random.uniform(0, 2, 1500)
    animals = random.poisson(np.exp(-0.2 + 0.6 * cover))
    seen = random.random((1500, 6)) < (1 - (1 - expit(-1.0)) ** animals)[:, None]
    data = xr.Dataset({"detected": (("cell", "occasion"), seen.astype(float))}, coords={"cell": np.arange(1500)})
    cells = pd.DataFrame({"cell": np.arange(1500), "cover": cover})
    model = RoyleNicholsOccupancy("cover").fit(data, cells)
    table = model.estimates_
    assert (np.abs(table["estimate"] - [-0.2, 0.6, -1.0]) < 3 * table["se"]).all()
    psi = model.predict(cells)
    assert abs(psi["psi"].mean() - (animals > 0).mean()) < 0.03
    assert abs(model.abundance_.mean() - animals.mean()) < 0.1
    assert (model.conditional_[seen.any(axis=1)] == 1).all()
