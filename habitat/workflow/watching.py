"""`habitat watch`: scenes that came since the last time are taken into each pixel's state, and alerts are raised.

Looks are judged one by one, so what a run learns of all its scenes together is left out: see :data:`ALONE`.
"""

from __future__ import annotations

import shutil
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date
from functools import partial
from typing import Any

import numpy as np

from habitat.change import Taken, missing_bands
from habitat.change.breaks import EPOCH
from habitat.errors import RecipeError
from habitat.grids import blocks
from habitat.recipe import LAST_YEAR, Recipe
from habitat.store import digest
from habitat.tiles import Scene, common_bands
from habitat.tiles.overlaps import passes_of
from habitat.workflow.alarms import write_alarms
from habitat.workflow.context import Context, Progress, no_progress
from habitat.workflow.downloads import FETCH_WORKERS, fetch_scenes_of
from habitat.workflow.heights import heights_of
from habitat.workflow.looks import Looks
from habitat.workflow.stages import open_run
from habitat.workflow.states import WatchJob, call, read_state

STATES = "alerts"
"""Folder of the states, in the run's."""
BEFORE = "alerts.before"
"""Where the states wait while new ones are made; they come back if that fails."""
BLOCK = 128
"""Pixels: a state takes two kilobytes a pixel in memory, one and a half on disk."""
ALONE = {
    "mask": {"history": "product"},
    "view": {"learned": "nadir"},
    "relief": {"level": "shade"},
    "sharpness": {"common": "own"},
}
"""What needs scenes of other days or sensors, by key of [scenes], and what stands for it; `align` is left out."""


@dataclass(frozen=True)
class Watched:
    """What a call of :func:`watch_recipe` did."""

    taken: tuple[str, ...]
    """Passes that came since the last time, or came anew, by day; empty: nothing new."""
    looks: int
    """That the states hold now."""
    provisional_ha: float
    confirmed_ha: float
    alerts: int
    """Patches in `change/alerts.parquet`."""
    warnings: tuple[str, ...]


@dataclass(kw_only=True)
class WatchContext(Context):
    """A run whose scenes do not end with the recipe's years."""

    @property
    def windows(self) -> list[tuple[date, date]]:
        """From the first year on."""
        return [(date(self.years[0], 1, 1), date(LAST_YEAR, 12, 31))]

    downloads_name: str = "watch-"
    """A run's own list of what was fetched stays as it is."""


def watch_recipe(
    recipe: Recipe,
    *,
    executor: Executor | None = None,
    workers: int = 2,
    anew: bool = False,
    progress: Progress = no_progress,
) -> Watched:
    """Take in the scenes that came since the last time, and write the alerts.

    Parameters
    ----------
    recipe : Recipe
        Its run's latest maps say where forest is; without them alerts are raised everywhere.
    anew : bool
        Forget what was taken in, and begin with the archive.

    Raises
    ------
    RecipeError
        If a band is missing.
    StoreError
        If the states are of another grid or other settings, or older scenes are needed that are not there.
    """
    run = open_run(recipe)
    own = nullcontext(executor) if executor is not None else ThreadPoolExecutor(workers)
    with run.locked(), own as pool:
        assert pool is not None
        context = WatchContext(recipe=recipe, run=run, executor=pool, progress=progress)
        if context.provider is not None or not all(scene.is_here for scene in context.offered.scenes):
            fetch_scenes_of(context, workers=FETCH_WORKERS)
            context = WatchContext(recipe=recipe, run=run, executor=pool, progress=progress)
        return _watch(context, anew)


def _watch(context: WatchContext, anew: bool) -> Watched:
    looks = _looks(context)
    settings = _settings(context, looks)
    context.run.save()  # the folder is this recipe's from here on
    folder = context.run.path(STATES)
    before = context.run.path(BEFORE)
    if anew and folder.is_dir() and not before.exists():
        folder.replace(before)  # what cannot be made anew is not lost
    elif before.exists() and not anew:  # the last attempt to begin anew came to nothing
        shutil.rmtree(folder, ignore_errors=True)
        before.replace(folder)
    elif anew:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    todo = [block for block in blocks(context.grid, BLOCK) if context.inside(block).any()]
    passes = _passes(context)
    jobs = [WatchJob(folder, block, passes, looks, context.grid, context.outline, settings) for block in todo]
    new: set[Taken] = set()
    for done, taken in enumerate(context.executor.map(call, jobs), 1):
        context.progress("watch", done, len(jobs))
        new.update(taken)
    shutil.rmtree(before, ignore_errors=True)
    states = [(job.block, partial(read_state, job.file, settings)) for job in jobs]
    alarms = write_alarms(context, states, settings=settings)
    return Watched(taken=tuple(scene.scene for scene in sorted(new)), warnings=tuple(context.warnings), **alarms)


def _looks(context: WatchContext) -> Looks:
    """How looks are read, each by itself."""
    bands = common_bands(context.scenes)
    if missing := missing_bands(bands):
        raise RecipeError(
            f"alerts need a band that not every sensor has: {missing[0]}",
            where="[scenes] collections",
            mend="name collections that have the band",
        )
    settings = context.recipe.scenes
    alone: dict[str, Any] = {}
    for key, instead in ALONE.items():
        if (asked := getattr(settings, key)) in instead:
            alone[key] = instead[asked]
    if settings.align:
        alone["align"] = False
    if alone:
        said = ", ".join(f"{key} = {str(value).lower()!r}" for key, value in alone.items())
        context.warnings.append(f"alerts judge each look by itself: {said} here")
    sensors = tuple(sorted({scene.sensor.name for scene in context.scenes}))
    return Looks(bands, settings.model_copy(update=alone), heights_of(context), sensors)


def _settings(context: WatchContext, looks: Looks) -> str:
    """Digest of what looks are made by: another one makes other looks of the same scenes."""
    said = looks.settings.model_dump(mode="json")
    pixels = {key: said[key] for key in ("mask", "reject", "margin_m", "bands", "view", "relief", "sharpness")}
    grid = context.grid
    heights = [context.run.digests.digest_of(file) for file in looks.heights]
    place = [str(grid.crs), list(grid.shape), list(grid.transform[:6]), context.area.wkb_hex]
    return digest([pixels, list(looks.bands), heights, *place])


def _passes(context: WatchContext) -> dict[Taken, tuple[Scene, ...]]:
    """The passes that are here, with what tells one from the same one processed anew."""
    digests = context.scene_digests()
    found = {}
    for group in passes_of(context.settled.scenes):
        first = min(scene.time for scene in group)
        day = (np.datetime64(first.astimezone(UTC).replace(tzinfo=None), "ns") - EPOCH) / np.timedelta64(1, "D")
        name = f"{group[0].platform or group[0].sensor.name} {first:%Y-%m-%dT%H:%MZ}"
        files = [[scene.id, digests[scene.id], [asset.offset for asset in scene.bands.values()]] for scene in group]
        found[Taken(float(day), name, digest(sorted(files)))] = tuple(group)
    return found
