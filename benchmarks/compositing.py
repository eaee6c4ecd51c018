"""The median over time, side by side: numpy, bottleneck if it is there, sort and pick, and ours, on one core.

    python benchmarks/compositing.py

Looks are random, three in ten of them NaN; depths are those of a season of one year and of several. The median of five
turns each, taken in turn. Prints a table and writes `results/compositing.md`.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from habitat.imagery.composites import median_over_time

DEPTHS, PIXELS, TURNS = (4, 12, 24, 60, 120), 262_144, 5
RESULTS = Path(__file__).parent / "results"


def ways() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return who takes part."""
    found: dict[str, Callable[[np.ndarray], np.ndarray]] = {"numpy.nanmedian": lambda x: np.nanmedian(x, axis=0)}
    if importlib.util.find_spec("bottleneck") is not None:
        bottleneck = importlib.import_module("bottleneck")
        found["bottleneck.nanmedian"] = lambda looks: bottleneck.nanmedian(looks, axis=0)
    return found | {"sort and pick": sorted_and_picked, "habitat": lambda looks: median_over_time(looks)[0]}


def sorted_and_picked(looks: np.ndarray) -> np.ndarray:
    """Return the median by sorting all looks: NaN come last."""
    count = np.isfinite(looks).sum(axis=0)
    ordered = np.sort(looks, axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(looks) - 1)[None], axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.float32(np.nan))


def race(depth: int, pixels: int = PIXELS) -> dict[str, float]:
    """Return million looks per core-second of each; all must agree."""
    rng = np.random.default_rng(depth)
    looks = rng.random((depth, pixels), dtype=np.float32)
    looks[rng.random(looks.shape) < 0.3] = np.nan
    taking_part = ways()
    times: dict[str, list[float]] = {name: [] for name in taking_part}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanmedian(looks, axis=0)
        for turn in range(TURNS + 1):
            for name, way in taking_part.items():
                begun = time.process_time()
                made = way(looks)
                if turn:  # the first one compiles
                    times[name].append(time.process_time() - begun)
                assert np.array_equal(made, expected, equal_nan=True), name
    return {name: looks.size / float(np.median(taken)) / 1e6 for name, taken in times.items()}


def main() -> None:
    """Race at each depth, print and write it down."""
    results = {depth: race(depth) for depth in DEPTHS}
    names = list(results[DEPTHS[0]])
    lines = [
        "# The median over time",
        "",
        "Made by `python benchmarks/compositing.py`: million looks per core-second on one core, three in ten NaN.",
        "",
        "| looks | " + " | ".join(names) + " | ours beside numpy |",
        "|---" * (len(names) + 2) + "|",
    ]
    for depth, found in results.items():
        speeds = " | ".join(f"{found[name]:.0f}" for name in names)
        lines.append(f"| {depth} | {speeds} | {found['habitat'] / found['numpy.nanmedian']:.0f} x |")
    text = "\n".join(lines) + "\n"
    print(text)
    (RESULTS / "compositing.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
