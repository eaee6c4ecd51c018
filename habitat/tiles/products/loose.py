"""Loose GeoTIFFs that have a STAC item beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from habitat.errors import CatalogueError, HabitatError
from habitat.store import open_raster
from habitat.tiles.catalogue import read_items
from habitat.tiles.items import scene_from_item
from habitat.tiles.scenes import Asset, Scene

MAX_DOCUMENT = 2**26
"""Bytes of a JSON file that may hold items."""


def read_loose(path: Path, folder: Path) -> Iterator[tuple[str, Scene | HabitatError]]:
    """Yield the scenes of a STAC item or item collection, by their names; of other JSON files, none.

    A scene's files must lie below `folder`: where its item says, or beside it under the name that its address ends in.
    A scene that cannot be had is told by its error.
    """
    if not _holds_items(path):
        return
    try:
        items = list(read_items(path))
    except CatalogueError as error:
        yield path.stem, error
        return
    for item in items:
        try:
            scene = scene_from_item(item)
            if scene is not None:
                yield item.id, _with_files(scene, path, folder)
        except HabitatError as error:
            yield item.id, error


def _holds_items(path: Path) -> bool:
    """Whether a JSON file is of STAC; some other file is no product, and no fault either."""
    try:
        if path.stat().st_size > MAX_DOCUMENT:
            return False
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(data, dict):
        return False
    things = data.get("features") if data.get("type") == "FeatureCollection" else [data]
    first = things[0] if isinstance(things, list) and things else None
    return isinstance(first, dict) and first.get("type") == "Feature" and isinstance(first.get("assets"), dict)


def _with_files(scene: Scene, path: Path, folder: Path) -> Scene:
    assets = {name: _found(asset, path, folder) for name, asset in scene.assets.items()}
    for band in ("red", "nir08"):
        if assets.get(band) is None:
            raise CatalogueError(
                f"has no file of its {band} band in the folder", where=path, mend="put the files beside their item"
            )
    bands = {name: asset for name in scene.bands if (asset := assets[name]) is not None}
    return replace(scene, bands=bands, quality=assets.get("quality"))


def _found(asset: Asset, path: Path, folder: Path) -> Asset | None:
    """The asset with the grid of its file, if that is there and lies in the folder."""
    from odc.geo.geobox import GeoBox

    place = path.parent / asset.href
    if not (asset.is_here and place.is_file() and place.resolve().is_relative_to(folder.resolve())):
        return None
    with open_raster(place) as file:
        return replace(asset, href=str(place), grid=GeoBox.from_rio(file))
