"""Real products as they were downloaded: their shares, their places, their items."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from pyproj import Transformer
from tiles.test_angles import almanac

from habitat.cubes import Quality
from habitat.errors import CatalogueError
from habitat.tiles import read_stack, select_scenes
from habitat.tiles.lattices import angles_at
from habitat.tiles.orbits import wrs2_centre
from habitat.tiles.products import Index, index_products

pytestmark = pytest.mark.realdata

LC08 = "LC08_L2SP_008059_20191201_20200825_02_T1"
AMAZON = shapely.box(-75.5, 1.0, -74.5, 2.0)


@pytest.fixture(scope="session")
def folders(realdata: Path) -> Path:
    return realdata / "realdata"


def index(source: Path, work: Path, **changed: Path) -> Index:
    """Index a folder that is left as it is."""
    if not source.is_dir():
        pytest.skip(f"HABITAT_REALDATA holds no {source.name}")
    return index_products(source, catalogue=work / "catalog.json", **changed)


# -- a whole scene of Landsat 8, reduced to 512 x 512 ---------------------------------------------------


@pytest.fixture(scope="session")
def amazon(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Index:
    return index(folders / "landsat8-008059", tmp_path_factory.mktemp("amazon"))


def test_its_mtl_and_items_are_one_scene(amazon: Index) -> None:
    (scene,) = amazon.scenes
    assert not amazon.refused
    assert (scene.id, scene.platform, scene.tile, scene.cloud_percent) == (LC08, "landsat-8", "008059", 81.02)
    assert set(scene.bands) == {"blue", "green", "red", "nir08", "swir16", "swir22"}
    assert (scene.bands["red"].scale, scene.bands["red"].offset) == (2.75e-5, -0.2)


def test_its_saturated_pixel_is_known(amazon: Index) -> None:
    (scene,) = amazon.scenes
    grid = scene.bands["red"].grid
    assert grid is not None
    quality = read_stack([scene], grid, ["red", "nir08"])["quality"].values[0]
    assert (quality & Quality.SATURATED > 0).sum() == 1  # where QA_RADSAT holds 30: blue to nir08


def test_its_sun_is_that_of_the_almanac(amazon: Index) -> None:
    (scene,) = amazon.scenes
    assert scene.angles is not None
    lon, lat = wrs2_centre(8, 59)
    at = Transformer.from_crs("EPSG:4326", scene.angles.crs, always_xy=True).transform(lon, lat)
    stated = angles_at(scene.angles, *(np.array(v) for v in at))
    true = almanac(scene.time, np.array(lon), np.array(lat))
    assert np.allclose(stated[:2], true, atol=0.1)
    assert np.allclose(stated[:2], [90 - 57.087, 136.317], atol=0.02)
    assert stated[2] < 0.1


def test_its_pixels_stay_as_they_are(amazon: Index) -> None:
    grid = amazon.scenes[0].bands["red"].grid
    assert grid is not None
    assert tuple(grid.transform)[:6] == (444.78515625, 0, 378_285, 0, -453.57421875, 275_715)
    assert grid.crs is not None
    assert grid.crs.epsg == 32618
    assert "512 x 512 pixels of 444.785 x 453.574 m" in amazon.notes[0]


def test_its_quality_is_what_its_readme_says(amazon: Index) -> None:
    selection = select_scenes(
        amazon.catalogue, area=AMAZON, windows=[(date(2019, 1, 1), date(2019, 12, 31))], max_cloud_percent=100
    )
    (scene,) = selection.scenes
    grid = amazon.scenes[0].bands["red"].grid
    assert grid is not None
    quality = read_stack([scene], grid, ["red", "nir08"])["quality"].to_numpy()[0]
    valid = (quality & Quality.FILL) == 0
    with rasterio.open(scene.assets["quality"].href) as file:
        codes = file.read(1)
    assert np.array_equal(valid, (codes & 1) == 0)

    def share(flags: np.ndarray) -> float:
        return round(100 * float((flags > 0)[valid].mean()), 1)

    assert share(codes & 1 << 6) == 15.8, "clear, as the product has it"
    assert share(codes & 1 << 3) == 81.1, "cloud, as the product has it"
    assert share(quality & Quality.SHADOW) == 6.2
    assert np.array_equal((quality & Quality.CLOUD) > 0, ((codes & (1 << 1 | 1 << 3)) > 0) & valid)
    assert share((quality & Quality.CLOUD) == 0) == 15.8, "clear, as habitat reads it"


def test_its_item_of_stac_0_7_is_read_where_there_is_no_mtl(folders: Path, tmp_path: Path) -> None:
    source = folders / "landsat8-008059"
    if not source.is_dir():
        pytest.skip("HABITAT_REALDATA holds no landsat8-008059")
    home = tmp_path / "loose"
    shutil.copytree(source, home, ignore=shutil.ignore_patterns("*MTL*"))
    home.chmod(0o755)
    found = index(home, tmp_path)
    (scene,) = found.scenes
    assert json.loads((home / f"{LC08}_SR_stac.json").read_text())["stac_version"] == "0.7.0"
    assert (scene.id, scene.platform, scene.day) == (LC08, "landsat-8", date(2019, 12, 1))
    assert set(scene.assets) == {"blue", "green", "red", "nir08", "swir16", "swir22", "quality", "saturation"}
    assert scene.bands["red"].href == str(home / f"{LC08}_SR_B4.TIF")
    assert scene.bands["red"].grid is not None
    assert scene.bands["red"].grid.shape == (512, 512)


@pytest.mark.parametrize("ending", ["txt", "json", "xml"])
def test_every_form_of_its_mtl_says_the_same(ending: str, folders: Path, amazon: Index, tmp_path: Path) -> None:
    source = folders / "landsat8-008059"
    home = tmp_path / "one form"
    others = [f"*MTL.{other}" for other in {"txt", "json", "xml"} - {ending}]
    shutil.copytree(source, home, ignore=shutil.ignore_patterns("*ST_*", *others))
    home.chmod(0o755)
    scene, expected = index(home, tmp_path).scenes[0], amazon.scenes[0]
    for name in ("id", "time", "processed", "platform", "tile", "cloud_percent"):
        assert getattr(scene, name) == getattr(expected, name)
    assert {n: (a.scale, a.offset, a.grid) for n, a in scene.bands.items()} == {
        n: (a.scale, a.offset, a.grid) for n, a in expected.bands.items()
    }


# -- two crops of Landsat, whose files carry no place ---------------------------------------------------


@pytest.fixture(scope="session")
def crops(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Index:
    return index(folders / "landsat-crops", tmp_path_factory.mktemp("crops"))


@pytest.mark.parametrize(
    ("path_row", "epsg", "transform", "shape"),
    [
        ("204023", 32630, (30, 0, 487_005, 0, -30, 5_929_995), (267, 433)),
        ("231062", 32620, (30, 0, 832_485, 0, -30, -340_995), (468, 851)),  # south of the equator
    ],
)
def test_crops_lie_where_their_mtl_says(
    path_row: str, epsg: int, transform: tuple[float, ...], shape: tuple[int, int], crops: Index
) -> None:
    (scene,) = (scene for scene in crops.scenes if scene.tile == path_row)
    for asset in scene.bands.values():
        with rasterio.open(asset.href) as file:
            assert file.crs.to_epsg() == epsg
            assert tuple(file.transform)[:6] == transform
            assert file.shape == shape


def test_crops_without_quality_say_what_to_set(crops: Index) -> None:
    for scene in crops.scenes:
        assert scene.quality is None
        grid = scene.bands["red"].grid
        assert grid is not None
        with pytest.raises(CatalogueError, match='mask = "none"'):
            read_stack([scene], grid[:9, :9], ["red", "nir08"])
        stack = read_stack([scene], grid[:9, :9], ["red", "nir08"], use_quality=False)
        assert np.isfinite(stack["nir08"]).all()
        assert (stack["quality"] == 0).all()


def test_crops_are_decoded_once(folders: Path, crops: Index) -> None:
    home = crops.catalogue.parent
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*.tif")}
    assert len(before) == 12
    index(folders / "landsat-crops", home)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*.tif")} == before


# -- Sentinel-2 files beside their items ----------------------------------------------------------------


def test_files_beside_an_item_from_the_web_are_found(folders: Path, tmp_path: Path) -> None:
    found = index(folders / "s2-29RKH", tmp_path)
    (scene,) = found.scenes
    assert set(scene.assets) == {"blue", "green", "red", "nir08", "swir16", "swir22", "quality"}
    assert all(Path(asset.href).parent.name == "S2A_29RKH_20200219_0_L2A" for asset in scene.assets.values())
    grid = scene.bands["red"].grid
    assert grid is not None
    assert grid.transform.a == 100
    assert "1098 x 1098 pixels of 100 m where its item says 10980 x 10980 pixels of 10 m" in found.notes[0]


def test_a_catalogue_of_items_is_indexed_whole(folders: Path, tmp_path: Path) -> None:
    found = index(folders / "romania", tmp_path)
    assert len(found.scenes) == 140
    assert not found.refused
    assert all("swir22" not in scene.bands for scene in found.scenes)
