"""Which model: tables of AIC, and averages over models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.special import expit

from habitat.errors import EstimationError
from habitat.estimation import Z95


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
    return average_tables({name: model.predict(covariates) for name, model in models.items()}, weight, c_hat=c_hat)


def average_tables(tables: Mapping[str, pd.DataFrame], weight: pd.Series, *, c_hat: float = 1.0) -> pd.DataFrame:
    """Return the mean of models' predictions, with its unconditional standard error; see :func:`average_psi`.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        psi, se, extrapolated; rows alike.
    weight : Series
        By name; they are taken so that those of `tables` add up to 1.
    """
    share = weight[list(tables)] / weight[list(tables)].sum()
    psi = sum(share[name] * table["psi"] for name, table in tables.items())
    assert isinstance(psi, pd.Series)
    spread = sum(
        share[name] * np.sqrt(max(c_hat, 1.0) * table["se"] ** 2 + (table["psi"] - psi) ** 2)
        for name, table in tables.items()
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        logit, slope = np.log(psi) - np.log1p(-psi), psi * (1 - psi)
        lower, upper = expit(logit - Z95 * spread / slope), expit(logit + Z95 * spread / slope)
    beyond = pd.concat([table["extrapolated"] for table in tables.values()], axis=1).any(axis=1)
    return pd.DataFrame({"psi": psi, "se": spread, "lower": lower, "upper": upper, "extrapolated": beyond})
