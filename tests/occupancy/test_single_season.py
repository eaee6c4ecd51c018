"""The single-season model: its gradient, its recovery of a known truth, its edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from habitat.errors import ContractError, EstimationError
from habitat.estimation import NoDataError
from habitat.occupancy import SingleSeasonOccupancy, naive_occupancy
from occupancy.simulated import simulate


def history_of(detected, **variables):
    values = np.asarray(detected, dtype=float)
    data = {"detected": (("cell", "occasion"), values)}
    data |= {name: (("cell", "occasion"), np.asarray(v)) for name, v in variables.items()}
    return xr.Dataset(data, coords={"cell": np.arange(len(values))})


def test_a_known_truth_is_recovered():
    history, cells, occupied = simulate(1500, 6, seed=3)
    model = SingleSeasonOccupancy(psi="forest", p="effort").fit(history, cells)
    truth = [-0.3, 1.2, -1.0, 0.08]
    table = model.estimates_
    assert model.converged_
    assert (table["status"] == "ok").all()
    assert (np.abs(table["estimate"] - truth) < 3 * table["se"]).all()
    assert (table["se"] < 0.3).all()
    assert naive_occupancy(history) < occupied.mean()
    assert (model.conditional_[history["detected"].max("occasion").to_numpy() == 1] == 1).all()
    psi = model.predict(pd.DataFrame({"forest": [0.0, 1.0, 2.5]}, index=["a", "b", "c"]))
    assert list(psi["extrapolated"]) == [True, False, True]
    assert psi["lower"]["b"] < expit(0.9) < psi["upper"]["b"]


def test_units_of_covariates_do_not_matter():
    history, cells, _ = simulate(300, 5, seed=4)
    model = SingleSeasonOccupancy("forest", "effort").fit(history, cells)
    scaled = cells.assign(forest=1e6 + 1e3 * cells["forest"])
    other = SingleSeasonOccupancy("forest", "effort").fit(history, scaled)
    assert other.loglik_ == pytest.approx(model.loglik_, abs=1e-8)
    ratio = model.estimates_["estimate"] / other.estimates_["estimate"]
    assert ratio[1] == pytest.approx(1e3, rel=1e-5)
    assert (model.estimates_["se"] / other.estimates_["se"])[1] == pytest.approx(1e3, rel=1e-4)
    np.testing.assert_allclose(other.predict(scaled)["psi"], model.predict(cells)["psi"], atol=1e-6)


def test_seen_everywhere_is_a_boundary_and_not_an_estimate():
    rng = np.random.default_rng(5)
    detected = (rng.random((40, 5)) < 0.5).astype(float)
    detected[:, 0] = 1
    model = SingleSeasonOccupancy().fit(history_of(detected))
    psi = model.estimates_.set_index("parameter").loc["psi"]
    assert model.boundary_ == (("psi", "Intercept"),)
    assert psi["status"] == "boundary"
    assert psi[["estimate", "se", "lower", "upper"]].isna().all()
    assert model.estimates_.set_index("parameter").loc["p", "se"] > 0
    assert model.predict(pd.DataFrame(index=range(40)))["psi"].isna().all()


def test_only_the_term_at_the_boundary_is_lost():
    history, cells, _ = simulate(200, 4, seed=6)
    when = np.broadcast_to(np.array(["a", "b", "c", "d"], dtype=object), (200, 4))
    history["detected"][:, 2] = history["detected"][:, 2] * 0
    history["when"] = (("cell", "occasion"), when)
    model = SingleSeasonOccupancy("1", "when - 1").fit(history, cells)
    assert model.boundary_ == (("p", "when[c]"),)
    assert model.estimates_["se"].notna().tolist() == [True, True, True, False, True]


def test_a_covariate_that_does_not_vary_is_said_to_tell_nothing():
    history, cells, _ = simulate(100, 4, seed=7)
    plain = SingleSeasonOccupancy().fit(history, cells)
    model = SingleSeasonOccupancy("loss").fit(history, cells.assign(loss=0.0))
    assert list(model.estimates_["status"]) == ["ok", "aliased", "ok"]
    assert model.aic_ == pytest.approx(plain.aic_)
    assert model.predict(pd.DataFrame({"loss": [0.0, 0.3]}))["extrapolated"].tolist() == [False, True]


def test_cells_without_covariates_are_left_out_and_named():
    history, cells, _ = simulate(100, 4, seed=8)
    cells.loc[3, "forest"] = np.nan
    model = SingleSeasonOccupancy("forest").fit(history, cells.drop(index=5))
    assert model.n_sites_ == 98
    assert set(model.dropped_.index) == {"c3", "c5"}
    assert model.predict(cells)["psi"].isna().sum() == 1


def test_cells_without_a_visit_do_not_matter():
    history, cells, _ = simulate(200, 4, seed=9, surveyed=0.6)
    visited = history["detected"].notnull().any("occasion")
    one = SingleSeasonOccupancy("forest", "log_effort").fit(history, cells)
    other = SingleSeasonOccupancy("forest", "log_effort").fit(history.isel(cell=visited.to_numpy()), cells)
    assert one.loglik_ == other.loglik_
    assert one.n_sites_ == int(visited.sum())


def test_what_cannot_be_fitted():
    history, cells, _ = simulate(50, 4, seed=10)
    with pytest.raises(NoDataError, match="not detected"):
        SingleSeasonOccupancy().fit(history.assign(detected=history["detected"] * 0))
    with pytest.raises(EstimationError, match="did you mean 'forest'"):
        SingleSeasonOccupancy("forrest").fit(history, cells)
    with pytest.raises(ContractError, match="0, 1 and NaN"):
        SingleSeasonOccupancy().fit(history.assign(detected=history["detected"] * 2))
    with pytest.raises(ContractError, match="several rows"):
        SingleSeasonOccupancy().fit(history, pd.concat([cells, cells]))
    assert repr(SingleSeasonOccupancy("forest")) == "SingleSeasonOccupancy(psi='forest', p='1')"
