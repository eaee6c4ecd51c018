"""The recipe: TOML in, frozen and checked settings out.

Paths are relative to the recipe's own folder. An unknown key is an error that names it and the nearest
known one; a section that is left out is a stage that is not run.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from habitat.errors import RecipeError
from habitat.legend import BROAD_LEGEND, DEFAULT_LEGEND, LandCover, Legend
from habitat.seasons import MAPPING, Season

FIRST_YEAR, LAST_YEAR = 1984, 2100
"""Landsat 5 has flown since 1984."""


Spoiler = Literal["cloud", "shadow", "cirrus", "snow", "saturated", "water"]
"""What a quality band may say of a look; see habitat.imagery.reject_bits."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class AreaSection(_Section):
    """Where."""

    name: str = Field(min_length=1)
    region: str | None = None
    """A file of polygons; their union is the area."""
    bbox: tuple[float, float, float, float] | None = None
    """west, south, east, north in degrees."""
    crs: str | None = None
    """The run's reference system; default: that of the scenes, so that nothing is warped."""
    resolution_m: Annotated[float, Field(gt=0)] | None = None
    """Default: 20 with any Sentinel-2, else 30."""

    @field_validator("bbox", mode="before")
    @classmethod
    def _four_numbers(cls, value: Any) -> Any:
        if value is None:
            return None
        numbers = isinstance(value, list) and [v for v in value if isinstance(v, int | float)]
        if not numbers or not len(numbers) == len(value) == 4:
            raise ValueError("bbox takes four numbers: west, south, east, north in degrees")
        return tuple(float(v) for v in numbers)

    @model_validator(mode="after")
    def _one_area(self) -> AreaSection:
        if (self.region is None) == (self.bbox is None):
            raise ValueError("give either region or bbox")
        if self.bbox is not None:
            west, south, east, north = self.bbox
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise ValueError("bbox is not west, south, east, north in degrees")
        return self


_NOT_SEASONS = ("sensors", "harmonics", "level", "cos", "sin", "cos2", "sin2", "scatter")
"""Files are named after seasons, and predictors too: `2019_sensors.tif`, `ndvi_level`."""


