"""Segments of yearly composites: how fast, how exact in years, and how often of nothing, beside cdts's LandTrendr.

    [CDTS_PYTHON=PYTHON] python -m benchmarks.trajectories FOLDER [SEED ...]

Makes the landscapes in FOLDER if they are not there (3 km, ten years, seeds 100 to 109 unless others are named) and
runs them to `composite`. Ours sees red, nir08, swir16 and swir22; cdts sees NBR, as LandTrendr is run (`modifier` -1; a
loss is of the year after the vertex before it), once with its defaults, by which ten years are too few for anything to
be significant, and once with what served it best on seed 100 itself of 32 settings tried (`SLACK`). A loss is called
where the greatest disturbance is a fall of NBR of 0.15 or more, for both; scored are pixels that are forest in the
first year by the truth, since neither knows forest. A thinning is no loss: truth counts it among the false alarms.

Speed: 20 yearly values, half of the pixels with a clearing; processor time of one core, the median of five turns taken
in turn. PYTHON is an interpreter of an environment with cdts, which is GPL: it is run beside, never imported.

Prints and writes `results/trajectories.md`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

import habitat as hb
from benchmarks.score_sample import read
from habitat.change import find_episodes, fit_trajectories, select_episode, yearly_noise
from habitat.cubes import BANDS
from habitat.indices import nbr

USED = ("red", "nir08", "swir16", "swir22")
FALL = 0.15
RESULTS = Path(__file__).parent / "results"

SLACK = {"pval_threshold": 0.6, "max_segments": 3, "vertex_count_overshoot": 0}

PEER = """
import json, sys, time
import numpy as np, cdts
folder, turns, settings = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
taken = []
years, values = np.load(folder + "/years.npy"), np.load(folder + "/values.npy")
for _ in range(turns):
    begun = time.process_time()
    found = cdts.run_landtrendr_array(years, values, n_jobs=1, modifier=-1.0, no_data_value=-9999.0, **settings)
    taken.append(time.process_time() - begun)
np.save(folder + "/vertices.npy", found)
print(json.dumps(taken))
"""


class Score(NamedTuple):
    """Pixels."""

    hits: int
    missed: int
    false: int
    exact: int
    within_one: int
    stable: int
    stable_called: int

    def line(self) -> str:
        """F1, recall, precision, exact year, within a year, false alarms on stable forest."""
        return (
            f"{2 * self.hits / (2 * self.hits + self.missed + self.false):.3f} | "
            f"{self.hits / (self.hits + self.missed):.1%} | {self.hits / (self.hits + self.false):.1%} | "
            f"{self.exact / self.hits:.1%} | {self.within_one / self.hits:.1%} | "
            f"{self.stable_called / self.stable:.2%}"
        )


def composites(folder: Path, seed: int) -> tuple[xr.Dataset, np.ndarray, np.ndarray]:
    """Return a landscape's bands (year, y, x), its true years of loss, and whether it is forest (year, y, x)."""
    sample = folder / str(seed)
    if not (sample / "recipe.toml").exists():
        hb.write_sample(sample, seed=seed)
    recipe = hb.read_recipe(sample / "recipe.toml")
    hb.run_recipe(recipe, until="composite")
    years = list(recipe.period.year_list())
    return xr.Dataset(
        {
            band: (("year", "y", "x"), np.stack([_band(sample, year, k) for year in years]))
            for k, band in enumerate(BANDS, 1)
            if band in USED
        },
        coords={"year": years},
    ), read(sample / "truth" / "loss_year.tif").astype(int), np.stack(
        [read(sample / "truth" / f"forest_{year}.tif") == 1 for year in years]
    )  # fmt: skip


def _band(sample: Path, year: int, number: int) -> np.ndarray:
    import rasterio

    with rasterio.open(sample / "run" / "composites" / f"{year}.tif") as file:
        values = file.read(number)
    return np.where(values == -32768, np.nan, values / 10_000).astype(np.float32)


