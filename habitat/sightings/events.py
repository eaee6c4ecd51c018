"""Independent events: ten pictures of one leopard walking by are one record of it."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from habitat.cubes import EVENTS

_PLACE_DECIMALS = 4
"""Without a station, records within about 10 m (0.0001 degree) are of one place."""


def independent_events(observations: gpd.GeoDataFrame, *, independent_minutes: float = 30) -> gpd.GeoDataFrame:
    """Merge records that are not independent.

    Records of the same species, individual (if known) and effort (if none: of the same place) belong to one
    event until `independent_minutes` have passed since its *first* record; the next one begins a new event. Events do
    not chain: an animal that stays for two hours gives four of them, and each is half an hour after the one before.
    (Time counted from the last record instead would make one event of any length.) With 0 each record is an event.

    Parameters
    ----------
    observations : GeoDataFrame
        event, species, individual, time, effort_id, count, geometry, as :func:`habitat.records.read_sightings`
        returns them.

    Returns
    -------
    GeoDataFrame
        EVENTS, sorted by time: the first record of each, with `records` (how many were merged) and `count`
        (the largest group seen in one of them; null if never given). If records tell them, `certain` (one certain
        record makes the event certain; null if none was judged) and `probability` (the highest).

    References
    ----------
    O'Brien, T. G., Kinnaird, M. F. & Wibisono, H. T. (2003). Crouching tigers, hidden prey. Animal
    Conservation 6, 131-139 (half an hour).
    """
    table = observations.sort_values(["time", "event"], kind="stable").reset_index(drop=True)
    minutes = table["time"].astype("int64").to_numpy() / _per_minute(table["time"])
    group = _groups(table)
    number = _number(minutes, group, independent_minutes)
    first = ~pd.Series(number).duplicated().to_numpy()
    events = table[first].copy()
    of_event = table.groupby(number, sort=False)
    events["records"] = of_event.size().to_numpy(dtype="int64")
    events["count"] = of_event["count"].max().to_numpy() if "count" in table else np.nan
    for name in ("certain", "probability"):
        if name in table:
            events[name] = of_event[name].max().array
    return EVENTS.check(events.reset_index(drop=True))


def _per_minute(times: Any) -> float:
    return float(pd.Timedelta(minutes=1) / pd.Timedelta(1, unit=times.dt.unit))


def _groups(table: gpd.GeoDataFrame) -> np.ndarray:
    """Number species x individual x effort or place."""
    alone = table["effort_id"].isna()
    keys = table[["species", "individual", "effort_id"]].assign(
        x=table.geometry.x.round(_PLACE_DECIMALS).where(alone), y=table.geometry.y.round(_PLACE_DECIMALS).where(alone)
    )
    return pd.DataFrame(keys).groupby(list(keys.columns), dropna=False, sort=False).ngroup().to_numpy()


def _number(minutes: np.ndarray, group: np.ndarray, apart: float) -> np.ndarray:
    """Number the events of records that are sorted by time."""
    if apart <= 0:
        return np.arange(len(minutes))
    number = np.empty(len(minutes), dtype=np.int64)
    started: dict[int, tuple[float, int]] = {}
    # .tolist(): plain numbers, ten times faster to compare one by one
    for i, (now, which) in enumerate(zip(minutes.tolist(), group.tolist(), strict=True)):
        since, event = started.get(which, (-np.inf, -1))
        if now - since >= apart:
            event = i
            started[which] = (now, i)
        number[i] = event
    return number
