"""Heights of the ground from one or more GeoTIFFs, such as the Copernicus DEM's tiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window

from habitat.errors import ReadError
from habitat.grids import resample_bilinear, resample_mean, window_over
from habitat.store import open_raster

_LOWEST_M, _HIGHEST_M = -500.0, 9000.0
"""What lies beyond is no height of land: a fill value that no tag names, or another unit."""
_METRES = ("m", "metre", "metres", "meter", "meters")
_SAME_PIXEL = 0.01
"""Of a pixel: files whose pixels lie no further beside each other's are cut from one lattice."""


def height_files(path: Path) -> tuple[Path, ...]:
    """Return the GeoTIFFs that a path names: itself, or those of a folder, by name.

    Raises
    ------
    ReadError
        If there are none.
    """
    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in (".tif", ".tiff")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise ReadError("is no GeoTIFF of heights", where=path, mend="give [scenes] dem a file, or a folder of them")
    return tuple(files)


def read_heights(files: Sequence[Path], grid: GeoBox) -> np.ndarray:
    """Read heights onto `grid`.

    A surface varies between its pixels, so they are interpolated; where the file is finer than the grid, they are
    averaged. Of files that overlap the first counts.

    Parameters
    ----------
    files : sequence of Path
        GeoTIFFs of metres above the sea, in any reference system.

    Returns
    -------
    float32 array (y, x)
        Metres; NaN where no file has a height.

    Raises
    ------
    ReadError
        If a file cannot be read, or holds no heights in metres.
    """
    heights = np.full(grid.shape, np.nan, dtype=np.float32)
    for values, own in _joined([part for file in files if (part := _read(file, grid)) is not None]):
        finer = own.crs == grid.crs and abs(own.transform.a) < grid.transform.a
        found = resample_mean(values, own, grid) if finer else resample_bilinear(values, own, grid)
        np.copyto(heights, found, where=np.isnan(heights))
    return heights


def _read(path: Path, grid: GeoBox) -> tuple[np.ndarray, GeoBox] | None:
    """What of a file lies under `grid` and up to two pixels around it; None if nothing does."""
    with open_raster(path) as file:
        own = GeoBox.from_rio(file)
        if own.crs is None:
            raise ReadError("carries no reference system", where=path, mend="georeference it")
        unit = (file.units[0] or "m").lower()
        if file.count != 1 or unit not in _METRES:
            what = f"{file.count} bands" if file.count != 1 else f"heights in {unit!r}"
            raise ReadError(f"holds {what}, not one of metres", where=path, mend="convert it to one band of metres")
        # a pixel beside the grid is a neighbour of those under it: without it surfaces would break at a file's edge
        under = window_over(own.pad(2), grid)
        rows, cols = (
            slice(max(part.start - 4, 0), max(min(part.stop, n), 0)) for part, n in zip(under, own.shape, strict=True)
        )
        if rows.stop <= rows.start or cols.stop <= cols.start:
            return None
        window = Window(cols.start, rows.start, cols.stop - cols.start, rows.stop - rows.start)
        try:
            heights = file.read(1, window=window).astype(np.float32)
        except RasterioError as error:
            raise ReadError(
                f"cannot be decoded ({error.__cause__ or error})", where=path, mend="fetch it again"
            ) from error
        if file.nodata is not None:
            heights[heights == np.float32(file.nodata)] = np.nan
    low, high = np.nanmin(heights, initial=0), np.nanmax(heights, initial=0)
    if low < _LOWEST_M or high > _HIGHEST_M:
        raise ReadError(
            f"holds {low:g} to {high:g}, which are no heights in metres",
            where=path,
            mend="give its nodata value a tag, or convert it to metres",
        )
    return heights, own[rows, cols]


def _joined(parts: list[tuple[np.ndarray, GeoBox]]) -> list[tuple[np.ndarray, GeoBox]]:
    """Put parts of one lattice of pixels together, so that there is no edge between them; others stay as they are."""
    joined: list[tuple[np.ndarray, GeoBox]] = []
    for values, grid in parts:
        for k, (others, whole) in enumerate(joined):
            if _share_pixels(grid, whole):
                joined[k] = _pasted([(others, whole), (values, grid)])
                break
        else:
            joined.append((values, grid))
    return joined


def _share_pixels(one: GeoBox, other: GeoBox) -> bool:
    if one.crs != other.crs or not np.allclose(one.transform[:6:4], other.transform[:6:4], rtol=1e-9):
        return False
    apart = ~other.transform @ (one.transform.c, one.transform.f)
    return all(abs(each - round(each)) < _SAME_PIXEL for each in apart)


def _pasted(parts: list[tuple[np.ndarray, GeoBox]]) -> tuple[np.ndarray, GeoBox]:
    first = parts[0][1]
    corners = [[round(v) for v in ~first.transform @ (g.transform.c, g.transform.f)] for _, g in parts]
    left, top = (min(corner[axis] for corner in corners) for axis in (0, 1))
    right = max(x + g.shape.x for (x, _), (_, g) in zip(corners, parts, strict=True))
    bottom = max(y + g.shape.y for (_, y), (_, g) in zip(corners, parts, strict=True))
    whole = np.full((bottom - top, right - left), np.nan, dtype=np.float32)
    for (x, y), (values, grid) in zip(corners, parts, strict=True):
        place = whole[y - top : y - top + grid.shape.y, x - left : x - left + grid.shape.x]
        np.copyto(place, values, where=np.isnan(place))
    return whole, GeoBox(whole.shape, first.transform * Affine.translation(left, top), first.crs)
