"""What a scene's own spectra find of its clouds, shadows and snow, without a history or a product's mask.

    [HABITAT_REALDATA=FOLDER] python -m benchmarks.spectral [SEED ...]

Simulated: landscapes of 4.5 km over three years, eight scenes a year, seeds 100 to 109 unless others are named; truth
as in `masks.py`. A cloud hides at least a tenth of the light of the ground; a shadow is ground without cloud from which
at least a quarter of the sun is kept; clear is what `masks.py` calls open sky over ground without snow. What lies
between is not scored. The sun's place is not given. Landsat's looks stand for TM and ETM+ too: they have the same six
bands.

Real, if FOLDER holds `realdata`: the 300 looks of `results/romania_looks.csv`, each in its scene of 1 x 1 km, and the
agreement with the products' own masks on all pixels. Those masks are no truth: QA_PIXEL of the tropical scene calls
cloud and shadow what its temperatures say, and SCL misses what the labelled looks show.

Every figure is given for reflectance as it is, and with what clear air adds at the top of the atmosphere (`AIR`).

Prints tables and writes `results/spectral.md`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
import shapely
import xarray as xr

from benchmarks.masks import CLEAR_HIDDEN, CLEAR_SHADED, CLEAR_SNOW, HIDDEN, SHADED, true_looks
from benchmarks.romania_looks import read_labels, read_romania
from habitat.cubes import BANDS, STACK, Quality
from habitat.grids import coordinates, grid_over
from habitat.imagery import spectral_quality
from habitat.sensors import LANDSAT, SENTINEL2
from habitat.simulate.area import Area
from habitat.simulate.sample import write_sample
from habitat.tiles import common_bands, read_stack, select_scenes

SIZE_KM, YEARS = 4.5, range(2019, 2022)
AIR = dict(zip(BANDS, (0.085, 0.050, 0.028, 0.010, 0.002, 0.001), strict=True))
"""Reflectance of clear air by band, near what Rayleigh scattering gives for a sun 40 degrees from the zenith."""
SPOILT = Quality.CLOUD | Quality.SHADOW | Quality.SNOW
RESULTS = Path(__file__).parent / "results"
SPEED_SIDE = 512


class Counts(NamedTuple):
    """Pixels of one kind: how many there are, how many were found, and how many of the found ones are."""

    true: int
    found: int
    both: int

    def line(self) -> str:
        """Recall, precision and F1."""
        f1 = 2 * self.both / max(self.true + self.found, 1)
        return f"{self.both / max(self.true, 1):.1%} | {self.both / max(self.found, 1):.1%} | {f1:.3f}"


class Score(NamedTuple):
    """Of one landscape's looks of one sensor."""

    cloud: Counts
    shadow: Counts
    clear: int
    lost: int
    right: int
    scored: int


def counts(found: np.ndarray, truth: np.ndarray, among: np.ndarray) -> Counts:
    """Compare two masks."""
    return Counts(int((truth & among).sum()), int((found & among).sum()), int((found & truth & among).sum()))


def added(parts: list[Score]) -> Score:
    """The same of all together."""
    return Score(
        *(Counts(*np.sum([getattr(part, kind) for part in parts], axis=0)) for kind in ("cloud", "shadow")),
        *(sum(getattr(part, name) for part in parts) for name in ("clear", "lost", "right", "scored")),
    )


def through_air(stack: xr.Dataset) -> xr.Dataset:
    """The stack as if at the top of the atmosphere."""
    return stack.assign({band: stack[band] + np.float32(more) for band, more in AIR.items() if band in stack})


