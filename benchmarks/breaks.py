"""Breaks, side by side: ours, pyxccd's COLD and S-CCD, and cdts' CCDC, on the same series in one run, on one core.

    python -m benchmarks.breaks [PIXELS [SEED ...]]

Who is not installed does not take part. The series are those of `break_series.py`; figures are per core-second of CPU
time. A break counts as found if it is called not more than half a year early and not more than two years late; every
other call is a false one. Of ours, breaks count that did not return. Then: two cores beside one, a new scene, its state
on disk, and probabilities against what was true. Prints tables and writes `results/breaks.md`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.break_series import KINDS, WITH_BREAKS, Series, make
from habitat.change._state import STATE_VERSION
from habitat.change.alerts import AlertRun, Taken
from habitat.change.breaks import find_breaks, probability_features
from habitat.store.alerts import read_alert_state, write_alert_state

ORDINAL = 730120
"""Ordinal of 2000-01-01."""
EARLY_DAYS, LATE_DAYS = 183, 730
MANY = 20_000
"""Pixels that ours is timed on: what they have in common, as the table that it returns, is shared by as many."""
RESULTS = Path(__file__).parent / "results"
Calls = tuple[np.ndarray, np.ndarray]
"""Pixel and day of each call."""


def ours(series: Series) -> Calls:
    found = find_breaks(series.days, series.values[:, :, None])
    found = found[found["returned_day"].isna()]
    return found["column"].to_numpy(), found["day"].to_numpy()


def _prepared(series: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dates, bands (pixel, band, time) and quality (pixel, time) as the peers want them."""
    bands = np.nan_to_num(series.values * 10000).round().astype(np.int64).transpose(2, 1, 0)
    unseen = np.isnan(series.values).any(axis=1)
    quality = np.where(unseen, 4, 0).astype(np.int64).T
    return (series.days + ORDINAL).astype(np.int64), np.ascontiguousarray(bands), np.ascontiguousarray(quality)


def cold(series: Series) -> Calls:
    detect = importlib.import_module("pyxccd").cold_detect
    days, bands, quality = _prepared(series)
    pixels, found = [], []
    for pixel in range(len(bands)):
        try:
            segments = detect(days, *bands[pixel], np.zeros_like(days), quality[pixel])
        except Exception:  # noqa: BLE001  # what COLD raises where it finds no model: no more than that
            continue
        called = segments["t_break"][(segments["t_break"] > 0) & (segments["change_prob"] == 100)]
        pixels += [pixel] * len(called)
        found += list(called - ORDINAL)
    return np.array(pixels, int), np.array(found, float)


def sccd(series: Series) -> Calls:
    detect = importlib.import_module("pyxccd").sccd_detect
    days, bands, quality = _prepared(series)
    pixels, found = [], []
    for pixel in range(len(bands)):
        segments = detect(days, *bands[pixel], quality[pixel]).rec_cg
        called = segments["t_break"][segments["t_break"] > 0] if len(segments) else []
        pixels += [pixel] * len(called)
        found += [day - ORDINAL for day in called]
    return np.array(pixels, int), np.array(found, float)


def ccdc(series: Series) -> Calls:
    detect = importlib.import_module("cdts.ccdc").run_ccdc
    days, bands, quality = _prepared(series)
    pixels, found = [], []
    for pixel in range(len(bands)):
        clear = quality[pixel] == 0
        for segment in detect(days[clear], bands[pixel][:, clear].astype(float), quality[pixel][clear]):
            if segment["t_break"] > 0 and segment["change_prob"] == 1:
                pixels.append(pixel)
                found.append(segment["t_break"] - ORDINAL)
    return np.array(pixels, int), np.array(found, float)


def detectors() -> dict[str, Callable[[Series], Calls]]:
    """Return who takes part."""
    found: dict[str, Callable[[Series], Calls]] = {"habitat": ours}
    if importlib.util.find_spec("pyxccd"):
        found |= {"COLD (pyxccd)": cold, "S-CCD (pyxccd)": sccd}
    if importlib.util.find_spec("cdts"):
        found["CCDC (cdts)"] = ccdc
    return found


def judge(series: Series, calls: Calls) -> dict[str, float]:
    """Return omission, false calls a pixel, F1 and the median date error."""
    pixels, days = calls
    late = days - series.breaks[pixels]
    right = (late >= -EARLY_DAYS) & (late <= LATE_DAYS)
    first = pd.Series(np.abs(late[right])).groupby(pixels[right]).first()
    planted, hits = int(np.isfinite(series.breaks).sum()), len(first)
    false = len(pixels) - hits
    return {
        "omission": 1 - hits / planted if planted else np.nan,
        "false": false / len(series.breaks),
        "F1": 2 * hits / (planted + hits + false) if planted else np.nan,
        "days": float(first.median()) if hits else np.nan,
        "bias": float(np.median(late[right])) if hits else np.nan,
    }


