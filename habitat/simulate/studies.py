"""A simulated landscape in memory: its truth at once, its looks when they are asked for, no file written.

What a run would read from the files of :func:`habitat.simulate.write_sample`, to within the 0.0001 of reflectance in
which looks are packed: for studies of many seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.cubes import BANDS, STACK
from habitat.errors import RecipeError
from habitat.grids import coordinates, resample_bits, resample_mean
from habitat.sensors import LANDSAT as LANDSAT_TABLE
from habitat.sensors import SENTINEL2 as SENTINEL2_TABLE
from habitat.simulate.archive import LANDSAT_ALONE_YEARS, plan_dense_overpasses
from habitat.simulate.area import Area
from habitat.simulate.catalogue import scene_id
from habitat.simulate.climate import make_harsh_climate
from habitat.simulate.disturbance import make_history
from habitat.simulate.hazards import make_damaged_history
from habitat.simulate.history import Past
from habitat.simulate.landscape import Landscape, make_landscape
from habitat.simulate.losses import LossTruth, tell_losses
from habitat.simulate.presets import SENTINEL2, STANDARD, Preset, find_preset
from habitat.simulate.scenes import Overpass, Scene, plan_overpasses, take_scene
from habitat.simulate.streams import Streams
from habitat.simulate.surface import Ground, make_ground
from habitat.simulate.terrain import make_terrain
from habitat.simulate.training import draw_training
from habitat.simulate.truth import Truth, tell_truth

_PACKED = 10_000


@dataclass(frozen=True)
class Looks:
    """Looks on the 20 m grid, packed."""

    grid: GeoBox
    overpasses: tuple[Overpass, ...]
    reflectance: np.ndarray
    """int16 (time, band, y, x): reflectance x 10000."""
    quality: np.ndarray
    """uint8 (time, y, x): bits of :class:`habitat.cubes.Quality`."""

    def stack(self, rows: slice = slice(None), cols: slice = slice(None)) -> xr.Dataset:
        """Return a block as a STACK: float32 reflectance, 0-1, and quality bits, (time, y, x).

        Parameters
        ----------
        rows, cols : slice
            The block, in pixels of the grid; all of it by default. Floats are made of the block alone.
        """
        bands = {
            band: (STACK.dims, self.reflectance[:, k, rows, cols] / np.float32(_PACKED), {"units": "1"})
            for k, band in enumerate(BANDS)
        }
        return STACK.check(
            xr.Dataset(
                {**bands, "quality": (STACK.dims, self.quality[:, rows, cols])},
                coords={
                    "time": np.array([o.when.replace(tzinfo=None) for o in self.overpasses], dtype="datetime64[ns]"),
                    "sensor": ("time", [_table(o).name for o in self.overpasses]),
                    "platform": ("time", [o.platform for o in self.overpasses]),
                    "scene": ("time", [scene_id(o) for o in self.overpasses]),
                    **coordinates(self.grid[rows, cols]),
                },
            )
        )


@dataclass(frozen=True)
class Study:
    """A landscape with all that happens to it."""

    area: Area
    years: range
    streams: Streams
    landscape: Landscape
    history: Past
    ground: Ground
    truth: Truth
    """Forest, class codes and loss years on the 20 m grid."""
    losses: LossTruth | None = None
    """Every damage of every pixel, where the preset is dense."""

    @property
    def preset(self) -> Preset:
        """The settings it was made with."""
        return self.landscape.preset

    def take_looks(self, years: Sequence[int] | None = None) -> Looks:
        """Take the scenes of `years` (default: all), and return them on the 20 m grid.

        Memory holds one scene, and 13 bytes a pixel and look.
        """
        wanted = [o for o in self.plan() if years is None or o.when.year in years]
        grid = self.area.map
        reflectance = np.empty((len(wanted), len(BANDS), *grid.shape), dtype=np.int16)
        quality = np.empty((len(wanted), *grid.shape), dtype=np.uint8)
        for k, overpass in enumerate(wanted):
            scene = take_scene(self.area, self.history, self.ground, overpass, self.streams)
            reflectance[k], quality[k] = _on_grid(scene, grid)
        return Looks(grid, tuple(wanted), reflectance, quality)

    def plan(self) -> list[Overpass]:
        """Return all scenes that can be taken, in order of time."""
        if self.preset.dense:
            return plan_dense_overpasses(self.years, self.streams)
        return plan_overpasses(self.years, self.streams, preset=self.preset)

    def draw_training(self) -> Any:
        """Return training points as `training.gpkg` holds them: `code`, `date`, geometry; about 2% are wrong."""
        return draw_training(self.area, self.truth, self.streams, self.preset.training_points)


def make_study(
    *,
    preset: str | Preset = STANDARD,
    seed: int = 7000,
    size_km: float = 3.0,
    years: range = range(2016, 2026),
) -> Study:
    """Return a simulated landscape and its truth, the same that :func:`habitat.simulate.write_sample` writes.

    Parameters
    ----------
    preset : str or Preset
        A name in :data:`habitat.simulate.PRESETS`, or settings of one's own.
    seed : int
        0 or more. Choose settings on 0 to 9, report on 100 to 109.
    size_km : float
        Side of the square, rounded up to whole survey cells of 0.3 km.
    years : range
        At least two consecutive years from 2016 on; under a dense preset Landsat looks three years earlier, too.

    Raises
    ------
    RecipeError
        If size, seed or years cannot be, or there is no such preset.

    Examples
    --------
    >>> study = make_study(preset="full", seed=0, size_km=0.9, years=range(2024, 2026))
    >>> study.truth.code.shape
    (2, 45, 45)
    >>> dict(study.take_looks([2024]).stack(rows=slice(0, 10)).sizes)
    {'time': 16, 'y': 10, 'x': 45}
    """
    kind = find_preset(preset)
    if seed < 0:
        raise RecipeError(f"seed {seed} is negative", where="seed", mend="choose 0 or more")
    if len(years) < 2 or years.step != 1 or not 2016 <= years[0] <= years[-1] <= 2100:
        raise RecipeError(
            f"years {years} are not two or more consecutive ones", where="years", mend="choose them from 2016 on"
        )
    area, streams = Area.of_size(size_km), Streams(seed)
    landscape = make_landscape(area, make_terrain(area, streams), streams, preset=kind)
    if not kind.dense:
        history, ground = make_history(landscape, years, streams), make_ground(landscape, streams)
        return Study(area, years, streams, landscape, history, ground, tell_truth(history, years))
    seen = range(years[0] - LANDSAT_ALONE_YEARS, years[-1] + 1)
    damaged = make_damaged_history(landscape, years, streams)
    losses = tell_losses(damaged, date(seen[0], 1, 1), date(seen[-1], 12, 31))
    ground = make_ground(landscape, streams, make_harsh_climate(landscape, seen, streams))
    return Study(area, years, streams, landscape, damaged, ground, tell_truth(damaged, years), losses)


def _table(overpass: Overpass) -> Any:
    return SENTINEL2_TABLE if overpass.sensor == SENTINEL2 else LANDSAT_TABLE


def _on_grid(scene: Scene, grid: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Carry a scene's digital numbers to `grid`: packed reflectance (band, y, x) and quality bits (y, x)."""
    table = _table(scene.overpass)
    bands = []
    for band in BANDS:
        asset = scene.assets[band]
        mean = resample_mean(asset.values.astype(np.float32) * table.scale + table.offset, asset.grid, grid)
        bands.append(np.round(mean * _PACKED).astype(np.int16))
    asset = scene.assets[table.quality.asset]
    flags = resample_bits(table.quality.lookup[asset.values], asset.grid, grid, 0)
    return np.stack(bands), flags
