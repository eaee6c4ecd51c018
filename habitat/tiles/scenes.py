"""A scene: one acquisition of one sensor, with the files that hold its bands. What all of `tiles` passes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from habitat.errors import ReadError
from habitat.sensors import Sensor

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox


QUALITY_ASSETS = ("quality", "saturation")
"""Names of a scene's files that hold codes, not reflectance."""


@dataclass(frozen=True)
class Asset:
    """One band's file."""

    href: str
    """A path, or an address that has not been signed."""
    scale: float = 1.0
    """Reflectance of one digital number."""
    offset: float = 0.0
    """Reflectance of digital number 0."""
    nodata: int = 0
    """Digital number of 'no measurement'."""
    size: int | None = None
    """Bytes of the whole file, where its item says (`file:size`)."""
    checksum: str | None = None
    """Multihash of the whole file in hexadecimal digits, where its item says (`file:checksum`)."""
    grid: GeoBox | None = field(default=None, compare=False)
    """The grid that its item states, if it does. The file itself is right where the two disagree."""

    @property
    def is_here(self) -> bool:
        """Whether `href` is a path of this machine."""
        return "://" not in self.href


@dataclass(frozen=True)
class OffsetClaims:
    """What an item says of Sentinel-2's radiometric offset; each of the three is known to be wrong somewhere."""

    baseline: tuple[int, ...] | None = None
    """Processing baseline: (5, 9) for 05.09."""
    removed: bool | None = None
    """Whether the catalogue says that it has taken the offset out (`earthsearch:boa_offset_applied`)."""
    stated: float | None = None
    """Offset that the item states for its bands, in reflectance."""


Rows = tuple[tuple[float, ...], ...]
"""Numbers of a lattice, by row and column."""


@dataclass(frozen=True)
class Angles:
    """Where sun and sensor stood over a scene, seen from the ground, on a coarse lattice of nodes.

    In degrees: zenith from straight up, azimuth clockwise from north.
    """

    crs: str
    x: tuple[float, ...]
    """Of the lattice's columns."""
    y: tuple[float, ...]
    """Of its rows."""
    sun_zenith: Rows
    sun_azimuth: Rows
    view_zenith: Rows | None = None
    """None where nothing says where the sensor stood."""
    view_azimuth: Rows | None = None


@dataclass(frozen=True)
class Scene:
    """One acquisition."""

    id: str
    sensor: Sensor
    time: datetime
    """In UTC."""
    cloud_percent: float | None
    """Of the whole scene, where the item says."""
    geometry: Any
    """Footprint in degrees, as a shapely geometry; None where the item has none."""
    bands: Mapping[str, Asset]
    quality: Asset | None
    platform: str | None = None
    """`sentinel-2a`, `landsat-8`, as the item says."""
    collection: str | None = None
    tile: str | None = None
    """MGRS tile (52TEN) or WRS-2 path and row (115030), where known."""
    processed: datetime | None = None
    """When its product was made, in UTC."""
    claims: OffsetClaims | None = None
    """None for sensors whose offset never changed."""
    angles: Angles | None = None
    """None where nothing says where the sun stood, and for products that were normalised for it (HLS)."""
    saturation: Asset | None = None
    """A second quality band, of sensors that have one; a scene may lack it."""
    shift_m: tuple[float, float] = (0.0, 0.0)
    """How far to the east and north of its true place the files show the ground, in the run's grid. Reading takes it
    back (:func:`habitat.imagery.estimate_shifts` finds it)."""

    @property
    def day(self) -> date:
        """Day of acquisition (UTC; the border forest is crossed at about 02:00 UTC, far from midnight)."""
        return self.time.date()

    @property
    def assets(self) -> dict[str, Asset]:
        """All its files: the bands by name, and :data:`QUALITY_ASSETS` where there are such."""
        own = {"quality": self.quality, "saturation": self.saturation}
        return dict(self.bands) | {name: asset for name, asset in own.items() if asset is not None}

    @property
    def is_here(self) -> bool:
        """Whether all its files are named by paths of this machine."""
        return all(asset.is_here for asset in self.assets.values())

    def __repr__(self) -> str:
        return f"Scene({self.id}, {self.sensor.name}, {self.day})"


@contextmanager
def naming(scene: Scene) -> Iterator[None]:
    """Name the scene in what goes wrong as its files are read inside the block."""
    try:
        yield
    except ReadError as error:
        where = f"item {scene.id}" if error.where is None else f"item {scene.id}, {error.where}"
        raise ReadError(error.what, where=where, mend=error.mend) from error
