"""The STAC catalogue of a run's own rasters, so that any GIS or loader can find them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from odc.geo.geobox import GeoBox

from habitat.seasons import Season
from habitat.store.rasters import open_raster
from habitat.store.tables import write_json

_PROJECTION = "https://stac-extensions.github.io/projection/v1.1.0/schema.json"


def write_run_catalogue(
    folder: Path, rasters: Iterable[Path], *, title: str, seasons: Iterable[Season], years: tuple[int, ...]
) -> list[Path]:
    """Write an item beside each raster and `catalog.json` over them; return all that was written."""
    windows = {season.name: season for season in seasons}
    written = [_write_item(folder, raster, windows, years) for raster in sorted(rasters)]
    catalogue = folder / "catalog.json"
    links = [{"rel": "root", "href": "./catalog.json", "type": "application/json"}]
    links += [
        {"rel": "item", "href": f"./{item.relative_to(folder).as_posix()}", "type": "application/geo+json"}
        for item in written
    ]
    write_json(
        catalogue,
        {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": _slug(title),
            "description": f"Layers of {title}",
            "links": links,
        },
    )
    return [*written, catalogue]


def _write_item(folder: Path, raster: Path, windows: dict[str, Season], years: tuple[int, ...]) -> Path:
    with open_raster(raster) as file:
        grid = GeoBox.from_rio(file)
        bands = list(file.descriptions)
    outline = grid.geographic_extent
    start, end = _period(raster.stem, windows, years)
    up = "../" * (len(raster.relative_to(folder).parts) - 1) or "./"
    links: list[dict[str, str]] = [
        {"rel": rel, "href": f"{up}catalog.json", "type": "application/json"} for rel in ("root", "parent")
    ]
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [_PROJECTION],
        "id": raster.relative_to(folder).with_suffix("").as_posix().replace("/", "-"),
        "geometry": outline.json,
        "bbox": list(outline.boundingbox.bbox),
        "properties": {
            "datetime": None,
            "start_datetime": start,
            "end_datetime": end,
            "proj:epsg": grid.crs.epsg if grid.crs is not None else None,
            "proj:shape": list(grid.shape),
            "proj:transform": list(grid.transform[:6]),
        },
        "links": links,
        "assets": {
            "data": {
                "href": f"./{raster.name}",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "eo:bands": [{"name": name} for name in bands if name],
            }
        },
    }
    path = raster.with_suffix(".json")
    write_json(path, item)
    return path


def _period(stem: str, windows: dict[str, Season], years: tuple[int, ...]) -> tuple[str, str]:
    """First and last moment that a raster is about, from its year and season if its name has them."""
    match = re.match(r"(\d{4})(?:_(\w+))?$", stem.removesuffix("_sensors").removesuffix("_harmonics"))
    mapping = next(iter(windows.values()))
    if match:
        season = windows.get(match[2] or "", mapping)
        first, last = season.window(int(match[1]))
    else:
        first, last = mapping.window(years[0])[0], mapping.window(years[-1])[1]
    moments = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (first, last))
    begin, end = (m.strftime("%Y-%m-%dT%H:%M:%SZ") for m in moments)
    return begin, end.replace("T00:00:00", "T23:59:59")


def _slug(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text).strip("-").lower() or "run"
