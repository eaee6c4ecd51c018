"""One file of the web: what of it is here, what is missing, and its window as a file of our own once it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitat.errors import FetchError, ReadError, StoreError
from habitat.grids import Block
from habitat.store import RasterWriter, open_raster, shown
from habitat.tiles.answers import ChangedError
from habitat.tiles.images import (
    Image,
    Layout,
    Part,
    image_of,
    is_sound,
    joined,
    layout_from,
    read_block,
    strips,
    window_for,
)
from habitat.tiles.pieces import Pieces, stated_hash
from habitat.tiles.ranges import PIECE, RangeFile
from habitat.tiles.receipts import Receipt, Stated, read_receipt, write_receipt
from habitat.tiles.scenes import Asset

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from habitat.tiles.remote import Remote

_NEARLY_ALL = 0.9
"""Share of a file from which on all of it is fetched, if that lets its checksum be compared."""


class Download:
    """The window of one file.

    Parameters
    ----------
    remote : Remote
        How it is asked for.
    asset : Asset
        Its address, and what its item says of it.
    path : Path
        The GeoTIFF to be; what is known of it is written beside it.
    grid : GeoBox
        The area that is needed.
    """

    def __init__(self, remote: Remote, asset: Asset, path: Path, grid: GeoBox) -> None:
        self.asset, self.path = asset, path
        self.ranges: list[tuple[int, int]] = []
        """Bytes that are still missing; known after :meth:`look`."""
        self.weight = 0
        """Bytes of what is missing."""
        self._grid = grid
        self._folder = path.with_name(f"{path.name}.part")
        self._remote = remote
        self._receipt: Receipt | None = None
        self._file: RangeFile | None = None
        self._image: Image
        self._layout: Layout
        self._window: Block
        self._parts: list[Part] = []
        self._whole = False

    # -- what is known of it ----------------------------------------------------------------------------

    @property
    def is_here(self) -> bool:
        """Whether all of it is."""
        return self._receipt is not None and self._receipt.window is not None

    @property
    def is_outside(self) -> bool:
        """Whether it does not touch the area."""
        return self._receipt is not None and self._receipt.window is None

    @property
    def bytes_read(self) -> int:
        """From the web, up to now."""
        return 0 if self._file is None else self._file.bytes_read

    @property
    def space(self) -> int:
        """Bytes of disk that it takes when it is decoded: packed about as tightly as where it is."""
        return min(self._layout.raw_bytes(self._window) * 4 // 3, self._packed * (2 if self._layout.is_tiff else 4))

    @property
    def scratch(self) -> int:
        """Bytes of disk that it takes besides, until it is done: its pieces, a file of them, and its pixels."""
        return self.weight + self._packed + self._layout.raw_bytes(self._window)

    @property
    def _packed(self) -> int:
        return sum(part.stop - part.start for part in self._parts)

    def local(self) -> Asset:
        """Return the asset as it is here; its digital numbers mean the same."""
        got = self._receipt
        assert got is not None
        return replace(self.asset, href=str(self.path), size=got.size, checksum=f"1220{got.sha256}", grid=got.own_grid)

    # -- the steps, in order ----------------------------------------------------------------------------

    def look(self) -> None:
        """Find out what is missing: from the record of an earlier download, or else from the file's header.

        Raises
        ------
        FetchError, ReadError
            If the header cannot be had or read.
        """
        self._receipt = self._known()
        if self._receipt is not None:
            return
        file = self._file = self._file or RangeFile(self._remote, self.asset.href, Pieces(self._folder))
        for tries_left in reversed(range(self._remote.tries)):
            try:
                self._image = image_of(file.read, file.version.size)
                self._layout = layout_from(self._image, self.path.stem, file.read)
                break
            except (ChangedError, ReadError):
                if not tries_left:
                    raise
                file.pieces.clear()
        window = window_for(self._layout.grid, self._grid)
        if window is None:
            self._finished(None)
            return
        self._window, self._parts = window, self._image.parts(self._layout, window)
        size = file.version.size
        if any(part.stop > size for part in self._parts):
            raise ReadError("is shorter than its header says")
        self._whole = self._packed >= _NEARLY_ALL * size and stated_hash(self.asset.checksum) is not None
        self.ranges = [
            (at, min(at + PIECE, last))
            for needed in self._needed()
            for first, last in file.pieces.gaps(*needed)
            for at in range(first, last, PIECE)
        ]
        self.weight = sum(stop - start for start, stop in self.ranges)

    def _needed(self) -> list[tuple[int, int]]:
        assert self._file is not None
        return [(0, self._file.version.size)] if self._whole else joined(self._parts)

    def take(self, start: int, stop: int) -> None:
        """Fetch one of `ranges`.

        Raises
        ------
        FetchError, StoreError
            If it cannot be had, or not be kept.
        """
        assert self._file is not None
        verified = self._layout.has_checksums or (self._whole and stated_hash(self.asset.checksum) is not None)
        self._file.fill(start, stop, twice=not verified)

    def finish(self) -> None:
        """Decode the window and write it; parts that do not decode are fetched again.

        Raises
        ------
        FetchError
            If it does not decode however often it is fetched, or is not the file that its item describes.
        StoreError
            If it cannot be written.
        """
        assert self._file is not None
        for tries_left in reversed(range(self._remote.tries)):
            bad = self._unsound()
            if not bad:
                try:
                    self._write()
                    break
                except ReadError as error:
                    bad, why = self._undecodable(), error.what
            else:
                why = "its bytes do not match their checksum"
            if not tries_left:
                raise FetchError(why, where=shown(self.asset.href), mend="tell its provider")
            for start, stop in bad:
                self._file.pieces.drop(start, stop)
            for start, stop in self._needed():
                self.take(start, stop)
        self._finished(self._window)
        shutil.rmtree(self._folder, ignore_errors=True)

    def restart(self) -> None:
        """Fetch all of it from the start: the file on the server has changed.

        Raises
        ------
        FetchError, ReadError, StoreError
            If it cannot be had, read or kept.
        """
        assert self._file is not None
        for tries_left in reversed(range(self._remote.tries)):
            self._file.pieces.clear()
            try:
                self.look()
                for start, stop in self.ranges:
                    self.take(start, stop)
                if not (self.is_here or self.is_outside):
                    self.finish()
                return
            except ChangedError:
                if not tries_left:
                    raise

    @property
    def _stated(self) -> Stated:
        return (self.asset.checksum, self.asset.size)

    # -- inside -----------------------------------------------------------------------------------------

    def _known(self) -> Receipt | None:
        """What an earlier download wrote down, if it covers the area and its file is still what it was."""
        got = read_receipt(self.path)
        if got is None or (got.source, got.stated) != (shown(self.asset.href), self._stated):
            return None
        window = window_for(got.grid, self._grid)
        if window is None:
            return replace(got, window=None)
        return got if got.covers(window) and got.is_of(self.path) else None

    def _finished(self, window: Block | None) -> None:
        source, grid = shown(self.asset.href), self._layout.grid
        self._receipt = write_receipt(self.path, source=source, grid=grid, window=window, stated=self._stated)

    def _unsound(self) -> list[tuple[int, int]]:
        """Byte ranges whose checksums are wrong."""
        assert self._file is not None
        pieces, size = self._file.pieces, self._file.version.size
        stated = stated_hash(self.asset.checksum) if self._whole else None
        if stated is not None and (self.asset.size not in (None, size) or pieces.digest(stated[0], size) != stated[1]):
            return [(0, size)]
        return [
            (part.start, part.stop)
            for part in self._parts
            if not is_sound(pieces.read(part.start, part.stop), self._layout)
        ]

    @contextmanager
    def _opened(self, parts: Sequence[Part]) -> Iterator[Any]:
        """A file of just these parts, on disk while the block runs."""
        assert self._file is not None
        path = self._folder / f"window{self._image.ending}"
        try:
            with path.open("wb") as file:
                file.writelines(self._image.compact(parts, self._file.pieces.read))
        except OSError as error:
            raise StoreError(
                f"cannot be written ({error.strerror or error})", where=path, mend="free some space"
            ) from error
        try:
            with open_raster(path) as opened:
                yield opened
        finally:
            path.unlink(missing_ok=True)

    def _write(self) -> None:
        layout, window = self._layout, self._window
        grid = layout.grid[window.rows, window.cols]
        writer = RasterWriter(self.path, grid, layout.bands, layout.dtype, layout.nodata, colormap=layout.colormap)
        with self._opened(self._parts) as opened, writer as written:
            for strip in strips(layout, window):
                rows = slice(strip.rows.start - window.rows.start, strip.rows.stop - window.rows.start)
                written.write(read_block(opened, strip), Block(0, rows, slice(0, window.shape[1])))

    def _undecodable(self) -> list[tuple[int, int]]:
        """Byte ranges of the blocks that GDAL cannot decode; all of them where none stands out."""
        bad = []
        with suppress(ReadError), self._opened(self._parts) as opened:
            for part in self._parts:
                try:
                    read_block(opened, part.block)
                except ReadError:
                    bad.append((part.start, part.stop))
        return bad or self._needed()
