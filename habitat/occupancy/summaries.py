"""One species, from its history to the tables of a run: by cell, by coefficient, and as one share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit

from habitat.errors import ContractError
from habitat.estimation import Z95
from habitat.occupancy.choosing import Choice, choose_model
from habitat.occupancy.dynamic import DynamicOccupancy
from habitat.occupancy.fits import average_tables
from habitat.occupancy.histories import by_cell, naive_occupancy, surveyed_cells
from habitat.occupancy.single_season import SingleSeasonOccupancy

N_DRAWS = 1000
"""Draws behind the limits of the finite-sample share."""

_PREDICTED = ("psi", "se", "lower", "upper", "conditional")
_ABUNDANCE = ("lam", "lam_lower", "lam_upper")
_SHARES = ["season", "species", "method", "share", "se", "lower", "upper", "n_cells"]


@dataclass(frozen=True)
class SeasonEstimate:
    """What is known of one species in one season, or in all seasons of a dynamic model."""

    cells: gpd.GeoDataFrame
    """cell, season, species, surveyed, detected, naive (the season's), psi, se, lower, upper, extrapolated,
    conditional (use given the cell's own history; psi where it was not surveyed), of an abundance model lam, lam_lower,
    lam_upper (animals expected in the cell), geometry; psi to upper and conditional are null where no model could be
    estimated."""
    shares: pd.DataFrame
    """season, species, method ("naive", "model", "finite_sample"), share, se, lower, upper, n_cells."""
    estimates: pd.DataFrame
    """season, species, and the model's `estimates_`; empty without a model."""
    note: str | None
    """Why psi is not given, or given only in part; None if nothing is amiss."""
    model: Any
    """The fitted model, or None."""
    comparison: pd.DataFrame
    """season, species, and the AIC table of the candidates; empty with one only."""
    history: xr.Dataset
    """What the model was fitted to."""
    covariates: pd.DataFrame
    """By cell, what the model was told of it."""
    averaged: pd.DataFrame
    """Of several candidates: cell, season, species, psi averaged by AIC weights, se (unconditional: it holds the
    candidates' disagreement), lower, upper, extrapolated, models (how many were averaged) and weight (theirs together;
    below 1 where a candidate gave no psi, or did not converge); else empty."""


def estimate_season(
    history: xr.Dataset,
    cells: gpd.GeoDataFrame,
    *,
    psi: str = "1",
    p: str = "1",
    min_cells: int = 30,
    models: Mapping[str, Any] | None = None,
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
    models : mapping of name to model, optional
        Candidates of one season or of abundance, in place of `psi` and `p`; that with the least AIC counts.

    Raises
    ------
    EstimationError
        If a formula cannot be read or names an unknown variable.
    ContractError
        If `history` holds a cell that `cells` lacks, or a cell has several rows.
    """
    table = by_cell(cells)
    _refuse_strangers(history, table.index)
    candidates = models or {"model": SingleSeasonOccupancy(psi=psi, p=p)}
    choice = choose_model(candidates, history, table, min_cells=min_cells)
    season, species = history.attrs.get("season"), history.attrs.get("species")
    predicted = pd.DataFrame(np.nan, index=table.index, columns=list(_PREDICTED)).assign(extrapolated=False)
    shares = [_naive(history, season)]
    if choice.model is not None:
        predicted = choice.model.predict(table)
        given = choice.model.conditional_.reindex(table.index)
        predicted["conditional"] = given.where(given.notna(), predicted["psi"])
        shares.append(share_occupied(choice.model, table).assign(season=season))
    state = surveyed_cells(history).reindex(table.index, fill_value=False)
    if choice.model is not None:
        predicted["conditional"] = _surely(predicted["conditional"], state["detected"], choice.model)
    of_cells = pd.concat([state.assign(naive=naive_occupancy(history), season=season), predicted], axis=1)
    geometry = gpd.GeoSeries(cells.geometry.to_numpy(), crs=cells.crs)
    return SeasonEstimate(
        _cells(of_cells.reset_index(names="cell"), species, geometry),
        _shares(shares, species),
        _labelled(choice.model.estimates_, season, species) if choice.model is not None else pd.DataFrame(),
        choice.note,
        choice.model,
        _comparison(choice, season, species),
        choice.history,
        table,
        _averaged(choice, lambda model: _with_names(model.predict(table), season), species),
    )


def estimate_seasons(
    history: xr.Dataset, cells: gpd.GeoDataFrame, *, models: Mapping[str, DynamicOccupancy], min_cells: int = 30
) -> SeasonEstimate:
    """Estimate in which cells a species lives in several seasons, with cells that are colonised and left between them.

    Parameters
    ----------
    history : Dataset
        Over (cell, season, occasion), seasons a year apart, with the attribute `species`.
    cells : GeoDataFrame
        One row for every cell of the area and season: `cell`, `season`, covariates of the habitat before the season,
        geometry. Columns of numbers become variables over (cell, season) of the history.
    models : mapping of name to DynamicOccupancy
        Candidates, not yet fitted.
    min_cells : int
        With fewer surveyed cells only naive occupancy is given.

    Raises
    ------
    EstimationError, ContractError
        As :func:`estimate_season`; ContractError also if a cell lacks a season.
    """
    outlines = cells.drop_duplicates("cell").set_index("cell").geometry
    _refuse_strangers(history, outlines.index)
    whole = _with_covariates(history, cells, outlines.index)
    bare = pd.DataFrame(index=outlines.index)
    choice = choose_model(models, whole, bare, min_cells=min_cells)
    species, seasons = history.attrs.get("species"), whole["season"].to_numpy()
    detected = whole["detected"]
    rows = pd.DataFrame({"cell": np.repeat(outlines.index, len(seasons)), "season": np.tile(seasons, len(outlines))})
    rows["surveyed"] = detected.notnull().any("occasion").to_numpy().ravel()
    rows["detected"] = (detected == 1).any("occasion").to_numpy().ravel()
    naive = {season: naive_occupancy(whole[["detected"]].sel(season=season)) for season in seasons}
    rows["naive"] = rows["season"].map(naive)
    shares = [_naive(whole[["detected"]].sel(season=season), season) for season in seasons]
    predicted = pd.DataFrame(np.nan, index=rows.index, columns=list(_PREDICTED)).assign(extrapolated=False)
    if choice.model is not None:
        predicted = choice.model.predict_seasons(whole, bare)[[*_PREDICTED, "extrapolated"]]
        predicted["conditional"] = _surely(predicted["conditional"], rows["detected"], choice.model)
        shares.append(choice.model.share_occupied(whole, bare, n_draws=N_DRAWS))
    geometry = gpd.GeoSeries(np.repeat(outlines.to_numpy(), len(seasons)), crs=cells.crs)
    span = f"{seasons[0]}-{seasons[-1]}"
    return SeasonEstimate(
        _cells(pd.concat([rows, predicted], axis=1), species, geometry),
        _shares(shares, species),
        _labelled(choice.model.estimates_, span, species) if choice.model is not None else pd.DataFrame(),
        choice.note,
        choice.model,
        _comparison(choice, span, species),
        choice.history,
        bare,
        _averaged(choice, lambda model: model.predict_seasons(whole, bare), species),
    )


def share_occupied(model: Any, cells: pd.DataFrame, *, n_draws: int = N_DRAWS) -> pd.DataFrame:
    """Return the share of cells that are occupied, with 95% limits.

    Two questions, two rows. `model`: the mean of psi, what is to be expected of such cells; its standard
    error by the delta method, its limits on the logit. `finite_sample`: the share of these very cells in
    this very season, in which a cell with a detection is occupied for certain; its limits are quantiles
    of `n_draws` draws of coefficients and states. Cells without psi are left out, `n_cells` says how many
    count.

    Parameters
    ----------
    model : SingleSeasonOccupancy or RoyleNicholsOccupancy
        Fitted.

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


def _surely(conditional: pd.Series, detected: pd.Series, model: Any) -> pd.Series:
    """A cell with a record is used, whatever is not known of its habitat, unless records may be false."""
    return conditional if getattr(model, "fp", None) is not None else conditional.mask(detected, 1.0)


def _refuse_strangers(history: xr.Dataset, cells: pd.Index) -> None:
    if missing := list(pd.Index(history["cell"].to_numpy()).difference(cells)):
        raise ContractError(f"cell {missing[0]} of the history is not among the cells", where="occupancy")


def _with_covariates(history: xr.Dataset, cells: pd.DataFrame, names: pd.Index) -> xr.Dataset:
    """The history over all cells, with their numbers as variables over (cell, season)."""
    seasons = history["season"].to_numpy()
    wanted = pd.MultiIndex.from_product([names, seasons], names=["cell", "season"])
    table = pd.DataFrame(cells).set_index(["cell", "season"])
    if not wanted.isin(table.index).all() or not table.index.is_unique:
        raise ContractError("a cell lacks a season, or has one twice", where="covariates")
    whole = history.reindex(cell=names.to_numpy())
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name]) and name not in history:
            values = table[name].reindex(wanted).to_numpy(dtype=float).reshape(len(names), len(seasons))
            whole[str(name)] = (("cell", "season"), values)
    return whole


def _naive(history: xr.Dataset, season: Any) -> pd.DataFrame:
    n = int(surveyed_cells(history)["surveyed"].sum())
    return pd.DataFrame([{"season": season, "method": "naive", "share": naive_occupancy(history), "n_cells": n}])


def _shares(parts: list[pd.DataFrame], species: Any) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True).assign(species=species)
    return table.reindex(columns=_SHARES).sort_values("season", kind="stable", ignore_index=True)