def ours(cube: xr.Dataset, noise: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the year and the fall of the greatest disturbance."""
    greatest = select_episode(find_episodes(fit_trajectories(cube, noise=noise)), "greatest")
    return greatest["year"].values.astype(int), -np.nan_to_num(greatest["magnitude"].values)


def peer(
    years: np.ndarray, values: np.ndarray, settings: dict[str, float] | None = None
) -> tuple[np.ndarray, np.ndarray, list[float]] | None:
    """Return the same from cdts, and the seconds of two turns; None without an interpreter that has it."""
    if "CDTS_PYTHON" not in os.environ:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/years.npy", np.asarray(years))
        np.save(f"{folder}/values.npy", np.where(np.isnan(values), -9999.0, values).astype(np.float32))
        said = subprocess.run(
            [os.environ["CDTS_PYTHON"], "-c", PEER, folder, "2", json.dumps(settings or {})],
            check=True,
            capture_output=True,
            text=True,
        )
        when, level = np.split(np.load(f"{folder}/vertices.npy"), 2)
    there = (when[1:] > 0) & (when[:-1] > 0)
    fall = np.where(there, level[:-1] - level[1:], 0)
    greatest = np.argmax(fall, axis=0)[None]
    year, size = (np.take_along_axis(a, greatest, axis=0)[0] for a in (when[:-1] + 1, fall))
    return year.astype(int), size, json.loads(said.stdout.splitlines()[-1])


def score(found: tuple[np.ndarray, np.ndarray], loss: np.ndarray, forest: np.ndarray) -> Score:
    """Compare with the truth where it was forest at first."""
    year, fall = found
    called, true, at_first = fall >= FALL, loss > 0, forest[0]
    hits, stable = called & true & at_first, forest.all(axis=0)
    return Score(
        int(hits.sum()),
        int((true & ~called & at_first).sum()),
        int((called & ~true & at_first).sum()),
        int((year == loss)[hits].sum()),
        int((abs(year - loss) <= 1)[hits].sum()),
        int(stable.sum()),
        int((called & stable).sum()),
    )


def speeds(pixels: int = 200_000, turns: int = 5) -> dict[str, float]:
    """Return pixels per core-second of each on 20 yearly values."""
    rng = np.random.default_rng(0)
    years = np.arange(2001, 2021)
    shape = (20, pixels // 400, 400)

    def series(before: float, after: float) -> np.ndarray:
        values = (before + 0.01 * rng.standard_normal(shape)).astype(np.float32)
        values[10:, : shape[1] // 2] += after - before
        return values

    levels = {"red": (0.03, 0.10), "nir08": (0.30, 0.25), "swir16": (0.15, 0.28), "swir22": (0.07, 0.20)}
    bands = {name: (("year", "y", "x"), series(*level)) for name, level in levels.items()}
    four = xr.Dataset(bands, coords={"year": years})
    one = xr.Dataset({"nbr": nbr(four["nir08"], four["swir22"])})
    cubes = {"habitat, one index": one, "habitat, four bands": four}
    noises = {name: yearly_noise(np.stack([v.values for v in cube.values()])) for name, cube in cubes.items()}
    taken: dict[str, list[float]] = {name: [] for name in cubes}
    cdts: list[float] = []
    for turn in range(turns + 1):
        for name, cube in cubes.items():
            begun = time.process_time()
            ours(cube, noises[name])
            if turn:  # the first one compiles
                taken[name].append(time.process_time() - begun)
        beside = peer(years, one["nbr"].values)
        if beside is not None:
            cdts += beside[2][1:]
    if cdts:
        taken["cdts LandTrendr, one index"] = cdts
    return {name: four["red"][0].size / float(np.median(times)) for name, times in taken.items()}


def false_alarms(pixels: int = 100_000) -> dict[str, float]:
    """Return the share of pixels of nothing but white noise that are divided, by how many of 20 years are seen."""
    rng = np.random.default_rng(1)
    shares = {}
    for seen in (8, 12, 20):
        values = rng.standard_normal((4, 20, pixels // 100, 100), dtype=np.float32)
        hidden = np.argsort(rng.random((20, *values.shape[2:])), axis=0) >= seen
        values[:, hidden] = np.nan
        cube = xr.Dataset(
            {f"b{k}": (("year", "y", "x"), v) for k, v in enumerate(values)}, {"year": np.arange(2001, 2021)}
        )
        shares[f"{seen} of 20 years seen"] = float((fit_trajectories(cube, noise=np.eye(4))["segments"] > 1).mean())
    return shares


def main(folder: Path, seeds: list[int]) -> None:
    """Score, race, print and write down."""
    scores: dict[str, list[Score]] = {}
    for seed in seeds:
        cube, loss, forest = composites(folder, seed)
        scores.setdefault("habitat", []).append(score(ours(cube), loss, forest))
        index = nbr(cube["nir08"], cube["swir22"]).values
        for who, settings in (("cdts LandTrendr, defaults", {}), ("cdts LandTrendr, slack", SLACK)):
            beside = peer(cube["year"].values, index, settings)
            if beside is not None:
                scores.setdefault(who, []).append(score(beside[:2], loss, forest))
    lines = [
        "# Segments of yearly composites",
        "",
        f"Made by `python -m benchmarks.trajectories`, seeds {seeds[0]} to {seeds[-1]} of the standard preset.",
        "",
        "| who | F1 | found | of those called, true | exact year | within a year | stable forest called |",
        "|---|---|---|---|---|---|---|",
        *(f"| {who} | {Score(*np.sum(parts, axis=0)).line()} |" for who, parts in scores.items()),
        "",
        "| pixels of white noise, asked for: 1% | divided |",
        "|---|---|",
        *(f"| {name} | {share:.2%} |" for name, share in false_alarms().items()),
        "",
        "| who | pixels per core-second, 20 yearly values |",
        "|---|---|",
        *(f"| {who} | {speed:,.0f} |" for who, speed in speeds().items()),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (RESULTS / "trajectories.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or list(range(100, 110)))
