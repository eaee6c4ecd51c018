"""Where, when, and what is made of the scenes: area, period, scenes."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from habitat.recipe.section import Section
from habitat.seasons import MAPPING, Season

FIRST_YEAR, LAST_YEAR = 1984, 2100
"""Landsat 5 has flown since 1984."""


Spoiler = Literal["cloud", "shadow", "cirrus", "snow", "saturated", "water"]
"""What a quality band may say of a look; see habitat.imagery.reject_bits."""


class AreaSection(Section):
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


class PeriodSection(Section):
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


class ScenesSection(Section):
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
