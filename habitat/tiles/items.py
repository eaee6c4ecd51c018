"""STAC items to scenes, and scenes to the items of our own catalogues."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitat.errors import CatalogueError
from habitat.sensors import SENSORS, SENTINEL2, Sensor
from habitat.sensors.sentinel2 import BASELINE_OFFSET, OFFSET_BASELINE
from habitat.tiles import fields
from habitat.tiles.angles import PROPERTY, angles_of_item, angles_property
from habitat.tiles.assets import asset_from_item
from habitat.tiles.scenes import QUALITY_ASSETS, Asset, OffsetClaims, Scene

if TYPE_CHECKING:
    import pystac

    from habitat.tiles.providers import Provider

_EXTENSIONS = [
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("eo/v1.1.0", "projection/v1.1.0", "raster/v1.1.0", "file/v2.1.0", "processing/v1.2.0", "grid/v1.1.0")
]
UNKNOWN = "of no sensor that habitat reads"
"""Why most items of a catalogue of many things are no scenes."""
_SENSOR = "habitat:sensor"
"""Property of our own items that names the sensor."""


def scene_from_item(item: pystac.Item, *, provider: Provider | None = None) -> Scene | None:
    """Translate a STAC item; None if it is no scene that can be read (:func:`unusable` says why).

    Parameters
    ----------
    item : pystac.Item
        Of any version; its own address is what relative ones are resolved against.
    provider : Provider, optional
        The API that it comes from. Its addresses are then those of others, and none of this machine's files is read.

    Raises
    ------
    CatalogueError
        If the item has no date, states a number or footprint that is none, or an address that is not to be followed.
    """
    if unusable(item) is not None:
        return None
    if item.id.encode(errors="replace").decode() != item.id:
        raise CatalogueError("its id is no text (UTF-8)", where=f"item {item.id!a}", mend="correct the item's id")
    sensor = _sensor_of(item)
    assert sensor is not None
    bands: dict[str, Asset] = {}
    claims: OffsetClaims | None = None
    if sensor is SENTINEL2:
        claims = OffsetClaims(fields.baseline(item), item.properties.get("earthsearch:boa_offset_applied"))
    for band, names in sensor.bands.items():
        found = _asset(item, names)
        if found is not None:
            scale, offset, nodata = fields.radiometry(item, found)
            if claims is not None:
                own = replace(claims, stated=offset)
                claims = own if claims.stated is None else claims
                offset = declared_offset(own)
            bands[band] = replace(
                asset_from_item(item, found, provider=provider),
                scale=sensor.scale if scale is None else scale,
                offset=sensor.offset if offset is None else offset,
                nodata=sensor.nodata if nodata is None else int(nodata),
            )
    quality, saturation = (
        None
        if codes is None or (found := _asset(item, codes.assets)) is None
        else replace(asset_from_item(item, found, provider=provider), nodata=codes.fill)
        for codes in (sensor.quality, sensor.saturation)
    )
    scene = Scene(
        id=item.id,
        sensor=sensor,
        time=_time(item),
        cloud_percent=fields.number(item, item.properties, "eo:cloud_cover"),
        geometry=_footprint(item),
        bands=bands,
        quality=quality,
        saturation=saturation,
        platform=fields.platform(item),
        collection=fields.collection(item),
        tile=fields.tile(item),
        processed=fields.processed(item),
        claims=claims,
    )
    return replace(scene, angles=angles_of_item(item, scene))


def read_item(document: Mapping[str, Any], address: str) -> pystac.Item:
    """Make an item of its document, which lies at `address`; its links are not kept, so that none is followed.

    Raises
    ------
    CatalogueError
        If it is no item.
    """
    import pystac

    name = document.get("id")
    try:
        item = pystac.Item.from_dict({**document, "links": []}, preserve_dict=False)
        if not isinstance(name, str) or not name:
            raise ValueError(f"its id is {name!r}")
    except pystac.STACTypeError as error:
        raise CatalogueError("is JSON but not STAC", where=f"item {name}") from error
    except (pystac.STACError, AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        what = f"is an item that cannot be read ({type(error).__name__}: {error})"
        raise CatalogueError(what, where=f"item {name}") from error
    item.set_self_href(address)
    return item


def unusable(item: pystac.Item) -> str | None:
    """Return why an item is no scene that can be read: its satellite, its level or its assets; None if it is one."""
    sensor = _sensor_of(item)
    if sensor is None:
        return UNKNOWN
    said = item.properties
    level = [fields.collection(item), item.id, said.get("s2:product_type"), said.get("landsat:correction")]
    level.append(f"collection {said.get('landsat:collection_number')}")
    if sensor.other_levels and re.search(sensor.other_levels, " ".join(str(t) for t in level).lower()):
        return f"no surface reflectance of {sensor.name}, but another level"
    if all(_asset(item, names) is None for names in sensor.bands.values()):
        return f"holds none of {sensor.name}'s reflectance bands"
    return None


def declared_offset(claims: OffsetClaims) -> float:
    """The offset that an item's claims amount to, before the pixels are asked, in reflectance.

    An item that says its offset has been taken out of the pixels still states it in `raster:bands`: the flag wins.
    """
    if claims.removed is True:
        return 0.0
    if claims.stated is not None:
        return claims.stated
    return BASELINE_OFFSET if claims.baseline is not None and claims.baseline >= OFFSET_BASELINE else 0.0


def _sensor_of(item: pystac.Item) -> Sensor | None:
    own = str(item.properties.get(_SENSOR))
    products = [str(name).lower() for name in (fields.collection(item), item.id) if name]
    by_product = (s for name in products for s in SENSORS if name.startswith(s.products))
    names = [str(n).lower() for n in (fields.platform(item), item.properties.get("constellation")) if n] + products
    by_platform = (s for name in names for s in SENSORS if name.replace(" ", "-").startswith(s.platforms))
    return next((s for s in SENSORS if s.name == own), None) or next(by_product, None) or next(by_platform, None)


def _asset(item: pystac.Item, names: Sequence[str]) -> pystac.Asset | None:
    assets = {key.lower(): asset for key, asset in item.assets.items()}
    return next((assets[name.lower()] for name in names if name.lower() in assets), None)


def _time(item: pystac.Item) -> datetime:
    try:
        time = item.datetime or item.common_metadata.start_datetime
        if time is not None:
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (AttributeError, TypeError, ValueError, OverflowError):
        pass  # what is no time is none
    raise CatalogueError("has no datetime", where=f"item {item.id}", mend="remove the item from the catalogue")


def _footprint(item: pystac.Item) -> Any:
    import shapely.geometry

    try:
        shape = shapely.geometry.shape(item.geometry) if item.geometry else None
        if shape is not None and not shape.is_valid:
            shape = shapely.make_valid(shape)
        if shape is None or (not shape.is_empty and all(math.isfinite(side) for side in shape.bounds)):
            return shape
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        pass  # said below, like a footprint of nothing
    raise CatalogueError("has no readable geometry", where=f"item {item.id}", mend="correct the item")


def write_items(path: Path, scenes: Sequence[Scene]) -> None:
    """Write scenes as one STAC item collection; paths are relative to it.

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
    properties[_SENSOR] = scene.sensor.name
    properties["eo:cloud_cover"] = scene.cloud_percent
    properties["processing:datetime"] = None if scene.processed is None else f"{scene.processed:%Y-%m-%dT%H:%M:%S.%fZ}"
    properties["grid:code"] = _grid_code(scene)
    properties[PROPERTY] = None if scene.angles is None else angles_property(scene.angles)
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
            _asset_name(scene.sensor, name): _asset_of(scene, name, asset, folder)
            for name, asset in scene.assets.items()
        },
        "links": [],
    }
    if scene.geometry is not None:
        item["bbox"] = list(scene.geometry.bounds)
    if scene.collection is not None:
        item["collection"] = scene.collection
    return item


