"""Sun and view angles: from items, from products, over the grid; each beside numbers that others made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from habitat.errors import CatalogueError
from habitat.grids import Block, crop, grid_over
from habitat.sensors import SENTINEL2
from habitat.simulate.metadata import granule_text
from habitat.tiles import Scene, read_stack, scene_from_item, select_scenes
from habitat.tiles.angles import make_angles
from habitat.tiles.lattices import angles_at, angles_over
from habitat.tiles.orbits import (
    LANDSAT_ORBIT,
    SENTINEL2_ORBIT,
    directions,
    nadir_of,
    place_on_track,
    sun_over,
    vectors,
    view_over,
    wrs2_centre,
)
from habitat.tiles.products.archives import open_view
from habitat.tiles.products.granules import read_granule_angles
from habitat.tiles.products.landsat_c2 import read_landsat
from habitat.tiles.products.safe import read_safe
from habitat.tiles.scenes import Angles
from tiles.archive import AREA, GRID, Archive
from tiles.downloads import GRANULE, MTL
from tiles.test_products_metadata import landsat_files, safe_files

TILE = grid_over((600_000, 4_690_200, 709_800, 4_800_000), "EPSG:32652", 20)
XML = granule_text(TILE, sun_zenith=30, sun_azimuth=150)


def apart(one: float | np.ndarray, other: float | np.ndarray) -> Any:
    """Between azimuths."""
    return np.abs((np.asarray(one) - other + 180) % 360 - 180)


def almanac(when: datetime, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sun's zenith and azimuth after the Astronomical Almanac's low-precision formulas (0.01 degrees)."""
    days = (when - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400
    anomaly = np.radians(357.528 + 0.9856003 * days)
    longitude = np.radians(280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt = np.radians(23.439 - 0.0000004 * days)
    ascension = np.arctan2(np.cos(tilt) * np.sin(longitude), np.cos(longitude))
    declination = np.arcsin(np.sin(tilt) * np.sin(longitude))
    hour = np.radians(15 * (18.697374558 + 24.06570982441908 * days) + lon) - ascension
    lat = np.radians(lat)
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(lat) * np.sin(declination) - np.sin(lat) * np.cos(declination) * np.cos(hour)
    up = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(hour)
    return directions(np.stack([east, north, up], axis=-1))


# -- geometry -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("month", range(4, 11))
def test_one_sun_lights_all_of_a_scene(month: int) -> None:
    when = datetime(2021, month, 11, 2, 8, tzinfo=UTC)
    lon, lat = (np.array(v, dtype=float) for v in ([129, 131, 129, 131], [44, 44, 42.5, 42.5]))
    middle = (129.97, 43.19)
    zenith, azimuth = (float(v) for v in almanac(when, *map(np.array, middle)))
    made = sun_over(lon, lat, at=middle, zenith_deg=zenith, azimuth_deg=azimuth)
    true = almanac(when, lon, lat)
    assert np.abs(made[0] - true[0]).max() < 0.01
    assert apart(made[1], true[1]).max() < 0.02


EPHEMERIS = (
    (10.9048, 56.4519, 6.25, 107.0),
    (13.6851, 56.4859, 8.23, 287.6),
    (12.7912, 54.8438, 8.51, 287.0),
    (9.9751, 55.3035, 8.14, 106.2),
)
"""Of Landsat 8's scene LC81950212017279LGN00, path 195 row 21: longitude and latitude of four places, and zenith and
azimuth of the satellite abreast of them, worked out on the ellipsoid from the ephemeris in its angle coefficient
file."""


@pytest.mark.parametrize(("lon", "lat", "zenith", "azimuth"), EPHEMERIS)
def test_landsat_is_seen_where_its_ephemeris_has_it(lon: float, lat: float, zenith: float, azimuth: float) -> None:
    seen = view_over(np.array(lon), np.array(lat), nadir=wrs2_centre(195, 21), orbit=LANDSAT_ORBIT)
    assert abs(seen[0] - zenith) < 0.3
    assert apart(seen[1], azimuth) < 1.5


CENTRES = {(195, 21): (11.8029, 55.9058), (8, 59): (-75.0755, 1.4457)}
"""Middles of two real scenes: in that file, and of the footprint in the item of LC08_L2SP_008059_20191201."""


@pytest.mark.parametrize(("path", "row"), CENTRES)
def test_wrs_2_s_scenes_lie_where_real_ones_do(path: int, row: int) -> None:
    assert np.allclose(wrs2_centre(path, row), CENTRES[path, row], atol=0.06)


MEAN_VIEWS = (
    (23, (-8.4984, 52.7979), 9.229, 289.89),
    (23, (-8.7289, 51.9401), 10.384, 291.08),
    (123, (-8.1869, 52.7524), 3.224, 138.30),
    (123, (-8.2011, 51.8550), 2.765, 184.49),
)
"""Relative orbit, middle of the footprint, and mean view of four tiles of 2026 (29UNU, 29UNT) as the Copernicus Data
Space's items state them."""


@pytest.mark.parametrize(("number", "at", "zenith", "azimuth"), MEAN_VIEWS)
def test_sentinel_2_s_tracks_are_known_by_their_numbers(
    number: int, at: tuple[float, float], zenith: float, azimuth: float
) -> None:
    lon, lat = nadir_of(at, zenith, azimuth, SENTINEL2_ORBIT)
    assert abs(place_on_track(number, lat, SENTINEL2_ORBIT)[0] - lon) < 0.08  # 5 km, 0.4 degrees of zenith


@given(st.floats(-70, 70), st.floats(-179, 179), st.floats(-10, 10))
def test_a_track_is_found_again_from_what_is_seen_of_it(lat: float, lon: float, aside: float) -> None:
    at = (lon + aside / 10 / np.cos(np.radians(lat)), lat)
    zenith, azimuth = view_over(*map(np.array, at), nadir=(lon, lat), orbit=SENTINEL2_ORBIT)
    found = nadir_of(at, float(zenith), float(azimuth), SENTINEL2_ORBIT)
    again = view_over(*map(np.array, at), nadir=found, orbit=SENTINEL2_ORBIT)
    assert np.allclose(
        vectors(*again), vectors(zenith, azimuth), atol=1e-3
    )  # 0.06 degrees: a track is not quite straight


# -- items ----------------------------------------------------------------------------------------------

SUN = {"view:sun_elevation": 60.0, "view:sun_azimuth": 150.0}


def item(name: str, platform: str, *, box: tuple[float, ...] = (129.5, 42.8, 130.5, 43.6), **said: Any) -> Scene:
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    made = pystac.Item.from_dict(
        {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": name,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "bbox": list(box),
            "properties": {"datetime": "2020-07-01T02:20:00Z", "platform": platform, **said},
            "assets": {band: {"href": f"https://tiles.example/{band}.tif"} for band in ("red", "nir08", "B04", "B8A")},
            "links": [],
        }
    )
    made.set_self_href("https://api.example/item")
    found = scene_from_item(made)
    assert found is not None
    return found


def angles_in(scene: Scene, lon: float, lat: float) -> np.ndarray:
    assert scene.angles is not None
    x, y = Transformer.from_crs("EPSG:4326", scene.angles.crs, always_xy=True).transform(lon, lat)
    return angles_at(scene.angles, np.array(x), np.array(y))


def test_a_landsat_item_s_sun_and_path_give_all_angles() -> None:
    scene = item("LC08_L2SP_115030_20200701_20200701_02_T1", "landsat-8", **SUN)
    assert scene.angles is not None
    assert scene.angles.crs == "EPSG:32652"
    lon, lat = wrs2_centre(115, 30)
    sun_zenith, sun_azimuth, zenith, _ = angles_in(scene, lon, lat)
    assert (abs(sun_zenith - 30), apart(sun_azimuth, 150), zenith) == pytest.approx((0, 0, 0), abs=0.02)
    west, east = angles_in(scene, lon - 0.5, lat), angles_in(scene, lon + 0.5, lat)
    assert west[2] == pytest.approx(3.55, abs=0.1)  # 40.6 * cos(14) = 39.4 km of 705, and the Earth's bend
    assert apart(west[3], 104) < 1  # at 43 degrees the track goes to 194
    assert apart(east[3], 284) < 1


@pytest.mark.parametrize(
    "said",
    [
        {"sat:relative_orbit": 3},
        {"s2:product_uri": "S2A_MSIL2A_20200701T022551_N0214_R003_T52TEN_20200701T043000.SAFE"},
    ],
)
def test_a_sentinel_2_item_s_relative_orbit_gives_its_view(said: Mapping[str, Any]) -> None:
    scene = item("S2A_52TEN_20200701_0_L2A", "sentinel-2a", **SUN, **said)
    track = place_on_track(3, 43.2, SENTINEL2_ORBIT)
    expected = view_over(np.array(130.0), np.array(43.2), nadir=track, orbit=SENTINEL2_ORBIT)
    found = angles_in(scene, 130, 43.2)
    assert found[2] == pytest.approx(float(expected[0]), abs=0.05)
    assert apart(found[3], float(expected[1])) < 0.3


def test_without_a_relative_orbit_the_mean_view_gives_the_track() -> None:
    said = {"view:incidence_angle": 6.0, "view:azimuth": 105.0, **SUN}
    scene = item("S2A_52TEN_20200701_0_L2A", "sentinel-2a", **said)
    zenith = [angles_in(scene, lon, 43.2)[2] for lon in (129.5, 130.0, 130.5)]
    assert zenith[1] == pytest.approx(6, abs=0.1)
    assert zenith[0] - zenith[1] == pytest.approx(zenith[1] - zenith[2], abs=0.1)
    assert zenith[0] - zenith[1] == pytest.approx(3.2, abs=0.3)  # nearer to the track in the east, by 40.6 km of 786


def test_what_nobody_says_stays_unknown() -> None:
    assert item("S2A_52TEN_20200701_0_L2A", "sentinel-2a").angles is None
    assert item("HLS.S30.T52TEN", "sentinel-2a", **SUN).angles is None
    no_view = item("S2A_52TEN_20200701_0_L2A", "sentinel-2a", **SUN).angles
    assert no_view is not None
    assert no_view.view_zenith is None
    assert item("A", "landsat-8", **(SUN | {"view:sun_elevation": -3.0})).angles is None  # at night


def test_the_planetary_computer_s_names_are_known() -> None:
    said = {"s2:mean_solar_zenith": 30.0, "s2:mean_solar_azimuth": 150.0}
    angles = item("S2A_MSIL2A_20200701T022551_R003_T52TEN_20200701T043000", "Sentinel-2A", **said).angles
    assert angles is not None
    assert np.mean(angles.sun_zenith) == pytest.approx(30, abs=0.05)
    assert angles.view_zenith is not None


def test_a_landsat_that_looked_aside_has_no_known_view() -> None:
    angles = item("LC08_L2SP_115030_20200701_20200701_02_T1", "landsat-8", **SUN, **{"view:off_nadir": 14.0}).angles
    assert angles is not None
    assert angles.view_zenith is None


def test_landsat_7_lost_its_path_when_it_was_lowered() -> None:
    box = (130.5, 42.8, 131.5, 43.6)  # a degree east of the path
    old = item("LE07_L2SP_115030_20200701_20200701_02_T1", "landsat-7", box=box, **SUN)
    new = item("LE07_L2SP_115030_20230701_20230701_02_T1", "landsat-7", box=box, datetime="2023-07-01T00:10:00Z", **SUN)
    assert angles_in(old, 131, 43.2)[2] > 6
    assert angles_in(new, 131, 43.2)[2] < 0.1


SPOILT = [
    7,
    {},
    {"crs": "EPSG:32652", "x": [0], "y": [0], "sun_zenith": [[1, 2]], "sun_azimuth": [[3]]},
    {"crs": "EPSG:0", "x": [0], "y": [0], "sun_zenith": [[1]], "sun_azimuth": [[3]]},
    {"crs": "EPSG:32652", "x": [0], "y": ["n"], "sun_zenith": [[1]], "sun_azimuth": [[3]]},
    {"crs": "EPSG:32652", "x": [0], "y": [0], "sun_zenith": [[float("nan")]], "sun_azimuth": [[3]]},
    {"crs": "EPSG:32652", "x": [0], "y": [0], "sun_zenith": [[1]]},
    {"crs": "EPSG:32652", "x": [0], "y": [0], "view_zenith": [[1]], "view_azimuth": [[3]]},
]


@pytest.mark.parametrize("said", SPOILT)
def test_a_property_that_is_no_lattice_is_one_clear_error(said: Any) -> None:
    with pytest.raises(CatalogueError, match=r"item A: habitat:angles is no lattice"):
        item("A", "landsat-8", **{"habitat:angles": said})


# -- products -------------------------------------------------------------------------------------------


def test_a_granule_s_detectors_are_one_swath() -> None:
    angles = read_granule_angles(XML.encode(), "MTD_TL.xml")
    assert angles is not None
    x = np.array([600_000.0, 650_000, 690_000, 710_000])
    found = angles_at(angles, x, np.full(4, 4_750_000.0))
    assert np.allclose(found[0], 30, atol=0.01)
    assert np.allclose(found[1], 150, atol=0.02)
    across = (x - 600_000 - 90_000) / 786_000  # of the height, to the east of the track
    assert np.allclose(found[2], np.degrees(np.arctan(np.abs(across))), atol=0.02)
    assert np.allclose(apart(found[3][[0, 1, 3]], [105, 105, 285]), 0, atol=1)


def test_where_the_swath_ends_its_view_goes_on() -> None:
    one_detector = re.sub(r"<Viewing[^>]*detectorId=.2.*?</Viewing_Incidence_Angles_Grids>", "", XML, flags=re.DOTALL)
    angles = read_granule_angles(one_detector.encode(), "MTD_TL.xml")
    assert angles is not None
    found = angles_at(angles, np.array([705_000.0]), np.array([4_750_000.0]))
    assert found[2] == pytest.approx(np.degrees(np.arctan(15 / 786)), abs=0.05)


def test_a_granule_without_angles_has_none() -> None:
    assert read_granule_angles(b"<a><b/></a>", "MTD_TL.xml") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</n1:Level-2A_Tile_ID>", "", "is not XML"),
        ("<n1:Geometric_Info>", '<!DOCTYPE a [<!ENTITY b "c">]><n1:Geometric_Info>', "is not XML"),
        ("<VALUES>30 ", "<VALUES>high ", "says no grid of angles in Zenith"),
        ("<VALUES>30 ", "<VALUES>", "says no grid of angles in Zenith"),
        ("<VALUES>30 ", "<VALUES>NaN ", "says a sun that is not above the ground"),
        ("<VALUES>30 ", "<VALUES>95 ", "no directions"),
        ("<ULX>600000</ULX>", "<ULX>west</ULX>", "says ULX = 'west', which is no number"),
        ("EPSG:32652", "EPSG:4326", "says no place of its angles"),
        (">5000</COL_STEP>", ">0</COL_STEP>", "says no place of its angles"),
    ],
)
def test_what_is_wrong_in_a_granule_is_said(old: str, new: str, message: str) -> None:
    assert old in XML
    with pytest.raises(CatalogueError, match=message):
        read_granule_angles(XML.replace(old, new, 1).encode(), "MTD_TL.xml")


