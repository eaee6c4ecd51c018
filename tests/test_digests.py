"""A memo of digests must never say that a changed file is the old one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from habitat import store
from habitat.store import DigestMemo, digest_file, digests

OLD = 1_000_000_000  # a file of 2001, long settled


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were really read."""
    names: list[str] = []

    def count(path: Path) -> str:
        names.append(path.name)
        return digest_file(path)

    monkeypatch.setattr(digests, "digest_file", count)
    monkeypatch.setattr(digests, "_SETTLED_NS", -1)  # a test cannot set the time of an inode's last change
    return names


def settled(path: Path, text: str = "tile") -> Path:
    path.write_text(text)
    os.utime(path, (OLD, OLD))
    return path


def test_a_file_is_hashed_once(tmp_path: Path, hashed: list[str]) -> None:
    tile, memo = settled(tmp_path / "tile.tif"), DigestMemo(tmp_path / "memo.json")
    assert memo.digest_of(tile) == memo.digest_of(tile) == digest_file(tile)
    memo.save()
    assert DigestMemo(tmp_path / "memo.json").digest_of(tile) == digest_file(tile)
    assert hashed == ["tile.tif"]


@pytest.mark.parametrize("same_times", [False, True])
def test_a_changed_file_is_hashed_again_even_if_its_times_were_set_back(
    tmp_path: Path, hashed: list[str], same_times: bool
) -> None:
    tile, memo = settled(tmp_path / "tile.tif"), DigestMemo(tmp_path / "memo.json")
    before = memo.digest_of(tile)
    if same_times:
        settled(tile, "lite")  # the same length and the same time of modification
    else:
        tile.write_text("lite")
    assert memo.digest_of(tile) == digest_file(tile) != before


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tile, memo = tmp_path / "tile.tif", DigestMemo(tmp_path / "memo.json")
    tile.write_text("tile")
    memo.digest_of(tile)
    memo.save()
    assert not (tmp_path / "memo.json").exists()


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '{"a": 1}', '{"a": [1, 2]}'])
def test_a_broken_memo_is_an_empty_one(tmp_path: Path, text: str) -> None:
    tile = settled(tmp_path / "tile.tif")
    (tmp_path / "memo.json").write_text(text.replace('"a"', f'"{tile}"'))
    assert DigestMemo(tmp_path / "memo.json").digest_of(tile) == store.digest_file(tile)


def test_files_that_are_gone_are_forgotten(tmp_path: Path, hashed: list[str]) -> None:
    tile, memo = settled(tmp_path / "tile.tif"), DigestMemo(tmp_path / "memo.json")
    memo.digest_of(tile)
    tile.unlink()
    memo.save()
    assert (tmp_path / "memo.json").read_text().strip() == "{}"
