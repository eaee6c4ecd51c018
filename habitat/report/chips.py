"""Small pictures of many places and years, as an interpreter sees them: one PNG a place, written without a library."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from habitat.indices import ndmi, ndvi
from habitat.store import open_raster

SHOWN = (("red", "green", "blue"), ("swir16", "nir08", "red"))
"""True colour above, false colour below: vegetation is green there, bare and burnt ground red."""
_NODATA = -32768
_UNSEEN = (212, 212, 206)
_STEPS = 0xF8
"""Five bits a colour: nobody sees the rest, and the page is half as large."""


class Chips:
    """Composites around places, year by year.

    Parameters
    ----------
    files : sequence of Path
        One composite a year.
    row, col : int arrays (place,)
        Pixels of their grid.
    side_m : float
        Side of a picture, metres.
    """

    def __init__(self, files: Sequence[Path | None], row: np.ndarray, col: np.ndarray, *, side_m: float) -> None:
        grid = next(_grid_of(file) for file in files if file is not None)
        half = max(2, round(side_m / grid.transform.a / 2))
        self.side = 2 * half + 1
        """Pixels; the place is the one in the middle."""
        bands = list(dict.fromkeys(band for show in SHOWN for band in show))
        shape = (len(row), len(files), len(bands), self.side, self.side)
        self._values = np.full(shape, _NODATA, dtype=np.int16)
        self._bands = bands
        nearby = np.lexsort((col // 256, row // 256))  # tiles of a file are decoded once
        for year, file in enumerate(files):
            if file is not None:
                self._read(file, year, nearby, row - half, col - half)
        self._limits = [self._stretch(show) for show in SHOWN]

    def _read(self, file: Path, year: int, order: np.ndarray, top: np.ndarray, left: np.ndarray) -> None:
        with open_raster(file) as source:
            held = [
                (at, source.descriptions.index(b) + 1) for at, b in enumerate(self._bands) if b in source.descriptions
            ]
            places, indexes = zip(*held, strict=True)
            for point in order:
                rows, there = _within(int(top[point]), self.side, source.height)
                cols, across = _within(int(left[point]), self.side, source.width)
                values = source.read(list(indexes), window=Window.from_slices(rows, cols))
                for place, layer in zip(places, values, strict=True):
                    self._values[point, year, place, there, across] = layer

    def _stretch(self, show: tuple[str, str, str]) -> tuple[np.ndarray, float]:
        """Lower limit of each band and the reach of all: one stretch for all places and years."""
        values = self._values[:, :, [self._bands.index(band) for band in show]]
        low, high = np.zeros(3), np.zeros(3)
        for at in range(3):
            seen = values[:, :, at][values[:, :, at] != _NODATA]
            low[at], high[at] = np.quantile(seen, [0.01, 0.98]) if len(seen) else (0, 1)
        return low, max(float((high - low).max()), 600.0)

    def series(self) -> dict[str, np.ndarray]:
        """NDVI and NDMI (place, year) of the pixel in the middle, NaN where it was not seen."""
        middle = self._values[..., self.side // 2, self.side // 2].astype(np.float32)
        middle = np.where(middle == _NODATA, np.nan, middle / 10_000)
        red, nir, swir = (middle[:, :, self._bands.index(band)] for band in ("red", "nir08", "swir16"))
        return {"ndvi": ndvi(red, nir), "ndmi": ndmi(nir, swir)}

    def picture(self, place: int) -> str:
        """One place as a data address: a row of years in true colour above one in false colour."""
        rows = [
            np.hstack([self._colored(place, y, k) for y in range(self._values.shape[1])]) for k in range(len(SHOWN))
        ]
        return "data:image/png;base64," + base64.b64encode(png(np.vstack(rows))).decode("ascii")

    def _colored(self, place: int, year: int, kind: int) -> np.ndarray:
        low, reach = self._limits[kind]
        values = self._values[place, year, [self._bands.index(band) for band in SHOWN[kind]]].transpose(1, 2, 0)
        shown = np.clip((values - low) / reach, 0, 1) ** 0.7 * 255
        return np.where((values == _NODATA).any(axis=-1, keepdims=True), _UNSEEN, shown).astype(np.uint8) & _STEPS


def _within(start: int, length: int, end: int) -> tuple[slice, slice]:
    """The part of a window that lies in a file of `end` pixels, and where it lies in the window."""
    first, last = max(start, 0), min(start + length, end)
    return slice(first, last), slice(first - start, last - start)


def _grid_of(file: Path) -> GeoBox:
    with open_raster(file) as source:
        return GeoBox.from_rio(source)


def png(pixels: Any) -> bytes:
    r"""Encode uint8 (y, x, 3) as PNG.

    References
    ----------
    Portable Network Graphics (PNG) Specification, W3C, sections 5, 9 and 11.

    Examples
    --------
    >>> png(np.zeros((2, 3, 3), dtype=np.uint8))[:4]
    b'\x89PNG'
    """
    height, width, _ = pixels.shape
    left = np.zeros_like(pixels)
    left[:, 1:] = pixels[:, :-1]
    lines = np.hstack([np.ones((height, 1), dtype=np.uint8), (pixels - left).reshape(height, -1)])  # filter 1: Sub
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