def race(kind: str, pixels: int, seed: int) -> pd.DataFrame:
    """Return speed and scores of each detector."""
    series = make(kind, pixels, seed)
    rows = {}
    for name, detect in detectors().items():
        begun = time.process_time()
        calls = detect(series)
        rows[name] = {"px per core-second": pixels / (time.process_time() - begun)} | judge(series, calls)
    often = max(1, MANY // pixels)  # a second of work: before it, the peers had theirs
    many = Series(series.days, np.tile(series.values, (1, 1, often)), np.tile(series.breaks, often))
    begun = time.process_time()
    ours(many)
    rows["habitat"]["px per core-second"] = often * pixels / (time.process_time() - begun)
    return pd.DataFrame(rows).T.rename_axis("detector")


def two_cores(pixels: int, seed: int) -> float:
    """Return how much faster two threads are than one, by the clock; the best of three each."""
    series = make("easy", pixels, seed)
    best = []
    for workers in (1, 2):
        turns = []
        for _ in range(3):
            begun = time.perf_counter()
            find_breaks(series.days, series.values[:, :, None], workers=workers)
            turns.append(time.perf_counter() - begun)
        best.append(min(turns))
    return best[0] / best[1]


def scenes(pixels: int, seed: int) -> tuple[float, float]:
    """Return million pixels per core-second of a new scene: computed alone, and with reading and writing the state."""
    series = make("hard", pixels, seed)
    run = AlertRun((1, pixels))
    cube = series.values[:, :, None]
    computed = stored = 0.0
    last = len(series.days) - 20
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "block.npz"
        for t, day in enumerate(series.days):
            begun = time.process_time()
            if t >= last:
                run = AlertRun.unpack(*read_alert_state(path, state_version=STATE_VERSION))
            loaded = time.process_time()
            run.take(Taken(day, str(t), ""), cube[t])
            taken = time.process_time()
            if t >= last - 1:
                write_alert_state(path, *run.pack())
            if t >= last:
                computed += taken - loaded
                stored += time.process_time() - begun
    return 20 * pixels / computed / 1e6, 20 * pixels / stored / 1e6


def outcomes(pixels: int, seeds: list[int]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return breaks of all kinds that have a truth, and whether each is the planted, lasting change."""
    tables, truths = [], []
    for seed in seeds:
        for kind in [kind for kind in KINDS if kind != "never"]:
            series = make(kind, pixels, seed)
            table = find_breaks(series.days, series.values[:, :, None])
            late = table["day"] - series.breaks[table["column"]]
            tables.append(table)
            truths.append(late.between(-EARLY_DAYS, LATE_DAYS).to_numpy())
    return pd.concat(tables, ignore_index=True), np.concatenate(truths)


def calibrate(pixels: int, seeds: list[int]) -> np.ndarray:
    """Return the coefficients of `habitat.change.breaks.probability`: logistic regression, weakly held to zero."""
    table, truth = outcomes(pixels, seeds)
    x = probability_features(table)
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ weights))
        curvature = x.T @ (x * (p * (1 - p))[:, None]) + 0.01 * np.eye(x.shape[1])
        weights += np.linalg.solve(curvature, x.T @ (truth - p) - 0.01 * weights)
    return weights


def reliability(pixels: int, seeds: list[int]) -> tuple[float, pd.DataFrame]:
    """Return the expected calibration error, and its bins."""
    table, truth = outcomes(pixels, seeds)
    bins = np.clip((table["probability"] * 10).astype(int), 0, 9)
    by_bin = pd.DataFrame({"said": table["probability"], "true": truth}).groupby(bins).agg(["mean", "size"])
    found = pd.DataFrame(
        {"breaks": by_bin["said"]["size"], "said": by_bin["said"]["mean"], "was": by_bin["true"]["mean"]}
    )
    error = float((found["breaks"] * (found["said"] - found["was"]).abs()).sum() / found["breaks"].sum())
    return error, found.rename_axis("bin")


def table_text(table: pd.DataFrame, formats: dict[str, str]) -> str:
    lines = ["| " + " | ".join([str(table.index.name), *formats]) + " |", "|---" * (len(formats) + 1) + "|"]
    for name, row in table.iterrows():
        cells = ["" if np.isnan(row[column]) else format(row[column], style) for column, style in formats.items()]
        lines.append("| " + " | ".join([str(name), *cells]) + " |")
    return "\n".join(lines)


def report(pixels: int, seeds: list[int]) -> str:
    """Race, measure, and return what was found as Markdown."""
    find_breaks(np.arange(2.0), np.zeros((2, 6, 1, 1), np.float32))  # compiles
    parts = [
        f"# Breaks\n\nMade by `python -m benchmarks.breaks {pixels} {' '.join(map(str, seeds))}`; mean of the seeds."
    ]
    styles = {
        "px per core-second": ",.0f",
        "omission": ".3f",
        "false": ".4f",
        "F1": ".3f",
        "days": ".0f",
        "bias": ".0f",
    }
    for kind in KINDS:
        runs: list[Any] = [race(kind, pixels, seed) for seed in seeds]
        mean = sum(runs) / len(runs)
        mean["ours beside"] = mean["px per core-second"].iloc[0] / mean["px per core-second"]
        columns = styles if kind in WITH_BREAKS else {key: styles[key] for key in ("px per core-second", "false")}
        parts.append(f"## {kind}\n\n{table_text(mean, columns | {'ours beside': '.0f'})}")
        print(parts[-1], flush=True)
    error, bins = reliability(max(pixels, 2000), seeds)
    alone, with_state = scenes(16_384, seeds[0])
    parts.append(f"Two threads beside one: {two_cores(20_000, seeds[0]):.2f} x.")
    parts.append(f"A new scene: {alone:.2f} million pixels per core-second; with its state on disk {with_state:.2f}.")
    parts.append(
        f"## Probability\n\nExpected calibration error {error:.3f}.\n\n"
        + table_text(bins, {"breaks": ".0f", "said": ".2f", "was": ".2f"})
    )
    return "\n\n".join(parts) + "\n"


def main() -> None:
    pixels = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    seeds = [int(seed) for seed in sys.argv[2:]] or [100, 101]
    text = report(pixels, seeds)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "breaks.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
