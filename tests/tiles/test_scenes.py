"""STAC items as scenes: which sensor, which day, which file is which band, and what a digital number means."""

from __future__ import annotations

from datetime import date
from typing import Any

import pystac
import pytest

from habitat.errors import CatalogueError
from habitat.sensors import LANDSAT, LANDSAT_TM, SENTINEL2
from habitat.tiles import Scene
from habitat.tiles.items import scene_from_item


def item(*assets: str, when: str | None = "2020-07-01T02:20:00Z", said: Any = None, **properties: Any) -> pystac.Item:
    """An item without files; `said` is what each asset says of its pixels."""
    return pystac.Item.from_dict(
        {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": "SCENE",
            "geometry": None,
            "properties": {"datetime": when, **properties},
            "assets": {name: {"href": f"/tiles/{name}.tif", **(said or {})} for name in assets},
            "links": [],
        }
    )


def scene(*assets: str, **changed: Any) -> Scene:
    made = scene_from_item(item(*(assets or ("red",)), **({"platform": "sentinel-2a"} | changed)))
    assert made is not None
    return made


# -- sensor and bands -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "sensor"),
    [
        ({"platform": "sentinel-2a"}, SENTINEL2),
        ({"platform": "Sentinel-2C"}, SENTINEL2),
        ({"constellation": "sentinel-2"}, SENTINEL2),
        ({"platform": "landsat-8"}, LANDSAT),
        ({"platform": "LANDSAT_9"}, LANDSAT),
        ({"platform": "landsat-5"}, LANDSAT_TM),
        ({"platform": "LANDSAT_7"}, LANDSAT_TM),
    ],
)
def test_the_platform_tells_the_sensor(properties: dict[str, str], sensor: object) -> None:
    found = scene_from_item(item("red", **properties))
    assert found is not None
    assert found.sensor is sensor


@pytest.mark.parametrize("properties", [{}, {"platform": "planetscope"}, {"platform": "sentinel-1a"}])
def test_an_unknown_platform_is_no_scene(properties: dict[str, str]) -> None:
    assert scene_from_item(item("red", **properties)) is None


def test_bands_go_by_any_of_their_names() -> None:
    files = {band: asset.href for band, asset in scene("B02", "B04", "b8a", "B08", "B11", "SCL").bands.items()}
    assert files == {
        "blue": "/tiles/B02.tif",
        "red": "/tiles/B04.tif",
        "nir08": "/tiles/b8a.tif",  # never B08: another width
        "swir16": "/tiles/B11.tif",
    }
    quality = scene("red", "SCL").quality
    assert quality is not None
    assert quality.href == "/tiles/SCL.tif"


def test_landsat_s_numbers_mean_other_bands_before_landsat_8() -> None:
    assert scene("SR_B4", platform="landsat-8").bands.keys() == {"red"}
    assert scene("SR_B4", platform="landsat-5").bands.keys() == {"nir08"}


# -- when -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2020-07-01T02:20:00Z", date(2020, 7, 1)),
        ("2020-07-01T23:30:00-05:00", date(2020, 7, 2)),
        ("2020-07-01T06:30:00+10:00", date(2020, 6, 30)),
        ("2020-07-01", date(2020, 7, 1)),
    ],
)
def test_the_day_is_that_of_utc(when: str, day: date) -> None:
    made = scene(when=when)
    assert made.day == day
    assert made.time.utcoffset() is not None, "a time without zone cannot be put in order with others"


def test_a_scene_with_a_span_of_time_has_its_start() -> None:
    times = {"start_datetime": "2020-07-01T02:20:00Z", "end_datetime": "2020-07-03T02:20:00Z"}
    assert scene(when=None, **times).day == date(2020, 7, 1)


# -- digital numbers ------------------------------------------------------------------------------------

STATED = {"raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]}


@pytest.mark.parametrize(
    ("said", "properties", "offset"),
    [
        pytest.param(STATED, {"earthsearch:boa_offset_applied": True}, 0.0, id="taken out of the pixels, still stated"),
        pytest.param(STATED, {"earthsearch:boa_offset_applied": False}, -0.1, id="stated, not taken out"),
        pytest.param(STATED, {}, -0.1, id="stated, no flag"),
        pytest.param(STATED, {"s2:processing_baseline": "02.14"}, -0.1, id="stated against an old baseline"),
        pytest.param({"bands": [{"raster:offset": -0.1}]}, {}, -0.1, id="stated as STAC 1.1 does"),
        pytest.param({}, {"s2:processing_baseline": "04.00"}, -0.1, id="baseline 04.00, nothing stated"),
        pytest.param({}, {"s2:processing_baseline": "05.11"}, -0.1, id="baseline 05.11, nothing stated"),
        pytest.param({}, {"processing:version": "05.09"}, -0.1, id="baseline in another field"),
        pytest.param({}, {"s2:processing_baseline": "03.01"}, 0.0, id="an old baseline"),
        pytest.param({}, {"s2:processing_baseline": "unknown"}, 0.0, id="a baseline that is none"),
        pytest.param({}, {}, 0.0, id="nothing said at all"),
        pytest.param(
            {},
            {"s2:processing_baseline": "05.09", "earthsearch:boa_offset_applied": True},
            0.0,
            id="baseline 05.09, taken out",
        ),
        pytest.param(
            {},
            {"s2:processing_baseline": "05.09", "earthsearch:boa_offset_applied": False},
            -0.1,
            id="baseline 05.09, not taken out",
        ),
    ],
)
def test_the_offset_of_sentinel2(said: dict[str, Any], properties: dict[str, Any], offset: float) -> None:
    red = scene("red", said=said, **properties).bands["red"]
    assert (red.scale, red.offset, red.nodata) == (0.0001, offset, 0)


def test_landsat_has_its_own_scale_unless_the_item_states_another() -> None:
    plain = scene("red", platform="landsat-8").bands["red"]
    assert (plain.scale, plain.offset, plain.nodata) == (0.0000275, -0.2, 0)
    stated = {"raster:bands": [{"scale": 0.0001, "offset": 0, "nodata": -9999}]}
    other = scene("red", platform="landsat-8", said=stated).bands["red"]
    assert (other.scale, other.offset, other.nodata) == (0.0001, 0, -9999)


@pytest.mark.parametrize("said", [{"raster:bands": []}, {"raster:bands": [{"nodata": None, "scale": None}]}])
def test_a_field_that_says_nothing_is_no_statement(said: dict[str, Any]) -> None:
    red = scene("red", said=said).bands["red"]
    assert (red.scale, red.offset, red.nodata) == (0.0001, 0.0, 0)


@pytest.mark.parametrize(
    ("said", "properties", "key"),
    [
        ({"raster:bands": [{"scale": "big"}]}, {}, "scale 'big'"),
        ({"raster:bands": [{"nodata": "nan"}]}, {}, "nodata 'nan'"),
        ({"raster:bands": [{"offset": [1]}]}, {}, r"offset \[1\]"),
        ({}, {"eo:cloud_cover": "few"}, "eo:cloud_cover 'few'"),
    ],
)
def test_what_is_no_number_names_the_item(said: dict[str, Any], properties: dict[str, Any], key: str) -> None:
    with pytest.raises(CatalogueError, match=f"item SCENE: {key} is no number; correct the item"):
        scene("red", said=said, **properties)
