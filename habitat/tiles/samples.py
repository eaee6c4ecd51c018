"""A few pixels of a scene, the same places in every band: what its radiometry is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox

from habitat.errors import ReadError
from habitat.store import open_raster
from habitat.tiles.scenes import Asset, Scene, naming

if TYPE_CHECKING:
    import rasterio

LATTICE = 256
"""At most so many places along each side of the area; a small area is taken whole."""
SPARSE = 32
"""Places along each side that are kept to compare scenes with each other."""
WHOLE_CODES = 2**22
"""Pixels of a quality band that are read to be thinned here: the overviews of some files hold averages of codes."""


@dataclass(frozen=True)
class Sample:
    """Digital numbers at the same places in all bands."""

    bands: Mapping[str, np.ndarray]
    """float32 (y, x), NaN where nothing was measured."""
    codes: np.ndarray | None
    """The quality band's codes, uint16 (y, x); None where the scene has none."""

    def at(self, rows: slice, cols: slice) -> Sample:
        """The places in some rows and columns."""
        codes = None if self.codes is None else self.codes[rows, cols].copy()
        return Sample({name: values[rows, cols].copy() for name, values in self.bands.items()}, codes)

    def sparse(self) -> Sample:
        """About SPARSE x SPARSE of the places."""
        rows, cols = (slice(n % step // 2, None, step) for n, step in ((n, -(-n // SPARSE)) for n in self.shape))
        return self.at(rows, cols)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        high, wide = next(iter(self.bands.values())).shape
        return high, wide


def take_sample(scene: Scene, grid: GeoBox) -> Sample:
    """Read digital numbers of a scene whose files are here, at most LATTICE x LATTICE places over `grid`.

    Each place is one pixel (nearest) of each file; where a file must be thinned more than its pixels allow, of its
    overviews, which are means.

    Raises
    ------
    ReadError
        If a file cannot be read or carries no reference system.
    """
    with naming(scene):
        return _taken(scene, grid)


def _taken(scene: Scene, grid: GeoBox) -> Sample:
    x, y = _places(grid, scene.sensor.resolution_m / 2)
    bands = {}
    for name, asset in scene.bands.items():
        numbers, inside = _numbers_at(asset, grid, (x, y), LATTICE**2)
        bands[name] = np.where(inside & (numbers != asset.nodata), numbers, np.nan).astype(np.float32)
    codes = None
    if scene.quality is not None:
        numbers, inside = _numbers_at(scene.quality, grid, (x, y), WHOLE_CODES)
        codes = np.where(inside, numbers, scene.quality.nodata).astype(np.uint16)
    return Sample(bands, codes)


def _places(grid: GeoBox, step_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the lattice's columns and rows: middles of equal parts of the grid."""
    box = grid.boundingbox
    sides = (box.right - box.left, box.top - box.bottom)
    wide, high = (int(np.clip(np.ceil(side / step_m - 0.01), 1, LATTICE)) for side in sides)
    x = box.left + (np.arange(wide) + 0.5) * sides[0] / wide
    return x, box.top - (np.arange(high) + 0.5) * sides[1] / high


def _numbers_at(
    asset: Asset, grid: GeoBox, places: tuple[np.ndarray, np.ndarray], most: int
) -> tuple[np.ndarray, np.ndarray]:
    """A file's numbers at a lattice of places of `grid`'s reference system, and whether the file holds each."""
    with open_raster(asset.href) as file:
        cols, rows = _pixels_of(GeoBox.from_rio(file), grid, places, asset)
        inside = (cols >= 0) & (cols < file.width) & (rows >= 0) & (rows < file.height)
        if not inside.any():
            return np.zeros(inside.shape, dtype=file.dtypes[0]), inside
        some = np.nonzero(inside)
        left, right = (int(f(np.broadcast_to(cols, inside.shape)[some])) for f in (np.min, np.max))
        top, bottom = (int(f(np.broadcast_to(rows, inside.shape)[some])) for f in (np.min, np.max))
        part = _read_thin(file, (left, top, right - left + 1, bottom - top + 1), most)
    high, wide = part.shape
    col = np.clip((cols - left) * wide // (right - left + 1), 0, wide - 1)
    row = np.clip((rows - top) * high // (bottom - top + 1), 0, high - 1)
    return part[row, col], inside


def _pixels_of(
    own: GeoBox, grid: GeoBox, places: tuple[np.ndarray, np.ndarray], asset: Asset
) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of each place in a file; arrays that broadcast to (y, x)."""
    if own.crs is None:
        raise ReadError("carries no reference system", where=asset.href, mend="georeference it")
    x, y = places[0][None, :], places[1][:, None]
    if own.crs != grid.crs:
        from rasterio.warp import transform

        x, y = np.broadcast_arrays(x, y)
        flat = transform(str(grid.crs), str(own.crs), x.ravel(), y.ravel())
        x, y = (np.asarray(part).reshape(x.shape) for part in flat)
    inverse = ~own.transform
    cols: Any = inverse.a * x + inverse.c if own.axis_aligned else inverse.a * x + inverse.b * y + inverse.c
    rows: Any = inverse.e * y + inverse.f if own.axis_aligned else inverse.d * x + inverse.e * y + inverse.f
    return np.floor(cols).astype(int), np.floor(rows).astype(int)


def _read_thin(file: rasterio.DatasetReader, window: tuple[int, int, int, int], most: int) -> np.ndarray:
    """A window of a file (left, top, width, height), thinned to at most `most` pixels."""
    from rasterio.enums import Resampling
    from rasterio.windows import Window

    wide, high = window[2:]
    share = min(1.0, (most / (wide * high)) ** 0.5)
    shape = (max(round(high * share), 1), max(round(wide * share), 1))
    return np.asarray(file.read(1, window=Window(*window), out_shape=shape, resampling=Resampling.nearest))
