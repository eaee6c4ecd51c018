"""What the map stage costs on a whole Sentinel-2 tile: reading, features, classes, applicability, writing.

    python benchmarks/whole_tile.py FOLDER [SIDE_PIXELS]

Fills FOLDER with a year's composites of three seasons (six bands and looks, fields of noise that compress like real
ones), trains the default classifier of 14 classes, and runs the map stage on two threads. Prints CPU and wall time,
million pixels a core-second, what each step costs as the stage runs it, and the peak of memory; default 10980 pixels, a
whole tile.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.cubes import BANDS
from habitat.forest import SymmetricTrees, calibrate, leave_blocks_out, pack_model, train_cover
from habitat.grids import Block, blocks
from habitat.imagery import forest_features
from habitat.legend import DEFAULT_LEGEND
from habitat.recipe import ForestSection
from habitat.store import RasterWriter, write_model
from habitat.workflow import maps, predictors
from habitat.workflow.composites import composite_paths, read_composites

SEASONS = ("mapping", "leaf_off", "autumn")
YEAR = 2020
CODES = tuple(cover.code for cover in DEFAULT_LEGEND)
FOREST_CODES = DEFAULT_LEGEND.forest_codes
TILE = 10980
THREADS = 2


def spectra() -> np.ndarray:
    """Reflectance x 10000 of each class, season and band."""
    return np.random.default_rng(5).integers(200, 4000, (len(CODES), len(SEASONS), len(BANDS))).astype(np.float32)


def fill(context: Any) -> None:
    """Write the composites: patches of classes, with noise of 5%."""
    rng = np.random.default_rng(0)
    tables = spectra()
    paths = composite_paths(context, (YEAR,))
    for number, season in enumerate(SEASONS):
        with RasterWriter(paths[YEAR, season], context.grid, [*BANDS, "looks"], "int16", -32768) as file:
            for block in blocks(context.grid, 1024):
                high, wide = block.shape
                patches = rng.integers(0, len(CODES), (-(-high // 16), -(-wide // 16)))
                cover = np.kron(patches, np.ones((16, 16), int))[:high, :wide]
                noise = rng.normal(1, 0.05, (len(BANDS), high, wide)).astype(np.float32)
                bands = np.moveaxis(tables[cover, number], -1, 0) * noise
                looks = rng.integers(1, 9, (1, high, wide))
                file.write(np.concatenate([bands, looks]).astype(np.int16), block)


def learn(context: Any) -> Any:
    """Train the default classifier on a corner of the composites' own classes."""
    rng = np.random.default_rng(1)
    tables = spectra()
    rows = 4000
    kinds = rng.integers(0, len(CODES), rows)
    seen = (tables[kinds] * rng.normal(1, 0.3, (rows, len(SEASONS), len(BANDS)))).astype(np.int16)
    paths = composite_paths(context, (YEAR,))
    names = forest_features(read_composites(paths, BANDS, Block(0, slice(0, 1), slice(0, 1)))).data_vars
    composite = {
        band: (("year", "season", "y", "x"), seen[None, :, :, at].swapaxes(1, 2)[:, :, None] / np.float32(1e4))
        for at, band in enumerate(BANDS)
    }
    import xarray as xr

    cube = xr.Dataset(
        composite | {"looks": (("year", "season", "y", "x"), np.ones((1, len(SEASONS), 1, rows), np.uint16))},
        coords={"year": [YEAR], "season": list(SEASONS)},
    )
    features = forest_features(cube)
    table = pd.DataFrame({str(name): features[name].values.ravel() for name in names})
    samples = table.assign(
        row=rng.integers(0, 60, rows), col=rng.integers(0, 60, rows), year=YEAR, code=np.array(CODES)[kinds], dated=True
    )
    found = leave_blocks_out(samples, forest_codes=FOREST_CODES, block_pixels=10, seed=1)
    model = train_cover(samples, forest_codes=FOREST_CODES, seed=1)
    return calibrate(model, found, samples, forest_codes=FOREST_CODES, seed=1)


STEPS = {
    "classes": (maps, "predict_classes"),
    "applicability": (maps, "predict_dissimilarity"),
    "reading": (predictors, "read_composites"),
    "predictors": (predictors, "forest_features"),
    "smoothing": (maps, "smooth_cover"),
    "splitting": (maps, "split_forest"),
    "percent": (maps, "to_percent"),
}
"""Where the map stage finds each of its steps."""


@contextmanager
def clocked() -> Iterator[dict[str, float]]:
    """CPU seconds of the stage's steps as it runs them inside the block, and of the trees alone, a part of classes."""
    spent, lock = dict.fromkeys(["trees alone", *STEPS], 0.0), Lock()

    def clock(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            started = time.thread_time()
            try:
                return work(*given, **named)
            finally:
                with lock:
                    spent[name] += time.thread_time() - started

        return timed

    scorer_of = SymmetricTrees.column_scorer
    with ExitStack() as stack:
        for name, (module, work) in STEPS.items():
            stack.enter_context(patch.object(module, work, clock(name, getattr(module, work))))
        stack.enter_context(
            patch.object(SymmetricTrees, "column_scorer", lambda trees: clock("trees alone", scorer_of(trees)))
        )
        yield spent


def main(folder: Path, side: int) -> None:
    """Fill, train, map, and print."""
    grid = GeoBox((side, side), Affine(10, 0, 600000, 0, -10, 4900020), "EPSG:32652")
    (folder / "work").mkdir(parents=True, exist_ok=True)
    for name in ("composites", "forest"):
        (folder / name).mkdir(exist_ok=True)
    with ThreadPoolExecutor(THREADS) as pool:
        context: Any = SimpleNamespace(
            grid=grid,
            years=(YEAR,),
            seasons=[SimpleNamespace(name=season) for season in SEASONS],
            legend=DEFAULT_LEGEND,
            recipe=SimpleNamespace(forest=ForestSection(training="labels.gpkg", features=["bands", "indices"])),
            executor=pool,
            progress=lambda *_: None,
            run=SimpleNamespace(
                path=folder.joinpath, state={"stages": {"composite": {"notes": {"bands": list(BANDS)}}}}
            ),
        )
        if not composite_paths(context, (YEAR,))[YEAR, SEASONS[-1]].exists():
            fill(context)
        model = learn(context)
        write_model(folder / "forest" / "model.npz", *pack_model(model))
        for old in (folder / "work").glob("*"):
            old.unlink()
        files = predictors.feature_files(context)
        maps.map_block(folder / "forest" / "model.npz", "compiles", DEFAULT_LEGEND, files, next(blocks(grid, 64)))
        with clocked() as spent:
            wall, cpu = time.perf_counter(), time.process_time()
            maps.map_forest(context, folder / "work")
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    pixels = side * side
    stage = 1e9 * cpu / pixels
    steps = {name: 1e9 * seconds / pixels for name, seconds in spent.items()}
    steps["blocks and files"] = stage - sum(steps.values()) + steps["trees alone"]
    print(", ".join(f"{name} {cost:.0f}" for name, cost in steps.items()), "ns a pixel")
    print(
        f"the stage is {steps['trees alone'] / stage:.0%} as fast as the trees alone, "
        f"{(steps['classes'] + steps['applicability']) / stage:.0%} as all that it predicts"
    )
    print(f"{side} x {side} pixels: {cpu:.1f} CPU s, {wall:.1f} s wall, {pixels / cpu / 1e6:.2f} million a core-second")
    print(
        f"a whole tile: {cpu * TILE**2 / pixels:.0f} CPU s, on two free cores {cpu * TILE**2 / pixels / THREADS:.0f} s"
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else TILE)
