"""The studies of trajectories, kinds and burns run, and score by their own rules; how well, their own pages say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import burns, burns_run, kinds, trajectories
from habitat.change.patches import ATTRIBUTES


def test_years_are_scored_where_a_true_loss_is_called() -> None:
    loss = np.array([[2018, 2019, 2020, 0, 0]])
    forest = np.array([[[1, 1, 1, 1, 0]], [[1, 1, 1, 1, 0]]], dtype=bool)
    found = np.array([[2018, 2020, 0, 2019, 2019]]), np.array([[0.5, 0.5, 0.05, 0.3, 0.5]])
    scored = trajectories.score(found, loss, forest)
    assert scored == trajectories.Score(2, 1, 1, 1, 2, 4, 3)


def test_the_race_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDTS_PYTHON", raising=False)
    assert set(trajectories.speeds(pixels=4_000, turns=1)) == {"habitat, one index", "habitat, four bands"}


def test_weights_that_are_learnt_name_what_they_were_learnt_from() -> None:
    import pandas as pd

    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 30)
    values = rng.normal(0, 0.3, (180, len(ATTRIBUTES)))
    values[np.arange(180), labels] += 3
    training = pd.DataFrame(values, columns=list(ATTRIBUTES)).assign(label=labels)
    space: dict[str, object] = {}
    exec(kinds.fit(training), space)
    weights = np.asarray(space["WEIGHTS"])
    assert space["KINDS"] == kinds.KINDS
    units = (values - np.asarray(space["CENTRE"])) / np.asarray(space["SPREAD"])
    assert ((np.column_stack([np.ones(180), units]) @ weights.T).argmax(axis=1) == labels).all()


def test_kinds_are_scored_with_dont_know_as_wrong() -> None:
    true, said = np.array([0, 0, 1, 1, 2, 3]), np.array([0, -1, 1, 0, 2, 3])
    scores = kinds.f1_by_kind(true, said, np.ones(6))
    assert scores == pytest.approx([0.5, 2 / 3, 1, 1, 0, 0])
    assert kinds.f1_by_kind(true, said, np.array([1.0, 0, 1, 0, 1, 1]))[:2] == pytest.approx([1, 1])


def test_burns_are_scored_by_pixels_burnt_and_by_burns_called() -> None:
    import pandas as pd

    fires = pd.DataFrame({"ground": ["forest", "open"], "month": 4, "burnt": 100, "seen": 80, "found": [40, 60]})
    calls = pd.DataFrame({"ground": "forest", "right": [True, True, True, False], "season": burns.SEASONS[0]})
    severity = pd.DataFrame(
        {"share": [0.1, 0.3, 0.5], "dnbr": [0.1, 0.2, 0.3], "dnbr_year": [0.3, 0.2, 0.1], "severity": 1}
    )
    one = burns.Scored(fires, calls, severity, dict.fromkeys(burns.GROUNDS, 1000), dict.fromkeys(burns.SEASONS, 10))
    found = burns.shares([one, one], "forest", draws=20)
    assert [value[0] for value in found.values()] == pytest.approx([0.4, 0.5, 0.75])
    page = burns.report([one, one])
    assert "| forest | 0.10 | 0.00 | 0.00 | 0.00 | 0.00 | 1.0 |" in page
    assert "1.00 within weeks, -1.00 a year on" in page


def test_what_burned_is_a_share_of_each_pixel() -> None:
    from habitat.simulate import make_study

    study = make_study(preset="hard", size_km=2.4, seed=0)
    fires = burns.burnt_ground(study)
    assert fires
    assert all(share.shape == study.area.map.shape and 0 < share.max() <= 1 for share in fires.values())


def test_a_run_is_scored_by_the_burns_that_it_wrote(tmp_path: Path) -> None:
    import pandas as pd

    from habitat.grids import grid_over
    from habitat.simulate import make_study
    from habitat.store import write_raster, write_table

    study = make_study(preset="hard", size_km=burns_run.SIZE_KM, seed=100, years=burns_run.YEARS)
    fires = {day: share for day, share in burns.burnt_ground(study).items() if day >= burns_run.FIRST}
    rows = [(day + 3, *place) for day, share in fires.items() for place in np.argwhere(share >= burns.LEAST_TOUCHED)]
    table = pd.DataFrame(rows, columns=["date", "row", "column"]).iloc[::2]
    wrong = pd.DataFrame({"date": [np.datetime64("2019-01-05")], "row": 0, "column": 0})
    write_table(tmp_path / "change" / "burns.parquet", pd.concat([table, wrong], ignore_index=True))
    size = study.area.map.shape[0]
    grid = grid_over((500_000, 4_800_000, 500_000 + 20 * size, 4_800_000 + 20 * size), "EPSG:32652", 20)
    told = np.zeros((1, size, size), np.uint16)
    told[0, :, 0] = 65535
    write_raster(tmp_path / "change" / "burn_year.tif", told, grid, ["burn_year"], 65535)
    one, left = burns_run.score(tmp_path, 100)
    assert one.fires["burnt"].sum() == len(rows)
    assert one.fires["found"].sum() == len(table)
    assert (one.calls["right"].sum(), len(one.calls)) == (len(table), len(table) + 1)
    assert sum(left.values()) == size
    assert "| April |" in burns_run.report([one, one], [left, left])
