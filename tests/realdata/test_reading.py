"""Whole real products, reduced: their files' own pixels, whatever their items say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.cubes import Quality
from habitat.grids import same_grid
from habitat.sensors import LANDSAT, SENTINEL2
from habitat.tiles import Asset, Scene, grid_disagreements, read_stack, run_grid

pytestmark = pytest.mark.realdata

SCL_NAMES = {
    "nodata": 0,
    "saturated_defective": 1,
    "dark_features": 2,
    "cloud_shadow": 3,
    "vegetation": 4,
    "not_vegetated": 5,
    "water": 6,
    "unclassified": 7,
    "medium_proba_clouds": 8,
    "high_proba_clouds": 9,
    "thin_cirrus": 10,
    "snow_ice": 11,
}
"""Ends of the item's properties, s2:<name>_percentage, and the codes that they count."""


def degrees(grid: GeoBox) -> shapely.Polygon:
    return shapely.Polygon(grid.geographic_extent.exterior.points)


@pytest.fixture(scope="module")
def desert(realdata: Path) -> tuple[Scene, dict[str, float]]:
    """The Sentinel-2 tile 29RKH as its item has it, its files beside it, and the item's properties."""
    folder = realdata / "realdata" / "s2-29RKH" / "S2A_29RKH_20200219_0_L2A"
    if not folder.is_dir():
        pytest.skip("HABITAT_REALDATA holds no realdata/s2-29RKH")
    (path,) = [p for p in folder.rglob("*.json") if json.loads(p.read_text()).get("type") == "Feature"]
    item = json.loads(path.read_text())
    named = {"blue": "blue", "red": "red", "nir08": "nir08", "quality": "scl"}
    assets = {}
    for ours, theirs in named.items():
        said = item["assets"][theirs]
        (file,) = folder.rglob(said["href"].rsplit("/", 1)[-1])
        shape, transform = said["proj:shape"], said["proj:transform"]
        box = GeoBox(tuple(shape), Affine(*transform[:6]), item["properties"].get("proj:code", "EPSG:32629"))
        assets[ours] = Asset(str(file), SENTINEL2.scale, 0.0, 0, grid=box)
    quality = assets.pop("quality")
    when = datetime.fromisoformat(item["properties"]["datetime"]).astimezone(UTC)
    footprint = shapely.geometry.shape(item["geometry"])
    return Scene(item["id"], SENTINEL2, when, None, footprint, assets, quality), item["properties"]


def test_the_file_s_100_m_win_over_the_item_s_10_m(desert: tuple[Scene, dict[str, float]]) -> None:
    scene, _ = desert
    said = grid_disagreements([scene])[scene.id]
    assert said.startswith(
        "blue (and 3 more): the item says 10 m and 10980 x 10980 pixels, the file has 100 m and 1098"
    )
    assert said.endswith("the file is used")
    with rasterio.open(scene.bands["red"].href) as file:
        whole, numbers = GeoBox.from_rio(file), file.read(1)
    grid = run_grid([scene], degrees(whole[300:500, 300:500]))
    assert grid.transform.a == 200, "the pixel of the coarsest file"
    fine = whole[300:500, 300:500]
    stack = read_stack([scene], fine, ("red",))
    np.testing.assert_allclose(stack["red"].values[0], numbers[300:500, 300:500] / 1e4, rtol=1e-6)


def test_shares_of_scene_classes_are_the_item_s(desert: tuple[Scene, dict[str, float]]) -> None:
    """On the scene's own grid; bits join classes, so they are compared as the bits join them."""
    scene, properties = desert
    assert scene.quality is not None
    with rasterio.open(scene.quality.href) as file:
        whole = GeoBox.from_rio(file)
    quality = read_stack([scene], whole, ("red",))["quality"].values[0]
    lookup = SENTINEL2.quality.lookup
    seen = (quality & Quality.FILL) == 0
    for bit in (Quality.CLOUD, Quality.SHADOW, Quality.SNOW, Quality.CIRRUS, Quality.WATER):
        said = sum(
            properties[f"s2:{name}_percentage"] for name, code in SCL_NAMES.items() if code and lookup[code] & bit
        )
        assert 100 * ((quality & bit) > 0)[seen].mean() == pytest.approx(said, abs=0.1)


def test_pixels_that_are_not_square_are_kept(realdata: Path) -> None:
    folder = realdata / "realdata" / "landsat8-008059"
    if not folder.is_dir():
        pytest.skip("HABITAT_REALDATA holds no realdata/landsat8-008059")
    path = {name: next(folder.glob(f"*_{end}.TIF")) for name, end in (("red", "SR_B4"), ("quality", "QA_PIXEL"))}
    with rasterio.open(path["red"]) as file, rasterio.open(path["quality"]) as mask:
        own, numbers, codes = GeoBox.from_rio(file), file.read(1), mask.read(1)
    red = Asset(str(path["red"]), LANDSAT.scale, LANDSAT.offset, LANDSAT.nodata)
    quality = Asset(str(path["quality"]), nodata=LANDSAT.quality.fill)
    scene = Scene("LC08", LANDSAT, datetime(2019, 12, 1, tzinfo=UTC), None, degrees(own), {"red": red}, quality)
    stack = read_stack([scene], own, ("red",))
    assert same_grid(stack, own)
    assert np.array_equal(np.isnan(stack["red"].values[0]), numbers == 0)
    measured = numbers > 0
    expected = np.clip(numbers[measured] * LANDSAT.scale + LANDSAT.offset, -0.2, 1.6)
    np.testing.assert_allclose(stack["red"].values[0][measured], expected, atol=1e-6)
    cloud = (stack["quality"].values[0] & Quality.CLOUD) > 0
    assert np.array_equal(cloud[measured], ((codes & 0b1010) > 0)[measured]), "clouds of QA_PIXEL, pixel by pixel"
    square = run_grid([scene], degrees(own[100:200, 100:200]))
    assert square.transform.a == -square.transform.e == pytest.approx(453.574219)
    mean = read_stack([scene], square, ("red",))["red"].values[0]
    part = np.clip(numbers * LANDSAT.scale + LANDSAT.offset, -0.2, 1.6)[100:200, 100:200]
    assert np.nanmean(mean) == pytest.approx(part[measured[100:200, 100:200]].mean(), abs=0.01)