class PeriodSection(_Section):
    """When."""

    years: str
    """Like 2016-2025, or one year."""
    season: str = "06-01/09-15"
    """The mapping season: the one that a year's map stands for."""
    seasons: dict[str, str] = Field(default_factory=dict)
    """More seasons by name; they help to tell classes apart."""

    @field_validator("years", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _readable(self) -> PeriodSection:
        self.year_list()
        self.season_list()
        return self

    def year_list(self) -> tuple[int, ...]:
        """All years, ascending."""
        parts = [part.strip() for part in self.years.split("-")]
        if not 1 <= len(parts) <= 2 or not all(part.isdigit() for part in parts):
            raise ValueError(f"years = {self.years!r} is not like 2016-2025")
        first, last = int(parts[0]), int(parts[-1])
        if not FIRST_YEAR <= first <= last <= LAST_YEAR:
            raise ValueError(f"years = {self.years!r} does not run forward between {FIRST_YEAR} and {LAST_YEAR}")
        return tuple(range(first, last + 1))

    def season_list(self) -> tuple[Season, ...]:
        """The mapping season first, then the others as written."""
        for name in self.seasons:
            if name == MAPPING or not name.isidentifier() or name.endswith(_NOT_SEASONS):
                raise ValueError(f"{name!r} cannot be the name of a season")
        return (
            Season.parse(MAPPING, self.season),
            *(Season.parse(name, text) for name, text in self.seasons.items()),
        )


class ScenesSection(_Section):
    """From which scenes."""

    source: str
    """A STAC file, a folder of downloaded products, the name of a catalogue on the web, or a STAC API's address."""
    collections: list[str] | None = None
    """Only these collections."""
    max_cloud_percent: Annotated[float, Field(ge=0, le=100)] = 90
    mask: Literal["product", "history", "spectral", "none"] = "product"
    """What decides that a look is clear: the product's own quality band, that and the pixel's history, the look's own
    spectra, or nothing but its fill."""
    reject: list[Spoiler] = Field(default=["cloud", "shadow", "cirrus", "snow", "saturated"])
    """What spoils a look."""
    margin_m: Annotated[float, Field(ge=0, le=1000)] = 40
    """How far clouds, cirrus and shadows spoil their surroundings."""
    bands: Literal["own", "common"] = "own"
    """Whether reflectance stays as each product says, or is taken to one sensor's bands (OLI)."""
    view: Literal["own", "nadir", "learned"] = "own"
    """Whether looks stay as they were seen, or are taken to a view from straight above: by published weights, or by how
    much the area itself minds directions."""
    relief: Literal["own", "shade", "level"] = "own"
    """Whether hills stay as they are lit, their shadows are masked, or slopes are levelled besides."""
    dem: str | None = None
    """Heights: a GeoTIFF or a folder of them; default: the fetched layer `dem`."""
    align: bool = False
    """Whether looks that lie beside the others are taken back to their place."""
    sharpness: Literal["own", "common"] = "own"
    """Whether looks stay as sharp as they are, or become as sharp as those of the run's coarsest sensor."""
    composite: Literal["median", "medoid"] = "median"
    """Whether a season's picture is each band's median, or all bands of the look nearest to it."""
    folder: str = "scenes"
    """Where scenes from the web are kept."""
    on_missing: Literal["error", "report"] = "error"
    """What becomes of a scene that cannot be had after all: the run stops, or goes on without it and says so."""
    layers: list[str] = Field(default_factory=list)
    """Maps that do not change, fetched beside the scenes: dem, worldcover, ... where the catalogue has them."""

    @model_validator(mode="after")
    def _masked(self) -> ScenesSection:
        if self.align and self.mask == "none":
            raise ValueError("align needs a mask: the edges of clouds are no edges of the ground")
        return self

    @field_validator("source")
    @classmethod
    def _no_secrets(cls, value: str) -> str:
        parts = urlsplit(value)
        if "://" in value and (parts.query or parts.username or parts.password):
            raise ValueError("source holds a key or password: those belong in the environment, never in a recipe")
        return value


class ForestSection(_Section):
    """How forest is told from the rest."""

    training: str
    """Points or polygons with a column `code` (and perhaps `date`), a raster of codes, or a map and its tiles."""
    training_map: Literal["codes", "worldcover", "gfc", "tree_cover"] = "codes"
    """What a raster holds: codes of the legend, or ESA WorldCover's classes, Global Forest Change's layers
    (treecover2000 and lossyear), percent of tree cover: these are translated, see habitat.records.covers."""
    training_codes: dict[str, int] = Field(default_factory=dict)
    """Legend code of a map's value where it is not the stated one; 0 = no label."""
    training_cover_percent: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        default=[20, 50], min_length=2, max_length=2
    )
    """Of maps of tree cover: not forest up to the first, forest from the second on, between them no label."""
    training_edge_m: Annotated[float, Field(ge=0, le=1000)] = 0
    """How far from the edge of a polygon, or from a raster's next class, there is no label."""
    training_year: int | None = None
    """The year in which labels without a date were true; default: the year whose scenes they fit best."""
    legend: str | None = None
    clean_labels: bool = False
    """Whether labels that what was seen contradicts are left out, where there are more of them than usual."""
    features: Annotated[
        list[Literal["bands", "indices", "harmonics", "terrain", "texture", "looks"]], Field(min_length=1)
    ] = ["bands", "indices", "harmonics"]
    """What the classifier is shown: see habitat.forest_features. Terrain counts where there are heights."""

    @model_validator(mode="after")
    def _translated(self) -> ForestSection:
        if not {"bands", "indices", "harmonics"}.intersection(self.features):
            raise ValueError("features needs bands, indices or harmonics: the rest alone says nothing of what grows")
        if self.training_codes and self.training_map == "codes":
            raise ValueError("training_codes translates a map: say which in training_map")
        if self.training_cover_percent[0] >= self.training_cover_percent[1]:
            raise ValueError("training_cover_percent takes two ascending numbers, such as [20, 50]")
        return self


class ChangeSection(_Section):
    """What counts as a loss, and what is asked about it."""

    min_patch_ha: Annotated[float, Field(ge=0)] = 0.5
    evidence: list[Literal["maps", "trajectories", "breaks"]] = Field(default=["maps", "trajectories"])
    """Yearly maps, always; segments of the yearly composites; breaks in all looks of the years."""
    kinds: bool = False
    """Whether looks are read once more to tell what happened to each patch."""

    @model_validator(mode="after")
    def _with_maps(self) -> ChangeSection:
        if "maps" not in self.evidence:
            raise ValueError("evidence needs maps: nothing else knows what is forest")
        return self


class AssessSection(_Section):
    """How many places people look at, to tell how right the maps are and how large areas."""

    classes: Literal["forest", "legend"] = "forest"
    """What interpreters tell apart: forest and not forest, or all classes of the legend."""
    target_se: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    """Standard error that overall accuracy is to have."""
    samples: Annotated[int, Field(ge=4)] | None = None
    """So many in all instead."""
    least: Annotated[int, Field(ge=2)] = 50
    """In every stratum."""
    allocation: Literal["proportional", "equal", "optimal"] = "proportional"
    """How the rest is shared among strata."""
    expected_loss: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """User's accuracy that mapped loss is expected to have."""
    expected_stable: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """And the rest of the map."""
    near_loss_m: Annotated[float, Field(ge=0)] = 0
    """A belt of this width around mapped loss is a stratum of its own: omitted loss hides there."""
    chip_m: Annotated[float, Field(ge=60, le=10_000)] = 600
    """Side of the pictures that interpreters see."""
    seed: Annotated[int, Field(ge=0)] = 1
    answers: str | None = None
    """The filled-in sheet; default: the one in the run's folder, once something is typed into it."""


class CellsSection(_Section):
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


