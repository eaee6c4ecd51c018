"""A scene: one acquisition of one sensor, with the files that hold its bands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from habitat.errors import CatalogueError
from habitat.sensors import SENSORS, SENTINEL2, Sensor
from habitat.sensors.sentinel2 import BASELINE_OFFSET, OFFSET_BASELINE

if TYPE_CHECKING:
    import pystac


@dataclass(frozen=True)
class Asset:
    """One band's file."""

    href: str
    scale: float
    """Reflectance of one digital number."""
    offset: float
    """Reflectance of digital number 0."""
    nodata: int
    """Digital number of 'no measurement'."""


@dataclass(frozen=True)
class Scene:
    """One acquisition."""

    id: str
    sensor: Sensor
    time: datetime
    """In UTC."""
    cloud_percent: float | None
    """Of the whole scene, where the item says."""
    geometry: Any
    """Footprint in degrees, as a shapely geometry; None where the item has none."""
    bands: Mapping[str, Asset]
    quality: Asset | None

    @property
    def day(self) -> date:
        """Day of acquisition (UTC; the border forest is crossed at about 02:00 UTC, far from midnight)."""
        return self.time.date()

    def __repr__(self) -> str:
        return f"Scene({self.id}, {self.sensor.name}, {self.day})"


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
    bands = {}
    for band, names in sensor.bands.items():
        found = next((assets[name.lower()] for name in names if name.lower() in assets), None)
        if found is not None:
            scale, offset, nodata = _radiometry(item, found, sensor)
            bands[band] = Asset(found.get_absolute_href() or found.href, scale, offset, nodata)
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
        else Asset(quality.get_absolute_href() or quality.href, 1, 0, sensor.quality.fill),
    )


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


def _radiometry(item: pystac.Item, asset: pystac.Asset, sensor: Sensor) -> tuple[float, float, int]:
    """Scale, offset and nodata of an asset, from what its item says.

    A Sentinel-2 item that says its offset has been taken out of the pixels
    (`earthsearch:boa_offset_applied`) still states it in `raster:bands`: the flag wins.
    """
    stated = asset.extra_fields.get("raster:bands") or asset.extra_fields.get("bands") or [{}]
    band = stated[0] if isinstance(stated[0], dict) else {}
    scale = _number(item, band, "scale", "raster:scale")
    offset = _number(item, band, "offset", "raster:offset")
    nodata = _number(item, band, "nodata")
    if sensor is SENTINEL2:
        if item.properties.get("earthsearch:boa_offset_applied") is True:
            offset = 0.0
        elif offset is None:
            offset = BASELINE_OFFSET if _baseline(item) >= OFFSET_BASELINE else 0.0
    return (
        sensor.scale if scale is None else scale,
        sensor.offset if offset is None else offset,
        sensor.nodata if nodata is None else int(nodata),
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


def _baseline(item: pystac.Item) -> tuple[int, ...]:
    text = str(item.properties.get("s2:processing_baseline") or item.properties.get("processing:version") or "0.0")
    parts = text.split(".")
    return tuple(int(p) for p in parts[:2]) if all(p.isdigit() for p in parts) else (0, 0)
