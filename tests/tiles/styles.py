"""One acquisition as the items of each catalogue describe it: their asset names, fields, extensions and versions.

Modelled on items that the catalogues serve; what no reader of scenes looks at is left out. The pixels are given by
band and quality, so that each style can be read back and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import shapely
from odc.geo.geobox import GeoBox

from habitat.sensors import HLS_S30, LANDSAT, SENTINEL2, Sensor

Item = dict[str, Any]
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
EXTENSIONS = "https://stac-extensions.github.io"
BANDS = ("blue", "green", "red", "nir08", "swir16", "swir22")


@dataclass(frozen=True)
class Acquisition:
    """What was seen, and where its files are served."""

    when: datetime
    grids: Mapping[str, GeoBox]
    """By band, and `quality`."""
    base: str
    """Address of the folder that holds one file for each band, `<band>.tif`, and `quality.tif`."""
    tile: str = "52TFN"
    platform: str = "sentinel-2b"
    cloud_percent: float = 12.5
    baseline: str = "05.09"
    processed: datetime | None = None
    footprint: Any = None
    """In degrees; by default that of the red band's grid."""

    @property
    def made(self) -> datetime:
        return self.processed or self.when + timedelta(hours=6)

    def href(self, band: str) -> str:
        return f"{self.base}/{band}.tif"

    def describe(self, name: str, collection: str, properties: Mapping[str, Any], assets: Mapping[str, Any]) -> Item:
        footprint = self.footprint or shapely.geometry.shape(self.grids["red"].geographic_extent.json)
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": name,
            "collection": collection,
            "geometry": shapely.geometry.mapping(footprint),
            "bbox": list(footprint.bounds),
            "properties": {
                "datetime": f"{self.when:%Y-%m-%dT%H:%M:%S}.024000Z",
                "eo:cloud_cover": self.cloud_percent,
                **properties,
            },
            "assets": dict(assets),
            "links": [{"rel": "self", "type": "application/geo+json", "href": f"https://elsewhere.example/{name}"}],
        }

    def placed(self, band: str) -> dict[str, Any]:
        grid = self.grids[band]
        return {"proj:shape": list(grid.shape), "proj:transform": list(grid.transform)[:6]}

    def epsg(self) -> int:
        crs = self.grids["red"].crs
        assert crs is not None
        assert crs.epsg is not None
        return crs.epsg


def earth_search(scene: Acquisition) -> Item:
    """Earth Search v1, sentinel-2-l2a: the offset is taken out and still stated; each band has a JPEG 2000 twin."""
    mission = scene.platform.replace("sentinel-", "S").upper()
    assets: dict[str, Any] = {}
    for band in BANDS:
        assets[f"{band}-jp2"] = {"href": f"s3://sentinel-s2-l2a/tiles/{band}.jp2", "type": "image/jp2"}
        stated = {"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": -0.1}
        assets[band] = {"href": scene.href(band), "type": COG, "raster:bands": [stated], **scene.placed(band)}
    assets["nir"] = assets["nir08"] | {"href": scene.href("none")}
    assets["scl-jp2"] = {"href": "s3://sentinel-s2-l2a/tiles/SCL.jp2", "type": "image/jp2"}
    assets["scl"] = {"href": scene.href("quality"), "type": COG, **scene.placed("quality")}
    properties = {
        "created": f"{scene.made + timedelta(days=30):%Y-%m-%dT%H:%M:%S.%fZ}",
        "platform": scene.platform,
        "constellation": "sentinel-2",
        "proj:epsg": scene.epsg(),
        "mgrs:utm_zone": int(scene.tile[:2]),
        "mgrs:latitude_band": scene.tile[2],
        "mgrs:grid_square": scene.tile[3:],
        "grid:code": f"MGRS-{scene.tile}",
        "s2:processing_baseline": scene.baseline,
        "s2:product_type": "S2MSI2A",
        "s2:generation_time": f"{scene.made:%Y-%m-%dT%H:%M:%S.%fZ}",
        "earthsearch:boa_offset_applied": True,
    }
    return scene.describe(f"{mission}_{scene.tile}_{scene.when:%Y%m%d}_0_L2A", "sentinel-2-l2a", properties, assets)


