"""Scenes from the web, brought here: what was asked for, what came, and what could not be had.

Pixels are only ever read from disk. What lies on the web is fetched first, the area's window of each file, and
kept in the recipe's `[scenes] folder` with a catalogue of its own: from then on no network is needed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from habitat.errors import CatalogueError
from habitat.recipe import Recipe
from habitat.store import digest, only_here, shown, write_json
from habitat.workflow.context import Plan, Progress, no_progress

if TYPE_CHECKING:
    from habitat.tiles import Scene, Selection

FETCH_WORKERS = 8
"""Requests at a time: catalogues ask for patience beyond some ten."""


@dataclass(frozen=True)
class Downloads:
    """What a fetch left in the folder of the downloads."""

    catalogue: Path
    scenes: int
    bytes_read: int
    """From the web, this time."""
    missing: tuple[dict[str, str], ...]
    """What could not be had: scene, asset and reason."""
    layers: tuple[str, ...]
    """Files of the layers that do not change, relative to the folder."""


def catalogue_of(plan: Plan) -> Path:
    """Where the STAC item collection of what was fetched lies."""
    return plan.downloads_folder / f"{plan.downloads_name}catalog.json"


def record_of(plan: Plan) -> Path:
    """Where it is written down what was asked for."""
    return plan.downloads_folder / f"{plan.downloads_name}fetched.json"


def fetch_recipe(recipe: Recipe, *, workers: int = FETCH_WORKERS, progress: Progress = no_progress) -> Downloads:
    """Find the scenes of a recipe on the web and bring what is not here yet: the area's window of each file.

    Parameters
    ----------
    recipe : Recipe
        Its `[scenes] source` is a catalogue on the web, or a file whose items name files there.
    workers : int
        Requests at a time.
    progress : callable (what, done, total), optional
        Told of bytes.

    Raises
    ------
    CatalogueError
        If the catalogue cannot be searched, no scene is left, or nothing of it lies on the web.
    FetchError
        If a file cannot be had after all and `[scenes] on_missing` is "error"; what came before stays.
    StoreError
        If the disk would not hold what is needed, or another habitat fetches into the folder.
    """
    plan = Plan(recipe, progress=progress)
    if plan.provider is None and all(scene.is_here for scene in plan.offered.scenes):
        raise CatalogueError(
            "names no file on the web: there is nothing to fetch",
            where=recipe.scenes.source,
            mend="run the recipe as it is",
        )
    return fetch_scenes_of(plan, workers=workers)


def fetch_scenes_of(plan: Plan, *, workers: int) -> Downloads:
    """Bring the scenes that `plan` was offered; see :func:`fetch_recipe`."""
    from habitat.tiles import fetch_scenes, write_items

    folder, settings, offered = plan.downloads_folder, plan.recipe.scenes, plan.offered
    with only_here(folder, key="[scenes] folder"):
        found = fetch_scenes(
            offered.scenes,
            plan.grid,
            folder,
            bands=plan.bands,
            remote=plan.remote,
            workers=workers,
            on_missing=settings.on_missing,
            progress=plan.progress,
        )
        if not found.scenes:
            raise CatalogueError("not one of its scenes could be had", where=settings.source, mend="try again later")
        missing = tuple({"scene": m.scene, "asset": m.asset, "reason": m.reason} for m in found.missing)
        layers = _fetch_layers(plan, folder)
        record_of(plan).unlink(missing_ok=True)  # it is about another catalogue from here on
        write_items(catalogue_of(plan), found.scenes)
        record = {
            "request": _request(plan),
            "missing": missing,
            "left_out": dict(offered.left_out) | dict(found.outside),
            "layers": layers,
        }
        write_json(record_of(plan), record)  # last: a folder with a record is whole
    return Downloads(catalogue_of(plan), len(found.scenes), found.bytes_read, missing, tuple(layers))


def _fetch_layers(plan: Plan, folder: Path) -> list[str]:
    """Bring the recipe's layers that do not change; return their files, relative to the folder."""
    from habitat.tiles import fetch_layer, search_layer
    from habitat.workflow.looks import SHADOWS_FROM_M

    files = []
    for name in plan.recipe.scenes.layers:
        assert plan.provider is not None  # or Plan.offered would have refused the layer
        found = search_layer(plan.provider, name, area=plan.area, remote=plan.remote)
        parts = [(PurePosixPath(urlsplit(asset.href).path).stem, asset) for asset in found]
        grid = plan.grid
        if name == "dem":  # ground beside the area throws shadows into it
            grid = grid.pad(int(SHADOWS_FROM_M / grid.transform.a))
        files += fetch_layer(parts, grid, folder / "layers" / name, remote=plan.remote, progress=plan.progress)
    return [file.relative_to(folder).as_posix() for file in files]


def read_record(plan: Plan) -> dict[str, Any] | None:
    """What the last fetch wrote down; None if it was asked for something else, or never ended."""
    try:
        record = json.loads(record_of(plan).read_text(encoding="utf-8"))
        return record if record["request"] == _request(plan) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_downloads(plan: Plan) -> Selection | None:
    """The scenes as they were fetched for this very recipe; None if they were not, or a file is gone."""
    from habitat.tiles import Selection, scene_from_item
    from habitat.tiles.catalogue import read_items

    record = read_record(plan)
    if record is None or not catalogue_of(plan).is_file():
        return None
    found = map(scene_from_item, read_items(catalogue_of(plan)))
    scenes = tuple(scene for scene in found if scene is not None)
    if not all(Path(asset.href).is_file() for scene in scenes for asset in scene.assets.values()):
        return None
    return Selection(scenes, record["left_out"], plan.provider)


def _request(plan: Plan) -> str:
    """Digest of everything that decides which scenes are found and which part of them is needed."""
    recipe = plan.recipe
    settings = recipe.resolved()["scenes"]
    asked = {key: settings.get(key) for key in ("source", "collections", "max_cloud_percent", "on_missing", "layers")}
    # a catalogue of this machine has been read by now: what it offers, not its root file, is what can have changed
    listed = [] if plan.provider else [_said_of(scene) for scene in plan.offered.scenes]
    section = recipe.area
    return digest([asked, listed, plan.area.wkb_hex, section.crs, section.resolution_m, plan.windows])


def _said_of(scene: Scene) -> list[Any]:
    """What a catalogue says of a scene, without what changes with each signature."""
    files = {
        name: (shown(asset.href), asset.size, asset.checksum, asset.scale, asset.offset, asset.nodata)
        for name, asset in scene.assets.items()
    }
    said = [scene.id, scene.sensor.name, scene.platform, scene.time.isoformat(), scene.claims, scene.angles]
    return [*said, files]
