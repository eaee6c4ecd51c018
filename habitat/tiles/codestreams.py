"""The tiles of a JPEG 2000 on the web, and a JPEG 2000 of just some of them (ISO/IEC 15444-1, annexes A and I).

GDAL is given a file of its own: all boxes, the main header, and the tile-parts that were fetched.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from habitat.errors import ReadError

Reader = Callable[[int, int], bytes]

SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_SOC, _SOT, _EOC, _SIZ, _TLM = 0xFF4F, 0xFF90, 0xFFD9, 0xFF51, 0xFF55
_PACKED = (0xFF60, 0xFF57)
"""Markers that keep all tiles' packet headers, or lengths, in the main header: PPM, PLM."""
_MOST = 2**24
"""Bytes of boxes and main header."""


@dataclass(frozen=True)
class TilePart:
    """Where the bytes of one part of a tile are."""

    tile: int
    start: int
    stop: int


@dataclass(frozen=True)
class Codestream:
    """Where everything is in a JPEG 2000 file."""

    boxes: bytes
    """What comes before the box of the codestream."""
    header: bytes
    """The codestream's main header."""
    parts: tuple[TilePart, ...]
    trailer: bytes
    """Boxes after that of the codestream."""
    image: tuple[int, int, int, int]
    """Left, top, right and bottom of the image on the reference grid."""
    tiles: tuple[int, int, int, int]
    """Left and top of the first tile, width and height of all."""

    def tiles_of(self, rows: slice, cols: slice) -> set[int]:
        """Return the tiles that pixels of the full resolution lie in."""
        left, top, right, _ = self.image
        x0, y0, wide, high = self.tiles
        across = -(-(right - x0) // wide)
        return {
            row * across + col
            for row in range((rows.start + top - y0) // high, (rows.stop - 1 + top - y0) // high + 1)
            for col in range((cols.start + left - x0) // wide, (cols.stop - 1 + left - x0) // wide + 1)
        }


def read_codestream(read: Reader, size: int) -> Codestream:
    """Find the tile-parts of a JP2 file of `size` bytes, going from one to the next.

    Raises
    ------
    ReadError
        If it is no JP2, or is built in a way that cannot be read in parts.
    """
    at, header_bytes, end = next(_codestream_boxes(read, size))
    start = at + header_bytes
    boxes = read(0, at)
    main, first = _main_header(read, start, end)
    _, _, right, bottom, left, top, wide, high, x0, y0 = struct.unpack(">HHIIIIIIII", main[4:40])
    if not (wide and high and x0 <= left < right and y0 <= top < bottom):
        raise ReadError("has an impossible JPEG 2000 header")
    parts, place = [], first
    while place + 12 <= end:
        mark, length, tile, part_bytes = struct.unpack(">HHHI", read(place, place + 10))
        if mark != _SOT or length != 10:
            break
        stop = place + part_bytes if part_bytes else end - 2
        if not place + 14 <= stop <= end:
            raise ReadError("has a tile that leads out of the file")
        parts.append(TilePart(tile, place, stop))
        place = stop
    return Codestream(boxes, main, tuple(parts), read(end, size), (left, top, right, bottom), (x0, y0, wide, high))


def compact_file(stream: Codestream, spans: Sequence[tuple[int, int]], read: Reader) -> Iterator[bytes]:
    """Yield the bytes of a JP2 file whose tile-parts are just these spans of the whole one."""
    length = 8 + len(stream.header) + sum(stop - start for start, stop in spans) + 2
    if length >= 2**32:
        raise ReadError("holds more than 4 GB of this area")
    yield stream.boxes
    yield struct.pack(">I4s", length, b"jp2c")
    yield stream.header
    for start, stop in spans:
        yield read(start, stop)
    yield struct.pack(">H", _EOC)
    yield stream.trailer


def _codestream_boxes(read: Reader, size: int) -> Iterator[tuple[int, int, int]]:
    """Place, header's length and end of each box that holds a codestream."""
    if read(0, 12) != SIGNATURE:
        raise ReadError("is no JPEG 2000 file")
    at = 0
    while at + 8 <= min(size, _MOST):
        length, kind = struct.unpack(">I4s", read(at, at + 8))
        header = 8
        if length == 1:
            length, header = struct.unpack(">Q", read(at + 8, at + 16))[0], 16
        end = at + length if length else size
        if 0 < length < header or end > size:
            break
        if kind == b"jp2c":
            yield at, header, end
        at = end
    raise ReadError("holds no JPEG 2000 image, or is cut short")


def _main_header(read: Reader, start: int, end: int) -> tuple[bytes, int]:
    """The main header without its table of tile lengths, and where the first tile-part begins."""
    if struct.unpack(">HH", read(start, start + 4)) != (_SOC, _SIZ):
        raise ReadError("holds no JPEG 2000 codestream")
    kept, at = [read(start, start + 2)], start + 2
    while at + 4 <= min(end, start + _MOST):
        mark, length = struct.unpack(">HH", read(at, at + 4))
        if mark == _SOT:
            return b"".join(kept), at
        if mark in _PACKED or length < 2:
            break
        if mark != _TLM:
            kept.append(read(at, at + 2 + length))
        at += 2 + length
    raise ReadError("has a JPEG 2000 header that cannot be read in parts")
