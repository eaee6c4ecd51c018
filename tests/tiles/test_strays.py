"""A file that lies elsewhere than the rest of its scene is refused, never passed on as ground that was not seen."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning
from terminal import run

from habitat.errors import CatalogueError, GridError
from habitat.grids import grid_over
from habitat.tiles import read_stack, refuse_strays
from habitat.tiles.catalogue import read_items
from habitat.tiles.items import scene_from_item
from habitat.tiles.products import index_products
from habitat.tiles.strays import find_stray, lie_together
from tiles.archive import CRS, FINE, GRID, Archive, Layer
from tiles.downloads import LANDSAT, LEFT, MTL, TOP, landsat_product, numbers, write_image

OTHER_ZONE = GeoBox(GRID.shape, GRID.transform, "EPSG:32653")
"""The same numbers, six degrees to the east."""
WARPED = grid_over((8_000, 4_813_000, 10_100, 4_815_100), "EPSG:32653", 20)
"""About where the border forest's (500 km, 4800 km) lies, as the next zone counts."""


def scenes_of(archive: Archive) -> list:  # type: ignore[type-arg]
    return [scene_from_item(item) for item in read_items(archive.catalogue())]


# -- extents --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shift_pixels", "together"), [(0, True), (1, True), (1.5, True), (1.6, False), (3, False), (1000, False)]
)
def test_files_lie_together_if_they_share_half_of_the_smaller(shift_pixels: float, together: bool) -> None:
    """Of three columns: shifted by one and a half, half is shared."""
    assert lie_together(GRID, GRID.translate_pix(shift_pixels, 0)) is together


def test_a_file_that_covers_more_ground_lies_with_the_others() -> None:
    assert lie_together(GRID, GRID.buffered(10_000))


def test_one_system_s_numbers_in_another_lie_elsewhere() -> None:
    assert not lie_together(GRID, OTHER_ZONE)


def test_a_file_of_another_zone_over_the_same_ground_lies_with_the_others() -> None:
    """A square of 200 km in zone 52 lies inside its own outline in zone 53."""
    box = GRID.buffered(100_000)
    there = box.extent.to_crs("EPSG:32653").boundingbox
    assert lie_together(box, grid_over(tuple(there), "EPSG:32653", 1000))
    assert not lie_together(box, WARPED.translate_pix(-1_000_000, 0))


def test_a_place_that_a_system_cannot_hold_lies_elsewhere() -> None:
    antipode = GeoBox((3, 3), Affine(20, 0, 5e8, 0, -20, 5e8), CRS)
    degrees = GeoBox((3, 3), Affine(0.01, 0, -51, 0, -0.01, -43), "EPSG:4326")
    assert not lie_together(GRID, antipode)
    assert not lie_together(GRID, degrees)


def test_the_one_file_that_differs_is_named_whatever_the_order() -> None:
    grids = {"blue": GRID, "red": OTHER_ZONE, "nir08": GRID, "quality": FINE}
    expected = (
        "its red does not lie where its {} does: in EPSG:32653 from (500000, 4800060), "
        "that in EPSG:32652 from (500000, 4800060)"
    )
    assert find_stray(grids) == ("red", expected.format("blue"))
    assert find_stray(dict(reversed(grids.items()))) == ("red", expected.format("quality"))
    assert find_stray({"blue": GRID, "quality": FINE}) is None
    assert find_stray({}) is None


# -- scenes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asset", ["red", "scl"])
@pytest.mark.parametrize("grid", [OTHER_ZONE, GRID.translate_pix(500, 0)])
def test_a_scene_with_a_file_elsewhere_is_refused(archive: Archive, asset: str, grid: GeoBox) -> None:
    item = archive.sentinel2(**{asset: Layer(4, grid)})
    name = "quality" if asset == "scl" else asset
    with pytest.raises(GridError, match=f"its {name} does not lie where") as caught:
        refuse_strays(scenes_of(archive))
    said = str(caught.value)
    assert item["id"] in said
    assert str(archive.file(item, asset)) in said
    assert f"EPSG:{grid.crs.epsg}" in said
    assert "EPSG:32652" in said
    assert "correct the file's reference system" in said


def test_whole_scenes_are_not_refused(archive: Archive) -> None:
    archive.sentinel2(red=Layer(1000, FINE))
    archive.landsat()
    refuse_strays(scenes_of(archive))


