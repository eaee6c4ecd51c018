"""How far apart Sentinel-2 and Landsat see the same forest at the same moment, before and after the published lines.

    python benchmarks/calibration.py [SEED ...]

Simulated landscapes of 2.1 km, seeds 100 to 109 unless others are named, on seven dates of a year: the reflectance of
every forest pixel of 10 m in both sensors' bands, with neither sky nor noise between. The simulator's bandpasses come
from spectra and response functions (`habitat/simulate/spectra.py`), and share no number with the lines. Prints a table
and writes `results/calibration.md`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from habitat.cubes import BANDS
from habitat.sensors.bandpass import lines_to_oli
from habitat.simulate.area import Area
from habitat.simulate.disturbance import make_history
from habitat.simulate.landscape import FOREST_COVER, make_landscape
from habitat.simulate.scenes import LANDSAT, LATITUDE, LONGITUDE, SENTINEL2
from habitat.simulate.sky import sun_at
from habitat.simulate.streams import Streams
from habitat.simulate.surface import make_ground, make_surface, reflectance
from habitat.simulate.terrain import make_terrain

SIZE_KM, YEARS = 2.1, range(2016, 2026)
DATES = ((4, 5), (5, 10), (6, 15), (7, 20), (8, 25), (9, 28), (10, 20))
RESULTS = Path(__file__).parent / "results"


def differences(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Sentinel-2 less Landsat before and after (band, look), and Landsat's own reflectance."""
    area, streams = Area.of_size(SIZE_KM), Streams(seed)
    landscape = make_landscape(area, make_terrain(area, streams), streams)
    history, ground = make_history(landscape, YEARS, streams), make_ground(landscape, streams)
    slope, intercept = np.array([lines_to_oli("sentinel-2", "sentinel-2a")[band] for band in BANDS]).T
    parts = []
    for month, day in DATES:
        when = datetime(2021, month, day, 2, 10, tzinfo=UTC)
        state, sun = history.at(when.date()), sun_at(when, LATITUDE, LONGITUDE)
        surface = make_surface(ground, state, streams)
        forest = state.cover >= FOREST_COVER
        ours, olis = (
            reflectance(ground, surface, sensor, sun.azimuth, sun.elevation)[:, forest]
            for sensor in (SENTINEL2, LANDSAT)
        )
        common = ours * slope[:, None] + intercept[:, None]
        parts.append((ours - olis, common - olis, olis))
    before, after, olis = (np.concatenate(each, axis=1) for each in zip(*parts, strict=True))
    return before, after, olis


def main() -> None:
    """Measure, print and write down."""
    seeds = [int(each) for each in sys.argv[1:]] or list(range(100, 110))
    before, after, olis = (np.concatenate(each, axis=1) for each in zip(*map(differences, seeds), strict=True))
    lines = [
        "# Two sensors over one forest",
        "",
        f"Made by `python benchmarks/calibration.py`: Sentinel-2A less Landsat 8, seeds {seeds[0]} to {seeds[-1]},",
        f"{before.shape[1]} looks of forest.",
        "",
        "| band | median before | after | relative, before | after | 95th percentile of the size, before | after |",
        "|---|---|---|---|---|---|---|",
    ]
    for k, band in enumerate(BANDS):
        own = np.median(olis[k])
        middle = [np.median(each[k]) for each in (before, after)]
        far = [np.percentile(np.abs(each[k]), 95) for each in (before, after)]
        lines.append(
            f"| {band} | {middle[0]:+.4f} | {middle[1]:+.4f} | {middle[0] / own:+.1%} | {middle[1] / own:+.1%}"
            f" | {far[0]:.4f} | {far[1]:.4f} |"
        )
    text = "\n".join(lines) + "\n"
    print(text)
    if not sys.argv[1:]:
        (RESULTS / "calibration.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
