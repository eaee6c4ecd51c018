"""One process at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from habitat.errors import StoreError

LOCK = ".lock"
"""Name of the file that is locked; it holds nothing and may stay."""


@contextmanager
def only_here(folder: Path, *, key: str) -> Iterator[None]:
    """Keep other processes out of `folder` while the block runs; a killed process frees it.

    Parameters
    ----------
    key : str
        Where the recipe names the folder.

    Raises
    ------
    StoreError
        If another process is working in the folder, or it cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows has no such lock: there, one run a folder is up to the user
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise StoreError(f"cannot be written ({error.strerror})", where=folder, mend=f"choose another {key}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                "another habitat is working in this folder", where=folder, mend="wait until it has finished"
            ) from None
        yield
