"""Cells of a whole Sentinel-2 tile: seconds and memory a layer, beside exactextract.

    python -m benchmarks.zonal FOLDER [ROWS [LAYERS]]

A made-up map of 10,980 columns and ROWS rows (default 2,160; a tile has 10,980), LAYERS years (default 3), squares of
3.6 km, 3% of the land lost in one year. Both read arrays in memory. Ours counts every class, the edges of forest,
losses over 1, 3 and 5 years and what earlier years make of a pixel; exactextract gives the share of each class. Means
of a layer of floats besides. CPU seconds of one thread. `ZONAL_PYTHON` names an interpreter
with exactextract and geopandas; without it the peer is left out. Writes `results/zonal.md`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.landscape import cell_covariates, square_cells, zonal_mean

WIDTH, SIZE_M, CODES = 10_980, 3600.0, (11, 14, 22, 23, 30, 50)
RESULTS = Path(__file__).parent / "results"
PEER = Path(__file__).parent / "peers" / "zonal_peer.py"


def made_up_map(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Patches of about half a kilometre, with 1% of pixels unseen."""
    random = np.random.default_rng(seed)
    coarse = random.choice(np.array(CODES, dtype=np.uint8), size=(shape[0] // 50 + 1, shape[1] // 50 + 1))
    codes = np.kron(coarse, np.ones((50, 50), dtype=np.uint8))[: shape[0], : shape[1]]
    codes[random.random(shape, dtype=np.float32) < 0.01] = 0
    return codes


def main(folder: Path, rows: int = 2160, layers: int = 3, results: Path = RESULTS) -> dict[str, float]:
    """Measure, compare, and write the table."""
    folder.mkdir(parents=True, exist_ok=True)
    grid = GeoBox((rows, WIDTH), Affine(10, 0, 399_960, 0, -10, 4_800_000), "EPSG:32652")
    cells, zones = square_cells(grid, SIZE_M)
    maps = [made_up_map((rows, WIDTH), seed) for seed in range(layers)]
    lost = np.where((maps[0] == 22) & (maps[1 % layers] == 14), 2021, 0).astype(np.uint16)
    heights = np.random.default_rng(0).random((rows, WIDTH), dtype=np.float32)

    def covariates(n: int) -> float:
        began = time.process_time()
        cell_covariates(((2020 + k, maps[k % layers]) for k in range(n)), lost, cells, zones, grid=grid)
        return time.process_time() - began

    covariates(1)  # compiles
    once, all_ = covariates(1), covariates(layers + 1)
    zonal_mean(heights[:4], zones[:4], len(cells))
    began = time.process_time()
    means, _ = zonal_mean(heights, zones, len(cells))
    figures = {"ours_codes_s": (all_ - once) / layers, "ours_mean_s": time.process_time() - began}
    tracemalloc.start()
    cell_covariates(((2020 + k, maps[k % layers]) for k in range(2 * layers)), lost, cells, zones, grid=grid)
    figures["ours_extra_bytes_a_pixel"] = tracemalloc.get_traced_memory()[1] / (rows * WIDTH)
    tracemalloc.stop()
    if peer := os.environ.get("ZONAL_PYTHON"):
        np.save(folder / "codes.npy", maps[0])
        np.save(folder / "heights.npy", heights)
        (folder / "bounds.json").write_text(json.dumps(list(grid.boundingbox.bbox)))
        cells.to_file(folder / "cells.gpkg")
        said = json.loads(subprocess.run([peer, PEER, folder], check=True, capture_output=True, text=True).stdout)
        figures |= {"peer_codes_s": said["codes_s"], "peer_mean_s": said["heights_s"]}
        figures["mean_differs"] = float(np.nanmax(np.abs(means - said["mean"])))
        forest = [float(np.isin(maps[0][zones == k], (11, 14)).mean()) for k in range(min(20, len(cells)))]
        figures["forest_differs"] = float(np.max(np.abs(np.array(forest) - said["forest"][: len(forest)])))
    _write(figures, rows, results)
    return figures


def _write(figures: dict[str, float], rows: int, results: Path) -> None:
    scale = WIDTH / rows
    lines = [
        "# Cells of a Sentinel-2 tile, beside exactextract",
        "",
        f"CPU seconds of one thread for a layer of 10,980 x 10,980 pixels, scaled up from {rows:,} rows; squares of",
        "3.6 km, arrays in memory. Made by `python -m benchmarks.zonal`.",
        "",
        "| question | habitat | exactextract 0.3 | times as fast |",
        "|---|---|---|---|",
    ]
    for name, words in (("codes", "classes (ours: edges, losses and history too)"), ("mean", "mean of floats")):
        ours, peer = figures[f"ours_{name}_s"] * scale, figures.get(f"peer_{name}_s", np.nan) * scale
        lines.append(f"| {words} | {ours:.2f} | {peer:.2f} | {peer / ours:.1f} |")
    lines += [
        "",
        "Memory beside the zones (4 bytes a pixel) and the layers themselves: "
        f"{figures['ours_extra_bytes_a_pixel']:.1f} bytes a pixel at the peak, the same for any number of years.",
    ]
    if "mean_differs" in figures:
        lines.append(
            f"Largest difference of a mean {figures['mean_differs']:.1e}, of a share {figures['forest_differs']:.1e}."
        )
    (results / "zonal.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *map(int, sys.argv[2:4])), indent=2))
