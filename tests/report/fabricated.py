"""A run's folder made up from a seed, as the stages would have written it, without running them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.geometry import box

from habitat.legend import DEFAULT_LEGEND
from habitat.store import digest_file, write_json, write_raster, write_table, write_text

RECIPE = """\
[area]
name = "{name}"
bbox = [131.0, 43.2, 131.04, 43.23]
resolution_m = 20

[period]
years = "{first}-{last}"
season = "06-01/09-15"

[scenes]
source = "catalog.json"

[forest]
training = "training.gpkg"

[change]
min_patch_ha = 0.5

[cells]
size_m = 300

[sightings]
files = ["cameras.csv"]
effort = "effort.csv"

[occupancy]
season = "06-01/09-15"
psi = "forest_share"
p = "effort_days"

[output]
folder = "run"
"""

SPECTRA = {11: (0.02, 0.04, 0.03, 0.24, 0.11, 0.05), 14: (0.02, 0.05, 0.03, 0.38, 0.17, 0.08)}
OPEN = {22: (0.04, 0.08, 0.07, 0.30, 0.24, 0.14), 30: (0.06, 0.10, 0.11, 0.26, 0.30, 0.22)}
REST = {50: (0.05, 0.05, 0.03, 0.02, 0.01, 0.01), 70: (0.14, 0.16, 0.18, 0.24, 0.28, 0.26)}
BANDS = ("blue", "green", "red", "nir08", "swir16", "swir22")


@dataclass(frozen=True)
class Story:
    """What the made-up run has to tell."""

    name: str = "Invented valley"
    years: tuple[int, ...] = (2016, 2017, 2018, 2019, 2020, 2021)
    size: int = 150
    losses: bool = True
    modelled: bool = True
    events: bool = True
    species: tuple[str, ...] = ("Lynx imaginarius",)
    seed: int = 0


def fabricate(folder: Path, story: Story | None = None) -> Path:
    """Write the run's folder; what it holds follows from `story` alone."""
    story = story or Story()
    rng = np.random.default_rng(story.seed)
    grid = GeoBox((story.size, story.size), Affine(20, 0, 500_000, 0, -20, 4_787_000), "EPSG:32652")
    text = RECIPE.format(name=story.name.replace('"', '\\"'), first=story.years[0], last=story.years[-1])
    write_text(folder / "recipe.toml", text)
    codes, loss_year = _landscape(story, rng)
    _rasters(folder, story, grid, codes, loss_year, rng)
    patches = _patches(folder, story, grid, loss_year, rng)
    cells = _cells(folder, story, grid, codes, loss_year)
    _animals(folder, story, cells, rng)
    _areas(folder, story, codes, loss_year)
    _state(folder, story, rng)
    assert patches >= 0
    return folder


