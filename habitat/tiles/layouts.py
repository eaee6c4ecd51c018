"""How a raster file is laid out: which of its pixels an area needs, and which of its bytes hold them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.errors import ReadError
from habitat.grids import Block, window_over

MARGIN_M = 120.0
"""Around the area: masks grow by 40 m, and a change of reference system looks at neighbours."""
_GAP = 2**15
"""Bytes between two parts that are read along: asking twice takes longer."""
_AROUND = 4
"""Bytes before and after each block, where a cloud-optimised GeoTIFF repeats its size."""
_CHECKED = ("deflate", "lerc")
"""Codecs whose streams hold a checksum that is looked at."""


@dataclass(frozen=True)
class Layout:
    """What a file's header says."""

    grid: GeoBox
    dtype: str
    nodata: float | None
    bands: tuple[str, ...]
    colormap: Mapping[int, tuple[int, int, int, int]] | None
    block_shape: tuple[int, int]
    codec: str
    is_tiff: bool

    @property
    def has_checksums(self) -> bool:
        """Whether each block tells by itself that a bit of it has flipped."""
        return self.is_tiff and self.codec.startswith(_CHECKED)

    def raw_bytes(self, window: Block) -> int:
        """Bytes of a window's digital numbers."""
        high, wide = window.shape
        return high * wide * len(self.bands) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Part:
    """Where the bytes of one block are."""

    start: int
    stop: int
    block: Block


def layout_of(file: Any, name: str) -> Layout:
    """Return the layout of an open rasterio dataset; `name` is what its only band is called if it has no name.

    Raises
    ------
    ReadError
        If it carries no reference system, or its bands differ in type.
    """
    grid = GeoBox.from_rio(file)
    if grid.crs is None:
        raise ReadError("carries no reference system", where=name, mend="download it and georeference it")
    if len(set(file.dtypes)) > 1:
        raise ReadError("holds bands of several types", where=name, mend="download it and split it")
    try:
        colormap = file.colormap(1)
    except ValueError:  # it has none
        colormap = None
    return Layout(
        grid,
        file.dtypes[0],
        file.nodata,
        tuple(said or (name if file.count == 1 else f"{name}_{n}") for n, said in enumerate(file.descriptions, 1)),
        colormap,
        file.block_shapes[0],
        "none" if file.compression is None else str(file.compression.name).lower(),
        file.driver == "GTiff",
    )


@lru_cache(maxsize=256)
def window_for(own: GeoBox, grid: GeoBox) -> Block | None:
    """Return the pixels of a file's grid that `grid` and a margin around it need; None if they do not meet."""
    rows, cols = window_over(own, grid.buffered(MARGIN_M))
    return None if rows.stop <= rows.start or cols.stop <= cols.start else Block(0, rows, cols)


def parts_of(file: Any, layout: Layout, window: Block) -> list[Part]:
    """Return where the blocks of a TIFF are that a window touches; blocks that were never written have no bytes."""
    high, wide = layout.block_shape
    separate = file.interleaving is not None and file.interleaving.name.lower() == "band"
    found = []
    for band in range(1, file.count + 1 if separate else 2):
        for row in range(window.rows.start // high, -(-window.rows.stop // high)):
            for col in range(window.cols.start // wide, -(-window.cols.stop // wide)):
                offset, size = (
                    int(file.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) or 0)
                    for what in ("OFFSET", "SIZE")
                )
                if offset and size:
                    found.append(Part(offset, offset + size, _pixels(layout, row, col)))
    return found


def _pixels(layout: Layout, row: int, col: int) -> Block:
    (high, wide), (height, width) = layout.block_shape, layout.grid.shape
    return Block(
        0,
        slice(row * high, min((row + 1) * high, height)),
        slice(col * wide, min((col + 1) * wide, width)),
    )


def joined(parts: Iterable[Part], size: int) -> list[tuple[int, int]]:
    """Return as few byte ranges as hold all parts without reading much between them, inside a file of `size`."""
    ranges: list[tuple[int, int]] = []
    for part in sorted(parts, key=lambda part: part.start):
        start, stop = max(part.start - _AROUND, 0), min(part.stop + _AROUND, size)
        if ranges and start - ranges[-1][1] <= _GAP:
            ranges[-1] = ranges[-1][0], max(ranges[-1][1], stop)
        else:
            ranges.append((start, stop))
    return ranges


def is_sound(data: bytes, layout: Layout) -> bool:
    """Whether a block's stream keeps its checksum, where it has one that GDAL does not look at (zlib's Adler-32)."""
    if layout.codec != "deflate" or not layout.is_tiff:
        return True
    stream, left = zlib.decompressobj(), data
    try:
        while left and not stream.eof:
            stream.decompress(left, 2**22)
            left = stream.unconsumed_tail
    except zlib.error:
        return False
    return stream.eof


def strips(layout: Layout, window: Block) -> Iterator[Block]:
    """Yield a window row of blocks by row of blocks."""
    high, at = layout.block_shape[0], window.rows.start
    # the rows of strips of a line each are read many at a time
    step = high * max(1, 256 // high)
    while at < window.rows.stop:
        stop = min((at // step + 1) * step, window.rows.stop)
        yield Block(0, slice(at, stop), window.cols)
        at = stop


def share_of(layout: Layout, window: Block) -> float:
    """Return which part of a file's blocks a window touches."""
    share = 1.0
    for pixels, step, length in zip((window.rows, window.cols), layout.block_shape, layout.grid.shape, strict=True):
        share *= (-(-pixels.stop // step) - pixels.start // step) / -(-length // step)
    return share


def grid_record(grid: GeoBox) -> dict[str, Any]:
    """Return a grid as JSON can hold it; :func:`recorded_grid` gives the same grid back."""
    crs = grid.crs
    assert crs is not None  # a file without one has no layout
    return {"crs": str(crs), "transform": list(grid.transform)[:6], "shape": list(grid.shape)}


def recorded_grid(record: Mapping[str, Any]) -> GeoBox:
    """Return the grid that :func:`grid_record` wrote."""
    high, wide = record["shape"]
    return GeoBox((int(high), int(wide)), Affine(*record["transform"]), record["crs"])
