"""Cameras and patrols of one name, told apart: two parks may both have a CAM01, two receivers a Track 1."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from habitat.records.values import SAME_PLACE_M, metres_apart

Row = Mapping[Any, Any]


def tell_cameras_apart(deployments: pd.DataFrame) -> pd.DataFrame:
    """Give cameras that share a name names that differ.

    Of one source (a park that the file names, else the file), one name is one camera wherever it stands, unless it
    works at two places more than 150 m apart on the same days. Of two sources it is one only within 150 m.

    Parameters
    ----------
    deployments : DataFrame
        deployment, start, end, source, folder, file, row, geometry.

    Returns
    -------
    DataFrame
        The same with `name` (as written); where several cameras have it, `deployment` is "CAM01 (north)".
    """
    table = deployments.reset_index(drop=True)
    table["name"] = table["deployment"]
    taken = set(table["name"].dropna())
    for name, at in table.groupby("name", sort=False).indices.items():
        if len(at) < 2:
            continue
        cameras: list[list[Row]] = []
        of_row = []
        for row in table.iloc[at].to_dict("records"):
            own = _camera_of(row, cameras)
            of_row.append(own)
            if own == len(cameras):
                cameras.append([])
            cameras[own].append(row)
        if len(cameras) > 1:
            keys = _names([camera[0] for camera in cameras], str(name), taken)
            taken |= set(keys)
            table.loc[at, "deployment"] = [keys[own] for own in of_row]
    return table


def tell_patrols_apart(fixes: pd.DataFrame, sets: Mapping[str, str]) -> pd.DataFrame:
    """Give patrols that share a name names that differ: a receiver calls the tracks of every day alike.

    Parameters
    ----------
    fixes : DataFrame
        patrol, file.
    sets : mapping of file to set
        Within which a name means one patrol: of receivers the file, else the folder.

    Returns
    -------
    DataFrame
        The same with `name` (as written); where several patrols have it, `patrol` is "Track 1 (ivanov)".
    """
    fixes = fixes.assign(name=fixes["patrol"], set=[sets.get(file, "") for file in fixes["file"]])
    firsts = fixes.drop_duplicates(["name", "set"])
    taken = set(firsts["name"])
    new: dict[tuple[Any, Any], str] = {}
    for name, of in firsts.groupby("name", sort=False):
        if len(of) > 1:
            rows = [
                {"source": None, "folder": row["set"], "file": row["file"], "row": number}
                for number, row in enumerate(of.to_dict("records"), 1)
            ]
            keys = _names(rows, str(name), taken)
            taken |= set(keys)
            new |= {(name, where): key for where, key in zip(of["set"], keys, strict=True)}
    if new:
        pairs = zip(fixes["name"], fixes["set"], strict=True)
        fixes["patrol"] = [new.get(pair, pair[0]) for pair in pairs]
    return fixes.drop(columns="set")


def apart_from_cameras(fixes: pd.DataFrame, cameras: Collection[Any]) -> pd.DataFrame:
    """Call patrols that are named as a camera "patrol NAME", or "patrol NAME 2" if there is such a patrol."""
    names = list(fixes["patrol"].unique())
    taken = {*names, *cameras}
    new: dict[Any, str] = {}
    for name in names:
        if name in cameras:
            tries = (f"patrol {name}{'' if number == 1 else f' {number}'}" for number in count(1))
            new[name] = next(said for said in tries if said not in taken)
            taken.add(new[name])
    return fixes.assign(patrol=fixes["patrol"].map(lambda name: new.get(name, name)))


def _camera_of(row: Row, cameras: list[list[Row]]) -> int:
    """Number of the camera that a deployment is of; that of a new one if it is of none."""
    for number, camera in enumerate(cameras):
        if any(_near(row, other) for other in camera):
            return number
    for number, camera in enumerate(cameras):
        own = [other for other in camera if _source(other) == _source(row)]
        if own and not any(row["start"] < other["end"] and other["start"] < row["end"] for other in own):
            return number
    return len(cameras)


def _source(row: Row) -> Any:
    return row["file"] if _missing(row["source"]) else row["source"]


def _missing(value: Any) -> bool:
    return bool(pd.isna(value))


def _near(one: Row, other: Row) -> bool:
    a, b = one["geometry"], other["geometry"]
    return float(metres_apart(a.x, a.y, b.x, b.y)) <= SAME_PLACE_M


def _names(rows: Sequence[Row], name: str, taken: Collection[str]) -> list[str]:
    """Names for all, by the first of park, folder, file and row that tells them apart."""
    labels: tuple[Callable[[Row], str], ...] = (
        lambda row: "" if _missing(row["source"]) else str(row["source"]),
        lambda row: re.sub(r"\.\w+$", "", Path(row["folder"]).name),
        lambda row: re.sub(r"\.\w+(?=/|$)", "", row["file"]),
        lambda row: f"{row['file']} {row['row']}",
    )
    for label in labels:
        keys = [f"{name} ({label(row)})" for row in rows]
        if all(map(label, rows)) and len(set(keys)) == len(keys) and not set(keys) & set(taken):
            return keys
    return [f"{key} {number}" for number, key in enumerate(keys, 1)]
