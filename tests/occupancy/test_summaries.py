"""From a history to the tables of a run."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from habitat.errors import ContractError, EstimationError
from habitat.occupancy import (
    DynamicOccupancy,
    SingleSeasonOccupancy,
    estimate_season,
    estimate_seasons,
    share_occupied,
)
from occupancy.simulated import simulate
from occupancy.test_dynamic import simulate as simulate_seasons


def landscape(n: int = 300, seed: int = 3, surveyed: float = 0.6):
    history, cells, occupied = simulate(n, 6, seed=seed, surveyed=surveyed)
    x = np.arange(n) * 100.0
    table = gpd.GeoDataFrame(cells, geometry=shapely.box(x, 0, x + 100, 100), crs="EPSG:32652")
    return history, table, occupied


def test_a_season_gives_its_tables():
    history, cells, occupied = landscape()
    found = estimate_season(history, cells, psi="forest", p="effort")
    assert found.note is None
    columns = ["cell", "season", "species", "surveyed", "detected", "naive", "psi", "se", "lower", "upper"]
    assert list(found.cells.columns) == [*columns, "extrapolated", "conditional", "geometry"]
    assert found.cells.crs == cells.crs
    assert len(found.cells) == len(cells)
    assert found.cells["psi"].notna().all()
    assert found.cells["surveyed"].sum() < len(cells)
    assert found.cells["naive"].nunique() == 1
    shares = found.shares.set_index("method")
    assert list(shares.index) == ["naive", "model", "finite_sample"]
    for method in ("model", "finite_sample"):
        assert shares.loc[method, "lower"] < occupied.mean() < shares.loc[method, "upper"]
    assert shares.loc["naive", "share"] < shares.loc["model", "share"]
    assert (found.estimates["species"] == "tiger").all()


def test_too_few_cells_give_only_what_was_seen():
    history, cells, _ = landscape()
    found = estimate_season(history, cells, psi="forest", p="effort", min_cells=299)
    assert found.model is None
    assert "a model needs 299" in found.note
    assert found.cells[["psi", "se", "lower", "upper"]].isna().all(axis=None)
    assert found.cells["naive"].notna().all()
    assert list(found.shares["method"]) == ["naive"]


def test_a_species_never_seen_has_no_psi():
    history, cells, _ = landscape()
    found = estimate_season(history.assign(detected=history["detected"] * 0), cells)
    assert "not detected" in found.note
    assert found.cells["naive"].eq(0).all()
    assert found.cells["psi"].isna().all()


def test_covariates_that_are_null_everywhere_give_a_note_but_a_wrong_name_is_an_error():
    history, cells, _ = landscape()
    found = estimate_season(history, cells.assign(recent_loss=np.nan), psi="recent_loss")
    assert found.model is None
    assert "no row has a value" in found.note
    with pytest.raises(EstimationError, match="did you mean 'forest'"):
        estimate_season(history, cells, psi="forst")
    with pytest.raises(ContractError, match="c0 of the history"):
        estimate_season(history, cells.iloc[1:])


def test_a_boundary_is_noted_and_not_reported():
    history, cells, _ = landscape()
    seen = history["detected"].copy()
    seen[:, 0] = 1
    found = estimate_season(history.assign(detected=seen), cells)
    assert "psi(Intercept) at a boundary" in found.note
    assert found.cells["psi"].isna().all()
    assert found.shares.set_index("method").loc[["model", "finite_sample"], "share"].isna().all()


def test_a_record_is_use_even_where_nothing_is_known_of_the_habitat():
    history, cells, _ = landscape()
    seen = (history["detected"] == 1).any("occasion").to_numpy()
    cell = int(np.flatnonzero(seen)[0])
    cells.loc[cell, "forest"] = np.nan
    found = estimate_season(history, cells, psi="forest", p="effort").cells.iloc[cell]
    assert np.isnan(found["psi"])
    assert found["conditional"] == 1


def test_what_was_seen_counts_for_certain_in_the_finite_sample():
    history, cells, _ = landscape(surveyed=1.0)
    model = SingleSeasonOccupancy("forest", "effort").fit(history, cells)
    shares = share_occupied(model, cells, n_draws=200).set_index("method")
    assert shares.loc["finite_sample", "se"] < shares.loc["model", "se"]
    draws = model.draw_occupancy(cells, n_draws=20)
    detected = (history["detected"] == 1).any("occasion").to_numpy()
    assert draws[:, detected].all()


def test_of_several_candidates_the_average_stands_beside_the_best():
    history, cells, _ = landscape()
    models = {psi: SingleSeasonOccupancy(psi, "1") for psi in ("1", "forest")}
    found = estimate_season(history, cells, models=models)
    mean = found.averaged.set_index("cell")
    assert list(mean.columns) == [
        *("season", "species", "psi", "se", "lower", "upper", "extrapolated", "models", "weight")
    ]
    assert mean["models"].unique().tolist() == [2]
    assert mean["weight"].unique() == pytest.approx(1)
    assert len(mean) == len(cells)
    # Burnham and Anderson 2002, eq. 4.9, by hand for one cell
    weight = found.comparison.set_index("model")["weight"]
    of = {name: model.predict(cells).loc["c7"] for name, model in models.items()}
    psi = sum(weight[name] * row["psi"] for name, row in of.items())
    se = sum(weight[name] * np.sqrt(row["se"] ** 2 + (row["psi"] - psi) ** 2) for name, row in of.items())
    assert mean.loc["c7", "psi"] == pytest.approx(psi)
    assert mean.loc["c7", "se"] == pytest.approx(se)
    assert estimate_season(history, cells, models={"one": SingleSeasonOccupancy()}).averaged.empty


def test_a_cell_that_a_candidate_gives_no_psi_has_no_average():
    history, cells, _ = landscape()
    # in half of the cells, those of one kind, every animal is seen: their psi runs to 1
    kind = np.arange(len(cells)) % 2
    history["detected"] = history["detected"].where(history["detected"].isnull() | (kind == 0)[:, None], 1.0)
    models = {psi: SingleSeasonOccupancy(psi, "1", n_starts=1) for psi in ("0 + C(kind)", "kind", "1")}
    found = estimate_season(history, cells.assign(kind=kind), models=models)
    weight = found.comparison.set_index("model")["weight"]
    nothing = [name for name, model in models.items() if model.predict(cells.assign(kind=kind))["psi"].isna().all()]
    assert nothing == []  # each still gives psi of the other kind
    assert found.averaged["weight"].unique() == pytest.approx(weight.sum())
    assert (found.averaged["psi"].isna() == (kind == 1)).all()


def test_seasons_of_a_dynamic_model_are_averaged_one_by_one():
    history, _, _ = simulate_seasons(60, seed=2)
    history.attrs["species"] = "tiger"
    rows = history["loss"].to_series().reset_index()
    outlines = shapely.box(rows["cell"], 0, rows["cell"] + 1, 1)
    cells = gpd.GeoDataFrame(rows, geometry=outlines, crs="EPSG:32652")
    models = {ext: DynamicOccupancy("1", "1", ext, "1", n_starts=1) for ext in ("1", "next_loss")}
    found = estimate_seasons(history.drop_vars("loss"), cells, models=models)
    assert len(found.averaged) == len(found.cells)
    assert (found.averaged[["cell", "season"]].to_numpy() == found.cells[["cell", "season"]].to_numpy()).all()
    each = [model.predict_seasons(found.history, found.covariates)["psi"] for model in models.values()]
    assert found.averaged["psi"].between(np.minimum(*each) - 1e-12, np.maximum(*each) + 1e-12).all()
