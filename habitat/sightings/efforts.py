"""Effort by cell and occasion: camera-days, hours and kilometres on foot. None at all means not surveyed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from habitat.cubes import EFFORT
from habitat.errors import ContractError

_DAY = np.timedelta64(1, "D") / np.timedelta64(1, "us")


def effort_by_cell(effort: Any, edges: pd.DatetimeIndex) -> xr.Dataset:
    """Return how much was looked for animals, by cell and occasion.

    Parameters
    ----------
    effort : GeoDataFrame
        EFFORT with `cell` (see :func:`habitat.sightings.locate`), and if known `method` ("camera" or "patrol"; without
        it all are cameras) and `effort_km`. A row's effort is spread evenly from its start to its end.
    edges : DatetimeIndex
        UTC; occasion i runs from edges[i] up to, but not including, edges[i + 1].

    Returns
    -------
    Dataset
        Over (cell, occasion), cells with any effort in any occasion: `camera_days`, `patrol_hours`, `patrol_km`, all 0
        where nobody looked, and `surveyed` (bool).

    Raises
    ------
    ContractError
        If `effort` has no column `cell`, or a row ends before it starts.
    """
    check_effort(effort)
    days, km = spread(effort, edges)
    camera = is_camera(effort)
    placed = effort["cell"].notna().to_numpy()
    worked = ((days > 0) | (km > 0)).any(axis=1)
    names = np.array(sorted(set(effort["cell"][placed & worked])), dtype=object)
    cell = pd.Index(names).get_indexer(effort["cell"])

    def total(amount: NDArray[np.float64], which: NDArray[np.bool_]) -> tuple[tuple[str, str], NDArray[np.float64]]:
        table = np.zeros((len(names), len(edges) - 1))
        at = (cell >= 0) & which
        np.add.at(table, cell[at], amount[at])
        return ("cell", "occasion"), table

    amounts = xr.Dataset(
        {
            "camera_days": total(days, camera),
            "patrol_hours": total(days * 24, ~camera),
            "patrol_km": total(km, ~camera),
        },
        coords={
            "cell": names,
            "occasion": np.arange(len(edges) - 1),
            "start": ("occasion", edges[:-1].tz_localize(None).to_numpy()),
        },
    )
    for name, unit in (("camera_days", "days"), ("patrol_hours", "hours"), ("patrol_km", "km")):
        amounts[name].attrs["units"] = unit
    amounts["surveyed"] = (amounts["camera_days"] > 0) | (amounts["patrol_hours"] > 0) | (amounts["patrol_km"] > 0)
    return amounts


def check_effort(effort: Any) -> None:
    """Raise if effort is not located, or a row of it ends before it starts.

    Raises
    ------
    ContractError
    """
    EFFORT.check(effort)
    if "cell" not in effort.columns:
        raise ContractError("column 'cell' is missing", where="effort", mend="locate the deployments first")
    if not (effort["end"] > effort["start"]).all():
        raise ContractError("a deployment ends before it starts", where="effort")


def is_camera(effort: Any) -> NDArray[np.bool_]:
    """Which rows are of cameras; all, if none says of what it is."""
    if "method" not in effort.columns:
        return np.ones(len(effort), dtype=bool)
    return np.asarray(effort["method"] != "patrol")


def spread(effort: Any, edges: pd.DatetimeIndex) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return days worked and kilometres walked, each (row of effort, occasion); 0 where they are not known."""
    start, end, edge = days_of(effort["start"]), days_of(effort["end"]), days_of(pd.Series(edges))
    shared = np.minimum(end[:, None], edge[None, 1:]) - np.maximum(start[:, None], edge[None, :-1])
    part = np.maximum(shared, 0.0) / (end - start)[:, None]
    worked = effort["effort_days"].to_numpy(dtype=float)
    walked = effort["effort_km"].to_numpy(dtype=float) if "effort_km" in effort.columns else np.zeros(len(effort))
    return part * np.nan_to_num(worked)[:, None], part * np.nan_to_num(walked)[:, None]


def days_of(times: pd.Series) -> NDArray[np.float64]:
    """Times (UTC) as days since 1970."""
    return np.asarray(times.astype("datetime64[us, UTC]").astype("int64").to_numpy() / _DAY)
