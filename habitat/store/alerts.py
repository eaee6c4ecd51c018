"""The state of alerts on disk: one file a block, whole or not at all.

A block's file is a transaction: its pixels' states, what happened to them, and which scenes did it, together. A
process that is killed leaves the file of before; the next one sees which scenes it lacks. The file is a NumPy archive
(`.npz`, not compressed, with a checksum of each member): `about`, which is JSON, and the arrays of
:meth:`habitat.change.AlertRun.pack`. See docs/conventions.md.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from habitat.errors import ReadError, StoreError
from habitat.store._atomic import replacing

FORMAT = 1
"""Version of the file; `about["state_version"]` is that of the states in it."""


def write_alert_state(path: Path, about: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a block's state in the place of the one before.

    Parameters
    ----------
    about : dict
        What JSON can hold, with `state_version`.

    Raises
    ------
    StoreError
        If it cannot be written; what was there is still there.
    """
    text = json.dumps(about | {"format": FORMAT}, sort_keys=True)
    members: dict[str, Any] = {"about": np.frombuffer(text.encode(), np.uint8), **arrays}
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, **members)


def read_alert_state(path: Path, *, state_version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what :func:`write_alert_state` wrote.

    Raises
    ------
    ReadError
        If the file is missing or damaged.
    StoreError
        If it was written by another version of the method: its sums mean something else.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as members:
            arrays = dict(members)
        about: dict[str, Any] = json.loads(bytes(arrays.pop("about")))
        found = about.pop("format", None), about.get("state_version")
    except (OSError, ValueError, KeyError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ReadError(
            f"is not a state of alerts ({error})",
            where=path,
            mend="make the state anew from the archive: habitat watch --anew",
        ) from error
    if found != (FORMAT, state_version):
        raise StoreError(
            f"was written by another version of habitat (format and state {found}, not {(FORMAT, state_version)})",
            where=path,
            mend="make the state anew from the archive: habitat watch --anew",
        )
    return about, arrays
