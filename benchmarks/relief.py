"""What levelling slopes does to forest, beside other corrections; and the shadows of hills against traced rays.

    python benchmarks/relief.py [SEED ...]

Simulated landscapes of 3 km, seeds 100 to 109 unless others are named, seen by Landsat's bands at 02:10 UTC from April
to October, first with neither sky nor noise between. What is measured of the levelled looks is told beside the same of
the truth: the ground as it would be under flat light. The simulator lights its slopes by the law that the C-correction
supposes, with the same constants on all dates; so the figures say how well the constants are found, not whether the law
is right. Three harder lights stand beside it: looks that each have a gain, an offset and grain of their own to learn
from; a sky whose `C` grows by a quarter from the highest sun to the lowest; and upright trees, lit by the law that
SCS+C supposes.

Shadows: heights of 2 km of the same landscapes, twice as steep and four times, in autumn and winter; rays are traced
one by one, in steps of a quarter of a pixel, over a smooth surface through the heights.

Prints tables and writes `results/relief.md`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import ndimage

from habitat.cubes import BANDS
from habitat.grids import coordinates
from habitat.imagery import cast_shadow, fit_illumination, level_reflectance, slope_samples
from habitat.imagery.relief import north_of, rises, sun_cosine
from habitat.simulate.area import Area
from habitat.simulate.disturbance import make_history
from habitat.simulate.landscape import EVERGREEN, MIXED, OAK, make_landscape
from habitat.simulate.scenes import LANDSAT, LATITUDE, LONGITUDE
from habitat.simulate.sky import Sun, sun_at
from habitat.simulate.streams import Streams
from habitat.simulate.surface import make_ground, make_surface, reflectance
from habitat.simulate.terrain import DIFFUSE, make_terrain

SIZE_KM, YEARS, YEAR = 3.0, range(2016, 2026), 2021
DATES = ((4, 5), (5, 10), (6, 15), (7, 20), (8, 25), (9, 28), (10, 20))
CLASSES = {"conifers": EVERGREEN, "Korean pine": MIXED, "oak": OAK}
NIR = BANDS.index("nir08")
SUNNY = 0.06
"""How much more than flat ground's the cosine on a sunny slope is, or how much less on a shaded one."""
RESULTS = Path(__file__).parent / "results"


class Seen(NamedTuple):
    """One landscape on all dates."""

    stack: xr.Dataset
    height_m: np.ndarray
    flat: np.ndarray
    """The truth: reflectance under flat light, float32 (time, band, y, x)."""
    cosine: np.ndarray
    level: np.ndarray
    """Cosine of the sun on slopes (time, y, x) and on flat ground (time,)."""
    code: np.ndarray
    suns: tuple[Sun, ...]

    def bands(self, stack: xr.Dataset | None = None) -> np.ndarray:
        """Reflectance (time, band, y, x)."""
        return np.stack([(self.stack if stack is None else stack)[band].values for band in BANDS], axis=1)

    def with_bands(self, values: np.ndarray) -> xr.Dataset:
        """The stack with other reflectance."""
        return self.stack.assign({band: (("time", "y", "x"), values[:, k]) for k, band in enumerate(BANDS)})


def see(seed: int, size_km: float = SIZE_KM) -> Seen:
    """Return a landscape as it is seen."""
    area, streams = Area.of_size(size_km), Streams(seed)
    terrain = make_terrain(area, streams)
    landscape = make_landscape(area, terrain, streams)
    history, ground = make_history(landscape, YEARS, streams), make_ground(landscape, streams)
    lit, flat, codes = [], [], []
    times = [datetime(YEAR, month, day, 2, 10, tzinfo=UTC) for month, day in DATES]
    suns = tuple(sun_at(when, LATITUDE, LONGITUDE) for when in times)
    for when, sun in zip(times, suns, strict=True):
        state = history.at(when.date())
        seen = reflectance(ground, make_surface(ground, state, streams), LANDSAT, sun.azimuth, sun.elevation)
        lit.append(seen)
        flat.append(seen / terrain.illumination(sun.azimuth, sun.elevation))
        codes.append(state.code)
    bands, dims = np.stack(lit), ("time", "y", "x")
    # the simulator counts from the grid's north, products from the true one
    turn, nodes = north_of(area.fine), ("time", "node_y", "node_x")
    stack = xr.Dataset(
        {band: (dims, bands[:, k]) for k, band in enumerate(BANDS)}
        | {"quality": (dims, np.zeros((len(DATES), *terrain.height_m.shape), np.uint8))},
        coords={
            "time": np.array([when.replace(tzinfo=None) for when in times], dtype="datetime64[ns]"),
            "sensor": ("time", [LANDSAT] * len(DATES)),
            "sun_zenith": (nodes, np.array([[[90 - sun.elevation]] for sun in suns], np.float32)),
            "sun_azimuth": (nodes, np.array([[[sun.azimuth - turn]] for sun in suns], np.float32)),
            **coordinates(area.fine),
        },
    )
    rise = rises(terrain.height_m, area.fine.transform.a)
    cosine = np.stack([sun_cosine(rise, (sun.azimuth, sun.elevation)) for sun in suns])
    level = np.array([np.sin(np.radians(sun.elevation)) for sun in suns], np.float32)
    return Seen(stack, terrain.height_m, np.stack(flat), cosine, level, np.stack(codes).min(axis=0), suns)


