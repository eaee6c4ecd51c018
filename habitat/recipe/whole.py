"""All sections together, and what they demand of each other."""

from __future__ import annotations

from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field, model_validator

from habitat.recipe.animals import CellsSection, OccupancySection, SightingsSection
from habitat.recipe.images import AreaSection, PeriodSection, ScenesSection
from habitat.recipe.maps import AssessSection, ChangeSection, ForestSection
from habitat.recipe.section import Section


class OutputSection(Section):
    """Where to."""

    folder: str


class Recipe(Section):
    """Everything a run is told."""

    area: AreaSection
    period: PeriodSection
    scenes: ScenesSection
    forest: ForestSection | None = None
    change: ChangeSection | None = None
    assess: AssessSection | None = None
    cells: CellsSection | None = None
    sightings: SightingsSection | None = None
    occupancy: OccupancySection | None = None
    output: OutputSection
    file: Path = Field(exclude=True)

    @model_validator(mode="after")
    def _sections_meet(self) -> Recipe:
        for section, needed in (
            ("change", "forest"),
            ("assess", "forest"),
            ("cells", "forest"),
            ("sightings", "cells"),
            ("occupancy", "sightings"),
        ):
            if getattr(self, section) is not None and getattr(self, needed) is None:
                raise ValueError(f"[{section}] needs a section [{needed}]")
        if self.forest is not None and self.forest.training_year not in (None, *self.period.year_list()):
            raise ValueError(f"[forest] training_year = {self.forest.training_year} lies outside [period] years")
        if self.occupancy is not None and self.sightings is not None and not self.sightings.may_hold_effort():
            raise ValueError("[occupancy] needs effort in [sightings]: where nobody looked, nothing is known")
        return self

    def path(self, relative: str) -> Path:
        """A path of the recipe, from its own folder."""
        return (self.file.parent / relative).resolve()

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.path(self.output.folder)

    @property
    def loss_ways(self) -> tuple[str, ...]:
        """What loss is told from, in the order of the work."""
        asked = () if self.change is None else self.change.evidence
        return tuple(way for way in ("maps", "trajectories", "breaks") if way in asked)

    def windows(self) -> list[tuple[date, date]]:
        """Of which days scenes are asked for: all seasons, and whole years where breaks or burns are looked for."""
        years = self.period.year_list()
        seasons = [season.window(year) for year in years for season in self.period.season_list()]
        if "breaks" not in self.loss_ways and (self.change is None or not self.change.burns):
            return seasons
        first, last = min(start for start, _ in seasons), max(end for _, end in seasons)  # may cross New Year
        whole = [(date(year, 1, 1), date(year, 12, 31)) for year in years]
        whole[0] = min(first, whole[0][0]), whole[0][1]
        whole[-1] = whole[-1][0], max(last, whole[-1][1])
        return whole

    @property
    def change_reads_looks(self) -> bool:
        """Whether the change stage goes back to the scenes."""
        change = self.change
        return change is not None and ("breaks" in change.evidence or change.kinds or change.burns)

    def files(self) -> dict[str, list[str]]:
        """The files that each section names, beyond area and scenes."""
        named: dict[str, list[str | None]] = {}
        if self.scenes.dem is not None:
            named["scenes"] = [self.scenes.dem]
        if self.forest is not None:
            named["forest"] = [self.forest.training, self.forest.legend]
        if self.cells is not None:
            named["cells"] = [self.cells.file, *self.cells.layers.values()]
        if self.sightings is not None:
            named["sightings"] = [part for file in self.sightings.named() for part in self._parts(file)]
        if self.occupancy is not None and self.occupancy.covariates:
            named["occupancy"] = [*self.occupancy.covariates]
        return {section: [file for file in files if file is not None] for section, files in named.items()}

    def _parts(self, file: str) -> list[str]:
        """A file; of a data package, named by its folder or its description, all its tables but the pictures'."""
        path = self.path(file)
        folder = path.parent if path.name == "datapackage.json" else path
        if not folder.is_dir():
            return [file]
        root = PurePosixPath(file).parent if folder != path else PurePosixPath(file)
        parts = sorted(p.name for p in folder.iterdir() if p.suffix in (".csv", ".json") and p.name != "media.csv")
        return [str(root / name) for name in parts] or [file]

    def resolved(self) -> dict[str, Any]:
        """All settings with their defaults, without what is unset: what is written into the run."""
        return self.model_dump(mode="json", exclude_none=True)
