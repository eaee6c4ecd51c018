"""The part of one file that a grid needs: digital numbers to reflectance, codes to quality bits.

The file is believed, not its item: its own grid, and its own nodata value where it states one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from habitat.cubes import REFLECTANCE_RANGE, Quality
from habitat.errors import CatalogueError, ReadError
from habitat.grids import resample_bits, resample_mean, window_over
from habitat.sensors import QualityCodes
from habitat.store import open_on_grid, shown
from habitat.tiles.scenes import Asset, Scene

_FEW_BYTES = 2**18
"""Of digital numbers that are scaled at once: they and their reflectance stay in the processor's cache."""


@contextmanager
def open_asset(asset: Asset) -> Iterator[tuple[Any, GeoBox]]:
    """Open the file of an asset that is here, and give it with the grid it lies on.

    Raises
    ------
    ReadError
        If it is not here, carries no reference system, or cannot be read inside the block.
    """
    if not asset.is_here:
        raise ReadError("is not here yet", where=shown(asset.href), mend="habitat fetch brings it")
    with open_on_grid(asset.href) as (file, grid):
        if grid.crs is None:
            raise ReadError("carries no reference system", where=asset.href, mend="georeference it")
        yield file, grid


def read_reflectance(asset: Asset, grid: GeoBox, out: np.ndarray, flags: np.ndarray) -> None:
    """Read a band's reflectance on `grid` into `out`, and mark in `flags` where it measured nothing.

    The nodata value is the file's own tag, else the asset's: a file that calls 65535 nodata means what it says, and
    its zeros are dark ground.

    Parameters
    ----------
    out : float32 array (y, x)
        NaN where nothing was measured.
    flags : uint8 array (y, x)
        Bits of :class:`habitat.cubes.Quality`.
    """
    with open_asset(asset) as (file, own):
        nodata = _nodata(file, asset)
        window = window_over(own, grid)
        part = own[window]
        if part == grid:
            for rows, numbers in _strips(file, window):
                missing, ends = _scale(numbers, asset, nodata, out[rows])
                if _leaves_range(ends, asset):
                    np.clip(out[rows], *REFLECTANCE_RANGE, out=out[rows])
                if missing is not None:
                    flags[rows][missing] |= Quality.FILL
            return
        values = np.empty(part.shape, dtype=np.float32)
        for rows, numbers in _strips(file, window):
            _scale(numbers, asset, nodata, values[rows])
    np.clip(resample_mean(values, part, grid), *REFLECTANCE_RANGE, out=out)
    flags[np.isnan(out)] |= Quality.FILL


def read_quality(scene: Scene, grid: GeoBox, out: np.ndarray) -> None:
    """Read a scene's quality bits on `grid` into `out`, uint8; what its file does not cover is fill.

    A second quality band, of saturation, adds its bits where the scene has one.

    Raises
    ------
    CatalogueError
        If the scene has no quality asset.
    ReadError
        If its file holds other values than this sensor's codes.
    """
    quality = needed_quality(scene)
    _read_codes(quality, scene.sensor.quality, scene.sensor.name, grid, out, Quality.FILL)
    if scene.saturation is not None and scene.sensor.saturation is not None:
        more = np.zeros_like(out)
        _read_codes(scene.saturation, scene.sensor.saturation, scene.sensor.name, grid, more, 0)
        out |= more


def needed_quality(scene: Scene) -> Asset:
    """Return a scene's quality asset.

    Raises
    ------
    CatalogueError
        If it has none.
    """
    if scene.quality is None:
        raise CatalogueError(
            f"has no quality asset {scene.sensor.quality.asset!r}",
            where=f"item {scene.id}",
            mend='add the asset, or set [scenes] mask = "none" or "spectral"',
        )
    return scene.quality


def _read_codes(asset: Asset, codes: QualityCodes, sensor: str, grid: GeoBox, out: np.ndarray, outside: int) -> None:
    """Translate a file's codes on its own grid, and carry them to `grid`; what it does not cover is `outside`."""
    from habitat.tiles._numbers import translate

    with open_asset(asset) as (file, own):
        window = window_over(own, grid)
        part = own[window]
        flags = out if part == grid else np.empty(part.shape, dtype=np.uint8)
        dtype = np.dtype(file.dtypes[0])
        nodata = dtype.type(file.nodata) if file.nodata is not None and _holds(dtype, file.nodata) else None
        for rows, numbers in _strips(file, window):
            if nodata is not None:
                numbers[numbers == nodata] = codes.fill
            if not _are_codes(numbers, len(codes.lookup)):
                raise ReadError(
                    f"holds no codes of {sensor}'s {codes.asset!r}",
                    where=asset.href,
                    mend="check the item's assets",
                )
            translate(numbers, codes.lookup, flags[rows])
    if flags is not out:
        out[:] = resample_bits(flags, part, grid, outside=outside)


