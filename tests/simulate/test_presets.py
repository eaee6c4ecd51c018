"""Presets: names, what they set, and `standard`, whose bytes never change."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from terminal import run

from habitat.cubes import Quality
from habitat.errors import RecipeError
from habitat.simulate import make_study, write_sample
from habitat.simulate.area import Area
from habitat.simulate.catalogue import write_scene
from habitat.simulate.disturbance import make_history
from habitat.simulate.landscape import make_landscape
from habitat.simulate.presets import LANDSAT, PRESETS, STANDARD, Rate, find_preset
from habitat.simulate.scenes import plan_overpasses, take_scene
from habitat.simulate.streams import Streams
from habitat.simulate.surface import make_ground
from habitat.simulate.terrain import make_terrain
from habitat.simulate.truth import tell_truth, write_truth
from habitat.store import digest_file

COMMITTED = Path(__file__).parents[2] / "sample_tiles"


def test_standard_writes_the_committed_sample_byte_for_byte(tmp_path: Path) -> None:
    area, streams, years = Area.of_size(3.0), Streams(7000), range(2016, 2026)
    landscape = make_landscape(area, make_terrain(area, streams), streams)
    history, ground = make_history(landscape, years, streams), make_ground(landscape, streams)
    write_truth(tmp_path / "truth", tell_truth(history, years), area)
    for overpass in plan_overpasses(years, streams)[2:80:25]:
        write_scene(tmp_path, take_scene(area, history, ground, overpass, streams), area)
    names = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    assert len(names) == 21 + 4 * 8
    assert not [name for name in names if digest_file(tmp_path / name) != digest_file(COMMITTED / name)]


def test_a_preset_is_found_by_its_name_and_a_near_miss_is_answered() -> None:
    assert find_preset("standard") is STANDARD
    assert find_preset(STANDARD) is STANDARD
    assert all(preset.name == name for name, preset in PRESETS.items())
    with pytest.raises(RecipeError, match=r"'Standart' does not exist; did you mean 'standard'\?"):
        find_preset("Standart")
    with pytest.raises(RecipeError, match="choose one of standard"):
        find_preset("xyzzy")


def test_the_command_says_the_nearest_name_in_one_line(tmp_path: Path) -> None:
    said = run("sample", tmp_path / "land", "--preset", "standrad")
    assert said.status == 1
    assert said.err.splitlines() == ["habitat: error: preset: 'standrad' does not exist; did you mean 'standard'?"]
    assert not (tmp_path / "land").exists()


def test_a_preset_sets_dates_events_and_what_the_folder_says(tmp_path: Path) -> None:
    one = replace(STANDARD.schedules[1], windows=((6, 4, 7, 20),), odd_windows=None)
    mine = replace(STANDARD, name="mine", schedules=(one,), events=(Rate("cut", 0.05, 0.05),))
    write_sample(tmp_path / "land", size_km=0.6, seed=3, years=range(2021, 2023), preset=mine)
    told = json.loads((tmp_path / "land" / "truth" / "parameters.json").read_text())["preset"]
    assert told == json.loads(json.dumps(mine.settings))
    assert told["events"] == [{"kind": "cut", "low": 0.05, "high": 0.05}]
    readme = (tmp_path / "land" / "README.md").read_text()
    assert "--seed 3 --preset mine`" in readme
    assert "scenes of 2021-2022, 1 a year, as GeoTIFFs" in readme
    catalogue = json.loads((tmp_path / "land" / "catalog.json").read_text())
    assert [link["href"] for link in catalogue["links"] if link["rel"] == "child"] == [
        "./scenes/landsat-c2-l2/collection.json"
    ]


def test_odd_years_may_have_their_own_dates() -> None:
    first = {
        o.when.year: o.when.month
        for o in reversed(plan_overpasses(range(2016, 2020), Streams(4)))
        if o.sensor == LANDSAT
    }
    assert all((month < 3) == (year % 2 == 1) for year, month in first.items())


def test_equal_limits_draw_nothing() -> None:
    assert Rate("thinning", 0.004, 0.004).draw(None) == 0.004


def test_hard_is_as_it_was_when_it_was_accepted() -> None:
    # if this fails, decision 16 asks for a new decision, and for new scores of all detectors
    study = make_study(preset="hard", seed=1, size_km=0.6, years=range(2018, 2021))
    assert study.losses is not None
    looks = study.take_looks([2019])
    kinds = study.losses.table.groupby("kind")["share"].agg(["size", "sum"]).round(1)
    assert kinds.T.to_dict("list") == {"clear cut": [60, 50.4], "wind": [28, 12.8]}
    assert len(study.plan()) == 73
    assert study.plan()[0].when.isoformat() == "2015-08-03T02:08:08+00:00"
    assert looks.reflectance.mean(axis=(0, 2, 3)) == pytest.approx([1386, 1546, 1621, 2486, 1895, 1265], abs=1)
    assert (looks.quality & Quality.CLOUD > 0).mean() == pytest.approx(0.143, abs=1e-3)
