"""What has come of a file on the web: pieces on disk that outlive a killed download, or in memory."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import threading
import zlib
from bisect import insort
from dataclasses import asdict
from pathlib import Path

from habitat.errors import StoreError
from habitat.tiles.answers import Version

_VERSION = "version.json"
_HASHES = {"1220": "sha256", "1340": "sha512", "1114": "sha1", "d50110": "md5"}
"""Multihash prefixes, code and length, to what they are (multiformats.io/multihash)."""


def stated_hash(checksum: str | None) -> tuple[str, str] | None:
    """Return kind and digits of a multihash in hexadecimal digits; None for kinds that we do not compute."""
    text = (checksum or "").lower()
    return next(((kind, text.removeprefix(code)) for code, kind in _HASHES.items() if text.startswith(code)), None)


class Pieces:
    """Parts of one state of a file that have come: in a folder that outlives us, or in memory.

    A piece is a file whose name says which bytes it holds and what their CRC-32 is: one that was cut off or spoiled
    is not believed. Any number of threads may share it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._parts: list[tuple[int, int, Path | bytes]] = []
        self.version: Version | None = None
        if folder is not None and folder.is_dir():
            self._load(folder)

    def _load(self, folder: Path) -> None:
        with contextlib.suppress(OSError, ValueError, TypeError):
            self.version = Version(**json.loads((folder / _VERSION).read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*-*-*")):
            with contextlib.suppress(OSError, ValueError):
                start, stop, crc = path.name.split("-")
                data = path.read_bytes()
                if (
                    self.version is not None
                    and len(data) == int(stop) - int(start)
                    and zlib.crc32(data) == int(crc, 16)
                ):
                    insort(self._parts, (int(start), int(stop), path), key=lambda part: part[:2])
                    continue
            path.unlink(missing_ok=True)

    def begin(self, version: Version) -> None:
        """Note which state of the file the pieces belong to."""
        self.version = version
        if self._folder is not None:
            self._write(_VERSION, json.dumps(asdict(version)).encode())

    def add(self, start: int, data: bytes) -> None:
        """Keep bytes that begin at `start`.

        Raises
        ------
        StoreError
            If the disk is full or the folder cannot be written.
        """
        stop = start + len(data)
        kept: Path | bytes = data
        if self._folder is not None:
            kept = self._write(f"{start:012d}-{stop:012d}-{zlib.crc32(data):08x}", data)
        with self._lock:
            insort(self._parts, (start, stop, kept), key=lambda part: part[:2])

    def _write(self, name: str, data: bytes) -> Path:
        assert self._folder is not None
        path, part = self._folder / name, self._folder / f".{name}.{threading.get_ident()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)  # not synced: a piece that a power cut spoils has another CRC
            os.replace(part, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise StoreError(
                f"cannot keep what came from the web ({error.strerror or error})",
                where=self._folder,
                mend="free some space, or choose another folder",
            ) from error
        return path

    def gaps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return the parts of [start, stop) that are missing."""
        found = []
        with self._lock:
            for first, last, _ in self._parts:
                if last <= start:
                    continue
                if first >= stop:
                    break
                if first > start:
                    found.append((start, first))
                start = max(start, last)
        return [*found, (start, stop)] if start < stop else found

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes [start, stop), all of which must be here."""
        chunks, at = [], start
        with self._lock:
            parts = [part for part in self._parts if part[1] > start and part[0] < stop]
        for first, last, kept in parts:
            if first <= at < last:
                end = min(last, stop)
                chunks.append(_cut(kept, at - first, end - first))
                at = end
        data = b"".join(chunks)
        if len(data) != stop - start:
            raise OSError("a piece that was here is gone")
        return data

    def digest(self, kind: str, size: int) -> str:
        """Return the hash of the whole file, all of which must be here, in hexadecimal digits."""
        found = hashlib.new(kind, usedforsecurity=False)
        for at in range(0, size, 2**22):
            found.update(self.read(at, min(at + 2**22, size)))
        return found.hexdigest()

    def drop(self, start: int, stop: int) -> None:
        """Forget all pieces that hold any of [start, stop)."""
        with self._lock:
            gone = [part for part in self._parts if part[0] < stop and part[1] > start]
            self._parts = [part for part in self._parts if part not in gone]
        for *_, kept in gone:
            if isinstance(kept, Path):
                kept.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._parts, self.version = [], None
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)


def _cut(kept: Path | bytes, start: int, stop: int) -> bytes:
    if isinstance(kept, bytes):
        return kept[start:stop]
    with kept.open("rb") as file:
        file.seek(start)
        return file.read(stop - start)
