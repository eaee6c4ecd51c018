"""A few pixels of Sentinel-2 and Landsat as their archives keep them: GeoTIFFs, STAC items, a catalogue.

Digital numbers are given as such; a scalar fills a band. Everything lies in the border forest's UTM zone unless a
test says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from odc.geo.geobox import GeoBox

from habitat.grids import grid_over

CRS = "EPSG:32652"
AREA_M = (500_000, 4_800_000, 500_060, 4_800_060)
GRID = grid_over(AREA_M, CRS, 20)
"""The run's grid in most tests: 3 x 3 pixels of 20 m."""
FINE = grid_over(AREA_M, CRS, 10)
"""Sentinel-2's 10 m bands: 6 x 6."""
LANDSAT = grid_over((499_995, 4_799_985, 500_085, 4_800_075), CRS, 30, anchor=(15, 15))
"""3 x 3 pixels of 30 m that cover GRID; edges at 15 m modulo 30."""
AREA = shapely.box(*GRID.geographic_extent.boundingbox.buffered(-0.0001, -0.0001))
"""Inside GRID, in degrees."""

BANDS = ("blue", "green", "red", "nir08", "swir16", "swir22")


@dataclass(frozen=True)
class Layer:
    """One asset: its pixels, where they lie, and what its item says of it."""

    values: Any
    """A scalar or a (y, x) array of digital numbers."""
    grid: GeoBox = GRID
    said: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the item's asset."""
    nodata: float | None = None
    """As the file states it."""
    dtype: str = "uint16"

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.broadcast_to(np.asarray(self.values, dtype=self.dtype), self.grid.shape)
        profile = {
            "driver": "GTiff",
            "count": 1,
            "dtype": self.dtype,
            "height": self.grid.shape.y,
            "width": self.grid.shape.x,
            "crs": str(self.grid.crs),
            "transform": self.grid.transform,
            "nodata": self.nodata,
        }
        with rasterio.open(path, "w", **profile) as file:
            file.write(values, 1)
        return path


def layer(values: Any, default: Layer) -> Layer:
    return values if isinstance(values, Layer) else Layer(values, default.grid, default.said, default.nodata)


class Archive:
    """A folder that scenes are put into, and a catalogue over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items: list[dict[str, Any]] = []

    def add(
        self, name: str, when: str, layers: Mapping[str, Layer], properties: Mapping[str, Any], **changed: Any
    ) -> dict[str, Any]:
        """Write a scene's files and its item; `changed` replaces parts of the item."""
        footprint = next(iter(layers.values())).grid.geographic_extent
        item = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "stac_extensions": [],
            "id": name,
            "geometry": footprint.json,
            "bbox": list(footprint.boundingbox),
            "properties": {"datetime": f"{when}T02:20:00Z" if len(when) == 10 else when, **properties},
            "assets": {key: {"href": f"./{key}.tif", **one.said} for key, one in layers.items()},
            "links": [],
        } | changed
        for key, one in layers.items():
            one.write(self.folder / name / f"{key}.tif")
        (self.folder / name / "item.json").write_text(json.dumps(item))
        self.items.append(item)
        return item

    def sentinel2(
        self,
        name: str = "S2A_52TFN_20200701_0_L2A",
        when: str = "2020-07-01",
        *,
        grid: GeoBox = GRID,
        scl: Any = 4,
        properties: Mapping[str, Any] | None = None,
        changed: Mapping[str, Any] | None = None,
        **bands: Any,
    ) -> dict[str, Any]:
        """Add a Sentinel-2 scene; bands that are not named hold 1000, one that is None is left out."""
        numbers = dict.fromkeys(BANDS, 1000) | bands
        layers = {key: layer(one, Layer(0, grid)) for key, one in numbers.items() if one is not None}
        if scl is not None:
            layers["scl"] = layer(scl, Layer(0, grid))
        said = {"platform": "sentinel-2a", "eo:cloud_cover": 10, **(properties or {})}
        return self.add(name, when, layers, said, **(changed or {}))

    def landsat(
        self,
        name: str = "LC08_L2SP_115030_20200701_02_T1",
        when: str = "2020-07-01",
        *,
        grid: GeoBox = LANDSAT,
        qa_pixel: Any = 1 << 6,
        qa_radsat: Any = None,
        properties: Mapping[str, Any] | None = None,
        changed: Mapping[str, Any] | None = None,
        **bands: Any,
    ) -> dict[str, Any]:
        """Add a Landsat scene; bands that are not named hold 10000 (reflectance 0.075)."""
        numbers = dict.fromkeys(BANDS, 10_000) | bands
        layers = {key: layer(one, Layer(0, grid)) for key, one in numbers.items() if one is not None}
        if qa_pixel is not None:
            layers["qa_pixel"] = layer(qa_pixel, Layer(0, grid))
        if qa_radsat is not None:
            layers["qa_radsat"] = layer(qa_radsat, Layer(0, grid))
        said = {"platform": "landsat-8", "eo:cloud_cover": 10, **(properties or {})}
        return self.add(name, when, layers, said, **(changed or {}))

    def catalogue(self, *, name: str = "catalog.json", **changed: Any) -> Path:
        """Write a catalogue that links to all items."""
        links = [{"rel": "item", "href": f"./{item['id']}/item.json"} for item in self.items]
        document = {"type": "Catalog", "stac_version": "1.0.0", "id": "archive", "description": "a", "links": links}
        path = self.folder / name
        path.write_text(json.dumps(document | changed))
        return path

    def file(self, item: Mapping[str, Any], asset: str) -> Path:
        """Where an asset's pixels lie."""
        return self.folder / str(item["id"]) / f"{asset}.tif"
