"""Blocks and threads leave no trace: the same files whatever the size of a block."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

import habitat
from habitat.simulate import write_sample
from habitat.workflow import composites, evidence, maps, training


def digests(run: Path) -> dict[str, str]:
    return {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in run.rglob("*")
        if path.suffix in (".tif", ".parquet", ".csv")
    }


@pytest.mark.parametrize("mask", ["product", "history"])
def test_small_blocks_make_the_same_files_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: str) -> None:
    write_sample(tmp_path / "one", size_km=0.9, years=range(2019, 2022), seed=3)
    recipe = tmp_path / "one" / "recipe.toml"
    text = recipe.read_text(encoding="utf-8")
    recipe.write_text(text.replace("[scenes]\n", f'[scenes]\nmask = "{mask}"\nbands = "common"\n'), encoding="utf-8")
    shutil.copytree(tmp_path / "one", tmp_path / "many")
    habitat.run_recipe(habitat.read_recipe(tmp_path / "one" / "recipe.toml"), until="change", workers=2)
    for module, name in (
        (composites, "READ_BLOCK"),
        (training, "READ_BLOCK"),
        (evidence, "READ_BLOCK"),
        (maps, "MAP_BLOCK"),
    ):
        monkeypatch.setattr(module, name, 16)
    habitat.run_recipe(habitat.read_recipe(tmp_path / "many" / "recipe.toml"), until="change", workers=1)
    made = digests(tmp_path / "one" / "run")
    assert len(made) > 20
    assert digests(tmp_path / "many" / "run") == made
