"""What the classifier is shown of a block: read from the run's composites, the year's course and the ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.cubes import FEATURES
from habitat.grids import Block, widen
from habitat.imagery import feature_margin, forest_features, harmonic_names
from habitat.imagery.features import TERRAIN, Group
from habitat.store import read_raster
from habitat.workflow.composites import (
    NODATA,
    REFLECTANCE_SCALE,
    TERRAIN_FILE,
    composite_bands,
    composite_paths,
    harmonics_path,
    read_composites,
)
from habitat.workflow.context import Context
from habitat.workflow.levelling import year_offsets


@dataclass(frozen=True)
class FeatureFiles:
    """Where a run keeps what predictors are made of; picklable, so that other machines can read it."""

    grid: GeoBox
    groups: tuple[Group, ...]
    bands: tuple[str, ...]
    composites: dict[tuple[int, str], Path]
    """By year and season."""
    harmonics: dict[int, Path]
    terrain: Path | None
    off: Mapping[tuple[int, str], np.ndarray] = field(default_factory=dict)
    """What composites are off by, by year and season: (band,), reflectance."""
    harmonics_off: Mapping[int, np.ndarray] = field(default_factory=dict)
    """The same of harmonics by year: (coefficient,)."""

    @property
    def years(self) -> tuple[int, ...]:
        """Years of the composites."""
        return tuple(dict.fromkeys(year for year, _ in self.composites))

    def of_year(self, year: int) -> FeatureFiles:
        """Return the files of one year: a year at a time takes less memory."""
        composites = {key: path for key, path in self.composites.items() if key[0] == year}
        return replace(self, composites=composites)

    def levelled(self) -> FeatureFiles:
        """Return the files with what all of the area is off by in each year told from them."""
        keys = list(self.composites)
        seasons = list(dict.fromkeys(season for _, season in keys))
        off = year_offsets(self.grid, self._stacked).reshape(len(self.bands), len(seasons), -1)
        by_key = {(y, s): off[:, seasons.index(s), self.years.index(y)] for y, s in keys}
        course: dict[int, np.ndarray] = {}
        if self.harmonics:
            layers = year_offsets(self.grid, lambda block: np.stack([*self._course(block).values()]))
            course = {year: layers[:, number] for number, year in enumerate(self.years)}
        return replace(self, off=by_key, harmonics_off=course)

    def _stacked(self, block: Block) -> np.ndarray:
        """All bands in all seasons, band by band (layer, year, y, x)."""
        composite = read_composites(self.composites, self.bands, block)
        layers = [composite[band].transpose("season", "year", "y", "x").to_numpy() for band in self.bands]
        return np.concatenate(layers)

    def read(self, block: Block) -> xr.Dataset:
        """Return the FEATURES of a block, the same wherever blocks are cut."""
        wide, core = widen(block, self.grid, feature_margin(self.groups))
        composite = read_composites(self.composites, self.bands, wide)
        if self.off:
            composite = self._level(composite)
        features = forest_features(
            composite, groups=self.groups, harmonics=self._read_harmonics(wide), terrain=self._read_terrain(wide)
        )
        return features if wide == block else features.isel(y=core[0], x=core[1])

    def _level(self, composite: xr.Dataset) -> xr.Dataset:
        years, seasons = (composite[name].values.tolist() for name in ("year", "season"))
        off = np.array([[self.off[year, season] for season in seasons] for year in years], np.float32)
        for number, band in enumerate(self.bands):
            composite[band] = composite[band] - off[:, :, number, None, None]
        return composite

    def _read_harmonics(self, block: Block) -> xr.Dataset | None:
        if not self.harmonics:
            return None
        layers = self._course(block)
        if self.harmonics_off:
            off = np.stack([self.harmonics_off[year] for year in self.years], axis=1)
            layers = {name: layer - off[k, :, None, None] for k, (name, layer) in enumerate(layers.items())}
        data = {name: (FEATURES.dims, layer) for name, layer in layers.items()}
        return xr.Dataset(data, coords={"year": list(self.years)})

    def _course(self, block: Block) -> dict[str, np.ndarray]:
        """Coefficients of the year's course, each (year, y, x)."""
        packed = np.stack([read_raster(self.harmonics[year], block)[0] for year in self.years], axis=1)
        values = np.where(packed == NODATA, np.float32(np.nan), packed / np.float32(REFLECTANCE_SCALE))
        return dict(zip(harmonic_names(self.bands), values, strict=True))

    def _read_terrain(self, block: Block) -> xr.Dataset | None:
        if self.terrain is None:
            return None
        layers = read_raster(self.terrain, block)[0]
        return xr.Dataset({name: (("y", "x"), layer) for name, layer in zip(TERRAIN, layers, strict=True)})


def feature_files(context: Context) -> FeatureFiles:
    """Return the files from which the predictors of all years are made, years levelled against each other."""
    section = context.recipe.forest
    assert section is not None
    shows_terrain = "terrain" in section.features and f"composites/{TERRAIN_FILE}" in context.run.outputs("composite")
    files = FeatureFiles(
        context.grid,
        tuple(section.features),
        composite_bands(context),
        composite_paths(context, context.years),
        {year: harmonics_path(context, year) for year in context.years} if "harmonics" in section.features else {},
        context.run.path("composites", TERRAIN_FILE) if shows_terrain else None,
    )
    return files.levelled() if len(context.years) > 1 else files
