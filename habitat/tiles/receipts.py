"""What a fetched file is: written beside it, so that it is known again without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.grids import Block
from habitat.store import digest_file, write_json

Stated = tuple[str | None, int | None]
"""Checksum and size that an item states of the whole file: others mean another file under the same address."""


@dataclass(frozen=True)
class Receipt:
    """A window of a file of the web, as it is here."""

    source: str
    """Address without anything secret."""
    grid: GeoBox
    """Of the whole file."""
    window: Block | None
    """Pixels that are here; None of a file that does not touch the area."""
    stated: Stated = (None, None)
    size: int = 0
    """Bytes of the file that is here."""
    sha256: str = ""

    @property
    def own_grid(self) -> GeoBox:
        """The grid of the file that is here."""
        assert self.window is not None
        return self.grid[self.window.rows, self.window.cols]

    def covers(self, window: Block) -> bool:
        """Whether pixels of the whole file are here."""
        own = self.window
        return own is not None and all(
            mine.start <= other.start and other.stop <= mine.stop
            for mine, other in ((own.rows, window.rows), (own.cols, window.cols))
        )

    def is_of(self, path: Path) -> bool:
        """Whether a file is still the one that was written."""
        return path.is_file() and path.stat().st_size == self.size and digest_file(path) == self.sha256


def read_receipt(path: Path) -> Receipt | None:
    """Return the receipt of a file; None if there is none that can be read."""
    try:
        said = json.loads(_beside(path).read_text(encoding="utf-8"))
        window = None
        if said["window"] is not None:
            (top, bottom), (left, right) = said["window"]
            window = Block(0, slice(int(top), int(bottom)), slice(int(left), int(right)))
        checksum, size = said.get("stated", (None, None))
        return Receipt(said["source"], _grid(said["grid"]), window, (checksum, size), said["bytes"], said["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_receipt(
    path: Path, *, source: str, grid: GeoBox, window: Block | None, stated: Stated = (None, None)
) -> Receipt:
    """Write down what a file is, and return it."""
    made = Receipt(source, grid, window, stated)
    if window is not None:
        made = replace(made, size=path.stat().st_size, sha256=digest_file(path))
    spans = None if window is None else [[each.start, each.stop] for each in (window.rows, window.cols)]
    lies = {"crs": str(grid.crs), "transform": list(grid.transform)[:6], "shape": list(grid.shape)}
    said = {
        "source": source,
        "stated": list(stated),
        "grid": lies,
        "window": spans,
        "bytes": made.size,
        "sha256": made.sha256,
    }
    write_json(_beside(path), said)
    return made


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _grid(said: Mapping[str, Any]) -> GeoBox:
    height, width = said["shape"]
    return GeoBox((int(height), int(width)), Affine(*said["transform"]), said["crs"])
