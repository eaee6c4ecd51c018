"""Where the animals are: cells, sightings, occupancy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from habitat.recipe.section import Section
from habitat.seasons import Season


class CellsSection(Section):
    """The survey cells."""

    size_m: Annotated[float, Field(gt=0)] | None = None
    file: str | None = None
    sizes_m: list[Annotated[float, Field(gt=0)]] = Field(default_factory=list)
    """More sizes of squares at which the share of cells is told, beside the cells' own."""
    layers: dict[str, str] = Field(default_factory=dict)
    """Name = a file of one's own: of a raster the mean by cell, of lines and points distance and density, of polygons
    distance and share."""
    edge_m: Annotated[float, Field(ge=0, le=2000)] = 100
    """Forest that is further from its edge is core."""
    large_patch_km2: Annotated[float, Field(gt=0)] = 500
    """Between patches of forest of this size corridors are looked for."""

    @model_validator(mode="after")
    def _one_kind(self) -> CellsSection:
        if (self.size_m is None) == (self.file is None):
            raise ValueError("give either size_m or file")
        for name in self.layers:
            if not name.isidentifier():  # formulas name it
                raise ValueError(f"the layer {name!r} needs a name of letters, digits and _")
        if len({self.size_m, *self.sizes_m}) <= len(self.sizes_m):
            raise ValueError("sizes_m names a size twice, or that of the cells themselves")
        return self


class SightingsSection(Section):
    """Where animals were recorded, and where someone looked."""

    files: Annotated[list[str], Field(min_length=1)]
    format: Literal["auto", "table", "camtrap_dp", "camtrapr", "smart", "gpx"] = "auto"
    """What the files are; auto tells each from its content."""
    effort: Annotated[list[str], Field(min_length=1)] | None = None
    """Deployments of cameras and tracks of patrols, where no file holds them beside the sightings; without effort
    nothing can be said of places where nothing was seen."""
    species: list[str] | None = None
    """Only these; default: all."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our column name = theirs."""
    timezone: str | None = None
    """Zone of times that carry none, such as Asia/Vladivostok. Days, seasons and occasions begin at its midnights, or
    at those of UTC if none is given."""
    crs: str | None = None
    """Reference system of coordinates that are not degrees, such as EPSG:32652."""
    dates: Literal["auto", "day_first", "month_first"] = "auto"
    """How to read 03/05/2021, where the file's other dates do not tell."""
    certain_probability: Annotated[float, Field(ge=0, le=1)] = 0.95
    """A machine's identification is certain from this probability on."""
    independent_minutes: Annotated[float, Field(ge=0)] = 30

    def named(self) -> list[str]:
        """All files."""
        return [*self.files, *(self.effort or [])]

    def may_hold_effort(self) -> bool:
        """Whether effort is named, or may lie beside the sightings: one table of records holds none."""
        tables = (".csv", ".tsv", ".txt", ".parquet", ".geoparquet")
        one_table = len(self.files) == 1 and self.files[0].lower().endswith(tables)
        return self.effort is not None or not (one_table or self.format == "table")


Formulas = str | Annotated[list[str], Field(min_length=1, max_length=16)]
"""One formula, or candidates of which the one with the least AIC counts; their average stands beside it."""


class OccupancySection(Section):
    """The model of where the animals live."""

    season: str
    occasion_days: Annotated[int, Field(ge=1)] = 10
    model: Literal["single", "dynamic", "abundance"] = "single"
    """Each season on its own; all seasons as one, in which cells are colonised and left; or each on its own, with
    detection that grows with the number of animals (Royle and Nichols 2003)."""
    psi: Formulas = "1"
    """Of presence: columns of cells.parquet. Of a dynamic model in the first season; of abundance the number."""
    p: Formulas = "1"
    """Of detection on an occasion: `effort`, `log_effort`, `occasion`, `day` and columns of cells.parquet."""
    colonisation: Formulas = "1"
    extinction: Formulas = "1"
    """Of a dynamic model, between two seasons: covariates of the season before, or with `next_` of the one after."""
    uncertain: Literal["model", "count", "drop"] = "model"
    """Of records that are not `certain`: false ones are estimated, or they count like others, or not at all."""
    fp: str = "1"
    """Of false records, and"""
    b: str = "1"
    """of how often a true one is certain; where there are uncertain ones and they are modelled."""
    covariates: list[str] = Field(default_factory=list)
    """Tables of one's own: columns out of cell, season (year) and occasion (0, 1, ...) say of what; the others may
    stand in formulas."""
    fit_draws: Annotated[int, Field(ge=0, le=10_000)] = 100
    """Simulated data sets behind the test of fit; 0 = no test."""
    home_range_km2: Annotated[float, Field(gt=0)] | None = None
    """Of one animal: it says whether cells measure use or occupancy."""
    min_cells: Annotated[int, Field(ge=1)] = 30

    @model_validator(mode="after")
    def _readable(self) -> OccupancySection:
        Season.parse("occupancy", self.season)
        if self.model != "dynamic" and (self.colonisation, self.extinction) != ("1", "1"):
            raise ValueError('colonisation and extinction need model = "dynamic"')
        return self
