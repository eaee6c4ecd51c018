"""Real scenes with the items that their archives wrote: read from the files beside them, without the network."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

from habitat.cubes import Quality
from habitat.errors import CatalogueError
from habitat.sensors import LANDSAT, SENTINEL2
from habitat.tiles import Scene, select_scenes

pytestmark = pytest.mark.realdata

EVER = [(date(1984, 1, 1), date(2100, 1, 1))]
WORLD = shapely.box(-180, -90, 180, 90)


def only_scene(path: Path) -> Scene:
    if not path.is_file():
        pytest.skip(f"HABITAT_REALDATA holds no {path.name}")
    (scene,) = select_scenes(path, area=WORLD, windows=EVER).scenes
    return scene


def codes(scene: Scene) -> np.ndarray:
    assert scene.quality is not None
    with rasterio.open(scene.quality.href) as file:
        return np.asarray(file.read(1))


def test_landsat_with_an_item_of_stac_0_7(realdata: Path) -> None:
    """Shares of QA_PIXEL as counted from the file; the item has no time of day, no projection, and links to the web."""
    folder = realdata / "realdata" / "landsat8-008059"
    scene = only_scene(folder / "LC08_L2SP_008059_20191201_20200825_02_T1_SR_stac.json")
    assert (scene.sensor, scene.platform, scene.tile, scene.day) == (LANDSAT, "landsat-8", "008059", date(2019, 12, 1))
    assert scene.cloud_percent == 81.02
    assert all(Path(asset.href).parent == folder for asset in scene.assets.values())
    assert scene.bands["swir22"].href.endswith("_SR_B7.TIF")
    raw = codes(scene)
    raw = raw[(raw & 1) == 0]
    flags = LANDSAT.quality.lookup[raw]
    # its README: clear (bit 6) 15.8%, cloud (bit 3) 81.1%, shadow (bit 4) 6.2% of what was measured
    clear, sure, shadow = ((raw >> bit) & 1 == 1 for bit in (6, 3, 4))
    assert [100 * float(mask.mean()) for mask in (clear, sure, shadow)] == pytest.approx([15.8, 81.1, 6.2], abs=0.1)
    np.testing.assert_array_equal((flags & Quality.SHADOW) > 0, shadow)
    np.testing.assert_array_equal((flags & Quality.CLOUD) > 0, ~clear, "dilated cloud (bit 1) is cloud to us")
    spoilt = (flags & ~np.uint8(Quality.WATER)) > 0
    assert clear[~spoilt].all(), "what is clear to us is clear to its makers"


def test_the_same_scene_s_temperatures_are_no_reflectance(realdata: Path) -> None:
    path = realdata / "realdata" / "landsat8-008059" / "LC08_L2SP_008059_20191201_20200825_02_T1_ST_stac.json"
    if not path.is_file():
        pytest.skip("HABITAT_REALDATA holds no realdata/landsat8-008059")
    with pytest.raises(CatalogueError, match=r"1 holds none of landsat's reflectance bands"):
        select_scenes(path, area=WORLD, windows=EVER)


def test_sentinel2_with_its_item_from_the_web(realdata: Path) -> None:
    """Shares of the file's scene classification are those that the item states."""
    folder = realdata / "realdata" / "s2-29RKH" / "S2A_29RKH_20200219_0_L2A"
    scene = only_scene(folder / "S2A_29RKH_20200219_0_L2A.json")
    assert (scene.sensor, scene.platform, scene.tile, scene.day) == (
        SENTINEL2,
        "sentinel-2a",
        "29RKH",
        date(2020, 2, 19),
    )
    assert scene.claims is not None
    assert (scene.claims.baseline, scene.claims.removed, scene.claims.stated) == ((2, 14), False, 0.0)
    assert all(Path(asset.href).parent == folder for asset in scene.assets.values())
    assert Path(scene.bands["nir08"].href).name == "B8A.tif"
    stated = {2: 0.004685, 3: 0, 4: 0, 5: 95.93699, 6: 0, 7: 0.006476, 8: 0.350905, 9: 0.286492, 10: 3.414458, 11: 0}
    raw = codes(scene)
    seen = raw[raw != 0]
    for code, share in stated.items():
        assert 100 * float((seen == code).mean()) == pytest.approx(share, abs=0.1)


def test_romania_is_read_as_before(realdata: Path) -> None:
    path = realdata / "realdata" / "romania" / "catalog.json"
    if not path.is_file():
        pytest.skip("HABITAT_REALDATA holds no realdata/romania")
    found = select_scenes(path, area=WORLD, windows=EVER)
    assert len(found.scenes) == 140
    assert found.left_out == {}
    assert (found.scenes[0].day, found.scenes[-1].day) == (date(2015, 8, 1), date(2021, 1, 1))