def _cells(table: pd.DataFrame, species: Any, geometry: gpd.GeoSeries) -> gpd.GeoDataFrame:
    first = ["cell", "season", "species", "surveyed", "detected", "naive"]
    more = [name for name in _ABUNDANCE if name in table]
    table = table.assign(species=species)[[*first, *_PREDICTED[:-1], "extrapolated", "conditional", *more]]
    return gpd.GeoDataFrame(table, geometry=geometry)


def _comparison(choice: Choice, season: Any, species: Any) -> pd.DataFrame:
    return _labelled(choice.comparison, season, species) if len(choice.comparison) else choice.comparison


def _with_names(predicted: pd.DataFrame, season: Any) -> pd.DataFrame:
    return predicted.rename_axis(index="cell").reset_index().assign(season=season)


def _averaged(choice: Choice, predict: Callable[[Any], pd.DataFrame], species: Any) -> pd.DataFrame:
    """Predictions averaged over candidates that give any."""
    if not len(choice.comparison) or choice.model is None:
        return pd.DataFrame()
    tables = {name: predict(model) for name, model in choice.converged.items()}
    tables = {name: table for name, table in tables.items() if table["psi"].notna().any()}
    if not tables:
        return pd.DataFrame()
    weight = choice.comparison.set_index("model")["weight"]
    keys = next(iter(tables.values()))[["cell", "season"]]
    mean = pd.concat([keys.assign(species=species), average_tables(tables, weight)], axis=1)
    return mean.assign(models=len(tables), weight=float(weight[list(tables)].sum()))


def _labelled(table: pd.DataFrame, season: Any, species: Any) -> pd.DataFrame:
    table = table.copy()
    table.insert(0, "season", season)
    table.insert(1, "species", species)
    return table