def noisy(seen: Seen, seed: int) -> xr.Dataset:
    """Return the looks with a gain, an offset and grain of each look and band."""
    rng, bands = np.random.default_rng(seed), seen.bands()
    shape = (*bands.shape[:2], 1, 1)
    offset = np.array([4, 3, 2, 2, 1, 1])[:, None, None] * 1e-3 * rng.standard_normal(shape)
    made = bands * (1 + 0.02 * rng.standard_normal(shape)) + offset
    return seen.with_bands((made + (0.002 + 0.02 * made) * rng.standard_normal(made.shape)).astype(np.float32))


def drifting(seen: Seen) -> Seen:
    """Return the landscape lit by a sky that grows brighter as the sun sinks."""
    low = (seen.level.max() - seen.level) / (seen.level.max() - seen.level.min())
    c = DIFFUSE[None, :, None, None] * (1 + 0.25 * low[:, None, None, None])
    level = seen.level[:, None, None, None]
    light = (np.maximum(seen.cosine, 0)[:, None] + c) / (level + c)
    return seen._replace(stack=seen.with_bands((seen.flat * light).astype(np.float32)))


def upright(seen: Seen) -> Seen:
    """Return the landscape lit as crowns that stand upright on their slope are (Gu and Gillespie 1998)."""
    c, level = DIFFUSE[None, :, None, None], seen.level[:, None, None, None]
    light = (np.maximum(seen.cosine, 0)[:, None] + c) / (level * flatness(seen) + c)
    return seen._replace(stack=seen.with_bands((seen.flat * light).astype(np.float32)))


def flatness(seen: Seen) -> np.ndarray:
    """Cosine of the slope."""
    return 1 / np.sqrt(1 + np.square(rises(seen.height_m, 10.0)).sum(axis=0))


# -- other corrections: one look at a time, over all its green slopes, as they are usually fitted ----------------------


def regression(seen: Seen, look: int) -> tuple[np.ndarray, np.ndarray]:
    """Intercept and slope of each band on the cosine of the sun, over green slopes steeper than five degrees."""
    bands = seen.bands()
    red, nir = bands[:, BANDS.index("red")], bands[:, NIR]
    steep = np.hypot(*rises(seen.height_m, 10.0)) > np.tan(np.radians(5))
    slopes = ((nir - red) / (nir + red)).max(axis=0) > 0.6
    slopes &= steep
    found = [np.polyfit(seen.cosine[look][slopes], band[slopes], 1) for band in bands[look]]
    return np.array([each[1] for each in found]), np.array([each[0] for each in found])


def c_correction(seen: Seen, look: int) -> np.ndarray:
    """Teillet, Guindon and Goodenough 1982."""
    c = _c(*regression(seen, look))
    return seen.bands()[look] * (seen.level[look] + c) / np.maximum(seen.cosine[look] + c, 0.05)


def scs_c(seen: Seen, look: int) -> np.ndarray:
    """Soenen, Peddle and Coburn 2005."""
    c = _c(*regression(seen, look))
    return seen.bands()[look] * (flatness(seen) * seen.level[look] + c) / np.maximum(seen.cosine[look] + c, 0.05)


