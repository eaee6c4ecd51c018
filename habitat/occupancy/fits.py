"""Which model, and does it fit: tables of AIC, averages over models, and the bootstrap test of fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from habitat.errors import EstimationError
from habitat.estimation import Z95
from habitat.occupancy.histories import visits_of
from habitat.occupancy.single_season import SingleSeasonOccupancy

Floats = NDArray[np.float64]


class Fitted(Protocol):
    """A fitted model of psi."""

    loglik_: float
    aic_: float
    n_sites_: int
    n_visits_: int
    converged_: bool
    estimates_: pd.DataFrame

    def predict(self, covariates: pd.DataFrame) -> pd.DataFrame:
        """Return psi, se, lower, upper, extrapolated by cell."""
        ...


def compare_models(models: Mapping[str, Fitted], *, c_hat: float = 1.0) -> pd.DataFrame:
    """Rank models of the same data by AIC, or by QAIC where `c_hat` is above 1 (Burnham and Anderson 2002).

    Parameters
    ----------
    models : mapping of name to fitted model
    c_hat : float
        Overdispersion, of :func:`assess_fit` on the most general model; below 1 counts as 1.

    Returns
    -------
    DataFrame
        model, n_parameters, loglik, aic (QAIC), delta, weight, converged, boundary (estimates at one), best first.

    Raises
    ------
    EstimationError
        If models used different cells or visits: their likelihoods cannot be compared.
    """
    sizes = {name: (model.n_sites_, model.n_visits_) for name, model in models.items()}
    if len(set(sizes.values())) > 1:
        least = min(sizes, key=lambda name: sizes[name])
        raise EstimationError(
            f"model {least!r} used {sizes[least][0]} cells and {sizes[least][1]} visits, others more",
            where="comparison",
            mend="leave out cells and visits without all models' covariates, and fit all again",
        )
    rows = []
    for name, model in models.items():
        n = int((model.estimates_["status"] != "aliased").sum()) + (c_hat > 1)
        rows.append(
            {
                "model": name,
                "n_parameters": n,
                "loglik": model.loglik_,
                "aic": 2 * n - 2 * model.loglik_ / max(c_hat, 1.0),
                "converged": model.converged_,
                "boundary": int((model.estimates_["status"] == "boundary").sum()),
            }
        )
    table = pd.DataFrame(rows).sort_values("aic", kind="stable", ignore_index=True)
    delta = table["aic"] - table["aic"].min()
    weight = np.exp(-delta / 2)
    table.insert(4, "delta", delta)
    table.insert(5, "weight", weight / weight.sum())
    return table


def average_psi(models: Mapping[str, Fitted], covariates: pd.DataFrame, *, c_hat: float = 1.0) -> pd.DataFrame:
    """Return psi averaged over models by their AIC weights, with a standard error that holds their disagreement.

    The unconditional standard error of Burnham and Anderson (2002, eq. 4.9).

    Returns
    -------
    DataFrame
        psi, se, lower, upper (95%, from the logit), extrapolated (by any model); by cell.
    """
    weight = compare_models(models, c_hat=c_hat).set_index("model")["weight"]
    tables = {name: model.predict(covariates) for name, model in models.items()}
    psi = sum(weight[name] * table["psi"] for name, table in tables.items())
    assert isinstance(psi, pd.Series)
    spread = sum(
        weight[name] * np.sqrt(max(c_hat, 1.0) * table["se"] ** 2 + (table["psi"] - psi) ** 2)
        for name, table in tables.items()
    )
    logit, slope = np.log(psi) - np.log1p(-psi), psi * (1 - psi)
    beyond = pd.concat([table["extrapolated"] for table in tables.values()], axis=1).any(axis=1)
    return pd.DataFrame(
        {
            "psi": psi,
            "se": spread,
            "lower": expit(logit - Z95 * spread / slope),
            "upper": expit(logit + Z95 * spread / slope),
            "extrapolated": beyond,
        }
    )


@dataclass(frozen=True)
class FitTest:
    """How well histories agree with a model."""

    chi_square: float
    p_value: float
    """Share of simulated data sets that agree no better."""
    c_hat: float
    """Overdispersion: the observed statistic over the mean of the simulated ones."""
    n_draws: int


def assess_fit(
    model: SingleSeasonOccupancy,
    history: xr.Dataset,
    covariates: pd.DataFrame | None = None,
    *,
    n_draws: int = 200,
    seed: int = 0,
) -> FitTest:
    """Test a single-season model's fit by parametric bootstrap (MacKenzie and Bailey 2004).

    Histories are counted within groups of cells that were surveyed on the same occasions; the statistic is Pearson's
    chi-square over all histories that occur, and over those that do not by what is left.

    Parameters
    ----------
    model : SingleSeasonOccupancy
        Fitted to this `history`, without false records.

    References
    ----------
    MacKenzie, D. I. and Bailey, L. L. (2004). Assessing the fit of site-occupancy models. Journal of Agricultural,
    Biological, and Environmental Statistics 9, 300-318.
    """
    if model.fp is not None:
        raise EstimationError("the test of fit knows no false records", where="fp", mend="test the model without them")
    visits = visits_of(history, covariates)
    psi, p = model.rates_of(visits)
    seen = history["detected"].to_numpy()
    site, occasion = np.nonzero(~np.isnan(seen))
    chance = np.full(seen.shape, np.nan)
    chance[site, occasion] = p
    usable = np.isfinite(psi) & ~np.isnan(seen).all(axis=1) & (np.isfinite(chance) | np.isnan(seen)).all(axis=1)
    seen, chance, psi = seen[usable], chance[usable], psi[usable]
    observed = _chi_square(seen, psi, chance)
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_draws):
        used = random.random(len(psi)) < psi
        fake = np.where(np.isnan(seen), np.nan, (random.random(seen.shape) < np.nan_to_num(chance)) & used[:, None])
        try:
            again = SingleSeasonOccupancy(model.psi, model.p, n_starts=1, seed=model.seed)
            copy = history.isel(cell=np.flatnonzero(usable))
            again.fit(copy.assign(detected=(("cell", "occasion"), fake)), covariates)
            fitted_psi, fitted_p = again.rates_of(visits_of(copy, covariates))
        except EstimationError:  # nothing detected in this draw
            continue
        fitted = np.full(seen.shape, np.nan)
        fitted[~np.isnan(seen)] = fitted_p
        drawn.append(_chi_square(fake, fitted_psi, fitted))
    simulated = np.array(drawn)
    return FitTest(observed, float((simulated >= observed).mean()), float(observed / simulated.mean()), len(simulated))


def _chi_square(seen: Floats, psi: Floats, chance: Floats) -> float:
    """Pearson's statistic over histories, within groups of cells surveyed on the same occasions."""
    total = 0.0
    surveyed = ~np.isnan(seen)
    _, group = np.unique(surveyed, axis=0, return_inverse=True)
    for number in np.unique(group):
        rows = group.ravel() == number
        here = seen[rows][:, surveyed[rows][0]]
        p, use = chance[rows][:, surveyed[rows][0]], psi[rows]
        histories, count = np.unique(here, axis=0, return_counts=True)
        expected = np.zeros(len(histories))
        for k, history in enumerate(histories):
            given_use = np.prod(np.where(history == 1, p, 1 - p), axis=1)
            expected[k] = (use * given_use + (1 - use) * (not history.any())).sum()
        total += float(((count - expected) ** 2 / expected).sum() + max(rows.sum() - expected.sum(), 0.0))
    return total
