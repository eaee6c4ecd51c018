"""Real falls of summer moisture, judged by eye, and which of them a run calls a loss.

    HABITAT_REALDATA=FOLDER python -m benchmarks.romania_drops --sheets SHEETS_FOLDER
    HABITAT_REALDATA=FOLDER python -m benchmarks.romania_drops --score RUN [RUN ...]

FOLDER holds `realdata/romania`. A patch: pixels that touch whose NDMI of the mapping season, in plain medians, lies
more than 0.25 below the median of 2016 to 2018. The sheets show each in true colour and in swir16, nir08, red, on the
clearest summer looks of the year before, of its own and of the year after, where there is one; they are looked at,
never committed. The verdicts in `results/romania_drops.csv` were made from these sheets by one pair of eyes before any
run was scored by them: `real` is forest that was opened or removed.

`--score` prints, for each run's `change/loss_year.tif`, how many of the real patches hold a pixel of loss dated to
their year (or a year beside it), and how many of the other pixels with tree cover of 80% and more, in no patch and not
touching one, are called a loss of 2017 to 2020.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import binary_dilation, label

from benchmarks.romania import YEARS, plain_medians, read_aligned, read_truth

DROP = 0.25
BASE, LATER = (2016, 2017, 2018), (2017, 2018, 2019, 2020)
DENSE = 80
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


def score(runs: list[Path]) -> str:
    """What the runs say of the patches that were judged, as a table of Markdown."""
    data = Path(os.environ["HABITAT_REALDATA"]) / "realdata" / "romania"
    truth = read_truth(data)
    numbers, patches = drops(data)
    judged = pd.read_csv(RESULTS / "romania_drops.csv")
    assert judged["number"].tolist() == patches["number"].tolist(), "the verdicts are of other patches"
    real = patches[judged["verdict"] == "real"]
    elsewhere = (truth.cover >= DENSE) & (truth.cover <= 100) & ~binary_dilation(numbers > 0, np.ones((3, 3)))
    lines = [
        "| run | real patches | found | of two pixels and more | other dense forest called loss |",
        "|---|---|---|---|---|",
    ]
    for run in runs:
        lost = read_aligned(run / "change/loss_year.tif", truth).astype(int)
        hit = np.array([(np.abs(lost[numbers == one.number] - one.year) <= 1).any() for one in real.itertuples()])
        large = (real["pixels"] >= 2).to_numpy()
        false = ((lost >= YEARS[1]) & (lost <= YEARS[-1]) & elsewhere).sum() / elsewhere.sum()
        lines.append(f"| {run.name} | {len(real)} | {hit.sum()} | {hit[large].sum()} of {large.sum()} | {false:.2%} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Draw the sheets, or score runs."""
    if arguments[0] == "--score":
        print(score([Path(run) for run in arguments[1:]]))
        return
    folder, data = Path(arguments[1]), Path(os.environ["HABITAT_REALDATA"]) / "realdata" / "romania"
    folder.mkdir(parents=True, exist_ok=True)
    drops(data)[1].to_csv(folder / "drops.csv", index=False)
    draw_sheets(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
