"""What the classifier is shown of a block: read from the run's composites, the year's course and the ground."""

from __future__ import annotations

from dataclasses import dataclass, replace
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

    @property
    def years(self) -> tuple[int, ...]:
        """Years of the composites."""
        return tuple(dict.fromkeys(year for year, _ in self.composites))

    def of_year(self, year: int) -> FeatureFiles:
        """Return the files of one year: a year at a time takes less memory."""
        composites = {key: path for key, path in self.composites.items() if key[0] == year}
        return replace(self, composites=composites)

    def read(self, block: Block) -> xr.Dataset:
        """Return the FEATURES of a block, the same wherever blocks are cut."""
        wide, core = widen(block, self.grid, feature_margin(self.groups))
        composite = read_composites(self.composites, self.bands, wide)
        features = forest_features(
            composite, groups=self.groups, harmonics=self._read_harmonics(wide), terrain=self._read_terrain(wide)
        )
        return features.isel(y=core[0], x=core[1])

    def _read_harmonics(self, block: Block) -> xr.Dataset | None:
        if not self.harmonics:
            return None
        packed = np.stack([read_raster(self.harmonics[year], block)[0] for year in self.years], axis=1)
        values = np.where(packed == NODATA, np.float32(np.nan), packed / np.float32(REFLECTANCE_SCALE))
        names = harmonic_names(self.bands)
        data = {name: (FEATURES.dims, layer) for name, layer in zip(names, values, strict=True)}
        return xr.Dataset(data, coords={"year": list(self.years)})

    def _read_terrain(self, block: Block) -> xr.Dataset | None:
        if self.terrain is None:
            return None
        layers = read_raster(self.terrain, block)[0]
        return xr.Dataset({name: (("y", "x"), layer) for name, layer in zip(TERRAIN, layers, strict=True)})


def feature_files(context: Context) -> FeatureFiles:
    """Return the files from which the predictors of all years are made."""
    section = context.recipe.forest
    assert section is not None
    shows_terrain = "terrain" in section.features and f"composites/{TERRAIN_FILE}" in context.run.outputs("composite")
    return FeatureFiles(
        context.grid,
        tuple(section.features),
        composite_bands(context),
        composite_paths(context, context.years),
        {year: harmonics_path(context, year) for year in context.years} if "harmonics" in section.features else {},
        context.run.path("composites", TERRAIN_FILE) if shows_terrain else None,
    )
