"""STAC documents of simulated scenes, written as Earth Search v1 writes those of real ones.

STAC 1.0.0 with the extensions eo 1.1, projection 1.1, raster 1.1 and view 1.0. For Sentinel-2 scenes from 2022-01-25
on, Earth Search takes off the offset of processing baseline 04.00 and says so by `earthsearch:boa_offset_applied`,
while `raster:bands` still states it: readers must know, so the simulated items do the same.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from odc.geo.geobox import GeoBox

from habitat.cubes import BANDS
from habitat.sensors import LANDSAT as LANDSAT_TABLE
from habitat.sensors import SENTINEL2 as SENTINEL2_TABLE
from habitat.simulate.area import Area
from habitat.simulate.presets import LANDSAT, SENTINEL2
from habitat.simulate.scenes import Overpass, Scene
from habitat.store import write_json, write_raster

COLLECTIONS = {SENTINEL2: "sentinel-2-l2a", LANDSAT: "landsat-c2-l2"}
_TITLES = {
    SENTINEL2: "Simulated Sentinel-2 Level-2A scenes (teaching data)",
    LANDSAT: "Simulated Landsat Collection 2 Level-2 scenes (teaching data)",
}
_NEW_BASELINE = date(2022, 1, 25)
_QUALITY = {"scl": "uint8", "qa_pixel": "uint16"}
_SCHEMA = "https://stac-extensions.github.io/{}/schema.json"
_EXTENSIONS = [_SCHEMA.format(name) for name in ("eo/v1.1.0", "projection/v1.1.0", "raster/v1.1.0", "view/v1.0.0")]
_LANDSAT_EXTENSION = "https://landsat.usgs.gov/stac/landsat-extension/v1.1.1/schema.json"


def scene_id(overpass: Overpass) -> str:
    """Return the name of a scene: that of Earth Search for Sentinel-2, of USGS for Landsat."""
    day = overpass.when
    if overpass.sensor == SENTINEL2:
        return f"S2{overpass.platform[-1].upper()}_52TFN_{day:%Y%m%d}_0_L2A"
    processed = day + timedelta(days=14)
    return f"LC0{overpass.platform[-1]}_L2SP_115030_{day:%Y%m%d}_{processed:%Y%m%d}_02_T1"


def write_scene(folder: Path, scene: Scene, area: Area) -> None:
    """Write a scene's rasters and its item below `folder` / scenes."""
    collection = COLLECTIONS[scene.overpass.sensor]
    name = scene_id(scene.overpass)
    home = folder / "scenes" / collection / name
    for asset, raster in scene.assets.items():
        nodata = 1 if asset == "qa_pixel" else 0
        resampling = "nearest" if asset in _QUALITY else "average"
        write_raster(home / f"{asset}.tif", raster.values[None], raster.grid, [asset], nodata, resampling=resampling)
    write_json(home / f"{name}.json", _item(scene, name, collection, area))


def write_catalogue(folder: Path, overpasses: list[Overpass], area: Area) -> None:
    """Write catalog.json and a collection for each sensor that took scenes, linked to the items by relative paths."""
    links = [_link("root", "./catalog.json")]
    for sensor, collection in COLLECTIONS.items():
        names = [scene_id(o) for o in overpasses if o.sensor == sensor]
        if not names:
            continue
        when = sorted(o.when for o in overpasses if o.sensor == sensor)
        links.append(_link("child", f"./scenes/{collection}/collection.json", _TITLES[sensor]))
        document = {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": collection,
            "title": _TITLES[sensor],
            "description": "SIMULATED scenes in the layout of the real product; no satellite took them.",
            "license": "Apache-2.0",
            "extent": {
                "spatial": {"bbox": [_bbox(area.polygon())]},
                "temporal": {"interval": [[_stamp(when[0]), _stamp(when[-1])]]},
            },
            "links": [_link("root", "../../catalog.json"), _link("parent", "../../catalog.json")]
            + [_link("item", f"./{name}/{name}.json", kind="application/geo+json") for name in names],
        }
        write_json(folder / "scenes" / collection / "collection.json", document)
    catalogue = {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "habitat-sample",
        "description": "SIMULATED Sentinel-2 and Landsat scenes of an invented landscape (teaching data)",
        "links": links,
    }
    write_json(folder / "catalog.json", catalogue)


