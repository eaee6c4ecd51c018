"""From records to models: planted effects come back, shares hold the truth, and what formulas may name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from habitat.errors import RecipeError
from habitat.occupancy import DynamicOccupancy, RoyleNicholsOccupancy, SingleSeasonOccupancy, estimate_season
from habitat.recipe import OccupancySection
from habitat.seasons import Season
from habitat.simulate.animals import MARTEN, Parameters
from habitat.workflow.histories import Histories
from habitat.workflow.occupying import _estimates, candidates
from habitat.workflow.shares import share_rows
from workflow.surveys import histories, simulated, true_share

SIZE_KM, SEED = 6.0, 100
PLANTED = Parameters()


def wilson(k: int, n: int) -> tuple[float, float]:
    """95% limits of a share by Wilson's score."""
    z, p = 1.959964, k / n
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


@pytest.fixture(scope="module")
def single():
    of = histories(SIZE_KM, SEED, psi="forest_share + recent_loss", p="log_effort")
    return list(_estimates(of, [MARTEN]))


def test_planted_effects_of_forest_and_of_recent_loss_lie_inside_their_limits(single):
    terms = pd.concat([made.estimates for made in single]).query("parameter == 'psi'")
    truth = {"forest_share": PLANTED.psi_forest_share, "recent_loss": PLANTED.psi_recent_loss}
    for term, value in truth.items():
        rows = terms[terms["term"] == term]
        assert len(rows) == 5
        assert ((rows["lower"] <= value) & (value <= rows["upper"])).sum() >= 4
        pooled = np.average(rows["estimate"], weights=rows["se"] ** -2.0)
        assert abs(pooled - value) < 2.6 / np.sqrt((rows["se"] ** -2.0).sum())
        assert abs(pooled) > 2.6 / np.sqrt((rows["se"] ** -2.0).sum()), "told from nothing"


def test_the_true_share_lies_inside_the_model_s_limits_and_outside_the_naive_figure_s(single):
    table = pd.concat([share_rows(made, size_m=300) for made in single])
    truth = true_share(SIZE_KM, SEED)
    assert ((table["lower"] <= truth) & (truth <= table["upper"])).sum() >= 4
    assert ((table["expected_lower"] <= truth) & (truth <= table["expected_upper"])).sum() >= 4
    naive = np.array([wilson(*pair) for pair in table[["cells_detected", "cells_surveyed"]].to_numpy()])
    assert (naive[:, 1] < truth).all()


def test_one_model_of_all_seasons_is_surer_and_as_right():
    of = histories(
        SIZE_KM,
        SEED,
        model="dynamic",
        psi="forest_share + recent_loss",
        colonisation="next_forest_share + next_recent_loss",
        extinction="next_forest_share + next_recent_loss",
        p="log_effort",
    )
    (made,) = _estimates(of, [MARTEN])
    table, truth = share_rows(made, size_m=300), true_share(SIZE_KM, SEED)
    assert ((table["lower"] <= truth) & (truth <= table["upper"])).sum() >= 4
    terms = made.estimates.set_index(["parameter", "term"])
    # states are drawn anew each season: an unused cell is colonised as any cell is used
    for term, value in (("next_forest_share", 3.8), ("next_recent_loss", -9.0)):
        assert terms.loc[("col", term), "lower"] <= value <= terms.loc[("col", term), "upper"]
        assert terms.loc[("ext", term), "lower"] <= -value <= terms.loc[("ext", term), "upper"]
    assert made.cells["season"].nunique() == 5
    assert made.cells["conditional"].notna().all()


def test_a_year_without_a_survey_stays_a_season():
    of = histories(SIZE_KM, SEED, model="dynamic")
    of.effort = of.effort[of.effort["start"].dt.year != 2023]
    found = of.seasons_of(MARTEN)
    assert found is not None
    history, habitat = found
    assert history["season"].to_numpy().tolist() == [2021, 2022, 2023, 2024, 2025]
    assert np.isnan(history["detected"].sel(season=2023)).all()
    assert (history["detected"].sel(season=2022) == 1).any()
    assert habitat.groupby("season").size().tolist() == [400] * 5


def test_false_records_are_told_from_true_ones_where_some_are_certain():
    """A third of the deployments in unused cells has a record of another animal; half of the true ones are certain."""
    random = np.random.default_rng(0)
    by_rule = {}
    for rule in ("model", "count", "drop"):
        of = histories(SIZE_KM, SEED, psi="forest_share + recent_loss", p="log_effort", uncertain=rule)
        of.events["certain"] = np.arange(len(of.events)) % 2 == 0
        true = simulated(SIZE_KM, SEED)[0].set_index(["season", "cell"])["occupied"]
        where = pd.MultiIndex.from_arrays([of.effort["start"].dt.year, of.effort["cell"]])
        bare = of.effort[(true.reindex(where) == 0).to_numpy()].sample(frac=0.35, random_state=1)
        false = bare[["effort_id", "geometry"]].assign(
            event=[f"F{k}" for k in range(len(bare))],
            species=MARTEN,
            individual=None,
            time=bare["start"] + (bare["end"] - bare["start"]) * random.random(len(bare)),
            certain=False,
        )
        of.events = pd.concat([of.events, false], ignore_index=True)
        made = of.season_of(MARTEN, 2022)
        models = candidates(of.settings, doubt="certain" in made[0])
        by_rule[rule] = estimate_season(*made, models=models)
    truth = true_share(SIZE_KM, SEED)[1]
    share = {rule: made.shares.set_index("method").loc["finite_sample"] for rule, made in by_rule.items()}
    assert set(by_rule["model"].estimates["parameter"]) == {"psi", "p", "fp", "b"}
    assert share["count"]["lower"] > truth, "who takes every record as true finds the animal where it is not"
    for rule in ("model", "drop"):
        assert share[rule]["lower"] <= truth <= share[rule]["upper"], rule


