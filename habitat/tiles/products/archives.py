"""A safe view of a product: a folder, a zip or a tar, whose members are read by name and never unpacked by path."""

from __future__ import annotations

import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from habitat.errors import CatalogueError
from habitat.tiles.products.views import (
    MAX_DOCUMENT,
    MAX_MEMBERS,
    View,
    check_document,
    check_sizes,
    pour,
    reading,
    refused,
    safe_name,
)

_DEFLATE_RATIO = 1100
"""A deflated byte stands for 1032 bytes at most."""
_LARGEST_READ = 2**24
"""Bytes that a tar's headers may ask for at once: a forged one would ask for all the memory."""
_DOCUMENT = re.compile(r"(?i)(^|/)([^/]*MTL\.(txt|json|xml)|[^/]*MTD_[^/]*\.xml)$")
_DOCUMENTS = 16
"""How many metadata files are kept of a tar."""


def open_view(path: Path, *, flat: bool = False) -> View:
    """Return the view of a product's folder or archive; of a `flat` folder, without what lies in folders below.

    Raises
    ------
    CatalogueError
        If it is damaged, or no archive to be trusted.
    """
    if path.is_dir():
        return _Folder(path, flat)
    with reading(path):
        if path.suffix.lower() == ".zip":
            return _Zip(path)
        return _Tar(path)


class _Folder(View):
    is_folder = True

    def __init__(self, path: Path, flat: bool) -> None:
        self.path = path
        self.members = {}
        for folder, below, files in os.walk(path):
            below[:] = [] if flat else sorted(below)
            for name in sorted(files):
                file = Path(folder, name)
                if file.is_file():
                    self.members[file.relative_to(path).as_posix()] = file.stat().st_size
                if len(self.members) > MAX_MEMBERS:
                    raise CatalogueError(f"holds more than {MAX_MEMBERS:,} files", where=path)

    def read(self, name: str) -> bytes:
        file = self.path / name
        check_document(file, self.members[name])
        try:
            return file.read_bytes()
        except OSError as error:
            raise CatalogueError(f"cannot be read ({error.strerror})", where=file) from error

    def copy(self, targets: Mapping[str, Path]) -> None:
        raise NotImplementedError  # pragma: no cover - its members are files already

    def state(self, name: str) -> str:
        found = (self.path / name).stat()
        return f"{found.st_size} bytes of {found.st_mtime_ns}"


class _Zip(View):
    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self._entries = {safe_name(path, e.orig_filename): e for e in archive.infolist() if not e.is_dir()}
            if len(self._entries) != sum(not e.is_dir() for e in archive.infolist()):
                raise refused(path, "holds two members of one name")
        for entry in self._entries.values():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise refused(path, f"holds a link or device ({entry.filename!r})")
            if entry.flag_bits & 1:
                raise refused(path, "is encrypted")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise refused(path, "is compressed in an unusual way")
            if entry.file_size > max(entry.compress_size, 1) * _DEFLATE_RATIO:
                raise refused(path, f"claims more than it can hold ({entry.filename!r})")
        sizes = [entry.file_size for entry in self._entries.values()]
        check_sizes(path, largest=max(sizes, default=0), total=sum(sizes), count=len(sizes))
        self.members = {name: entry.file_size for name, entry in self._entries.items()}

    def read(self, name: str) -> bytes:
        check_document(self.path / name, self.members[name])
        with reading(self.path), zipfile.ZipFile(self.path) as archive:
            return archive.read(self._entries[name])

    def copy(self, targets: Mapping[str, Path]) -> None:
        with reading(self.path), zipfile.ZipFile(self.path) as archive:
            for name, target in targets.items():
                with archive.open(self._entries[name]) as source:  # checks the CRC at its end
                    pour(source, target, self.members[name])

    def state(self, name: str) -> str:
        return f"{self.members[name]} bytes of CRC {self._entries[name].CRC:08x}"


class _Tar(View):
    """A tar, compressed or not; metadata is kept from the one pass that lists the members."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members = {}
        self._documents: dict[str, bytes] = {}
        with _tar(path) as archive:
            for name, member in _tar_members(path, archive):
                if name in self.members:
                    raise refused(path, "holds two members of one name")
                self.members[name] = member.size
                if _DOCUMENT.search(name) and member.size <= MAX_DOCUMENT and len(self._documents) < _DOCUMENTS:
                    content = archive.extractfile(member)
                    self._documents[name] = content.read() if content is not None else b""
        found = path.stat()
        self._state = f"{found.st_size} bytes of {found.st_mtime_ns}"

    def read(self, name: str) -> bytes:
        check_document(self.path / name, self.members[name])
        if name not in self._documents:
            raise refused(self.path, "holds the metadata of many products")
        return self._documents[name]

    def copy(self, targets: Mapping[str, Path]) -> None:
        left = dict(targets)
        with reading(self.path), _tar(self.path) as archive:
            for name, member in _tar_members(self.path, archive):
                target = left.pop(name, None)
                source = None if target is None else archive.extractfile(member)
                if target is not None and source is not None:
                    pour(source, target, member.size)
                if not left:
                    return
        raise CatalogueError(
            f"ends before {next(iter(left))!r}", where=self.path, mend="it may be truncated: download it again"
        )

    def state(self, name: str) -> str:
        return f"{self.members[name]} bytes in {self._state}"


class _Bounded:
    """A file whose reader may not ask for more than a few megabytes at once."""

    def __init__(self, file: Any, path: Path) -> None:
        self._file, self._path = file, path

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise refused(self._path, "has a forged header")
        return bytes(self._file.read(size))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    import gzip

    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.open(raw) if compressed else nullcontext(raw) as plain:
            source: Any = _Bounded(plain, path)
            with tarfile.open(fileobj=source, mode="r:") as archive:
                yield archive


def _tar_members(path: Path, archive: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Yield the files of a tar, each checked before the reader goes on to the next."""
    count = total = 0
    while (member := archive.next()) is not None:
        name = safe_name(path, member.name)
        count, total = count + 1, total + member.size
        check_sizes(path, largest=member.size, total=total, count=count)
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise refused(path, f"holds a link or device ({name!r})")
        yield name, member
    archive.fileobj.seek(archive.offset)  # type: ignore[union-attr]  # it is open
    if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # type: ignore[union-attr]
        raise CatalogueError("has no end", where=path, mend="it may be truncated: download it again")
