"""How far apart instruments see the same forest at the same moment, before and after the published lines.

    python benchmarks/calibration.py [SEED ...]

Simulated landscapes of 2.1 km, seeds 100 to 109 unless others are named, on seven dates of a year: the reflectance of
every forest pixel of 10 m in every instrument's bands, with neither sky nor noise between. The simulator's bandpasses
come from spectra and response functions (`habitat/simulate/spectra.py`), and share no number with the lines. Prints
tables and writes `results/calibration.md`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from habitat.cubes import BANDS
from habitat.sensors.bandpass import Lines, lines_to_oli
from habitat.simulate.area import Area
from habitat.simulate.disturbance import make_history
from habitat.simulate.landscape import FOREST_COVER, make_landscape
from habitat.simulate.scenes import LATITUDE, LONGITUDE
from habitat.simulate.sky import sun_at
from habitat.simulate.streams import Streams
from habitat.simulate.surface import make_ground, make_surface, reflectance
from habitat.simulate.terrain import make_terrain

SIZE_KM, YEARS = 2.1, range(2016, 2026)
DATES = ((4, 5), (5, 10), (6, 15), (7, 20), (8, 25), (9, 28), (10, 20))
RESULTS = Path(__file__).parent / "results"
OLI = "landsat"
OTHERS = {
    "sentinel-2": ("Sentinel-2A", "sentinel-2", "sentinel-2a"),
    "sentinel-2b": ("Sentinel-2B", "sentinel-2", "sentinel-2b"),
    "landsat-7": ("Landsat 7", "landsat-tm", "landsat-7"),
    "landsat-5": ("Landsat 5", "landsat-tm", "landsat-5"),
}
"""The simulator's name of each instrument; ours, its sensor and its satellite."""


def looks_of_forest(seed: int) -> dict[str, np.ndarray]:
    """Return each instrument's reflectance of the same looks of forest (band, look)."""
    area, streams = Area.of_size(SIZE_KM), Streams(seed)
    landscape = make_landscape(area, make_terrain(area, streams), streams)
    history, ground = make_history(landscape, YEARS, streams), make_ground(landscape, streams)
    parts: dict[str, list[np.ndarray]] = {}
    for month, day in DATES:
        when = datetime(2021, month, day, 2, 10, tzinfo=UTC)
        state, sun = history.at(when.date()), sun_at(when, LATITUDE, LONGITUDE)
        surface = make_surface(ground, state, streams)
        forest = state.cover >= FOREST_COVER
        for instrument in (OLI, *OTHERS):
            seen = reflectance(ground, surface, instrument, sun.azimuth, sun.elevation)
            parts.setdefault(instrument, []).append(seen[:, forest])
    return {instrument: np.concatenate(each, axis=1) for instrument, each in parts.items()}


def table(name: str, own: np.ndarray, olis: np.ndarray, lines: Lines) -> list[str]:
    """Return the lines about one instrument."""
    slope, intercept = np.array([lines[band] for band in BANDS]).T
    before, after = own - olis, own * slope[:, None] + intercept[:, None] - olis
    said = [
        f"## {name} less Landsat 8",
        "",
        "| band | median before | after | relative, before | after | 95th percentile of the size, before | after |",
        "|---|---|---|---|---|---|---|",
    ]
    for k, band in enumerate(BANDS):
        middle = [np.median(each[k]) for each in (before, after)]
        far = [np.percentile(np.abs(each[k]), 95) for each in (before, after)]
        bright = np.median(olis[k])
        said.append(
            f"| {band} | {middle[0]:+.4f} | {middle[1]:+.4f} | {middle[0] / bright:+.1%} | {middle[1] / bright:+.1%}"
            f" | {far[0]:.4f} | {far[1]:.4f} |"
        )
    return [*said, ""]


def main() -> None:
    """Measure, print and write down."""
    seeds = [int(each) for each in sys.argv[1:]] or list(range(100, 110))
    drawn = [looks_of_forest(seed) for seed in seeds]
    seen = {instrument: np.concatenate([each[instrument] for each in drawn], axis=1) for instrument in drawn[0]}
    lines = [
        "# Instruments over one forest",
        "",
        f"Made by `python benchmarks/calibration.py`: seeds {seeds[0]} to {seeds[-1]}, {seen[OLI].shape[1]} looks of",
        "forest on seven dates of a year, without sky and noise, before and after the published lines.",
        "",
        "The lines of Landsat 5 and 7 were measured between real products. They hold, beside the bands, that LEDAPS",
        "and LaSRC correct the air differently, most of all in the blue. The simulation knows bands alone: there they",
        "do not help, and what they do to real scenes cannot be judged by it.",
        "",
    ]
    for instrument, (name, sensor, platform) in OTHERS.items():
        lines += table(name, seen[instrument], seen[OLI], lines_to_oli(sensor, platform))
    text = "\n".join(lines) + "\n"
    print(text)
    if not sys.argv[1:]:
        (RESULTS / "calibration.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
