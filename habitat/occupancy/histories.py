"""Detection histories as the models read them: one row a visit, one row a cell, one row a step between seasons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from habitat.errors import ContractError

NEXT = "next_"
"""What a covariate of the season after a step is called in the formulas of that step."""


def check_history(history: xr.Dataset) -> xr.Dataset:
    """Return `history` unchanged if it is one.

    Raises
    ------
    ContractError
        If `detected` is missing, does not lie over (cell, occasion) or (cell, season, occasion), holds anything but
        0, 1 and NaN, or cells are named twice.
    """
    known = (("cell", "occasion"), ("cell", "season", "occasion"))
    if "detected" not in history or history["detected"].dims not in known:
        raise ContractError("'detected' over (cell, occasion) or (cell, season, occasion) is missing", where="history")
    values = history["detected"].to_numpy()
    if not (np.isnan(values) | (values == 0) | (values == 1)).all():
        raise ContractError("'detected' holds other values than 0, 1 and NaN", where="history")
    for name in ("cell", "season"):
        if not history.indexes.get(name, pd.RangeIndex(0)).is_unique:
            raise ContractError(f"a {name} is named twice", where="history")
    return history


def surveyed_cells(history: xr.Dataset) -> pd.DataFrame:
    """Return, by cell, `surveyed` (was it visited at all?) and `detected` (was the species ever seen?).

    >>> history = xr.Dataset({"detected": (("cell", "occasion"), [[0.0, 1.0], [0.0, np.nan], [np.nan, np.nan]])})
    >>> surveyed_cells(history.assign_coords(cell=["a", "b", "c"])).sum().to_dict()
    {'surveyed': 2, 'detected': 1}
    """
    seen = check_history(history)["detected"].to_numpy()
    seen = seen.reshape(len(seen), -1)
    index = pd.Index(_names(history), name="cell")
    return pd.DataFrame({"surveyed": ~np.isnan(seen).all(axis=1), "detected": (seen == 1).any(axis=1)}, index=index)


def naive_occupancy(history: xr.Dataset) -> float:
    """Return the share of surveyed cells in which the species was seen: too low wherever detection fails.

    NaN when no cell was surveyed.
    """
    cells = surveyed_cells(history)
    n_surveyed = int(cells["surveyed"].sum())
    return float(cells["detected"].sum() / n_surveyed) if n_surveyed else float("nan")


@dataclass(frozen=True, eq=False)
class Visits:
    """A history cut into its visits, with all that formulas may use."""

    detected: NDArray[np.float64]
    """0 or 1 of each visit."""
    site: NDArray[np.int64]
    """Row of each visit's cell in `of_site`."""
    season: NDArray[np.int64]
    """Number of each visit's season; 0 in a history of one."""
    n_seasons: int
    of_visit: pd.DataFrame
    """Variables of the visit, of its cell in its season, and of its cell."""
    of_site: pd.DataFrame
    """Variables of each cell in the first season, by its name."""
    of_step: pd.DataFrame
    """Variables of each cell and step between seasons, cell by cell: of the season before the step by their names, of
    the one after it by `next_` and their names; `season` is the one before."""


def visits_of(history: xr.Dataset, covariates: pd.DataFrame | None) -> Visits:
    """Cut `history` into its visits.

    Parameters
    ----------
    history : Dataset
        Variables over (cell, occasion) or (cell, season, occasion) are of the visit, those over (cell, season) of the
        cell in that season.
    covariates : DataFrame, optional
        One row a cell, with a column `cell` or cells as its index. A cell that it lacks has no covariates.

    Raises
    ------
    ContractError
        If `history` is none, or `covariates` name a cell twice.
    """
    check_history(history)
    of_site = by_cell(covariates).reindex(_names(history))
    whole = history if "season" in history["detected"].dims else history.expand_dims(season=[0], axis=1)
    whole = whole.transpose("cell", "season", "occasion", ...)
    detected = whole["detected"].to_numpy().astype(float)
    n_sites, n_seasons, _ = detected.shape
    site, season, occasion = np.nonzero(~np.isnan(detected))
    columns: dict[str, NDArray[np.generic]] = {"occasion": occasion}
    seasonal: dict[str, NDArray[np.generic]] = {}
    for name, variable in whole.data_vars.items():
        if name != "detected" and variable.dims == ("cell", "season", "occasion"):
            columns[str(name)] = variable.to_numpy()[site, season, occasion]
        elif variable.dims == ("cell", "season"):
            seasonal[str(name)] = variable.to_numpy()
    if "season" in history["detected"].dims:
        labels = np.array([str(label) for label in whole["season"].to_numpy()], dtype=object)
        seasonal["season"] = np.broadcast_to(labels, (n_sites, n_seasons))
    if "effort" in columns and "log_effort" not in columns:
        effort = columns["effort"].astype(float)
        columns["log_effort"] = np.log(effort, out=np.full(effort.shape, np.nan), where=effort > 0)
    own = {name: values[site, season] for name, values in seasonal.items() if name not in columns}
    of_visit = _beside(of_site.iloc[site], columns | own)
    first = of_site.assign(**{name: values[:, 0] for name, values in seasonal.items()})
    before = {name: values[:, :-1].ravel() for name, values in seasonal.items()}
    after = {NEXT + name: values[:, 1:].ravel() for name, values in seasonal.items()}
    steps = np.repeat(np.arange(n_sites), n_seasons - 1)
    return Visits(
        detected[site, season, occasion],
        site,
        season,
        n_seasons,
        of_visit,
        first,
        _beside(of_site.iloc[steps], before | after),
    )


def _beside(of_site: pd.DataFrame, columns: dict[str, NDArray[np.generic]]) -> pd.DataFrame:
    """Put columns beside those of the cell that have other names."""
    own = of_site.drop(columns=[name for name in of_site.columns if name in columns]).reset_index(drop=True)
    return pd.concat([pd.DataFrame(columns, index=own.index), own], axis=1)


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
