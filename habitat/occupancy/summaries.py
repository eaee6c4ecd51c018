"""One species in one season, from its history to the tables of a run: by cell, by coefficient, and as one share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit

from habitat.errors import ContractError
from habitat.estimation import Z95, NoDataError
from habitat.occupancy.histories import by_cell, naive_occupancy, surveyed_cells
from habitat.occupancy.single_season import SingleSeasonOccupancy

N_DRAWS = 1000
"""Draws behind the limits of the finite-sample share."""

_PREDICTED = ("psi", "se", "lower", "upper", "extrapolated")


@dataclass(frozen=True)
class SeasonEstimate:
    """What is known of one species in one season."""

    cells: gpd.GeoDataFrame
    """cell, season, species, surveyed, detected, naive (the season's), psi, se, lower, upper, extrapolated,
    geometry; psi to upper are null where no model could be estimated."""
    shares: pd.DataFrame
    """season, species, method ("naive", "model", "finite_sample"), share, se, lower, upper, n_cells."""
    estimates: pd.DataFrame
    """season, species, and the model's `estimates_`; empty without a model."""
    note: str | None
    """Why psi is not given, or given only in part; None if nothing is amiss."""
    model: SingleSeasonOccupancy | None


def estimate_season(
    history: xr.Dataset, cells: gpd.GeoDataFrame, *, psi: str = "1", p: str = "1", min_cells: int = 30
) -> SeasonEstimate:
    """Estimate in which cells a species lives in one season.

    Parameters
    ----------
    history : Dataset
        Over (cell, occasion), with attributes `species` and `season`.
    cells : GeoDataFrame
        One row for every cell of the area: covariates of the habitat before the season, geometry.
    psi, p : str
        Formulas of :class:`SingleSeasonOccupancy`.
    min_cells : int
        With fewer surveyed cells only naive occupancy is given.

    Raises
    ------
    EstimationError
        If a formula cannot be read or names an unknown variable.
    ContractError
        If `history` holds a cell that `cells` lacks, or a cell has several rows.
    """
    state = surveyed_cells(history)
    table = by_cell(cells)
    if missing := list(state.index.difference(table.index)):
        raise ContractError(f"cell {missing[0]} of the history is not among the cells", where="occupancy")
    state = state.reindex(table.index, fill_value=False)
    n_surveyed = int(state["surveyed"].sum())
    model, note = _fit(history, table, SingleSeasonOccupancy(psi=psi, p=p), min_cells)
    label = {"season": history.attrs.get("season"), "species": history.attrs.get("species")}
    predicted = pd.DataFrame(np.nan, index=table.index, columns=list(_PREDICTED[:-1])).assign(extrapolated=False)
    if model is not None:
        predicted = model.predict(table)
    naive = naive_occupancy(history)
    by_cells = pd.concat([state.assign(naive=naive), predicted], axis=1).reset_index(names="cell")
    shares = pd.DataFrame([{"method": "naive", "share": naive, "n_cells": n_surveyed}])
    estimates = pd.DataFrame()
    if model is not None:
        shares = pd.concat([shares, share_occupied(model, table)], ignore_index=True)
        estimates = _labelled(model.estimates_, label)
    shares = shares.reindex(columns=["method", "share", "se", "lower", "upper", "n_cells"])
    geometry = gpd.GeoSeries(cells.geometry.to_numpy(), crs=cells.crs)
    return SeasonEstimate(
        cells=gpd.GeoDataFrame(_labelled(by_cells, label, after=1), geometry=geometry),
        shares=_labelled(shares, label),
        estimates=estimates,
        note=note,
        model=model,
    )


def share_occupied(model: SingleSeasonOccupancy, cells: pd.DataFrame, *, n_draws: int = N_DRAWS) -> pd.DataFrame:
    """Return the share of cells that are occupied, with 95% limits.

    Two questions, two rows. `model`: the mean of psi, what is to be expected of such cells; its standard
    error by the delta method, its limits on the logit. `finite_sample`: the share of these very cells in
    this very season, in which a cell with a detection is occupied for certain; its limits are quantiles
    of `n_draws` draws of coefficients and states. Cells without psi are left out, `n_cells` says how many
    count.

    Returns
    -------
    DataFrame
        method, share, se, lower, upper, n_cells.
    """
    table = by_cell(cells)
    psi = model.predict(table)["psi"].to_numpy()
    known = np.isfinite(psi)
    n_cells = int(known.sum())
    if not n_cells:
        empty = {"share": np.nan, "se": np.nan, "lower": np.nan, "upper": np.nan, "n_cells": 0}
        return pd.DataFrame([{"method": method, **empty} for method in ("model", "finite_sample")])
    share, se = model.mean_psi(table[known])
    spread = Z95 * se / max(share * (1 - share), 1e-300)
    logit = np.log(share) - np.log1p(-share)
    rows = [
        {"method": "model", "share": share, "se": se, "lower": expit(logit - spread), "upper": expit(logit + spread)}
    ]
    draws = model.draw_occupancy(table[known], n_draws=n_draws).mean(axis=1)
    lower, upper = np.quantile(draws, [0.025, 0.975])
    rows.append(
        {"method": "finite_sample", "share": draws.mean(), "se": draws.std(ddof=1), "lower": lower, "upper": upper}
    )
    return pd.DataFrame(rows).assign(n_cells=n_cells)


def _fit(
    history: xr.Dataset, cells: pd.DataFrame, model: SingleSeasonOccupancy, min_cells: int
) -> tuple[SingleSeasonOccupancy | None, str | None]:
    """Fit, and say what is wrong with the fit."""
    n_surveyed = int(surveyed_cells(history)["surveyed"].sum())
    few = f"{{}} of {len(cells)} cells surveyed{{}}, a model needs {min_cells}"
    if n_surveyed < min_cells:
        return None, few.format(n_surveyed, "")
    try:
        model.fit(history, cells)
    except NoDataError as error:
        return None, str(error)
    if model.n_sites_ < min_cells:
        return None, few.format(model.n_sites_, " and with all covariates")
    if not model.converged_:
        return None, "the model did not converge"
    notes = []
    if model.boundary_:
        terms = ", ".join(f"{parameter}({term})" for parameter, term in model.boundary_)
        notes.append(f"{terms} at a boundary, not estimated")
    aliased = model.estimates_.query("status == 'aliased'")
    if len(aliased):
        terms = ", ".join(f"{row.parameter}({row.term})" for row in aliased.itertuples())
        notes.append(f"{terms} not estimated: no variation of its own")
    if len(model.dropped_):
        notes.append(f"{len(model.dropped_)} surveyed cells left out ({model.dropped_.iloc[0]})")
    return model, "; ".join(notes) or None


def _labelled(table: pd.DataFrame, label: dict[str, Any], after: int = 0) -> pd.DataFrame:
    table = table.copy()
    for place, (name, value) in enumerate(label.items()):
        table.insert(after + place, name, value)
    return table
