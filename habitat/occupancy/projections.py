"""Psi of every cell in every season, from the first season's use and the rates of all steps, with its doubt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from habitat.estimation import Coefficients, probability
from habitat.occupancy.histories import Visits
from habitat.occupancy.states import project

Floats = NDArray[np.float64]
_NAMES = ("psi", "col", "ext")


@dataclass(frozen=True, eq=False)
class Projection:
    """A dynamic model's coefficients on the covariates of all cells, surveyed or not."""

    coefficients: Coefficients
    visits: Visits

    def table(self) -> pd.DataFrame:
        """Return psi, se (delta method), lower, upper (95%, from the logit), extrapolated, one row a cell x season.

        Cell by cell. Null from the first season on that a covariate is missing, or where a coefficient at a boundary
        counts. Extrapolated once a covariate of the first season, or of a step up to here, lay beyond the survey's.
        """
        variance = np.einsum("ctj,jk,ctk->ct", self._slopes, self._covariance, self._slopes)
        spread = self.psi * (1 - self.psi)
        with np.errstate(invalid="ignore", divide="ignore"):
            se = np.sqrt(np.maximum(variance, 0)) / spread
            table = probability(logit(self.psi).ravel(), se.ravel())
        designs = self.coefficients.designs
        first = designs["psi"].outside(self.visits.of_site)[:, None]
        steps = designs["col"].outside(self.visits.of_step) | designs["ext"].outside(self.visits.of_step)
        outside = np.logical_or.accumulate(np.concatenate([first, steps.reshape(len(first), -1)], axis=1), axis=1)
        return table.rename(columns={"estimate": "psi"}).assign(extrapolated=outside.ravel())

    def mean(self) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Return, by season, the mean of psi over the cells that have one, its standard error, and their number."""
        known = np.isfinite(self.psi)
        n = known.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(known, self.psi, 0).sum(axis=0) / n
            slope = np.where(known[:, :, None], self._slopes, 0).sum(axis=0) / n[:, None]
        return mean, np.sqrt(np.einsum("tj,jk,tk->t", slope, self._covariance, slope)), n

    @cached_property
    def psi(self) -> Floats:
        """(cell, season)."""
        return project(*(self._eta[name] for name in _NAMES))

    def draw(self, raw: Floats) -> Floats:
        """Return psi (cell, season) at other coefficients; 0 where :attr:`psi` is not known."""
        eta = {name: self._matrices[name] @ raw[part] for name, part in self._places.items()}
        psi = project(eta["psi"], self._by_step(eta["col"]), self._by_step(eta["ext"]))
        return np.where(np.isfinite(self.psi), psi, 0.0)

    @cached_property
    def _places(self) -> dict[str, NDArray[np.int64]]:
        """Of each parameter's coefficients among all."""
        labels = self.coefficients.covariance.index.get_level_values("parameter")
        return {name: np.flatnonzero(labels == name) for name in _NAMES}

    @cached_property
    def _matrices(self) -> dict[str, Floats]:
        tables = {"psi": self.visits.of_site, "col": self.visits.of_step, "ext": self.visits.of_step}
        return {name: self.coefficients.designs[name].matrix(tables[name]) for name in _NAMES}

    @cached_property
    def _eta(self) -> dict[str, Floats]:
        """Predictors, NaN where they are not known."""
        tables = {"psi": self.visits.of_site, "col": self.visits.of_step, "ext": self.visits.of_step}
        found = {name: self.coefficients.predictor(name, tables[name])[0] for name in _NAMES}
        return {name: eta if name == "psi" else self._by_step(eta) for name, eta in found.items()}

    @cached_property
    def _covariance(self) -> Floats:
        """Of all coefficients; 0 where one is at a boundary: those have no part in what is known."""
        return np.nan_to_num(self.coefficients.covariance.to_numpy())

    @cached_property
    def _slopes(self) -> Floats:
        """Gradients (cell, season, coefficient) of psi."""
        n, seasons = self.psi.shape
        on = self._places
        col, ext = expit(self._eta["col"]), expit(self._eta["ext"])
        slopes = np.zeros((n, seasons, len(self._covariance)))
        slopes[:, 0, on["psi"]] = (self.psi[:, 0] * (1 - self.psi[:, 0]))[:, None] * self._matrices["psi"]
        steps = {name: self._matrices[name].reshape(n, seasons - 1, -1) for name in ("col", "ext")}
        for t in range(seasons - 1):
            before, gain, loss = self.psi[:, t], col[:, t], ext[:, t]
            slopes[:, t + 1] = slopes[:, t] * (1 - loss - gain)[:, None]
            slopes[:, t + 1, on["col"]] += ((1 - before) * gain * (1 - gain))[:, None] * steps["col"][:, t]
            slopes[:, t + 1, on["ext"]] -= (before * loss * (1 - loss))[:, None] * steps["ext"][:, t]
        return slopes

    def _by_step(self, values: Floats) -> Floats:
        return values.reshape(len(self.visits.of_site), self.visits.n_seasons - 1)
