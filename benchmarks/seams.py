"""What a forest looks like on both sides of a seam of two orbits, before and after views are made nadir.

    python benchmarks/seams.py [SEED ...]

Simulated landscapes of 1.2 km, seeds 100 to 109 unless others are named, on seven dates from April to October: every
forest pixel is seen from the orbit in the east and from that in the west, at the edges of their swaths, each at its own
time of day. How reflectance changes with direction is told by another model than the one that corrects it, with other
numbers: Rahman, Pinty and Verstraete (1993, Journal of Geophysical Research 98, 20791-20801), with the parameters that
were fitted to measured canopies, as Lyapustin's SHARM lists them (2005, Applied Optics 44, 7764-7772; hot spot equal to
rho0). They stand for a red and a near-infrared band. For the shortwave infrared none are published, and that is where
this truth is an assumption: a band takes a mean of the two by its reflectance, for the more often light is scattered
the less it minds directions; what comes out if it minds them as the near infrared does stands below each table.

Strengths are learnt from other looks at each landscape, five years of them, three in ten passes clear, each with the
simulator's noise and faults of atmospheric correction. Prints a table and writes `results/seams.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from habitat.cubes import BANDS
from habitat.grids import coordinates, grid_over
from habitat.imagery import fit_strengths, nadir_reflectance, view_pairs
from habitat.simulate import scenes, spectra
from habitat.simulate.area import Area
from habitat.simulate.disturbance import make_history
from habitat.simulate.landscape import FOREST_COVER, make_landscape
from habitat.simulate.scenes import LANDSAT, LATITUDE, LONGITUDE, SENTINEL2
from habitat.simulate.sky import Sun, sun_at
from habitat.simulate.streams import Streams
from habitat.simulate.surface import make_ground, make_surface, reflectance
from habitat.simulate.terrain import make_terrain

SIZE_KM, YEARS = 1.2, range(2016, 2026)
DATES = ((4, 20), (5, 20), (6, 15), (7, 15), (8, 15), (9, 15), (10, 15))
SUMMER = slice(2, 6)
"""Those in the mapping season."""
LIMIT = 0.005
YEARS_SEEN, CLEAR_SHARE = range(2019, 2024), 0.3
"""Of the looks from which strengths are learnt: each orbit passes as often as `EDGE` says, and so many are clear."""
HEADING_DEG = 194.0
EDGE = {SENTINEL2: (10.3, 7.1, (2, 16)), LANDSAT: (7.5, 4.6, (2, 8))}
"""View zenith at the swath's edge; minutes by which an orbit passes before or after the seam's own hour there; hour and
minute (UTC)."""
RETURNS = {SENTINEL2: (5, 3), LANDSAT: (8, 1)}
"""Days after which an orbit returns, with two satellites, and by which the western one is later."""
CANOPIES = {
    "leaf forest": ((0.022, -0.228, 0.633), (0.285, -0.060, 0.745)),
    "conifers": ((0.018, -0.282, 0.364), (0.235, -0.095, 0.758)),
    "hardwood forest in winter": ((0.028, -0.175, 0.768), (0.066, -0.141, 0.735)),
}
"""rho0, asymmetry and k in a visible and in a near-infrared band."""
RESULTS = Path(__file__).parent / "results"


def rahman(rho: float, asymmetry: float, k: float, sun: Sun, zenith_deg: float, azimuth_deg: float) -> float:
    """Return the reflectance of a canopy; azimuths point towards sun and sensor."""
    s, v = np.radians(90 - sun.elevation), np.radians(zenith_deg)
    turn = np.cos(np.radians(azimuth_deg - sun.azimuth))
    phase = np.cos(s) * np.cos(v) + np.sin(s) * np.sin(v) * turn
    bowl = (np.cos(s) * np.cos(v) * (np.cos(s) + np.cos(v))) ** (k - 1)
    lobe = (1 - asymmetry**2) / (1 + 2 * asymmetry * phase + asymmetry**2) ** 1.5
    apart = np.sqrt(max(np.tan(s) ** 2 + np.tan(v) ** 2 - 2 * np.tan(s) * np.tan(v) * turn, 0))
    return float(rho * bowl * lobe * (1 + (1 - rho) / (1 + apart)))


def anisotropy(canopy: str, sun: Sun, noon: Sun, zenith_deg: float, azimuth_deg: float) -> tuple[float, float]:
    """Return what the view, and a sun that is not `noon`'s, do to a visible and to a near-infrared band."""
    dark, bright = (
        rahman(*parameters, sun, zenith_deg, azimuth_deg) / rahman(*parameters, noon, 0, 0)
        for parameters in CANOPIES[canopy]
    )
    return dark, bright


