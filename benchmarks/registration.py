"""How well shifts between looks are told, and what taking them back does to the forest's edge.

    python benchmarks/registration.py [SEED ...]

Simulated landscapes of 2.4 km, seeds 100 to 109 unless others are named, ten years of four scenes a year and sensor,
each taken three times: with the simulator's own errors of place (2.5 m along each axis for Sentinel-2, 4 m for
Landsat), with 9 m for both, and with none. With `HABITAT_REALDATA` set, 140 real dates of one square kilometre too,
beside phase correlation. Prints tables and writes `results/registration.md`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import shapely
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage

from habitat.grids import resample_bilinear, resample_mean
from habitat.imagery import clear_looks, estimate_shifts, screen_looks, significant_shifts, to_common_bands
from habitat.imagery.composites import median_over_time
from habitat.simulate import sample, scenes
from habitat.simulate.area import Area
from habitat.simulate.disturbance import make_history
from habitat.simulate.fields import block_mean
from habitat.simulate.landscape import FOREST_COVER, make_landscape
from habitat.simulate.sky import sun_at
from habitat.simulate.streams import Streams
from habitat.simulate.surface import make_ground, make_surface, reflectance
from habitat.simulate.terrain import make_terrain
from habitat.store import read_raster
from habitat.tiles import Scene, read_stack, run_grid, scene_from_item
from habitat.tiles.catalogue import read_items

SIZE_KM, YEARS = 2.4, range(2016, 2026)
ERRORS_M = {"none": 0.0, "the simulator's own": None, "9 m": 9.0}
"""None first: the others are the same scenes, moved."""
BANDS = ("red", "nir08", "swir16")
GROUP_YEARS = 3
"""Summers of one composite: about six looks of each sensor."""
RESULTS = Path(__file__).parent / "results"


# -- simulated ------------------------------------------------------------------------------------------


def write_landscape(folder: Path, seed: int, error_m: float | None, size_km: float, years: range) -> np.ndarray:
    """Write a landscape whose scenes lie beside their place; return by how much to the east and north, in metres."""
    drawn: dict[int, tuple[float, float]] = {}
    plain, errors = scenes._sample, dict(scenes._GEOLOCATION_M)

    def noting(fine: Any, area: Any, grid: Any, blur_m: float, shift: np.ndarray) -> np.ndarray:
        drawn.setdefault(id(shift), (10 * shift[1], -10 * shift[0]))
        held.append(shift)  # so that no two have the same id
        return plain(fine, area, grid, blur_m, shift)

    held: list[np.ndarray] = []
    wanted = errors if error_m is None else dict.fromkeys(errors, error_m)
    with mock.patch.object(scenes, "_sample", noting), mock.patch.dict(scenes._GEOLOCATION_M, wanted):
        sample.write_sample(folder, size_km=size_km, seed=seed, years=years)
    return np.array(list(drawn.values()))


def scenes_of(catalogue: Path) -> list[Scene]:
    """Scenes in order of time."""
    return sorted((scene_from_item(item) for item in read_items(catalogue)), key=lambda s: (s.time, s.id))


def clear(stack: xr.Dataset) -> xr.Dataset:
    """As a recipe with `mask = "history"` has it."""
    return clear_looks(to_common_bands(screen_looks(stack)), margin_m=0)


def sensors_apart(stack: xr.Dataset) -> np.ndarray:
    """Sentinel-2's less Landsat's NDVI (composite, y, x), each of a few summers."""
    month, year = stack["time"].dt.month.values, stack["time"].dt.year.values
    apart = []
    for first in range(year.min(), year.max() - GROUP_YEARS + 2, GROUP_YEARS):
        ndvi = []
        for sensor in ("sentinel-2", "landsat"):
            which = (month >= 6) & (month <= 9) & (year >= first) & (year < first + GROUP_YEARS)
            which &= stack["sensor"].values == sensor
            red, nir = (median_over_time(stack[band].values[which])[0] for band in ("red", "nir08"))
            ndvi.append((nir - red) / (nir + red))
        apart.append(ndvi[0] - ndvi[1])
    return np.stack(apart)


def stable_forest(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that are forest in all years: at the border of what never was, and two pixels or more from any."""
    years = np.stack([read_raster(path)[0].squeeze() for path in sorted((folder / "truth").glob("forest_*.tif"))])
    always, never = (years == 1).all(axis=0), (years == 0).all(axis=0)
    edge = always & ndimage.binary_dilation(never, np.ones((3, 3)))
    inside = ndimage.binary_erosion(always, np.ones((3, 3)), iterations=2)
    return edge, inside


