"""Psi of every cell in every season, and the share of all cells: by hand, and against draws."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.special import expit

from habitat.occupancy import DynamicOccupancy, estimate_seasons
from occupancy.test_dynamic import simulate


@pytest.fixture(scope="module")
def fitted():
    """A survey of 300 of 400 cells."""
    history, cells, used = simulate(400, seed=4)
    history["detected"][300:] = np.nan
    model = DynamicOccupancy("forest", "1", "next_loss", "1", n_starts=1).fit(history, cells)
    return model, history, cells, used


def test_psi_follows_the_rates_step_by_step(fitted):
    model, history, cells, _ = fitted
    table = model.predict_seasons(history, cells).set_index(["cell", "season"])
    of = model.estimates_.set_index(["parameter", "term"])["estimate"]
    cell = 350
    psi = expit(of["psi", "Intercept"] + of["psi", "forest"] * cells["forest"][cell])
    for season in history["season"].to_numpy():
        if season > history["season"].to_numpy()[0]:
            loss = float(history["loss"].sel(cell=cell, season=season))
            ext = expit(of["ext", "Intercept"] + of["ext", "next_loss"] * loss)
            psi = psi * (1 - ext) + (1 - psi) * expit(of["col", "Intercept"])
        assert table.loc[(cell, season), "psi"] == pytest.approx(psi)
        assert table.loc[(cell, season), "conditional"] == pytest.approx(psi), "it was not surveyed"
    seen = (history["detected"] == 1).any("occasion").to_series()
    assert (table["conditional"][seen[seen].index] > 1 - 1e-9).all()


def test_the_delta_method_agrees_with_draws(fitted):
    model, history, cells, _ = fitted
    table = model.predict_seasons(history, cells)
    psi, se = (table[name].to_numpy().reshape(400, 8) for name in ("psi", "se"))
    raw, _ = model._coefficients.draw(4000, 1)
    k = np.array([0, 1])
    forest = cells["forest"].to_numpy()[[3, 350]]
    drawn = expit(raw[:, k] @ np.stack([np.ones(2), forest]))
    for t in range(8):
        if t:
            loss = history["loss"].to_numpy()[[3, 350], t]
            ext = expit(raw[:, [3]] + raw[:, [4]] * loss)
            drawn = drawn * (1 - ext) + (1 - drawn) * expit(raw[:, [2]])
        np.testing.assert_allclose(se[[3, 350], t], drawn.std(axis=0), rtol=0.06)
        np.testing.assert_allclose(psi[[3, 350], t], drawn.mean(axis=0), atol=0.01)


def test_shares_of_all_cells_hold_the_truth_and_know_what_was_seen(fitted):
    model, history, cells, used = fitted
    table = model.share_occupied(history, cells, n_draws=300)
    finite, mean = (table[table["method"] == name] for name in ("finite_sample", "model"))
    truth = used.mean(axis=0)
    assert ((finite["lower"] <= truth) & (truth <= finite["upper"])).sum() >= 7
    assert ((mean["lower"] <= truth) & (truth <= mean["upper"])).sum() >= 6
    assert (table["n_cells"] == 400).all()
    psi = model.predict_seasons(history, cells)["psi"].to_numpy().reshape(400, 8)
    np.testing.assert_allclose(mean["share"], psi.mean(axis=0))
    again = model.share_occupied(history, cells, n_draws=300)
    pd.testing.assert_frame_equal(table, again)


def test_a_missing_covariate_takes_the_seasons_after_it(fitted):
    model, history, cells, _ = fitted
    holed = history.copy(deep=True)
    holed["loss"][350, 3] = np.nan
    psi = model.predict_seasons(holed, cells).set_index(["cell", "season"]).loc[350, "psi"]
    assert psi.isna().tolist() == [False] * 3 + [True] * 5
    share = model.share_occupied(holed, cells, n_draws=10)
    assert share["n_cells"].tolist() == ([400] * 3 + [399] * 5) * 2


def test_seasons_give_the_tables_of_a_run():
    history, cells, _ = simulate(150, seed=6)
    loss = history["loss"]
    history = history.drop_vars("loss").isel(cell=slice(0, 120)).assign_attrs(species="tiger")
    seasons = history["season"].to_numpy()
    rows = pd.DataFrame({"cell": np.repeat(np.arange(150), 8), "season": np.tile(seasons, 150)})
    rows["loss"], rows["forest"] = loss.to_numpy().ravel(), np.repeat(cells["forest"].to_numpy(), 8)
    habitat = gpd.GeoDataFrame(rows, geometry=shapely.box(rows["cell"], 0, rows["cell"] + 1, 1), crs="EPSG:32652")
    models = {"loss": DynamicOccupancy("forest", "1", "next_loss", "1"), "none": DynamicOccupancy()}
    found = estimate_seasons(history, habitat, models=models)
    assert found.comparison["model"][0] == "loss"
    assert len(found.cells) == 150 * 8
    assert found.cells.groupby("season")["surveyed"].sum().max() <= 120
    assert found.shares["method"].value_counts().to_dict() == {"naive": 8, "model": 8, "finite_sample": 8}
    wide = found.shares.pivot(index="season", columns="method", values="share")
    assert (wide["naive"] < wide["finite_sample"]).all()
    few = estimate_seasons(history, habitat, models=models, min_cells=121)
    assert few.model is None
    assert few.note == "120 of 150 cells surveyed, a model needs 121"
    assert few.cells["psi"].isna().all()