def test_an_entity_bomb_is_not_unfolded() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "cccc"><!ENTITY d "&b;&b;&b;">]><a>&d;</a>'
    with pytest.raises(CatalogueError, match="declares document types or entities"):
        read_granule_angles(bomb.encode(), "MTD_TL.xml")


def test_a_safe_product_tells_its_granule_s_angles(tmp_path: Path) -> None:
    product = safe_files(tmp_path)
    assert read_safe(open_view(product)).angles is None
    (product / GRANULE / "MTD_TL.xml").write_text(XML)
    assert read_safe(open_view(product)).angles == read_granule_angles(XML.encode(), "")


def test_a_landsat_product_tells_the_sun_of_its_own_hour(tmp_path: Path) -> None:
    assert read_landsat(open_view(landsat_files(tmp_path / "plain"), flat=True)).angles is None
    row = "    WRS_ROW = 30\n"
    mtl = MTL.replace(row, f"{row}    SUN_AZIMUTH = 141.5\n    SUN_ELEVATION = 62.25\n")
    angles = read_landsat(open_view(landsat_files(tmp_path / "sunlit", mtl), flat=True)).angles
    assert angles is not None
    at = Transformer.from_crs("EPSG:4326", angles.crs, always_xy=True).transform(*wrs2_centre(115, 30))
    found = angles_at(angles, *(np.array(v) for v in at))
    assert np.allclose(found[:2], [27.75, 141.5], atol=0.1)  # 100 km west of the piece
    turned = mtl.replace(row, f'{row}    NADIR_OFFNADIR = "OFFNADIR"\n')
    aside = read_landsat(open_view(landsat_files(tmp_path / "aside", turned), flat=True)).angles
    assert aside is not None
    assert aside.view_zenith is None


