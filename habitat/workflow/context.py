"""What all stages of a run share: its recipe, folder, scenes and grid, each worked out when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
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
    from habitat.tiles import Asset, Index, Provider, Remote, Scene, Selection, Settled

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
    executor: Executor | None = None
    """Where pixels are looked at; default: here."""
    progress: Progress = no_progress
    warnings: list[str] = field(default_factory=list)
    downloads_name: str = ""  # what the files that list the downloads begin with

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

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """The scenes that are used."""
        return self.selection.scenes

    @cached_property
    def source(self) -> str | Path:
        """Where the recipe finds scenes: the name or address of a catalogue on the web, or a file of this machine."""
        from habitat.tiles import PROVIDERS, names_provider

        written = self.recipe.scenes.source
        path = self.recipe.path(written)
        if not path.exists() and names_provider(written):
            return written
        if not path.exists() and (near := get_close_matches(written, PROVIDERS, n=1)):
            raise RecipeError(
                f"{written!r} is no file here and no catalogue's name",
                where="[scenes] source",
                mend=f"did you mean {near[0]!r}?",
            )
        return path if self.index is None else self.index.catalogue

    @cached_property
    def index(self) -> Index | None:
        """What a folder of downloaded products holds; None if the source is no such folder."""
        from habitat.tiles import index_products

        path = self.recipe.path(self.recipe.scenes.source)
        return index_products(path, executor=self.executor, progress=self.progress) if path.is_dir() else None

    @property
    def provider(self) -> Provider | None:
        """Who is asked for scenes; None if they are listed in a file of this machine."""
        from habitat.tiles import provider_for

        return provider_for(self.source) if isinstance(self.source, str) else None

    def _refuse_layers(self) -> None:
        """Raise for the first of `[scenes] layers` that the source does not have: it would be left out in silence.

        Raises
        ------
        RecipeError
        """
        from habitat.tiles import PROVIDERS

        known = sorted({name for provider in PROVIDERS.values() for name in provider.layers})
        for name in self.recipe.scenes.layers:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                mend = f"did you mean {near[0]!r}? known are" if near else "known are"
                raise RecipeError(f"unknown layer {name!r}", where="[scenes] layers", mend=f"{mend} {', '.join(known)}")
            if self.provider is None:
                raise RecipeError(
                    f"layer {name!r} needs a catalogue on the web, and the source is on this machine",
                    where="[scenes] layers",
                    mend="remove it from the list" + ("; heights of your own go into dem" if name == "dem" else ""),
                )
            if name not in self.provider.layers:
                has = ", ".join(self.provider.layers) or "none"
                raise RecipeError(
                    f"{self.provider.name} has no layer {name!r}",
                    where="[scenes] layers",
                    mend=f"it has {has}: remove it from the list",
                )

    @cached_property
    def remote(self) -> Remote:
        """The way to the web."""
        from habitat.tiles import Remote

        return Remote(self.provider)

    @cached_property
    def offered(self) -> Selection:
        """The scenes that the source offers and the rules choose, wherever their files are."""
        from habitat.tiles import select_scenes

        self._refuse_layers()
        settings = self.recipe.scenes
        found = select_scenes(
            self.source,
            area=self.area,
            windows=self.windows,
            max_cloud_percent=settings.max_cloud_percent,
            collections=settings.collections,
            remote=None if self.provider is None else self.remote,
        )
        refused = {} if self.index is None else self.index.refused
        return replace(found, left_out={**found.left_out, **refused})

    @cached_property
    def selection(self) -> Selection:
        """The scenes that are used, and those that are not: as they were fetched, where the recipe's were."""
        from habitat.workflow.downloads import read_downloads

        if self.provider is None and all(scene.is_here for scene in self.offered.scenes):
            return self.offered
        return read_downloads(self) or self.offered

    @cached_property
    def settled(self) -> Settled:
        """The scenes with the offset that their pixels have, and those that cannot be trusted.

        Raises
        ------
        CatalogueError
            If none can be trusted.
        GridError
            If a file of a scene lies elsewhere than its others.
        """
        from habitat.tiles import Settled, refuse_strays, settle_offsets

        if not all(scene.is_here for scene in self.scenes):
            return Settled(self.scenes, {}, {})  # pixels that are not here cannot be asked
        refuse_strays(self.scenes)
        settled = settle_offsets(self.scenes, self.grid, executor=self.executor)
        if not settled.scenes:
            first = next(iter(settled.refused.values()))
            raise CatalogueError(
                f"no scene's offset can be trusted ({first})", where=self.source, mend="add scenes of clear days"
            )
        return settled

    @cached_property
    def missing(self) -> list[dict[str, str]]:
        """What could not be fetched: scene, asset and reason of each hole."""
        from habitat.workflow.downloads import read_record

        if self.provider is None and all(scene.is_here for scene in self.offered.scenes):
            return []
        record = read_record(self)
        return [] if record is None else list(record["missing"])

    @property
    def downloads_folder(self) -> Path:
        """Where scenes from the web are kept."""
        return self.recipe.path(self.recipe.scenes.folder)

    @cached_property
    def uncovered_share(self) -> float:
        """Share of the area that lies outside the footprints of all scenes that can be trusted."""
        import shapely

        footprints = [scene.geometry for scene in self.settled.scenes]
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
        seen = {self.seasons[0].year_of(scene.day) for scene in self.settled.scenes}
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
        """Of which days scenes are asked for."""
        return self.recipe.windows()

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
        return run_grid(self.scenes, self.area, crs=section.crs, resolution_m=section.resolution_m, remote=self.remote)

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

    def scene_digests(self) -> dict[str, str]:
        """Digest of each scene's files and of what its item says."""
        digests = {}
        for scene in self.scenes:
            files = {
                name: (self._content(asset), asset.scale, asset.offset, asset.nodata)
                for name, asset in scene.assets.items()
            }
            said = [scene.sensor.name, scene.platform, scene.time.isoformat(), scene.claims, scene.angles]
            digests[scene.id] = digest([*said, files])
        return digests

    def _content(self, asset: Asset) -> str:
        """What stands for a file's content: its digest, or the name of one that is not there."""
        return self.run.digests.digest_of(path) if (path := Path(asset.href)).is_file() else asset.href
