"""Real scenes: trained on one half of a square kilometre in Romania, judged on the other half, and the reverse.

    HABITAT_REALDATA=FOLDER python benchmarks/romania.py [WORK_FOLDER]

FOLDER holds `realdata/romania`: 140 Sentinel-2 L2A dates of 1 x 1 km and the tree cover density of 2018. Labels
are forest (code 14) where tree cover is at least 50%, else not forest (code 22). Each half trains one run of
`habitat change`; `forest/2018.tif` is judged on the other half. Beside it stands a plain random forest that is
made here from the scenes, and shares nothing with the stages but scikit-learn: see `plain_predictors`.

Prints a table, and writes `romania.json` and `romania.md` into `benchmarks/results/`. The runs themselves go to
WORK_FOLDER, or to a folder that is thrown away.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.features import rasterize
from scipy.ndimage import label
from sklearn.ensemble import RandomForestClassifier

import habitat

YEARS = range(2016, 2021)
JUDGED = 2018
"""The year of the tree cover."""
FOREST_CODE, OTHER_CODE = 14, 22
FOREST_CODES = (11, 12, 13, 14, 15)
SEASONS = {"mapping": ((6, 1), (9, 15)), "leaf_off": ((3, 1), (4, 30)), "autumn": ((9, 16), (11, 15))}
CLEAR_SCL = (2, 4, 5, 6, 7)
"""Dark area, vegetation, bare, water, unclassified."""
BANDS = {"blue": "B02", "green": "B03", "red": "B04", "nir08": "B8A", "swir16": "B11"}
PLAIN_SEEDS = (0, 1, 2)
BLOCK, DRAWS = 10, 2000
MIN_PATCH_HA = (0.1, 0.5)
"""A smaller one to list more patches; then the default, with which the run's folder ends."""
CLEARING_YEARS = (2019, 2020)
"""Years in which every drop of moisture is a clearing; in 2017 the road and its verges dry out too."""
PLAIN_KINDS = ("bands", "bands and indices")

RESULTS = Path(__file__).parent / "results"
RECIPE = """\
[area]
name = "Romania, trained on the {half} half"
bbox = [{bbox}]
resolution_m = 20

[period]
years = "{first}-{last}"

[period.seasons]
leaf_off = "03-01/04-30"
autumn = "09-16/11-15"

[scenes]
source = {source}

[forest]
training = "labels_{half}.tif"
{training_year}

[change]
min_patch_ha = {min_patch_ha}

[output]
folder = "run_{half}"
"""


class Truth(NamedTuple):
    """Tree cover on its own grid."""

    cover: np.ndarray
    """Percent, uint8 (y, x); 255 = unknown."""
    transform: Any
    crs: Any

    @property
    def forest(self) -> np.ndarray:
        """At least 50%."""
        return self.cover >= 50

    @property
    def known(self) -> np.ndarray:
        """Where there is a label."""
        return self.cover != 255

    def half(self, name: str) -> np.ndarray:
        """Mask of the "west" or the "east" half, or of "both"."""
        west = np.arange(self.cover.shape[1]) < self.cover.shape[1] // 2
        return np.broadcast_to({"west": west, "east": ~west, "both": west | ~west}[name], self.cover.shape)


HALVES = {"west": "east", "east": "west"}
"""The half that trains, and the half that judges."""


# -- our runs -------------------------------------------------------------------------------------------


def read_truth(data: Path) -> Truth:
    with rasterio.open(data / "tree_cover_density_2018_romania.tif") as file:
        cover, transform = file.read(1), file.transform
    with rasterio.open(next(data.glob("sentinel-2-l2a/*/SCL.tif"))) as scene:
        assert scene.transform.almost_equals(transform, precision=1e-3)
        crs = scene.crs
    return Truth(cover, transform, crs)


def write_labels(truth: Truth, half: str, path: Path) -> None:
    codes = np.where(truth.forest, FOREST_CODE, OTHER_CODE)
    codes = np.where(truth.known & truth.half(half), codes, 0).astype(np.uint8)
    height, width = codes.shape
    with rasterio.open(
        path, "w", "GTiff", width, height, 1, truth.crs, truth.transform, "uint8", nodata=0, compress="deflate"
    ) as file:
        file.write(codes, 1)