# -- over the grid --------------------------------------------------------------------------------------


def lattice(
    view_azimuth: list[list[float]], crs: str = "EPSG:32652", x: tuple[float, float] = (490e3, 510e3)
) -> Angles:
    two = np.full((2, 2), 5.0)
    nodes = np.array(x), np.array([4_810_000.0, 4_790_000.0])
    return make_angles(crs, *nodes, sun=(two * 6, two * 30), view=(two, np.array(view_azimuth)))


def scene_with(angles: Angles | None, name: str = "A") -> Scene:
    return Scene(name, SENTINEL2, datetime(2020, 7, 1, tzinfo=UTC), None, None, {}, None, angles=angles)


def test_azimuths_are_directions_and_never_averaged_across_north() -> None:
    angles = lattice([[350, 10], [350, 10]])
    found = angles_at(angles, np.array([500e3]), np.array([4_800_000.0]))
    assert apart(found[3], 0) < 0.01
    assert found[2] == pytest.approx(5, abs=0.1)


def test_nodes_lie_around_the_grid_and_those_of_a_block_among_them() -> None:
    grid = grid_over((500_000, 4_780_000, 533_000, 4_800_000), "EPSG:32652", 20)
    groups = [[scene_with(lattice([[80, 110], [95, 130]]))]]
    whole = angles_over(groups, grid)
    assert whole["node_x"][1].tolist() == [500e3, 510e3, 520e3, 530e3, 540e3]
    assert whole["node_y"][1].tolist() == [4800e3, 4790e3, 4780e3]
    part = angles_over(groups, crop(grid, Block(0, slice(0, 100), slice(700, 900))))
    assert part["node_x"][1].tolist() == [510e3, 520e3]
    for name in ("sun_zenith", "view_zenith", "view_azimuth"):
        assert np.array_equal(part[name][1], whole[name][1][:, :2, 1:3])
        assert part[name][1].dtype == np.float32


