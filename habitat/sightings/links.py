"""Which time of work a record belongs to: a camera works from gap to gap, a patrol passes from cell to cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from habitat.sightings.efforts import is_camera


def rows_at(names: pd.Series, times: pd.Series, effort: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the row of `effort` that each record belongs to, and whether that row's time holds it.

    Parameters
    ----------
    names, times : Series
        Deployment or patrol of each record, and its time (UTC).
    effort : DataFrame
        EFFORT with `deployment`: the name that records know it by; and if known `method`.

    Returns
    -------
    row : int array
        The last row of that name that began by then, else its first one; -1 where no row has the name, or where a
        camera and a patrol have it and not just one of them worked at the time.
    holds : bool array
    """
    if not len(effort):
        return np.full(len(names), -1, dtype=np.intp), np.zeros(len(names), dtype=bool)
    patrol = ~is_camera(effort)
    if patrol.all() or not patrol.any():
        return _rows_of_method(names, times, effort)
    row, holds = _rows_of_method(names, times, effort[~patrol])
    other, other_holds = _rows_of_method(names, times, effort[patrol])
    row = np.where(row >= 0, np.flatnonzero(~patrol)[row], -1)
    other = np.where(other >= 0, np.flatnonzero(patrol)[other], -1)
    both = (row >= 0) & (other >= 0)
    later = np.where(both, other_holds, other >= 0)
    open_question = both & (holds == other_holds)
    row, holds = np.where(later, other, row), np.where(later, other_holds, holds)
    return np.where(open_question, -1, row), holds & ~open_question


def _rows_of_method(
    names: pd.Series, times: pd.Series, effort: pd.DataFrame
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Rows of either cameras or patrols."""
    rows = pd.DataFrame(
        {
            "name": effort["deployment"].astype(str).to_numpy(),
            "start": microseconds(effort["start"]),
            "end": microseconds(effort["end"]),
            "row": np.arange(len(effort)),
        }
    ).sort_values("start", kind="stable")
    asked = pd.DataFrame({"name": names.to_numpy(), "time": microseconds(times), "at": np.arange(len(names))})
    asked = asked[names.notna().to_numpy() & times.notna().to_numpy()].sort_values("time", kind="stable")
    asked["name"] = asked["name"].astype(str)
    found = pd.merge_asof(asked, rows, left_on="time", right_on="start", by="name")
    first = rows.drop_duplicates("name").set_index("name")["row"]
    row = found["row"].fillna(found["name"].map(first)).fillna(-1).to_numpy().astype(np.intp)
    result, holds = np.full(len(names), -1, dtype=np.intp), np.zeros(len(names), dtype=bool)
    result[found["at"]] = row
    holds[found["at"]] = (found["time"] <= found["end"]).to_numpy()
    return result, holds


def link_to_effort(observations: Any, effort: pd.DataFrame) -> Any:
    """Give each record the `effort_id` of the row of effort whose time holds it.

    Records name their deployment or patrol, of which effort may have several rows. Of a patrol whose hours are not
    known, the row in the record's own cell that is nearest in time is taken, if both tables have a column `cell`.

    Parameters
    ----------
    observations : GeoDataFrame
        OBSERVATIONS or EVENTS; `effort_id` is a deployment's or patrol's name.
    effort : DataFrame
        EFFORT with `deployment`, and if known `timed` (false: hours are not known).

    Returns
    -------
    GeoDataFrame
        The same; a name that effort does not have is kept, and a time that no row holds gets the row before it.
    """
    if "deployment" not in effort.columns or not len(effort):
        return observations
    row, _ = rows_at(observations["effort_id"], observations["time"], effort)
    if "timed" in effort.columns and {"cell"} <= set(observations.columns) & set(effort.columns):
        row = _in_own_cell(observations, effort, row)
    known = row >= 0
    linked = observations["effort_id"].to_numpy(dtype=object).copy()
    linked[pd.isna(linked)] = None
    linked[known] = effort["effort_id"].to_numpy(dtype=object)[row[known]]
    return observations.assign(effort_id=pd.Series(linked, index=observations.index, dtype=object))


def _in_own_cell(observations: Any, effort: pd.DataFrame, row: NDArray[np.intp]) -> NDArray[np.intp]:
    hours_unknown = ~effort["timed"].astype("boolean").fillna(True).to_numpy(dtype=bool)
    open_rows = np.flatnonzero((row >= 0) & hours_unknown[row])
    if not len(open_rows):
        return row
    passes = pd.DataFrame({"row": np.flatnonzero(hours_unknown)})
    for name in ("deployment", "cell"):
        passes[name] = effort[name].to_numpy()[passes["row"]]
    asked = pd.DataFrame({"at": open_rows, "deployment": observations["effort_id"].to_numpy()[open_rows]})
    asked["cell"] = observations["cell"].to_numpy()[open_rows]
    asked["time"] = microseconds(observations["time"])[open_rows]
    for name in ("start", "end"):
        passes[name] = microseconds(effort[name])[passes["row"]]
    found = asked.dropna(subset="cell").merge(passes.dropna(subset="cell"), on=["deployment", "cell"])
    found["away"] = (found["time"] - found["time"].clip(found["start"], found["end"])).abs()
    found = found.sort_values(["at", "away", "row"], kind="stable").drop_duplicates("at")
    chosen = row.copy()
    chosen[found["at"]] = found["row"]
    return np.asarray(chosen, dtype=np.intp)


def microseconds(times: pd.Series) -> NDArray[np.int64]:
    """Times as microseconds since 1970."""
    return np.asarray(times.astype("datetime64[us, UTC]").astype("int64").to_numpy(), dtype=np.int64)
