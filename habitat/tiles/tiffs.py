"""The first image of a TIFF on the web, and a TIFF of just some of its blocks.

TIFF 6.0 (Adobe 1992) and BigTIFF. GDAL is given a small file of its own that holds the image's tags and the blocks that
were fetched: it meets nothing that is not there. Blocks that are not in it are marked as never written.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from habitat.errors import ReadError

Reader = Callable[[int, int], bytes]
"""Gives bytes [start, stop) of a file, fewer at its end."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value of each field type."""
_NUMBERS = {3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_OFFSETS, _COUNTS = (324, 273), (325, 279)
"""Tags of tiles, and of strips."""
_ELSEWHERE = (330, 34665, 34853, 40965)
"""Tags that lead to other directories: none of them is needed to read the image."""
_LARGEST = 2**26
"""Bytes of one tag's values."""


@dataclass(frozen=True)
class Directory:
    """Tags of an image."""

    order: str
    """Of bytes: "<" or ">"."""
    is_big: bool
    tags: Mapping[int, tuple[int, int, bytes]]
    """Type, count and values of each."""
    offsets: np.ndarray
    """Where each block's bytes begin; 0 for one that was never written."""
    sizes: np.ndarray
    """How many they are."""


def read_directory(read: Reader, size: int) -> Directory:
    """Return the first directory of a TIFF of `size` bytes.

    Raises
    ------
    ReadError
        If it is none, or leads out of the file.
    """
    head = read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    version = struct.unpack(f"{order}H", head[2:4])[0] if order and len(head) == 16 else 0
    if version not in (42, 43):
        raise ReadError("is no GeoTIFF")
    is_big = version == 43
    at = _number(order, head[8:16] if is_big else head[4:8])
    n_bytes, entry_bytes, value_bytes = (8, 20, 8) if is_big else (2, 12, 4)
    _inside(at, at + n_bytes, size)
    n = _number(order, read(at, at + n_bytes))
    at += n_bytes
    _inside(at, at + min(n, 2**16) * entry_bytes, size)
    if not 0 < n <= 4096:
        raise ReadError(f"has a header of {n} tags")
    entries, tags = read(at, at + n * entry_bytes), {}
    for entry in (entries[start : start + entry_bytes] for start in range(0, n * entry_bytes, entry_bytes)):
        tag, kind = struct.unpack(f"{order}HH", entry[:4])
        count, place = _number(order, entry[4 : 4 + value_bytes]), entry[4 + value_bytes :]
        if tag in _ELSEWHERE or kind not in _SIZES:
            continue
        length = count * _SIZES[kind]
        if length > _LARGEST:
            raise ReadError(f"has a tag of {length:,} bytes")
        if length > value_bytes:
            start = _number(order, place)
            _inside(start, start + length, size)
            place = read(start, start + length)
        tags[tag] = kind, count, place[:length]
    return Directory(order, is_big, tags, _blocks(order, tags, _OFFSETS), _blocks(order, tags, _COUNTS))


def compact_head(directory: Directory, wanted: Sequence[int]) -> bytes:
    """Return the beginning of a TIFF that holds just the blocks `wanted`; their bytes follow it in that order."""
    order, is_big = directory.order, directory.is_big
    number, entry_bytes, value_bytes = ("Q", 20, 8) if is_big else ("I", 12, 4)
    head = struct.pack(f"{order}2sHHHQ" if is_big else f"{order}2sHI", *_magic(order, is_big=is_big))
    tags = dict(directory.tags)
    values_at = len(head) + (8 if is_big else 2) + len(tags) * entry_bytes + value_bytes
    lengths = {
        tag: len(directory.offsets) * value_bytes if tag in _OFFSETS + _COUNTS else len(values)
        for tag, (_, _, values) in tags.items()
    }
    blocks_at = values_at + sum(length + length % 2 for length in lengths.values() if length > value_bytes)
    offsets, sizes = np.zeros_like(directory.offsets), np.zeros_like(directory.sizes)
    sizes[list(wanted)] = directory.sizes[list(wanted)]
    offsets[list(wanted)] = (
        blocks_at + np.concatenate([[0], np.cumsum(directory.sizes[list(wanted)])[:-1]])[: len(wanted)]
    )
    if not is_big and blocks_at + int(sizes.sum()) >= 2**32:
        raise ReadError("holds more than 4 GB of this area")
    entries, values = [], []
    for tag, (kind, count, data) in sorted(tags.items()):
        if tag in _OFFSETS + _COUNTS:
            kind, data = (
                (16 if is_big else 4),
                (offsets if tag in _OFFSETS else sizes).astype(f"{order}u{value_bytes}").tobytes(),
            )
        if len(data) > value_bytes:
            place = struct.pack(f"{order}{number}", values_at)
            values.append(data + b"\0" * (len(data) % 2))
            values_at += len(values[-1])
        else:
            place = data.ljust(value_bytes, b"\0")
        entries.append(struct.pack(f"{order}HH{number}", tag, kind, count) + place)
    n = struct.pack(f"{order}Q" if is_big else f"{order}H", len(entries))
    return b"".join([head, n, *entries, bytes(value_bytes), *values])


def _magic(order: str, *, is_big: bool) -> tuple[bytes | int, ...]:
    name = b"II" if order == "<" else b"MM"
    return (name, 43, 8, 0, 16) if is_big else (name, 42, 8)


def _number(order: str, data: bytes) -> int:
    if len(data) not in (2, 4, 8):
        raise ReadError("ends within its header")
    return int(struct.unpack(order + {2: "H", 4: "I", 8: "Q"}[len(data)], data)[0])


def _inside(start: int, stop: int, size: int) -> None:
    if not 0 < start <= stop <= size:
        raise ReadError("has a header that leads out of the file")


def _blocks(order: str, tags: Mapping[int, tuple[int, int, bytes]], names: Sequence[int]) -> np.ndarray:
    for name in names:
        if name in tags and tags[name][0] in _NUMBERS:
            kind, _, data = tags[name]
            return np.frombuffer(data, dtype=f"{order}{_NUMBERS[kind]}").astype(np.int64)
    raise ReadError("does not say where its pixels are")
