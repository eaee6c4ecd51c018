"""Several seasons: a known truth recovered, shares by season, and a placebo that has no effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from habitat.errors import ContractError
from habitat.occupancy import DynamicOccupancy, SingleSeasonOccupancy, placebo

SEASONS = np.arange(2015, 2023)


def simulate(n: int, *, seed: int, confounded: bool = False) -> tuple[xr.Dataset, pd.DataFrame, np.ndarray]:
    """psi = expit(-0.5 + forest), col = 0.1, ext = expit(-2 + 2.5 loss), p = 0.4; loss comes before its season.

    Confounded: what drives animals out is not loss but where loss is going to be.
    """
    random = np.random.default_rng(seed)
    forest = random.normal(size=n)
    loss = np.where(random.random((n, len(SEASONS))) < 0.15, random.uniform(0.2, 1, (n, len(SEASONS))), 0.0)
    if confounded:
        loss = np.where(random.random((n, 1)) < 0.3, loss * 2, 0.0)
    cause = loss.max(axis=1, keepdims=True).repeat(len(SEASONS), axis=1) if confounded else loss
    used = np.zeros(loss.shape, dtype=bool)
    used[:, 0] = random.random(n) < expit(-0.5 + forest)
    for t in range(1, len(SEASONS)):
        stays = random.random(n) >= expit(-2 + 2.5 * cause[:, t])
        used[:, t] = np.where(used[:, t - 1], stays, random.random(n) < 0.1)
    detected = ((random.random((*loss.shape, 3)) < 0.4) & used[..., None]).astype(float)
    detected[random.random(detected.shape) < 0.1] = np.nan
    visits = ("cell", "season", "occasion")
    history = xr.Dataset(
        {"detected": (visits, detected), "loss": (("cell", "season"), loss)},
        coords={"cell": np.arange(n), "season": SEASONS},
    )
    return history, pd.DataFrame({"cell": np.arange(n), "forest": forest}), used


def test_a_known_truth_is_recovered():
    history, cells, used = simulate(800, seed=1)
    model = DynamicOccupancy("forest", "1", "next_loss", "1").fit(history, cells)
    table = model.estimates_
    truth = np.array([-0.5, 1.0, np.log(0.1 / 0.9), -2.0, 2.5, np.log(0.4 / 0.6)])
    assert list(table["parameter"]) == ["psi", "psi", "col", "ext", "ext", "p"]
    assert (np.abs(table["estimate"] - truth) < 3 * table["se"]).all()
    assert (model.smoothed_["naive"] < model.smoothed_["occupied"]).all()
    np.testing.assert_allclose(model.smoothed_["occupied"], used.mean(axis=0), atol=0.04)
    np.testing.assert_allclose(model.smoothed_["projected"], used.mean(axis=0), atol=0.05)
    share = model.occupied_share(n_draws=100)
    assert (share["lower"] <= used.mean(axis=0)).mean() >= 0.75
    assert (share["upper"] >= used.mean(axis=0)).mean() >= 0.75
    rates = model.rates(pd.DataFrame({"next_loss": [0.0, 1.0]}))
    assert rates["ext"][0] == pytest.approx(expit(-2), abs=0.05)
    assert rates["ext_lower"][1] < expit(0.5) < rates["ext_upper"][1]
    assert (rates["col"] == rates["col"][0]).all()


def test_future_loss_explains_nothing_unless_something_else_does():
    history, cells, _ = simulate(700, seed=2)
    model = DynamicOccupancy("forest", "1", "next_loss", "1", n_starts=1)
    real = placebo(model, history, cells, variable="loss").set_index("exposure")
    assert real.loc["actual", "p_value"] < 0.001
    assert real.loc["placebo", "p_value"] > 0.05
    history, cells, _ = simulate(700, seed=3, confounded=True)
    false = placebo(model, history, cells, variable="loss").set_index("exposure")
    assert false.loc["placebo", "p_value"] < 0.05


def test_a_placebo_needs_its_variable_in_the_formula():
    history, cells, _ = simulate(20, seed=2)
    with pytest.raises(ContractError, match="'next_loss' is not in its formula"):
        placebo(DynamicOccupancy(), history, cells, variable="loss")
    with pytest.raises(ContractError, match="'fire' over"):
        placebo(DynamicOccupancy(), history, cells, variable="fire")


def test_one_season_is_refused():
    history, cells, _ = simulate(20, seed=2)
    with pytest.raises(ContractError, match="no two seasons"):
        DynamicOccupancy().fit(history.isel(season=[0]), cells)


def test_false_records_are_told_by_certain_ones():
    random = np.random.default_rng(7)
    used = random.random(1200) < 0.4
    seen = random.random((1200, 5)) < np.where(used, 0.4, 0.08)[:, None]
    certain = np.where(seen, (random.random(seen.shape) < 0.6) & used[:, None], np.nan).astype(float)
    visits = ("cell", "occasion")
    history = xr.Dataset(
        {"detected": (visits, seen.astype(float)), "certain": (visits, certain)}, coords={"cell": np.arange(1200)}
    )
    model = SingleSeasonOccupancy(fp="1").fit(history)
    table = model.estimates_.set_index("parameter")
    truth = {"psi": 0.4, "p": 0.4, "fp": 0.08, "b": 0.6}
    for name, value in truth.items():
        at = table.loc[name]
        assert abs(at["estimate"] - np.log(value / (1 - value))) < 3 * at["se"]
    believing = SingleSeasonOccupancy().fit(history).estimates_["estimate"][0]
    assert expit(believing) > 0.5  # who takes every record as true finds the animal where it is not
    assert (model.conditional_[(certain == 1).any(axis=1)] > 0.999).all()


def test_a_sure_method_makes_no_false_records():
    random = np.random.default_rng(8)
    used = random.random(800) < 0.4
    sure = np.tile([1.0, 1.0, 0.0, 0.0], (800, 1))
    chance = np.where(used[:, None], 0.4, 0.1 * (1 - sure))
    seen = (random.random((800, 4)) < chance).astype(float)
    visits = ("cell", "occasion")
    history = xr.Dataset({"detected": (visits, seen), "sure": (visits, sure)}, coords={"cell": np.arange(800)})
    model = SingleSeasonOccupancy(fp="1").fit(history)
    table = model.estimates_.set_index("parameter")
    assert abs(table.loc["psi", "estimate"] - np.log(0.4 / 0.6)) < 3 * table.loc["psi", "se"]
    assert abs(table.loc["fp", "estimate"] - np.log(0.1 / 0.9)) < 3 * table.loc["fp", "se"]
    assert table.loc["b", "status"] == "boundary"  # nobody judged a record: nothing is known of b
