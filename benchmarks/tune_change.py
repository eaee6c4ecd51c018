"""Choose how far votes are believed and how fast forest changes, on simulated landscapes of seeds 0 to 9.

    python benchmarks/tune_change.py FOLDER [SEED ...]

Makes the landscapes in FOLDER if they are not there, runs them to `change`, and then repeats the smoothing and
the loss over a grid of settings: the power that the odds of forest are raised to, the yearly rate of loss, and
the smallest patch. Prints, for each setting, the mean over seeds of the worst year's balanced accuracy and of
the F1, precision, recall and exact year of loss, best F1 last. Decision 7 rested on it, with the votes of
its time, whose odds were cubed: `results/tune_change.txt`.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import numpy as np
from score_sample import read, score

import habitat as hb
from habitat.change import first_loss_year, forest_dynamics, smooth_forest, without_small_patches

POWERS = (1.0, 2.0, 3.0, 4.0)
LOSS_RATES = (0.01, 0.02, 0.05, 0.1)
PIXELS = (6.0, 12.5, 25.0)


def votes(sample: Path, years: np.ndarray) -> np.ndarray:
    """P(forest) of each year alone, (year, y, x)."""
    percent = np.stack([read(sample / "run" / "forest" / f"{year}_evidence.tif") for year in years])
    return np.where(percent == 255, np.nan, percent / 100).astype(np.float32)


def sharpen(share: np.ndarray, power: float) -> np.ndarray:
    """Raise the odds of a share to a power."""
    yes, no = share**power, (1 - share) ** power
    return (yes / (yes + no)).astype(np.float32)


def judge(sample: Path, raw: np.ndarray, years: np.ndarray, setting: tuple[float, float, float]) -> list[float]:
    """Worst year's balanced accuracy; F1, precision, recall and share of exact years of loss."""
    power, loss_rate, pixels = setting
    given_all = smooth_forest(sharpen(raw, power), forest_dynamics(loss_rate=loss_rate))
    forest, seen = given_all >= 0.5, ~np.isnan(given_all)
    accuracy = []
    for number, year in enumerate(years):
        truth = read(sample / "truth" / f"forest_{year}.tif")
        accuracy.append(
            np.mean([(forest[number] == state)[seen[number] & (truth == state)].mean() for state in (0, 1)])
        )
    found = without_small_patches(first_loss_year(forest, seen, years), min_pixels=pixels).astype(int)
    true = read(sample / "truth" / "loss_year.tif").astype(int)
    is_true, is_found = true > 0, (found > 0) & (found < 65535)
    hits = is_true & is_found
    return [
        float(min(accuracy)),
        2 * hits.sum() / (is_true.sum() + is_found.sum()),
        hits.sum() / max(is_found.sum(), 1),
        hits.sum() / is_true.sum(),
        float((found == true)[hits].mean()),
    ]


def main(folder: Path, seeds: list[int]) -> None:
    """Print the grid, and how the settings in force score."""
    cases = []
    for seed in seeds:
        sample = folder / str(seed)
        if not (sample / "recipe.toml").exists():
            hb.write_sample(sample, seed=seed)
        hb.run_recipe(hb.read_recipe(sample / "recipe.toml"), until="change")
        years = np.array(hb.read_recipe(sample / "recipe.toml").period.year_list())
        cases.append((sample, votes(sample, years), years))
        print(json.dumps({"seed": seed, **score(sample, sample / "run")}), flush=True)
    rows = []
    for setting in itertools.product(POWERS, LOSS_RATES, PIXELS):
        rows.append((setting, np.mean([judge(*case, setting) for case in cases], axis=0)))
    print("power  loss rate  pixels  accuracy     F1  precision  recall  exact year")
    for (power, rate, pixels), mean in sorted(rows, key=lambda row: row[1][1]):
        print(f"{power:5g} {rate:10g} {pixels:7g} " + "".join(f"{value:9.3f}" for value in mean))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or list(range(10)))
