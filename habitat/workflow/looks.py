"""What becomes of looks between the files and the composites, block by block; and what is learnt of them before.

Place, view, light, bands, clouds, shadows of hills: each step is a function of :mod:`habitat.imagery`, taken if the
recipe asks for it. What a single block cannot know (by how much a scene lies beside its place, how much of the light on
slopes comes straight from the sun) is learnt once from samples of the whole area.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.cubes import Quality
from habitat.errors import CatalogueError, RecipeError
from habitat.grids import Block, crop, rasterize
from habitat.imagery import (
    clear_looks,
    combine_shifts,
    estimate_shifts,
    fit_illumination,
    level_reflectance,
    nadir_reflectance,
    reject_bits,
    screen_looks,
    shade_looks,
    significant_shifts,
    slope_samples,
    spectral_quality,
    to_common_bands,
)
from habitat.recipe import ScenesSection
from habitat.tiles import Scene, height_files, read_heights, read_stack
from habitat.workflow.context import Context, Plan

SAMPLES, SAMPLE_SIDE = 3, 256
"""Samples along each side of the area, and pixels along each side of a sample."""
SHADOWS_FROM_M = 3000.0
"""How far away ground is looked for that may shade a pixel: 1,000 m of relief under a sun of 18 degrees."""
_UNLIT = "hls-"
"""Beginning of the names of sensors whose products are made for one view and sun: their scenes carry no angles."""


@dataclass(frozen=True)
class Looks:
    """How a recipe wants looks to be read, put right and masked; picklable, so that other machines can do it."""

    bands: tuple[str, ...]
    settings: ScenesSection
    heights: tuple[Path, ...] = ()
    """Files of heights, if relief counts."""
    illumination: xr.Dataset | None = None
    """Of :func:`~habitat.imagery.fit_illumination`, once it is known."""

    @property
    def needs_all_years(self) -> bool:
        """Whether a look is judged by those of other years."""
        return self.settings.mask == "history"

    @property
    def margin_m(self) -> float:
        """How far around a block pixels must be known: for clouds beside it, and for the slope at its rim."""
        return self.settings.margin_m or float(self.settings.relief != "own")

    def read(self, scenes: Sequence[Scene], grid: GeoBox) -> xr.Dataset:
        """Return a STACK over `grid`, NaN where a look is not clear; within `margin_m` of the rim it is not final."""
        settings = self.settings
        stack = read_stack(scenes, grid, self.bands, use_quality=settings.mask in ("product", "history"))
        if settings.view == "nadir":
            stack = nadir_reflectance(stack)
        height_m, beyond = self._heights(grid) if settings.relief != "own" else (np.empty((0, 0)), 0)
        if self.illumination is not None:
            inner = tuple(slice(beyond, size - beyond) for size in height_m.shape)
            level = level_reflectance(stack, height_m[inner], self.illumination)
            stack = level.assign(quality=stack["quality"])  # shadows of hills are found below
        if settings.bands == "common":
            stack = to_common_bands(stack)
        stack = self._clear(stack)
        if settings.relief != "own":
            unshaded = stack.assign(quality=stack["quality"] & Quality.FILL)
            stack = clear_looks(shade_looks(unshaded, height_m, beyond=beyond), reject=Quality.SHADOW, margin_m=0)
        return stack

    def _clear(self, stack: xr.Dataset) -> xr.Dataset:
        settings = self.settings
        reject = reject_bits(settings.reject)
        if settings.mask == "history":
            return clear_looks(
                screen_looks(stack, reject=reject, margin_m=settings.margin_m), reject=reject, margin_m=0
            )
        if settings.mask == "spectral":
            stack = spectral_quality(stack, corrected=True)
        return clear_looks(stack, reject=0 if settings.mask == "none" else reject, margin_m=settings.margin_m)

    def _heights(self, grid: GeoBox) -> tuple[np.ndarray, int]:
        """Heights of `grid` and of so many pixels beyond it."""
        beyond = int(np.ceil(SHADOWS_FROM_M / grid.transform.a))
        return read_heights(self.heights, grid.pad(beyond)), beyond


def prepare_looks(context: Context) -> tuple[Looks, tuple[Scene, ...], dict[str, Any]]:
    """Learn from samples of the area what its blocks cannot know.

    Returns
    -------
    looks, scenes, notes
        Scenes with their shifts; notes for run.json.

    Raises
    ------
    RecipeError
        If there are no heights where the recipe needs them.
    CatalogueError
        If nothing says where the sun stood over a scene, and the recipe needs it.
    """
    settings, scenes = context.recipe.scenes, context.settled.scenes
    heights = heights_of(context)
    if settings.relief != "own" or settings.view == "nadir":
        _refuse_unlit(scenes, settings)
    looks = Looks(context.bands, settings, heights)
    samples = _sample_grids(context)
    notes: dict[str, Any] = {}
    if settings.align:
        scenes, notes["shifts_m"] = _aligned(context, scenes, samples)
    if settings.relief == "level":
        unlevelled = replace(looks, settings=settings.model_copy(update={"relief": "shade"}))
        found = _each(context, "slopes", partial(_slopes, unlevelled), scenes, samples)
        looks = replace(looks, illumination=fit_illumination(found))
    return looks, scenes, notes


def _aligned(
    context: Context, scenes: tuple[Scene, ...], samples: list[GeoBox]
) -> tuple[tuple[Scene, ...], dict[str, tuple[float, float]]]:
    """Scenes with by how much each lies beside its place, and these shifts by scene, where there are any."""
    use_quality = context.recipe.scenes.mask in ("product", "history")
    parts = _each(context, "shifts", partial(_shifts, context.bands, use_quality), scenes, samples)
    shifts = significant_shifts(combine_shifts(parts), resolution_m=context.grid.transform.a)
    of_scene = {
        name: (east, north)
        for names, east, north in zip(*(shifts[c].tolist() for c in ("scene", "east_m", "north_m")), strict=True)
        for name in names.split(" ")
        if east or north
    }
    moved = tuple(replace(scene, shift_m=of_scene.get(scene.id, (0.0, 0.0))) for scene in scenes)
    return moved, {name: (round(east, 2), round(north, 2)) for name, (east, north) in sorted(of_scene.items())}


def _shifts(bands: tuple[str, ...], use_quality: bool, scenes: Sequence[Scene], grid: GeoBox) -> Any:
    return estimate_shifts(read_stack(scenes, grid, bands, use_quality=use_quality))


def _slopes(looks: Looks, scenes: Sequence[Scene], grid: GeoBox) -> xr.Dataset:
    return slope_samples(looks.read(scenes, grid), read_heights(looks.heights, grid))


def _each(
    context: Context, name: str, work: Callable[..., Any], scenes: Sequence[Scene], samples: list[GeoBox]
) -> list[Any]:
    """What `work` makes of each sample, in their order."""
    waiting = [context.executor.submit(work, scenes, sample) for sample in samples]
    found: list[Any] = []
    for future in waiting:
        context.progress(name, len(found), len(samples))
        found.append(future.result())
    context.progress(name, len(samples), len(samples))
    return found


def _sample_grids(context: Context) -> list[GeoBox]:
    """Grids of samples spread evenly over the area; all of it where it is small."""
    grid = context.grid
    ends = []
    for size in grid.shape:
        count = min(SAMPLES, -(-size // SAMPLE_SIDE))
        side = min(size, SAMPLE_SIDE)
        starts = np.linspace(0, size - side, count).round().astype(int) if count > 1 else [(size - side) // 2]
        ends.append([slice(int(start), int(start) + side) for start in starts])
    windows = [crop(grid, Block(0, rows, cols)) for rows in ends[0] for cols in ends[1]]
    return [window for window in windows if rasterize([context.outline], [1], window).any()]


def heights_of(plan: Plan) -> tuple[Path, ...]:
    """Return the files of heights that the recipe names, or of the fetched layer; none if relief is left as it is.

    Raises
    ------
    RecipeError
        If there are none where the recipe needs them.
    ReadError
        If what it names is no GeoTIFF and no folder of them.
    """
    settings, fetched = plan.recipe.scenes, plan.downloads_folder / "layers" / "dem"
    if settings.relief == "own":
        return ()
    if settings.dem is not None:
        return height_files(plan.recipe.path(settings.dem))
    if "dem" in settings.layers and fetched.is_dir():
        return height_files(fetched)
    raise RecipeError(
        f"relief = {settings.relief!r} needs heights",
        where="[scenes]",
        mend='give dem = "dem.tif", or layers = ["dem"] where the source has them',
    )


def _refuse_unlit(scenes: Sequence[Scene], settings: ScenesSection) -> None:
    for scene in scenes:
        told = scene.angles is not None and (settings.view == "own" or scene.angles.view_zenith is not None)
        if not told and not scene.sensor.name.startswith(_UNLIT):
            raise CatalogueError(
                "does not say where sun and sensor stood",
                where=f"item {scene.id}",
                mend='index or fetch it again, or leave view and relief as they are: "own"',
            )