def score(seed: int, size_km: float = SIZE_KM, years: range = YEARS) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return rows of looks (estimate, truth) and differences of NDVI by (error, correction, place)."""
    rows: list[dict[str, Any]] = []
    apart: dict[tuple[str, str, str], list[np.ndarray]] = defaultdict(list)
    unmoved = np.zeros(0)
    for name, error_m in ERRORS_M.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "sample"
            truth = write_landscape(folder, seed, error_m, size_km, years)
            area = shapely.geometry.shape(json.loads((folder / "area.geojson").read_text())["features"][0]["geometry"])
            found = scenes_of(folder / "catalog.json")
            grid = run_grid(found, area)
            began = time.perf_counter()
            stack = read_stack(found, grid, BANDS)
            read = time.perf_counter()
            shifts = estimate_shifts(stack)
            took = np.diff([began, read, time.perf_counter()]) / len(found) * 1e3
            kept = significant_shifts(shifts, resolution_m=grid.transform.a)
            known = shifts.fillna({"east_m": 0.0, "north_m": 0.0})
            ours = shifts["east_m"].notna() & (shifts["sensor"] == "sentinel-2")
            for axis, true in zip(("east", "north"), truth.T, strict=True):
                told, error = shifts[f"{axis}_m"], shifts[f"{axis}_se_m"]
                centre = np.median(true[ours] - told[ours])
                rest = true - centre - kept[f"{axis}_m"]
                rows += [
                    {
                        "errors": name,
                        "sensor": s,
                        "wrong": w,
                        "se": e,
                        "true": t,
                        "rest": r,
                        "read": took[0],
                        "ms": took[1],
                    }
                    for s, w, e, t, r in zip(
                        shifts["sensor"], told - (true - centre), error, true - centre, rest, strict=True
                    )
                ]
            ways = {"nothing": stack}
            if error_m != 0:
                for way, table in (("shifts over a third of a pixel", kept), ("all shifts", known)):
                    moved = [
                        replace(scene, shift_m=(float(east), float(north)))
                        for scene, east, north in zip(found, table["east_m"], table["north_m"], strict=True)
                    ]
                    ways[way] = read_stack(moved, grid, BANDS)
            edge, inside = stable_forest(folder)
            for way, cube in ways.items():
                differences = sensors_apart(clear(cube))
                if error_m == 0:
                    unmoved = differences
                for where, mask in (("edge", edge), ("inside", inside)):
                    values = (differences if error_m == 0 else differences - unmoved)[:, mask]
                    apart[name, way, where].append(values[np.isfinite(values)])
    return rows, {key: np.concatenate(parts) for key, parts in apart.items()}


def tell_simulated(seeds: list[int]) -> list[str]:
    """Lines of both tables."""
    rows, apart = [], defaultdict(list)
    with ProcessPoolExecutor(2) as pool:
        for more, differences in pool.map(score, seeds):
            rows += more
            for key, values in differences.items():
                apart[key].append(values)
    looks = pd.DataFrame(rows)
    lines = [
        f"Simulated, seeds {seeds[0]} to {seeds[-1]}, windows of {SIZE_KM:g} km; along each axis, in metres, against",
        "the median place of Sentinel-2's looks. `told` is the share of looks with an estimate, `within 2 SE` the",
        "share of these whose error is below two standard errors, `left` the root mean square of what lies beside its",
        "place after shifts over a third of a pixel are taken back.",
        "",
        "| errors of place | sensor | told | RMS shift | RMSE | median error | 95% | within 2 SE | median SE | left |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (errors, sensor), some in looks.groupby(["errors", "sensor"], sort=False):
        known = some[some["wrong"].notna()]
        size = known["wrong"].abs()
        lines.append(
            f"| {errors} | {sensor} | {len(known) / len(some):.0%} | {rms(some['true']):.2f}"
            f" | {rms(known['wrong']):.2f} | {size.median():.2f} | {size.quantile(0.95):.2f}"
            f" | {(size < 2 * known['se']).mean():.0%}"
            f" | {known['se'].median():.2f} | {rms(some['rest']):.2f} |"
        )
    lines += [
        "",
        f"Reading three bands and quality took {looks['read'].mean():.0f} ms a look, telling its shift"
        f" {looks['ms'].mean():.0f} ms.",
        "",
        f"Sentinel-2's less Landsat's NDVI, composites of {GROUP_YEARS} summers, pixels of stable forest: `edge`",
        "beside what is never forest, `inside` two pixels or more from it. With errors of place `none`, the difference",
        "itself: pixels and point spread, bands, dates, skies, atmospheric correction. With others, by how much they",
        "move that difference: the scenes are else the same.",
        "",
        "| errors of place | taken back | where | pixels | median | mean size | median size | 95% | below 0.02 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (errors, way, where), parts in apart.items():
        lines.append(f"| {errors} | {way} | {where} | {described(np.concatenate(parts))} |")
    lines += [
        "",
        "One moment of summer, no sky, no noise, one sensor's bands: NDVI at the same pixels less that of Sentinel-2",
        "in its place.",
        "",
        "| seen by | resampled by | where | pixels | median | mean size | median size | 95% | below 0.02 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    still = defaultdict(list)
    for seed in seeds:
        for case, values in sharpness(seed).items():
            still[case].append(values)
    lines += [f"| {' | '.join(case)} | {described(np.concatenate(parts))} |" for case, parts in still.items()]
    return lines


def described(values: np.ndarray) -> str:
    """Columns of a table."""
    size = np.abs(values)
    return (
        f"{len(values)} | {np.median(values):+.4f} | {size.mean():.4f} | {np.median(size):.4f}"
        f" | {np.percentile(size, 95):.4f} | {(size < 0.02).mean():.0%}"
    )


def sharpness(seed: int) -> dict[tuple[str, str, str], np.ndarray]:
    """What pixels, point spread and resampling alone do to NDVI (see the last table)."""
    area, streams = Area.of_size(SIZE_KM), Streams(seed)
    landscape = make_landscape(area, make_terrain(area, streams), streams)
    history, ground = make_history(landscape, YEARS, streams), make_ground(landscape, streams)
    when = datetime(2021, 7, 20, 2, 10, tzinfo=UTC)
    sun, state = sun_at(when, scenes.LATITUDE, scenes.LONGITUDE), history.at(when.date())
    fine = reflectance(ground, make_surface(ground, state, streams), scenes.LANDSAT, sun.azimuth, sun.elevation)
    woody = block_mean((state.cover >= FOREST_COVER).astype(np.float32)[6:-6, 6:-6], 2)
    never, always = woody == 0, woody == 1
    masks = {
        "edge": always & ndimage.binary_dilation(never, np.ones((3, 3))),
        "inside": ndimage.binary_erosion(always, np.ones((3, 3)), iterations=2),
    }

    def ndvi(sensor: str, shift_m: tuple[float, float], resample: Any) -> np.ndarray:
        target = GeoBox(area.map.shape, Affine.translation(*shift_m) * area.map.transform, area.map.crs)
        bands = []
        for number, band in ((2, "red"), (3, "nir08")):
            grid = scenes._grid_of(area, sensor, band)
            moved = np.array([-shift_m[1], shift_m[0]]) / 10
            seen = scenes._sample(fine[number], area, grid, scenes._blur(sensor, band), moved)
            bands.append(resample(seen, grid, target))
        return np.asarray((bands[1] - bands[0]) / (bands[1] + bands[0]))

    inner = (slice(2, -2), slice(2, -2))
    plain = ndvi(scenes.SENTINEL2, (0.0, 0.0), resample_mean)[inner]
    cases = {
        ("Sentinel-2, moved 7 m east and taken back", "area"): (scenes.SENTINEL2, (7.0, 0.0), resample_mean),
        ("Sentinel-2, moved 10 m east and north and taken back", "area"): (
            scenes.SENTINEL2,
            (10.0, 10.0),
            resample_mean,
        ),
        ("Sentinel-2, moved 10 m east and north and taken back", "bilinear"): (
            scenes.SENTINEL2,
            (10.0, 10.0),
            resample_bilinear,
        ),
        ("Landsat", "area"): (scenes.LANDSAT, (0.0, 0.0), resample_mean),
        ("Landsat", "bilinear"): (scenes.LANDSAT, (0.0, 0.0), resample_bilinear),
        ("Landsat, moved 7 m east and taken back", "area"): (scenes.LANDSAT, (7.0, 0.0), resample_mean),
        ("Landsat, moved 7 m east and taken back", "bilinear"): (scenes.LANDSAT, (7.0, 0.0), resample_bilinear),
    }
    told = {}
    for case, how in cases.items():
        apart = ndvi(*how)[inner] - plain
        for where, mask in masks.items():
            told[*case, where] = apart[mask[inner] & np.isfinite(apart)]
    return told


def rms(values: Any) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


# -- real -----------------------------------------------------------------------------------------------


def real_shifts(folder: Path) -> tuple[xr.Dataset, pd.DataFrame]:
    """The real dates' stack and estimates."""
    found = scenes_of(folder / "catalog.json")
    grid = run_grid(found, shapely.union_all([scene.geometry for scene in found]))
    return read_stack(found, grid, ("green", *BANDS)), estimate_shifts(read_stack(found, grid, BANDS))


