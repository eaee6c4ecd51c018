"""Whose record it is: of the cameras and patrols that share its name, the one that its file, place or time tells."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from habitat.records.values import metres_apart
from habitat.sightings.links import microseconds, rows_at

FAR_M = 1000.0
"""A record that lies farther from its deployment than this has the wrong place or the wrong deployment."""

Bools = NDArray[np.bool_]


def find_efforts(
    records: pd.DataFrame,
    points: gpd.GeoSeries,
    effort: gpd.GeoDataFrame,
    *,
    origin: str,
    folder: str,
    own: Collection[str] = (),
) -> pd.DataFrame:
    """Find the camera or patrol that each record of one file means.

    Where several have the name, those of the record's own park count if the files name parks, then those of its file,
    of its folder, those that stood within 1 km, and those that worked at its time. A record that more than one is left
    for, that is of another park, or that lies more than 1 km from its camera belongs to none: nobody guesses.

    Parameters
    ----------
    records : DataFrame
        effort_id (as written), source, time (UTC).
    points : GeoSeries
        Places as written, in degrees; null where none is.
    effort : GeoDataFrame
        deployment, name (as written), source, origin, folder, method, start, end, geometry.
    origin, folder : str
        Of the file.
    own : collection of str
        Names of the cameras that the file, or its package, tells itself: if it tells any, no other file's are meant.

    Returns
    -------
    DataFrame
        effort_id (the `deployment`; as written where none has the name; null where it belongs to none), fault (null,
        or a kind of finding), reason, home (place of the camera at that time, null for patrols), by row of `records`.
    """
    found = pd.DataFrame({"effort_id": records["effort_id"].astype(object)}, index=records.index)
    found["fault"] = found["reason"] = pd.Series(None, index=records.index, dtype=object)
    names = records["effort_id"].to_numpy(dtype=object)
    x, y, time = points.x.to_numpy(), points.y.to_numpy(), microseconds(records["time"])
    parks = _parks(records["source"], effort["source"])
    groups = dict(list(effort.reset_index(drop=True).groupby("name", sort=False)))
    for name, of_name in pd.Series(np.arange(len(names))).groupby(names):
        at: NDArray[np.intp] = of_name.to_numpy(dtype=np.intp)
        if name not in groups:
            continue
        candidates = [of for _, of in groups[name].groupby("deployment", sort=False)]
        left = _left(candidates, None if parks is None else parks[at])
        if own and str(name) not in own:
            left = left & _same(candidates, "origin", origin)
        for evidence in (
            partial(_same, candidates, "origin", origin),
            partial(_same, candidates, "folder", folder),
            partial(_stood_near, candidates, x[at], y[at]),
            partial(_worked, candidates, time[at]),
        ):
            if (left.sum(axis=1) <= 1).all():
                break
            narrowed = left & evidence()
            left = np.where(narrowed.any(axis=1, keepdims=True), narrowed, left)
        _settle(found, at, str(name), candidates, left)
        if parks is not None:
            _offer_parks(found, at, parks[at], candidates)
    row, _ = rows_at(found["effort_id"], records["time"], effort)
    cameras = (row >= 0) & (effort["method"].to_numpy()[row] == "camera")
    homes = np.where(cameras, effort.geometry.to_numpy()[row], None)
    found["home"] = gpd.GeoSeries(homes, index=records.index, crs=points.crs)
    placed = np.flatnonzero(cameras & np.isfinite(x))
    metres = metres_apart(x[placed], y[placed], shapely.get_x(homes[placed]), shapely.get_y(homes[placed]))
    far = placed[metres > FAR_M]
    if len(far):
        at_far = records.index[far]
        reasons = [f"lies more than {FAR_M:g} m from its deployment {key!r}" for key in found["effort_id"].iloc[far]]
        found.loc[at_far, "reason"] = reasons
        found.loc[at_far, "fault"] = "far_from_deployment"
        found.loc[at_far, "effort_id"] = None
    return found


def _parks(of_records: pd.Series, of_effort: pd.Series) -> NDArray[np.object_] | None:
    """Parks of the records, if the files speak of the same parks: else the word tells nothing."""
    known = {_plain(park) for park in of_effort.dropna()}
    return np.asarray(of_records, dtype=object) if known & {_plain(park) for park in of_records.dropna()} else None


def _plain(park: object) -> str:
    """A park as it is compared: capitals and spaces around it tell nothing."""
    return str(park).strip().casefold()


def _left(candidates: list[pd.DataFrame], parks: NDArray[np.object_] | None) -> Bools:
    """Candidates of a record's park, (record, candidate); all where either has none."""
    own = [of["source"].iloc[0] for of in candidates]
    if parks is None:
        return np.ones((1, len(own)), dtype=bool)
    return np.array(
        [[pd.isna(park) or pd.isna(mine) or _plain(park) == _plain(mine) for mine in own] for park in parks]
    )


