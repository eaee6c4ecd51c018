"""The simulator's animals and cameras as the occupancy stage reads them, with true habitat: no scene is made."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from habitat.recipe import OccupancySection
from habitat.seasons import Season
from habitat.sightings import independent_events
from habitat.simulate.animals import MARTEN, Parameters, run_cameras, true_occupancy
from habitat.simulate.area import CELL_M, CRS, Area
from habitat.simulate.disturbance import make_history
from habitat.simulate.landscape import make_landscape
from habitat.simulate.streams import Streams
from habitat.simulate.terrain import make_terrain
from habitat.simulate.truth import tell_truth
from habitat.workflow.histories import Histories

YEARS = range(2016, 2026)


@cache
def simulated(size_km: float, seed: int) -> tuple[pd.DataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """True occupancy, events and effort (with its cell)."""
    area, streams = Area.of_size(size_km), Streams(seed)
    landscape = make_landscape(area, make_terrain(area, streams), streams)
    truth = tell_truth(make_history(landscape, YEARS, streams), YEARS)
    true = true_occupancy(area, truth, streams, Parameters())
    effort, pictures = run_cameras(true, streams, Parameters())
    for name in ("start", "end"):
        effort[name] = pd.to_datetime(effort[name], utc=True)
    effort["effort_days"] = (effort["end"] - effort["start"]) / pd.Timedelta(days=1)
    effort["cell"] = effort["effort_id"].str.split("-").str[1]
    pictures["time"] = pd.to_datetime(pictures["time"], utc=True)
    pictures = pictures.rename(columns={"sighting": "event"})
    tables = [
        gpd.GeoDataFrame(t, geometry=gpd.points_from_xy(t["longitude"], t["latitude"], crs=4326))
        for t in (pictures, effort)
    ]
    events = independent_events(tables[0][tables[0]["species"] == MARTEN])
    return true, events, tables[1]


def histories(size_km: float, seed: int, *, folder: Path = Path(), **settings: Any) -> Histories:
    """Histories of the simulated survey under a recipe's settings."""
    true, events, effort = simulated(size_km, seed)
    habitat = true.rename(columns={"season": "year"}).assign(area_m2=float(CELL_M**2))
    squares = shapely.box(habitat["west"], habitat["south"], habitat["west"] + CELL_M, habitat["south"] + CELL_M)
    habitat = gpd.GeoDataFrame(
        habitat[["cell", "year", "area_m2", "forest_share", "recent_loss"]], geometry=squares, crs=CRS
    )
    context = SimpleNamespace(
        recipe=SimpleNamespace(path=lambda name: folder / name, sightings=None),
        years=YEARS,
        seasons=(Season.parse("mapping", "06-01/09-15"),),
        warnings=[],
        progress=lambda *_: None,
    )
    section = OccupancySection(season="09-20/11-20", **settings)
    return Histories(context, section, habitat, events.copy(), effort.copy())  # type: ignore[arg-type]


def true_share(size_km: float, seed: int) -> np.ndarray:
    """Share of all cells that are occupied, by season."""
    return simulated(size_km, seed)[0].groupby("season")["occupied"].mean().to_numpy()
