"""Digests of files, and a memo of them: hundreds of gigabytes of tiles are not hashed again at every call.

A digest is remembered with the file's inode, size and its two times in nanoseconds: a program can set the time of
modification, but not that of the last change of the inode. A file that is younger than the clock's steps is hashed
each time, since a write in the same instant would leave no trace (git's index does the same).
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from habitat.store.tables import write_json

_SETTLED_NS = 2 * 10**9
"""Age from which a file's times can be trusted: FAT, the coarsest of file systems, keeps them by two seconds."""


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_input(path: Path) -> str | None:
    """SHA-256 of what a user gives: of a shapefile all parts, of a folder its TIFFs, of a file itself; else None."""
    if path.suffix.lower() == ".shp":
        return digest({part.name: digest_file(part) for part in path.parent.glob(f"{path.stem}.*")})
    if path.is_dir():
        rasters = sorted(f for f in path.rglob("*") if f.suffix.lower() in (".tif", ".tiff"))
        return digest({str(raster.relative_to(path)): digest_file(raster) for raster in rasters})
    return digest_file(path) if path.is_file() else None


def digest(data: Any) -> str:
    """SHA-256 of anything JSON can hold; paths and dates by their text."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()


class DigestMemo:
    """SHA-256 of files that have not changed since they were hashed, kept in a file.

    Parameters
    ----------
    file : Path
        Where it is kept; a memo that is missing or unreadable is an empty one.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = False
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
            self._known: dict[str, list[Any]] = {path: list(marks) for path, marks in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._known = {}

    def digest_of(self, path: Path) -> str:
        """SHA-256 of a file, hashed only if it is new or has changed."""
        marks = _marks(path)
        *before, found = self._known.get(str(path)) or [None]
        if before == marks and isinstance(found, str):
            return found
        found = digest_file(path)
        if time.time_ns() - max(marks[2:]) > _SETTLED_NS and marks == _marks(path):
            self._known[str(path)] = [*marks, found]
            self._changed = True
        return found

    def save(self) -> None:
        """Write the memo, if anything was learnt; files that are gone are forgotten."""
        if self._changed:
            write_json(self._file, {path: known for path, known in self._known.items() if Path(path).exists()})
            self._changed = False


def _marks(path: Path) -> list[int]:
    """What changes when a file does."""
    stat = path.stat()
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
