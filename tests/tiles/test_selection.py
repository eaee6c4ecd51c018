"""Which scene is used where several see the same ground, and what is said of the others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from habitat.errors import CatalogueError
from habitat.sensors import LANDSAT, SENTINEL2, Sensor
from habitat.tiles import Asset, Scene, Selection, select_scenes
from habitat.tiles.items import write_items
from habitat.tiles.overlaps import older_processings, same_pass, seen_by_neighbours
from habitat.tiles.scenes import OffsetClaims

WHEN = datetime(2020, 7, 1, 2, 20, tzinfo=UTC)
AREA = shapely.box(130.0, 43.0, 130.2, 43.2)


def tilted(west: float, south: float, east: float, north: float) -> Any:
    """A footprint as UTM tiles have them: no side of it runs along a parallel or meridian."""
    return shapely.Polygon([(west, south - 0.01), (east, south), (east + 0.01, north), (west + 0.01, north + 0.01)])


WIDE = tilted(129.5, 42.5, 131.0, 43.5)


def scene(name: str, **changed: Any) -> Scene:
    baseline = changed.pop("baseline", (5, 9))
    made = Scene(
        id=name,
        sensor=SENTINEL2,
        time=WHEN,
        cloud_percent=10.0,
        geometry=WIDE,
        bands={band: Asset(f"/tiles/{name}/{band}.tif") for band in ("red", "nir08")},
        quality=Asset(f"/tiles/{name}/scl.tif"),
        platform="sentinel-2a",
        tile="52TEN",
        claims=OffsetClaims(baseline=baseline),
    )
    return replace(made, **changed)


def landsat(name: str, **changed: Any) -> Scene:
    said = {"sensor": LANDSAT, "platform": "landsat-8", "tile": "115030", "claims": None}
    return scene(name, **(said | changed))


# -- processings of one acquisition ---------------------------------------------------------------------


def test_the_newest_processing_is_used_and_named() -> None:
    old, new = scene("old", baseline=(2, 14)), scene("new", baseline=(5, 0))
    assert older_processings([old, new]) == {"old": "an older processing of new"}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param({"baseline": (2, 14)}, {"baseline": (5, 0)}, id="baseline"),
        pytest.param({"baseline": (4, 0)}, {"baseline": (4, 10)}, id="baseline, numbers and not letters"),
        pytest.param({"baseline": None}, {"baseline": (2, 14)}, id="baseline unknown"),
        pytest.param({"processed": WHEN}, {"processed": WHEN + timedelta(days=1)}, id="time of processing"),
        pytest.param({"processed": None}, {"processed": WHEN}, id="time of processing unknown"),
        pytest.param(
            {"baseline": (2, 14), "processed": WHEN + timedelta(days=900)},
            {"baseline": (5, 0), "processed": WHEN},
            id="baseline before time",
        ),
        pytest.param({}, {}, id="name"),
        pytest.param({"collection": "sentinel-2-l2a"}, {"collection": "sentinel-2-c1-l2a"}, id="across collections"),
        pytest.param({"platform": None}, {}, id="a platform that is not named"),
        pytest.param({"time": WHEN + timedelta(minutes=13)}, {}, id="the strip's start for the tile's time"),
        pytest.param({"time": WHEN.replace(hour=0, minute=0)}, {}, id="a date without time"),
        pytest.param({"geometry": tilted(129.51, 42.49, 131.0, 43.51)}, {}, id="a footprint drawn a little otherwise"),
    ],
)
def test_what_makes_a_processing_newer(older: dict[str, Any], newer: dict[str, Any]) -> None:
    one, other = scene("a", **older), scene("b", **newer)
    assert older_processings([one, other]) == older_processings([other, one]) == {"a": "an older processing of b"}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"tile": "52TFN"}, id="another tile"),
        pytest.param({"tile": None}, id="no tile"),
        pytest.param({"platform": "sentinel-2b"}, id="another satellite"),
        pytest.param({"time": WHEN + timedelta(minutes=100)}, id="the next orbit, far north"),
        pytest.param({"time": WHEN + timedelta(days=5)}, id="another day"),
        pytest.param({"geometry": tilted(129.5, 42.5, 130.2, 43.5)}, id="a part of the tile"),
        pytest.param({"geometry": None}, id="no footprint"),
        pytest.param({"sensor": LANDSAT, "claims": None}, id="another sensor"),
    ],
)
def test_what_is_another_acquisition(changed: dict[str, Any]) -> None:
    assert older_processings([scene("a"), scene("b", **changed)]) == {}


def test_parts_of_a_tile_that_complete_each_other_are_both_used() -> None:
    west, east = tilted(129.5, 42.5, 130.1, 43.5), tilted(130.08, 42.5, 131.0, 43.5)
    assert older_processings([scene("a", geometry=west), scene("b", geometry=east)]) == {}
    assert seen_by_neighbours([scene("a", geometry=west), scene("b", geometry=east)], AREA) == {}


def test_landsat_in_real_time_loses_against_what_was_made_later() -> None:
    real_time = landsat("LC08_L2SP_115030_20200701_20200910_02_RT", processed=datetime(2020, 9, 10, tzinfo=UTC))
    later = landsat("LC08_L2SP_115030_20200701_20200820_02_T1", processed=datetime(2020, 8, 20, tzinfo=UTC))
    assert older_processings([real_time, later]) == {real_time.id: f"an older processing of {later.id}"}


def test_midnight_does_not_part_a_pass() -> None:
    before, after = scene("a", time=datetime(2020, 6, 30, 23, 59, 50, tzinfo=UTC)), scene("b")
    after = replace(after, time=datetime(2020, 7, 1, 0, 0, 14, tzinfo=UTC))
    assert same_pass(before, after)
    assert older_processings([before, after]) == {"a": "an older processing of b"}


# -- neighbouring tiles of one pass ---------------------------------------------------------------------


def test_a_part_of_the_area_that_another_tile_sees_is_read_once() -> None:
    sliver = scene("sliver", tile="52TFN", geometry=tilted(130.1, 42.5, 131.6, 43.5))
    assert seen_by_neighbours([sliver, scene("wide")], AREA) == {"sliver": "its part of the area is seen by wide"}


def test_what_no_other_tile_sees_whole_is_kept() -> None:
    west = scene("west", geometry=tilted(129.0, 42.5, 130.12, 43.5))
    east = scene("east", tile="52TFN", geometry=tilted(130.08, 42.5, 131.0, 43.5))
    assert seen_by_neighbours([west, east], AREA) == {}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"time": WHEN + timedelta(days=3)}, id="another day"),
        pytest.param({"platform": "sentinel-2b"}, id="another satellite"),
        pytest.param({"sensor": LANDSAT, "claims": None}, id="another sensor"),
        pytest.param({"geometry": None}, id="no footprint"),
        pytest.param({"geometry": shapely.box(129, 42, 132, 44)}, id="a bounding box for a footprint"),
        pytest.param({"geometry": tilted(129.99, 42.5, 131.0, 43.1922)}, id="a side within metres of the area's"),
    ],
)
def test_a_scene_stands_in_only_for_its_own_pass_and_where_it_surely_sees(changed: dict[str, Any]) -> None:
    small = scene("small", tile="52TFN", geometry=tilted(130.05, 42.5, 131.0, 43.5))
    assert "small" not in seen_by_neighbours([small, scene("other", **changed)], AREA)


def test_of_two_that_see_all_the_one_in_the_commonest_system_is_used() -> None:
    """Even if the other sees more and comes first by name: it would have to be warped."""
    far = GeoBox((2, 2), Affine(10, 0, 0, 0, -10, 0), "EPSG:32653")
    other = scene("a", tile="53TKH", geometry=tilted(129.0, 42.0, 132.0, 44.0))
    stated = replace(other, id="b", tile=None, bands={"red": replace(other.bands["red"], grid=far)}, quality=None)
    elsewhere = [scene(f"day {n}", time=WHEN + timedelta(days=n)) for n in (5, 10)]
    for one in (other, stated):
        seen = seen_by_neighbours([one, scene("z"), *elsewhere], AREA)
        assert seen == {one.id: "its part of the area is seen by z"}


def test_of_two_in_one_system_the_one_that_sees_more_is_used() -> None:
    less = scene("a", geometry=tilted(130.01, 42.5, 131.0, 43.5))
    assert set(seen_by_neighbours([less, scene("b", tile="52TFN")], AREA)) == {"a"}
    assert set(seen_by_neighbours([scene("a"), scene("b", tile="52TFN")], AREA)) == {"b"}, "by name where all is equal"


# -- properties -----------------------------------------------------------------------------------------

SIDES = st.tuples(*(st.sampled_from([0.0, 0.3, 0.55, 0.6, 0.9]) for _ in range(4)))


@st.composite
def heaps(draw: st.DrawFn) -> list[Scene]:
    """Scenes of a few days, tiles and satellites, many of which overlap."""
    made = []
    for number in range(draw(st.integers(1, 9))):
        west, south, east, north = draw(SIDES)
        footprint = tilted(129.5 + west / 2, 42.5 + south / 2, 130.0 + east, 43.0 + north)
        sensor: Sensor = draw(st.sampled_from([SENTINEL2, SENTINEL2, LANDSAT]))
        made.append(
            scene(
                f"scene {number}",
                sensor=sensor,
                claims=OffsetClaims(draw(st.sampled_from([None, (2, 14), (5, 9)]))) if sensor is SENTINEL2 else None,
                time=WHEN + timedelta(minutes=draw(st.sampled_from([0, 0, 1, 14, 29, 31, 1440]))),
                platform=draw(st.sampled_from(["sentinel-2a", "sentinel-2a", "sentinel-2b", "sentinel-2", None])),
                tile=draw(st.sampled_from(["52TEN", "52TEN", "52TFN", "53TKH", None])),
                geometry=draw(st.sampled_from([footprint, WIDE, footprint.envelope, None])),
                processed=draw(st.sampled_from([None, WHEN, WHEN + timedelta(days=300)])),
            )
        )
    return made


@given(heaps(), st.randoms(use_true_random=False))
def test_the_order_of_a_catalogue_never_matters(scenes: list[Scene], random: Any) -> None:
    mixed = random.sample(scenes, len(scenes))
    assert older_processings(mixed) == older_processings(scenes)
    assert seen_by_neighbours(mixed, AREA) == seen_by_neighbours(scenes, AREA)


@given(heaps())
def test_nothing_that_a_pass_saw_of_the_area_is_lost(scenes: list[Scene]) -> None:
    gone = seen_by_neighbours(scenes, AREA)
    kept = {one.id: one for one in scenes if one.id not in gone}
    for one in scenes:
        if one.id in gone:
            winner = kept[gone[one.id].removeprefix("its part of the area is seen by ")]
            assert same_pass(one, winner)
            assert winner.geometry.covers(one.geometry.intersection(AREA))


@given(heaps())
def test_a_processing_that_is_left_out_has_a_newer_one_that_is_not(scenes: list[Scene]) -> None:
    older = older_processings(scenes)
    by_name = {one.id: one for one in scenes}
    for name, reason in older.items():
        winner = by_name[reason.removeprefix("an older processing of ")]
        assert winner.id not in older
        assert winner.tile == by_name[name].tile is not None
        if winner.claims is not None:
            own = by_name[name].claims
            assert own is not None
            assert (winner.claims.baseline or ()) >= (own.baseline or ())


# -- the whole choice -----------------------------------------------------------------------------------


def chosen(folder: Path, scenes: list[Scene]) -> Selection:
    path = folder / "items.json"
    write_items(path, scenes)
    return select_scenes(path, area=AREA, windows=[(date(2020, 6, 1), date(2020, 9, 15))], max_cloud_percent=50)


def test_every_scene_that_is_left_out_is_explained(tmp_path: Path) -> None:
    scenes = [
        scene("good"),
        scene("old", baseline=(2, 14)),
        scene("sliver", tile="52TFN", geometry=tilted(130.1, 42.5, 131.6, 43.5)),
        scene("cloudy", time=WHEN + timedelta(days=5), cloud_percent=51.0),
        scene("winter", time=WHEN + timedelta(days=200)),
        scene("elsewhere", geometry=tilted(10, 43, 11, 44)),
    ]
    found = chosen(tmp_path, scenes)
    assert [one.id for one in found.scenes] == ["good"]
    assert found.left_out == {
        "old": "an older processing of good",
        "sliver": "its part of the area is seen by good",
        "cloudy": "with more than 50% cloud",
        "winter": "outside the years and seasons",
        "elsewhere": "outside the area",
    }
    assert found.provider is None
    assert len(found.rules) == 6


def test_reasons_are_counted_without_the_names_in_them(tmp_path: Path) -> None:
    days = [WHEN + timedelta(days=5 * n) for n in range(3)]
    scenes = [scene(f"new {day:%m%d}", time=day) for day in days]
    scenes += [scene(f"old {day:%m%d}", time=day, baseline=(2, 14)) for day in days]
    scenes.append(scene("winter", time=WHEN + timedelta(days=200)))
    found = chosen(tmp_path, scenes)
    assert found.reasons == {"an older processing of another scene": 3, "outside the years and seasons": 1}


def test_the_newest_processing_counts_though_only_an_older_one_states_little_cloud(tmp_path: Path) -> None:
    scenes = [scene("new", cloud_percent=60.0), scene("old", cloud_percent=20.0, baseline=(2, 14))]
    with pytest.raises(CatalogueError, match=r"1 an older processing of another scene; 1 with more than 50% cloud"):
        chosen(tmp_path, scenes)


def test_a_cloudy_neighbour_stands_in_for_none(tmp_path: Path) -> None:
    sliver = scene("sliver", tile="52TFN", geometry=tilted(130.1, 42.5, 131.6, 43.5))
    found = chosen(tmp_path, [scene("cloudy", cloud_percent=90.0), sliver])
    assert [one.id for one in found.scenes] == ["sliver"]


def test_scenes_that_share_a_name_are_one_and_always_the_same(tmp_path: Path) -> None:
    scenes = [scene("twin", baseline=(2, 14)), scene("twin", baseline=(5, 9)), scene("twin", cloud_percent=20.0)]
    first = chosen(tmp_path, scenes).scenes
    assert len(first) == 1
    assert chosen(tmp_path, scenes[::-1]).scenes == first


def test_items_of_other_levels_are_named_in_the_error_if_there_is_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogueError, match=r"known sensor \(2 no surface reflectance of sentinel-2, but another level\)"
    ):
        chosen(tmp_path, [scene("S2A_MSIL1C_x"), scene("S2A_MSIL1C_y")])


def test_a_product_of_the_same_name_does_not_hide_a_scene(tmp_path: Path) -> None:
    """USGS gives a scene's surface temperature the name of its surface reflectance."""
    write_items(tmp_path / "items.json", [landsat("LC08_L2SP_115030_20200701_20200820_02_T1")])
    document = json.loads((tmp_path / "items.json").read_text())
    (feature,) = document["features"]
    heat = feature | {"assets": {"lwir11": feature["assets"]["red"]}}
    windows = [(date(2020, 6, 1), date(2020, 9, 15))]
    for features in ([feature, heat], [heat, feature]):
        (tmp_path / "both.json").write_text(json.dumps(document | {"features": features}))
        found = select_scenes(tmp_path / "both.json", area=AREA, windows=windows)
        assert [one.id for one in found.scenes] == ["LC08_L2SP_115030_20200701_20200820_02_T1"]
        assert found.left_out == {}
