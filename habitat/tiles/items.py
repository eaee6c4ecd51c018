"""STAC items to scenes, and scenes to the items of our own catalogues."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitat.errors import CatalogueError
from habitat.sensors import SENSORS, SENTINEL2, Sensor
from habitat.sensors.sentinel2 import BASELINE_OFFSET, OFFSET_BASELINE
from habitat.tiles.scenes import Asset, OffsetClaims, Scene

if TYPE_CHECKING:
    import pystac

_EXTENSIONS = [
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("eo/v1.1.0", "projection/v1.1.0", "raster/v1.1.0", "file/v2.1.0")
]


def scene_from_item(item: pystac.Item) -> Scene | None:
    """Translate a STAC item; None if it is of no sensor that can be read.

    Raises
    ------
    CatalogueError
        If the item has no date, or states a number or footprint that is none.
    """
    sensor = _sensor_of(item)
    if sensor is None:
        return None
    time = item.datetime or item.common_metadata.start_datetime
    if time is None:
        raise CatalogueError("has no datetime", where=f"item {item.id}", mend="remove the item from the catalogue")
    assets = {name.lower(): asset for name, asset in item.assets.items()}
    bands: dict[str, Asset] = {}
    claims: OffsetClaims | None = None
    if sensor is SENTINEL2:
        claims = OffsetClaims(_baseline(item), item.properties.get("earthsearch:boa_offset_applied"))
    for band, names in sensor.bands.items():
        found = next((assets[name.lower()] for name in names if name.lower() in assets), None)
        if found is not None:
            scale, offset, nodata = _stated_radiometry(item, found)
            if claims is not None:
                own = replace(claims, stated=offset)
                claims = own if claims.stated is None else claims
                offset = declared_offset(own)
            bands[band] = Asset(
                found.get_absolute_href() or found.href,
                sensor.scale if scale is None else scale,
                sensor.offset if offset is None else offset,
                sensor.nodata if nodata is None else int(nodata),
            )
    quality = assets.get(sensor.quality.asset)
    return Scene(
        id=item.id,
        sensor=sensor,
        time=time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC),
        cloud_percent=_number(item, item.properties, "eo:cloud_cover"),
        geometry=_footprint(item),
        bands=bands,
        quality=None
        if quality is None
        else Asset(quality.get_absolute_href() or quality.href, nodata=sensor.quality.fill),
        platform=item.properties.get("platform"),
        collection=item.collection_id,
        claims=claims,
    )


def declared_offset(claims: OffsetClaims) -> float:
    """The offset that an item's claims amount to, before the pixels are asked, in reflectance.

    An item that says its offset has been taken out of the pixels still states it in `raster:bands`: the flag wins.
    """
    if claims.removed is True:
        return 0.0
    if claims.stated is not None:
        return claims.stated
    return BASELINE_OFFSET if claims.baseline is not None and claims.baseline >= OFFSET_BASELINE else 0.0


def write_items(path: Path, scenes: Sequence[Scene]) -> None:
    """Write scenes whose files are here as one STAC item collection; hrefs are relative to it.

    :func:`scene_from_item` gives the same scenes back, claims included.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    from habitat.store import write_json

    features = [_item_of(scene, path.parent) for scene in scenes]
    write_json(path, {"type": "FeatureCollection", "features": features})


def _item_of(scene: Scene, folder: Path) -> dict[str, Any]:
    import shapely.geometry

    properties: dict[str, Any] = {"datetime": f"{scene.time:%Y-%m-%dT%H:%M:%S.%fZ}", "platform": scene.platform}
    properties["eo:cloud_cover"] = scene.cloud_percent
    properties["created"] = None if scene.processed is None else f"{scene.processed:%Y-%m-%dT%H:%M:%SZ}"
    properties["grid:code"] = _grid_code(scene)
    if scene.claims is not None:
        baseline = scene.claims.baseline
        properties["s2:processing_baseline"] = None if baseline is None else "{:02d}.{:02d}".format(*baseline)
        properties["earthsearch:boa_offset_applied"] = scene.claims.removed
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": _EXTENSIONS,
        "id": scene.id,
        "geometry": None if scene.geometry is None else shapely.geometry.mapping(scene.geometry),
        "properties": {name: value for name, value in properties.items() if value is not None or name == "datetime"},
        "assets": {
            scene.sensor.quality.asset if name == "quality" else name: _asset_of(scene, name, asset, folder)
            for name, asset in scene.assets.items()
        },
        "links": [],
    }
    if scene.geometry is not None:
        item["bbox"] = list(scene.geometry.bounds)
    if scene.collection is not None:
        item["collection"] = scene.collection
    return item


def _grid_code(scene: Scene) -> str | None:
    if scene.tile is None:
        return None
    return f"WRS2-{scene.tile}" if scene.tile.isdigit() else f"MGRS-{scene.tile}"


def _asset_of(scene: Scene, name: str, asset: Asset, folder: Path) -> dict[str, Any]:
    band: dict[str, Any] = {"nodata": asset.nodata}
    if name != "quality":
        band |= {"scale": asset.scale}
        offset = asset.offset if scene.claims is None else scene.claims.stated
        band |= {} if offset is None else {"offset": offset}
    said: dict[str, Any] = {
        "href": Path(os.path.relpath(asset.href, folder)).as_posix(),
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "raster:bands": [band],
    }
    if asset.size is not None:
        said["file:size"] = asset.size
    if asset.checksum is not None:
        said["file:checksum"] = asset.checksum
    return said


def _sensor_of(item: pystac.Item) -> Sensor | None:
    properties = item.properties
    names = (properties.get("platform"), properties.get("constellation"), item.collection_id, item.id)
    for name in names:
        for sensor in SENSORS:
            if name and str(name).lower().startswith(sensor.platforms):
                return sensor
    return None


def _footprint(item: pystac.Item) -> Any:
    import shapely.geometry

    try:
        return shapely.geometry.shape(item.geometry) if item.geometry else None
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise CatalogueError("has no readable geometry", where=f"item {item.id}", mend="correct the item") from error


def _stated_radiometry(item: pystac.Item, asset: pystac.Asset) -> tuple[float | None, float | None, float | None]:
    """Scale, offset and nodata that an item states for an asset."""
    stated = asset.extra_fields.get("raster:bands") or asset.extra_fields.get("bands") or [{}]
    band = stated[0] if isinstance(stated[0], dict) else {}
    return (
        _number(item, band, "scale", "raster:scale"),
        _number(item, band, "offset", "raster:offset"),
        _number(item, band, "nodata"),
    )


def _number(item: pystac.Item, fields: Mapping[str, Any], *names: str) -> float | None:
    """The number that an item states under one of `names`; None where it states none."""
    name, value = next(((n, fields[n]) for n in names if fields.get(n) is not None), ("", None))
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise CatalogueError(f"{name} {value!r} is no number", where=f"item {item.id}", mend="correct the item")
    return number


def _baseline(item: pystac.Item) -> tuple[int, ...] | None:
    text = str(item.properties.get("s2:processing_baseline") or item.properties.get("processing:version") or "")
    parts = text.split(".")
    return tuple(int(p) for p in parts[:2]) if text and all(p.isdigit() for p in parts) else None
