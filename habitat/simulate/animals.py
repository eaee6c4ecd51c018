"""An invented animal: where it lives, hidden, and what cameras and patrols see of it.

The *teaching marten* does not exist. Each season every survey cell is occupied or not, by chance psi; an occupied
cell's camera photographs it in a night by chance, so that a cell without pictures may well be occupied: the model
of MacKenzie et al. (2002, Ecology 83, 2248-2255), with known parameters.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from habitat.simulate.area import CELL_M, CRS, Area
from habitat.simulate.streams import Streams
from habitat.simulate.truth import Truth

MARTEN, HARE = "teaching marten", "teaching hare"
SEASONS = 5
"""Camera seasons: the last years of the period."""
LOCAL = timezone(timedelta(hours=10))
"""Vladivostok time."""
_SEASON_START, _SEASON_DAYS = (9, 20), 62  # to 20 November, both days included
_HOURS = {MARTEN: (22.5, 3.0), HARE: (5.0, 2.5)}
"""Hour of the day around which each is active, and the spread."""


@dataclass(frozen=True)
class Parameters:
    """The planted coefficients: what an occupancy model should find."""

    psi_intercept: float = -2.2
    psi_forest_share: float = 3.8
    """By share of the cell that is forest in the latest mapping season that ended before the camera season."""
    psi_recent_loss: float = -9.0
    """By share of the cell whose first loss year is one of the last three mapping seasons."""
    detection_10_days: float = 0.3
    """Chance that a camera that works for ten days in an occupied cell photographs the marten at least once."""
    camera_share: float = 0.85
    """Of the cells, how many have a camera in a season."""
    hare_visits_per_night: float = 0.05
    """By-catch: hares visit cameras on open ground this often, elsewhere less."""

    @property
    def detection_night(self) -> float:
        """Chance of a visit in one night."""
        return 1 - (1 - self.detection_10_days) ** 0.1


def true_occupancy(area: Area, truth: Truth, streams: Streams, parameters: Parameters) -> Any:
    """Return the hidden state of every cell and season.

    DataFrame: season (year), cell, west, south (metres), forest_share, recent_loss, psi, occupied.
    """
    import pandas as pd

    n = area.size_m // CELL_M
    per = CELL_M // 20
    west, south, _, _ = area.bounds
    row, col = (part.ravel() for part in np.mgrid[:n, :n])
    tables = []
    for k, year in list(enumerate(truth.years))[-SEASONS:]:
        lost = (truth.loss_year > 0) & (truth.loss_year <= year) & (truth.loss_year > year - 3)
        forest_share, recent_loss = (
            layer.reshape(n, per, n, per).mean(axis=(1, 3)).ravel() for layer in (truth.forest[k], lost)
        )
        logit = (
            parameters.psi_intercept
            + parameters.psi_forest_share * forest_share
            + parameters.psi_recent_loss * recent_loss
        )
        psi = 1 / (1 + np.exp(-logit))
        table = pd.DataFrame(
            {
                "season": year,
                "cell": [f"x{c}y{n - 1 - r}" for r, c in zip(row, col, strict=True)],
                "west": west + col * CELL_M,
                "south": south + (n - 1 - row) * CELL_M,
                "forest_share": forest_share.round(6),
                "recent_loss": recent_loss.round(6),
                "psi": psi.round(6),
                "occupied": (streams("occupied", year).random(psi.size) < psi).astype(int),
            }
        )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def run_cameras(occupancy: Any, streams: Streams, parameters: Parameters) -> tuple[Any, Any]:
    """Return what the cameras did and saw.

    Parameters
    ----------
    occupancy : DataFrame
        From :func:`true_occupancy`.

    Returns
    -------
    effort : DataFrame
        effort_id, latitude, longitude, start, end (ISO 8601 with zone): one row a deployment; a camera that
        failed and was replaced has two.
    sightings : DataFrame
        sighting, species, individual, time, latitude, longitude, effort_id, count: one row a picture, in bursts.
    """
    import pandas as pd

    effort: list[dict[str, Any]] = []
    sightings: list[dict[str, Any]] = []
    for cell in occupancy.itertuples(index=False):
        rng = streams("camera", cell.season, cell.cell)
        if rng.random() >= parameters.camera_share:
            continue
        home = streams("station", cell.cell)
        x, y = (corner + home.uniform(25, CELL_M - 25) for corner in (cell.west, cell.south))
        latitude, longitude = _degrees(x, y)
        for k, (start, end) in enumerate(_deployments(rng, cell.season)):
            deployment = {
                "effort_id": f"{cell.season}-{cell.cell}-{'ab'[k]}",
                "latitude": latitude,
                "longitude": longitude,
                "start": start.isoformat(),
                "end": end.isoformat(),
            }
            effort.append(deployment)
            rates = {
                MARTEN: parameters.detection_night * cell.occupied,
                HARE: parameters.hare_visits_per_night * (1.4 - cell.forest_share),
            }
            for species, rate in rates.items():
                sightings += _pictures(rng, deployment, start, end, species, rate)
    table = pd.DataFrame(
        sightings, columns=["species", "individual", "time", "latitude", "longitude", "effort_id", "count"]
    )
    table = table.sort_values(["time", "effort_id", "species"], kind="stable", ignore_index=True)
    table.insert(0, "sighting", [f"S{k:05d}" for k in range(1, len(table) + 1)])
    return pd.DataFrame(effort), table


def _degrees(x: float, y: float) -> tuple[float, float]:
    from pyproj import Transformer

    longitude, latitude = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    return round(latitude, 6), round(longitude, 6)


def _deployments(rng: np.random.Generator, year: int) -> list[tuple[datetime, datetime]]:
    """When a camera worked: all season, or until it failed, and perhaps again when it was replaced."""
    first = datetime(year, *_SEASON_START, tzinfo=LOCAL) + timedelta(days=int(rng.integers(-3, 6)), hours=11)
    last = datetime(year, *_SEASON_START, tzinfo=LOCAL) + timedelta(
        days=_SEASON_DAYS + int(rng.integers(-6, 4)), hours=14
    )
    if rng.random() < 0.75:
        return [(first, last)]
    failed = first + timedelta(days=int(rng.integers(6, 40)), minutes=int(rng.integers(0, 720)))
    replaced = failed + timedelta(days=int(rng.integers(5, 20)))
    if rng.random() < 0.5 and replaced + timedelta(days=5) < last:
        return [(first, failed), (replaced.replace(hour=12, minute=0), last)]
    return [(first, failed)]


def _pictures(
    rng: np.random.Generator, deployment: dict[str, Any], start: datetime, end: datetime, species: str, rate: float
) -> list[dict[str, Any]]:
    """Visits by night, each a burst of one to four pictures within half an hour of one another."""
    rows = []
    hour, spread = _HOURS[species]
    for night in range((end - start).days + 1):
        if rng.random() >= rate:
            continue
        when = start.replace(hour=0, minute=0) + timedelta(days=night, hours=float(rng.normal(hour, spread)))
        known = species == MARTEN and rng.random() < 0.15
        individual = f"T{int(rng.integers(1, 13)):02d}" if known else ""
        for _ in range(1 + int(rng.poisson(0.8))):
            if start <= when <= end:
                stamp = when.replace(microsecond=0).isoformat()
                count = 1 + int(rng.random() < 0.05)
                rows.append(
                    {"species": species, "individual": individual, "time": stamp, "count": count, **_place(deployment)}
                )
            when += timedelta(minutes=float(rng.uniform(0.3, 12)))
    return rows


def _place(deployment: dict[str, Any]) -> dict[str, Any]:
    return {key: deployment[key] for key in ("latitude", "longitude", "effort_id")}


def find_signs(occupancy: Any, streams: Streams, count: int = 60) -> Any:
    """Return tracks, scats and hairs that patrols came across in occupied cells, without any effort.

    GeoDataFrame in degrees: species, sign, time (ISO 8601 with zone), observer; about `count` rows.
    """
    import geopandas as gpd

    rng = streams("signs")
    lived_in = occupancy[occupancy["occupied"] == 1].reset_index(drop=True)
    rows, points = [], []
    for k in sorted(rng.choice(len(lived_in), size=min(count, len(lived_in)), replace=False)):
        cell = lived_in.iloc[int(k)]
        day = datetime(int(cell["season"]), 10, 1, tzinfo=LOCAL) + timedelta(
            days=int(rng.integers(0, 75)), hours=int(rng.integers(8, 17)), minutes=int(rng.integers(0, 60))
        )
        rows.append(
            (
                MARTEN,
                str(rng.choice(["track", "scat", "hair"], p=(0.6, 0.3, 0.1))),
                day.isoformat(),
                f"patrol {rng.integers(1, 5)}",
            )
        )
        points.append((cell["west"] + rng.uniform(5, CELL_M - 5), cell["south"] + rng.uniform(5, CELL_M - 5)))
    species, sign, time, observer = zip(*rows, strict=True) if rows else ([], [], [], [])
    x, y = zip(*points, strict=True) if points else ([], [])
    table = {"species": list(species), "sign": list(sign), "time": list(time), "observer": list(observer)}
    geometry = gpd.points_from_xy(np.round(x, 1), np.round(y, 1), crs=CRS)
    return gpd.GeoDataFrame(table, geometry=geometry).to_crs("EPSG:4326")


def planted(parameters: Parameters) -> dict[str, Any]:
    """Return the planted coefficients as plain numbers."""
    return asdict(parameters) | {"detection_night": round(parameters.detection_night, 6)}