def _item(scene: Scene, name: str, collection: str, area: Area) -> dict[str, Any]:
    overpass = scene.overpass
    footprint = area.polygon()
    sentinel2 = overpass.sensor == SENTINEL2
    properties: dict[str, Any] = {
        "datetime": _stamp(overpass.when),
        "created": _stamp(overpass.when + timedelta(days=14)),
        "platform": overpass.platform,
        "constellation": overpass.sensor,
        "instruments": ["msi"] if sentinel2 else ["oli", "tirs"],
        "gsd": 10 if sentinel2 else 30,
        "eo:cloud_cover": scene.cloud_percent,
        "proj:epsg": 32652,
        "view:sun_azimuth": round(overpass.sun.azimuth, 4),
        "view:sun_elevation": round(overpass.sun.elevation, 4),
        "view:off_nadir": 0,
        "habitat:simulated": True,
    }
    properties |= _sentinel2_properties(overpass) if sentinel2 else _landsat_properties(overpass)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": _EXTENSIONS if sentinel2 else [*_EXTENSIONS, _LANDSAT_EXTENSION],
        "id": name,
        "collection": collection,
        "geometry": footprint,
        "bbox": _bbox(footprint),
        "properties": properties,
        "assets": {key: _asset(key, raster.grid, overpass) for key, raster in scene.assets.items()},
        "links": [
            _link("root", "../../../catalog.json"),
            _link("parent", "../collection.json"),
            _link("collection", "../collection.json"),
        ],
    }


def is_new(overpass: Overpass) -> bool:
    """Whether a scene is of the processing baselines that add an offset to digital numbers."""
    return overpass.when.date() >= _NEW_BASELINE


def _sentinel2_properties(overpass: Overpass) -> dict[str, Any]:
    return {
        "s2:processing_baseline": "05.09" if is_new(overpass) else "02.12",
        "earthsearch:boa_offset_applied": is_new(overpass),
        "grid:code": "MGRS-52TFN",
        "mgrs:utm_zone": 52,
        "mgrs:latitude_band": "T",
        "mgrs:grid_square": "FN",
    }


def _landsat_properties(overpass: Overpass) -> dict[str, Any]:
    return {
        "landsat:scene_id": f"LC{overpass.platform[-1]}115030{overpass.when:%Y%j}LGN00",
        "landsat:collection_category": "T1",
        "landsat:collection_number": "02",
        "landsat:correction": "L2SP",
        "landsat:wrs_type": "2",
        "landsat:wrs_path": "115",
        "landsat:wrs_row": "030",
    }


def _asset(key: str, grid: GeoBox, overpass: Overpass) -> dict[str, Any]:
    asset: dict[str, Any] = {
        "href": f"./{key}.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"] if key in BANDS else ["data", "cloud", "cloud-shadow", "snow-ice", "water-mask"],
        "proj:shape": [grid.shape.y, grid.shape.x],
        "proj:transform": [float(v) for v in grid.transform[:6]],
    }
    resolution = round(grid.transform.a)
    if key in _QUALITY:
        nodata = 1 if key == "qa_pixel" else 0
        asset["raster:bands"] = [{"nodata": nodata, "data_type": _QUALITY[key], "spatial_resolution": resolution}]
        return asset
    scale, offset = 0.0000275, -0.2
    table = LANDSAT_TABLE
    if overpass.sensor == SENTINEL2:
        scale, offset, table = 0.0001, -0.1 if is_new(overpass) else 0.0, SENTINEL2_TABLE
    asset["raster:bands"] = [
        {"nodata": 0, "data_type": "uint16", "spatial_resolution": resolution, "scale": scale, "offset": offset}
    ]
    asset["eo:bands"] = [{"name": table.bands[key][1], "common_name": key}]
    return asset


def _bbox(polygon: dict[str, Any]) -> list[float]:
    x, y = zip(*polygon["coordinates"][0], strict=True)
    return [min(x), min(y), max(x), max(y)]


def _link(rel: str, href: str, title: str | None = None, kind: str = "application/json") -> dict[str, str]:
    link = {"rel": rel, "href": href, "type": kind}
    return link if title is None else link | {"title": title}


def _stamp(when: Any) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
