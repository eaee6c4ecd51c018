"""Real falls of summer moisture, judged by eye, and which of them a run calls a loss.

    HABITAT_REALDATA=FOLDER python -m benchmarks.romania_drops --sheets SHEETS_FOLDER
    HABITAT_REALDATA=FOLDER python -m benchmarks.romania_drops --run WORK_FOLDER

FOLDER holds `realdata/romania`. A patch: pixels that touch whose NDMI of the mapping season, in plain medians, lies
more than 0.25 below the median of 2016 to 2018. The sheets show each in true colour and in swir16, nir08, red, on the
clearest summer looks of the year before, of its own and of the year after, where there is one; they are looked at,
never committed. The verdicts in `results/romania_drops.csv` were made from these sheets by one pair of eyes before any
run was scored by them: `real` is forest that was opened or removed.

`--run` runs the recipes of `romania.py` with labels of one half of the square kilometre or of both, all of 2018, with
patches of one pixel kept, by each kind of evidence. It prints how many of the real patches hold a pixel of loss dated
to their year (or a year beside it), and how many of the other pixels with tree cover of 80% and more, in no patch and
not touching one, are called a loss of 2017 to 2020.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import binary_dilation, label

import habitat as hb
from benchmarks.romania import YEARS, plain_medians, read_aligned, read_truth, write_labels, write_recipe

DROP = 0.25
BASE, LATER = (2016, 2017, 2018), (2017, 2018, 2019, 2020)
DENSE = 80
EVIDENCE = (("maps",), ("maps", "trajectories"), ("maps", "trajectories", "breaks"))
AROUND = 12
"""Pixels of 20 m that a chip shows on each side of a patch."""
RESULTS = Path(__file__).parent / "results"
WORDS = {"red": 0.12, "green": 0.12, "blue": 0.12}, {"swir16": 0.35, "nir08": 0.5, "red": 0.15}


def drops(data: Path) -> tuple[np.ndarray, pd.DataFrame]:
    """Number of each pixel's patch, int (y, x), 0 = none; and the patches: number, year, pixels, row, col, drop."""
    ndmi = {}
    for year in YEARS:
        *_, nir, swir = plain_medians(data, year)["mapping"]
        ndmi[year] = (nir - swir) / (nir + swir)
    base = np.median(np.stack([ndmi[year] for year in BASE]), axis=0)
    numbers = np.zeros(base.shape, dtype=int)
    rows = []
    for year in LATER:
        found, n = label((ndmi[year] - base < -DROP) & (numbers == 0), structure=np.ones((3, 3)))
        for one in range(1, n + 1):
            here = found == one
            number = len(rows) + 1
            numbers[here] = number
            row, col = (round(float(at.mean())) for at in np.nonzero(here))
            fall = float(np.median((base - ndmi[year])[here]))
            rows.append(
                {"number": number, "year": year, "pixels": int(here.sum()), "row": row, "col": col, "drop": fall}
            )
    return numbers, pd.DataFrame(rows).round({"drop": 2})


