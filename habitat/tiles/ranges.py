"""A file on the web that GDAL can read: what is not here yet is asked for, in pieces, when it is needed.

GDAL opens it through rasterio's file containers, so that it never talks to the network itself.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.errors
from rasterio.abc import FileContainer
from rasterio.windows import Window

from habitat.errors import FetchError, ReadError
from habitat.grids import Block
from habitat.store import open_raster
from habitat.tiles.answers import Answer, ChangedError, Version
from habitat.tiles.guard import shown
from habitat.tiles.pieces import Pieces

if TYPE_CHECKING:
    from habitat.tiles.remote import Remote

PIECE = 2**22
"""Bytes that are asked for at once, at most: what a dropped line costs."""
HEADER = 2**14
"""Bytes that are read of a file to begin with: they hold the header of nearly every cloud-optimised GeoTIFF."""
_AHEAD = 2**20
"""Bytes that are read ahead, at most, of a file that is read from front to back."""
_ALONE = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_NUM_THREADS": "1"}
"""No file lies beside one on the web. And GDAL's own threads do not find rasterio's containers: what they decode of a
JPEG 2000 stays empty, without an error (seen with rasterio 1.4.4)."""
_JP2 = (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")
"""How JPEG 2000 files and bare codestreams begin (ISO/IEC 15444-1)."""


class RangeFile:
    """A file on the web that can be read anywhere; what has come once is not asked for again.

    Errors do not pass through GDAL: the first one is kept in `error`, and reads give nothing from then on.
    """

    def __init__(self, remote: Remote, href: str, pieces: Pieces) -> None:
        self.remote, self.href, self.pieces = remote, href, pieces
        self.error: BaseException | None = None
        self.bytes_read = 0
        """From the web."""
        self._wholes = 0
        self._plain: bool | None = None
        self._counting = threading.Lock()

    @property
    def version(self) -> Version:
        """The state of the file."""
        if self.pieces.version is None:
            self._take(0, HEADER)
        assert self.pieces.version is not None
        return self.pieces.version

    def fill(self, start: int, stop: int, *, twice: bool = False) -> None:
        """Ask for what is missing of [start, stop).

        Parameters
        ----------
        twice : bool
            Whether content that would not show a flipped bit is asked for two times, if it comes unencrypted.

        Raises
        ------
        FetchError, StoreError
            If it cannot be had, or not be kept.
        """
        for first, last in self.pieces.gaps(start, min(stop, self.version.size)):
            for at in range(first, last, PIECE):
                self._take(at, min(at + PIECE, last), twice=twice)

    def _take(self, start: int, stop: int, *, twice: bool = True) -> None:
        version = self.pieces.version
        answer = self._ask(start, stop, version)
        if twice and self._is_plain():
            for _ in range(self.remote.tries):
                other = self._ask(start, stop, version)
                if other.data == answer.data and not other.version.is_other_than(answer.version):
                    break
                answer = other
            else:
                raise FetchError("comes different each time", where=shown(self.href), mend="use an encrypted address")
        if version is None:
            self.pieces.begin(answer.version)
        self._keep(start, answer.data)
        if not answer.in_parts and answer.version.size > PIECE:
            self._wholes += 1
            if self._wholes > 1:  # the server sends all of it each time: once is enough
                self.remote.download(self.href, answer.version, self._keep, PIECE)

    def _ask(self, start: int, stop: int, version: Version | None) -> Answer:
        answer = self.remote.ask(self.href, start, stop, version)
        with self._counting:
            self.bytes_read += len(answer.data)
        return answer

    def _keep(self, start: int, data: bytes) -> None:
        for first, last in self.pieces.gaps(start, start + len(data)):
            self.pieces.add(first, data[first - start : last - start])

    def _is_plain(self) -> bool:
        if self._plain is None:
            self._plain = self.remote.is_plain(self.href)
        return self._plain

    def read(self, start: int, stop: int, *, ahead: int = HEADER) -> bytes:
        """Return bytes [start, stop), or up to its end; of what is missing, at least `ahead` bytes are asked for.

        Raises
        ------
        FetchError, StoreError
            If it cannot be had, or not be kept.
        """
        size = self.version.size
        stop = min(stop, size)
        for first, last in self.pieces.gaps(start, stop):
            end = -(-max(last, first + ahead) // HEADER) * HEADER
            self.fill(first // HEADER * HEADER, end, twice=True)
        return self.pieces.read(start, stop) if stop > start else b""

    def check(self) -> None:
        """Raise what went wrong inside GDAL's calls."""
        if self.error is not None:
            error, self.error = self.error, None
            raise error


