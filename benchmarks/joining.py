"""A million records read, made events and joined to ten yearly layers: time of each part, and peak of memory.

    python -m benchmarks.joining [RECORDS [SIDE_PIXELS]]

A square of 10 m pixels (10,980, a Sentinel-2 tile, unless told otherwise), ten years of classes and a map of loss years
in GeoTIFFs, survey cells of 3 km; 2,000 cameras that work for ten years with a gap in each, and records of six species
at them, a tenth of them in bursts. Everything is made from seed 0. Only the join is asked to take less than 20 seconds
and 2 GB; reading the table of records and making events of them are shown beside it. Time is CPU time; memory is the
resident set's peak of the process that did the part, with all that it stands on.

Prints a table and writes `results/joining.md`.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from habitat import grids
from habitat.landscape import square_cells
from habitat.records import read_records
from habitat.seasons import Season
from habitat.sightings import HabitatLayers, independent_events, join_to_habitat, link_to_effort, locate
from habitat.store import read_raster, read_table, write_raster, write_table

RECORDS, SIDE = 1_000_000, 10_980
YEARS = range(2015, 2025)
CELL_M, PIXEL_M = 3000, 10
CAMERAS = 2000
SEASON = Season.parse("mapping", "06-01/09-15")
RESULTS = Path(__file__).parent / "results"
SPECIES = ("tiger", "leopard", "sika deer", "wild boar", "badger", "roe deer")


def make_grid(side: int) -> Any:
    """A square in the border forest's zone."""
    west, south = 500_000, 4_700_000
    return grids.grid_over((west, south, west + side * PIXEL_M, south + side * PIXEL_M), "EPSG:32652", PIXEL_M)