def test_reading_refuses_it_too_where_it_would_hide_the_scene(archive: Archive) -> None:
    archive.sentinel2(red=Layer(1000, OTHER_ZONE))
    with pytest.raises(GridError, match="its red does not lie where"):
        read_stack(scenes_of(archive), GRID, ("red", "nir08"))


def test_ground_beside_a_whole_scene_is_not_seen_and_no_fault(archive: Archive) -> None:
    archive.sentinel2()
    stack = read_stack(scenes_of(archive), GRID.translate_pix(100, 0), ("red", "nir08"))
    assert stack["red"].isnull().all()


@pytest.mark.parametrize("command", ["check", "composite"])
def test_check_and_run_say_so(archive: Archive, command: str) -> None:
    archive.sentinel2()
    archive.sentinel2("S2A_52TFN_20200702_0_L2A", "2020-07-02", red=Layer(1000, OTHER_ZONE))
    archive.catalogue()
    box = ", ".join(f"{side:.6f}" for side in GRID.buffered(-5).geographic_extent.boundingbox)
    recipe = archive.folder / "recipe.toml"
    recipe.write_text(
        f'[area]\nname = "a"\nbbox = [{box}]\n[period]\nyears = "2020"\nseason = "06-01/09-15"\n'
        '[scenes]\nsource = "catalog.json"\n[output]\nfolder = "run"\n'
    )
    said = run(command, recipe)
    assert said.status == 1, said
    assert "item S2A_52TFN_20200702_0_L2A" in said.err
    assert "its red does not lie where" in said.err
    assert not list(archive.folder.glob("run/composites/*.tif"))


# -- products -------------------------------------------------------------------------------------------

GOOD = LANDSAT.replace("20230711", "20230727")


@pytest.fixture(autouse=True)
def _unplaced_on_purpose() -> None:
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


def in_zone(product: Path, crs: str, left: float = LEFT) -> None:
    for path in product.glob("*.TIF"):
        with rasterio.open(path, "r+") as file:
            file.crs, file.transform = crs, Affine(30, 0, left, 0, -30, TOP)


def test_a_product_with_one_band_in_another_zone_is_refused(tmp_path: Path) -> None:
    landsat_product(tmp_path, name=GOOD)
    product = landsat_product(tmp_path)
    write_image(product / f"{LANDSAT}_SR_B4.TIF", numbers("red"), 30, "EPSG:32650")
    index = index_products(tmp_path)
    assert [scene.id for scene in index.scenes] == [GOOD]
    said = index.refused[LANDSAT]
    assert "its red does not lie where its blue does: in EPSG:32650" in said
    assert said.endswith("download it again")


def test_a_product_whose_files_are_all_in_another_zone_than_its_mtl_is_refused(tmp_path: Path) -> None:
    landsat_product(tmp_path, name=GOOD)
    in_zone(landsat_product(tmp_path), "EPSG:32650")
    said = index_products(tmp_path).refused[LANDSAT]
    assert f"{LANDSAT}_MTL.txt: says that the product lies in EPSG:32652 from (599985, 4800015)" in said
    assert "its files say EPSG:32650 from (600000, 4800000), which is elsewhere; download the product again" in said


def test_a_product_that_was_warped_is_used_and_noted(tmp_path: Path) -> None:
    """The same ground, as the zone to the east counts; by hand the corner is known only roughly, so pyproj tells it."""
    product = landsat_product(tmp_path)
    (x,), (y,) = rasterio.warp.transform("EPSG:32652", "EPSG:32653", [LEFT], [TOP])
    for path in product.glob("*.TIF"):
        with rasterio.open(path, "r+") as file:
            file.crs, file.transform = "EPSG:32653", Affine(30, 0, round(x), 0, -30, round(y))
    index = index_products(tmp_path)
    assert not index.refused
    assert index.notes == (f"{LANDSAT}: its files are in EPSG:32653, its metadata say EPSG:32652; the files are right",)


def test_a_loose_item_with_a_band_elsewhere_is_refused(archive: Archive) -> None:
    archive.sentinel2(red=Layer(1000, OTHER_ZONE))
    assert json.loads((archive.folder / archive.items[0]["id"] / "item.json").read_text())["assets"]["red"]
    with pytest.raises(CatalogueError, match="its red does not lie where its blue does"):
        index_products(archive.folder)


def test_metadata_of_another_place_are_no_news_to_unplaced_files(tmp_path: Path) -> None:
    landsat_product(tmp_path, mtl=MTL, placed=False)
    assert not index_products(tmp_path).notes
