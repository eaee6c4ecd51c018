"""Of several models the one that the data speak for, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from habitat.estimation import NoDataError
from habitat.occupancy.fits import compare_models
from habitat.occupancy.histories import surveyed_cells


@dataclass(frozen=True, eq=False)
class Choice:
    """A fitted model, or why there is none."""

    model: Any
    """None if none could be fitted."""
    name: str | None
    comparison: pd.DataFrame
    """Of all candidates that could be fitted, as :func:`compare_models` returns it; empty if there was one only."""
    note: str | None
    """Why there is no model, or what is wrong with it; None if nothing is amiss."""
    history: xr.Dataset
    """What the models were fitted to: without the cells that one of them could not use."""
    converged: Mapping[str, Any] = field(default_factory=dict)
    """Candidates whose fit converged, by name, if one was chosen."""


def choose_model(
    models: Mapping[str, Any], history: xr.Dataset, covariates: pd.DataFrame, *, min_cells: int = 30
) -> Choice:
    """Fit models to the same cells, and take the one with the least AIC.

    Cells without a covariate of any of the models are left out of all: otherwise AIC would compare other data.

    Parameters
    ----------
    models : mapping of name to model, not yet fitted
    history, covariates
        As the models' `fit` takes them.
    min_cells : int
        With fewer surveyed cells there is no model.

    Raises
    ------
    EstimationError
        If a formula cannot be read or names an unknown variable.
    """
    n_cells, n_surveyed = history.sizes["cell"], int(surveyed_cells(history)["surveyed"].sum())
    few = f"{{}} of {max(n_cells, len(covariates))} cells surveyed{{}}, a model needs {min_cells}"
    if n_surveyed < min_cells:
        return Choice(None, None, pd.DataFrame(), few.format(n_surveyed, ""), history)
    fitted, reasons = _fit_all(models, history, covariates)
    left_out = 0
    if len({(model.n_sites_, model.n_visits_) for model in fitted.values()}) > 1:
        history = _shared(fitted, history)
        left_out = n_surveyed - int(surveyed_cells(history)["surveyed"].sum())
        fitted, reasons = _fit_all(models, history, covariates)
    if not fitted:
        return Choice(None, None, pd.DataFrame(), next(iter(reasons.values())), history)
    converged = {name: model for name, model in fitted.items() if model.converged_}
    comparison = compare_models(fitted) if len(models) > 1 else pd.DataFrame()
    if not converged:
        return Choice(None, None, comparison, "the model did not converge", history)
    name = min(converged, key=lambda name: converged[name].aic_)
    model = converged[name]
    if model.n_sites_ < min_cells:
        return Choice(None, None, comparison, few.format(model.n_sites_, " and with all covariates"), history)
    notes = [f"{left_out} surveyed cells left out (a covariate of a candidate is missing)"] if left_out else []
    return Choice(model, name, comparison, "; ".join([*notes, *_faults(model)]) or None, history, converged)


def _fit_all(
    models: Mapping[str, Any], history: xr.Dataset, covariates: pd.DataFrame
) -> tuple[dict[str, Any], dict[str, str]]:
    """Fit all; also return why some have no data to be fitted to."""
    fitted, reasons = {}, {}
    for name, model in models.items():
        try:
            fitted[name] = model.fit(history, covariates)
        except NoDataError as error:
            reasons[name] = str(error)
    return fitted, reasons


def _shared(fitted: Mapping[str, Any], history: xr.Dataset) -> xr.Dataset:
    """The history without the cells that one of the models could not use."""
    used = reduce(pd.Index.intersection, (model.conditional_.index for model in fitted.values()))
    keep = np.isin(history["cell"].to_numpy(), used.to_numpy())
    detected = history["detected"].where(xr.DataArray(keep, dims="cell"))
    return history.assign(detected=detected.transpose(*history["detected"].dims))


def _faults(model: Any) -> list[str]:
    notes = []
    if model.boundary_:
        terms = ", ".join(f"{parameter}({term})" for parameter, term in model.boundary_)
        notes.append(f"{terms} at a boundary or without information, not estimated")
    aliased = model.estimates_.query("status == 'aliased'")
    if len(aliased):
        terms = ", ".join(f"{row.parameter}({row.term})" for row in aliased.itertuples())
        notes.append(f"{terms} not estimated: no variation of its own")
    if len(model.dropped_):
        notes.append(f"{len(model.dropped_)} surveyed cells left out ({model.dropped_.iloc[0]})")
    return notes
