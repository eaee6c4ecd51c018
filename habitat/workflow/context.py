"""What all stages of a run share: its recipe, folder, scenes and grid, each worked out when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitat.errors import CatalogueError, RecipeError
from habitat.recipe import Recipe, legend_of
from habitat.seasons import Season
from habitat.store import Run, digest

if TYPE_CHECKING:
    import numpy as np
    from odc.geo.geobox import GeoBox

    from habitat.grids import Block
    from habitat.legend import Legend
    from habitat.tiles import Asset, Scene, Selection

Progress = Callable[[str, int, int], None]
"""Called with stage, units done and units in all."""

Outputs = tuple[list[Path], dict[str, Any]]
"""Files that a stage wrote, and notes for run.json."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


@dataclass
class Plan:
    """What a recipe means."""

    recipe: Recipe
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def years(self) -> tuple[int, ...]:
        """The recipe's years."""
        return self.recipe.period.year_list()

    @cached_property
    def seasons(self) -> tuple[Season, ...]:
        """The mapping season first."""
        return self.recipe.period.season_list()

    @cached_property
    def legend(self) -> Legend:
        """The recipe's legend."""
        return legend_of(self.recipe)

    @cached_property
    def area(self) -> Any:
        """The area as one shapely geometry in degrees."""
        section = self.recipe.area
        if section.bbox is not None:
            import shapely

            return shapely.box(*section.bbox)
        from habitat.records.shapes import read_area

        return read_area(self.recipe.path(section.region or ""))

    @cached_property
    def scenes(self) -> tuple[Scene, ...]:
        """The scenes that are used."""
        return self.selection.scenes

    @cached_property
    def selection(self) -> Selection:
        """The scenes that are used, and those that are not."""
        from habitat.tiles import select_scenes

        settings = self.recipe.scenes
        if "://" in settings.source:
            raise RecipeError(
                f"{settings.source} is an address: catalogues on the web cannot be searched yet",
                where="[scenes] source",
                mend="give a STAC catalogue file beside its rasters",
            )
        return select_scenes(
            self.recipe.path(settings.source),
            area=self.area,
            windows=self.windows,
            max_cloud_percent=settings.max_cloud_percent,
            collections=settings.collections,
        )

    @cached_property
    def uncovered_share(self) -> float:
        """Share of the area that lies outside every scene's footprint."""
        import shapely

        footprints = [scene.geometry for scene in self.scenes]
        if any(footprint is None for footprint in footprints):
            return 0.0
        return float(1 - shapely.union_all(footprints).intersection(self.area).area / self.area.area)

    @cached_property
    def years_unseen(self) -> tuple[int, ...]:
        """Years without a scene in the mapping season.

        Raises
        ------
        CatalogueError
            If that is so for every year.
        """
        seen = {self.seasons[0].year_of(scene.day) for scene in self.scenes}
        unseen = tuple(year for year in self.years if year not in seen)
        if len(unseen) == len(self.years):
            raise CatalogueError(
                "holds no scene in the mapping season of any year",
                where=self.recipe.path(self.recipe.scenes.source),
                mend="check [period] years and season",
            )
        return unseen

    @property
    def windows(self) -> list[tuple[date, date]]:
        """All windows of all seasons."""
        return [season.window(year) for year in self.years for season in self.seasons]

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Bands that every sensor has."""
        from habitat.tiles import common_bands

        return common_bands(self.scenes)

    @cached_property
    def grid(self) -> GeoBox:
        """The run's grid."""
        from habitat.tiles import run_grid

        section = self.recipe.area
        return run_grid(self.scenes, self.area, crs=section.crs, resolution_m=section.resolution_m)

    @cached_property
    def outline(self) -> Any:
        """The area in the grid's reference system."""
        import geopandas as gpd

        return gpd.GeoSeries([self.area], crs="EPSG:4326").to_crs(str(self.grid.crs)).iloc[0]

    def inside(self, block: Block | None = None) -> np.ndarray:
        """Which pixels (y, x) of the grid, or of a block of it, lie in the area."""
        from habitat.grids import crop, rasterize

        grid = self.grid if block is None else crop(self.grid, block)
        return rasterize([self.outline], [1], grid) > 0


@dataclass(kw_only=True)
class Context(Plan):
    """A run at work."""

    run: Run
    executor: Executor
    progress: Progress = no_progress

    def scene_digests(self) -> dict[str, str]:
        """Digest of each scene's files and of what its item says."""
        digests = {}
        for scene in self.scenes:
            files = {
                name: (self._content(asset), asset.scale, asset.offset, asset.nodata)
                for name, asset in scene.assets.items()
            }
            digests[scene.id] = digest([scene.sensor.name, scene.time.isoformat(), scene.claims, files])
        return digests

    def _content(self, asset: Asset) -> str:
        """What stands for a file's content: its digest, or the name of one that is not there."""
        path = Path(asset.href)
        return self.run.digests.digest_of(path) if path.is_file() else asset.href