def small(**settings) -> Histories:
    return histories(1.5, 1, **settings)


def test_uncertain_records_are_modelled_counted_or_dropped():
    of = small()
    of.events["certain"] = np.arange(len(of.events)) % 3 > 0
    history, _ = of.season_of(MARTEN, 2021)
    seen = history["detected"] == 1
    assert set(np.unique(history["certain"].to_numpy()[seen.to_numpy()])) == {0.0, 1.0}
    assert history["certain"].where(~seen).isnull().all()
    events = of.events[of.events["time"].dt.year == 2021]
    sure = events[events["certain"]]
    assert int((history["certain"] == 1).sum()) <= len(sure)
    count, drop = small(uncertain="count"), small(uncertain="drop")
    count.events = drop.events = of.events
    all_seen, some_seen = count.season_of(MARTEN, 2021)[0], drop.season_of(MARTEN, 2021)[0]
    assert "certain" not in all_seen
    assert int((all_seen["detected"] == 1).sum()) == int(seen.sum())
    assert int((some_seen["detected"] == 1).sum()) == int((history["certain"] == 1).sum())
    of.events["certain"] = True
    assert "certain" not in of.season_of(MARTEN, 2021)[0], "nothing is in doubt"


def test_tables_of_one_s_own_are_told_by_cell_season_and_occasion(tmp_path: Path):
    (tmp_path / "snow.csv").write_text("season,occasion,snow\n2021,0,1\n2021,1,5\n2022,0,9\n")
    (tmp_path / "deer.csv").write_text("cell,deer\nx0y0,3\nx1y0,4\n")
    (tmp_path / "years.csv").write_text("season,mast\n2021,0.5\n")
    of = small(folder=tmp_path, covariates=["snow.csv", "deer.csv", "years.csv"])
    history, habitat = of.season_of(MARTEN, 2021)
    assert history["snow"].dims == ("cell", "occasion")
    assert history["snow"].isel(cell=0).to_numpy()[:2].tolist() == [1, 5]
    assert np.isnan(history["snow"].isel(cell=0).to_numpy()[2:]).all()
    assert habitat.set_index("cell")["deer"].dropna().to_dict() == {"x0y0": 3, "x1y0": 4}
    assert (habitat["mast"] == 0.5).all()
    assert history["day"].isel(cell=0).to_numpy()[:2].tolist() == [5, 15]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("snow\n3\n", "has none of the columns cell, season, occasion"),
        ("cell,snow\nx0y0,3\nx0y0,4\n", "has several rows of one cell"),
        ("cell,forest_share\nx0y0,3\n", "column 'forest_share' is a covariate of the run"),
        ("occasion,effort\n0,3\n", "column 'effort' is a covariate of the run"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str):
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(RecipeError, match=words):
        small(folder=tmp_path, covariates=["own.csv"]).season_of(MARTEN, 2021)


def test_every_choice_of_formulas_is_a_candidate():
    def made(doubt: bool = False, **settings):
        return candidates(OccupancySection(season="09-20/11-20", **settings), doubt=doubt)

    lists = made(psi=["1", "forest_share"], p=["1", "effort"])
    assert list(lists) == ["psi(1) p(1)", "psi(1) p(effort)", "psi(forest_share) p(1)", "psi(forest_share) p(effort)"]
    assert isinstance(lists["psi(1) p(1)"], SingleSeasonOccupancy)
    assert lists["psi(1) p(1)"].fp is None
    assert made(doubt=True, fp="effort")["psi(1) p(1)"].fp == "effort"
    (dynamic,) = made(model="dynamic", colonisation="a", extinction="b").values()
    assert isinstance(dynamic, DynamicOccupancy)
    assert (dynamic.col, dynamic.ext) == ("a", "b")
    (abundance,) = made(model="abundance", psi="a", p="b").values()
    assert isinstance(abundance, RoyleNicholsOccupancy)
    assert (abundance.lam, abundance.r) == ("a", "b")


def test_seasons_of_a_run_begin_at_local_midnight():
    """A camera that worked from 1 October 00:30 to 31 August 23:30 there stood into September only in UTC."""
    sightings = SimpleNamespace(timezone="Asia/Vladivostok")
    context = SimpleNamespace(
        recipe=SimpleNamespace(sightings=sightings),
        seasons=[Season.parse("mapping", "06-01/09-01")],
        years=[2020, 2021],
        warnings=[],
    )
    settings = OccupancySection(season="09-01/09-30", occasion_days=10, psi=["1"], p=["1"])
    start, end = pd.to_datetime(pd.Series(["2020-09-30T14:30Z", "2021-08-31T13:30Z"]), utc=True)
    effort = pd.DataFrame({"start": [start], "end": [end]})
    of = Histories(context, settings, habitat=None, events=None, effort=effort)
    assert of.years == []
    assert of.map_before(2021) == 2021
    sightings.timezone = None
    assert Histories(context, settings, habitat=None, events=None, effort=effort).years == [2020]
