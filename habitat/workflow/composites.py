"""The composite stage: scenes to one picture a season and year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.cubes import BANDS, COMPOSITE, REFLECTANCE_RANGE
from habitat.grids import Block, blocks, coordinates, crop, rasterize, same_grid, widen
from habitat.imagery import fit_harmonics, harmonic_names, seasonal_median, seasonal_medoid, terrain_features
from habitat.imagery.features import TERRAIN
from habitat.seasons import MAPPING, Season
from habitat.store import RasterWriter, compute_blocks, load_block, read_raster
from habitat.tiles import Scene, read_heights
from habitat.workflow.context import Context, Outputs
from habitat.workflow.heights import known_heights
from habitat.workflow.looks import Looks, prepare_looks

READ_BLOCK = 512
"""Pixels: large enough that opening files does not count, small enough for a year of looks."""
LEAST_BLOCK, BLOCK_LOOKS = 128, 8_000_000
"""A pixel's history needs all years at once: blocks are halved until they hold no more looks of a pixel than this."""
_COMPOSITES = {"median": seasonal_median, "medoid": seasonal_medoid}
_REFUSED = "with an offset that the pixels cannot settle"

REFLECTANCE_SCALE = 10000
NODATA = -32768
TERRAIN_FILE = "terrain.tif"
MOST_OF_AN_INDEX = 3.2
"""What int16 holds of a harmonic: an index lies within 1, and its waves hardly farther."""

_SCALED = {"scale": "0.0001"}
_PACKED: dict[str, Any] = {"dtype": "int16", "nodata": NODATA, "resampling": "average", "tags": _SCALED, "level": 1}
_FORMS: dict[str, dict[str, Any]] = {
    "composite": _PACKED,
    "harmonics": _PACKED,
    "sensors": {"dtype": "uint16", "nodata": None, "resampling": "nearest"},
}


def make_composites(context: Context, work: Path) -> Outputs:
    """Write each season's composite of each year."""
    if context.years_unseen:  # raises before anything is written, if that is all of them
        unseen = ", ".join(map(str, context.years_unseen))
        context.warnings.append(f"no scene in the mapping season of {unseen}: nothing was seen then")
    if context.uncovered_share > 0.01:
        context.warnings.append(f"{context.uncovered_share:.0%} of the area lies outside all scenes")
    settled = context.settled
    corrected = {name: found.evidence for name, found in settled.findings.items() if found.corrected}
    _warn_of_offsets(context, corrected)
    looks, scenes, learnt = prepare_looks(context)
    groups = [context.years] if looks.needs_all_years else [(year,) for year in context.years]
    todo = list(blocks(context.grid, block_size(len(scenes)) if looks.needs_all_years else READ_BLOCK))
    sensors = tuple(sorted({scene.sensor.name for scene in settled.scenes}))
    harmonics = harmonic_names(context.bands) if _shows(context, "harmonics") else ()
    jobs = {
        f"{years[0]}-{block.index}": CompositeJob(
            tuple(s for s in scenes if any(season.year_of(s.day) in years for season in context.seasons)),
            context.grid,
            looks,
            years,
            context.seasons,
            sensors,
            context.outline,
            block,
            harmonics,
        )
        for years in groups
        for block in todo
    }
    compute_blocks(work, jobs, context.executor, partial(context.progress, "composite"))
    outputs: list[Path] = []
    unseen_years: dict[str, list[int]] = {season.name: [] for season in context.seasons}
    for group, place, year in ((years[0], k, year) for years in groups for k, year in enumerate(years)):
        pieces = _Pieces(work, {f"{group}-{block.index}": block for block in todo}, context.grid)
        if harmonics:
            outputs.append(harmonics_path(context, year))
            pieces.write(outputs[-1], "harmonics", harmonics, at=(slice(None), place))
        for number, season in enumerate(context.seasons):
            outputs.append(composite_path(context, year, season.name))
            if not pieces.write(outputs[-1], "composite", [*context.bands, "looks"], at=(place, number)):
                unseen_years[season.name].append(year)
            if len(sensors) > 1:
                outputs.append(outputs[-1].with_name(f"{outputs[-1].stem}_sensors.tif"))
                pieces.write(outputs[-1], "sensors", sensors, at=(slice(None), place, number))
    outputs += _write_terrain(context)
    _warn_of_unseen(context, unseen_years)
    notes = {
        "scenes": [
            {
                "id": s.id,
                "date": s.day.isoformat(),
                "sensor": s.sensor.name,
                "cloud_percent": s.cloud_percent,
                "offset": next((asset.offset for asset in s.bands.values()), None),
            }
            for s in settled.scenes
        ],
        "left_out": dict(context.selection.left_out) | dict(settled.refused),
        "reasons": dict(context.selection.reasons) | ({_REFUSED: len(settled.refused)} if settled.refused else {}),
        "offsets": corrected,
        "missing": context.missing,
        "bands": list(context.bands),
        "grid": {
            "crs": str(context.grid.crs),
            "shape": list(context.grid.shape),
            "transform": list(context.grid.transform[:6]),
            "resolution_m": context.grid.transform.a,
        },
        "years_without_scenes": list(context.years_unseen),
    } | learnt
    return outputs, notes