def _same(candidates: list[pd.DataFrame], column: str, value: str) -> Bools:
    return np.array([[value in of[column].to_numpy() for of in candidates]])


def _stood_near(candidates: list[pd.DataFrame], x: NDArray[np.float64], y: NDArray[np.float64]) -> Bools:
    near = np.zeros((len(x), len(candidates)), dtype=bool)
    for k, of in enumerate(candidates):
        if of["method"].iloc[0] == "camera":
            metres = metres_apart(x[:, None], y[:, None], of.geometry.x.to_numpy(), of.geometry.y.to_numpy())
            near[:, k] = (metres <= FAR_M).any(axis=1)
    return near


def _worked(candidates: list[pd.DataFrame], time: NDArray[np.int64]) -> Bools:
    spans = [(microseconds(of["start"]), microseconds(of["end"])) for of in candidates]
    at = time[:, None]
    return np.column_stack([((start <= at) & (at <= end)).any(axis=1) for start, end in spans])


def _settle(found: pd.DataFrame, at: NDArray[np.intp], name: str, candidates: list[pd.DataFrame], left: Bools) -> None:
    """Write down whose the records are, or why they are nobody's."""
    left = np.broadcast_to(left, (len(at), len(candidates)))
    keys = np.array([of["deployment"].iloc[0] for of in candidates], dtype=object)
    n_left = left.sum(axis=1)
    chosen = keys[left.argmax(axis=1)].astype(object)
    chosen[n_left != 1] = None
    rows = found.index[at]
    found.loc[rows, "effort_id"] = chosen
    if (n_left == 1).all():
        return
    several, none = rows[n_left > 1], rows[n_left == 0]
    found.loc[several, "fault"] = "effort_ambiguous"
    found.loc[several, "reason"] = (
        f"effort_id {name!r} is the name of {len(keys)} ({', '.join(map(str, keys))}): neither file, place nor time "
        "tells whose it is; a column `park` in the records and in the effort would"
    )
    found.loc[none, "fault"] = "effort_unknown"
    found.loc[none, "reason"] = f"no effort of its park or data package is called {name!r}"


def _offer_parks(
    found: pd.DataFrame, at: NDArray[np.intp], parks: NDArray[np.object_], candidates: list[pd.DataFrame]
) -> None:
    """Where a record has nobody because its park is spelt otherwise, offer the park that may be meant."""
    known = sorted({str(of["source"].iloc[0]) for of in candidates if not pd.isna(of["source"].iloc[0])})
    plain = {_plain(name): name for name in known}
    for row, park in zip(found.index[at], parks, strict=True):
        if found.at[row, "fault"] == "effort_unknown" and not pd.isna(park):
            near = difflib.get_close_matches(_plain(park), plain, n=1, cutoff=0.8)
            if near:
                meant = f"its park is {str(park)!r}, did you mean {plain[near[0]]!r}?"
                found.at[row, "reason"] = "; ".join((str(found.loc[row, "reason"]), meant))
