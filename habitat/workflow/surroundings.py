"""What lies around and under the cells of a run: patches and corridors by year, terrain, layers of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.errors import RecipeError
from habitat.grids import Block, resample_bilinear, resample_mean, window_over
from habitat.landscape import (
    ForestGrid,
    corridor_covariate,
    find_corridors,
    forest_grid,
    forest_patches,
    forest_resistance,
    patch_covariates,
    terrain_covariates,
    vector_covariates,
    zonal_mean,
)
from habitat.records import read_shapes
from habitat.store import open_raster, read_raster
from habitat.workflow.context import Context

_RASTERS = (".tif", ".tiff", ".jp2")
_MOST_LARGE = 8
"""Of the large patches so many, the largest, are connected."""


@dataclass(frozen=True, eq=False)
class RasterRows:
    """The first band of a file, whose rows are read when they are asked for."""

    path: Path
    shape: tuple[int, int]

    @classmethod
    def of(cls, path: Path) -> RasterRows:
        """Look at a file's size."""
        with open_raster(path) as file:
            return cls(path, (file.height, file.width))

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Read rows."""
        block = Block(0, slice(rows.start, rows.stop), slice(0, self.shape[1]))
        return np.asarray(read_raster(self.path, block)[0][0])


@dataclass(frozen=True, eq=False)
class Pattern:
    """The patches of forest of one year, and the ways between the large ones."""

    forest: ForestGrid
    numbers: np.ndarray
    patches: Any
    corridors: Any
    detour: np.ndarray


class Surroundings:
    """Covariates that cells have from more than their own pixels' classes."""

    def __init__(self, context: Context) -> None:
        section = context.recipe.cells
        assert section is not None
        self._context, self._section = context, section

    def pattern(self, year: int, layer: RasterRows) -> Pattern:
        """Find patches and corridors in the map of `year`."""
        context, section = self._context, self._section
        forest = forest_grid(layer, grid=context.grid, legend=context.legend)
        numbers, patches = forest_patches(forest, edge_m=section.edge_m)
        large = patches[patches["area_km2"] >= section.large_patch_km2].nlargest(_MOST_LARGE, "area_km2")
        resistance = forest_resistance(forest)
        corridors, detour = find_corridors(resistance, numbers, forest=forest, large=sorted(large["patch"]))
        patches = patches.assign(large=patches["area_km2"] >= section.large_patch_km2)
        patches = patches.assign(connected=patches["patch"].isin(large["patch"]))
        if (left := int(patches["large"].sum()) - len(large)) > 0:
            context.warnings.append(
                f"{year}: of {left + len(large)} large patches only the {len(large)} largest are connected by corridors"
            )
        patches.insert(0, "year", year)
        corridors.insert(0, "year", year)
        return Pattern(forest, numbers, patches, corridors, detour)

    def of_pattern(self, pattern: Pattern, survey: Any) -> pd.DataFrame:
        """Return what a year's patches and corridors mean to each cell."""
        n = len(survey.cells)
        table = patch_covariates(
            pattern.forest, pattern.numbers, pattern.patches, survey.zones, n, edge_m=self._section.edge_m
        )
        return table.assign(corridor_detour=corridor_covariate(pattern.detour, pattern.forest, survey.zones, n))

    def lasting(self, survey: Any) -> pd.DataFrame:
        """Return what does not change over the years: terrain where heights are known, and the user's layers."""
        parts = [pd.DataFrame(index=range(len(survey.cells)))]
        from habitat.tiles import read_heights
        from habitat.workflow.heights import ground_heights

        if files := ground_heights(self._context):
            grid = self._context.grid

            def heights(rows: slice) -> np.ndarray:
                return read_heights(files, grid[rows, slice(0, grid.shape.x)])

            side = abs(grid.transform.a)
            parts.append(terrain_covariates(heights, survey.zones, len(survey.cells), pixel_m=side))
        for name, file in self._section.layers.items():
            path = self._context.recipe.path(file)
            if path.suffix.lower() in _RASTERS:
                parts.append(pd.DataFrame({name: self._raster_mean(path, survey)}))
            else:
                shapes = read_shapes(path, error=RecipeError, mend="[cells] layers takes vector files and GeoTIFFs")
                parts.append(vector_covariates(survey.cells, shapes, name=name))
        return pd.concat(parts, axis=1)

    def _raster_mean(self, path: Path, survey: Any) -> np.ndarray:
        """Mean of a raster in each cell, over the parts that are known."""
        grid = self._context.grid
        with open_raster(path) as file:
            own, nodata = GeoBox.from_rio(file), file.nodata
            if own.crs is None or file.count != 1:
                what = f"{file.count} bands, not one" if own.crs is not None else "no reference system"
                raise RecipeError(f"has {what}", where=path, mend="[cells] layers takes georeferenced single bands")

            def rows_of(rows: slice) -> np.ndarray:
                part = grid[rows, slice(0, grid.shape.x)]
                down, across = window_over(own.pad(2), part)
                down, across = (
                    slice(max(some.start - 4, 0), max(min(some.stop, n), 0))
                    for some, n in zip((down, across), own.shape, strict=True)
                )
                if down.stop <= down.start or across.stop <= across.start:
                    return np.full(part.shape, np.nan, dtype=np.float32)
                window = ((down.start, down.stop), (across.start, across.stop))
                values = file.read(1, window=window).astype(np.float32)
                if nodata is not None:
                    values[values == np.float32(nodata)] = np.nan
                here = own[down, across]
                finer = own.crs == grid.crs and abs(own.transform.a) < abs(grid.transform.a)
                return resample_mean(values, here, part) if finer else resample_bilinear(values, here, part)

            return zonal_mean(rows_of, survey.zones, len(survey.cells))[0]


def with_columns(table: Any, more: pd.DataFrame) -> Any:
    """Put columns before the geometry of a table of one year."""
    geometry = table.geometry
    joined = pd.concat([pd.DataFrame(table.drop(columns="geometry")), more.set_axis(table.index)], axis=1)
    return gpd.GeoDataFrame(joined, geometry=geometry, crs=geometry.crs)
