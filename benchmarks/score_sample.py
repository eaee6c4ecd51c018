"""Score a run on a sample landscape against the landscape's truth.

    python benchmarks/score_sample.py SAMPLE_FOLDER [RUN_FOLDER]

Shares nothing with the stages: rasters are read with rasterio and compared with numpy. Prints the balanced
accuracy of forest against the rest in every year, and of loss by pixel the F1 and how far the years are off.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import rasterio

FOREST_CODES = (11, 12, 13, 14, 15)


def read(path: Path) -> np.ndarray:
    """First band."""
    with rasterio.open(path) as file:
        return file.read(1)


def score(sample: Path, run: Path) -> dict[str, object]:
    """All figures as plain numbers."""
    years = sorted(int(p.stem.split("_")[1]) for p in (sample / "truth").glob("forest_*.tif"))
    accuracy, unseen = {}, {}
    for year in years:
        truth, mapped = read(sample / "truth" / f"forest_{year}.tif"), read(run / "forest" / f"{year}.tif")
        judged = (truth != 255) & (mapped != 0)
        forest = np.isin(mapped, FOREST_CODES)
        recalls = [float((forest == state)[judged & (truth == state)].mean()) for state in (0, 1)]
        accuracy[year] = round(sum(recalls) / 2, 4)
        unseen[year] = round(float((mapped == 0).mean()), 4)
    true, found = (read(p).astype(int) for p in (sample / "truth" / "loss_year.tif", run / "change" / "loss_year.tif"))
    true_loss, found_loss = ((y >= 1) & (y < 65535) for y in (true, found))
    hits = true_loss & found_loss
    off = np.abs(found - true)[hits]
    return {
        "balanced_accuracy": accuracy,
        "balanced_accuracy_worst_year": min(accuracy.values()),
        "not_seen": unseen,
        "loss_pixels": int(true_loss.sum()),
        "loss_precision": round(float(hits.sum() / max(found_loss.sum(), 1)), 4),
        "loss_recall": round(float(hits.sum() / max(true_loss.sum(), 1)), 4),
        "loss_f1": round(float(2 * hits.sum() / max(true_loss.sum() + found_loss.sum(), 1)), 4),
        "loss_exact_year": round(float((off == 0).mean()), 4) if len(off) else None,
        "loss_within_one_year": round(float((off <= 1).mean()), 4) if len(off) else None,
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    print(json.dumps(score(folder, Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "run"), indent=2))