def make_inputs(folder: Path, records: int, side: int) -> None:
    """Write layers, a table of cells by year, deployments and records."""
    rng, grid = np.random.default_rng(0), make_grid(side)
    blocks = rng.choice([0, 11, 14, 22, 30], size=(side // 30 + 1, side // 30 + 1), p=[0.02, 0.3, 0.4, 0.2, 0.08])
    layer = np.kron(blocks, np.ones((30, 30))).astype(np.uint8)[:side, :side]
    loss = np.where(layer == 14, 2018, 0).astype(np.uint16)
    for year in YEARS:
        write_raster(folder / f"{year}.tif", np.where((loss > 0) & (loss <= year), 22, layer)[None], grid, ["code"], 0)
    write_raster(folder / "loss.tif", loss[None], grid, ["year"], 65535)
    cells, zones = square_cells(grid, CELL_M)
    table = pd.concat([cells.assign(year=year) for year in YEARS], ignore_index=True)
    table = table.assign(area_m2=9e6, seen_share=1.0, forest_share=rng.random(len(table)), loss_share=0.0)
    write_table(folder / "cells.parquet", table)
    np.save(folder / "zones.npy", zones)
    at = np.array([500_000, 4_700_000]) + rng.uniform(0, side * PIXEL_M, (CAMERAS, 2))
    place = gpd.GeoSeries(gpd.points_from_xy(at[:, 0], at[:, 1]), crs="EPSG:32652").to_crs(4326)
    names = np.array([f"c{k:04d}" for k in range(CAMERAS)])
    deployments = {"Station": names, "Setup_date": "2015-01-01", "Retrieval_date": "2024-12-31"}
    deployments |= {"latitude": place.y.round(6), "longitude": place.x.round(6)}
    deployments |= {"Problem1_from": "2019-02-01", "Problem1_to": "2019-03-01"}
    pd.DataFrame(deployments).to_csv(folder / "cameras.csv", index=False)
    camera = rng.integers(0, CAMERAS, records)
    seconds = rng.integers(0, 3650 * 86400, records)
    burst = rng.random(records) < 0.1
    burst[0] = False
    camera[burst], seconds[burst] = camera[np.flatnonzero(burst) - 1], seconds[np.flatnonzero(burst) - 1] + 60
    when = pd.to_datetime("2015-01-01") + pd.to_timedelta(seconds, unit="s")
    pd.DataFrame(
        {
            "event": np.arange(records),
            "species": np.array(SPECIES)[rng.integers(0, len(SPECIES), records)],
            "time": when.strftime("%Y-%m-%dT%H:%M:%S+10:00"),
            "latitude": place.y.to_numpy()[camera].round(6),
            "longitude": place.x.to_numpy()[camera].round(6),
            "deploymentID": names[camera],
        }
    ).to_csv(folder / "records.csv", index=False)


def read_all(folder: Path, _side: int) -> int:
    """The table of records, with every check."""
    from habitat.records import Reading

    reading = Reading(timezone="Etc/GMT-10")
    records = read_records([folder / "records.csv"], [folder / "cameras.csv"], reading=reading)
    write_table(folder / "observations.parquet", records.observations)
    write_table(folder / "effort.parquet", records.effort)
    assert set(records.findings["kind"]) <= {"in_a_gap", "overlapping_deployments"}, (
        "cameras stand by chance side by side"
    )
    return len(records.observations)


def make_events(folder: Path, _side: int) -> int:
    """Records linked to the rows of effort, and made events."""
    observations, effort = read_table(folder / "observations.parquet"), read_table(folder / "effort.parquet")
    events = independent_events(link_to_effort(observations, effort), independent_minutes=30)
    write_table(folder / "events.parquet", events)
    return len(events)


def join_all(folder: Path, side: int) -> int:
    """Records, as events without merging, joined to all layers."""
    grid = make_grid(side)
    zones, habitat = np.load(folder / "zones.npy"), read_table(folder / "cells.parquet")
    cells = habitat.drop_duplicates("cell")[["cell", "geometry"]].reset_index(drop=True)
    events = locate(read_table(folder / "observations.parquet"), cells, zones, grid=grid)
    maps = ((year, read_raster(folder / f"{year}.tif")[0][0]) for year in YEARS)
    loss = read_raster(folder / "loss.tif")[0][0]
    joined = join_to_habitat(events, habitat, HabitatLayers(maps, loss), grid=grid, season=SEASON)
    assert joined["code"].notna().mean() > 0.5
    return len(joined)


PARTS: dict[str, Callable[[Path, int], int]] = {"read records": read_all, "events": make_events, "join": join_all}


def measure(name: str, folder: Path, side: int, found: Any) -> None:
    """Do one part in a process of its own, and tell rows, CPU seconds and peak of memory."""
    began = time.process_time()
    rows = PARTS[name](folder, side)
    seconds = time.process_time() - began
    found.put((rows, seconds, _peak_gb()))


def _peak_gb() -> float:
    """Linux's own high-water mark of this process: that of getrusage counts its parent too."""
    said = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", said)[1]) * 1024 / 1e9  # type: ignore[index]


def run(records: int, side: int) -> pd.DataFrame:
    """Figures of each part."""
    rows = []
    spawn = get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(folder, records, side)
        for part in PARTS:
            found = spawn.SimpleQueue()
            process = spawn.Process(target=measure, args=(part, folder, side, found))
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(f"{part} failed")
            n, seconds, peak = found.get()
            rows.append({"part": part, "rows": n, "cpu_s": round(seconds, 1), "peak_gb": round(peak, 2)})
    return pd.DataFrame(rows)


def as_text(figures: pd.DataFrame, records: int, side: int) -> str:
    """The results' page."""
    lines = [
        "# A million records joined to ten yearly layers",
        "",
        f"`python -m benchmarks.joining {records} {side}`: {records:,} records, layers of {side:,} x {side:,} pixels, "
        "one core. CPU seconds and peak of memory of a process that does only that part.",
        "",
        "| part | rows | CPU, s | peak, GB |",
        "|---|---|---|---|",
        *(f"| {r.part} | {r.rows:,} | {r.cpu_s} | {r.peak_gb} |" for r in figures.itertuples()),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run as asked, and write the results."""
    asked = [int(text) for text in sys.argv[1:]]
    records, side = (asked + [RECORDS, SIDE][len(asked) :])[:2]
    text = as_text(run(records, side), records, side)
    print(text)
    (RESULTS / "joining.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
