"""Harsh years and dense archives: what changes the forest's looks without taking a tree, and what is seen of it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from habitat.errors import RecipeError
from habitat.simulate import PRESETS, Study, make_study
from habitat.simulate.archive import plan_dense_overpasses
from habitat.simulate.climate import HarshClimate, MildClimate
from habitat.simulate.presets import LANDSAT, SENTINEL2
from habitat.simulate.quality import Verdict, overlook
from habitat.simulate.streams import Streams
from habitat.simulate.surface import Ground, make_ground, make_surface, reflectance

STREAMS = Streams(5)


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study(preset="hard", seed=5, size_km=0.6, years=range(2019, 2021))


def _moisture(study: Study, ground: Ground, day: date) -> float:
    """Median NDMI of forest."""
    state = study.history.at(day)
    bands = reflectance(ground, make_surface(ground, state, STREAMS), SENTINEL2, 150, 50)
    index = (bands[3] - bands[4]) / (bands[3] + bands[4])
    return float(np.median(index[state.cover > 0.6]))


def test_a_drought_is_seen_in_late_summer_and_gone_next_year(study: Study) -> None:
    shape = study.landscape.cover.shape
    dry = HarshClimate({2019: 0.0, 2020: 0.0}, {2019: np.full(shape, 0.8, np.float32)}, {2019: 200}, {})
    wet = HarshClimate({2019: 0.0, 2020: 0.0}, {}, {}, {})
    parched, usual = (make_ground(study.landscape, STREAMS, climate) for climate in (dry, wet))
    loss = {
        day: _moisture(study, usual, day) - _moisture(study, parched, day)
        for day in (date(2019, 6, 10), date(2019, 8, 25), date(2020, 8, 25))
    }
    assert loss[date(2019, 8, 25)] > 0.05
    assert loss[date(2019, 6, 10)] < 0.2 * loss[date(2019, 8, 25)]
    assert loss[date(2020, 8, 25)] == 0


def test_a_late_spring_delays_leaves_and_nothing_else(study: Study) -> None:
    late, usual = (
        make_ground(study.landscape, STREAMS, HarshClimate({2020: days}, {}, {}, {})) for days in (18.0, 0.0)
    )
    may, july = date(2020, 5, 15), date(2020, 7, 20)
    assert _moisture(study, usual, may) > _moisture(study, late, may) + 0.05
    assert _moisture(study, usual, july) == pytest.approx(_moisture(study, late, july), abs=0.01)


def test_a_mild_climate_changes_no_share(study: Study) -> None:
    ground = make_ground(study.landscape, STREAMS)
    assert isinstance(ground.climate, MildClimate)
    shares = make_surface(ground, study.history.at(date(2020, 8, 1)), STREAMS).shares
    assert shares.min() >= -1e-6
    harsh = make_surface(study.ground, study.history.at(date(2020, 8, 1)), STREAMS).shares
    assert harsh.min() >= -1e-6
    assert harsh.sum(axis=0).max() <= 1 + 1e-4


def test_the_archive_is_as_dense_as_real_ones_and_has_gaps_of_months() -> None:
    gaps, counts = [], []
    for seed in range(8):
        passes = plan_dense_overpasses(range(2016, 2026), Streams(seed))
        assert {o.when.year for o in passes if o.sensor == SENTINEL2} <= set(range(2016, 2026))
        assert min(o.when.date() for o in passes if o.sensor == LANDSAT) >= date(2013, 4, 11)
        assert all((3, 20) <= (o.when.month, o.when.day) <= (11, 10) for o in passes)
        assert max(o.cloud_cover for o in passes) <= 0.6
        days = np.array([o.when.date().toordinal() for o in passes if o.when.year >= 2016])
        year = np.array([o.when.year for o in passes if o.when.year >= 2016])
        within = np.diff(days)[np.diff(year) == 0]
        gaps.append(within.max())
        counts += [int((year == y).sum()) for y in range(2018, 2026)]
    assert 20 <= np.mean(counts) <= 40
    assert np.median(gaps) > 40


def test_the_mask_overlooks_the_share_it_is_told_to() -> None:
    rng = np.random.default_rng(0)
    cloud = np.zeros((200, 200), dtype=bool)
    cloud[:120] = True
    nothing = np.zeros_like(cloud)
    seen = overlook(rng, Verdict(cloud, nothing, ~cloud, nothing, nothing), 0.05)
    assert 1 - seen.thick.sum() / cloud.sum() == pytest.approx(0.05, abs=0.001)
    assert 1 - seen.shadow.sum() / (~cloud).sum() == pytest.approx(0.05, abs=0.001)
    assert not (seen.thick & ~cloud).any()


def test_a_dense_sample_is_whole_and_the_same_again() -> None:
    one, two = (make_study(preset="hard", size_km=0.6, seed=2, years=range(2019, 2021)) for _ in range(2))
    assert one.losses is not None
    assert two.losses is not None
    assert one.losses.rows.equals(two.losses.rows)
    looks, again = (study.take_looks().stack() for study in (one, two))
    assert looks.sizes == {"time": len(one.plan()), "y": 30, "x": 30}
    assert looks.identical(again)
    for name in ("nir08", "swir16"):
        assert np.isfinite(looks[name].values).all()
        assert float(looks[name].min()) >= -0.2
    assert set(np.unique(looks["sensor"])) == {SENTINEL2, LANDSAT}
    assert (np.diff(looks["time"].values) >= np.timedelta64(0)).all()


def test_an_archive_cannot_be_thinned_to_so_many_looks() -> None:
    with pytest.raises(RecipeError, match="all the looks of an archive"):
        PRESETS["hard"].with_looks(12)
