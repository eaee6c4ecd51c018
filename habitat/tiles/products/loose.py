"""Loose GeoTIFFs that have a STAC item beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from odc.geo.geobox import GeoBox

from habitat.errors import CatalogueError, HabitatError, ReadError
from habitat.tiles.catalogue import read_items
from habitat.tiles.items import scene_from_item
from habitat.tiles.products.decoding import check_whole, is_placed, open_quietly
from habitat.tiles.scenes import Asset, Scene

MAX_DOCUMENT = 2**26
"""Bytes of a JSON file that may hold items."""


@dataclass(frozen=True)
class Loose:
    """What one item comes to."""

    name: str
    scene: Scene | HabitatError
    """The scene, or why it cannot be had."""
    said: tuple[str, ...] = ()
    """What is worth knowing of it."""


def read_loose(path: Path, folder: Path) -> Iterator[Loose]:
    """Yield what the items of a STAC item or item collection come to; of other JSON files, nothing.

    A scene's files must lie below `folder`: where its item says, or beside it under the name that its address ends in.
    """
    if not _holds_items(path):
        return
    try:
        items = list(read_items(path))
    except CatalogueError as error:
        yield Loose(path.stem, error)
        return
    for item in items:
        try:
            scene = scene_from_item(item)
            if scene is not None:
                yield _with_files(scene, path, folder)
        except HabitatError as error:
            yield Loose(item.id, error)


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


def _with_files(scene: Scene, path: Path, folder: Path) -> Loose:
    found = {name: asset for name, stated in scene.assets.items() if (asset := _found(stated, path, folder))}
    for band in ("red", "nir08"):
        if band not in found:
            raise CatalogueError(
                f"has no file of its {band} band in the folder", where=path, mend="put the files beside their item"
            )
    bands = {name: found[name] for name in scene.bands if name in found}
    said = _disagreement(scene.id, scene.bands["red"].grid, found["red"].grid)
    whole = replace(scene, bands=bands, quality=found.get("quality"), saturation=found.get("saturation"))
    return Loose(scene.id, whole, said)


def _found(asset: Asset, path: Path, folder: Path) -> Asset | None:
    """The asset with the grid of its file, if that is there and lies in the folder."""
    place = path.parent.resolve() / asset.href
    if not (asset.is_here and place.is_file() and place.resolve().is_relative_to(folder.resolve())):
        return None
    with open_quietly(place) as file:
        if not is_placed(file):
            raise ReadError("carries no reference system", where=place, mend="georeference it")
        if place.suffix.lower() != ".jp2":
            check_whole(file, place)
        return replace(asset, href=str(place), grid=GeoBox.from_rio(file))


def _disagreement(name: str, stated: GeoBox | None, own: GeoBox | None) -> tuple[str, ...]:
    if stated is None or own is None or stated.shape == own.shape:
        return ()
    sizes = [f"{grid.shape[0]} x {grid.shape[1]} pixels of {grid.transform.a:g} m" for grid in (own, stated)]
    return (f"{name}: its files are {sizes[0]} where its item says {sizes[1]}; the files are right",)