def phase_correlation(
    one: np.ndarray, other: np.ndarray, *, finer: int = 50, reach: float = 3.0
) -> tuple[float, float]:
    """How far `one` (y, x) lies down and to the right of `other`, in pixels, by the peak of their cross-power.

    The peak is looked for at steps of 1 / `finer` pixels by a matrix product (Guizar-Sicairos et al. 2008, Optics
    Letters 33, 156-158).
    """
    window = np.outer(*(np.hanning(n) for n in one.shape))
    ours, theirs = (np.fft.fft2((each - each.mean()) * window) for each in (one, other))
    cross = ours * theirs.conj()
    down, right = (np.fft.fftfreq(n) for n in one.shape)
    # high frequencies are noise
    cross *= np.exp(-((down[:, None] ** 2 + right[None, :] ** 2) / (2 * 0.12**2))) / np.maximum(np.abs(cross), 1e-12)
    steps = np.arange(-round(reach * finer), round(reach * finer) + 1) / finer
    peak = np.exp(2j * np.pi * np.outer(steps, down)) @ cross @ np.exp(2j * np.pi * np.outer(right, steps))
    at = np.unravel_index(np.argmax(peak.real), peak.shape)
    return float(steps[at[0]]), float(steps[at[1]])


def alike(one: np.ndarray, other: np.ndarray, shift: tuple[float, float]) -> float:
    """Correlation of what two looks (y, x) show finer than 9 pixels, after half the shift is taken off each."""
    half = shift[0] / 2, shift[1] / 2
    inner = (slice(4, -4), slice(4, -4))
    fine = []
    for each, sign in ((one, -1), (other, 1)):
        moved = ndimage.shift(each, (sign * half[0], sign * half[1]), order=3, mode="nearest")
        fine.append((moved - ndimage.uniform_filter(moved, 9))[inner].ravel())
    return float(np.corrcoef(*fine)[0, 1])