def _asset_name(sensor: Sensor, name: str) -> str:
    codes = {"quality": sensor.quality, "saturation": sensor.saturation}.get(name)
    return name if codes is None else codes.asset


def _grid_code(scene: Scene) -> str | None:
    if scene.tile is None:
        return None
    return f"WRS2-{scene.tile}" if scene.tile.isdigit() else f"MGRS-{scene.tile}"


def _asset_of(scene: Scene, name: str, asset: Asset, folder: Path) -> dict[str, Any]:
    band: dict[str, Any] = {"nodata": asset.nodata}
    if name not in QUALITY_ASSETS:
        claims = scene.claims
        believed = claims is None or (claims.stated is not None and claims.removed is not True)
        offset = asset.offset if believed else claims.stated  # type: ignore[union-attr]  # not None where not believed
        band |= {"scale": asset.scale} | ({} if offset is None else {"offset": offset})
    said: dict[str, Any] = {
        "href": Path(os.path.relpath(asset.href, folder)).as_posix() if asset.is_here else asset.href,
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "raster:bands": [band],
        "file:size": asset.size,
        "file:checksum": asset.checksum,
    }
    if asset.grid is not None and asset.grid.crs is not None:
        crs = asset.grid.crs
        said |= {"proj:shape": list(asset.grid.shape), "proj:transform": list(asset.grid.transform)[:6]}
        said |= {"proj:epsg": crs.epsg} if crs.epsg else {"proj:wkt2": crs.to_wkt()}
    return {key: value for key, value in said.items() if value is not None}