def write_recipe(data: Path, half: str, path: Path, *, min_patch_ha: float, training_year: int | None = None) -> None:
    item = json.loads(next(data.glob("sentinel-2-l2a/*/*.json")).read_text())
    text = RECIPE.format(
        half=half,
        bbox=", ".join(map(str, item["bbox"])),
        first=YEARS[0],
        last=YEARS[-1],
        source=json.dumps(str((data / "catalog.json").resolve())),
        min_patch_ha=min_patch_ha,
        training_year="" if training_year is None else f"training_year = {training_year}",
    )
    path.write_text(text, encoding="utf-8")


class HalfRun(NamedTuple):
    """What `habitat change` made of the labels of one half."""

    folder: Path
    patches: gpd.GeoDataFrame
    """Of each smallest patch in turn: `min_patch_ha` says which."""
    taught_by: dict[int, np.ndarray]
    """Forest in 2018, given that year alone, by a model of the pictures of each year: bool (y, x)."""


def run_half(data: Path, half: str, work: Path) -> HalfRun:
    """Run `habitat change` with the labels of one half, for each smallest patch."""
    work.mkdir(parents=True, exist_ok=True)
    write_labels(read_truth(data), half, work / f"labels_{half}.tif")
    path = work / f"recipe_{half}.toml"
    found, taught_by = [], {}
    for year in YEARS:
        write_recipe(data, half, path, min_patch_ha=MIN_PATCH_HA[0], training_year=year)
        recipe = habitat.read_recipe(path)
        habitat.run_recipe(recipe, until="map")
        percent = read_aligned(recipe.folder / f"forest/{JUDGED}_evidence.tif", read_truth(data))
        taught_by[year] = (percent >= 50) & (percent <= 100)
    for min_patch_ha in MIN_PATCH_HA:  # the second time only the change stage is out of date
        write_recipe(data, half, path, min_patch_ha=min_patch_ha)
        recipe = habitat.read_recipe(path)
        habitat.run_recipe(recipe, until="change")
        found.append(gpd.read_parquet(recipe.folder / "change/patches.parquet").assign(min_patch_ha=min_patch_ha))
    return HalfRun(recipe.folder, pd.concat(found, ignore_index=True), taught_by)


def read_aligned(path: Path, truth: Truth, band: int = 1) -> np.ndarray:
    """Read what a run's raster holds at the pixels of the truth, which must be whole pixels of it."""
    with rasterio.open(path) as file:
        assert file.crs == truth.crs, f"{file.crs} is not {truth.crs}"
        col, row = ~file.transform @ (truth.transform.c, truth.transform.f)
        assert abs(col - round(col)) < 1e-3, f"{path} is {col} columns off the truth"
        assert abs(row - round(row)) < 1e-3, f"{path} is {row} rows off the truth"
        height, width = truth.cover.shape
        values = file.read(band)[round(row) : round(row) + height, round(col) : round(col) + width]
    assert values.shape == truth.cover.shape, f"{path} does not hold the whole tile"
    return values


# -- the plain forest -----------------------------------------------------------------------------------


def plain_medians(data: Path, year: int) -> dict[str, np.ndarray]:
    """Each season's median, straight from the scenes: float (band, y, x), reflectance x 10000.

    A look is clear where SCL is one of `CLEAR_SCL` (no margin around clouds) and no band is 0; NaN = no clear
    look. Bands of 10 m are averaged to 20 m, two by two. All dates of a season are used, however cloudy.
    """
    looks: dict[str, list[np.ndarray]] = {season: [] for season in SEASONS}
    for folder in sorted(data.glob(f"sentinel-2-l2a/S2_ROMANIA_{year}*")):
        stamp = folder.name.split("_")[2]
        for season, (first, last) in SEASONS.items():
            if first <= (int(stamp[4:6]), int(stamp[6:])) <= last:
                looks[season].append(_clear_look(folder))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
        return {season: np.nanmedian(np.stack(of_season), axis=0) for season, of_season in looks.items()}


def plain_predictors(data: Path, kind: str) -> np.ndarray:
    """The five bands of the three seasons of 2018, and perhaps NDVI, NDMI and NDWI: float (y, x, predictor)."""
    layers = []
    for medians in plain_medians(data, JUDGED).values():
        layers.append(medians)
        if kind == "bands and indices":
            _, green, red, nir, swir = medians
            layers.append(np.stack([(a - b) / (a + b) for a, b in ((nir, red), (nir, swir), (green, nir))]))
    return np.moveaxis(np.concatenate(layers), 0, -1)