def minnaert(seen: Seen, look: int) -> np.ndarray:
    """Minnaert's constant, fitted to logarithms (Smith, Lin and Ranson 1980)."""
    ratio = np.maximum(seen.cosine[look], 0.05) / seen.level[look]
    steep = np.hypot(*rises(seen.height_m, 10.0)) > np.tan(np.radians(5))
    green = steep & (seen.code >= EVERGREEN) & (seen.code <= 15)
    bands = seen.bands()[look]
    k = [np.polyfit(np.log(ratio[green]), np.log(np.maximum(band[green], 1e-4)), 1)[0] for band in bands]
    return bands / ratio ** np.clip(k, 0, 1)[:, None, None]


def statistical(seen: Seen, look: int) -> np.ndarray:
    """Statistical-empirical (Teillet, Guindon and Goodenough 1982)."""
    _, slope = regression(seen, look)
    return seen.bands()[look] - slope[:, None, None] * (seen.cosine[look] - seen.level[look])


def _c(intercept: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """The ratio of both; a band that grows darker towards the sun is left as it is."""
    return np.where(slope > 0, np.maximum(intercept / np.where(slope > 0, slope, 1), 0), 1e6)[:, None, None]


OTHERS: dict[str, Callable[[Seen, int], np.ndarray]] = {
    "C-correction, look by look": c_correction,
    "SCS+C, look by look": scs_c,
    "Minnaert, look by look": minnaert,
    "statistical-empirical": statistical,
}


# -- scores ------------------------------------------------------------------------------------------------------------


def levelled(seen: Seen, taught: xr.Dataset | None = None) -> np.ndarray:
    """Return the looks levelled, the shares learnt from `taught`."""
    shares = fit_illumination([slope_samples(seen.stack if taught is None else taught, seen.height_m)])
    return seen.bands(level_reflectance(seen.stack, seen.height_m, shares))


class Score(NamedTuple):
    """Of one look; bands where it says so."""

    correlation: float
    """Of NIR with the cosine of the sun, within a class."""
    variation: float
    """Coefficient of variation of NIR within a class."""
    sides: np.ndarray
    """Sunny less shaded slopes relative to the class, by band."""
    error: np.ndarray
    """Median of the size of the relative error, by band."""
    contrast: float
    """NIR of oak less that of conifers."""


def score(seen: Seen, look: int, values: np.ndarray) -> Score:
    """Return what is left of relief in a look's `values` (band, y, x): the mean over classes."""
    cosine, level = seen.cosine[look], seen.level[look]
    correlations, variations, sides = [], [], []
    for code in CLASSES.values():
        inside = seen.code == code
        nir = values[NIR][inside]
        correlations.append(np.corrcoef(nir, cosine[inside])[0, 1])
        variations.append(nir.std() / nir.mean())
        sunny, shaded = inside & (cosine > level + SUNNY), inside & (cosine < level - SUNNY)
        if min(sunny.sum(), shaded.sum()) >= 50:
            middle = np.median(values[:, inside], axis=1)
            apart = np.median(values[:, sunny], axis=1) - np.median(values[:, shaded], axis=1)
            sides.append(apart / middle)
    forest = np.isin(seen.code, list(CLASSES.values()))
    error = np.median(np.abs(values[:, forest] / seen.flat[look][:, forest] - 1), axis=1)
    contrast = np.median(values[NIR][seen.code == OAK]) - np.median(values[NIR][seen.code == EVERGREEN])
    apart = np.mean(sides, axis=0) if sides else np.full(len(BANDS), np.nan)
    return Score(float(np.mean(correlations)), float(np.mean(variations)), apart, error, float(contrast))


Looks = list[list[Score]]
"""By seed and look."""


def scores(seen: Seen, values: np.ndarray) -> list[Score]:
    """Return the scores of all looks."""
    return [score(seen, look, values[look]) for look in range(len(DATES))]


# -- shadows -----------------------------------------------------------------------------------------------------------


def traced(height_m: np.ndarray, sun: Sun, side_m: float, steps: int = 4) -> np.ndarray:
    """Return where rays traced one by one meet the ground, over a cubic surface through the heights."""
    smooth = ndimage.spline_filter(height_m.astype(np.float64), order=3, mode="nearest")
    rows, cols = np.indices(height_m.shape, dtype=np.float64)
    azimuth, climb = np.radians(sun.azimuth), np.tan(np.radians(sun.elevation)) * side_m
    dark = np.zeros(height_m.shape, dtype=bool)
    highest = height_m.max()
    for k in range(1, steps * max(height_m.shape)):
        away = k / steps
        flying = ~dark & (height_m + away * climb < highest)
        if not flying.any():
            break
        y, x = rows[flying] - away * np.cos(azimuth), cols[flying] + away * np.sin(azimuth)
        ground = ndimage.map_coordinates(smooth, (y, x), order=3, mode="nearest", prefilter=False)
        within = (y >= 0) & (x >= 0) & (y <= height_m.shape[0] - 1) & (x <= height_m.shape[1] - 1)
        # the first steps feel rounding, not relief
        dark[flying] |= within & (ground > height_m[flying] + away * climb + 1e-6)
    return dark


class Shadows(NamedTuple):
    """Pixels of a landscape."""

    all: int
    dark: int
    found: int
    false: int
    off_edges: int
    """Wrong, and farther than a pixel from an edge."""


def shadows(height_m: np.ndarray, sun: Sun, side_m: float) -> Shadows:
    """Return what of the traced shadows is found, and what is found beside them."""
    truth = traced(height_m, sun, side_m)
    ours = cast_shadow(height_m, sun_azimuth=sun.azimuth, sun_elevation=sun.elevation, resolution_m=side_m)
    near = ndimage.binary_dilation(truth, np.ones((3, 3))) & ndimage.binary_dilation(~truth, np.ones((3, 3)))
    off = (truth != ours) & ~near
    counts = (truth.size, truth.sum(), (ours & truth).sum(), (ours & ~truth).sum(), off.sum())
    return Shadows(*map(int, counts))


# -- speed -------------------------------------------------------------------------------------------------------------


def speed(seen: Seen) -> tuple[float, float, float]:
    """Million pixel-dates of shadow, and million pixels × bands of levelling a core-second; seconds of a fit."""
    sun = Sun(150.0, 25.0)
    samples = [slope_samples(seen.stack, seen.height_m)]
    shares = fit_illumination(samples)

    def taken(work: Callable[[], object]) -> float:
        work()
        times = []
        for _ in range(5):
            begun = time.process_time()
            work()
            times.append(time.process_time() - begun)
        return float(np.median(times))

    shade = taken(lambda: cast_shadow(seen.height_m, sun_azimuth=150, sun_elevation=sun.elevation, resolution_m=10))
    level = taken(lambda: level_reflectance(seen.stack, seen.height_m, shares))
    fit = taken(lambda: fit_illumination(samples))
    pixels = seen.height_m.size
    return pixels / shade / 1e6, pixels * len(DATES) * len(BANDS) / level / 1e6, fit


def main() -> None:
    """Measure, print and write down."""
    seeds = [int(each) for each in sys.argv[1:]] or list(range(100, 110))
    before: Looks = []
    after: Looks = []
    truth: Looks = []
    methods: dict[str, Looks] = {}
    dark: dict[tuple[int, int], list[Shadows]] = {}
    for seed in seeds:
        seen = see(seed)
        before.append(scores(seen, seen.bands()))
        after.append(scores(seen, levelled(seen)))
        truth.append(scores(seen, seen.flat))
        methods.setdefault("none", []).append(before[-1])
        for name, correct in OTHERS.items():
            made = np.stack([correct(seen, look) for look in range(len(DATES))])
            methods.setdefault(name, []).append(scores(seen, made))
        methods.setdefault("ours", []).append(after[-1])
        methods.setdefault("ours, learnt from noisy looks", []).append(scores(seen, levelled(seen, noisy(seen, seed))))
        other, trees = drifting(seen), upright(seen)
        methods.setdefault("ours, drifting sky", []).append(scores(other, levelled(other)))
        methods.setdefault("ours, upright trees", []).append(scores(trees, levelled(trees)))
        made = np.stack([scs_c(trees, look) for look in range(len(DATES))])
        methods.setdefault("SCS+C, look by look, upright trees", []).append(scores(trees, made))
        for steep in (2, 4):
            for month in (12, 10):
                sun = sun_at(datetime(YEAR, month, 20, 2, 10, tzinfo=UTC), LATITUDE, LONGITUDE)
                dark.setdefault((steep, round(sun.elevation)), []).append(
                    shadows(steep * seen.height_m[:200, :200], sun, 10.0)
                )
    text = "\n".join(
        [
            "# Slopes",
            "",
            f"Made by `python benchmarks/relief.py`, seeds {seeds[0]} to {seeds[-1]}.",
            *by_date(seen.suns, before, after, truth),
            *by_band("sides", "Sunny less shaded slopes of a class, relative", (before, after, truth)),
            *by_band("error", "Median size of the relative error over forest", (before, after)),
            *by_method(methods, truth),
            *by_sun(dark),
            *how_fast(seen),
            "",
        ]
    )
    print(text)
    if not sys.argv[1:]:
        (RESULTS / "relief.md").write_text(text, encoding="utf-8")


def by_date(suns: tuple[Sun, ...], before: Looks, after: Looks, truth: Looks) -> list[str]:
    """Return the table of what is left within classes."""
    lines = ["", "## Near infrared within a class of forest: before → after (on flat ground)", ""]
    lines += [
        "| date | sun | correlation with cos i | coefficient of variation | oak less conifers |",
        "|---" * 5 + "|",
    ]
    for look, sun in enumerate(suns):
        cells = []
        for field, form in (("correlation", "+.2f"), ("variation", ".3f"), ("contrast", "+.3f")):
            one, two, three = (
                np.mean([getattr(looks[look], field) for looks in part]) for part in (before, after, truth)
            )
            cells.append(f"{one:{form}} → {two:{form}} ({three:{form}})")
        lines.append(f"| {day_of(look)} | {sun.elevation:.0f}° | " + " | ".join(cells) + " |")
    return lines


def by_band(field: str, title: str, parts: tuple[Looks, ...]) -> list[str]:
    """Return the table of one field by date and band; the truth, if it is there, in brackets."""
    lines = ["", f"## {title}: before → after" + " (on flat ground)" * (len(parts) == 3), ""]
    lines += ["| date | " + " | ".join(BANDS) + " |", "|---" * (len(BANDS) + 1) + "|"]
    for look in range(len(DATES)):
        means = [np.mean([getattr(looks[look], field) for looks in part], axis=0) for part in parts]
        form = ".1%" if len(parts) == 2 else "+.0%"
        shown = [" → ".join(f"{part[k]:{form}}" for part in means[:2]) for k in range(len(BANDS))]
        if len(parts) == 3:
            shown = [f"{text} ({means[2][k]:{form}})" for k, text in enumerate(shown)]
        lines.append(f"| {day_of(look)} | " + " | ".join(shown) + " |")
    return lines


def by_method(methods: dict[str, Looks], truth: Looks) -> list[str]:
    """Return the table of corrections."""
    lines = ["", "## Beside other corrections: means over seeds and dates", ""]
    lines += ["| correction | error of red | of NIR | of swir16 | NIR within a class: correlation off | variation off"]
    lines[-1] += " | oak less conifers off |"
    lines.append("|---" * 7 + "|")
    for name, found in methods.items():
        error = np.mean([[look.error for look in looks] for looks in found], axis=(0, 1))
        pairs = [pair for looks, true in zip(found, truth, strict=True) for pair in zip(looks, true, strict=True)]
        off = [
            np.mean([abs(getattr(one, field) - getattr(true, field)) for one, true in pairs])
            for field in ("correlation", "variation", "contrast")
        ]
        lines.append(f"| {name} | " + " | ".join(f"{error[k]:.1%}" for k in (2, 3, 4)))
        lines[-1] += f" | {off[0]:.2f} | {off[1]:.3f} | {off[2]:.3f} |"
    return lines


def by_sun(dark: dict[tuple[int, int], list[Shadows]]) -> list[str]:
    """Return the table of shadows."""
    lines = ["", "## Shadows of hills against traced rays", ""]
    lines += [
        "| heights | sun | in shadow | found | of lit ground called dark | wrong off the edges |",
        "|---" * 6 + "|",
    ]
    for (steep, elevation), rows in dark.items():
        n = Shadows(*map(int, np.sum(rows, axis=0)))
        lines.append(
            f"| × {steep} | {elevation}° | {n.dark / n.all:.1%} | {n.found / max(n.dark, 1):.1%}"
            f" | {n.false / (n.all - n.dark):.2%} | {n.off_edges / n.all:.3%} |"
        )
    return [*lines, "", "Off the edges: farther than a pixel from them."]


def how_fast(seen: Seen) -> list[str]:
    """Return the speeds."""
    shade, level, fit = speed(seen)
    return [
        "",
        "## Speed, one core",
        "",
        f"Shadows: {shade:.0f} million pixel-dates a second. Levelling: {level:.0f} million pixels × bands a second.",
        f"The fit of {len(DATES)} looks, once an area: {fit:.1f} s.",
    ]


def day_of(look: int) -> str:
    """A look's day as tables name it."""
    return "{:02d}-{:02d}".format(*DATES[look])


if __name__ == "__main__":
    main()
