"""Where scenes lie: the run's grid, near and far, and files that are not what their items say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.errors import GridError, ReadError
from habitat.grids import grid_over
from habitat.sensors import LANDSAT, SENTINEL2
from habitat.store import open_raster
from habitat.tiles import Asset, Scene, grid_disagreements, run_grid
from habitat.tiles.extents import file_grid
from tiles.archive import AREA, AREA_M, CRS, FINE, GRID, Layer
from tiles.archive import LANDSAT as LANDSAT_GRID

FAR = "https://tiles.example/red.tif"
ITEM_10_M = GeoBox((10_980, 10_980), Affine(10, 0, AREA_M[0], 0, -10, AREA_M[3]), CRS)


def scene_of(assets: dict[str, Asset], sensor: Any = SENTINEL2, name: str = "one", **changed: Any) -> Scene:
    bands = dict(assets)
    quality = bands.pop("quality", None)
    when = datetime(2020, 7, 1, 2, 20, tzinfo=UTC)
    return replace(Scene(name, sensor, when, 0.0, AREA, bands, quality), **changed)


def here(folder: Path, name: str, grid: GeoBox, said: GeoBox | None = None) -> Asset:
    return Asset(str(Layer(1000, grid).write(folder / f"{name}.tif")), grid=said)


def pixel_of(scenes: list[Scene], **given: Any) -> float:
    return run_grid(scenes, AREA, **given).transform.a


# -- the pixel of a run ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sensor", "pixels", "expected"),
    [
        pytest.param(SENTINEL2, {"red": 10, "nir08": 20, "quality": 20}, 20, id="Sentinel-2"),
        pytest.param(SENTINEL2, {"red": 100, "nir08": 200, "quality": 200}, 200, id="Sentinel-2, reduced ten times"),
        pytest.param(SENTINEL2, {"red": 10, "nir08": 10}, 10, id="only 10 m bands"),
        pytest.param(LANDSAT, {"red": 30, "nir08": 30, "quality": 30}, 30, id="Landsat"),
    ],
)
def test_the_pixel_is_that_of_the_coarsest_file(
    tmp_path: Path, sensor: Any, pixels: dict[str, float], expected: float
) -> None:
    box = shapely.box(*AREA_M)
    grids = {name: grid_over(box.buffer(300).bounds, CRS, pixel) for name, pixel in pixels.items()}
    scene = scene_of({name: here(tmp_path, name, grid) for name, grid in grids.items()}, sensor)
    assert pixel_of([scene]) == expected
    assert pixel_of([scene], resolution_m=15) == 15


def test_a_pixel_that_is_not_square_gives_a_square_of_its_longer_side(tmp_path: Path) -> None:
    oblong = GeoBox((4, 4), Affine(444.75, 0, AREA_M[0], 0, -453.5, AREA_M[3]), CRS)
    grid = run_grid([scene_of({"nir08": here(tmp_path, "nir08", oblong)}, LANDSAT)], AREA)
    assert (grid.transform.a, grid.transform.e) == (453.5, -453.5)


def test_degrees_are_no_metres(tmp_path: Path) -> None:
    """Files in degrees: the grid's own system is given, its pixel is the sensor's."""
    degrees = GeoBox((20, 20), Affine(0.0003, 0, AREA.bounds[0], 0, -0.0003, AREA.bounds[3]), "EPSG:4326")
    scene = scene_of({"nir08": here(tmp_path, "nir08", degrees)}, LANDSAT)
    assert pixel_of([scene], crs=CRS) == 30


ROMANIA = (25.5, 46.0)


@pytest.mark.parametrize(
    ("crs", "place"),
    [
        pytest.param("EPSG:3035", ROMANIA, id="Europe's equal areas"),
        pytest.param("EPSG:3035", (-24, 65), id="Europe's equal areas at its rim, where lengths are 1.4% off"),
        pytest.param("EPSG:32634", ROMANIA, id="the zone beside"),
        pytest.param("EPSG:32652", (132.1, 0), id="just past the zone's edge, on the equator, where it is widest"),
        pytest.param("EPSG:32652", (135, 0), id="half a zone past it"),
    ],
)
def test_a_system_that_is_true_to_scale_there_is_taken(tmp_path: Path, crs: str, place: tuple[float, float]) -> None:
    area = shapely.Point(place).buffer(0.01)
    assert run_grid([scene_of({"red": here(tmp_path, "red", GRID)})], area, crs=crs, resolution_m=20).crs == crs


@pytest.mark.parametrize(
    ("crs", "place", "off", "mend"),
    [
        ("EPSG:32652", ROMANIA, r"\+83%", "EPSG:32635"),
        ("EPSG:3857", (131.0, -43.5), r"\+90%", "EPSG:32752"),
        ("EPSG:32601", (-70.0, 5.0), r"off", "EPSG:32619"),
    ],
)
def test_a_system_of_another_place_is_refused_for_its_areas(
    tmp_path: Path, crs: str, place: tuple[float, float], off: str, mend: str
) -> None:
    area = shapely.Point(place).buffer(0.01)
    with pytest.raises(GridError, match=off) as caught:
        run_grid([scene_of({"red": here(tmp_path, "red", GRID)})], area, crs=crs, resolution_m=20)
    assert mend in str(caught.value)


def test_most_scenes_settle_the_zone_and_not_most_places(tmp_path: Path) -> None:
    east = GRID.footprint("EPSG:32653").boundingbox
    foreign = here(tmp_path, "far", grid_over(tuple(east), "EPSG:32653", 20))
    once = [scene_of({"nir08": foreign}, name=f"{n}", tile=f"53T{n}") for n in range(2)]
    often = [scene_of({"nir08": here(tmp_path, "near", GRID)}, name=f"n{n}", tile="52TEN") for n in range(3)]
    assert run_grid([*once, *often], AREA).crs == CRS


# -- files that are not here ----------------------------------------------------------------------------


def test_the_item_s_grid_stands_in_for_a_file_that_is_not_here() -> None:
    scene = scene_of({"nir08": Asset(FAR, grid=GRID)})
    assert run_grid([scene], AREA) == GRID


def test_a_file_that_is_here_is_believed_before_its_item(tmp_path: Path) -> None:
    assert run_grid([scene_of({"nir08": here(tmp_path, "nir08", GRID, said=ITEM_10_M)})], AREA) == GRID


class Loopback:
    """Stands for the web: reads a local file's header for any address, and remembers which were asked for."""

    def __init__(self, path: Path) -> None:
        self.path, self.asked = path, list[str]()

    def grid(self, href: str) -> GeoBox:
        self.asked.append(href)
        with open_raster(self.path) as file:
            return GeoBox.from_rio(file)