def test_a_lattice_of_another_zone_is_laid_where_it_belongs() -> None:
    x, y = Transformer.from_crs("EPSG:32652", "EPSG:32653", always_xy=True).transform(500e3, 4_800_000.0)
    nodes, two = (np.array([x - 10e3, x + 30e3]), np.array([y + 20e3, y - 20e3])), np.full((2, 2), 5.0)
    angles = make_angles("EPSG:32653", *nodes, sun=(np.array([[30, 40], [30, 40]]), two), view=(two, two))
    made = angles_over([[scene_with(angles)]], GRID)
    col, row = made["node_x"][1].tolist().index(500e3), made["node_y"][1].tolist().index(4800e3)
    assert made["sun_zenith"][1][0, row, col] == pytest.approx(32.5, abs=0.05)  # a quarter of the way


def test_each_node_is_told_by_the_scene_that_holds_it() -> None:
    west = lattice([[100, 100], [100, 100]], x=(480e3, 500e3))
    east = lattice([[200, 200], [200, 200]], x=(500e3, 520e3))
    grid = grid_over((490_000, 4_790_000, 510_000, 4_800_000), "EPSG:32652", 20)
    azimuth = angles_over([[scene_with(west), scene_with(east)]], grid)["view_azimuth"][1]
    assert np.allclose(azimuth[0], [[100, 100, 200]] * 2)


def test_scenes_without_angles_are_nan_and_without_any_nothing_is_said(archive: Archive) -> None:
    archive.sentinel2("1", "2020-07-01", red=1000)
    archive.sentinel2("2", "2020-07-02", red=1000, properties=SUN | {"sat:relative_orbit": 3})
    day = datetime(2020, 7, 1, tzinfo=UTC).date()
    scenes = select_scenes(archive.catalogue(), area=AREA, windows=[(day, day.replace(day=3))]).scenes
    stack = read_stack(scenes, GRID, ("red", "nir08"))
    assert stack["view_zenith"].dims == ("time", "node_y", "node_x")
    assert np.isnan(stack["sun_zenith"].values[0]).all()
    assert np.allclose(stack["sun_zenith"].values[1], 30, atol=0.2)
    plain = read_stack([replace(scene, angles=None) for scene in scenes], GRID, ("red", "nir08"))
    assert "sun_zenith" not in plain.coords
    assert "node_x" not in plain.dims