def _landscape(story: Story, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    n, t = story.size, len(story.years)
    rough = ndimage.gaussian_filter(rng.normal(size=(n, n)), n / 14)
    rough = (rough - rough.mean()) / rough.std()
    wet = ndimage.gaussian_filter(rng.normal(size=(n, n)), n / 10)
    first = np.where(rough > 0.4, 11, np.where(rough > -0.4, 14, np.where(rough > -1.1, 22, 30))).astype("uint8")
    first[np.abs(wet) < np.quantile(np.abs(wet), 0.03)] = 50
    first[(rough < -1.6)] = 70
    codes = np.repeat(first[None], t, axis=0)
    loss_year = np.zeros((n, n), "uint16")
    if story.losses:
        for at, year in enumerate(story.years):
            if at in (0, 3):
                continue
            for _ in range(3):
                y, x, r = *rng.integers(8, n - 8, 2), rng.integers(3, 9)
                yy, xx = np.mgrid[:n, :n]
                cut = ((yy - y) ** 2 + ((xx - x) * 0.7) ** 2 < r**2) & np.isin(codes[at], (11, 14)) & (loss_year == 0)
                loss_year[cut] = year
                codes[at:, cut] = 22
    if t > 2:
        codes[2, : n // 5, : n // 4] = 0
    loss_year[-n // 12 :, -n // 8 :] = 65535
    codes[:, -n // 12 :, -n // 8 :] = 0
    return codes, loss_year


def _rasters(folder, story, grid, codes, loss_year, rng) -> None:
    table = SPECTRA | OPEN | REST
    for at, year in enumerate(story.years):
        bands = np.full((7, *codes[at].shape), -32768, "int16")
        for code, spectrum in table.items():
            here = codes[at] == code
            noise = rng.normal(1, 0.06, (6, int(here.sum())))
            bands[:6, here] = (np.array(spectrum)[:, None] * noise * 10_000).astype("int16")
        bands[6] = np.where(codes[at] == 0, 0, rng.integers(1, 8) + (codes[at] % 3))
        write_raster(folder / f"composites/{year}.tif", bands, grid, (*BANDS, "looks"), -32768)
        colors = {"colormap": DEFAULT_LEGEND.colormap}
        write_raster(folder / f"forest/{year}.tif", codes[at][None], grid, ("code",), 0, **colors)
        chance = np.where(codes[at] == 0, 255, np.where(np.isin(codes[at], (11, 14)), 96, 4)).astype("uint8")
        write_raster(folder / f"forest/{year}_probability.tif", chance[None], grid, ("probability",), 255)
    if len(story.years) > 1:
        write_raster(folder / "change/loss_year.tif", loss_year[None], grid, ("loss_year",), 65535)
    write_json(
        folder / "forest/validation.json",
        {
            "method": "spatial block cross-validation",
            "block_m": 500,
            "n_labels": 640,
            "balanced_accuracy": 0.962,
            "balanced_accuracy_low": 0.941,
            "balanced_accuracy_high": 0.978,
            "overall_accuracy": 0.931,
            "classes": [11, 14, 22, 30, 50, 70],
            "confusion": [
                [118, 9, 0, 0, 0, 0],
                [7, 181, 4, 0, 0, 0],
                [0, 5, 112, 8, 0, 0],
                [0, 0, 6, 84, 0, 3],
                [0, 0, 0, 0, 61, 0],
                [0, 0, 0, 2, 0, 40],
            ],
            "folds": [{"fold": i, "balanced_accuracy": 0.95 + i / 200} for i in range(5)],
        },
    )


def _patches(folder, story, grid, loss_year, rng) -> int:
    if len(story.years) < 2:
        return 0
    rows = []
    for year in sorted(set(np.unique(loss_year)) - {0, 65535}):
        labels, count = ndimage.label(loss_year == year)
        for number in range(1, count + 1):
            ys, xs = np.nonzero(labels == number)
            if len(ys) * 0.04 < 0.5:
                continue
            from shapely import union_all

            shape = union_all(
                [
                    box(500_000 + 20 * x, 4_787_000 - 20 * (y + 1), 500_020 + 20 * x, 4_787_000 - 20 * y)
                    for y, x in zip(ys, xs, strict=True)
                ]
            )
            rows.append((len(rows) + 1, int(year), len(ys) * 0.04, float(rng.uniform(0.7, 0.99)), shape))
    frame = pd.DataFrame(rows, columns=["patch", "year", "area_ha", "probability", "geometry"])
    write_table(folder / "change/patches.parquet", gpd.GeoDataFrame(frame, geometry="geometry", crs=grid.crs))
    return len(rows)


def _cells(folder, story, grid, codes, loss_year) -> gpd.GeoDataFrame:
    side = 15
    rows = []
    for at, year in enumerate(story.years):
        for r in range(0, story.size, side):
            for c in range(0, story.size, side):
                part, lost = codes[at, r : r + side, c : c + side], loss_year[r : r + side, c : c + side]
                seen = part != 0
                shape = box(
                    500_000 + 20 * c, 4_787_000 - 20 * (r + side), 500_000 + 20 * (c + side), 4_787_000 - 20 * r
                )
                forest = np.isin(part, (11, 14)).sum() / seen.sum() if seen.any() else np.nan
                rows.append(
                    (
                        f"r{r // side}c{c // side}",
                        year,
                        shape.area,
                        seen.mean(),
                        forest,
                        float((lost == year).mean()) if seen.any() else np.nan,
                        float(((lost > year - 3) & (lost <= year)).mean()) if seen.any() and at > 2 else np.nan,
                        shape,
                    )
                )
    names = ["cell", "year", "area_m2", "seen_share", "forest_share", "loss_share", "recent_loss", "geometry"]
    frame = gpd.GeoDataFrame(pd.DataFrame(rows, columns=names), geometry="geometry", crs=grid.crs)
    write_table(folder / "cells.parquet", frame)
    return frame[frame.year == story.years[-1]].reset_index(drop=True)


def _animals(folder, story, cells, rng) -> None:
    n = len(cells)
    forest = cells.forest_share.fillna(0).to_numpy()
    surveyed = rng.random(n) < 0.6
    effort = cells.loc[surveyed, ["geometry"]].copy()
    effort["effort_id"] = [f"d{i}" for i in range(len(effort))]
    effort["start"] = pd.Timestamp(f"{story.years[-1]}-06-03", tz="UTC")
    effort["end"] = pd.Timestamp(f"{story.years[-1]}-08-20", tz="UTC")
    effort["effort_days"], effort["cell"] = 78.0, cells.loc[surveyed, "cell"]
    effort["geometry"] = effort.geometry.centroid
    write_table(folder / "effort.parquet", effort.reset_index(drop=True))
    tables, shares, estimates, events = [], [], [], []
    for species in story.species:
        psi = 1 / (1 + np.exp(-(-1.5 + 3.2 * forest)))
        detected = surveyed & (rng.random(n) < psi * 0.75) & story.events
        half = np.where(surveyed, 0.12, 0.26)
        out = cells[["cell", "geometry"]].copy()
        out["season"], out["species"], out["surveyed"], out["detected"] = story.years[-1], species, surveyed, detected
        out["naive"] = np.where(surveyed, detected.astype(float), np.nan)
        hidden = cells.forest_share.isna().to_numpy() | (not story.modelled)
        out["psi"] = np.where(hidden, np.nan, psi)
        out["se"] = np.where(hidden, np.nan, half / 2)
        out["lower"] = np.where(hidden, np.nan, np.clip(psi - half, 0, 1))
        out["upper"] = np.where(hidden, np.nan, np.clip(psi + half, 0, 1))
        out["extrapolated"] = (forest < 0.05) & ~hidden
        tables.append(out)
        naive = detected.sum() / surveyed.sum()
        ok = story.modelled
        shares.append(
            (
                species,
                story.years[-1],
                int(surveyed.sum()),
                naive,
                naive + 0.11 if ok else np.nan,
                naive + 0.02 if ok else np.nan,
                min(naive + 0.21, 1) if ok else np.nan,
                "" if ok else "only 57 cells were surveyed, fewer than min_cells = 80: no model was fitted",
            )
        )
        if ok:
            for parameter, term, value, se in (
                ("psi", "Intercept", -1.52, 0.41),
                ("psi", "forest_share", 3.18, 0.66),
                ("p", "Intercept", -1.9, 0.2),
            ):
                low, high = value - 1.96 * se, value + 1.96 * se
                estimates.append((species, story.years[-1], parameter, term, value, se, low, high))
        for i in np.nonzero(detected)[0]:
            for k in range(int(rng.integers(1, 4))):
                time = pd.Timestamp(f"{story.years[-1]}-06-10", tz="UTC") + pd.Timedelta(days=int(i % 60), hours=k)
                code = int(rng.choice([11, 14, 22], p=[0.5, 0.4, 0.1]))
                point = cells.geometry[i].centroid
                events.append((species, None, time, "d0", cells.cell[i], story.years[-1] - 1, code, forest[i], point))
    write_table(folder / "occupancy.parquet", gpd.GeoDataFrame(pd.concat(tables), geometry="geometry", crs=cells.crs))
    names = ["species", "season", "cells_surveyed", "naive", "estimate", "lower", "upper", "note"]
    write_table(folder / "occupancy/share.csv", pd.DataFrame(shares, columns=names))
    names = ["species", "season", "parameter", "term", "estimate", "se", "lower", "upper"]
    write_table(folder / "occupancy/estimates.csv", pd.DataFrame(estimates, columns=names))
    names = ["species", "individual", "time", "effort_id", "cell", "habitat_season", "code", "forest_share", "geometry"]
    frame = gpd.GeoDataFrame(pd.DataFrame(events, columns=names), geometry="geometry", crs=cells.crs)
    frame.insert(0, "event", [f"e{i}" for i in range(len(frame))])
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    frame["years_since_loss"] = np.where(frame["code"] == 22, 2.0, np.nan)
    write_table(folder / "sightings.parquet", frame)
    bad = pd.DataFrame(
        {
            "file": ["cameras.csv"] * 3,
            "row": [12, 40, 41],
            "reason": ["coordinates are swapped", "no time", "no time"],
            "geometry": [None, None, None],
        }
    )
    write_table(folder / "quarantine.parquet", gpd.GeoDataFrame(bad, geometry="geometry", crs=cells.crs))


def _areas(folder, story, codes, loss_year) -> None:
    rows = []
    for at, year in enumerate(story.years):
        rows.append((year, "forest", np.isin(codes[at], (11, 14)).sum() * 0.04))
        if at:
            rows.append((year, "loss", (loss_year == year).sum() * 0.04))
        rows.append((year, "not forest", np.isin(codes[at], (22, 30, 50, 70)).sum() * 0.04))
        rows.append((year, "not seen", (codes[at] == 0).sum() * 0.04))
    frame = pd.DataFrame(rows, columns=["year", "what", "estimate_ha"])
    frame["lower"], frame["upper"], frame["method"], frame["n_samples"] = np.nan, np.nan, "pixel_count", 0
    write_table(folder / "areas.csv", frame)


def _state(folder, story, rng) -> None:
    scenes = [
        {
            "id": f"{kind}_{year}_{k}",
            "date": f"{year}-0{6 + k}-1{k}",
            "sensor": sensor,
            "cloud_percent": float(rng.integers(1, 70)),
        }
        for year in story.years
        for sensor, kind in (("sentinel2", "S2A_52TFP"), ("landsat", "LC08_114030"))
        for k in range(3)
    ]
    made = {
        "composite": "composites/*.tif",
        "map": "forest/*",
        "change": "change/*",
        "cells": "cells.parquet",
        "join": "*s.parquet",
        "occupancy": "occupancy*",
    }
    stages = {}
    for stage, pattern in made.items():
        files = sorted(p for p in folder.glob(pattern) if p.is_file())
        stages[stage] = {
            "key": f"{abs(hash(stage)):064x}"[:64],
            "finished": True,
            "seconds": 3.2,
            "outputs": {p.relative_to(folder).as_posix(): digest_file(p) for p in files},
            "notes": {"scenes": scenes} if stage == "composite" else {},
        }
    legend = [{"code": c.code, "name": c.name, "color": c.color, "forest": c.forest} for c in DEFAULT_LEGEND]
    state = {
        "schema": 1,
        "versions": {"habitat": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "rasterio": "1.4.4"},
        "identity": {"area": story.name, "years": list(story.years)},
        "recipe": "../recipe.toml",
        "stages": stages,
        "legend": legend,
    }
    write_json(folder / "run.json", state)