def draw_sheets(folder: Path) -> None:
    """Write a PNG a patch."""
    import matplotlib.pyplot as plt

    from benchmarks.romania_looks import read_romania
    from habitat.imagery import NOT_CLEAR

    data = Path(os.environ["HABITAT_REALDATA"])
    numbers, patches = drops(data / "realdata" / "romania")
    stack, truth = read_romania(data), read_truth(data / "realdata" / "romania")
    left, top = (round(at) for at in ~stack.odc.geobox.transform @ (truth.transform.c, truth.transform.f))
    stack = stack.isel(y=slice(top, top + truth.cover.shape[0]), x=slice(left, left + truth.cover.shape[1]))
    shares = ((stack["quality"].values & NOT_CLEAR) == 0).mean(axis=(1, 2))
    days = pd.DatetimeIndex(stack["time"].values)
    for patch in patches.itertuples():
        chosen = []
        for year in (patch.year - 1, patch.year, patch.year + 1):
            summer = np.flatnonzero((days.year == year) & (days.month >= 6) & (days.month <= 9))
            chosen += sorted(summer[np.argsort(-shares[summer], kind="stable")][:2].tolist())
        figure, axes = plt.subplots(2, len(chosen), figsize=(3.4 * len(chosen), 7), squeeze=False)
        rows, cols = (slice(max(at - AROUND, 0), at + AROUND + 1) for at in (patch.row, patch.col))
        for column, step in zip(axes.T, chosen, strict=True):
            for axis, tops in zip(column, WORDS, strict=True):
                bands = [stack[band].values[step][rows, cols] / top for band, top in tops.items()]
                axis.imshow(np.clip(np.dstack(bands), 0, 1))
                axis.contour((numbers == patch.number)[rows, cols], [0.5], colors="yellow", linewidths=0.8)
                axis.set_xticks([])
                axis.set_yticks([])
            column[0].set_title(f"{days[step]:%Y-%m-%d}")
        figure.suptitle(f"{patch.number}: {patch.year}, {patch.pixels} pixels, NDMI down by {patch.drop}")
        figure.tight_layout()
        figure.savefig(folder / f"patch_{patch.number:02d}.png", dpi=60)
        plt.close(figure)


def score(work: Path) -> str:
    """What runs say of the patches that were judged, as a table of Markdown."""
    data = Path(os.environ["HABITAT_REALDATA"]) / "realdata" / "romania"
    truth = read_truth(data)
    numbers, patches = drops(data)
    judged = pd.read_csv(RESULTS / "romania_drops.csv")
    assert judged["number"].tolist() == patches["number"].tolist(), "the verdicts are of other patches"
    real = patches[judged["verdict"] == "real"]
    large = (real["pixels"] >= 2).to_numpy()
    elsewhere = (truth.cover >= DENSE) & (truth.cover <= 100) & ~binary_dilation(numbers > 0, np.ones((3, 3)))
    lines = [
        "| labels of | evidence | found of real patches | of two pixels and more | other dense forest called loss |",
        "|---|---|---|---|---|",
    ]
    for half, evidence in product(("west", "east", "both"), EVIDENCE):
        lost = _loss(data, work, half, evidence)
        hit = np.array([(np.abs(lost[numbers == one.number] - one.year) <= 1).any() for one in real.itertuples()])
        false = ((lost >= YEARS[1]) & (lost <= YEARS[-1]) & elsewhere).sum() / elsewhere.sum()
        found = f"{hit.sum()} of {len(real)} | {hit[large].sum()} of {large.sum()}"
        lines.append(f"| {half} | {', '.join(evidence)} | {found} | {false:.2%} |")
    return "\n".join(lines)


def _loss(data: Path, work: Path, half: str, evidence: tuple[str, ...]) -> np.ndarray:
    """Year of loss on the labels' grid, of a run in `work`."""
    truth, path = read_truth(data), work / f"{half}.toml"
    write_labels(truth, half, work / f"labels_{half}.tif")
    write_recipe(data, half, path, min_patch_ha=0.04)
    asked = f"[change]\nevidence = {json.dumps(evidence)}\n"
    path.write_text(path.read_text(encoding="utf-8").replace("[change]\n", asked), encoding="utf-8")
    recipe = hb.read_recipe(path)
    hb.run_recipe(recipe, until="change", workers=1)
    return read_aligned(recipe.folder / "change/loss_year.tif", truth).astype(int)


def main(arguments: list[str]) -> None:
    """Draw the sheets, or run and score."""
    folder, data = Path(arguments[1]), Path(os.environ["HABITAT_REALDATA"]) / "realdata" / "romania"
    folder.mkdir(parents=True, exist_ok=True)
    if arguments[0] == "--run":
        print(score(folder))
        return
    drops(data)[1].to_csv(folder / "drops.csv", index=False)
    draw_sheets(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
