"""Files that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from habitat.errors import HabitatError, StoreError

PART = ".part"
"""Ending of a file that is still being written; a killed run leaves it, the next one overwrites it."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it to `path` if the block ends well.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written; what was at `path` is still there.
    """
    part = path.with_name(f".{path.name}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    except OSError as error:
        _discard(part)
        if isinstance(error, HabitatError):  # a source that cannot be read is no fault of this file
            raise
        raise StoreError(
            _reason(error), where=path, mend="free some space or choose another [output] folder"
        ) from error
    except BaseException:
        _discard(part)
        raise


def copy_file(source: Path, path: Path) -> None:
    """Copy a file's content, whole or not at all."""
    with replacing(path) as part:
        shutil.copyfile(source, part)


def _discard(part: Path) -> None:
    with suppress(OSError):  # the first error is the one to tell
        part.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        return "the disk is full"
    return f"cannot be written ({error.strerror or error})"