def _clear_look(folder: Path) -> np.ndarray:
    """Reflectance x 10000, float (band, y, x) at 20 m, NaN where not clear."""
    with rasterio.open(folder / "SCL.tif") as file:
        clear = np.isin(file.read(1), CLEAR_SCL)
    bands = []
    for name in BANDS.values():
        with rasterio.open(folder / f"{name}.tif") as file:
            band = file.read(1).astype(float)
        band[band == 0] = np.nan
        if band.shape != clear.shape:
            rows, cols = clear.shape
            band = band.reshape(rows, 2, cols, 2).mean(axis=(1, 3))
        bands.append(band)
    stack = np.stack(bands)
    return np.where(clear & np.isfinite(stack).all(axis=0), stack, np.nan)


def plain_maps(data: Path, truth: Truth, half: str, kind: str) -> list[np.ndarray]:
    """Forest or not by a plain random forest of 100 trees, for each seed: bool (y, x)."""
    table = plain_predictors(data, kind)
    train = truth.half(half) & truth.known
    maps = []
    for seed in PLAIN_SEEDS:
        forest = RandomForestClassifier(100, random_state=seed).fit(table[train], truth.forest[train])
        maps.append(forest.predict(table.reshape(-1, table.shape[-1])).reshape(truth.cover.shape))
    return maps


# -- judging --------------------------------------------------------------------------------------------


def block_counts(said: np.ndarray, truth: Truth, judged: np.ndarray, half: str) -> np.ndarray:
    """Hits and pixels of forest and of the rest in each block of a half: int (block, 4)."""
    cols = np.flatnonzero(truth.half(half)[0])
    rows = []
    for top in range(0, truth.cover.shape[0], BLOCK):
        for left in range(cols[0], cols[-1] + 1, BLOCK):
            at = (slice(top, top + BLOCK), slice(left, min(left + BLOCK, cols[-1] + 1)))
            use, forest, map_ = judged[at], truth.forest[at], said[at]
            rows.append([(use & forest & map_).sum(), (use & forest).sum(), (use & ~forest & ~map_).sum(), 0])
            rows[-1][3] = (use & ~forest).sum()
    return np.array(rows)


def balanced(counts: np.ndarray) -> np.ndarray:
    """Balanced accuracy of (..., 4) sums of hits and pixels."""
    hits, pixels = counts[..., ::2].astype(float), counts[..., 1::2].astype(float)
    pixels[pixels == 0] = np.nan  # a draw without one of the classes has no balanced accuracy
    return (hits / pixels).mean(axis=-1)


def judge(maps: dict[str, list[np.ndarray]], truth: Truth, judged: np.ndarray) -> dict[str, Any]:
    """Figures and bootstrap draws of one method: `maps` by the half that trained, one map a seed."""
    random = np.random.default_rng(JUDGED)  # the same blocks for every method: differences are paired
    figures: dict[str, Any] = {}
    draws = []
    for half, other in HALVES.items():
        counts = np.stack([block_counts(said, truth, judged, other) for said in maps[half]])
        figures[f"{half}->{other}"] = float(balanced(counts.sum(axis=1)).mean())
        chosen = random.integers(0, counts.shape[1], (DRAWS, counts.shape[1]))
        draws.append(balanced(counts[:, chosen].sum(axis=2)).mean(axis=0))
    figures["mean"] = sum(figures.values()) / len(HALVES)
    figures["errors"] = float(
        np.mean([sum(_errors(maps[half][i], truth, judged, HALVES[half]) for half in HALVES) for i in _seeds(maps)])
    )
    figures["draws"] = np.mean(draws, axis=0)
    return figures


def _seeds(maps: dict[str, list[np.ndarray]]) -> range:
    return range(len(maps["west"]))


def _errors(said: np.ndarray, truth: Truth, judged: np.ndarray, half: str) -> int:
    return int(((said != truth.forest) & judged & truth.half(half)).sum())


def interval(draws: np.ndarray) -> list[float]:
    """95% percentile interval; draws in which a class is missing do not count."""
    return [float(v) for v in np.nanpercentile(draws, [2.5, 97.5])]


