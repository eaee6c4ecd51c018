"""What a STAC item says, whatever its version and its catalogue's style: tile, times, grid, scaling, checksum."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeGuard

from habitat.errors import CatalogueError

if TYPE_CHECKING:
    import pystac
    from odc.geo.crs import CRS
    from odc.geo.geobox import GeoBox

_MGRS = re.compile(r"(?:^|[_.]|MGRS-)T?(\d{1,2}[C-X][A-Z]{2})(?:[_.]|$)")
_WRS2 = re.compile(r"(?:^|[_.]|WRS2-)(\d{6})(?:[_.]|$)")
_BASELINE = re.compile(r"_N(\d{2})(\d{2})_")
_PRODUCED = re.compile(r"_(\d{8}T\d{6})(?:\.SAFE)?$|^L[A-Z]\d{2}_L2S[PR]_\d{6}_\d{8}_(\d{8})_")
"""When a product was made, in its own name: Sentinel-2's last time, Landsat's second date."""
_PROCESSED = ("s2:generation_time", "processing:datetime")
_ITEM_MADE = ("created", "published", "updated")
"""Dates of the item, which is made after its product."""


def number(item: pystac.Item, fields: Mapping[str, Any], *names: str) -> float | None:
    """Return the number that an item states under one of `names`; None where it states none.

    Raises
    ------
    CatalogueError
        If it states something else.
    """
    name, value = next(((n, fields[n]) for n in names if fields.get(n) is not None), ("", None))
    if value is None:
        return None
    try:
        stated = float(value)
    except (TypeError, ValueError):
        stated = math.nan
    if not math.isfinite(stated):
        raise CatalogueError(f"{name} {value!r} is no number", where=f"item {item.id}", mend="correct the item")
    return stated


def radiometry(item: pystac.Item, asset: pystac.Asset) -> tuple[float | None, float | None, float | None]:
    """Return scale, offset and nodata as an item states them: in `raster:bands`, STAC 1.1's `bands`, or the asset."""
    said = asset.extra_fields
    bands = said.get("raster:bands") or said.get("bands") or [{}]
    first = bands[0] if isinstance(bands, list) and isinstance(bands[0], dict) else {}
    fields = {k: v for k, v in said.items() if v is not None} | {k: v for k, v in first.items() if v is not None}
    return (
        number(item, fields, "scale", "raster:scale"),
        number(item, fields, "offset", "raster:offset"),
        number(item, fields, "nodata"),
    )


def platform(item: pystac.Item) -> str | None:
    """Return `sentinel-2a` or `landsat-8`, however the item spells it."""
    said = item.properties.get("platform") or item.properties.get("eo:platform")
    return str(said).strip().lower().replace("_", "-").replace(" ", "-") if said else None


def collection(item: pystac.Item) -> str | None:
    """Return the collection that an item belongs to; before STAC 1.0 some named it among the properties."""
    named = item.collection_id or item.properties.get("collection")
    return str(named) if named else None


def tile(item: pystac.Item) -> str | None:
    """Return the MGRS tile (52TEN) or WRS-2 path and row (115030) that an item names, in a field or in its own name."""
    said = item.properties
    path, row = said.get("landsat:wrs_path"), said.get("landsat:wrs_row")
    if path is not None and row is not None:
        return f"{str(path).zfill(3)}{str(row).zfill(3)}"
    for prefix in ("mgrs", "sentinel"):
        parts = [said.get(f"{prefix}:{part}") for part in ("utm_zone", "latitude_band", "grid_square")]
        if all(parts):
            return "".join(str(part) for part in parts).zfill(5).upper()
    for text in (said.get("grid:code"), said.get("s2:mgrs_tile"), item.id, said.get("s2:product_uri")):
        found = _MGRS.search(str(text or "").upper()) or _WRS2.search(str(text or "").upper())
        if found is not None:
            return found[1].zfill(5)
    return None


def processed(item: pystac.Item) -> datetime | None:
    """Return when the product was made, in UTC: as its item, its own name, or the date of its item says."""
    said = item.properties
    named = _named(item, _PRODUCED)
    texts = [said.get(name) for name in _PROCESSED]
    texts += [named and (named[1] or named[2]), *(said.get(name) for name in _ITEM_MADE)]
    return next((time for text in texts if (time := _time(text)) is not None), None)


def _named(item: pystac.Item, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """What a product's own name says."""
    names = (str(item.properties.get("s2:product_uri") or ""), item.id)
    return next((found for name in names if (found := pattern.search(name)) is not None), None)


def _time(text: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None


def baseline(item: pystac.Item) -> tuple[int, ...] | None:
    """Return Sentinel-2's processing baseline: (5, 9) for 05.09."""
    said, named = item.properties, _named(item, _BASELINE)
    text = said.get("s2:processing_baseline") or (f"{named[1]}.{named[2]}" if named else said.get("processing:version"))
    parts = str(text or "").split(".")
    return tuple(int(p) for p in parts[:2]) if text and all(p.isdecimal() for p in parts) else None


def size(asset: pystac.Asset) -> int | None:
    """Return the bytes of an asset's whole file (`file:size`)."""
    said = asset.extra_fields.get("file:size")
    return said if isinstance(said, int) and not isinstance(said, bool) and said > 0 else None


def checksum(asset: pystac.Asset) -> str | None:
    """Return the multihash of an asset's whole file (`file:checksum`, of old `checksum:multihash`)."""
    said = str(asset.extra_fields.get("file:checksum") or asset.extra_fields.get("checksum:multihash") or "").lower()
    return said if re.fullmatch(r"(?:[0-9a-f]{2}){3,}", said) else None


def grid(item: pystac.Item, asset: pystac.Asset) -> GeoBox | None:
    """Return the grid that an item states for an asset; None where it states none, or half of one."""
    from affine import Affine
    from odc.geo.geobox import GeoBox

    fields = item.properties | asset.extra_fields
    shape, crs = fields.get("proj:shape"), _crs_of(fields)
    transform = fields.get("proj:transform")
    transform = transform[:6] if _are_numbers(transform, 9) else transform
    if crs is None or not _are_numbers(shape, 2) or not _are_numbers(transform, 6):
        return None
    affine = Affine(*(float(value) for value in transform))
    rows, columns = (int(length) for length in shape)
    return GeoBox((rows, columns), affine, crs) if rows > 0 < columns and affine.determinant != 0 else None


def _are_numbers(values: Any, count: int) -> TypeGuard[list[float]]:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(v, int | float) and math.isfinite(v) for v in values)
    )


def _crs_of(fields: Mapping[str, Any]) -> CRS | None:
    epsg = fields.get("proj:epsg")
    said = fields.get("proj:code") or (f"EPSG:{epsg}" if epsg else None) or fields.get("proj:wkt2")
    return _crs(said) if isinstance(said, str) else None


@lru_cache(maxsize=256)
def _crs(said: str) -> CRS | None:
    from odc.geo.crs import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS(said)
    except (CRSError, ValueError):
        return None