def compare_real(stack: xr.Dataset, shifts: pd.DataFrame) -> pd.DataFrame:
    """Pairs of clear dates of one season: differences of place by both methods in metres, and how alike they are."""
    seen = np.isfinite(clear_looks(stack)["nir08"].values).mean(axis=(1, 2))
    good = np.flatnonzero((seen > 0.98 * seen.max()) & shifts["east_m"].notna().to_numpy())
    known = np.isfinite(stack["nir08"].values[good]).all(axis=0)
    rows, cols = (np.flatnonzero(known.mean(axis=axis) > 0.5) for axis in (1, 0))
    inner = (slice(rows[0] + 1, rows[-1]), slice(cols[0] + 1, cols[-1]))
    swir, green = ({k: stack[band].values[k][inner] for k in good} for band in ("swir16", "green"))
    day = stack["time"].dt.dayofyear.values
    pixel = float(abs(stack["x"].values[1] - stack["x"].values[0]))
    east, north = shifts["east_m"].to_numpy(), shifts["north_m"].to_numpy()
    pairs = []
    for i in good:
        for j in good:
            if i < j and abs(int(day[i]) - int(day[j])) <= 15:
                down, right = phase_correlation(swir[i], swir[j])
                ours = (north[j] - north[i]) / pixel, (east[i] - east[j]) / pixel
                pairs.append(
                    {
                        "ours_east": pixel * ours[1],
                        "phase_east": pixel * right,
                        "ours_north": -pixel * ours[0],
                        "phase_north": -pixel * down,
                        "as_they_lie": alike(green[i], green[j], (0.0, 0.0)),
                        "by_ours": alike(green[i], green[j], ours),
                        "by_phase": alike(green[i], green[j], (down, right)),
                    }
                )
    return pd.DataFrame(pairs)