def forest_pixels(seed: int, sensor: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each date, reflectance from above (band, pixel) and shares of the canopies (canopy, pixel)."""
    return seen_on(seed, sensor, [datetime(2021, *date, *EDGE[sensor][2], tzinfo=UTC) for date in DATES])


def seen_on(seed: int, sensor: str, times: Sequence[datetime]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the same of any times, of pixels that are forest at all of them."""
    area, streams = Area.of_size(SIZE_KM), Streams(seed)
    landscape = make_landscape(area, make_terrain(area, streams), streams)
    history, ground = make_history(landscape, YEARS, streams), make_ground(landscape, streams)
    stable = np.logical_and.reduce([history.at(when.date()).cover >= FOREST_COVER for when in times])
    found = []
    for when in times:
        sun = sun_at(when, LATITUDE, LONGITUDE)
        surface = make_surface(ground, history.at(when.date()), streams)
        seen = surface.shares[:, stable]
        leaves = seen[[spectra.LEAF, spectra.AUTUMN, spectra.HERB]].sum(axis=0)
        shares = np.stack([leaves, seen[spectra.NEEDLE], seen.sum(axis=0) - leaves - seen[spectra.NEEDLE]])
        bands = reflectance(ground, surface, sensor, sun.azimuth, sun.elevation)[:, stable]
        found.append((bands, shares / shares.sum(axis=0)))
    return found


def from_both_sides(
    sensor: str, date: tuple[int, int], bands: np.ndarray, shares: np.ndarray, *, swir_as_nir: bool = False
) -> xr.Dataset:
    """Return a STACK of two looks at the same pixels: from the orbit in the east, and from that in the west."""
    noon = datetime(2021, *date, *EDGE[sensor][2], tzinfo=UTC)
    looks = [look_from(sensor, noon, side, bands, shares, swir_as_nir=swir_as_nir) for side in (-1, 1)]
    times = [datetime(2021, 7, 1, 2, tzinfo=UTC), datetime(2021, 7, 4, 2, tzinfo=UTC)]
    return stacked(sensor, times, looks)


def look_from(
    sensor: str, noon: datetime, side: int, bands: np.ndarray, shares: np.ndarray, *, swir_as_nir: bool = False
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return reflectance (band, pixel) seen from the orbit in the east (-1) or west (1), and the four angles."""
    zenith, minutes, _ = EDGE[sensor]
    middle = sun_at(noon, LATITUDE, LONGITUDE)
    share_of_bright = np.clip((bands - bands[2]) / np.maximum(bands[3] - bands[2], 1e-6), 0, 1)
    if swir_as_nir:
        share_of_bright[4:] = 1
    sun = sun_at(noon + timedelta(minutes=side * minutes), LATITUDE, LONGITUDE)
    azimuth = (HEADING_DEG + side * 90) % 360
    factors = np.array([anisotropy(canopy, sun, middle, zenith, azimuth) for canopy in CANOPIES])
    dark, bright = factors.T @ shares
    seen = bands * (dark + share_of_bright * (bright - dark))
    return seen, (90 - sun.elevation, sun.azimuth, zenith, azimuth)


def stacked(
    sensor: str, times: Sequence[datetime], looks: Sequence[tuple[np.ndarray, tuple[float, ...]]]
) -> xr.Dataset:
    """Return a STACK, one row of pixels, of such looks."""
    n = looks[0][0].shape[1]
    grid = grid_over((500_000, 4_800_000, 500_000 + 10 * n, 4_800_010), "EPSG:32652", 10)
    names = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")
    nodes = {
        name: (("time", "node_y", "node_x"), np.float32([[[angles[k]] * 2] * 2 for _, angles in looks]))
        for k, name in enumerate(names)
    }
    values = {band: (("time", "y", "x"), np.float32([[seen[k]] for seen, _ in looks])) for k, band in enumerate(BANDS)}
    return xr.Dataset(
        {**values, "quality": (("time", "y", "x"), np.zeros((len(looks), 1, n), dtype=np.uint8))},
        coords={
            "time": np.array([when.replace(tzinfo=None) for when in times], dtype="datetime64[ns]"),
            "sensor": ("time", [sensor] * len(looks)),
            "node_y": [4_800_010.0, 4_800_000.0],
            "node_x": [500_000.0, 500_000.0 + 10 * n],
            **nodes,
            **coordinates(grid),
        },
    )


@cache
def learnt(sensor: str, seed: int, *, swir_as_nir: bool = False) -> xr.Dataset:
    """Return strengths learnt from some years of clear looks from both sides, with noise and faults of correction."""
    rng = np.random.default_rng(seed)
    times: list[datetime] = []
    sides: list[int] = []
    again, later = RETURNS[sensor]
    for year in YEARS_SEEN:
        for side, first in ((-1, 0), (1, later)):
            for day in range(first, 195, again):
                if rng.random() < CLEAR_SHARE:
                    times.append(datetime(year, 4, 10, *EDGE[sensor][2], tzinfo=UTC) + timedelta(days=day))
                    sides.append(side)
    order = np.argsort(np.array([when.timestamp() for when in times]))
    times, sides = [times[k] for k in order], [sides[k] for k in order]
    looks = []
    for when, side, (bands, shares) in zip(times, sides, seen_on(seed, sensor, times), strict=True):
        seen, angles = look_from(sensor, when, side, bands, shares, swir_as_nir=swir_as_nir)
        seen = scenes._correct(rng, seen[:, None].astype(np.float32))[:, 0]
        seen = np.stack([scenes._grain(rng, *each) for each in zip(seen, scenes._NOISE, strict=True)])
        looks.append((seen, angles))
    return fit_strengths([view_pairs(stacked(sensor, times, looks))], sensors=[sensor], bands=BANDS)


WAYS = ("before", "published", "learnt", "published, sun at 45")


def measure(sensor: str, seeds: Sequence[int], *, swir_as_nir: bool = False) -> dict[str, np.ndarray]:
    """Return reflectance (date, side, band, pixel) by what is done to views; each landscape learns from itself."""
    parts = []
    for seed in seeds:
        strengths = learnt(sensor, seed, swir_as_nir=swir_as_nir)
        looks = []
        for date, (bands, shares) in zip(DATES, forest_pixels(seed, sensor), strict=True):
            before = from_both_sides(sensor, date, bands, shares, swir_as_nir=swir_as_nir)
            stacks = (
                before,
                nadir_reflectance(before),
                nadir_reflectance(before, strengths=strengths),
                nadir_reflectance(before, sun_zenith_deg=45),
            )
            looks.append([np.stack([stack[band].values[:, 0] for band in BANDS], axis=1) for stack in stacks])
        parts.append(np.array(looks))
    whole = np.concatenate(parts, axis=-1)
    return {way: whole[:, k] for k, way in enumerate(WAYS)}


def steps(seen: np.ndarray) -> np.ndarray:
    """West's look less east's: the median over pixels, (date, band)."""
    return np.asarray(np.median(seen[:, 1] - seen[:, 0], axis=-1))


def composite_steps(seen: np.ndarray) -> np.ndarray:
    """The same of each side's median over the summer, (band,)."""
    return np.asarray(np.median(np.diff(np.median(seen[SUMMER], axis=0), axis=0)[0], axis=-1))


def table(sensor: str, seeds: Sequence[int]) -> list[str]:
    """Measure one sensor, and write its rows."""
    each = measure(sensor, seeds)
    found = [learnt(sensor, seed) for seed in seeds]
    strength = np.array([one["strength"].values[0] for one in found])
    error = np.array([one["strength_se"].values[0] for one in found])
    lines = [
        f"## {sensor}, {EDGE[sensor][0]} degrees to either side, {each['before'].shape[-1]} pixels",
        "",
        "| band | step by date, before | published | learnt | 95% of pixels within, published | learnt"
        " | step of summer medians, before | published | learnt | strength | its SE |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    shown = WAYS[:3]
    for k, band in enumerate(BANDS):
        dates = [f"{steps(each[way])[:, k].min():+.4f} to {steps(each[way])[:, k].max():+.4f}" for way in shown]
        far = [f"{np.percentile(np.abs(each[way][:, 1, k] - each[way][:, 0, k]), 95):.4f}" for way in shown[1:]]
        summer = [f"{composite_steps(each[way])[k]:+.4f}" for way in shown]
        told = f"{strength[:, k].min():.2f} to {strength[:, k].max():.2f} | {np.median(error[:, k]):.2f}"
        lines.append(f"| {band} | {' | '.join([*dates, *far, *summer])} | {told} |")
    lines += ["", "| | largest step of any band on any date | of summer medians |", "|---|---|---|"]
    for way, seen in each.items():
        lines.append(f"| {way} | {np.abs(steps(seen)).max():.4f} | {np.abs(composite_steps(seen)).max():.4f} |")
    mild = measure(sensor, seeds, swir_as_nir=True)
    lines += [
        "",
        f"The target is {LIMIT}. Pairs of looks a landscape: {min(int(one['pairs'][0]) for one in found)} to"
        f" {max(int(one['pairs'][0]) for one in found)}.",
        "",
        "If swir16 and swir22 mind directions as nir08 does, their steps of summer medians are "
        + "; ".join(
            f"{way}, {composite_steps(mild[way])[4]:+.4f} and {composite_steps(mild[way])[5]:+.4f}" for way in shown
        )
        + ".",
        "",
    ]
    return lines


def main() -> None:
    """Measure, print and write down."""
    seeds = [int(each) for each in sys.argv[1:]] or list(range(100, 110))
    lines = [
        "# A forest across a seam of two orbits",
        "",
        f"Made by `python benchmarks/seams.py`: seeds {seeds[0]} to {seeds[-1]}, {len(DATES)} dates from April to",
        "October. A step is what the orbit in the west sees less what that in the east sees of the same pixels, in the",
        "median over pixels; of dates, the smallest and the largest. `published`: Roy's weights; `learnt`: with each",
        "landscape's own strengths, of which the smallest and the largest and the median standard error are shown.",
        "",
    ]
    for sensor in EDGE:
        lines += table(sensor, seeds)
    text = "\n".join(lines)
    print(text)
    if not sys.argv[1:]:
        (RESULTS / "seams.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
