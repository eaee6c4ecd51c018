"""Where the landscape lies: a square near Hunchun, and the grids on which it is known and seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.errors import RecipeError

CRS = "EPSG:32652"
CELL_M = 300
"""Side of a survey cell; the area's corners lie on multiples of it."""
FINE_M = 10
"""Pixel in which the landscape is known."""
MARGIN_M = 60
"""What is simulated beyond the area, so that 30 m pixels on its rim have something to see."""

_WEST, _SOUTH = 646_200, 4_773_000  # 130.8 E, 43.1 N; both are multiples of 300


@dataclass(frozen=True)
class Area:
    """A square of `size_m` metres whose south-west corner is fixed.

    >>> Area.of_size(3.0).size_m, Area.of_size(2.9).size_m
    (3000, 3000)
    """

    size_m: int

    @classmethod
    def of_size(cls, size_km: float) -> Area:
        """Return the area of `size_km`, rounded up to whole survey cells.

        Raises
        ------
        RecipeError
            If the size is not between 0.3 and 60 km.
        """
        if not 0.3 <= size_km <= 60:
            raise RecipeError(f"a landscape of {size_km:g} km", where="size_km", mend="choose between 0.3 and 60")
        return cls(math.ceil(round(size_km * 1000 / CELL_M, 6)) * CELL_M)

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """West, south, east, north in metres of the reference system."""
        return _WEST, _SOUTH, _WEST + self.size_m, _SOUTH + self.size_m

    @property
    def hectares(self) -> float:
        """Size of the square."""
        return self.size_m**2 / 10_000

    @property
    def fine(self) -> GeoBox:
        """10 m, with the margin: where the landscape is known."""
        return self._grid(FINE_M, MARGIN_M)

    @property
    def map(self) -> GeoBox:
        """20 m over exactly the square: where the truth is told, Sentinel-2's coarser pixels too."""
        return self._grid(20, 0)

    @property
    def visible(self) -> GeoBox:
        """10 m over exactly the square: Sentinel-2's finer pixels."""
        return self._grid(10, 0)

    @property
    def landsat(self) -> GeoBox:
        """30 m with edges at 15 m modulo 30, over all of the square."""
        return self._grid(30, 15)

    def _grid(self, pixel: int, beyond: int) -> GeoBox:
        west, _, _, north = self.bounds
        n = (self.size_m + 2 * beyond) // pixel
        return GeoBox((n, n), Affine(pixel, 0, west - beyond, 0, -pixel, north + beyond), CRS)

    def polygon(self) -> dict[str, Any]:
        """The square as a GeoJSON polygon in degrees.

        With a vertex every 300 m: a line that is straight in one reference system is bent in another.
        """
        from pyproj import Transformer

        west, south, east, north = self.bounds
        steps = range(0, self.size_m, CELL_M)
        ring = [(west + s, south) for s in steps] + [(east, south + s) for s in steps]
        ring += [(east - s, north) for s in steps] + [(west, north - s) for s in steps] + [(west, south)]
        to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
        degrees = [to_degrees.transform(x, y) for x, y in ring]
        return {"type": "Polygon", "coordinates": [[[round(x, 8), round(y, 8)] for x, y in degrees]]}