def score(data: Path, runs: dict[str, HalfRun]) -> dict[str, Any]:
    """All figures as plain numbers."""
    truth = read_truth(data)
    codes = {half: read_aligned(run.folder / f"forest/{JUDGED}.tif", truth) for half, run in runs.items()}
    methods = {"habitat": {half: [np.isin(code, FOREST_CODES)] for half, code in codes.items()}}
    for kind in PLAIN_KINDS:
        methods[f"plain forest, {kind}"] = {half: plain_maps(data, truth, half, kind) for half in HALVES}
    alone = {half: read_aligned(run.folder / f"forest/{JUDGED}_evidence.tif", truth) for half, run in runs.items()}
    methods["habitat, 2018 alone"] = {half: [(p >= 50) & (p <= 100)] for half, p in alone.items()}
    for year in YEARS:
        methods[f"{JUDGED} alone, taught by {year}"] = {half: [run.taught_by[year]] for half, run in runs.items()}
    sure = truth.known & ((truth.cover < 30) | (truth.cover > 70))
    figures: dict[str, Any] = {}
    for region, judged in (("all pixels", truth.known), ("tree cover outside 30-70%", sure)):
        of_methods = {name: judge(maps, truth, judged) for name, maps in methods.items()}
        ours = of_methods["habitat"]
        for name, one in of_methods.items():
            if name != "habitat":
                ours[f"minus {name}"] = {
                    "difference": ours["mean"] - one["mean"],
                    "interval": interval(ours["draws"] - one["draws"]),
                }
        for one in of_methods.values():
            one["interval"] = interval(one.pop("draws"))
        figures[region] = {"pixels": int(judged.sum()), "forest": int((judged & truth.forest).sum()), **of_methods}
    figures["fresh clearings"] = fresh_clearings(data, runs, truth)
    figures["labels taken as of"] = {half: _year_of_labels(run.folder) for half, run in runs.items()}
    figures["seen"] = {half: seen_shares(run.folder, truth) for half, run in runs.items()}
    return figures


def seen_shares(run: Path, truth: Truth) -> dict[str, float]:
    """Share of the tile's pixels that each year's map knows."""
    return {str(year): float((read_aligned(run / f"forest/{year}.tif", truth) != 0).mean()) for year in YEARS}


def _year_of_labels(run: Path) -> int | None:
    return json.loads((run / "run.json").read_text())["stages"]["train"]["notes"].get("labels_taken_as_of")