class SightingsSection(_Section):
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
    """Zone of times that carry none, such as Asia/Vladivostok."""
    crs: str | None = None
    """Reference system of coordinates that are not degrees, such as EPSG:32652."""
    dates: Literal["auto", "day_first", "month_first"] = "auto"
    """How to read 03/05/2021, where the file's other dates do not tell."""
    certain_probability: Annotated[float, Field(ge=0, le=1)] = 0.95
    """A machine's identification is certain from this probability on."""
    independent_minutes: Annotated[float, Field(ge=0)] = 30

    @field_validator("files", "effort", "species", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    def named(self) -> list[str]:
        """All files."""
        return [*self.files, *(self.effort or [])]

    def may_hold_effort(self) -> bool:
        """Whether effort is named, or may lie beside the sightings: one table of records holds none."""
        tables = (".csv", ".tsv", ".txt", ".parquet", ".geoparquet")
        one_table = len(self.files) == 1 and self.files[0].lower().endswith(tables)
        return self.effort is not None or not (one_table or self.format == "table")


Formulas = str | Annotated[list[str], Field(min_length=1, max_length=16)]
"""One formula, or candidates of which the one with the least AIC counts."""


class OccupancySection(_Section):
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


class OutputSection(_Section):
    """Where to."""

    folder: str


class Recipe(_Section):
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
        """Of which days scenes are asked for: all seasons, or whole years where breaks are looked for."""
        years = self.period.year_list()
        if "breaks" in self.loss_ways:
            return [(date(year, 1, 1), date(year, 12, 31)) for year in years]
        return [season.window(year) for year in years for season in self.period.season_list()]

    @property
    def change_reads_looks(self) -> bool:
        """Whether the change stage goes back to the scenes."""
        return self.change is not None and ("breaks" in self.change.evidence or self.change.kinds)

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


def read_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        If the file is missing or broken, or a key is unknown, missing or impossible.
    """
    path = Path(path).resolve()
    settings = _read_toml(path)
    if "file" in settings:  # it is a field of Recipe, but not one to be set
        raise RecipeError("unknown key 'file'", where=path, mend="remove it")
    try:
        return Recipe.model_validate({**settings, "file": path})
    except ValidationError as error:
        raise _first_fault(path, error) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"is not TOML: {error}", where=path, mend="mend that line") from error
    except UnicodeDecodeError as error:
        raise RecipeError("is not UTF-8 text", where=path, mend="save it as UTF-8") from error
    except OSError as error:
        raise RecipeError(
            f"cannot be read ({error.strerror})", where=path, mend="`habitat init` writes one to start from"
        ) from error


def _first_fault(path: Path, error: ValidationError) -> RecipeError:
    """One line for the first fault; a misspelt key comes before the key that it makes missing."""
    first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return RecipeError(f"unknown key {key!r}", where=path, mend=_nearest(first["loc"]))
    mend = "`habitat init` writes a recipe with every key"
    if first["type"] == "missing":
        kind = "section" if len(first["loc"]) == 1 else "key"
        return RecipeError(f"{kind} {key!r} is missing", where=path, mend=mend)
    if first["type"] == "literal_error":
        words = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        near = difflib.get_close_matches(str(first["input"]).lower(), words, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else mend
    said = first["msg"].removeprefix("Value error, ")
    return RecipeError(f"{key}: {said}" if key else said, where=path, mend=mend)


def _nearest(loc: tuple[int | str, ...]) -> str:
    model: Any = Recipe
    for part in loc[:-1]:
        field = model.model_fields.get(part)
        options = [] if field is None else [field.annotation, *getattr(field.annotation, "__args__", ())]
        model = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if model is None:
            return "remove it"
    known = [name for name in model.model_fields if model is not Recipe or name != "file"]
    near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"


def read_legend(path: Path) -> Legend:
    """Read a legend: `[[class]]` tables with code, name, color and forest.

    Raises
    ------
    RecipeError
        If a class lacks a key, or the legend is impossible.
    """
    rows = _read_toml(path).get("class")
    if not isinstance(rows, list) or not rows:
        raise RecipeError("holds no [[class]]", where=path, mend="give each class code, name, color and forest")
    try:
        classes = tuple(
            LandCover(_of(row, "code", int), _of(row, "name", str), _of(row, "color", str), _of(row, "forest", bool))
            for row in rows
        )
    except (KeyError, TypeError) as error:
        raise RecipeError(
            f"a [[class]] lacks or garbles {error}", where=path, mend="give each class code, name, color and forest"
        ) from error
    try:
        return Legend(classes)
    except RecipeError as error:
        raise RecipeError(error.what, where=path, mend=error.mend) from error


def _of(row: dict[str, Any], key: str, kind: type) -> Any:
    if type(row[key]) is not kind:  # forest = "no" is no truth value
        raise TypeError(f"{key} = {row[key]!r}")
    return row[key]


def legend_of(recipe: Recipe) -> Legend:
    """The recipe's legend, or the default one: of a map that was translated the broad one, as it knows no more."""
    if recipe.forest is None or recipe.forest.legend is None:
        translated = recipe.forest is not None and recipe.forest.training_map != "codes"
        return BROAD_LEGEND if translated else DEFAULT_LEGEND
    return read_legend(recipe.path(recipe.forest.legend))
