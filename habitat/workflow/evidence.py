"""What maps, composites and looks say of loss, block by block."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.change import (
    LossEvidence,
    breaks_by_year,
    breaks_without_weather,
    find_episodes,
    fit_trajectories,
    learn_weather,
    looks_of,
    loss_breaks,
    missing_bands,
    with_all_bands,
    without_odd_years,
    yearly_drops,
    yearly_noise,
)
from habitat.change.combination import LIKE_FALL
from habitat.change.episodes import FALLING
from habitat.change.trajectories import FEWEST_YEARS
from habitat.change.weather import HALO
from habitat.cubes import BANDS
from habitat.errors import EstimationError, RecipeError
from habitat.forest import unpack_model
from habitat.grids import Block, crop, rasterize, widen
from habitat.indices import normalized_difference
from habitat.legend import UNKNOWN
from habitat.seasons import Season
from habitat.store import read_model, read_raster
from habitat.tiles import Scene
from habitat.workflow.composites import NODATA, READ_BLOCK, REFLECTANCE_SCALE, composite_bands
from habitat.workflow.context import Context
from habitat.workflow.levelling import spread_tiles
from habitat.workflow.looks import Looks, prepare_looks
from habitat.workflow.maps import LOST
from habitat.workflow.percent import from_percent
from habitat.workflow.training import MODEL

TRAJECTORY_BANDS = ("red", "nir08", "swir16", "swir22")
"""What trajectories are fitted to, as far as all sensors have it."""
LEAST_FALL = 0.5
"""Of what counts as a fall of the index: lesser disturbances say nothing."""
NEIGHBOURS = 1
"""Pixels around a block that have a say in it."""
LEAST_SIDE, MOST_LOOKS = 32, 33_000_000
"""Side of the smallest block, pixels, and the looks at pixels that are read for a block: 0.8 GB of six bands, of which
there are three copies at most."""
_FOREST = 0.5


@dataclass(frozen=True)
class ChangeSources:
    """Where a block's evidence is read; picklable, so that other processes can do it. Folder and grid are the run's."""

    folder: Path
    years: tuple[int, ...]
    season: Season
    """The mapping season."""
    bands: tuple[str, ...]
    """Of the composites."""
    grid: GeoBox
    one_year: bool = False
    """Whether all labels are of one year."""
    noise: np.ndarray | None = None
    """Covariance of a year's noise in TRAJECTORY_BANDS; None: trajectories are not asked."""
    scenes: tuple[Scene, ...] = ()
    looks: Looks | None = None
    """None: breaks are not looked for."""
    outline: Any = None

    @property
    def block_side(self) -> int:
        """Side of a block: files are opened once a block, so it is as large as the looks around it allow."""
        side = READ_BLOCK
        if self.looks is not None:
            around = 2 * (HALO + NEIGHBOURS + self.looks.reach(self.grid))
            while side > LEAST_SIDE and len(self.scenes) * (side + around) ** 2 > MOST_LOOKS:
                side //= 2
        return side

    @property
    def season_ends(self) -> np.ndarray:
        """Last day of each mapping season."""
        return np.array([self.season.window(year)[1] for year in self.years], "datetime64[D]")

    @property
    def falling(self) -> str:
        """The index that tells trajectories' falls: the first of FALLING whose bands are there."""
        return next((name for name, needed in FALLING.items() if {*needed} <= {*self.bands}), "ndvi")

    def map_layers(self, kind: str, block: Block) -> np.ndarray:
        """A layer of the yearly maps, (year, y, x): "" for classes, "_probability"."""
        paths = (self.folder / "forest" / f"{year}{kind}.tif" for year in self.years)
        return np.concatenate([read_raster(path, block)[0] for path in paths])

    def forest(self, block: Block) -> np.ndarray:
        """P(forest) of each year given all, (year, y, x), 0-1; NaN = not seen."""
        forest = from_percent(self.map_layers("_probability", block))
        forest[self.map_layers("", block) == UNKNOWN] = np.nan
        return forest

    def evidence(self, block: Block) -> tuple[LossEvidence, pd.DataFrame]:
        """All that is known of a block, and its breaks with their place in the grid, year and strength."""
        lost = from_percent(read_raster(self.folder / "forest" / LOST, block)[0])
        window, core = widen(block, self.grid, HALO)
        around = self.forest(window)
        forest = around[:, core[0], core[1]]
        found = LossEvidence(np.array(self.years), lost, forest, one_year=self.one_year)
        if self.noise is not None:
            falls, drops = self._falls(block, around)
            found = replace(found, falls=falls, drops=drops, index=self.falling)
        if self.looks is None:
            return found, pd.DataFrame()  # without a column: breaks were not looked for
        table, looks = self._breaks(block, around)
        losses = loss_breaks(table, least_probability=0)
        probability, which = breaks_by_year(losses, self.season_ends, found.seen_again)
        used = np.argwhere(which >= 0)
        year = np.zeros(len(losses), np.uint16)
        year[which[tuple(used.T)]] = found.years[used[:, 0]]
        told = losses.assign(loss_year=year, loss_probability=losses["probability"])
        table = table.join(told[["date", "lower", "upper", "loss_year", "loss_probability"]])
        return replace(found, breaks=probability, looks=looks), table

    def summers(self, block: Block, forest: np.ndarray) -> xr.Dataset:
        """Reflectance of the mapping seasons (year, y, x) in TRAJECTORY_BANDS, NaN = not seen; odd years are levelled.

        The same in any block, but within HALO of its rim. `forest` is that of the block.
        """
        used = [band for band in TRAJECTORY_BANDS if band in self.bands]
        layers = []
        for year in self.years:
            values, _ = read_raster(self.folder / "composites" / f"{year}.tif", block)
            layers.append(values[[self.bands.index(band) for band in used]])
        packed = np.stack(layers, axis=1)
        values = np.where(packed == NODATA, np.nan, packed / np.float32(REFLECTANCE_SCALE)).astype(np.float32)
        data = {band: (("year", "y", "x"), layer) for band, layer in zip(used, values, strict=True)}
        cube = xr.Dataset(data, coords={"year": list(self.years)})
        return without_odd_years(cube, usual_forest(forest), corner=(block.rows.start, block.cols.start))

    def _falls(self, block: Block, around: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fall of the index, (year, y, x), by the year in which a disturbance begins; and by which each year drops."""
        window, core = widen(block, self.grid, HALO)
        summers = self.summers(window, around).isel(y=core[0], x=core[1])
        fit = fit_trajectories(summers, noise=self.noise)
        episodes = find_episodes(fit, index=self.falling, least_change=LEAST_FALL * LIKE_FALL[self.falling])
        falls = np.zeros((len(self.years), *block.shape), np.float32)
        years, falling = episodes["year"].values, np.nan_to_num(-episodes["magnitude"].values)
        for episode in range(len(years)):
            rows, cols = np.nonzero(falling[episode] > 0)
            at = np.searchsorted(self.years, years[episode, rows, cols])
            falls[at, rows, cols] = np.maximum(falls[at, rows, cols], falling[episode, rows, cols])
        return falls, yearly_drops(normalized_difference(*(summers[band].to_numpy() for band in FALLING[self.falling])))

    def _breaks(self, block: Block, around: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
        """Breaks of pixels of a block that were ever forest, and clear looks a year of all of them.

        What weather does to the forest around is taken out before: it is the same whichever block a pixel lies in.
        """
        window, core = widen(block, self.grid, HALO)
        days, values = looks_of(self.read_looks(window))
        weather = learn_weather(days, values, usual_forest(around), corner=(window.rows.start, window.cols.start))
        asked = np.zeros(window.shape, bool)
        asked[core] = (np.nan_to_num(around) >= _FOREST).any(axis=0)[core]
        table = breaks_without_weather(days, values, weather, asked)
        table = table.assign(row=table["row"] - core[0].start, column=table["column"] - core[1].start)
        years = max(float(days[-1] - days[0]) / 365.25, 1.0) if len(days) else 1.0
        seen = np.isfinite(values[:, :, core[0], core[1]]).all(axis=1).sum(axis=0) / years
        return table, seen.astype(np.float32)

    def read_looks(self, block: Block) -> xr.Dataset:
        """The clear looks of a block, nothing outside the area."""
        assert self.looks is not None
        reading, core = widen(block, self.grid, self.looks.reach(self.grid))
        window = crop(self.grid, reading)
        stack = self.looks.read(self.scenes, window).isel(y=core[0], x=core[1])
        inside = rasterize([self.outline], [1], crop(self.grid, block)) > 0
        return with_all_bands(stack.assign({band: stack[band].where(inside) for band in BANDS if band in stack}))


def usual_forest(forest: np.ndarray) -> np.ndarray:
    """Where it was forest in most years that saw it, bool (y, x)."""
    seen = np.isfinite(forest).sum(axis=0)
    return np.asarray((seen > 0) & (2 * (np.nan_to_num(forest) >= _FOREST).sum(axis=0) >= seen))


def change_sources(context: Context, ways: tuple[str, ...]) -> ChangeSources:
    """Return where evidence is read, with what must be known of the whole area first.

    Raises
    ------
    RecipeError
        If bands are missing that the evidence needs.
    """
    bands = composite_bands(context)
    refuse_missing_bands(bands, ways)
    model = unpack_model(*read_model(path := context.run.path("forest", MODEL)), where=path)
    sources = ChangeSources(
        context.run.folder, context.years, context.seasons[0], bands, context.grid, len(model.label_years) == 1
    )
    if "trajectories" in ways and len(context.years) >= FEWEST_YEARS:
        sources = replace(sources, noise=_noise(context, sources))
    if "breaks" in ways:
        sources = with_looks(context, sources)
    return sources


def with_looks(context: Context, sources: ChangeSources) -> ChangeSources:
    """Return `sources` that can read looks."""
    looks, scenes, _ = prepare_looks(context)
    return replace(sources, scenes=scenes, looks=looks, outline=context.outline)


def _noise(context: Context, sources: ChangeSources) -> np.ndarray | None:
    """Covariance of a year's noise, from up to nine tiles spread over the area; None if too little was seen."""
    parts = []
    for tile in spread_tiles(context.grid):
        cube = sources.summers(tile, sources.forest(tile))
        parts.append(np.stack([layer.values.reshape(len(context.years), -1) for layer in cube.data_vars.values()]))
    try:
        return yearly_noise(np.concatenate(parts, axis=2))
    except EstimationError as error:
        context.warnings.append(f"trajectories are left out: {error.what}")
        return None


def refuse_missing_bands(bands: tuple[str, ...], ways: tuple[str, ...]) -> None:
    """Raise RecipeError if a band is missing that the evidence cannot do without."""
    if "breaks" in ways and (missing := missing_bands(bands)):
        raise RecipeError(
            f"breaks need a band that not every sensor has: {missing[0]}",
            where="[change] evidence",
            mend='leave "breaks" out, or name [scenes] collections that have the band',
        )
