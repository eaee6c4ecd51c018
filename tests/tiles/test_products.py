"""Downloaded products become scenes: the same pixels, decoded once, whatever they are packed in."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.errors import NotGeoreferencedWarning
from terminal import run

from habitat.cubes import Quality
from habitat.errors import CatalogueError, StoreError
from habitat.simulate import write_sample
from habitat.tiles import Scene, common_bands, read_stack, run_grid, select_scenes
from habitat.tiles.catalogue import read_items
from habitat.tiles.items import scene_from_item
from habitat.tiles.products import Index, decoding, index_products
from habitat.tiles.scenes import OffsetClaims
from tiles import downloads
from tiles.downloads import (
    LANDSAT,
    LEFT,
    SAFE,
    SHAPE,
    TOP,
    landsat_product,
    safe_product,
    tarred,
    write_image,
    zipped,
)

YEARS = range(2021, 2023)  # the offset came in 2022

PACKED = {
    "safe folder": lambda folder: safe_product(folder),
    "safe zip": lambda folder: zipped(safe_product(folder)),
    "landsat folder": lambda folder: landsat_product(folder),
    "landsat tar": lambda folder: tarred(landsat_product(folder)),
    "landsat tar.gz": lambda folder: tarred(landsat_product(folder), ending="tar.gz"),
}


@pytest.fixture(autouse=True)
def _unplaced_on_purpose() -> None:
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


def only(index: Index) -> Scene:
    assert not index.refused
    (scene,) = index.scenes
    return scene


def pixels(scene: Scene) -> dict[str, np.ndarray]:
    found = {}
    for name, asset in scene.assets.items():
        with rasterio.open(asset.href) as file:
            found[name] = file.read(1)
    return found


def decoded(folder: Path) -> dict[str, int]:
    """When each decoded band was written."""
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in (folder / ".habitat").rglob("*.tif")}


# -- one product ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", PACKED)
def test_numbers_and_places_are_the_product_s_own(packed: str, tmp_path: Path) -> None:
    PACKED[packed](tmp_path)
    scene = only(index_products(tmp_path))
    found = pixels(scene)
    for band in ("blue", "green", "red", "nir08", "swir16", "swir22"):
        assert np.array_equal(found[band], downloads.numbers(band)), band
    with rasterio.open(scene.bands["red"].href) as file:
        assert file.crs.to_epsg() == 32652
        assert tuple(file.transform)[:6] == (
            10 if "safe" in packed else 30,
            0,
            LEFT,
            0,
            -10 if "safe" in packed else -30,
            TOP,
        )
    assert scene.quality is not None
    assert set(np.unique(found["quality"])) == ({4} if "safe" in packed else {21824})


@pytest.mark.parametrize("packed", PACKED)
def test_metadata_are_the_product_s_own(packed: str, tmp_path: Path) -> None:
    PACKED[packed](tmp_path)
    index = index_products(tmp_path)
    written = select_scenes(
        index.catalogue, area=shapely.box(130, 43, 131, 44), windows=[(date(2023, 1, 1), date(2023, 12, 31))]
    )
    for scene in (only(index), written.scenes[0]):
        if "safe" in packed:
            assert (scene.id, scene.sensor.name, scene.platform) == (SAFE, "sentinel-2", "sentinel-2b")
            assert scene.time == datetime(2023, 7, 4, 2, 15, 49, 24_000, tzinfo=UTC)
            assert (scene.tile, scene.collection, scene.cloud_percent) == ("52TFN", "sentinel-2-l2a", 12.5)
            assert scene.processed == datetime(2023, 7, 4, 5, 1, 2, tzinfo=UTC)
            assert scene.claims == OffsetClaims((5, 9), removed=False, stated=-0.1)
            assert (scene.bands["red"].scale, scene.bands["red"].offset) == (0.0001, -0.1)
            assert scene.geometry.bounds == (130.2, 43.3, 130.3, 43.4)
        else:
            assert (scene.id, scene.sensor.name, scene.platform) == (LANDSAT, "landsat", "landsat-9")
            assert scene.time == datetime(2023, 7, 11, 2, 8, 12, 123_456, tzinfo=UTC)
            assert (scene.tile, scene.collection, scene.cloud_percent) == ("115030", "landsat-c2-l2", 31.02)
            assert scene.processed == datetime(2023, 7, 13, 5, 11, 51, tzinfo=UTC)
            assert scene.claims is None
            assert (scene.bands["red"].scale, scene.bands["red"].offset) == (2.75e-5, -0.2), "not those of Level-1"


def test_products_before_the_offset_state_none(tmp_path: Path) -> None:
    start = downloads.MTD.index("<BOA_ADD_OFFSET_VALUES_LIST>")
    end = downloads.MTD.index("</Product_Image_Characteristics>")
    safe_product(tmp_path, mtd=(downloads.MTD[:start] + downloads.MTD[end:]).replace("05.09", "02.12"))
    scene = only(index_products(tmp_path))
    assert scene.claims == OffsetClaims((2, 12), removed=False, stated=None)
    assert scene.bands["red"].offset == 0


def test_a_catalogue_lies_beside_what_it_names(tmp_path: Path) -> None:
    safe_product(tmp_path / "tiles" / "deep" / "down")
    index = index_products(tmp_path / "tiles")
    hrefs = [a["href"] for a in json.loads(index.catalogue.read_text())["features"][0]["assets"].values()]
    assert all(href.startswith(".habitat/") for href in hrefs)
    moved = (tmp_path / "tiles").rename(tmp_path / "moved")
    assert all((moved / href).is_file() for href in hrefs)


# -- files without a place ------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", ["folder", "tar", "tar.gz"])
def test_corners_of_the_mtl_are_centres_of_pixels(packed: str, tmp_path: Path) -> None:
    product = landsat_product(tmp_path, placed=False)
    if packed != "folder":
        tarred(product, ending=packed)
    scene = only(index_products(tmp_path))
    with rasterio.open(scene.bands["red"].href) as file:
        assert file.crs.to_epsg() == 32652
        assert tuple(file.transform)[:6] == (30, 0, LEFT - 15, 0, -30, TOP + 15)
        assert np.array_equal(file.read(1), downloads.numbers("red"))


@pytest.mark.parametrize(
    ("changes", "crs", "top"),
    [
        # the USGS counts southern northings below zero, in the northern zone
        ({"4800000.000": "-340000.000", "4799850.000": "-340150.000"}, 32652, -340_000),
        ({'"UTM"': '"PS"', "UTM_ZONE = 52": "VERTICAL_LON_FROM_POLE = 0.00000\n    TRUE_SCALE_LAT = -71.00000\n"
          "    FALSE_EASTING = 0\n    FALSE_NORTHING = 0"}, 3031, TOP),
    ],
)  # fmt: skip
def test_reference_systems_of_the_mtl(changes: dict[str, str], crs: int, top: int, tmp_path: Path) -> None:
    mtl = downloads.MTL
    for old, new in changes.items():
        mtl = mtl.replace(old, new)
    landsat_product(tmp_path, mtl=mtl, placed=False)
    scene = only(index_products(tmp_path))
    with rasterio.open(scene.bands["red"].href) as file:
        assert file.crs.to_epsg() == crs
        assert tuple(file.transform)[:6] == (30, 0, LEFT - 15, 0, -30, top + 15)


WHOLE = downloads.MTL.replace("LINES = 6", "LINES = 61").replace("SAMPLES = 6", "SAMPLES = 59")
WHOLE = WHOLE.replace("600150.000", f"{LEFT + 58 * 30}").replace("4799850.000", f"{TOP - 60 * 30}")


def test_a_reduced_product_has_pixels_of_its_own_size(tmp_path: Path) -> None:
    product = landsat_product(tmp_path, mtl=WHOLE, placed=False)
    for path in product.glob("*.TIF"):  # a whole scene stands askew in its rectangle: its corners are fill
        with rasterio.open(path, "r+") as file:
            values = file.read(1)
            values[[0, 0, -1, -1], [0, -1, 0, -1]] = 1 if "QA" in path.name else 0
            file.write(values, 1)
    index = index_products(tmp_path)
    with rasterio.open(only(index).bands["red"].href) as file:
        assert tuple(file.transform)[:6] == (59 * 30 / 6, 0, LEFT - 15, 0, -61 * 30 / 6, TOP + 15)
    assert "the files are right" in index.notes[0]


@pytest.mark.parametrize("mtl", [WHOLE, downloads.MTL.replace("600150", "600180")])
def test_a_piece_cut_from_a_product_is_not_placed_by_guess(mtl: str, tmp_path: Path) -> None:
    landsat_product(tmp_path, mtl=mtl, placed=False)
    with pytest.raises(CatalogueError, match="do not fit its files of 6 x 6"):
        index_products(tmp_path)


def test_corners_that_fit_the_files_need_no_count_of_lines(tmp_path: Path) -> None:
    landsat_product(tmp_path, mtl=downloads.MTL.replace("LINES = 6", "LINES = 600"), placed=False)
    with rasterio.open(only(index_products(tmp_path)).bands["red"].href) as file:
        assert tuple(file.transform)[:6] == (30, 0, LEFT - 15, 0, -30, TOP + 15)


def test_files_that_say_where_they_lie_need_no_projection_that_is_known(tmp_path: Path) -> None:
    landsat_product(tmp_path, mtl=downloads.MTL.replace('"UTM"', '"AEA"'))
    assert only(index_products(tmp_path)).bands["red"].grid is not None


def test_files_without_a_place_need_a_projection_that_is_known(tmp_path: Path) -> None:
    landsat_product(tmp_path, mtl=downloads.MTL.replace('"UTM"', '"AEA"'), placed=False)
    with pytest.raises(CatalogueError, match=r"map projection \(AEA\)"):
        index_products(tmp_path)


# -- again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", PACKED)
def test_what_has_not_changed_is_not_decoded_again(
    packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PACKED[packed](tmp_path)
    first = index_products(tmp_path)
    before, text = decoded(tmp_path), first.catalogue.read_bytes()
    monkeypatch.setattr(decoding, "_decode", lambda *_: pytest.fail("decoded again"))
    second = index_products(tmp_path)
    assert second.catalogue.read_bytes() == text
    assert decoded(tmp_path) == before
    assert [(s.id, s.time, s.claims, s.tile, s.processed) for s in second.scenes] == [
        (s.id, s.time, s.claims, s.tile, s.processed) for s in first.scenes
    ]


def test_an_archive_that_has_not_changed_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarred(landsat_product(tmp_path), ending="tar.gz")
    index_products(tmp_path)
    monkeypatch.setattr("habitat.tiles.products.preparing.open_view", lambda *_, **__: pytest.fail("opened again"))
    assert only(index_products(tmp_path)).id == LANDSAT


def test_a_product_that_was_killed_goes_on_with_the_band_it_was_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe_product(tmp_path)
    make = decoding._decode
    done: list[str] = []

    def killed(source: Path, one: decoding.Decoding, product: Path) -> None:
        if len(done) == 3:
            raise KeyboardInterrupt
        make(source, one, product)
        done.append(one.name)

    monkeypatch.setattr(decoding, "_decode", killed)
    with pytest.raises(KeyboardInterrupt):
        index_products(tmp_path)
    before = decoded(tmp_path)
    assert len(before) == 3
    monkeypatch.setattr(decoding, "_decode", make)
    index_products(tmp_path)
    after = decoded(tmp_path)
    assert len(after) == 7
    assert {name: after[name] for name in before} == before


def test_a_band_that_changed_is_decoded_again_and_no_other(tmp_path: Path) -> None:
    product = safe_product(tmp_path)
    index_products(tmp_path)
    before = decoded(tmp_path)
    image = product / downloads.GRANULE / "IMG_DATA" / f"{downloads.IMAGES['red']}.jp2"
    downloads.write_image(image, downloads.numbers("red") + 7, 10)
    scene = only(index_products(tmp_path))
    assert np.array_equal(pixels(scene)["red"], downloads.numbers("red") + 7)
    after = decoded(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {f".habitat/{SAFE}/red.tif"}


def test_a_decoded_band_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    zipped(safe_product(tmp_path))
    scene = only(index_products(tmp_path))
    Path(scene.bands["red"].href).write_bytes(b"")
    assert np.array_equal(pixels(only(index_products(tmp_path)))["red"], downloads.numbers("red"))


def test_what_is_new_comes_and_what_is_gone_goes(tmp_path: Path) -> None:
    product = safe_product(tmp_path)
    assert [scene.id for scene in index_products(tmp_path).scenes] == [SAFE]
    landsat_product(tmp_path)
    assert [scene.id for scene in index_products(tmp_path).scenes] == [SAFE, LANDSAT]
    shutil.rmtree(product)
    assert [scene.id for scene in index_products(tmp_path).scenes] == [LANDSAT]


def test_workers_do_not_change_what_is_written(tmp_path: Path) -> None:
    for name in ("one", "many"):
        safe_product(tmp_path / name)
        tarred(landsat_product(tmp_path / name), ending="tar.gz")
    index_products(tmp_path / "one")
    seen: list[tuple[str, int, int]] = []
    with ThreadPoolExecutor(4) as executor:
        index_products(tmp_path / "many", executor=executor, progress=lambda *step: seen.append(step))
    assert seen[-1] == ("index", 14, 14)
    files = {p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.tif")}
    assert len(files) == 14
    for file in files:
        with rasterio.open(tmp_path / "one" / file) as one, rasterio.open(tmp_path / "many" / file) as many:
            assert np.array_equal(one.read(), many.read())
            assert one.profile == many.profile
    assert (tmp_path / "one" / "catalog.json").read_bytes() == (tmp_path / "many" / "catalog.json").read_bytes()


# -- several --------------------------------------------------------------------------------------------


def test_of_two_copies_the_folder_is_taken_and_it_is_said(tmp_path: Path) -> None:
    archive = zipped(safe_product(tmp_path / "downloads"))
    product = safe_product(tmp_path / "unpacked")
    index = index_products(tmp_path)
    assert only(index).id == SAFE
    assert index.notes == (f"{SAFE}: {archive} is left out, a copy of {product}",)


def test_a_product_under_another_name_is_known_by_its_own(tmp_path: Path) -> None:
    zipped(safe_product(tmp_path)).rename(tmp_path / "5b9c1d2e-download.zip")
    assert only(index_products(tmp_path)).id == SAFE


def test_files_of_many_landsat_products_may_share_a_folder(tmp_path: Path) -> None:
    other = LANDSAT.replace("20230711", "20230727")
    for name, mtl in ((LANDSAT, downloads.MTL), (other, downloads.MTL.replace("2023-07-11", "2023-07-27"))):
        product = landsat_product(tmp_path, name=name, mtl=mtl)
        for path in product.iterdir():
            path.rename(tmp_path / path.name)
        product.rmdir()
    index = index_products(tmp_path)
    assert [(scene.id, scene.day.day) for scene in index.scenes] == [(LANDSAT, 11), (other, 27)]
    assert all(Path(scene.bands["red"].href).name.startswith(scene.id) for scene in index.scenes)


def test_a_landsat_product_with_its_item_is_one_scene(tmp_path: Path) -> None:
    product = landsat_product(tmp_path)
    assets = {"SR_B4.TIF": {"href": f"https://usgs.example/{LANDSAT}_SR_B4.TIF"}}
    item = {"type": "Feature", "stac_version": "0.7.0", "id": LANDSAT, "geometry": None, "links": [], "assets": assets}
    item["properties"] = {"datetime": "2023-07-11", "eo:platform": "LANDSAT_9"}
    (product / f"{LANDSAT}_SR_stac.json").write_text(json.dumps(item))
    assert only(index_products(tmp_path)).bands["red"].href == str(product / f"{LANDSAT}_SR_B4.TIF")


def test_quality_may_be_missing_and_reading_says_what_to_do(tmp_path: Path) -> None:
    product = landsat_product(tmp_path)
    (product / f"{LANDSAT}_QA_PIXEL.TIF").unlink()
    scene = only(index_products(tmp_path))
    assert scene.quality is None
    assert scene.bands["red"].grid is not None
    with pytest.raises(CatalogueError, match="mask"):
        read_stack([scene], scene.bands["red"].grid, ["red", "nir08"])


@pytest.mark.parametrize("packing", ["folder", "tar", "tar.gz"])
def test_saturation_is_a_second_quality_band_where_there_is_one(packing: str, tmp_path: Path) -> None:
    product = landsat_product(tmp_path)
    codes = np.zeros(SHAPE, dtype="uint16")
    codes[0, 0] = 0b10
    write_image(product / f"{LANDSAT}_QA_RADSAT.TIF", codes, 30)
    if packing != "folder":
        tarred(product, ending=packing)
    scene = only(index_products(tmp_path))
    (again,) = [scene_from_item(item) for item in read_items(tmp_path / "catalog.json")]
    assert again is not None
    assert again.assets == scene.assets
    assert scene.saturation is not None
    assert np.array_equal(pixels(scene)["saturation"], codes)
    stack = read_stack([again], scene.bands["red"].grid, ["red", "nir08"])
    assert np.array_equal(stack["quality"].values[0] & Quality.SATURATED, 8 * codes)


def test_a_product_that_lacks_a_band_which_others_have_is_refused(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        name, mtl = LANDSAT.replace("20230711", f"2023070{day}"), downloads.MTL.replace("07-11", f"07-0{day}")
        landsat_product(tmp_path, name=name, mtl=mtl)
    (tmp_path / name / f"{name}_SR_B7.TIF").unlink()
    index = index_products(tmp_path)
    assert len(index.scenes) == 2
    assert "lacks the swir22 band" in index.refused[name]


def test_a_product_without_its_metadata_is_told_of(tmp_path: Path) -> None:
    for day in (1, 2):
        name, mtl = LANDSAT.replace("20230711", f"2023070{day}"), downloads.MTL.replace("07-11", f"07-0{day}")
        landsat_product(tmp_path, name=name, mtl=mtl)
    for metadata in (tmp_path / name).glob("*_MTL.*"):
        metadata.unlink()
    index = index_products(tmp_path)
    assert len(index.scenes) == 1
    assert "has no *_MTL.txt, .json or .xml; download the product again" in index.refused[name]


def test_a_product_without_a_quality_band_is_told_of(tmp_path: Path) -> None:
    folder = landsat_product(tmp_path)
    for codes in folder.glob("*_QA_PIXEL.TIF"):
        codes.unlink()
    (note,) = index_products(tmp_path).notes
    assert f'1 scenes have no quality band, such as {LANDSAT}: mask them by "spectral" or "none"' in note


def test_a_product_without_red_is_refused(tmp_path: Path) -> None:
    product = safe_product(tmp_path)
    (product / downloads.GRANULE / "IMG_DATA" / f"{downloads.IMAGES['red']}.jp2").unlink()
    with pytest.raises(CatalogueError, match=r"lacks B04_10m.jp2; download the product again"):
        index_products(tmp_path)


# -- loose files with items -----------------------------------------------------------------------------


def loose_item(folder: Path, **changed: object) -> dict[str, object]:
    for band, name in (("red", "B04"), ("nir08", "B8A")):
        downloads.write_image(folder / f"{name}.tif", downloads.numbers(band), 20)
    assets = {
        n: {"href": f"https://tiles.example/52/T/FN/{n}.tif?X-Amz-Signature=secret"} for n in ("B04", "B8A", "B12")
    }
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "S2A_52TFN_20200701_0_L2A", "geometry": None, "links": []}
    item |= {"properties": {"datetime": "2020-07-01T02:20:00Z", "platform": "sentinel-2a"}, "assets": assets} | changed
    (folder / "item.json").write_text(json.dumps(item))
    return item


def test_files_beside_an_item_are_its_own(tmp_path: Path) -> None:
    loose_item(tmp_path)
    scene = only(index_products(tmp_path))
    assert {name: Path(asset.href).name for name, asset in scene.assets.items()} == {
        "red": "B04.tif",
        "nir08": "B8A.tif",
    }
    assert scene.bands["red"].grid is not None
    assert scene.bands["red"].grid.transform.a == 20


def test_a_relative_folder_is_as_good_as_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loose_item(tmp_path)
    landsat_product(tmp_path)
    tarred(landsat_product(tmp_path, name=LANDSAT.replace("T1", "T2")))
    monkeypatch.chdir(tmp_path.parent)
    index = index_products(Path(tmp_path.name))
    assert len(index.scenes) == 3
    monkeypatch.chdir("/")
    written = json.loads((tmp_path / "catalog.json").read_text())["features"]
    assert all((tmp_path / asset["href"]).is_file() for item in written for asset in item["assets"].values())


def test_a_loose_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    loose_item(tmp_path)
    path = tmp_path / "B04.tif"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CatalogueError, match="B04.tif: cannot be"):
        index_products(tmp_path)


def test_an_item_whose_files_are_not_there_is_refused(tmp_path: Path) -> None:
    loose_item(tmp_path)
    (tmp_path / "B04.tif").unlink()
    with pytest.raises(CatalogueError, match=r"no file of its red band.*put the files beside"):
        index_products(tmp_path)


def test_an_item_cannot_name_files_outside_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "secret.tif"
    downloads.write_image(outside, downloads.numbers("red"), 20)
    (tmp_path / "tiles").mkdir()
    assets = {"B04": {"href": str(outside)}, "B8A": {"href": "../secret.tif"}}
    loose_item(tmp_path / "tiles", assets=assets)
    with pytest.raises(CatalogueError, match="no file of its red band"):
        index_products(tmp_path / "tiles")


def test_other_json_is_no_product(tmp_path: Path) -> None:
    safe_product(tmp_path)
    for name, text in (
        ("a.json", "{"),
        ("b.json", "[1]"),
        ("c.json", '{"type": "Catalog"}'),
        ("d.json", "[" * 100_000),
    ):
        (tmp_path / name).write_text(text)
    assert only(index_products(tmp_path)).id == SAFE


# -- where it is written --------------------------------------------------------------------------------


def test_a_catalogue_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    safe_product(tmp_path)
    (tmp_path / "catalog.json").write_text('{"type": "Catalog"}')
    with pytest.raises(StoreError, match=r"not of habitat's making.*--out"):
        index_products(tmp_path)
    assert (tmp_path / "catalog.json").read_text() == '{"type": "Catalog"}'


def test_the_folder_itself_may_be_left_as_it_is(tmp_path: Path) -> None:
    safe_product(tmp_path / "tiles")
    before = sorted(tmp_path.rglob("*"))
    index = index_products(
        tmp_path / "tiles", catalogue=tmp_path / "work" / "c.json", cache=tmp_path / "scratch" / "bands"
    )
    assert index.catalogue == tmp_path / "work" / "c.json"
    assert sorted((tmp_path / "tiles").rglob("*")) == [path for path in before if (tmp_path / "tiles") in path.parents]
    assert Path(index.scenes[0].bands["red"].href).parent == tmp_path / "scratch" / "bands" / SAFE


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="an administrator may write anywhere")
def test_a_folder_that_cannot_be_written_names_the_options(tmp_path: Path) -> None:
    landsat_product(tmp_path / "tiles")
    (tmp_path / "tiles").chmod(0o555)
    with pytest.raises(StoreError, match="--out"):
        index_products(tmp_path / "tiles")
    (tmp_path / "tiles").chmod(0o755)


def test_a_place_that_is_no_folder_names_the_options(tmp_path: Path) -> None:
    landsat_product(tmp_path / "tiles")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--out"):
        index_products(tmp_path / "tiles", catalogue=tmp_path / "file" / "catalog.json")


def test_a_folder_without_products_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"holds no product that can be used; it should hold"):
        index_products(tmp_path)
    with pytest.raises(CatalogueError, match="is no folder"):
        index_products(tmp_path / "nowhere")


def test_the_command_says_what_it_found_and_what_not(tmp_path: Path) -> None:
    safe_product(tmp_path)
    zipped(safe_product(tmp_path, name=SAFE.replace("20230704T02", "20230801T02"))).write_bytes(b"PK\3\4 cut off")
    said = run("index", tmp_path)
    assert said.status == 0
    assert said.out == f"sentinel-2   1 scene, 2023-07-04 to 2023-07-04\n{tmp_path / 'catalog.json'}\n"
    assert f"warning: {SAFE.replace('20230704T02', '20230801T02')} is refused: " in said.err
    assert run("index", tmp_path / "nowhere").status == 1


# -- the sample, both ways ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("both")
    for layout in ("catalogue", "products"):
        write_sample(folder / layout, size_km=0.6, seed=3, years=YEARS, layout=layout)  # type: ignore[arg-type]
    assert run("index", folder / "products").status == 0
    return folder


def test_the_same_land_as_catalogue_and_as_products_is_the_same_stack(sample: Path) -> None:
    area = shapely.geometry.shape(
        json.loads((sample / "catalogue/area.geojson").read_text())["features"][0]["geometry"]
    )
    stacks = []
    for layout in ("catalogue", "products"):
        windows = [(date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31))]
        scenes = select_scenes(sample / layout / "catalog.json", area=area, windows=windows).scenes
        assert len(scenes) == 16
        stacks.append(read_stack(scenes, run_grid(scenes, area, crs="EPSG:32652"), common_bands(scenes)))
    catalogue, products = stacks
    assert np.array_equal(catalogue["time"], products["time"])
    assert np.array_equal(catalogue["quality"], products["quality"])
    for band in ("blue", "green", "red", "nir08", "swir16", "swir22"):
        assert np.array_equal(catalogue[band], products[band], equal_nan=True)


def test_the_same_land_as_catalogue_and_as_products_is_the_same_composite_to_the_byte(sample: Path) -> None:
    for layout in ("catalogue", "products"):
        said = run("composite", sample / layout / "recipe.toml")
        assert said.status == 0, said.err
    made = sorted((sample / "catalogue" / "run" / "composites").glob("*.tif"))
    assert len(made) == (2 * 3 + 1) * len(YEARS), "each season's picture, whose looks it is made of, the year's course"
    for path in made:
        assert path.read_bytes() == (sample / "products" / "run" / "composites" / path.name).read_bytes(), path.name


def test_a_sample_s_products_hold_raw_numbers_in_every_packing(sample: Path) -> None:
    home = sample / "products" / "products"
    assert {path.suffix for path in home.iterdir()} >= {".SAFE", ".zip", ".tar", ".gz"}
    served = {}
    for path in (sample / "catalogue" / "scenes").glob("*/*/red.tif"):
        parts = path.parent.name.split("_")
        served[parts[2 if parts[0].startswith("S2") else 3], parts[0][:2]] = path
    index = index_products(sample / "products")
    assert {scene.day >= date(2022, 1, 25) for scene in index.scenes} == {True, False}
    for scene in index.scenes:
        with rasterio.open(served[f"{scene.day:%Y%m%d}", scene.id[:2]]) as file:
            expected = file.read(1).astype(int)
        new = scene.sensor.name == "sentinel-2" and scene.day >= date(2022, 1, 25)
        assert np.array_equal(pixels(scene)["red"], expected + (1000 if new else 0))
