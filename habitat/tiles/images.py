"""Rasters on the web: which of their pixels an area needs, which bytes hold them, and a file of just those.

GDAL opens such a file from disk: it never talks to the network, and nothing that was not fetched can be read.
(rasterio can let GDAL read through Python. It registers a file system for each file it opens, which crashes when other
threads use GDAL, and which GDAL's own threads do not see: they decode to nothing, without an error.)
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import rasterio.errors
from odc.geo.geobox import GeoBox
from rasterio.io import MemoryFile
from rasterio.windows import Window

from habitat.errors import ReadError
from habitat.grids import Block, window_over
from habitat.store import open_raster
from habitat.tiles.codestreams import SIGNATURE, Codestream, compact_file, read_codestream
from habitat.tiles.tiffs import Directory, compact_head, read_directory

Reader = Callable[[int, int], bytes]
"""Gives bytes [start, stop) of a file, fewer at its end."""
MARGIN_M = 120.0
"""Around the area: masks grow by 40 m, and a change of reference system looks at neighbours."""
_GAP = 2**15
"""Bytes between two parts that are read along: asking twice takes longer."""
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
    """Where the bytes of one block, or of a part of one, are."""

    start: int
    stop: int
    index: int
    """Place in the file's own order."""
    block: Block
    """Its pixels."""


class Image(Protocol):
    """A raster on the web."""

    ending: str
    """Of the name of a file of it."""

    def parts(self, layout: Layout, window: Block) -> list[Part]:
        """Return where the blocks are that a window touches."""

    def compact(self, parts: Sequence[Part], read: Reader) -> Iterator[bytes]:
        """Yield the bytes of a file of the same grid that holds just these parts."""


def image_of(read: Reader, size: int) -> Image:
    """Return a raster of `size` bytes by what it begins with.

    Raises
    ------
    ReadError
        If it is no TIFF or JPEG 2000.
    """
    try:
        if read(0, 12) == SIGNATURE:
            return _Jpeg2000(read_codestream(read, size))
        return _Tiff(read_directory(read, size))
    except struct.error:
        raise ReadError("ends within its header") from None


class _Tiff:
    ending = ".tif"

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def parts(self, layout: Layout, window: Block) -> list[Part]:
        (high, wide), (height, width) = layout.block_shape, layout.grid.shape
        down, across = -(-height // high), -(-width // wide)
        offsets, sizes = self._directory.offsets, self._directory.sizes
        layers, rest = divmod(len(offsets), down * across)
        if rest or layers not in (1, len(layout.bands)) or len(sizes) != len(offsets):
            raise ReadError("has a header that does not fit its size")
        found = []
        for layer in range(layers):
            for row in range(window.rows.start // high, -(-window.rows.stop // high)):
                for col in range(window.cols.start // wide, -(-window.cols.stop // wide)):
                    index = (layer * down + row) * across + col
                    start, length = int(offsets[index]), int(sizes[index])
                    if start and length:  # else it was never written
                        found.append(Part(start, start + length, index, _pixels(layout, row, col)))
        return found

    def compact(self, parts: Sequence[Part], read: Reader) -> Iterator[bytes]:
        yield compact_head(self._directory, [part.index for part in parts])
        for part in parts:
            yield read(part.start, part.stop)


class _Jpeg2000:
    ending = ".jp2"

    def __init__(self, stream: Codestream) -> None:
        self._stream = stream

    def parts(self, layout: Layout, window: Block) -> list[Part]:
        (high, wide), (height, width) = layout.block_shape, layout.grid.shape
        # GDAL decodes its own blocks, which need not be the file's tiles
        rows = slice(window.rows.start // high * high, min(-(-window.rows.stop // high) * high, height))
        cols = slice(window.cols.start // wide * wide, min(-(-window.cols.stop // wide) * wide, width))
        tiles = self._stream.tiles_of(rows, cols)
        there = [Part(p.start, p.stop, n, window) for n, p in enumerate(self._stream.parts) if p.tile in tiles]
        if {self._stream.parts[part.index].tile for part in there} != tiles:
            raise ReadError("lacks some of its tiles")
        return there

    def compact(self, parts: Sequence[Part], read: Reader) -> Iterator[bytes]:
        first = self._stream.parts[0].start
        # a decoder looks for a tile before it believes a header
        spans = [(part.start, part.stop) for part in parts] or [(first, first + 12)]
        return compact_file(self._stream, spans, read)


def layout_from(image: Image, name: str, read: Reader) -> Layout:
    """Return what GDAL makes of an image's header; `name` is what its only band is called if it has no name.

    Raises
    ------
    ReadError
        If it cannot be read, carries no reference system, or claims a size beyond reason.
    """
    with MemoryFile(b"".join(image.compact([], read)), ext=image.ending) as held:
        try:
            with open_raster(held.name) as file:
                return layout_of(file, name)
        except ReadError as error:
            raise ReadError(plain_words(error.what)) from None


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


def _pixels(layout: Layout, row: int, col: int) -> Block:
    (high, wide), (height, width) = layout.block_shape, layout.grid.shape
    return Block(
        0,
        slice(row * high, min((row + 1) * high, height)),
        slice(col * wide, min((col + 1) * wide, width)),
    )


def joined(parts: Iterable[Part]) -> list[tuple[int, int]]:
    """Return as few byte ranges as hold all parts without much between them."""
    ranges: list[tuple[int, int]] = []
    for part in sorted(parts, key=lambda part: part.start):
        start, stop = part.start, part.stop
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


def read_block(opened: Any, block: Block) -> np.ndarray:
    """Return a block of an open file, (band, y, x).

    Raises
    ------
    ReadError
        If it does not decode.
    """
    (height, width), top, left = block.shape, block.rows.start, block.cols.start
    try:
        return opened.read(window=Window(left, top, width, height))
    except rasterio.errors.RasterioError as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise ReadError(f"does not decode ({plain_words(str(cause))})") from None


def plain_words(text: str) -> str:
    """Return GDAL's words without the names of files that nobody else sees."""
    return re.sub(r"\S*/\S+\.(tif|jp2)[:,]?\s*", "", text)


def strips(layout: Layout, window: Block) -> Iterator[Block]:
    """Yield a window row of blocks by row of blocks."""
    high, at = layout.block_shape[0], window.rows.start
    # the rows of strips of a line each are read many at a time
    step = high * max(1, 256 // high)
    while at < window.rows.stop:
        stop = min((at // step + 1) * step, window.rows.stop)
        yield Block(0, slice(at, stop), window.cols)
        at = stop
