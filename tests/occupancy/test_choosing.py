"""The best of several models, on the same cells; and what is said of surveys and fits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from habitat.errors import EstimationError
from habitat.occupancy import (
    DynamicOccupancy,
    RoyleNicholsOccupancy,
    SingleSeasonOccupancy,
    assess_fit,
    judge_estimate,
    judge_season,
    residual_moran,
    share_occupied,
)
from habitat.occupancy.choosing import choose_model
from occupancy.simulated import simulate
from occupancy.test_dynamic import simulate as simulate_seasons


def test_candidates_are_compared_on_the_cells_that_all_can_use():
    history, cells, _ = simulate(200, 5, seed=2)
    cells["slope"] = np.where(np.arange(200) < 40, np.nan, np.random.default_rng(0).normal(size=200))
    models = {name: SingleSeasonOccupancy(name, "effort") for name in ("1", "forest", "slope")}
    found = choose_model(models, history, cells.set_index("cell"))
    assert found.name == "forest"
    assert {model.n_sites_ for model in models.values()} == {found.model.n_sites_}
    assert found.model.n_sites_ <= 160
    assert found.note == "40 surveyed cells left out (a covariate of a candidate is missing)"
    assert found.comparison["weight"].sum() == pytest.approx(1)
    assess_fit(found.model, found.history, cells, n_draws=2)  # it is told of the same visits


def test_abundance_is_tested_and_shared_as_occupancy_is():
    random = np.random.default_rng(12)
    forest = random.uniform(0, 2, 250)
    animals = random.poisson(np.exp(-0.8 + 0.7 * forest))
    seen = (random.random((250, 6)) < 1 - 0.75 ** animals[:, None]).astype(float)
    history = xr.Dataset({"detected": (("cell", "occasion"), seen)}, coords={"cell": np.arange(250)})
    cells = pd.DataFrame({"forest": forest}, index=pd.Index(np.arange(250), name="cell"))
    model = RoyleNicholsOccupancy("forest").fit(history, cells)
    fit = assess_fit(model, history, cells, n_draws=25)
    assert fit.p_value > 0.05
    assert 0.6 < fit.c_hat < 1.6
    share = share_occupied(model, cells, n_draws=200).set_index("method")
    truth = (animals > 0).mean()
    assert (share["lower"] < truth).all()
    assert (share["upper"] > truth).all()
    mean, se = model.mean_psi(cells)
    assert mean == pytest.approx(model.predict(cells)["psi"].mean())
    raw, _ = model._coefficients.draw(3000, 0)
    drawn = -np.expm1(-np.exp(raw[:, [0]] + raw[:, [1]] * forest)).mean(axis=1)
    assert se == pytest.approx(drawn.std(), rel=0.08)
    simple = assess_fit(SingleSeasonOccupancy("forest").fit(history, cells), history, cells, n_draws=25)
    assert simple.c_hat > fit.c_hat, "detection that grows with numbers is no one p"


def test_the_fit_of_several_seasons_is_good_where_the_model_is_true():
    history, cells, _ = simulate_seasons(150, seed=5)
    model = DynamicOccupancy("forest", "1", "next_loss", n_starts=1).fit(history, cells)
    fit = assess_fit(model, history, cells, n_draws=20)
    assert fit.p_value > 0.05
    assert 0.8 < fit.c_hat < 1.2
    wrong = history.assign(
        detected=history["detected"].where(history["season"] != 2018, 0.0)
    )  # a year of blind cameras
    again = DynamicOccupancy("forest", "1", "next_loss", n_starts=1).fit(wrong, cells)
    assert assess_fit(again, wrong, cells, n_draws=20).c_hat > fit.c_hat
    with pytest.raises(EstimationError, match="knows no false records"):
        assess_fit(SingleSeasonOccupancy(fp="1"), history, cells)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"season_days": 180}, "a season of 180 days is long for closure"),
        ({"occasion_days": 1}, "occasions of 1 day: visits"),
        ({"home_range_km2": 400.0}, "a cell of 13 km2 in a home range of 400 km2 measures use, not occupancy"),
        ({"home_range_km2": 400.0}, "an animal shares its time among about 31 cells, more than the 10 days"),
    ],
)
def test_a_survey_is_judged_by_its_lengths_and_sizes(settings, words):
    said = judge_season(**{"season_days": 60, "occasion_days": 10, "cell_km2": 13.0, **settings})
    assert any(words in line for line in said)
    assert judge_season(season_days=60, occasion_days=10, cell_km2=450.0, home_range_km2=400.0) == []


def test_an_estimate_is_judged_by_how_often_and_how_surely_the_animal_was_found():
    history, cells, _ = simulate(200, 6, seed=3)
    model = SingleSeasonOccupancy("forest", "effort").fit(history, cells)
    assert judge_estimate(model, None, None) == []
    sparse = xr.Dataset({"detected": history["detected"].isel(occasion=[0])})
    sparse["detected"][:20, 0] = 1
    rare = SingleSeasonOccupancy().fit(sparse)
    assert any("occasions a cell and season" in line for line in judge_estimate(rare, None, None))
    random = np.random.default_rng(0)
    seen = (random.random((300, 3)) < 0.1) & (random.random(300) < 0.8)[:, None]
    thin = xr.Dataset({"detected": (("cell", "occasion"), seen.astype(float))}, coords={"cell": np.arange(300)})
    assert any(
        "is found in the season with" in line for line in judge_estimate(SingleSeasonOccupancy().fit(thin), None, None)
    )
    points = pd.DataFrame({"x": np.arange(200.0), "y": 0.0}, index=cells["cell"])
    half = pd.Series((np.arange(200) < 100).astype(float), index=cells["cell"])
    alike = residual_moran(half, half * 0 + 0.5, points, distance_m=1)
    assert any("Moran's I 0.9" in line for line in judge_estimate(model, None, alike))
