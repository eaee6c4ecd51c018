"""What becomes of looks between the files and the composites, block by block; and what is learnt of them before.

Place, view, light, bands, clouds, shadows of hills, sharpness: each step is a function of :mod:`habitat.imagery`, taken
if the recipe asks for it. What a single block cannot know (by how much a scene lies beside its place, how much of the
light on slopes comes straight from the sun) is learnt once from samples of the whole area.
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
from habitat.errors import CatalogueError, ReadError, RecipeError
from habitat.grids import blocks, crop, rasterize
from habitat.imagery import (
    clear_looks,
    combine_shifts,
    estimate_shifts,
    fit_illumination,
    fit_strengths,
    level_reflectance,
    match_sharpness,
    nadir_reflectance,
    reject_bits,
    screen_looks,
    shade_looks,
    sharpness_reach,
    significant_shifts,
    slope_samples,
    spectral_quality,
    to_common_bands,
    view_pairs,
)
from habitat.imagery.brdf import MADE_SO
from habitat.imagery.registration import BANDS as SHIFT_BANDS
from habitat.recipe import ScenesSection
from habitat.tiles import Scene, read_heights, read_stack
from habitat.workflow.context import Context, Plan
from habitat.workflow.heights import heights_of

SAMPLES, SAMPLE_SIDE = 9, 256
"""Samples of the area, and pixels along each side of one."""
LEAST_SAMPLE_SIDE, SAMPLE_LOOKS = 128, 20_000_000
"""A sample holds all years at once: it is made smaller where it would hold more looks of a pixel than this."""
SHADOWS_FROM_M = 3000.0
"""How far away ground is looked for that may shade a pixel: 1,000 m of relief under a sun of 18 degrees."""


@dataclass(frozen=True)
class Looks:
    """How a recipe wants looks to be read, put right and masked; picklable, so that other machines can do it."""

    bands: tuple[str, ...]
    settings: ScenesSection
    heights: tuple[Path, ...] = ()
    """Files of heights, if relief counts."""
    sensors: tuple[str, ...] = ()
    """Of the whole run: the coarsest says how sharp all looks shall be."""
    illumination: xr.Dataset | None = None
    """Of :func:`~habitat.imagery.fit_illumination`, once it is known."""
    strengths: xr.Dataset | None = None
    """Of :func:`~habitat.imagery.fit_strengths`, likewise."""

    @property
    def needs_all_years(self) -> bool:
        """Whether a look is judged by those of other years."""
        return self.settings.mask == "history"

    def reach(self, grid: GeoBox) -> int:
        """Pixels around a block that must be known: clouds beside it, the slope at its rim, what its looks blur."""
        settings = self.settings
        margin_m = max(settings.margin_m, 1.0 if settings.relief != "own" else 0.0)
        blurred = 0
        if settings.sharpness == "common":
            blurred = sharpness_reach(grid, sensors=self.sensors, bands=self.bands)
        return int(np.ceil(margin_m / grid.transform.a)) + blurred

    def read(self, scenes: Sequence[Scene], grid: GeoBox) -> xr.Dataset:
        """Return a STACK over `grid`, NaN where a look is not clear; within its reach of the rim it is not final."""
        settings = self.settings
        stack = read_stack(scenes, grid, self.bands, use_quality=settings.mask in ("product", "history"))
        if settings.view != "own":
            stack = nadir_reflectance(stack, strengths=self.strengths)
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
        if settings.sharpness == "common":
            stack = match_sharpness(stack, sensors=self.sensors)
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
    if settings.relief != "own" and not heights:
        raise RecipeError("the layer of heights is not here", where="[scenes] layers", mend="habitat fetch brings it")
    refuse_unlit(context)
    sensors = tuple(sorted({scene.sensor.name for scene in scenes}))
    looks = Looks(context.bands, settings, heights, sensors)
    if not (heights or settings.align or settings.view == "learned"):  # nothing is to be learnt
        return looks, scenes, {}
    samples = _sample_grids(context)
    if heights:
        _warn_of_unknown_heights(context, heights, samples)
    notes: dict[str, Any] = {}
    if settings.align:
        scenes, notes["shifts_m"] = _aligned(context, looks, scenes, samples)
    if settings.view == "learned":
        strengths = _learn_strengths(context, looks, scenes, samples)
        looks, notes["view_strengths"] = replace(looks, strengths=strengths), _told(strengths)
    if settings.relief == "level":
        raw = {"relief": "shade", "bands": "own", "sharpness": "own"}
        unlevelled = replace(looks, settings=settings.model_copy(update=raw))
        found = _each(context, "slopes", partial(_slopes, unlevelled), scenes, samples)
        looks = replace(looks, illumination=fit_illumination(found))
    return looks, scenes, notes


def _warn_of_unknown_heights(context: Context, heights: tuple[Path, ...], samples: list[GeoBox]) -> None:
    """Say of how much of the area the height is not known, as far as the samples show it; raise if it is all."""
    unknown = float(np.mean([np.isnan(read_heights(heights, sample)).mean() for sample in samples]))
    if unknown == 1:
        raise ReadError("has no heights in the area", where=heights[0], mend="give [scenes] dem heights of the area")
    if unknown > 0:
        context.warnings.append(
            f"about {max(unknown, 0.01):.0%} of the area has no heights: its slopes stay as they are lit"
        )


def _aligned(
    context: Context, looks: Looks, scenes: tuple[Scene, ...], samples: list[GeoBox]
) -> tuple[tuple[Scene, ...], dict[str, tuple[float, float]]]:
    """Scenes with by how much each lies beside its place, and these shifts by scene, where there are any."""
    parts = _each(context, "shifts", partial(_shifts, looks), scenes, samples)
    found = significant_shifts(combine_shifts(parts), resolution_m=context.grid.transform.a)
    moved, notes = [], {}
    columns = (found[name].tolist() for name in ("scene", "east_m", "north_m"))
    shifts = [(f" {names} ", east, north) for names, east, north in zip(*columns, strict=True) if east or north]
    for scene in scenes:
        shift = next(((east, north) for names, east, north in shifts if f" {scene.id} " in names), (0.0, 0.0))
        moved.append(replace(scene, shift_m=shift))
        if shift != (0.0, 0.0):
            notes[scene.id] = (round(shift[0], 2), round(shift[1], 2))
    return tuple(moved), notes


def _shifts(looks: Looks, scenes: Sequence[Scene], grid: GeoBox) -> Any:
    settings = looks.settings
    bands = [band for band in SHIFT_BANDS if band in looks.bands]
    if settings.mask == "spectral":  # it needs all bands, and marks what it finds
        stack = spectral_quality(read_stack(scenes, grid, looks.bands, use_quality=False), corrected=True)
        stack = stack[[*bands, "quality"]]
    else:
        stack = read_stack(scenes, grid, bands)
    return estimate_shifts(stack, reject=reject_bits(settings.reject), margin_m=settings.margin_m)


def _learn_strengths(context: Context, looks: Looks, scenes: tuple[Scene, ...], samples: list[GeoBox]) -> xr.Dataset:
    """How much each sensor's bands mind directions; a sensor of which nothing is learnt is told of."""
    as_seen = {"view": "own", "relief": "own", "bands": "own", "sharpness": "own"}
    plain = replace(looks, settings=looks.settings.model_copy(update=as_seen))
    sensors = [sensor for sensor in looks.sensors if not sensor.startswith(MADE_SO)]
    found = fit_strengths(
        _each(context, "views", partial(_views, plain), scenes, samples), sensors=sensors, bands=looks.bands
    )
    if blind := [sensor for sensor, pairs in zip(sensors, found["pairs"].values, strict=True) if not pairs]:
        context.warnings.append(
            f"{' and '.join(blind)} saw no ground from two sides within days: its views follow the published weights"
        )
    return found


