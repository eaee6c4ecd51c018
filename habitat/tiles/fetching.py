"""Bring scenes from the web: only the area's window of each file, verified, and never twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from habitat.tiles.crew import Crew, Progress
from habitat.tiles.downloads import Download
from habitat.tiles.scenes import QUALITY_ASSETS

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from habitat.tiles.remote import Remote
    from habitat.tiles.scenes import Asset, Scene


@dataclass(frozen=True)
class Missing:
    """A scene that could not be had."""

    scene: str
    asset: str
    """The first of its files that failed."""
    reason: str


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought."""

    scenes: tuple[Scene, ...]
    """Their assets are files of this machine; nothing else of them has changed."""
    missing: tuple[Missing, ...]
    """Scenes that could not be had, each left out as a whole."""
    outside: Mapping[str, str]
    """Identifier of each scene that does not touch the area, and the reason."""
    bytes_read: int
    """From the web, this time."""


def fetch_scenes(  # noqa: PLR0913 - what a user decides, each by its name
    scenes: Sequence[Scene],
    grid: GeoBox,
    folder: Path,
    *,
    bands: Sequence[str],
    remote: Remote,
    workers: int = 8,
    on_missing: Literal["error", "report"] = "error",
    progress: Progress | None = None,
) -> Fetched:
    """Bring the window of each scene's files that `grid` needs; what is here already is not asked for.

    Files keep their digital numbers, their own grid, type and nodata; they lie in
    `folder/COLLECTION/SCENE/ASSET.tif`. A fetch that was killed goes on where it was.

    Parameters
    ----------
    scenes : sequence of Scene
        Files that are here already are passed on as they are.
    grid : GeoBox
        The area; 120 m around it are brought too.
    folder : Path
        Where files are kept.
    bands : sequence of str
        Which bands, besides quality.
    remote : Remote
        How files are asked for.
    workers : int
        Requests at a time.
    on_missing : "error" or "report"
        What happens if a file cannot be had after all: an error, or its scene is left out and named.
    progress : callable (stage, done, in all), optional
        Of "headers" told in files, then of "fetch" in bytes.

    Raises
    ------
    FetchError
        If a file cannot be had and `on_missing` is "error"; what had come by then stays.
    StoreError
        If the disk would not hold, or does not take, what is needed.
    """
    jobs: dict[tuple[int, str], Download] = {}
    for number, scene in enumerate(scenes):
        home = folder / _name(scene.collection or "scenes") / _name(scene.id)
        for name, asset in _needed(scene, bands).items():
            if not asset.is_here:
                jobs[number, name] = Download(remote, asset, home / f"{_name(name)}.tif", grid)
    crew = Crew(remote, folder, workers=workers, strict=on_missing == "error", progress=progress)
    lost = crew.fetch({key: (job, f"{scenes[key[0]].id} {key[1]}") for key, job in jobs.items()})
    kept: list[Scene] = []
    outside: dict[str, str] = {}
    for number, scene in enumerate(scenes):
        own = {name: jobs[number, name] for name in _needed(scene, bands) if (number, name) in jobs}
        if number in lost:
            continue
        away = [name for name, job in own.items() if job.is_outside]
        if away:
            outside[scene.id] = f"{', '.join(away)} {'does' if len(away) == 1 else 'do'} not touch the area"
            continue
        kept.append(_local(scene, {name: job.local() for name, job in own.items()}, bands))
    missing = tuple(Missing(scenes[number].id, name, reason) for number, (name, reason) in sorted(lost.items()))
    return Fetched(tuple(kept), missing, outside, sum(job.bytes_read for job in jobs.values()))


def fetch_layer(
    parts: Sequence[tuple[str, Asset]],
    grid: GeoBox,
    folder: Path,
    *,
    remote: Remote,
    progress: Progress | None = None,
) -> list[Path]:
    """Bring the window that `grid` needs of each file of a layer that does not change; return those that touch it.

    Parameters
    ----------
    parts : sequence of (identifier, Asset)
    grid, folder, remote, progress
        As of :func:`fetch_scenes`; the files are `folder/IDENTIFIER.tif`.

    Raises
    ------
    FetchError
        If one cannot be had.
    StoreError
        If the disk would not hold, or does not take, what is needed.
    """
    jobs = {
        (number, ""): Download(remote, asset, folder / f"{_name(name)}.tif", grid)
        for number, (name, asset) in enumerate(parts)
        if not asset.is_here
    }
    crew = Crew(remote, folder, workers=8, strict=True, progress=progress)
    crew.fetch({key: (job, parts[key[0]][0]) for key, job in jobs.items()})
    files = []
    for number, (_, asset) in enumerate(parts):
        if asset.is_here:
            files.append(Path(asset.href))
        elif jobs[number, ""].is_here:
            files.append(jobs[number, ""].path)
    return files


def _needed(scene: Scene, bands: Sequence[str]) -> dict[str, Asset]:
    return {name: asset for name, asset in scene.assets.items() if name in bands or name in QUALITY_ASSETS}


def _local(scene: Scene, found: Mapping[str, Asset], bands: Sequence[str]) -> Scene:
    """A scene whose assets are here; bands that nobody asked for are left out, for they may still be elsewhere."""
    here = {name: found.get(name, asset) for name, asset in _needed(scene, bands).items()}
    return replace(
        scene,
        bands={name: asset for name, asset in here.items() if name in scene.bands},
        quality=here.get("quality"),
        saturation=here.get("saturation"),
    )


def _name(text: str) -> str:
    """What a folder may be called after a name from the web: never a way out, and never another name's folder."""
    safe = re.sub(r"[^\w.-]", "_", text, flags=re.ASCII).lstrip(".")[:100]
    if safe == text:
        return safe
    return f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
