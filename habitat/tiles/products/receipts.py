"""What an archive gave the last time: one that has not changed is not opened again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from habitat.errors import HabitatError
from habitat.store import write_json
from habitat.tiles.catalogue import read_items
from habitat.tiles.items import scene_from_item, write_items
from habitat.tiles.scenes import Scene

VERSION = 2
"""Of what is made of a product: a change of method makes it anew."""


def keep_scene(home: Path, source: Path, scene: Scene) -> None:
    """Note in a product's cache folder which scene came from the archive `source`."""
    write_items(home / "scene.json", [scene])
    files = {name: Path(asset.href).stat().st_size for name, asset in scene.assets.items()}
    write_json(home / "source.json", {"version": VERSION, "source": _identity(source), "files": files})


def kept_scene(home: Path, source: Path) -> Scene | None:
    """Return the noted scene, if neither the archive nor what was made of it has changed."""
    try:
        noted = json.loads((home / "source.json").read_bytes())
        if noted["version"] != VERSION or noted["source"] != _identity(source):
            return None
        scene = scene_from_item(next(read_items(home / "scene.json")))
        if scene is None or scene.assets.keys() != noted["files"].keys():
            return None
        sizes = {name: Path(asset.href).stat().st_size for name, asset in scene.assets.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration, HabitatError):
        return None  # not noted, or damaged since: the archive is opened again
    return scene if sizes == noted["files"] else None


def _identity(source: Path) -> dict[str, Any]:
    found = source.stat()
    return {"name": source.name, "bytes": found.st_size, "modified_ns": found.st_mtime_ns}