def tell_real(folder: Path) -> list[str]:
    """Lines on the real dates."""
    stack, shifts = real_shifts(folder)
    known = shifts[shifts["east_m"].notna()]
    length = np.hypot(known["east_m"], known["north_m"])
    kept = significant_shifts(known, resolution_m=20)
    moved = int(((kept["east_m"] != 0) | (kept["north_m"] != 0)).sum())
    lines = [
        "",
        f"Real, one square kilometre in Romania, {len(shifts)} dates of Sentinel-2: {len(known)} with an estimate,",
        f"{moved} of them moved by more than a third of a pixel and two standard errors.",
        "",
        "| year | looks | median east | median north | median length | 90% |",
        "|---|---|---|---|---|---|",
    ]
    for year, some in known.groupby(known["time"].dt.year):
        own = length[some.index]
        lines.append(
            f"| {year} | {len(some)} | {some['east_m'].median():+.1f} | {some['north_m'].median():+.1f}"
            f" | {own.median():.1f} | {own.quantile(0.9):.1f} |"
        )
    pairs = compare_real(stack, shifts)
    lines += [
        "",
        "Beside phase correlation of swir16, pairs of clear dates within 15 days of the year, in metres:",
        "",
        "| axis | pairs | RMS by phase | RMS by habitat | RMS disagreement | median disagreement | correlation |",
        "|---|---|---|---|---|---|---|",
    ]
    for axis in ("east", "north"):
        ours, phase = pairs[f"ours_{axis}"], pairs[f"phase_{axis}"]
        lines.append(
            f"| {axis} | {len(pairs)} | {rms(phase):.1f} | {rms(ours):.1f} | {rms(ours - phase):.1f}"
            f" | {(ours - phase).abs().median():.1f} | {ours.corr(phase):.2f} |"
        )
    far = pairs[np.hypot(pairs["ours_east"], pairs["ours_north"]) > 20 / 3]
    lines += [
        "",
        "The green band is used by neither: correlation of its detail (finer than 9 pixels) between a pair's dates.",
        "",
        "| pairs | n | as they lie | moved by habitat | moved by phase correlation |",
        "|---|---|---|---|---|",
    ]
    for name, some in (("all", pairs), ("more than a third of a pixel apart", far)):
        middle = some[["as_they_lie", "by_ours", "by_phase"]].mean()
        lines.append(f"| {name} | {len(some)} | " + " | ".join(f"{each:.3f}" for each in middle) + " |")
    return lines


def main() -> None:
    """Measure, print and write down."""
    seeds = [int(each) for each in sys.argv[1:]] or list(range(100, 110))
    lines = ["# Shifts between looks", "", "Made by `python benchmarks/registration.py`.", "", *tell_simulated(seeds)]
    if "HABITAT_REALDATA" in os.environ:
        lines += tell_real(Path(os.environ["HABITAT_REALDATA"]) / "realdata" / "romania")
    text = "\n".join(lines) + "\n"
    print(text)
    if not sys.argv[1:]:
        (RESULTS / "registration.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
