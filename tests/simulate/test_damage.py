"""Damage of the hard preset: what goes, how fast, what grows after, and that the truth says exactly that."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from habitat.simulate import Study, make_study, write_sample
from habitat.simulate.area import Area
from habitat.simulate.classes import FOREST_COVER, SETTLEMENT
from habitat.simulate.damage import KINDS, Damage, DamagedHistory
from habitat.simulate.fields import block_mean
from habitat.simulate.landscape import Landscape
from habitat.simulate.losses import tell_losses

AREA, YEARS = Area.of_size(1.2), range(2016, 2024)


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study(preset="hard", seed=3, size_km=1.2, years=YEARS)


@pytest.fixture
def grove(study: Study) -> Landscape:
    """The landscape as if it were closed forest everywhere, 80% of it crowns."""
    whole = np.full_like(study.landscape.cover, 0.8)
    return replace(study.landscape, cover=whole, ceiling=whole)


def _square(kind: str, day: date, share: float, days: int = 0, speed: float = 1.0) -> Damage:
    """Damage of the pixels 20 to 29 in both directions."""
    window = slice(20, 30)
    touched = np.ones((10, 10), dtype=bool)
    return Damage(kind, day, days, window, window, touched, np.full((10, 10), share, np.float32), speed)


def test_a_felling_takes_its_share_on_its_day_and_no_more(grove: Landscape) -> None:
    day = date(2018, 2, 10)
    history = DamagedHistory(grove, (_square("selective cut", day, 0.4),))
    before, after = history.at(day - timedelta(days=1)), history.at(day)
    assert before.cover == pytest.approx(0.8)
    assert after.cover[20:30, 20:30] == pytest.approx(0.48)
    assert after.cover[:20] == pytest.approx(0.8)
    assert (after.code[20:30, 20:30] == grove.forest_type[20:30, 20:30]).all(), "forest still"
    assert (history.at(day).bare[20:30, 20:30] > before.bare[20:30, 20:30] + 0.1).all()


def test_beetles_take_theirs_little_by_little_and_leave_the_dead_standing(grove: Landscape) -> None:
    day = date(2018, 6, 1)
    history = DamagedHistory(grove, (_square("insects", day, 0.6, days=600, speed=0.0),))
    covers = [float(history.at(day + timedelta(days=k)).cover[25, 25]) for k in range(-1, 701, 50)]
    assert covers[0] == pytest.approx(0.8)
    assert covers[-1] == pytest.approx(0.32)
    assert all(later <= earlier for earlier, later in pairwise(covers))
    assert history.at(day + timedelta(days=300)).cover[25, 25] == pytest.approx(0.8 * 0.7), (
        "half of it after half the time"
    )
    assert history.at(day + timedelta(days=600)).dead[25, 25] > 0.15
    assert history.at(day + timedelta(days=600 + 20 * 365)).dead[25, 25] < 0.01


def test_cut_forest_comes_back_and_built_ground_does_not(grove: Landscape) -> None:
    day = date(2000, 3, 1)
    cut = DamagedHistory(grove, (_square("clear cut", day, 1.0),))
    built = DamagedHistory(grove, (_square("building", day, 1.0, speed=0.0),))
    covers = [float(cut.at(date(year, 9, 15)).cover[25, 25]) for year in (2000, 2005, 2011, 2040)]
    assert covers[0] < 0.02
    assert covers[0] < covers[1] < FOREST_COVER < covers[2] < covers[3]
    assert covers[3] == pytest.approx(0.8, abs=0.02)
    state = built.at(date(2040, 9, 15))
    assert state.cover[25, 25] == 0
    assert state.code[25, 25] == SETTLEMENT


def test_two_thinnings_leave_the_product_of_what_each_leaves(grove: Landscape) -> None:
    events = (
        _square("wind", date(2018, 9, 1), 0.5, speed=0.0),
        _square("selective cut", date(2018, 9, 2), 0.3, speed=0.0),
    )
    assert DamagedHistory(grove, events).at(date(2019, 1, 1)).cover[25, 25] == pytest.approx(0.8 * 0.5 * 0.7)


def test_part_of_the_landscape_has_the_cover_of_the_whole(study: Study) -> None:
    history = study.history
    assert isinstance(history, DamagedHistory)
    day = date(2021, 8, 1)
    state, window = history.at(day), (slice(13, 71), slice(40, 97))
    ceiling = np.maximum(history.landscape.ceiling, history.landscape.cover)[window]
    assert np.minimum(history.cover_at(day, window), ceiling) == pytest.approx(state.cover[window], abs=1e-5)


def test_the_truth_is_what_crowns_lost(study: Study) -> None:
    history, losses = study.history, study.losses
    assert isinstance(history, DamagedHistory)
    assert losses is not None
    inner, n = slice(6, -6), history.landscape.cover.shape[0]
    whole = (slice(0, n), slice(0, n))
    checked = 0
    for number, event in enumerate(losses.events):
        rows = losses.rows[losses.rows["event"] == number]
        if event.days or not len(rows) or sum(other.start == event.start for other in losses.events) > 1:
            continue
        days = (event.start - timedelta(days=1), event.start)
        before, after = (block_mean(history.cover_at(day, whole)[inner, inner], 2) for day in days)
        place = (rows["row"], rows["col"])
        ailing = any(other.days and other.start <= event.start <= other.end for other in losses.events)
        assert (before[place] >= FOREST_COVER).all()
        fallen = 1 - after[place] / before[place]
        assert fallen == pytest.approx(rows["share"].to_numpy(), abs=0.03 if ailing else 2e-3)
        checked += 1
    assert checked >= 5


def test_kinds_shares_and_dates_are_as_various_as_promised() -> None:
    rows = []
    for seed in range(3):
        losses = make_study(preset="hard", seed=seed, size_km=1.8).losses
        assert losses is not None
        rows.append(losses.rows)
    kinds = {kind for table in rows for kind in table["kind"]}
    assert kinds == set(range(1, len(KINDS) + 1))
    share = np.concatenate([table["share"] for table in rows])
    assert share.min() >= 0
    assert share.max() <= 1 + 1e-6
    counted = share[share >= 0.2]
    assert 0.2 < (counted < 0.5).mean() < 0.6
    assert 0.2 < (counted > 0.9).mean() < 0.6
    for table in rows:
        days = (table["end"] - table["start"]).dt.days
        slow = table["kind"] == KINDS.index("insects") + 1
        assert (days[~slow] == 0).all()
        assert days[slow].between(300, 1000).all()
        summer = table["start"].dt.month.isin([6, 7, 8])
        assert summer.any(), "some of it happens inside the mapping season"


def test_truth_is_told_once_for_a_pixel_and_event_and_inside_the_square(study: Study) -> None:
    assert study.losses is not None
    rows = study.losses.rows
    assert not rows.duplicated(["event", "row", "col"]).any()
    n = AREA.size_m // 20
    assert rows["row"].between(0, n - 1).all()
    assert rows["col"].between(0, n - 1).all()
    assert rows["start"].is_monotonic_increasing


def test_more_of_the_event_than_the_square_holds_is_cut_off(grove: Landscape) -> None:
    n = grove.cover.shape[0]
    window = slice(n - 9, n)
    touched = np.ones((9, 9), dtype=bool)
    event = Damage("wind", date(2018, 9, 1), 0, window, window, touched, np.full((9, 9), 0.5, np.float32), 1.0)
    rows = tell_losses(DamagedHistory(grove, (event,)), date(2018, 1, 1), date(2018, 12, 31)).rows
    # 9 fine pixels, 6 of them in the margin, odd start: one whole pixel and one of which half is touched
    assert sorted(set(rows["row"])) == [AREA.size_m // 20 - 2, AREA.size_m // 20 - 1]
    corner = rows[(rows["row"] == AREA.size_m // 20 - 1) & (rows["col"] == AREA.size_m // 20 - 1)]
    assert corner["share"].tolist() == pytest.approx([0.5])


def test_the_hard_sample_holds_its_damage_and_every_look(tmp_path: Path) -> None:
    years = range(2020, 2022)
    write_sample(tmp_path / "land", size_km=0.6, seed=4, years=years, preset="hard")
    study = make_study(preset="hard", seed=4, size_km=0.6, years=years)
    assert study.losses is not None
    told = pd.read_csv(tmp_path / "land" / "truth" / "damage.csv", parse_dates=["start", "end"])
    assert len(told) == len(study.losses.rows) > 0
    assert set(told["kind"]) <= set(KINDS)
    assert (told[["row", "col"]].to_numpy() == study.losses.rows[["row", "col"]].to_numpy()).all()
    assert (told["start"].to_numpy() == study.losses.rows["start"].to_numpy()).all()
    assert told["share"].to_numpy() == pytest.approx(study.losses.rows["share"].to_numpy(), abs=0.006)
    assert len(list((tmp_path / "land" / "scenes").rglob("red.tif"))) == len(study.plan()) > 40
    readme = (tmp_path / "land" / "README.md").read_text()
    assert "--preset hard`" in readme
    assert "damage.csv" in readme
