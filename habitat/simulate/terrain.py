"""Relief: ridges above the valleys of small rivers, and how it turns the ground towards the sun."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage

from habitat.simulate.area import FINE_M, Area
from habitat.simulate.fields import block_mean, fractal_noise, smooth_noise
from habitat.simulate.streams import Streams
from habitat.store import write_raster

_VALLEY_M = 90.0
_RIVER_SPACING_M = 5_000.0

DIFFUSE = np.array([0.90, 0.75, 0.60, 0.40, 0.35, 0.35], dtype=np.float32)
"""By band (blue to swir22): light that reaches a slope from everywhere, which softens the effect of relief: the
C of the C-correction (Teillet, Guindon and Goodenough 1982), larger where the sky is brighter."""


@dataclass(frozen=True)
class Terrain:
    """Relief of a landscape; all arrays float32 (y, x) on the fine grid."""

    height_m: np.ndarray
    slope: np.ndarray
    """Radians."""
    aspect: np.ndarray
    """Direction that the slope faces, radians clockwise from north."""
    river_m: np.ndarray
    """Distance to the middle of the nearest river."""
    across_m: np.ndarray
    """Coordinate across the valleys."""
    along_m: np.ndarray
    """Coordinate along them."""

    @property
    def southness(self) -> np.ndarray:
        """1 on a steep slope that faces the noon sun, -1 on one that faces away, 0 on flat ground."""
        return np.sin(self.slope) * -np.cos(self.aspect) / np.float32(np.sin(0.45))

    def illumination(self, sun_azimuth: float, sun_elevation: float) -> np.ndarray:
        """Return what relief does to reflectance, by band: 1 on flat ground.

        Parameters
        ----------
        sun_azimuth, sun_elevation : float
            Degrees, clockwise from north and above the horizon.

        Returns
        -------
        float32 array (band, y, x), 0.25 to 1.8
        """
        azimuth, elevation = np.radians(sun_azimuth), np.radians(sun_elevation)
        flat = np.float32(np.sin(elevation))
        facing = flat * np.cos(self.slope) + np.float32(np.cos(elevation)) * np.sin(self.slope) * np.cos(
            np.float32(azimuth) - self.aspect
        )
        c = DIFFUSE[:, None, None]
        return np.clip((np.maximum(facing, 0)[None] + c) / (flat + c), 0.25, 1.8)


def make_terrain(area: Area, streams: Streams) -> Terrain:
    """Return the relief of `area`: valleys at about 90 m, ridges up to about 700 m above them where there is room."""
    n = area.fine.shape.y
    rng = streams("relief")
    turn = rng.uniform(0, np.pi)
    y, x = np.meshgrid(*(2 * [(np.arange(n) - n / 2) * float(FINE_M)]), indexing="ij")
    along = (x * np.cos(turn) - y * np.sin(turn)).astype(np.float32)
    across = (x * np.sin(turn) + y * np.cos(turn)).astype(np.float32)

    river_m = np.full((n, n), np.inf, dtype=np.float32)
    count = max(1, round(area.size_m / _RIVER_SPACING_M))
    for k in range(count):
        middle = ((k + 0.5) / count - 0.5) * area.size_m + rng.uniform(-0.2, 0.2) * area.size_m / count
        river_m = np.minimum(river_m, np.abs(across - middle - _meander(rng, along)))

    relief_m = min(120.0 + 110.0 * area.size_m / 1000, 700.0)
    lift = 1 - np.exp(-((river_m / np.float32(0.3 * np.clip(area.size_m, 2500, 4000))) ** 1.5))
    hills = fractal_noise(rng, (n, n), (70, 28, 11), (1.0, 0.5, 0.2))
    height = _VALLEY_M + relief_m * lift * (0.62 + 0.19 * np.clip(hills, -2.5, 2.5)) + 0.004 * (along - along.min())
    height = ndimage.gaussian_filter(height, 2.0).astype(np.float32)
    down, east = np.gradient(height, float(FINE_M))
    slope = np.arctan(np.hypot(down, east))
    aspect = np.arctan2(-east, down)  # rows run south: the slope faces north where height grows with the row
    return Terrain(
        height, slope.astype(np.float32), aspect.astype(np.float32), river_m.astype(np.float32), across, along
    )


def write_heights(path: Path, terrain: Terrain, area: Area) -> None:
    """Write the relief as a file of heights, metres to a tenth, in pixels of 20 m; as far as the landscape is known."""
    fine = area.fine
    heights = np.round(block_mean(terrain.height_m, 2), 1).astype(np.float32)
    grid = GeoBox(heights.shape, fine.transform * Affine.scale(2), fine.crs)
    write_raster(path, heights[None], grid, ["height_m"], None)


def _meander(rng: np.random.Generator, along_m: np.ndarray) -> np.ndarray:
    """How far a river strays from its straight line, by the distance along it."""
    reach = np.arange(along_m.min(), along_m.max() + 20, 10.0)
    wide, narrow = (smooth_noise(rng, (1, reach.size), length)[0] for length in (70, 16))
    return np.interp(along_m, reach, 190 * wide + 28 * narrow).astype(np.float32)