def earth_search_c1(scene: Acquisition) -> Item:
    """Earth Search v1, sentinel-2-c1-l2a: reprocessed, STAC 1.1, names without a sequence number."""
    item = earth_search(scene)
    mission = scene.platform.replace("sentinel-", "S").upper()
    assets = {name: asset for name, asset in item["assets"].items() if "jp2" not in name}
    return item | {
        "stac_version": "1.1.0",
        "id": f"{mission}_T{scene.tile}_{scene.when:%Y%m%dT%H%M%S}_L2A",
        "collection": "sentinel-2-c1-l2a",
        "assets": assets,
    }


PLANETARY_NAMES = dict(zip(BANDS, ("B02", "B03", "B04", "B8A", "B11", "B12"), strict=True))


def planetary_computer(scene: Acquisition) -> Item:
    """Microsoft Planetary Computer, sentinel-2-l2a: no word on scale or offset, the baseline alone."""
    mission = scene.platform.replace("sentinel-", "S").upper()
    assets: dict[str, Any] = {"B08": {"href": scene.href("none"), "type": COG}}
    assets |= {
        name: {"href": scene.href(band), "type": COG, "gsd": 10, **scene.placed(band)}
        for band, name in PLANETARY_NAMES.items()
    }
    assets["SCL"] = {"href": scene.href("quality"), "type": COG, **scene.placed("quality")}
    name = f"{mission}_MSIL2A_{scene.when:%Y%m%dT%H%M%S}_R003_T{scene.tile}_{scene.made:%Y%m%dT%H%M%S}"
    properties = {
        "platform": scene.platform.title(),
        "constellation": "Sentinel 2",
        "proj:epsg": scene.epsg(),
        "s2:mgrs_tile": scene.tile,
        "s2:processing_baseline": scene.baseline,
        "s2:product_type": "S2MSI2A",
        "s2:generation_time": f"{scene.made:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    return scene.describe(name, "sentinel-2-l2a", properties, assets)


def copernicus(scene: Acquisition) -> Item:
    """Copernicus Data Space, sentinel-2-l2a: STAC 1.1, each band in several resolutions, scaling on the asset."""
    mission = scene.platform.replace("sentinel-", "S").upper()
    baseline = scene.baseline.replace(".", "")
    assets: dict[str, Any] = {}
    for band, name in PLANETARY_NAMES.items():
        stated = {"nodata": 0, "raster:scale": 0.0001, "raster:offset": -0.1, "bands": [{"name": name}]}
        for metres in (60, 20, 10) if band in ("blue", "green", "red") else (60, 20):
            native = metres == (10 if band in ("blue", "green", "red") else 20)
            href = scene.href(band) if native else scene.href("none")
            place = {"proj:code": f"EPSG:{scene.epsg()}", **scene.placed(band)} if native else {}
            alternate = {"https": {"href": "https://download.dataspace.copernicus.eu/odata/v1/Products(1)/$value"}}
            assets[f"{name}_{metres}m"] = {"href": href, "type": "image/jp2", "alternate": alternate, **stated, **place}
    assets["SCL_20m"] = {"href": scene.href("quality"), "type": "image/jp2", "nodata": 0}
    name = f"{mission}_MSIL2A_{scene.when:%Y%m%dT%H%M%S}_N{baseline}_R003_T{scene.tile}_{scene.made:%Y%m%dT%H%M%S}"
    properties = {
        "platform": scene.platform,
        "constellation": "sentinel-2",
        "grid:code": f"MGRS-{scene.tile}",
        "product:type": "S2MSI2A",
        "processing:level": "L2",
        "processing:version": scene.baseline,
        "processing:datetime": f"{scene.made:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    return scene.describe(name, "sentinel-2-l2a", properties, assets) | {"stac_version": "1.1.0"}


def landsatlook(scene: Acquisition) -> Item:
    """USGS LandsatLook, landsat-c2l2-sr: no word on scaling, a requester-pays address beside the plain one."""
    product = f"LC08_L2SP_{scene.tile}_{scene.when:%Y%m%d}_{scene.made:%Y%m%d}_02_T1"
    assets: dict[str, Any] = {"index": {"href": f"https://landsatlook.usgs.gov/stac-browser/{product}"}}
    for band in (*BANDS, "quality"):
        name = "qa_pixel" if band == "quality" else band
        paid = {"storage:platform": "AWS", "storage:requester_pays": True, "href": scene.href(band)}
        assets[name] = {
            "href": f"https://landsatlook.usgs.gov/data/{product}_{name}.TIF",
            "type": "image/vnd.stac.geotiff; cloud-optimized=true",
            "alternate": {"s3": paid},
            "file:checksum": "1340" + "ab" * 64,
        }
    properties = {
        "platform": "LANDSAT_8",
        "instruments": ["OLI", "TIRS"],
        "landsat:wrs_type": "2",
        "landsat:wrs_path": scene.tile[:3],
        "landsat:wrs_row": scene.tile[3:],
        "landsat:collection_category": "T1",
        "landsat:collection_number": "02",
        "landsat:correction": "L2SP",
        "proj:epsg": scene.epsg(),
        **scene.placed("red"),
        "created": f"{scene.made + timedelta(days=300):%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    return scene.describe(f"{product}_SR", "landsat-c2l2-sr", properties, assets)


def nasa_hls(scene: Acquisition) -> Item:
    """NASA's CMR, HLSS30_2.0: neither a platform nor a grid nor a scale, all of it is in the product's definition."""
    name = f"HLS.S30.T{scene.tile}.{scene.when:%Y%jT%H%M%S}.v2.0"
    names = PLANETARY_NAMES | {"quality": "Fmask"}
    assets: dict[str, Any] = {key: {"href": scene.href(band), "type": "image/tiff"} for band, key in names.items()}
    assets["browse"] = {"href": f"https://data.lpdaac.earthdatacloud.nasa.gov/{name}.jpg", "type": "image/jpeg"}
    times = {
        "start_datetime": f"{scene.when:%Y-%m-%dT%H:%M:%S.024Z}",
        "end_datetime": f"{scene.when:%Y-%m-%dT%H:%M:%S.024Z}",
    }
    return scene.describe(name, "HLSS30_2.0", times, assets)


@dataclass(frozen=True)
class Style:
    """How one catalogue's items look, and what their pixels mean."""

    provider: str
    describe: Callable[[Acquisition], Item]
    sensor: Sensor
    numbers: Callable[[Any], Any]
    """Reflectance to the digital numbers of its files."""
    dtype: str
    clear: int
    """A quality code of clear land."""
    cloud: int
    nodata: int
    tile: str = "52TFN"
    platform: str = "sentinel-2b"


STYLES: Mapping[str, Style] = {
    "earth-search": Style("earth-search", earth_search, SENTINEL2, lambda r: r * 10_000, "uint16", 4, 9, 0),
    "planetary-computer": Style(
        "planetary-computer", planetary_computer, SENTINEL2, lambda r: r * 10_000 + 1000, "uint16", 4, 9, 0
    ),
    "copernicus": Style("copernicus", copernicus, SENTINEL2, lambda r: r * 10_000 + 1000, "uint16", 4, 9, 0),
    "usgs": Style(
        "usgs",
        landsatlook,
        LANDSAT,
        lambda r: (r + 0.2) / 0.0000275,
        "uint16",
        21824,
        22280,
        0,
        tile="115030",
        platform="landsat-8",
    ),
    "nasa-hls": Style("nasa-hls", nasa_hls, HLS_S30, lambda r: r * 10_000, "int16", 64, 2, -9999),
}
"""By provider."""
