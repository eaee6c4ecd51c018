"""What a product's metadata says: which of its files is which band, what their numbers mean, where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.errors import GridError, HabitatError
from habitat.sensors import Sensor
from habitat.tiles.scenes import Angles, OffsetClaims

_CLOSE = 0.01
"""Of a pixel, by which corners may miss a whole number of them."""
_NEARLY_SQUARE = 0.05
"""By how much the two sides of a reduced product's pixels may differ; real ones differ by 2%."""


@dataclass(frozen=True)
class Layer:
    """One file of a product."""

    member: str
    """Its name within the product."""
    scale: float = 1.0
    """Reflectance of one digital number."""
    offset: float = 0.0
    """Reflectance of digital number 0."""
    nodata: int = 0


@dataclass(frozen=True)
class Placement:
    """Where metadata say that pixels lie, for files that do not say it themselves."""

    crs: str
    corners: tuple[float, float, float, float]
    """West, south, east and north of the outermost pixels' *centres*."""
    shape: tuple[int, int]
    """Rows and columns."""
    cell: float
    """Side of a pixel."""
    where: str
    """The file that says so."""

    @property
    def grid(self) -> GeoBox:
        """The ground that is stated, in pixels of about the stated size."""
        west, south, east, north = self.corners
        (rows, cols), half = self.shape, self.cell / 2
        width, height = (east - west + self.cell) / cols, (north - south + self.cell) / rows
        return GeoBox(self.shape, Affine(width, 0, west - half, 0, -height, north + half), self.crs)

    def edges(self, shape: tuple[int, int], *, corners_are_fill: bool) -> tuple[float, ...]:
        """Return the affine coefficients (a, b, c, d, e, f) of a file of `shape` rows and columns.

        The file's own shape decides. A product that was reduced has fewer and other pixels than its metadata say; so
        has a piece cut from it, which lies elsewhere: whole scenes stand askew in their rectangle, so their corners
        are fill, and that tells the two apart.

        Raises
        ------
        GridError
            If corners, shape and size of pixels do not fit together.
        """
        west, south, east, north = self.corners
        rows, cols = shape
        if self._fits(shape):
            width = (east - west) / (cols - 1)
            height = (north - south) / (rows - 1)
            return (width, 0.0, west - width / 2, 0.0, -height, north + height / 2)
        ratio = (self.shape[0] / rows) / (self.shape[1] / cols)
        reduced = rows < self.shape[0] and cols < self.shape[1] and abs(ratio - 1) < _NEARLY_SQUARE
        if not (reduced and corners_are_fill and self._fits(self.shape)):
            raise GridError(
                f"states corners, {self.shape[0]} x {self.shape[1]} pixels and a size of {self.cell:g} m that do not "
                f"fit its files of {rows} x {cols}",
                where=self.where,
                mend="the files carry no place of their own: use the product as it was published",
            )
        half = self.cell / 2
        width, height = (east - west + self.cell) / cols, (north - south + self.cell) / rows
        return (width, 0.0, west - half, 0.0, -height, north + half)

    def _fits(self, shape: tuple[int, int]) -> bool:
        """Whether so many pixels of the stated size reach from corner to corner."""
        west, south, east, north = self.corners
        spans = ((north - south, shape[0]), (east - west, shape[1]))
        return all(n > 1 and abs(span / self.cell - (n - 1)) < _CLOSE for span, n in spans)


@dataclass(frozen=True)
class Product:
    """A product that is understood, before any pixel is read."""

    name: str
    sensor: Sensor
    time: datetime
    processed: datetime | None
    platform: str
    collection: str
    tile: str | None
    cloud_percent: float | None
    footprint: Any
    """Shapely geometry in degrees; None: that of its files."""
    claims: OffsetClaims | None
    layers: Mapping[str, Layer]
    """Bands by our names, and `quality`."""
    placement: Placement | HabitatError | None = None
    """Why metadata do not say it, if they should: files that carry a place of their own do not need it."""
    angles: Angles | None = None
