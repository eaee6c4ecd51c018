"""The train stage: what is doubted teaches nothing, and still judges."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import habitat.workflow.training
from habitat.recipe import read_recipe
from habitat.workflow import run_recipe


def counts(card: str) -> int:
    """Labels in the card's table of what was learnt from."""
    table = card.split("## What it learnt from")[1].split("##")[0]
    return sum(int(cell) for line in table.strip().splitlines()[2:] for cell in re.findall(r"\| (\d+)(?= \|)", line))


def test_doubted_labels_are_judged_by_but_not_learnt_from(land: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = json.loads((land / "run" / "forest" / "validation.json").read_text(encoding="utf-8"))
    text = (land / "recipe.toml").read_text(encoding="utf-8")
    assert "[forest]\n" in text
    (land / "recipe.toml").write_text(text.replace("[forest]\n", "[forest]\nclean_labels = true\n"), encoding="utf-8")
    taught: list[int] = []
    train_cover = habitat.workflow.training.train_cover

    def every_tenth(samples: pd.DataFrame, **_: object) -> np.ndarray:
        return np.arange(len(samples)) % 10 == 0

    def watched(samples: pd.DataFrame, **options: object) -> object:
        taught.append(len(samples))
        return train_cover(samples, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(habitat.workflow.training, "doubtful_labels", every_tenth)
    monkeypatch.setattr(habitat.workflow.training, "train_cover", watched)
    done = [result for result in run_recipe(read_recipe(land / "recipe.toml"), until="train") if result.done]
    assert [result.name for result in done] == ["train"]
    said = json.loads((land / "run" / "forest" / "validation.json").read_text(encoding="utf-8"))
    everything = said["n_labels"]
    doubted = -(-everything // 10)
    assert everything == usual["n_labels"], "all labels judge"
    assert taught == [everything - doubted]
    assert counts((land / "run" / "forest" / "model.md").read_text(encoding="utf-8")) == everything - doubted
    notes = json.loads((land / "run" / "run.json").read_text(encoding="utf-8"))["stages"]["train"]["notes"]
    assert sum(notes["labels_left_out"].values()) == doubted