def patches(runs: dict[str, HalfRun]) -> pd.DataFrame:
    """Every patch of loss of every run, with a point that lies in it."""
    parts = []
    for half, run in runs.items():
        inside = run.patches.geometry.representative_point()
        columns = {
            "trained_on": half,
            "min_patch_ha": run.patches["min_patch_ha"],
            "year": run.patches["year"],
            "area_ha": run.patches["area_ha"].round(2),
            "probability": run.patches["probability"].round(2),
            "easting": inside.x.round(0).astype(int),
            "northing": inside.y.round(0).astype(int),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def fresh_clearings(data: Path, runs: dict[str, HalfRun], truth: Truth) -> dict[str, dict[str, Any]]:
    """How many clearings that the eye sees appear were called a loss, for `CLEARING_YEARS`.

    A clearing: pixels that touch, two or more, whose NDMI in the mapping season fell by more than 0.15 within
    a year, in plain medians. All were looked at in one true-colour picture a year: but for two or three
    faint ones of 2020 they are plainly fresh openings in forest.
    """
    summers = {year: plain_medians(data, year)["mapping"] for year in YEARS}
    ndmi = {year: (nir - swir) / (nir + swir) for year, (_, _, _, nir, swir) in summers.items()}
    counts: dict[str, dict[str, Any]] = {}
    for year in CLEARING_YEARS:
        numbers, _ = label(ndmi[year] - ndmi[year - 1] < -0.15, structure=np.ones((3, 3)))
        large = [n for n in range(1, numbers.max() + 1) if (numbers == n).sum() >= 2]
        found_by = {}
        for half, run in runs.items():
            for least in MIN_PATCH_HA:
                found = run.patches[(run.patches["min_patch_ha"] == least) & (run.patches["year"] == year)]
                lost = np.zeros(truth.cover.shape, dtype=np.uint8)
                if len(found):
                    lost = rasterize(list(found.geometry), out_shape=lost.shape, transform=truth.transform)
                found_by[f"{half}, {least:g}"] = sum(bool(lost[numbers == n].any()) for n in large)
        counts[str(year)] = {"clearings": len(large), "found": found_by}
    return counts


# -- telling --------------------------------------------------------------------------------------------


def tell(figures: dict[str, Any], found: pd.DataFrame) -> str:
    """The figures as a page of Markdown."""
    lines = ["# Romania: one half of a real square kilometre foretells the other", ""]
    lines += [f"Forest against the rest, {JUDGED}, balanced accuracy; 95% block-bootstrap intervals in brackets.", ""]
    for region in ("all pixels", "tree cover outside 30-70%"):
        one = figures[region]
        lines += [f"## {region[0].upper()}{region[1:]} ({one['pixels']} pixels, {one['forest']} of them forest)", ""]
        lines += ["| | west→east | east→west | mean | wrong pixels | habitat minus this |"]
        lines += ["|---|---|---|---|---|---|"]
        for name, row in one.items():
            if isinstance(row, dict):
                minus = one["habitat"].get(f"minus {name}")
                low, high = row["interval"]
                cells = [
                    name,
                    f"{row['west->east']:.3f}",
                    f"{row['east->west']:.3f}",
                    f"{row['mean']:.3f} [{low:.3f}, {high:.3f}]",
                    f"{row['errors']:.0f}",
                    "{:+.3f} [{:+.3f}, {:+.3f}]".format(minus["difference"], *minus["interval"]) if minus else "",
                ]
                lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    lines += [
        "The README of the data quotes 0.97 (west→east) and 0.90 (east→west) for a plain random forest on seasonal",
        "medians of 2018, with a standard error of about 0.015; it does not state its predictors.",
        "",
        "Plain forest: scikit-learn's `RandomForestClassifier(100)`, defaults, mean of three seeds, on the medians of",
        "the same three seasons of 2018 (blue, green, red, nir08, swir16; SCL 2, 4, 5, 6, 7; no margin around clouds;",
        "10 m averaged to 20 m); with indices: NDVI, NDMI and NDWI of each season besides. Made in `romania.py` from",
        "the scenes. Intervals: blocks of 10 x 10 pixels (the last column of a half is 5 wide) drawn within each half,",
        f"{DRAWS} times, the same for all methods. `2018 alone` is `forest/2018_evidence.tif`, from before the years",
        "are made consistent with each other; `taught by` a year: the same labels laid on the pictures of that year,",
        "as if it alone had labels (what was cleared between it and 2018 makes some wrong). The labels carry no",
        "date: habitat took them as of "
        + ", ".join(f"{year} ({half})" for half, year in figures["labels taken as of"].items())
        + ".",
        "",
    ]
    return "\n".join([*lines, *_tell_losses(figures["fresh clearings"], found)])


def _tell_losses(clearings: dict[str, Any], found: pd.DataFrame) -> list[str]:
    keys = ["trained_on", "min_patch_ha"]
    looked_at = pd.read_csv(RESULTS / "romania_patches.csv")
    lines = ["## Patches of loss, by maps and trajectories", ""]
    lines += ["| trained on | smallest patch, ha | patches | ha | by eye, in the run that was looked at |"]
    lines += ["|---|---|---|---|---|"]
    for key, of_key in found.groupby(keys):
        half, least = key
        same = (looked_at[keys] == [half, least]).all(axis=1)
        words = ", ".join(f"{n} {verdict}" for verdict, n in looked_at.loc[same, "verdict"].value_counts().items())
        lines.append(f"| {half} | {least:g} | {len(of_key)} | {of_key['area_ha'].sum():.2f} | {words} |")
    lines += ["", "Fresh clearings (NDMI down by more than 0.15 in a year, two pixels and more, all looked at):", ""]
    lines += ["| year | clearings | trained on | smallest patch, ha | touched by a loss of that year |"]
    lines += ["|---|---|---|---|---|"]
    for year, one in clearings.items():
        for by, n in one["found"].items():
            half, least = by.split(", ")
            lines.append(f"| {year} | {one['clearings']} | {half} | {least} | {n} |")
    return [*lines, "", "Each patch with what is to be seen there: `romania_patches.csv`.", ""]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    data = Path(os.environ["HABITAT_REALDATA"]) / "realdata" / "romania"
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(sys.argv[1] if len(sys.argv) > 1 else scratch)
        runs = {half: run_half(data, half, work) for half in HALVES}
        figures, found = score(data, runs), patches(runs)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "romania.json").write_text(
        json.dumps(_rounded(figures) | {"patches": found.to_dict("records")}, indent=1) + "\n", encoding="utf-8"
    )
    page = tell(figures, found)
    (RESULTS / "romania.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
