"""A small landscape with 64 looks in four years, a clearing planted in its files, and a source that can hide scenes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import from_bounds

from habitat.simulate import find_preset, write_sample
from habitat.store import digest_file, read_raster

YEARS = range(2018, 2022)
LOOKS = 16
"""In a year."""
CLEARED_ON = date(2020, 7, 1)
"""From then on the square is bare soil."""
SIDE = 6
"""Pixels of 20 m."""
SOIL = {"blue": 0.08, "green": 0.10, "red": 0.13, "nir08": 0.20, "swir16": 0.28, "swir22": 0.22}
COMMON_NAME = {"blue", "green", "red", "nir08", "swir16", "swir22"}


def write_land(folder: Path) -> tuple[slice, slice]:
    """Write the landscape with its clearing; return the rows and columns that were cleared."""
    return write_painted(folder, SOIL, CLEARED_ON, date.max)


def write_painted(folder: Path, spectrum: dict[str, float], first: date, last: date) -> tuple[slice, slice]:
    """Write the landscape with a square of forest that has another spectrum in some days; return rows and columns."""
    clear = replace(find_preset("standard").with_looks(LOOKS), clearest_of=5)
    write_sample(folder, size_km=0.6, seed=9, years=YEARS, preset=clear)
    forest = [read_raster(folder / f"truth/forest_{year}.tif") for year in YEARS]
    always, grid = np.stack([layer[0] for layer, _ in forest]).min(axis=0), forest[0][1]
    places = [(r, c) for r in range(6, 18) for c in range(6, 18)]
    row, col = next((r, c) for r, c in places if always[r - 1 : r + SIDE + 1, c - 1 : c + SIDE + 1].all())
    rows, cols = slice(row, row + SIDE), slice(col, col + SIDE)
    bounds = grid[rows, cols].extent.boundingbox
    for item, path in items(folder):
        if not first <= date.fromisoformat(item["properties"]["datetime"][:10]) <= last:
            continue
        for name, asset in item["assets"].items():
            band = next((b.get("common_name", name) for b in asset.get("eo:bands", [])), name)
            told = asset.get("raster:bands", [{}])[0]
            if band in spectrum and "scale" in told:
                paint(path.parent / asset["href"], bounds, (spectrum[band] - told.get("offset", 0.0)) / told["scale"])
    return rows, cols


def change_files(folder: Path) -> dict[str, str]:
    """Digests of what the change stage wrote, by name."""
    return {path.name: digest_file(path) for path in (folder / "run/change").iterdir() if path.suffix != ".json"}


def change_notes(folder: Path) -> dict[str, object]:
    """What the run notes of the change stage."""
    found: dict[str, object] = json.loads((folder / "run/run.json").read_text())["stages"]["change"]["notes"]
    return found


def cut_strip(folder: Path, rows: slice) -> None:
    """Let the recipe be about a strip of the landscape around some rows."""
    grid = read_raster(folder / "truth/forest_2018.tif")[1]
    bounds = grid[rows.start - 4 : rows.stop + 4, :].extent.to_crs("EPSG:4326").boundingbox
    recipe = (folder / "recipe.toml").read_text()
    area = recipe.partition("[area]")[2].partition("[period]")[0]
    strip = f'\nname = "strip"\nbbox = {[*bounds]}\ncrs = "EPSG:32652"\nresolution_m = 20\n\n'
    (folder / "recipe.toml").write_text(recipe.replace(area, strip))


def items(folder: Path) -> list[tuple[dict, Path]]:
    """All items and where they lie, by day."""
    found = [(json.loads(path.read_text()), path) for path in folder.glob("scenes/*/*/*.json")]
    return sorted(found, key=lambda pair: pair[0]["properties"]["datetime"])


def paint(path: Path, bounds: tuple[float, float, float, float], number: float) -> None:
    """Set the pixels of a file whose centres lie within bounds, where they are measured."""
    with rasterio.open(path) as file:
        values, profile = file.read(1), file.profile
        window = from_bounds(*bounds, transform=file.transform).round_offsets().round_lengths()
        part = values[window.toslices()]
        part[part > 0] = round(number)
    with rasterio.open(path, "w", **{**profile, "driver": "GTiff"}) as file:
        file.write(values, 1)


def offer(folder: Path, wanted: Callable[[int], bool]) -> None:
    """Let the source list only scenes whose place in the order of days is wanted."""
    names = {path.name for place, (_, path) in enumerate(items(folder)) if wanted(place)}
    for collection in folder.glob("scenes/*/collection.json"):
        whole = collection.with_name("whole.json")
        if not whole.exists():
            whole.write_text(collection.read_text())
        told = json.loads(whole.read_text())
        links = [(link, link["href"].split("/")[-1]) for link in told["links"]]
        told["links"] = [link for link, name in links if link["rel"] != "item" or name in names]
        collection.write_text(json.dumps(told))


def alerts_of(folder: Path) -> dict[str, str]:
    """Digests of what people read."""
    return {name: digest_file(folder / "run/change" / name) for name in ("alerts.tif", "alerts.parquet")}


def states_of(folder: Path) -> dict[str, np.ndarray]:
    """What the blocks hold, checkpoints left out."""
    states = {}
    for path in sorted((folder / "run/alerts").glob("?????.npz")):
        with np.load(path) as file:
            states |= {f"{path.stem} {name}": file[name] for name in ("models", "looks", "pixels", "events")}
    return states


def same_states(one: Path, other: Path) -> bool:
    """Whether two runs hold the same, bit for bit."""
    first, second = states_of(one), states_of(other)
    return first.keys() == second.keys() and all(equal(first[name], second[name]) for name in first)


def equal(one: np.ndarray, other: np.ndarray) -> bool:
    """The same bytes: NaN is NaN."""
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def passes(folder: Path) -> list[str]:
    """What the passes are called, by day: each scene here is one."""
    told = [item["properties"] for item, _ in items(folder)]
    return [f"{said['platform']} {said['datetime'][:16]}Z" for said in told]
