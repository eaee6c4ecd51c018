"""Comparing, averaging and testing models; profile limits; space."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from habitat.errors import ContractError, EstimationError
from habitat.occupancy import (
    SingleSeasonOccupancy,
    assess_fit,
    average_psi,
    compare_models,
    residual_moran,
    spatial_covariates,
)
from occupancy.simulated import simulate


def test_the_true_model_comes_first_and_weights_add_up():
    history, cells, _ = simulate(400, 5, seed=6)
    models = {
        name: SingleSeasonOccupancy(psi, p).fit(history, cells)
        for name, psi, p in (("none", "1", "1"), ("forest", "forest", "effort"), ("effort", "1", "effort"))
    }
    table = compare_models(models)
    assert list(table["model"]) == ["forest", "effort", "none"]
    assert table["weight"].sum() == pytest.approx(1)
    assert table["delta"][1] == pytest.approx(models["effort"].aic_ - models["forest"].aic_)
    assert list(table["n_parameters"]) == [4, 3, 2]
    inflated = compare_models(models, c_hat=2.0)
    assert inflated["n_parameters"].tolist() == [5, 4, 3]
    assert inflated["aic"][0] == pytest.approx(10 - models["forest"].loglik_)


def test_averages_lie_between_models_and_doubt_holds_their_disagreement():
    history, cells, _ = simulate(60, 3, seed=9)
    models = {psi: SingleSeasonOccupancy(psi, "1").fit(history, cells) for psi in ("1", "forest")}
    average = average_psi(models, cells)
    each = np.stack([model.predict(cells)["psi"] for model in models.values()])
    assert (average["psi"] >= each.min(axis=0) - 1e-12).all()
    assert (average["psi"] <= each.max(axis=0) + 1e-12).all()
    alone = {"forest": models["forest"]}
    assert average_psi(alone, cells)["se"].to_numpy() == pytest.approx(models["forest"].predict(cells)["se"].to_numpy())


def test_models_of_other_data_are_not_compared():
    history, cells, _ = simulate(60, 4, seed=9)
    cells.loc[:5, "forest"] = np.nan
    models = {psi: SingleSeasonOccupancy(psi).fit(history, cells) for psi in ("1", "forest")}
    with pytest.raises(EstimationError, match="model 'forest' used 5. cells"):
        compare_models(models)


def test_fit_is_good_where_the_model_is_true_and_bad_where_detection_is_patchy():
    history, _, occupied = simulate(100, 5, seed=11)
    good = assess_fit(SingleSeasonOccupancy("1", "effort").fit(history), history, n_draws=30)
    assert good.p_value > 0.05
    assert 0.7 < good.c_hat < 1.3
    random = np.random.default_rng(0)
    p = np.where(random.random(100) < 0.5, 0.05, 0.9)[:, None]
    patchy = (random.random((100, 5)) < p) & occupied[:, None]
    data = xr.Dataset({"detected": (("cell", "occasion"), patchy.astype(float))}, coords={"cell": history["cell"]})
    bad = assess_fit(SingleSeasonOccupancy().fit(data), data, n_draws=30)
    assert bad.p_value < 0.05
    assert bad.c_hat > 1.5


def test_profile_limits_by_hand_and_beside_the_normal_ones():
    """With p = 1 psi is a binomial share: its profile limits solve 2 (l(best) - l) = 3.8415."""
    seen = np.zeros((20, 3))
    seen[:6] = 1
    seen[0, 0] = 0
    history = xr.Dataset({"detected": (("cell", "occasion"), seen)}, coords={"cell": np.arange(20)})
    model = SingleSeasonOccupancy().fit(history)
    psi = model.profile_intervals().set_index("parameter").loc["psi"]

    def height(share: float) -> float:
        return 6 * np.log(share) + 14 * np.log(1 - share)

    for limit in (psi["lower"], psi["upper"]):
        assert 2 * (height(0.3) - height(expit(limit))) == pytest.approx(3.8415, abs=0.02)
    assert psi["upper"] - psi["estimate"] < psi["estimate"] - psi["lower"]  # not symmetric
    many, cells, _ = simulate(1500, 6, seed=3)
    wald = SingleSeasonOccupancy("forest", "effort").fit(many, cells)
    both = wald.profile_intervals()
    np.testing.assert_allclose(both["lower"], wald.estimates_["lower"], rtol=0.05, atol=0.02)
    np.testing.assert_allclose(both["upper"], wald.estimates_["upper"], rtol=0.05, atol=0.02)


def square(side: int) -> pd.DataFrame:
    y, x = np.mgrid[:side, :side]
    names = np.arange(side * side)
    return pd.DataFrame({"x": 1000.0 * x.ravel(), "y": 1000.0 * y.ravel()}, index=pd.Index(names, name="cell"))


def test_moran_of_a_chessboard_of_two_halves_and_of_noise():
    points = square(10)
    psi = pd.Series(0.5, index=points.index)
    board = pd.Series((points["x"] + points["y"]) / 1000 % 2, index=points.index)
    halves = (points["x"] < 5000).astype(float)
    noise = pd.Series(np.random.default_rng(1).random(100), index=points.index)
    near = {"distance_m": 1000.0}
    assert residual_moran(board, psi, points, **near).moran_i == pytest.approx(-1)
    found = residual_moran(halves, psi, points, **near)
    assert found.moran_i == pytest.approx(1 - 2 * 20 / 360)  # of 360 neighbours both ways, 20 lie across the middle
    assert found.p_value == pytest.approx(0.001)
    assert residual_moran(noise, psi, points, **near).p_value > 0.05
    with pytest.raises(ContractError, match="no two cells lie within 100 m"):
        residual_moran(noise, psi, points, distance_m=100)


def test_spatial_covariates_take_up_what_habitat_leaves():
    points = square(20)
    space = spatial_covariates(points, distance_m=1000, count=6)
    assert np.allclose(space.mean(), 0, atol=1e-9)
    assert np.allclose(space.T @ space / len(space), np.eye(6), atol=1e-9)
    random = np.random.default_rng(5)
    used = random.random(400) < expit(5 * np.sin(points["x"] / 5000))
    seen = ((random.random((400, 5)) < 0.7) & used.to_numpy()[:, None]).astype(float)
    history = xr.Dataset({"detected": (("cell", "occasion"), seen)}, coords={"cell": points.index})
    plain = SingleSeasonOccupancy().fit(history, points)
    spatial = SingleSeasonOccupancy(" + ".join(space.columns)).fit(history, space)
    assert spatial.aic_ < plain.aic_ - 10
    before = residual_moran(plain.conditional_, plain.predict(points)["psi"], points, distance_m=1000)
    after = residual_moran(spatial.conditional_, spatial.predict(space)["psi"], points, distance_m=1000)
    assert before.p_value < 0.01
    assert after.moran_i < before.moran_i / 2
    with pytest.raises(ContractError, match="not 900 spatial patterns"):
        spatial_covariates(points, distance_m=1000, count=900)
