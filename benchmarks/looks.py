"""What is done to a look costs beside reading it: nanoseconds of one core for a pixel of 20 m, side by side in one run.

    python -m benchmarks.looks FOLDER

Tiles like Sentinel-2's (three bands of 10 m, three of 20 m, classes of 20 m; ZSTD) are written into FOLDER, forty dates
of 1024 x 1024 pixels of 20 m, and read in blocks as a run reads them; then each step is taken on the blocks that were
read. CPU time of the process, the least of three. Prints a table and writes `results/looks.md`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.reading import box, make_scenes
from habitat.cubes import BANDS
from habitat.grids import Block, crop
from habitat.imagery import (
    clear_looks,
    fit_illumination,
    level_reflectance,
    match_sharpness,
    nadir_reflectance,
    screen_looks,
    seasonal_median,
    seasonal_medoid,
    shade_looks,
    slope_samples,
    spectral_quality,
    to_common_bands,
)
from habitat.seasons import Season
from habitat.sensors import SENTINEL2
from habitat.tiles import read_stack

SIDE, DATES, BLOCK, REPEATS = 1024, 40, 256, 3
CALIBRATION = ("bands: common", "view: nadir", "relief: shade", "relief: level", "sharpness: common")
RESULTS = Path(__file__).parent / "results"


def least(work: Callable[[], Any], looks: int) -> tuple[Any, float]:
    """Return what `work` returns, and the least CPU time that it took, ns a look."""
    made, best = work(), np.inf
    for _ in range(REPEATS):
        begun = time.process_time()
        made = work()
        best = min(best, time.process_time() - begun)
    return made, best / looks * 1e9


def with_angles(stack: xr.Dataset) -> xr.Dataset:
    """A morning's sun and a view from the side, the same over the block."""
    nodes = {axis: stack[axis].values[[0, -1]] for axis in ("y", "x")}
    shape = (stack.sizes["time"], 2, 2)
    angles = {"sun_zenith": 35.0, "sun_azimuth": 150.0, "view_zenith": 7.0, "view_azimuth": 100.0}
    dims = ("time", "node_y", "node_x")
    coords: dict[str, Any] = {name: (dims, np.full(shape, value, np.float32)) for name, value in angles.items()}
    return stack.assign_coords(node_y=nodes["y"], node_x=nodes["x"], **coords)


def main() -> None:
    """Measure, print and write down."""
    fine, coarse = box(2 * SIDE, 10), box(SIDE, 20)
    grids = {band: fine if band in BANDS[:3] else coarse for band in BANDS} | {"quality": coarse}
    scenes = make_scenes(Path(sys.argv[1]), SENTINEL2, grids, DATES, "ZSTD")
    window = crop(coarse, Block(0, slice(256, 256 + BLOCK), slice(256, 256 + BLOCK)))
    looks = DATES * BLOCK**2
    large = crop(coarse, Block(0, slice(0, 2 * BLOCK), slice(0, 2 * BLOCK)))
    _, at_once = least(lambda: read_stack(scenes, large, BANDS), 4 * looks)
    stack, reading = least(lambda: read_stack(scenes, window, BANDS), looks)
    stack = with_angles(stack)
    rows, cols = np.mgrid[:BLOCK, :BLOCK]
    heights = (300 + 150 * np.sin(rows / 20) * np.cos(cols / 25)).astype(np.float32)
    light = fit_illumination([slope_samples(stack, heights)])
    summer = {"years": [2020], "seasons": [Season.parse("mapping", "06-01/12-31")]}
    clear = clear_looks(stack)
    steps: dict[str, Callable[[], Any]] = {
        "mask: the product's": lambda: clear_looks(stack),
        "mask: history": lambda: clear_looks(screen_looks(stack), margin_m=0),
        "mask: spectral": lambda: spectral_quality(stack),
        "bands: common": lambda: to_common_bands(stack),
        "view: nadir": lambda: nadir_reflectance(stack),
        "relief: shade": lambda: shade_looks(stack, heights),
        "relief: level": lambda: level_reflectance(stack, heights, light),
        "sharpness: common": lambda: match_sharpness(clear, sensors=["sentinel-2", "landsat"]),
        "composite: median": lambda: seasonal_median(clear, **summer),
        "composite: medoid": lambda: seasonal_medoid(clear, **summer),
    }
    took = {"reading": reading, f"reading blocks of {2 * BLOCK}": at_once} | {
        name: least(work, looks)[1] for name, work in steps.items()
    }
    calibration = sum(took[name] for name in CALIBRATION)
    lines = [
        "# What is done to a look, beside reading it",
        "",
        f"Made by `python -m benchmarks.looks FOLDER`: six bands, {DATES} dates, blocks of {BLOCK} x {BLOCK} pixels of",
        "20 m; nanoseconds of one core for a look of one pixel, all bands.",
        "",
        "| step | ns | share of reading |",
        "|---|---|---|",
        *(f"| {name} | {ns:.0f} | {ns / reading:.2f} |" for name, ns in took.items()),
        f"| masks by history and all calibration | {took['mask: history'] + calibration:.0f}"
        f" | {(took['mask: history'] + calibration) / reading:.2f} |",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (RESULTS / "looks.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
