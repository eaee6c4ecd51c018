"""The race for losses runs, and its own sums are what they say; how good is for its page to say."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import race
from benchmarks.change_scores import Matched
from benchmarks.hard import Series
from tests.change.series import CLEARED, FOREST, SEASON, SPREAD

DAY = np.timedelta64(1, "D")


def _landscape() -> race.Landscape:
    """Ten by ten pixels of forest with a look in eight days from 2013; two of them are cut in July 2019."""
    time = np.arange(np.datetime64("2013-01-05"), np.datetime64("2025-12-31"), 8 * DAY).astype("datetime64[s]")
    days = (time - np.datetime64("2000-01-01")) / DAY
    green = np.cos(2 * np.pi * (days - 196) / 365.2425)
    noise = np.random.default_rng(0).normal(0, 1, (100, 6, time.size))
    values = FOREST[:, None] + SEASON[:, None] * green + SPREAD[:, None] * noise
    cut = time >= np.datetime64("2019-07-10")
    values[40:42] += CLEARED[:, None] * cut
    codes = np.zeros((100, time.size), np.uint8)
    codes[:, ::10] = 4
    values[:, :, ::10] = 0.9
    damage = pd.DataFrame({"pixel": [40, 41], "kind": ["clear cut"] * 2, "share": [1.0, 0.95]})
    damage["start"] = damage["end"] = np.array(["2019-07-10"] * 2, dtype="datetime64[s]")
    whole = np.arange(100)
    series = Series(time, np.round(values * 10_000).astype(np.int16), codes, damage, whole, np.full(100, 14, np.uint8))
    return race.Landscape(Path("hard_7.npz"), series)


def _part(shares: list[float], hits: list[bool], false: int) -> Matched:
    losses = pd.DataFrame({"share": shares, "hit": hits})
    return Matched(losses, pd.DataFrame({"fate": ["false"] * false + ["neutral"]}), np.arange(3), 8.0)


def test_ours_finds_the_cut_pixels_through_hidden_looks() -> None:
    place = _landscape()
    calls, seconds = race.ours(place)
    sure = calls[calls["probability"] > 0.9]
    assert sure["pixel"].tolist() == [40, 41]
    assert seconds > 0
    assert place.score(sure).counts.tolist() == [2, 0, 0]


def test_the_page_holds_every_part_and_the_scores_of_a_plain_landscape() -> None:
    page = race.race([_landscape()], argparse.Namespace(peer=None, cdts=None))
    assert "100 forest pixels of 1 landscapes, 98 of them stable; 2 losses." in page
    assert "| habitat | 1.000 | 1.000 | 1.000 | 1.000 | 0.0000 |" in page
    assert "| clear cut | 2 | 1.00 |" in page
    assert "| 7 | 1.00 |" in page


def test_of_complete_removals_weaker_losses_are_neither_hits_nor_misses() -> None:
    part = _part([0.95, 1.0, 0.9, 0.3], [True, True, False, False], false=1)
    assert race.complete_f1([part]) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))


def test_coefficients_are_where_the_held_likelihood_is_level() -> None:
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(400), rng.normal(3, 2, 400), rng.normal(0, 0.1, 400)])
    truth = (rng.random(400) < 1 / (1 + np.exp(2 - features[:, 1]))).astype(float)
    weights = race.learn(features, truth)

    def cost(w: np.ndarray) -> float:
        score = features @ w
        held = (w[1:] ** 2 * features[:, 1:].var(axis=0)).sum() / 2
        return float(np.logaddexp(0, score).sum() - truth @ score + held)

    for k in range(3):
        for step in (-0.01, 0.01):
            assert cost(weights) <= cost(weights + step * np.eye(3)[k])


def test_bins_hold_enough_losses_and_their_distances_are_averaged_over_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "BIN", 2)
    told = np.array([[0.9, 1], [0.2, 0], [0.4, 1], [0.5, 1], [0.8, 1], [0.3, 0]])
    text = race.reliability(told)
    # by probability: 0.2 no, 0.3 no, 0.4 yes, 0.5 yes | 0.8 yes, 0.9 yes
    assert "| 0.200 to 0.500 | 4 | 0.350 | 0.500 |" in text
    assert "| 0.800 to 0.900 | 2 | 0.850 | 1.000 |" in text
    assert "Expected calibration error 0.150" in text, "(4 x 0.15 + 2 x 0.15) / 6"