def _views(looks: Looks, scenes: Sequence[Scene], grid: GeoBox) -> Any:
    return view_pairs(looks.read(scenes, grid))


def _told(strengths: xr.Dataset) -> dict[str, Any]:
    """Strengths and their standard errors by sensor and band, for run.json."""
    values = np.dstack([strengths["strength"], strengths["strength_se"]]).round(3).tolist()
    sensors, bands = (strengths[name].values.tolist() for name in ("sensor", "band"))
    return {sensor: dict(zip(bands, row, strict=True)) for sensor, row in zip(sensors, values, strict=True)}


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
    """Grids of samples spread evenly over what of the area's box lies in the area."""
    side = SAMPLE_SIDE
    while side > LEAST_SAMPLE_SIDE and len(context.settled.scenes) * side**2 > SAMPLE_LOOKS:
        side //= 2
    windows = [crop(context.grid, block) for block in blocks(context.grid, side)]
    shares = np.array([(rasterize([context.outline], [1], window) > 0).sum() for window in windows])
    within = np.flatnonzero(2 * shares >= shares.max())
    chosen = np.unique(np.linspace(0, len(within) - 1, SAMPLES).round().astype(int))
    return [windows[k] for k in within[chosen]]


def refuse_unlit(plan: Plan) -> None:
    """Raise CatalogueError if the recipe needs to know where sun and sensor stood, and a scene does not say it."""
    settings = plan.recipe.scenes
    for scene in plan.settled.scenes:
        angles, is_made_so = scene.angles, scene.sensor.name.startswith(MADE_SO)
        lacks_sun = settings.relief != "own" and angles is None
        lacks_view = settings.view != "own" and not is_made_so and (angles is None or angles.view_zenith is None)
        if lacks_sun or lacks_view:
            raise CatalogueError(
                f"does not say where the {'sun' if angles is None else 'sensor'} stood",
                where=f"item {scene.id}",
                mend=f'index its product, or leave {"relief" if lacks_sun else "view"} as it is: "own"',
            )
