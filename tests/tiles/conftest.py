from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tiles.archive import Archive
from tiles.server import TileServer


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "tiles")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[TileServer]:
    """A server on loopback over a folder of its own; see :mod:`tiles.server` for how it misbehaves."""
    folder = tmp_path / "web"
    folder.mkdir()
    with TileServer(folder) as server:
        yield server
