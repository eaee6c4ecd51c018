"""Turn downloaded products into a catalogue of scenes that can be read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from habitat.cubes import BANDS
from habitat.errors import CatalogueError, HabitatError, StoreError
from habitat.store import digest_file, write_json
from habitat.tiles.items import write_items
from habitat.tiles.products.finding import find_products, without_copies
from habitat.tiles.products.loose import read_loose
from habitat.tiles.products.preparing import Plan, Progress, decode_plans, finish_product, plan_product
from habitat.tiles.products.receipts import keep_scene, kept_scene
from habitat.tiles.scenes import Scene
from habitat.tiles.strays import find_stray

_ELSEWHERE = "give the catalogue and the decoded bands another place (--out FILE, --cache FOLDER)"
_REMEMBERED = 100
"""Digests of catalogues that are noted."""


@dataclass(frozen=True)
class Index:
    """What a folder of products holds."""

    scenes: tuple[Scene, ...]
    """In the order of their times."""
    refused: Mapping[str, str]
    """Name of each product that cannot be used, and why."""
    notes: tuple[str, ...]
    """What else is worth knowing: copies left out, places that files and metadata tell differently."""
    catalogue: Path


def index_products(
    folder: Path,
    *,
    catalogue: Path | None = None,
    cache: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Index:
    """Write a catalogue of the Sentinel-2 L2A and Landsat Collection 2 L2 products below `folder`.

    JPEG 2000 and what lies in archives is decoded once into cloud-optimised GeoTIFFs; a GeoTIFF that says where it
    lies is used in place.

    Parameters
    ----------
    catalogue : Path, optional
        What is written: `catalog.json` in the folder.
    cache : Path, optional
        Where decoded bands are kept: `.habitat` beside the catalogue.
    executor : Executor, optional
        Decodes files side by side; without it they are decoded one after another.
    progress : callable of (stage, done, total), optional

    Raises
    ------
    CatalogueError
        If there is no product, or none can be used.
    StoreError
        If the catalogue or the cache cannot be written, the disk is full, or the catalogue is somebody else's.
    """
    if not folder.is_dir():
        raise CatalogueError("is no folder", where=folder, mend="name the folder that holds the products")
    catalogue = folder / "catalog.json" if catalogue is None else catalogue
    cache = catalogue.parent / ".habitat" if cache is None else cache
    _refuse_to_replace(catalogue, cache)
    places, documents = find_products(folder, but=(cache, catalogue))
    places, notes = without_copies(places)
    scenes: dict[str, Scene] = {}
    refused: dict[str, str] = {}
    plans: list[Plan] = []
    for found in places:
        home = cache / found.name.lstrip(".")
        known = kept_scene(home, found.path) if found.is_archive else None
        if known is not None:
            scenes[known.id] = known
            continue
        try:
            plans.append(plan_product(found, home))
        except HabitatError as error:
            refused[found.name] = str(error)
    refused |= decode_plans(plans, executor, progress or (lambda *_: None))
    for plan in plans:
        if plan.found.name not in refused:
            try:
                scene, said = finish_product(plan)
            except HabitatError as error:
                refused[plan.found.name] = str(error)
                continue
            scenes[scene.id] = scene
            notes += said
            if plan.found.is_archive:
                keep_scene(plan.home, plan.found.path, scene)
    notes += _add_loose(scenes, refused, documents, folder)
    refused |= _incomplete(scenes) | _astray(scenes)
    used = tuple(sorted((s for s in scenes.values() if s.id not in refused), key=lambda s: (s.time, s.id)))
    if not used:
        why = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise CatalogueError(
            f"holds no product that can be used{f' ({why})' if why else ''}",
            where=folder,
            mend="it should hold Sentinel-2 L2A .SAFE, Landsat Collection 2 L2, or GeoTIFFs with STAC items",
        )
    bare = [scene.id for scene in used if scene.quality is None]
    if bare:
        notes.append(f'{len(bare)} scenes have no quality band, such as {bare[0]}: mask them by "spectral" or "none"')
    _write(catalogue, cache, used)
    return Index(used, refused, tuple(notes), catalogue)


def _add_loose(scenes: dict[str, Scene], refused: dict[str, str], documents: Iterable[Path], folder: Path) -> list[str]:
    """Add the scenes of loose items; of two of one name, products win, then the one with more bands."""
    said: list[str] = []
    products = set(scenes) | set(refused)
    for document in documents:
        for loose in read_loose(document, folder):
            name, scene = loose.name, loose.scene
            if name in products:
                said.append(f"{name}: the item {document} is left out, a copy of the product")
            elif isinstance(scene, HabitatError):
                if name not in scenes:
                    refused[name] = str(scene)
            elif name not in scenes or len(scene.bands) > len(scenes[name].bands):
                scenes[name] = scene
                refused.pop(name, None)
                said += loose.said
    return said


def _incomplete(scenes: Mapping[str, Scene]) -> dict[str, str]:
    """Scenes that lack a band which most others of their sensor have: downloads that broke off."""
    lacking: dict[str, str] = {}
    for sensor in {scene.sensor.name for scene in scenes.values()}:
        kin = [scene for scene in scenes.values() if scene.sensor.name == sensor]
        for band in BANDS:
            without = [scene for scene in kin if band not in scene.bands]
            if len(without) * 2 < len(kin):
                reason = f"lacks the {band} band that most of the {sensor} scenes have; download it again"
                lacking |= {scene.id: reason for scene in without}
    return lacking


def _astray(scenes: Mapping[str, Scene]) -> dict[str, str]:
    """Scenes of which a file lies elsewhere than the others."""
    grids = {s.id: {name: a.grid for name, a in s.assets.items() if a.grid is not None} for s in scenes.values()}
    found = {name: stray for name, its in grids.items() if (stray := find_stray(its)) is not None}
    return {name: f"{words}; download it again" for name, (_, words) in found.items()}


def _refuse_to_replace(catalogue: Path, cache: Path) -> None:
    """Refuse to write over a catalogue that is not of our making."""
    if catalogue.exists() and (not catalogue.is_file() or digest_file(catalogue) not in _written(cache)):
        raise StoreError("is already there, and not of habitat's making", where=catalogue, mend=_ELSEWHERE)


def _written(cache: Path) -> list[str]:
    """Digests of the catalogues that were written over this cache."""
    try:
        noted = json.loads((cache / "catalogues.json").read_bytes())
    except (OSError, ValueError):
        return []
    return [str(digest) for digest in noted] if isinstance(noted, list) else []


def _write(catalogue: Path, cache: Path, scenes: tuple[Scene, ...]) -> None:
    """Write the catalogue, noting first that it is ours."""
    new = catalogue.with_name(f".{catalogue.name}.new")
    try:
        write_items(new, scenes)
        write_json(cache / "catalogues.json", [*_written(cache), digest_file(new)][-_REMEMBERED:])
        os.replace(new, catalogue)
    except OSError as error:
        what = error.what if isinstance(error, HabitatError) else f"cannot be written ({error.strerror})"
        raise StoreError(what, where=catalogue, mend=_ELSEWHERE) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
