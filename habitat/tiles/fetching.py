"""Bring scenes from the web: only the area's window of each file, verified, and never twice."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from habitat.errors import FetchError, HabitatError, ReadError, StoreError
from habitat.tiles.answers import ChangedError
from habitat.tiles.downloads import Download
from habitat.tiles.guard import shown

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from habitat.tiles.remote import Remote
    from habitat.tiles.scenes import Asset, Scene

Progress = Callable[[str, int, int], None]
"""Told of a stage, how much of it is done and how much there is."""

_SPARE = 2**26
"""Bytes of disk that are left free."""


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
    crew = _Crew(folder, workers=workers, strict=on_missing == "error", progress=progress)
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
    crew = _Crew(folder, workers=8, strict=True, progress=progress)
    crew.fetch({key: (job, parts[key[0]][0]) for key, job in jobs.items()})
    files = []
    for number, (_, asset) in enumerate(parts):
        if asset.is_here:
            files.append(Path(asset.href))
        elif jobs[number, ""].is_here:
            files.append(jobs[number, ""].path)
    return files


Key = tuple[int, str]
"""Number of a scene and name of its file."""
Jobs = Mapping[Key, tuple[Download, str]]
Step = Callable[[], None]


class _Crew:
    """Threads that work on many downloads; the first one to fail takes the rest of its scene with it, or of all."""

    def __init__(self, folder: Path, *, workers: int, strict: bool, progress: Progress | None) -> None:
        self._folder, self._workers, self._strict, self._progress = folder, workers, strict, progress
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._lost: dict[int, tuple[str, FetchError]] = {}
        self._done = self._total = 0

    def fetch(self, jobs: Jobs) -> dict[int, tuple[str, str]]:
        """Do all of `jobs`, each with what it is called; return what failed: by number, its name and the reason."""
        with ThreadPoolExecutor(self._workers, "fetch") as pool:
            self._total = len(jobs)

            def look(job: Download) -> None:
                job.look()
                self._tell(1, "headers")

            self._all(pool, [(key, partial(look, job)) for key, (job, _) in jobs.items()], jobs)
            wanted = {
                key: job
                for key, (job, _) in jobs.items()
                if key[0] not in self._lost and not (job.is_here or job.is_outside)
            }
            self._done, self._total = 0, sum(job.weight for job in wanted.values())
            self._refuse_full(list(wanted.values()))
            self._tell(0)
            left = {key: len(job.ranges) for key, job in wanted.items()}
            changed: set[Key] = set()

            def step(key: Key, job: Download, span: tuple[int, int] | None) -> None:
                try:
                    if span is not None:
                        job.take(*span)
                        self._tell(span[1] - span[0])
                    with self._lock:
                        left[key] -= 1
                        is_last = left[key] <= 0
                    if is_last:
                        job.finish()
                        self._tell(job.weight if span is None else 0)
                except ChangedError:
                    changed.add(key)

            steps = [(key, partial(step, key, job, span)) for key, job in wanted.items() for span in _spans(job)]
            self._all(pool, steps, jobs)
            self._all(pool, [(key, wanted[key].restart) for key in sorted(changed)], jobs)
        return {number: (name, error.what) for number, (name, error) in self._lost.items()}

    def _all(self, pool: ThreadPoolExecutor, steps: Sequence[tuple[Key, Step]], jobs: Jobs) -> None:
        futures = [pool.submit(self._one, key, *jobs[key], step) for key, step in steps]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:  # also an interrupt: what is in flight ends, nothing new begins
            self._stop.set()
            for future in futures:
                future.cancel()
            raise
        if self._strict and self._lost:
            raise self._lost[min(self._lost)][1]

    def _one(self, key: Key, job: Download, name: str, step: Step) -> None:
        if self._stop.is_set() or key[0] in self._lost:
            return
        problem: HabitatError
        try:
            step()
            return
        except (FetchError, ReadError) as error:
            problem = error
        where = f"{name} ({shown(job.asset.href)})"
        with self._lock:
            self._lost.setdefault(key[0], (key[1], FetchError(problem.what, where=where, mend=problem.mend)))
        if self._strict:
            self._stop.set()

    def _tell(self, done: int, stage: str = "fetch") -> None:
        with self._lock:
            self._done = min(self._done + done, self._total)
            if self._progress is not None and self._total:
                self._progress(stage, self._done, self._total)

    def _refuse_full(self, wanted: Sequence[Download]) -> None:
        """Refuse to begin what the disk will not hold."""
        if not wanted:
            return
        largest = sorted((job.scratch for job in wanted), reverse=True)[: self._workers]
        needed = sum(job.space for job in wanted) + sum(largest) + _SPARE
        there = next(each for each in (self._folder, *self._folder.absolute().parents) if each.exists())
        free = shutil.disk_usage(there).free
        if free < needed:
            raise StoreError(
                f"{_mega(needed)} are needed and {_mega(free)} are free",
                where=self._folder,
                mend="free some space, choose another folder, or ask for fewer years",
            )


def _spans(job: Download) -> list[tuple[int, int] | None]:
    """What is fetched step by step; one step without bytes where all that is left is to decode."""
    return [*job.ranges] if job.ranges else [None]


def _mega(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _needed(scene: Scene, bands: Sequence[str]) -> dict[str, Asset]:
    return {name: asset for name, asset in scene.assets.items() if name in bands or name == "quality"}


def _local(scene: Scene, found: Mapping[str, Asset], bands: Sequence[str]) -> Scene:
    """A scene whose assets are here; bands that nobody asked for are left out, for they may still be elsewhere."""
    here = {name: found.get(name, asset) for name, asset in _needed(scene, bands).items()}
    return replace(
        scene,
        bands={name: asset for name, asset in here.items() if name in scene.bands},
        quality=here.get("quality"),
    )


def _name(text: str) -> str:
    """What a folder may be called after a name from the web: never a way out, and never another name's folder."""
    safe = re.sub(r"[^\w.-]", "_", text, flags=re.ASCII).lstrip(".")[:100]
    if safe == text:
        return safe
    return f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
