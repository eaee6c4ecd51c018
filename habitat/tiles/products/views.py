"""What all views of a product share: their face, and what no member of one may do.

An archive comes from strangers. One member whose name leaves it, or that is a link or a device, and nothing of it is
used; what a member claims to hold is bounded, and no more than that is ever read.
"""

from __future__ import annotations

import re
import shutil
import struct
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from habitat.errors import CatalogueError, HabitatError, StoreError

MAX_DOCUMENT = 2**22
"""Bytes of a metadata file: the largest real ones have a quarter of it."""
MAX_MEMBER = 2**31
"""Bytes of any member: ten times the largest band of a product."""
MAX_UNPACKED = 2**36
"""Bytes of all members together."""
MAX_MEMBERS = 20_000
"""Files and folders of a product: real ones have some hundreds."""
_PIECE = 2**20
_BROKEN = (EOFError, OSError, struct.error, tarfile.TarError, zipfile.BadZipFile, zlib.error)
"""What Python's readers raise on archives that are not whole."""


class View(ABC):
    """The members of one product, by their names with forward slashes."""

    is_folder = False
    path: Path
    members: Mapping[str, int]
    """Name to size in bytes."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return a metadata file's bytes.

        Raises
        ------
        CatalogueError
            If it is larger than metadata is, or damaged.
        """

    @abstractmethod
    def copy(self, targets: Mapping[str, Path]) -> None:
        """Write members to files of our own naming.

        Raises
        ------
        CatalogueError
            If a member is damaged.
        StoreError
            If the disk is full or cannot be written.
        """

    @abstractmethod
    def state(self, name: str) -> str:
        """Return a text that differs when the member's content does."""

    def file(self, name: str) -> Path | None:
        """Return where the member lies as a file of its own; None inside an archive."""
        return self.path / name if self.is_folder else None


def safe_name(path: Path, name: str) -> str:
    """Return a member's name with forward slashes, if it stays inside its archive."""
    plain = name.replace("\\", "/")
    if "\0" in plain or plain.startswith("/") or re.match(r"[A-Za-z]:", plain) or ".." in plain.rstrip("/").split("/"):
        raise refused(path, f"holds a name that leads out of it ({name!r})")
    return re.sub(r"^(\./)+", "", plain)


def check_sizes(path: Path, *, largest: int, total: int, count: int) -> None:
    """Refuse what no product holds."""
    if not 0 <= largest <= MAX_MEMBER or total > MAX_UNPACKED or count > MAX_MEMBERS:
        raise refused(path, f"claims {total:,} bytes in {count:,} members, more than any product holds")


def check_document(path: Path, size: int) -> None:
    """Refuse metadata that would fill the memory."""
    if size > MAX_DOCUMENT:
        raise CatalogueError(
            f"has {size:,} bytes, more than metadata has", where=path, mend="download the product again"
        )


def pour(source: IO[bytes], target: Path, size: int) -> None:
    """Write exactly `size` bytes, if the disk holds them."""
    with _writing(target, size) as write:
        left = size
        while piece := source.read(min(_PIECE, left)):
            left -= len(piece)
            write(piece)
        if left or source.read(1):
            raise EOFError(f"{left} bytes are missing")


@contextmanager
def _writing(target: Path, size: int) -> Iterator[Callable[[bytes], object]]:
    """Tell errors of the file that is written from those of the archive, and leave no half of it behind."""

    def failed(error: OSError) -> StoreError:
        return StoreError(f"cannot be written ({error.strerror})", where=target, mend="free some space")

    def write(piece: bytes) -> None:
        try:
            file.write(piece)
            file.flush()  # here, not as it is closed, where it would pass for an error of the archive
        except OSError as error:
            raise failed(error) from error

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
        file = target.open("wb")
    except OSError as error:
        raise failed(error) from error
    try:
        with file:
            if free < size:
                raise StoreError(f"needs {size:,} bytes, and {free:,} are free", where=target, mend="free some space")
            yield write
    except BaseException:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in one line that an archive is damaged, whatever its reader says."""
    try:
        yield
    except HabitatError:
        raise
    except (*_BROKEN, NotImplementedError, RuntimeError, ValueError) as error:
        # zipfile says RuntimeError of passwords, NotImplementedError of new versions, ValueError of odd fields
        raise CatalogueError(f"cannot be unpacked ({error})", where=path, mend="download it again") from error


def refused(path: Path, what: str) -> CatalogueError:
    """Return the error of an archive that is not to be trusted."""
    return CatalogueError(what, where=path, mend="an archive like this is not opened: download the product again")