class _Handle(io.RawIOBase):
    """One reader's place in a file. GDAL's threads each have their own."""

    def __init__(self, file: RangeFile) -> None:
        super().__init__()
        self._file, self._at, self._ahead, self._last = file, 0, HEADER, -1

    def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        """Read on from where the last read ended; nothing once anything has failed."""
        if self._file.error is not None:
            return b""
        try:
            stop = self._file.version.size if size < 0 else self._at + size
            self._ahead = min(self._ahead * 2, _AHEAD) if self._at == self._last else HEADER
            data = self._file.read(self._at, stop, ahead=self._ahead)
        except BaseException as error:  # noqa: BLE001 - GDAL would swallow it: it is raised when GDAL has returned
            self._file.error = error
            return b""
        self._at += len(data)
        self._last = self._at
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a byte."""
        version = self._file.pieces.version
        self._at = offset + (0, self._at, 0 if version is None else version.size)[whence]
        return self._at

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True


class _Container(FileContainer):
    """One file that is there under any name, and nothing beside it."""

    def __init__(self, file: RangeFile) -> None:
        self._file = file

    def open(self, path: str, mode: str = "r", **options: Any) -> _Handle:  # noqa: ARG002 - rasterio says which
        return _Handle(self._file)

    def isfile(self, path: str) -> bool:  # noqa: ARG002
        return True

    def isdir(self, path: str) -> bool:  # noqa: ARG002
        return False

    def ls(self, path: str) -> list[str]:  # noqa: ARG002
        return []

    def mtime(self, path: str) -> int:  # noqa: ARG002
        return 0

    def rm(self, path: str) -> None:
        raise PermissionError(path)

    def size(self, path: str) -> int:
        return 0 if path == "test" else self._file.version.size  # rasterio tries it out under that name


@contextlib.contextmanager
def open_ranges(file: RangeFile) -> Iterator[rasterio.DatasetReader]:
    """Open a GeoTIFF or JPEG 2000 on the web; a header that cannot be read is asked for again.

    Raises
    ------
    FetchError
        If what is needed of it cannot be had.
    ReadError
        If it is no such file, or cannot be decoded inside the block.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(rasterio.Env(**_ALONE))
        for tries_left in reversed(range(file.remote.tries)):
            try:
                opened = stack.enter_context(_opened(file))
                break
            except (ReadError, ChangedError):
                if not tries_left:
                    raise
                file.pieces.clear()
        yield opened


@contextlib.contextmanager
def _opened(file: RangeFile) -> Iterator[rasterio.DatasetReader]:
    name = "web.jp2" if file.read(0, 12).startswith(_JP2) else "web.tif"
    try:
        with open_raster(name, container=_Container(file)) as opened:
            file.check()
            yield opened
    except ReadError as error:
        file.check()  # the reason for it
        raise ReadError(_plain(error.what), where=shown(file.href), mend="look at it with other software") from None
    file.check()


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
        raise ReadError(f"does not decode ({_plain(str(cause))})") from None


def _plain(text: str) -> str:
    """GDAL's words without the name that a file on the web has inside it."""
    return re.sub(r"(/vsi\w+/)?web\.(tif|jp2)[:,]?\s*", "", text)
