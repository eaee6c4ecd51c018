"""Items of every catalogue's style: which asset is which band, which file it names, what else the item says."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from habitat.errors import CatalogueError
from habitat.sensors import HLS_L30, HLS_S30, LANDSAT, LANDSAT_TM, SENSORS, SENTINEL2, QualityCodes, Sensor
from habitat.tiles import Asset, Scene
from habitat.tiles.items import declared_offset, scene_from_item, unusable, write_items
from habitat.tiles.providers import PROVIDERS
from habitat.tiles.scenes import Angles, OffsetClaims

EARTH_SEARCH = PROVIDERS["earth-search"]
USGS = PROVIDERS["usgs"]


def item(
    *assets: str,
    name: str = "SCENE",
    collection: str | None = None,
    version: str = "1.0.0",
    said: Any = None,
    href: str | None = None,
    **properties: Any,
) -> pystac.Item:
    """An item without files; `said` is what each asset says, `href` where it lies."""
    made = pystac.Item.from_dict(
        {
            "type": "Feature",
            "stac_version": version,
            "id": name,
            "geometry": None,
            "properties": {"datetime": "2020-07-01T02:20:00Z", **properties},
            "assets": {key: {"href": href or f"https://tiles.example/{key}.tif", **(said or {})} for key in assets},
            "links": [],
        }
        | ({} if collection is None else {"collection": collection})
    )
    made.set_self_href("https://api.example/v1/collections/c/items/SCENE")
    return made


def scene(*args: Any, **said: Any) -> Scene:
    made = scene_from_item(item(*args, **said), provider=EARTH_SEARCH)
    assert made is not None
    return made


# -- one table of names ---------------------------------------------------------------------------------

COMMON = ("blue", "green", "red", "nir08", "swir16", "swir22")
STYLES: dict[str, tuple[dict[str, Any], tuple[str, ...], str, Sensor]] = {
    "Earth Search": (
        {"platform": "sentinel-2b", "collection": "sentinel-2-l2a"},
        (*COMMON, *(f"{band}-jp2" for band in COMMON), "nir", "rededge1", "scl-jp2"),
        "scl",
        SENTINEL2,
    ),
    "Earth Search, Collection 1": (
        {"platform": "sentinel-2b", "collection": "sentinel-2-c1-l2a"},
        COMMON,
        "scl",
        SENTINEL2,
    ),
    "Earth Search, Landsat": ({"platform": "landsat-8", "collection": "landsat-c2-l2"}, COMMON, "qa_pixel", LANDSAT),
    "Planetary Computer": (
        {"platform": "Sentinel-2B", "constellation": "Sentinel 2", "collection": "sentinel-2-l2a"},
        ("B02", "B03", "B04", "B8A", "B11", "B12", "B01", "B05", "B08", "AOT"),
        "SCL",
        SENTINEL2,
    ),
    "Planetary Computer, Landsat 7": ({"platform": "landsat-7"}, COMMON, "qa_pixel", LANDSAT_TM),
    "Copernicus Data Space": (
        {"platform": "sentinel-2a", "constellation": "sentinel-2"},
        ("B02_60m", "B02_20m", "B02_10m", "B03_20m", "B03_10m", "B04_10m", "B8A_60m", "B8A_20m", "B11_20m", "B12_20m"),
        "SCL_20m",
        SENTINEL2,
    ),
    "LandsatLook": ({"platform": "LANDSAT_8", "collection": "landsat-c2l2-sr"}, COMMON, "qa_pixel", LANDSAT),
    "USGS before 1.0": (
        {"eo:platform": "LANDSAT_8"},
        tuple(f"SR_B{n}.TIF" for n in (2, 3, 4, 5, 6, 7, 1)),
        "QA_PIXEL.TIF",
        LANDSAT,
    ),
    "USGS before 1.0, TM": (
        {"eo:platform": "LANDSAT_5"},
        tuple(f"SR_B{n}.TIF" for n in (1, 2, 3, 4, 5, 7)),
        "QA_PIXEL.TIF",
        LANDSAT_TM,
    ),
    "HLS of Sentinel-2": (
        {"platform": "sentinel-2a", "collection": "HLSS30_2.0"},
        ("B02", "B03", "B04", "B8A", "B11", "B12", "B05", "B06", "B07"),
        "Fmask",
        HLS_S30,
    ),
    "HLS of Landsat": (
        {"platform": "landsat-8", "collection": "hls2-l30"},
        ("B02", "B03", "B04", "B05", "B06", "B07", "B09"),
        "Fmask",
        HLS_L30,
    ),
}
FILES = {
    "Copernicus Data Space": ("B02_10m", "B03_10m", "B04_10m", "B8A_20m", "B11_20m", "B12_20m"),
}


@pytest.mark.parametrize("style", STYLES)
def test_bands_are_found_by_each_catalogue_s_names(style: str) -> None:
    said, assets, quality, sensor = STYLES[style]
    made = scene(*reversed((*assets, quality)), **said)
    assert made.sensor is sensor
    files = {band: asset.href for band, asset in made.assets.items()}
    names = (*FILES.get(style, assets[:6]), quality)
    assert files == {
        band: f"https://tiles.example/{name}.tif" for band, name in zip((*COMMON, "quality"), names, strict=True)
    }


def test_hls_is_hls_whatever_its_platform() -> None:
    for said in ({"collection": "HLSL30_2.0"}, {"name": "HLS.L30.T52TEN.2020183T021000.v2.0"}):
        made = scene("B04", "B05", platform="landsat-8", **said)
        assert made.sensor is HLS_L30
        assert (made.bands["red"].scale, made.bands["red"].offset, made.bands["red"].nodata) == (0.0001, 0.0, -9999)
        assert made.claims is None


# -- what is no scene -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (item("VV", platform="sentinel-1a"), "of no sensor that habitat reads"),
        (item("B04", platform="sentinel-2a", collection="sentinel-2-l1c"), "no surface reflectance of sentinel-2"),
        (item("red", platform="sentinel-2a", **{"s2:product_type": "S2MSI1C"}), "no surface reflectance of sentinel-2"),
        (item("red", name="S2A_MSIL1C_20200701T021601_N0209_R003_T52TEN_20200701T040000"), "of no sensor"),
        (item("red", platform="landsat-8", collection="landsat-c2l1"), "no surface reflectance of landsat"),
        (item("red", platform="landsat-8", **{"landsat:correction": "L1TP"}), "no surface reflectance of landsat"),
        (item("red", platform="landsat-8", **{"landsat:collection_number": "01"}), "no surface reflectance of landsat"),
        (item("lwir11", "qa_pixel", platform="landsat-8", collection="landsat-c2l2-st"), "holds none of landsat's"),
        (item("nbart_red", "oa_fmask", platform="landsat-8"), "holds none of landsat's reflectance bands"),
    ],
)
def test_other_sensors_levels_and_products_are_no_scenes(made: pystac.Item, why: str) -> None:
    assert (unusable(made) or "").startswith(why)
    assert scene_from_item(made) is None


@pytest.mark.parametrize("name", ["S2A_52TEN_20200701_0_L2A", "S2_L1", "LC08_L2SP_115030_20200701_20200820_02_T1"])
def test_the_right_level_is_a_scene(name: str) -> None:
    platform = "landsat-8" if name.startswith("LC08") else "sentinel-2a"
    assert unusable(item("red", name=name, platform=platform)) is None


# -- where its files are --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "FILE://localhost/etc/passwd",
        "/etc/passwd",
        "/vsicurl/http://169.254.169.254/latest/meta-data",
        "/vsizip//home/user/B04.zip/B04.tif",
        "\\\\server\\share\\B04.tif",
        "C:\\tiles\\B04.tif",
        "ftp://tiles.example/B04.tif",
        "gs://bucket/B04.tif",
        "zip+file:///tiles/B04.zip!B04.tif",
        "http://[broken/B04.tif",
        "http:127.0.0.1/B04.tif",
        "javascript:alert(1)",
        "//127.0.0.1/B04.tif",
    ],
)
def test_an_item_of_the_web_names_no_file_of_this_machine(href: str) -> None:
    with pytest.raises(CatalogueError, match=r"item SCENE: an asset .*, which is no address"):
        scene("red", platform="sentinel-2a", href=href)


@pytest.mark.parametrize("href", ["/vsicurl/http://tiles.example/B04.tif", "gs://bucket/B04.tif"])
def test_an_item_of_this_machine_leads_nowhere_unseen(href: str) -> None:
    with pytest.raises(CatalogueError, match="which is no address"):
        scene_from_item(item("red", platform="sentinel-2a", href=href))


def test_a_relative_address_is_relative_to_its_item() -> None:
    there = scene("red", platform="sentinel-2a", href="../files/B04.tif").bands["red"].href
    assert there == "https://api.example/v1/collections/c/files/B04.tif"
    made = item("red", platform="sentinel-2a", href="./B04.tif")
    made.links = []
    made.set_self_href("/tiles/scene/item.json")
    here = scene_from_item(made)
    assert here is not None
    assert here.bands["red"].href == "/tiles/scene/B04.tif"


def test_a_file_address_of_this_machine_is_a_path() -> None:
    made = scene_from_item(item("red", platform="sentinel-2a", href="file:///my%20tiles/B04.tif"))
    assert made is not None
    assert made.bands["red"].href == "/my tiles/B04.tif"


def test_a_provider_s_other_address_is_taken_where_there_is_one() -> None:
    said = {"alternate": {"s3": {"href": "s3://usgs-landsat/SR_B4.TIF"}}}
    made = scene_from_item(item("red", platform="landsat-8", said=said), provider=USGS)
    plain = scene_from_item(item("red", platform="landsat-8"), provider=USGS)
    assert made is not None
    assert plain is not None
    assert made.bands["red"].href == "s3://usgs-landsat/SR_B4.TIF"
    assert plain.bands["red"].href == "https://tiles.example/red.tif"
    hostile = item("red", platform="landsat-8", said={"alternate": {"s3": {"href": "/etc/passwd"}}})
    with pytest.raises(CatalogueError, match="no address"):
        scene_from_item(hostile, provider=USGS)


# -- what else it says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "tile"),
    [
        ({"grid:code": "MGRS-52TEN"}, "52TEN"),
        ({"grid:code": "MGRS-1CCV"}, "01CCV"),
        ({"s2:mgrs_tile": "06VVN"}, "06VVN"),
        ({"mgrs:utm_zone": 52, "mgrs:latitude_band": "T", "mgrs:grid_square": "EN"}, "52TEN"),
        ({"name": "S2A_52TEN_20200701_0_L2A"}, "52TEN"),
        ({"name": "S2B_T38XNF_20250422T091553_L2A"}, "38XNF"),
        ({"name": "S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531"}, "06VVN"),
        ({"name": "HLS.S30.T10TFT.2023215T190921.v2.0"}, "10TFT"),
        ({"landsat:wrs_path": "8", "landsat:wrs_row": "59", "platform": "landsat-8"}, "008059"),
        ({"grid:code": "WRS2-115030", "platform": "landsat-8"}, "115030"),
        ({"name": "LC08_L2SP_115030_20200701_02_T1", "platform": "landsat-8"}, "115030"),
        ({}, None),
    ],
)
def test_the_tile_is_known_by_any_of_its_names(said: dict[str, Any], tile: str | None) -> None:
    assert scene("red", "B04", **({"platform": "sentinel-2a"} | said)).tile == tile


@pytest.mark.parametrize(
    ("said", "when"),
    [
        (
            {"s2:generation_time": "2020-10-06T08:05:31.830Z", "created": "2022-01-01T00:00:00Z"},
            "2020-10-06T08:05:31.83",
        ),
        ({"processing:datetime": "2024-03-08T14:33:52Z"}, "2024-03-08T14:33:52"),
        ({"name": "S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531"}, "2020-10-06T08:05:31"),
        (
            {"name": "LC08_L2SP_008059_20191201_20200825_02_T1", "created": "2022-01-01T00:00:00Z"},
            "2020-08-25T00:00:00",
        ),
        ({"created": "2022-01-01T09:00:00+09:00"}, "2022-01-01T00:00:00"),
        ({"created": "yesterday"}, None),
        ({}, None),
    ],
)
def test_when_its_product_was_made(said: dict[str, Any], when: str | None) -> None:
    made = scene("red", **({"platform": "sentinel-2a"} | said)).processed
    assert made == (None if when is None else datetime.fromisoformat(when).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("said", "baseline"),
    [
        ({"s2:processing_baseline": "05.10"}, (5, 10)),
        ({"processing:version": "05.11"}, (5, 11)),
        (
            {"processing:version": "5.1", "name": "S2A_MSIL2A_20240308T100841_N0510_R022_T33UVR_20240308T143352"},
            (5, 10),
        ),
        ({"s2:product_uri": "S2A_MSIL2A_20200219T112111_N0214_R037_T29RKH_20200219T123947.SAFE"}, (2, 14)),
        ({"processing:version": "v²"}, None),
    ],
)
def test_the_baseline_is_also_read_from_a_product_s_name(
    said: dict[str, Any], baseline: tuple[int, ...] | None
) -> None:
    claims = scene("red", **({"platform": "sentinel-2a"} | said)).claims
    assert claims is not None
    assert claims.baseline == baseline


@pytest.mark.parametrize(
    "said",
    [
        {"raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]},
        {"bands": [{"name": "B04", "raster:scale": 0.0001, "raster:offset": -0.1, "nodata": 0}]},
        {"raster:scale": 0.0001, "raster:offset": -0.1, "nodata": 0},
        {"raster:scale": 0.0001, "raster:offset": -0.1, "nodata": 0, "bands": [{"name": "B04"}]},
        {"bands": [{"raster:scale": 0.0001, "raster:offset": -0.1}], "raster:offset": -0.5, "nodata": 0},
    ],
)
def test_scaling_is_read_wherever_a_version_of_stac_puts_it(said: dict[str, Any]) -> None:
    red = scene("red", platform="sentinel-2a", said=said).bands["red"]
    assert (red.scale, red.offset, red.nodata) == (0.0001, -0.1, 0)


GRID = GeoBox((3, 4), Affine(30, 0, 499995, 0, -30, 4800075), "EPSG:32652")


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"proj:epsg": 32652}, {"proj:shape": [3, 4], "proj:transform": [30, 0, 499995, 0, -30, 4800075]}),
        (
            {"proj:code": "EPSG:32652"},
            {"proj:shape": [3, 4], "proj:transform": [30, 0, 499995, 0, -30, 4800075, 0, 0, 1]},
        ),
        ({"proj:epsg": 32652, "proj:shape": [3, 4], "proj:transform": [30.0, 0, 499995, 0, -30, 4800075]}, {}),
        (
            {"proj:epsg": None},
            {"proj:code": "EPSG:32652", "proj:shape": [3, 4], "proj:transform": [30, 0, 499995, 0, -30, 4800075]},
        ),
    ],
)
def test_the_grid_that_an_item_states(properties: dict[str, Any], said: dict[str, Any]) -> None:
    made = scene("red", "scl", platform="sentinel-2a", said=said, **properties)
    assert made.bands["red"].grid == GRID
    assert made.quality is not None
    assert made.quality.grid == GRID


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"proj:shape": [3, 4], "proj:transform": [30, 0, 499995, 0, -30, 4800075]},
        {"proj:epsg": 32652, "proj:shape": [3], "proj:transform": [30, 0, 499995, 0, -30, 4800075]},
        {"proj:epsg": 32652, "proj:shape": [3, 4], "proj:transform": [30, 0]},
        {"proj:epsg": 32652, "proj:shape": [3, 4], "proj:transform": ["a", 0, 499995, 0, -30, 4800075]},
        {"proj:epsg": 32652, "proj:shape": [3, 4], "proj:transform": [0, 0, 499995, 0, 0, 4800075]},
        {"proj:epsg": 32652, "proj:shape": [0, 4], "proj:transform": [30, 0, 499995, 0, -30, 4800075]},
        {"proj:code": "nonsense", "proj:shape": [3, 4], "proj:transform": [30, 0, 499995, 0, -30, 4800075]},
    ],
)
def test_half_a_grid_is_none(said: dict[str, Any]) -> None:
    assert scene("red", platform="sentinel-2a", said=said).bands["red"].grid is None


def test_size_and_checksum_of_its_files() -> None:
    said = {"file:size": 1234, "file:checksum": "1220" + "ab" * 32}
    red = scene("red", platform="sentinel-2a", said=said).bands["red"]
    assert (red.size, red.checksum) == (1234, "1220" + "ab" * 32)
    old = scene("red", platform="sentinel-2a", said={"checksum:multihash": "1220" + "AB" * 32}).bands["red"]
    assert old.checksum == "1220" + "ab" * 32
    bad = scene("red", platform="sentinel-2a", said={"file:size": "big", "file:checksum": "none"}).bands["red"]
    assert (bad.size, bad.checksum) == (None, None)


# -- there and back -------------------------------------------------------------------------------------

NAMES = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=30).map(lambda text: f"X{text}")
NUMBERS = st.integers(-10_000, 10_000).map(lambda n: n / 10_000)
TIMES = st.datetimes(datetime(1984, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
GRIDS = st.builds(
    lambda rows, columns, x, code: GeoBox((rows, columns), Affine(10.5, 0, x, 0, -20.25, 4_800_000), f"EPSG:{code}"),
    st.integers(1, 20_000),
    st.integers(1, 20_000),
    st.integers(0, 999_999),
    st.sampled_from([32652, 32753, 3035]),
)


@st.composite
def lattices(draw: st.DrawFn) -> Angles:
    columns, rows = draw(st.integers(1, 6)), draw(st.integers(1, 6))

    def layer(most: int) -> tuple[tuple[float, ...], ...]:
        numbers = st.integers(0, 100 * most - 1).map(lambda hundredths: hundredths / 100)
        return tuple(draw(st.tuples(*[numbers] * columns)) for _ in range(rows))

    x, y = (tuple(float(k * 20_000) for k in range(n)) for n in (columns, rows))
    view = (layer(90), layer(360)) if draw(st.booleans()) else (None, None)
    return Angles("EPSG:32652", x, y, layer(90), layer(360), *view)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    sensor = draw(st.sampled_from(SENSORS))
    claims = None
    if sensor is SENTINEL2:
        baselines = st.tuples(st.integers(0, 99), st.integers(0, 99))
        removed = draw(st.none() | st.booleans())
        claims = OffsetClaims(draw(st.none() | baselines), removed, draw(st.none() | NUMBERS))

    def asset(codes: QualityCodes | None = None) -> Asset:
        web = draw(st.sampled_from(["", "https://tiles.example", "s3://bucket"]))
        href = f"{web}/{draw(NAMES)}/{draw(NAMES)}.tif"
        more = (
            draw(st.none() | st.integers(1, 2**40)),
            draw(st.none() | st.binary(min_size=32, max_size=32).map(lambda b: "1220" + b.hex())),
            draw(st.none() | GRIDS),
        )
        if codes is not None:
            return Asset(href, 1.0, 0.0, codes.fill, *more)
        offset = draw(NUMBERS) if claims is None else declared_offset(claims)
        return Asset(href, draw(NUMBERS.filter(bool)), offset, draw(st.integers(-9999, 65535)), *more)

    bands = draw(st.sets(st.sampled_from(COMMON), min_size=1))
    tiles = st.none() | st.sampled_from(["52TEN", "01CCV", "115030", "008059"])
    return Scene(
        id=draw(NAMES),
        sensor=sensor,
        time=draw(TIMES),
        cloud_percent=draw(st.none() | st.floats(0, 100)),
        geometry=draw(st.none() | st.just(shapely.box(130, 43, 131.5, 44))),
        bands={band: asset() for band in COMMON if band in bands},
        quality=asset(sensor.quality) if draw(st.booleans()) else None,
        saturation=asset(sensor.saturation) if sensor.saturation is not None and draw(st.booleans()) else None,
        platform=draw(st.none() | st.sampled_from(["sentinel-2a", "landsat-8", "landsat-5", "planet"])),
        collection=draw(st.none() | NAMES),
        tile=draw(tiles),
        processed=draw(st.none() | TIMES),
        claims=claims,
        angles=draw(st.none() | lattices()),
    )


@given(scenes())
def test_a_scene_that_is_written_is_the_same_scene_when_read(
    tmp_path_factory: pytest.TempPathFactory, made: Scene
) -> None:
    path = tmp_path_factory.getbasetemp() / "there" / "items.json"
    write_items(path, [made])
    (feature,) = json.loads(path.read_text())["features"]
    read = pystac.Item.from_dict(feature)
    read.set_self_href(str(path))
    back = scene_from_item(read)
    assert back == made
    assert {name: one.grid for name, one in back.assets.items()} == {
        name: one.grid for name, one in made.assets.items()
    }


def test_paths_are_written_relative_to_the_catalogue(tmp_path: Path) -> None:
    here = Asset(str(tmp_path / "tiles" / "B04.tif"))
    made = Scene("A", LANDSAT, datetime(2020, 7, 1, tzinfo=UTC), None, None, {"red": here}, None)
    write_items(tmp_path / "catalogue" / "items.json", [made])
    assert "../tiles/B04.tif" in (tmp_path / "catalogue" / "items.json").read_text()
    assert str(tmp_path) not in (tmp_path / "catalogue" / "items.json").read_text()


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(CatalogueError, match="no text"):
        scene("red", "nir", "scl", name="S2\ud800", platform="sentinel-2a")
