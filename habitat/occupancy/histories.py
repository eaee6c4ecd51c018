"""Detection histories as the models read them: one row a visit, and one row a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from habitat.errors import ContractError


def check_history(history: xr.Dataset) -> xr.Dataset:
    """Return `history` unchanged if it is one.

    Raises
    ------
    ContractError
        If `detected` is missing, does not lie over (cell, occasion), holds anything but 0, 1 and NaN, or
        cells are named twice.
    """
    if "detected" not in history or history["detected"].dims != ("cell", "occasion"):
        raise ContractError("'detected' over (cell, occasion) is missing", where="history")
    values = history["detected"].to_numpy()
    if not (np.isnan(values) | (values == 0) | (values == 1)).all():
        raise ContractError("'detected' holds other values than 0, 1 and NaN", where="history")
    if not history.indexes.get("cell", pd.RangeIndex(0)).is_unique:
        raise ContractError("a cell is named twice", where="history")
    return history


def surveyed_cells(history: xr.Dataset) -> pd.DataFrame:
    """Return, by cell, `surveyed` (was it visited at all?) and `detected` (was the species ever seen?).

    >>> history = xr.Dataset({"detected": (("cell", "occasion"), [[0.0, 1.0], [0.0, np.nan], [np.nan, np.nan]])})
    >>> surveyed_cells(history.assign_coords(cell=["a", "b", "c"])).sum().to_dict()
    {'surveyed': 2, 'detected': 1}
    """
    seen = check_history(history)["detected"].to_numpy()
    index = pd.Index(_names(history), name="cell")
    return pd.DataFrame({"surveyed": ~np.isnan(seen).all(axis=1), "detected": (seen == 1).any(axis=1)}, index=index)


def naive_occupancy(history: xr.Dataset) -> float:
    """Return the share of surveyed cells in which the species was seen: too low wherever detection fails.

    NaN when no cell was surveyed.
    """
    cells = surveyed_cells(history)
    n_surveyed = int(cells["surveyed"].sum())
    return float(cells["detected"].sum() / n_surveyed) if n_surveyed else float("nan")


@dataclass(frozen=True)
class Visits:
    """A history cut into its visits, with all that formulas may use."""

    detected: NDArray[np.float64]
    """0 or 1 of each visit."""
    site: NDArray[np.int64]
    """Row of each visit's cell in `sites`."""
    of_visit: pd.DataFrame
    """Variables of the visit, and those of its cell."""
    of_site: pd.DataFrame
    """Variables of each cell, by its name."""


def visits_of(history: xr.Dataset, covariates: pd.DataFrame | None) -> Visits:
    """Cut `history` into its visits.

    Parameters
    ----------
    covariates : DataFrame, optional
        One row a cell, with a column `cell` or cells as its index. A cell that it lacks has no covariates.

    Raises
    ------
    ContractError
        If `history` is none, or `covariates` name a cell twice.
    """
    check_history(history)
    of_site = by_cell(covariates).reindex(_names(history))
    detected = history["detected"].to_numpy().astype(float)
    site, occasion = np.nonzero(~np.isnan(detected))
    columns: dict[str, NDArray[np.generic]] = {"occasion": occasion}
    for name, variable in history.data_vars.items():
        if name != "detected" and variable.dims == ("cell", "occasion"):
            columns[str(name)] = variable.to_numpy()[site, occasion]
    if "effort" in columns and "log_effort" not in columns:
        effort = columns["effort"].astype(float)
        columns["log_effort"] = np.log(effort, out=np.full(effort.shape, np.nan), where=effort > 0)
    own = of_site.drop(columns=[c for c in of_site.columns if c in columns]).iloc[site]
    of_visit = pd.concat([pd.DataFrame(columns), own.reset_index(drop=True)], axis=1)
    return Visits(detected[site, occasion], site, of_visit, of_site)


def by_cell(covariates: pd.DataFrame | None) -> pd.DataFrame:
    """Return `covariates` with cells as the index, without geometry.

    Raises
    ------
    ContractError
        If a cell is named twice: a table of several years must be cut to one first.
    """
    table = pd.DataFrame() if covariates is None else pd.DataFrame(covariates)
    if "cell" in table.columns:
        table = table.set_index("cell")
    if not table.index.is_unique:
        raise ContractError("a cell has several rows", where="covariates", mend="take the rows of one year")
    return table.drop(columns="geometry", errors="ignore")


def _names(history: xr.Dataset) -> NDArray[np.generic]:
    return history["cell"].to_numpy()