def _are_codes(numbers: np.ndarray, n: int) -> bool:
    """Whether all are whole numbers from 0 to n - 1."""
    if numbers.dtype.kind == "u" and np.iinfo(numbers.dtype).max < n:
        return True
    return numbers.dtype.kind in "iu" and bool(0 <= numbers.min() <= numbers.max() < n)


def _strips(file: Any, window: tuple[slice, slice]) -> Iterator[tuple[slice, np.ndarray]]:
    """Decode a window a row of tiles at a time, and give it a few rows at a time, with their place in the window.

    Each tile is decoded once. The array is used again for the next rows.
    """
    rows, cols = window
    width = cols.stop - cols.start
    if width <= 0 or rows.stop <= rows.start:
        return
    dtype = np.dtype(file.dtypes[0])
    few = max(_FEW_BYTES // (width * dtype.itemsize), 1)
    tile = file.block_shapes[0][0]
    height = max(tile, few // tile * tile)
    buffer = np.empty((min(height, rows.stop - rows.start), width), dtype=dtype)
    first = rows.start
    while first < rows.stop:
        last = min(first // tile * tile + height, rows.stop)
        numbers = buffer[: last - first]
        file.read(1, window=Window(cols.start, first, width, last - first), out=numbers)
        for begin in range(0, len(numbers), few):
            some = numbers[begin : begin + few]
            start = first - rows.start + begin
            yield slice(start, start + len(some)), some
        first = last


def _whole_shift(asset: Asset) -> int | None:
    """The offset in digital numbers, if it is a whole one: Sentinel-2's is -1000, Landsat's lies between two."""
    shift = round(asset.offset / asset.scale)
    return shift if abs(asset.offset - shift * asset.scale) < 1e-9 else None


def _scale(
    numbers: np.ndarray, asset: Asset, nodata: Any, out: np.ndarray
) -> tuple[np.ndarray | None, tuple[Any, Any]]:
    """Write reflectance into `out`; return where there is none (None: nowhere), and the least and largest number."""
    if (numbers.dtype.kind in "iu" and numbers.dtype.itemsize <= 2) or numbers.dtype == np.float32:
        from habitat.tiles._numbers import scale

        # a whole shift comes first, so that numbers with and without an offset become the very same reflectance
        shift = _whole_shift(asset)
        before, after = (0, asset.offset) if shift is None else (shift, 0)
        ends = scale(numbers, np.float32(before), np.float32(asset.scale), np.float32(after), out)
    else:  # numbers that float32 cannot hold
        ends = numbers.min(), numbers.max()
        out[:] = numbers * np.float64(asset.scale) + asset.offset
    if numbers.dtype.kind == "f":
        missing: np.ndarray = ~np.isfinite(numbers) | (numbers == nodata)
    elif ends[0] <= nodata <= ends[1]:
        missing = numbers == nodata
    else:
        return None, ends
    if not missing.any():
        return None, ends
    out[missing] = np.nan
    return missing, ends


def _leaves_range(ends: tuple[Any, Any], asset: Asset) -> bool:
    """Whether some reflectance may lie outside of what real products hold, or is no number."""
    low, high = REFLECTANCE_RANGE
    return not all(low < float(end) * asset.scale + asset.offset < high for end in ends)


def _nodata(file: Any, asset: Asset) -> Any:
    """The number of 'no measurement', of the file's type: what the file says, else its item or its sensor."""
    dtype = np.dtype(file.dtypes[0])
    for value in (file.nodata, asset.nodata):
        if value is not None and _holds(dtype, value):
            return dtype.type(value)
    raise ReadError(f"holds {dtype}, never nodata {asset.nodata}", where=asset.href, mend="correct its item")


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Whether an array of this type can hold a value."""
    if dtype.kind not in "iu":
        return True
    return bool(np.isfinite(value)) and value == int(value) and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
