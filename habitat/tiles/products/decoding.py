"""Decode a product's files once, into cloud-optimised GeoTIFFs with the same numbers on the same grid.

A window of a JPEG 2000 reads twenty times slower than that of a COG, and a window inside a compressed tar cannot be
read at all. Each file says in its tags what it was made from, so a finished one is never made again.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError

from habitat.errors import HabitatError, ReadError, StoreError
from habitat.grids import Block
from habitat.store import RasterWriter, open_raster
from habitat.tiles.products.archives import open_view
from habitat.tiles.products.plans import Placement
from habitat.tiles.scenes import QUALITY_ASSETS

MAX_BAND_PIXELS = 2**28
"""Of one band of a product: twice a whole Sentinel-2 tile at 10 m."""
_SOURCE = "HABITAT_SOURCE"
"""Tag that says what a file was made from."""
_STRIP_BYTES = 2**25
"""Of one piece that is read and written: memory does not depend on the file."""
_silence = threading.Lock()
"""Python's filter of warnings belongs to all threads, so files without a place are opened one at a time."""


@dataclass(frozen=True)
class Decoding:
    """One file to decode."""

    member: str
    """Its name within the product."""
    target: Path
    source: str
    """What its content is known by: see :meth:`View.state`."""
    name: str
    """Band of the COG."""
    nodata: int
    placement: Placement | HabitatError | None


def is_decoded(decoding: Decoding) -> bool:
    """Whether the target is there and was made from the same source."""
    if not decoding.target.is_file():
        return False
    try:
        with open_raster(decoding.target) as file:
            return bool(file.tags().get(_SOURCE) == _tag(decoding))
    except ReadError:  # damaged since: made again
        return False


def decode_files(path: Path, decodings: tuple[Decoding, ...]) -> int:
    """Decode files of the product at `path`, and return how many.

    Raises
    ------
    ReadError, GridError, CatalogueError
        If a file cannot be decoded or placed.
    StoreError
        If the disk is full or cannot be written; nothing half-made is left.
    """
    inside = not path.is_dir()
    taken = {d: d.target.with_name(f".{d.target.stem}.taken{Path(d.member).suffix.lower()}") for d in decodings}
    try:
        if inside:
            open_view(path).copy({decoding.member: file for decoding, file in taken.items()})
        for decoding in decodings:
            _decode(taken[decoding] if inside else path / decoding.member, decoding, path)
            taken[decoding].unlink(missing_ok=True)
    except StoreError as error:
        raise StoreError(error.what, where=error.where, mend="free some space, or choose another --cache") from error
    finally:
        for file in taken.values():
            file.unlink(missing_ok=True)
    return len(decodings)


def _decode(source: Path, decoding: Decoding, product: Path) -> None:
    try:
        with (
            open_placed(source, decoding.placement, decoding.nodata) as (file, grid),
            RasterWriter(
                decoding.target,
                grid,
                [decoding.name],
                file.dtypes[0],
                decoding.nodata,
                tags={_SOURCE: _tag(decoding)},
                resampling="nearest" if decoding.name in QUALITY_ASSETS else "average",
            ) as writer,
        ):
            for strip in _strips(file):
                writer.write(_read(file, strip), strip)
    except ReadError as error:
        raise ReadError(
            error.what, where=product / Path(decoding.member).name, mend="download the product again"
        ) from error


def _read(file: Any, strip: Block) -> np.ndarray:
    """Read a strip; an error of the source must not pass for one of the file that is written."""
    window = ((strip.rows.start, strip.rows.stop), (strip.cols.start, strip.cols.stop))
    try:
        return file.read(window=window)
    except RasterioError as error:
        raise ReadError(f"cannot be decoded ({error.__cause__ or error})") from error


def _strips(file: Any) -> Iterator[Block]:
    """Whole rows of the file's own blocks, so that each of these is decoded once."""
    high = max(int(file.block_shapes[0][0]), 1)
    row_bytes = file.width * np.dtype(file.dtypes[0]).itemsize
    rows = max(high, _STRIP_BYTES // row_bytes // high * high)
    for index, start in enumerate(range(0, file.height, rows)):
        yield Block(index, slice(start, min(start + rows, file.height)), slice(0, file.width))


def _tag(decoding: Decoding) -> str:
    at = decoding.placement
    placed = f" at {at.crs} {at.corners}" if isinstance(at, Placement) else ""
    return f"{Path(decoding.member).name}: {decoding.source}{placed}"


@contextmanager
def open_quietly(path: Path) -> Iterator[Any]:
    """Open a raster without a warning if it carries no place: who asks for its place looks himself."""
    with ExitStack() as stack:
        with _silence, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = stack.enter_context(open_raster(path))
        yield file


@contextmanager
def open_placed(path: Path, placement: Placement | HabitatError | None, nodata: int) -> Iterator[tuple[Any, GeoBox]]:
    """Open a band's file, and give it with its grid: its own, else that of the product's metadata.

    Raises
    ------
    ReadError
        If it cannot be read or holds no digital numbers of one band.
    GridError, CatalogueError
        If nothing says where it lies.
    """
    with open_quietly(path) as file:
        if file.count != 1 or file.dtypes[0] not in ("uint8", "uint16"):
            raise ReadError(f"holds {file.count} bands of {file.dtypes[0]}, not one of digital numbers", where=path)
        if file.width * file.height > MAX_BAND_PIXELS:
            raise ReadError(f"claims {file.height} x {file.width} pixels, more than any product's band", where=path)
        yield file, GeoBox.from_rio(file) if is_placed(file) else _stated_grid(file, placement, path, nodata)


def check_whole(file: Any, path: Path) -> None:
    """Decode the block that lies furthest back in an open GeoTIFF: of one that was cut short, it is missing.

    Raises
    ------
    ReadError
        If it cannot be decoded.
    """
    high, wide = file.block_shapes[0]
    blocks = ((row, col) for row in range(-(-file.height // high)) for col in range(-(-file.width // wide)))
    row, col = max(blocks, key=lambda at: int(file.get_tag_item(f"BLOCK_OFFSET_{at[1]}_{at[0]}", "TIFF", bidx=1) or 0))
    rows = slice(row * high, min((row + 1) * high, file.height))
    cols = slice(col * wide, min((col + 1) * wide, file.width))
    try:
        _read(file, Block(0, rows, cols))
    except ReadError as error:
        raise ReadError(error.what, where=path, mend="it may be truncated: download the product again") from error


def is_placed(file: Any) -> bool:
    """Whether an open file says itself where it lies."""
    return file.crs is not None and not file.transform.is_identity


def _stated_grid(file: Any, placement: Placement | HabitatError | None, path: Path, nodata: int) -> GeoBox:
    if isinstance(placement, HabitatError):
        raise placement
    if placement is None:
        raise ReadError("carries no reference system", where=path, mend="download the product again")
    corners = ((row, col) for row in (0, file.height - 1) for col in (0, file.width - 1))
    fill = file.shape != placement.shape and all(
        (file.read(1, window=((row, row + 1), (col, col + 1))) == nodata).all() for row, col in corners
    )
    return GeoBox(file.shape, Affine(*placement.edges(file.shape, corners_are_fill=fill)), placement.crs)