@dataclass(frozen=True)
class _Pieces:
    """The blocks of some years, to be written as whole rasters."""

    work: Path
    blocks: dict[str, Block]
    grid: GeoBox

    def write(self, path: Path, layer: str, names: Sequence[str], *, at: tuple[Any, ...]) -> bool:
        """Write what all blocks' layer holds `at` a place (band, y, x); say whether its last band is anywhere not 0."""
        any_looks = False
        with RasterWriter(path, self.grid, list(names), **_FORMS[layer]) as file:
            for name, block in self.blocks.items():
                values = load_block(self.work, name)[layer][at]
                any_looks |= bool(values[-1].any())
                file.write(values, block)
        return any_looks


def _shows(context: Context, group: str) -> bool:
    """Whether the recipe shows the classifier a group of predictors."""
    return context.recipe.forest is not None and group in context.recipe.forest.features


def _write_terrain(context: Context) -> list[Path]:
    """Write the ground's height and lean on the run's grid, if the classifier is shown them and heights are known."""
    files = known_heights(context) if _shows(context, "terrain") else ()
    if not files:
        return []
    path, known = context.run.path("composites", TERRAIN_FILE), False
    with RasterWriter(path, context.grid, TERRAIN, "float32", np.nan, resampling="average") as file:
        for block in blocks(context.grid, READ_BLOCK):
            height_m = read_heights(files, crop(context.grid, block).pad(1))
            ground = terrain_features(height_m, resolution_m=context.grid.transform.a)
            layers = np.stack([ground[name].values[1:-1, 1:-1] for name in TERRAIN])
            known = known or bool(np.isfinite(layers[0]).any())
            file.write(layers, block)
    if known:
        return [path]
    path.unlink()
    context.warnings.append("the heights lie elsewhere: the classifier is shown no terrain")
    return []


def _warn_of_unseen(context: Context, unseen_years: dict[str, list[int]]) -> None:
    """Say of which seasons of which years there is no clear look anywhere in the area."""
    for name, years in unseen_years.items():
        told = context.years_unseen if name == MAPPING else ()  # these have been told already
        if unseen := [str(year) for year in years if year not in told]:
            season = "the mapping season" if name == MAPPING else f"season {name}"
            context.warnings.append(f"no clear look of {season} of {', '.join(unseen)}: nothing was seen then")


def _warn_of_offsets(context: Context, corrected: dict[str, str]) -> None:
    """Say how many scenes' pixels contradict their items, with the first one's evidence."""
    for found, became in ((corrected, "corrected"), (context.settled.refused, "not used")):
        if found:
            first = next(iter(found.items()))
            context.warnings.append(f"offset {became} in {len(found)} scenes, such as {first[0]}: {first[1]}")
    if context.missing:
        scenes = len({hole["scene"] for hole in context.missing})
        context.warnings.append(
            f"{scenes} scene{'s' if scenes > 1 else ''} could not be had: listed in the report as holes"
        )