def test_a_header_is_read_from_afar_where_no_item_says(tmp_path: Path) -> None:
    remote = Loopback(Layer(1000, GRID).write(tmp_path / "served.tif"))
    scene = scene_of({"nir08": Asset(FAR), "red": Asset("https://tiles.example/b.tif", grid=FINE)})
    assert run_grid([scene], AREA, remote=remote) == GRID  # type: ignore[arg-type]
    assert remote.asked == [FAR]


def test_where_nobody_says_it_is_an_error_without_the_signature() -> None:
    with pytest.raises(ReadError, match="red.tif: is not here yet.*where its pixels lie; habitat fetch") as caught:
        run_grid([scene_of({"nir08": Asset(FAR + "?sig=secret")})], AREA)
    assert "secret" not in str(caught.value)


# -- files that are not what their items say ------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        pytest.param(GRID, None, id="agrees"),
        pytest.param(GRID.translate_pix(0.001, 0), None, id="rounded"),
        pytest.param(
            ITEM_10_M,
            "red: the item says 10 m and 10980 x 10980 pixels, the file has 20 m and 3 x 3: the file is used",
            id="size",
        ),
        pytest.param(
            GRID.translate_pix(0.5, 0),
            "red: the item says that it begins at (500010, 4800060), the file at (500000, 4800060): the file is used",
            id="half a pixel",
        ),
        pytest.param(
            GeoBox(GRID.shape, GRID.transform, "EPSG:32653"),
            "red: the item says EPSG:32653, the file has EPSG:32652: the file is used",
            id="zone",
        ),
        pytest.param(
            GeoBox((3, 3), Affine(20, 0, AREA_M[0], 0, -25, AREA_M[3]), CRS),
            "red: the item says 20 x 25 m and 3 x 3 pixels, the file has 20 m and 3 x 3: the file is used",
            id="not square",
        ),
    ],
)
def test_what_a_file_and_its_item_disagree_about_is_said(tmp_path: Path, said: GeoBox, message: str | None) -> None:
    scene = scene_of({"red": here(tmp_path, "red", GRID, said), "nir08": here(tmp_path, "nir08", GRID)})
    assert grid_disagreements([scene]) == ({} if message is None else {"one": message})


def test_one_line_stands_for_all_bands_of_a_scene(tmp_path: Path) -> None:
    bands = {name: here(tmp_path, name, GRID, ITEM_10_M) for name in ("blue", "red", "quality")}
    said = grid_disagreements([scene_of(bands), scene_of({"red": Asset(FAR, grid=GRID)}, name="far")])
    assert list(said) == ["one"]
    assert said["one"].startswith("blue (and 2 more): the item says 10 m")


def test_a_grid_is_known_from_the_header_alone(tmp_path: Path) -> None:
    assert file_grid(here(tmp_path, "landsat", LANDSAT_GRID)) == LANDSAT_GRID