def simulated(seed: int) -> dict[tuple[str, bool], Score]:
    """Return the scores of a landscape by sensor, without air and with it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(folder, size_km=SIZE_KM, seed=seed, years=YEARS)
        windows = [(date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31))]
        whole = shapely.box(-180, -90, 180, 90)
        scenes = select_scenes(folder / "catalog.json", area=whole, windows=windows, max_cloud_percent=100).scenes
        area = Area.of_size(SIZE_KM)
        stack = read_stack(scenes, area.map, common_bands(scenes))
    truth = true_looks(stack, area, seed, YEARS)
    measured = (stack["quality"].values & Quality.FILL) == 0
    cloud = measured & (truth.cloud >= HIDDEN)
    shadow = measured & ~cloud & (truth.shade >= SHADED)
    clear = measured & (truth.cloud < CLEAR_HIDDEN) & (truth.shade < CLEAR_SHADED) & (truth.snow < CLEAR_SNOW)
    scored = cloud | shadow | clear
    scores = {}
    for air in (False, True):
        judged = spectral_quality(through_air(stack) if air else stack)["quality"].values
        found = {bit: (judged & bit) > 0 for bit in (Quality.CLOUD, Quality.SHADOW, SPOILT)}
        right = np.where(cloud, found[Quality.CLOUD], np.where(shadow, found[Quality.SHADOW], ~found[SPOILT]))
        for sensor in (SENTINEL2.name, LANDSAT.name):
            own = (stack["sensor"].values == sensor)[:, None, None]
            scores[sensor, air] = Score(
                counts(found[Quality.CLOUD], cloud, scored & own),
                counts(found[Quality.SHADOW], shadow, scored & ~cloud & own),
                int((clear & own).sum()),
                int((clear & own & found[SPOILT]).sum()),
                int((right & scored & own).sum()),
                int((scored & own).sum()),
            )
    return scores


def table_of(scores: dict[int, dict[tuple[str, bool], Score]]) -> list[str]:
    """Return lines on the simulated landscapes."""
    kinds = next(iter(scores.values()))
    lines = [
        "| seeds, sensor | air | cloud found | of what is called cloud, is | F1 | shadow found | of what is called"
        " shadow outside clouds, is | F1 | clear lost | right, of all |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows = [(f"all, {sensor}", air, added([s[sensor, air] for s in scores.values()])) for sensor, air in kinds]
    for seed, own in scores.items():
        rows.append((str(seed), False, added([score for (_, air), score in own.items() if not air])))
    for name, air, s in rows:
        lines.append(
            f"| {name} | {'added' if air else ''} | {s.cloud.line()} | {s.shadow.line()} |"
            f" {s.lost / s.clear:.1%} | {s.right / s.scored:.1%} |"
        )
    return lines


def romania(folder: Path) -> list[str]:
    """Return lines on the labelled looks and on SCL."""
    stack = read_romania(folder)
    labels = read_labels()
    step = labels["scene"].map({name: k for k, name in enumerate(stack["scene"].values)}).to_numpy()
    product = stack["quality"].values
    seen = (product & Quality.FILL) == 0
    lines = [
        "| Romania | bad looks found | good ones lost | bad ones by what they are |",
        "|---|---|---|---|",
    ]
    agreement = ["| Romania, beside SCL | recall | precision | F1 |", "|---|---|---|---|"]
    for name, air, corrected in (("as it is", 0, 0), ("known to be surface", 0, 1), ("air added", 1, 0)):
        judged = spectral_quality(through_air(stack) if air else stack, corrected=bool(corrected))["quality"].values
        labels["lost"] = (judged[step, labels["row"], labels["col"]] & SPOILT) > 0
        for half, dates in ((0, "even dates"), (1, "odd dates")):
            part = labels[step % 2 == half]
            bad = part["label"] == "bad"
            kinds = ", ".join(f"{why} {few.mean():.0%} of {few.size}" for why, few in part[bad].groupby("why")["lost"])
            lines.append(
                f"| {name}, {dates} | {part['lost'][bad].mean():.0%} of {bad.sum()} |"
                f" {part['lost'][~bad].mean():.1%} of {(~bad).sum()} | {kinds} |"
            )
        for word, bit in (("cloud", Quality.CLOUD), ("shadow", Quality.SHADOW), ("snow", Quality.SNOW)):
            both = counts((judged & bit) > 0, (product & bit) > 0, seen)
            agreement.append(f"| {name}, {word} | {both.line()} |")
    return [*lines, "", *agreement]


def tropical(folder: Path) -> list[str]:
    """Return lines on a real Landsat 8 scene beside its QA_PIXEL."""
    begin = folder / "realdata" / "landsat8-008059" / "LC08_L2SP_008059_20191201_20200825_02_T1_"
    numbers = {band: _read(f"{begin}SR_B{k}.TIF") for k, band in enumerate(BANDS, 2)}
    codes = _read(f"{begin}QA_PIXEL.TIF")
    stack = _stack({b: np.where(v == 0, np.nan, v * 0.0000275 - 0.2) for b, v in numbers.items()}, 450)
    valid = (codes & 1) == 0
    cloud, shadow, dilated = ((codes >> bit) & 1 == 1 for bit in (3, 4, 1))
    scored = valid & (cloud | ~dilated)
    lines = ["| Landsat 8, Amazon, beside QA_PIXEL | recall | precision | F1 |", "|---|---|---|---|"]
    for name, cube in (("as it is", stack), ("air added", through_air(stack))):
        judged = spectral_quality(cube)["quality"].values[0]
        lines.append(f"| {name}, cloud | {counts((judged & Quality.CLOUD) > 0, cloud, scored).line()} |")
        found = (judged & Quality.SHADOW) > 0
        lines.append(f"| {name}, shadow outside clouds | {counts(found, shadow, valid & ~cloud).line()} |")
    bands = {band: stack[band].values[0] for band in ("nir08", "swir16")}
    light = [float(np.median(v[valid & ~cloud & shadow]) / np.median(v[valid & ~cloud & ~shadow & ~dilated]))
             for v in bands.values()]  # fmt: skip
    lines += [
        "",
        f"What QA_PIXEL calls shadow has {light[0]:.0%} of clear ground's light in nir08 and {light[1]:.0%} in swir16"
        " in the median, at pixels of 450 m: most of it can not be told from clear ground.",
    ]
    return lines


def desert(folder: Path) -> list[str]:
    """Return lines on a real Sentinel-2 scene of desert, nearly free of clouds."""
    inside = folder / "realdata" / "s2-29RKH" / "S2A_29RKH_20200219_0_L2A"
    names = dict(zip(BANDS, ("B02", "B03", "B04", "B8A", "B11", "B12"), strict=True))
    bands = {}
    for band, name in names.items():
        values = _read(f"{inside / name}.tif").astype(np.float32) / 10_000
        half = values.shape[0] // 549
        bands[band] = values.reshape(549, half, 549, half).mean(axis=(1, 3))
    classes = _read(f"{inside / 'SCL'}.tif")
    lines = [
        "| Sentinel-2, desert, beside SCL | called cloud | called shadow | SCL's cloud found |",
        "|---|---|---|---|",
    ]
    bare, cloud = classes == 5, (classes == 8) | (classes == 9)
    stack = _stack(bands, 200)
    for name, cube in (("as it is", stack), ("air added", through_air(stack))):
        judged = spectral_quality(cube)["quality"].values[0]
        clouds, shadows = ((judged & bit) > 0 for bit in (Quality.CLOUD, Quality.SHADOW))
        lines.append(
            f"| {name} | {clouds[bare].mean():.2%} of bare | {shadows[bare].mean():.2%} of bare |"
            f" {clouds[cloud].mean():.1%} of {cloud.sum()} |"
        )
    return lines


def _read(path: str) -> np.ndarray:
    with rasterio.open(path) as file:
        return np.asarray(file.read(1))


def _stack(bands: dict[str, np.ndarray], size_m: int) -> xr.Dataset:
    """A STACK of one look, anywhere: only the pixels' size matters."""
    rows, cols = next(iter(bands.values())).shape
    grid = grid_over((0, 0, cols * size_m, rows * size_m), "EPSG:32652", size_m)
    data = {band: (STACK.dims, values[None].astype(np.float32)) for band, values in bands.items()}
    data["quality"] = (STACK.dims, np.zeros((1, rows, cols), dtype=np.uint8))
    return xr.Dataset(data, coords={"time": np.array(["2020-01-01"], "datetime64[ns]"), **coordinates(grid)})