@dataclass(frozen=True)
class CompositeJob:
    """Composites of some years and a block, with everything that another process needs to make them."""

    scenes: tuple[Scene, ...]
    grid: GeoBox
    looks: Looks
    years: tuple[int, ...]
    seasons: tuple[Season, ...]
    sensors: tuple[str, ...]
    """Of the whole run."""
    outline: Any
    """The area in the grid's reference system."""
    block: Block
    harmonics: tuple[str, ...] = ()
    """Names of what is made of the year's course."""

    def __call__(self) -> dict[str, np.ndarray]:
        """Return the block's pictures.

        Returns
        -------
        dict
            `composite`: int16 (year, season, bands and looks, y, x); `sensors`: uint16 (sensor, year, season, y, x),
            how many looks are of which; `harmonics`: int16 (harmonic, year, y, x).
        """
        reading, core = widen(self.block, self.grid, self.looks.reach(self.grid))
        window = crop(self.grid, reading)
        bands = self.looks.bands
        shape = (len(self.years), len(self.seasons), len(bands) + 1, *self.block.shape)
        packed = np.full(shape, NODATA, dtype=np.int16)
        packed[:, :, -1] = 0
        shared = np.zeros((len(self.sensors), *shape[:2], *self.block.shape), dtype=np.uint16)
        course = np.full((len(self.harmonics), len(self.years), *self.block.shape), NODATA, dtype=np.int16)
        if self.scenes:
            composite = _COMPOSITES[self.looks.settings.composite]
            stack = self.looks.read(self.scenes, window)
            made = composite(stack, years=self.years, seasons=self.seasons)
            inside = rasterize([self.outline], [1], window) > 0
            looks = np.where(inside, made["looks"].values, 0)[..., core[0], core[1]]
            for number, band in enumerate(bands):
                values = made[band].values[..., core[0], core[1]]
                kept = (looks > 0) & np.isfinite(values)
                within = np.clip(values[kept], *REFLECTANCE_RANGE)  # levelling may lift a cloud beyond
                packed[:, :, number][kept] = np.round(within * REFLECTANCE_SCALE).astype(np.int16)
            packed[:, :, -1] = looks
            for sensor, own in zip(made["sensor"].values, made["sensor_looks"].values, strict=True):
                shared[self.sensors.index(sensor)] = np.where(inside, own, 0)[..., core[0], core[1]]
            if self.harmonics:
                fitted = fit_harmonics(stack.isel(y=core[0], x=core[1]), years=self.years, seasons=self.seasons)
                for number, name in enumerate(self.harmonics):
                    values = fitted[name].values
                    kept = inside[core] & np.isfinite(values)
                    within = np.clip(values[kept], -MOST_OF_AN_INDEX, MOST_OF_AN_INDEX)
                    course[number][kept] = np.round(within * REFLECTANCE_SCALE).astype(np.int16)
        return {"composite": packed, "sensors": shared, "harmonics": course}


def block_size(looks: int) -> int:
    """Side of a block that holds all years, pixels."""
    size = READ_BLOCK
    while size > LEAST_BLOCK and looks * size**2 > BLOCK_LOOKS:
        size //= 2
    return size


def composite_path(context: Context, year: int, season: str) -> Path:
    """Where the composite of a season lies."""
    return context.run.path("composites", f"{year}.tif" if season == MAPPING else f"{year}_{season}.tif")


def harmonics_path(context: Context, year: int) -> Path:
    """Where the year's course lies."""
    return context.run.path("composites", f"{year}_harmonics.tif")


def read_composites(paths: dict[tuple[int, str], Path], bands: tuple[str, ...], block: Block) -> xr.Dataset:
    """Read a block of a run's composites back as a COMPOSITE.

    Parameters
    ----------
    paths : dict of (year, season name) to Path
        Every combination of its years and seasons.
    """
    years = list(dict.fromkeys(year for year, _ in paths))
    seasons = list(dict.fromkeys(season for _, season in paths))
    shape = (len(years), len(seasons), *block.shape)
    data = {band: np.empty(shape, dtype=np.float32) for band in bands}
    looks = np.empty(shape, dtype=np.uint16)
    grids = []
    for (year, season), path in paths.items():
        at = (years.index(year), seasons.index(season))
        packed, grid = read_raster(path, block)
        grids.append(grid)
        for band, values in zip(bands, packed, strict=False):
            np.divide(values, np.float32(REFLECTANCE_SCALE), out=data[band][at])
            np.copyto(data[band][at], np.nan, where=values == NODATA)
        looks[at] = packed[-1]
    coords = {"year": years, "season": seasons, **coordinates(same_grid(*grids))}
    layers = {name: (COMPOSITE.dims, values) for name, values in {**data, "looks": looks}.items()}
    return COMPOSITE.check(xr.Dataset(layers, coords=coords))


def composite_paths(context: Context, years: tuple[int, ...]) -> dict[tuple[int, str], Path]:
    """Where the composites of some years lie, by year and season."""
    return {(y, s.name): composite_path(context, y, s.name) for y in years for s in context.seasons}


def composite_bands(context: Context) -> tuple[str, ...]:
    """Bands that the composites hold, from the run itself: the scenes need not be there any more."""
    held = context.run.state["stages"]["composite"]["notes"]["bands"]
    return tuple(band for band in BANDS if band in held)