def speed() -> float:
    """Million pixels of six bands that a core judges in a second: a clouded scene of smooth noise."""
    from habitat.simulate.fields import smooth_noise

    rng = np.random.default_rng(0)
    veil = np.clip(smooth_noise(rng, (SPEED_SIDE, SPEED_SIDE), 20) - 0.5, 0, 1)
    ground = dict(zip(BANDS, (0.02, 0.04, 0.03, 0.35, 0.18, 0.08), strict=True))
    stack = _stack({band: level * (1 - veil) + 0.6 * veil for band, level in ground.items()}, 20)
    spectral_quality(stack)
    begun = time.process_time()
    for _ in range(5):
        spectral_quality(stack)
    return 5 * SPEED_SIDE**2 / 1e6 / (time.process_time() - begun)


def main() -> None:
    """Score all, print and write it down."""
    seeds = [int(each) for each in sys.argv[1:]] or list(range(100, 110))
    lines = [
        "# Masks by one scene's own spectra",
        "",
        "Made by `python -m benchmarks.spectral`; what is scored stands there. The limits were chosen on seeds 0 to 2",
        "and with all real scenes in view, Romania's even and odd dates alike: seeds 100 to 109 alone are a blind",
        "test.",
        "",
        *table_of({seed: simulated(seed) for seed in seeds}),
    ]
    if "HABITAT_REALDATA" in os.environ:
        folder = Path(os.environ["HABITAT_REALDATA"])
        for part in (romania, tropical, desert):
            lines += ["", *part(folder)]
    lines += ["", f"{speed():.1f} million pixels of six bands a core-second."]
    text = "\n".join(lines) + "\n"
    print(text)
    if not sys.argv[1:]:
        (RESULTS / "spectral.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
