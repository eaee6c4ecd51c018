"""What all models of states share: from a history to coefficients, their doubt, and each cell's probability of use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from habitat.estimation import Coefficients, NoDataError, aic, estimate, probability, profile_intervals
from habitat.occupancy.binding import Bound, bind, visit_variable
from habitat.occupancy.detection import Detection, TrueDetection, UncertainDetection
from habitat.occupancy.histories import Visits, by_cell, visits_of
from habitat.occupancy.likelihoods import StateLikelihood

Floats = NDArray[np.float64]

_RARE = -3.0
"""Where the search for false records begins, logit: of two equal explanations the one with few of them is meant."""


class StateModel:
    """Formulas of use and detection, fitted by maximum likelihood; see the models that build on it."""

    n_starts: int
    seed: int

    def _formulas(self) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]:
        """Formulas by parameter: of cells, of steps between seasons, of visits."""
        raise NotImplementedError

    def fit(self, history: xr.Dataset, covariates: pd.DataFrame | None = None) -> Self:
        """Estimate from a history and, if the formulas name any, cell covariates.

        Parameters
        ----------
        history : Dataset
            `detected` over (cell, occasion), or (cell, season, occasion) for a model of several seasons: 1, 0, NaN =
            not surveyed; `effort` and other variables of the visit; variables over (cell, season). With false
            records also `certain` (1, 0, NaN = not judged; of records) and `sure` (1 = a method without false ones).
        covariates : DataFrame, optional
            One row a cell, with a column `cell` or cells as its index.

        Raises
        ------
        EstimationError
            If a formula cannot be read; as :class:`habitat.estimation.NoDataError` if the species was seen in
            no usable cell, or no cell has all covariates.
        ContractError
            If `history` is not a history.
        """
        visits = visits_of(history, covariates)
        of_site, of_step, of_visit = self._formulas()
        bound = bind(visits, of_site=of_site, of_step=of_step, of_visit=of_visit)
        if not visits.detected[bound.rows].any():
            raise NoDataError(
                "the species was not detected in any usable cell", mend="only naive occupancy, 0, is known"
            )
        likelihood = StateLikelihood(bound, self._detection(history, visits, bound))
        found = estimate(likelihood, bound.parts, starts=self.n_starts, seed=self.seed, first={"fp": _RARE})
        self._coefficients: Coefficients = found
        self._likelihood, self._bound = likelihood, bound
        self.loglik_, self.aic_ = found.maximum.value, aic(found.maximum.value, len(found.raw))
        self.converged_ = found.maximum.converged
        self.n_sites_, self.n_visits_ = bound.shape[0], len(bound.site)
        self.covariance_, self.estimates_ = found.covariance, found.table
        self.boundary_, self.dropped_ = found.boundary, bound.dropped
        self._used = likelihood.paths(found.maximum.at).used
        self.conditional_ = pd.Series(self._used[:, -1], index=bound.names, name="conditional")
        return self

    def _detection(self, history: xr.Dataset, visits: Visits, bound: Bound) -> Detection:
        detected = visits.detected[bound.rows]
        if "fp" not in bound.of_visit:
            return TrueDetection(detected)
        certain = visit_variable(history, "certain", np.nan)[bound.rows]
        sure = visit_variable(history, "sure", 0.0)[bound.rows] == 1
        return UncertainDetection(detected, certain, sure)

    def predict(self, covariates: pd.DataFrame) -> pd.DataFrame:
        """Return psi of cells (in the first season, of several), with its doubt.

        Parameters
        ----------
        covariates : DataFrame
            One row a cell, as in :meth:`fit`.

        Returns
        -------
        DataFrame
            psi, se (delta method), lower, upper (95%, from the logit), extrapolated (a covariate lies beyond
            what surveyed cells have); by cell. Null where a covariate is missing, has a level not seen in
            the survey, or multiplies a coefficient at a boundary.
        """
        table = by_cell(covariates)
        psi = probability(*self._coefficients.predictor("psi", table)).set_axis(table.index)
        outside = self._coefficients.designs["psi"].outside(table)
        return psi.rename(columns={"estimate": "psi"}).assign(extrapolated=outside)

    def profile_intervals(self) -> pd.DataFrame:
        """Return 95% profile-likelihood limits: parameter, term, estimate, lower, upper (link scale).

        Better than `estimates_`' limits where a parameter is near 0 or 1, or cells are few. Each term costs some
        dozens of fits.
        """
        return profile_intervals(self._likelihood, self._coefficients)

    def rates_of(self, visits: Visits) -> tuple[Floats, Floats]:
        """Return psi of each cell (in the first season) and p of each visit; NaN where a covariate is missing."""
        psi, _ = self._coefficients.predictor("psi", visits.of_site)
        p, _ = self._coefficients.predictor("p", visits.of_visit)
        return expit(psi), expit(p)

    def mean_psi(self, covariates: pd.DataFrame) -> tuple[float, float]:
        """Return the mean of psi over cells, and its standard error by the delta method; NaN if any psi is null."""
        matrix = self._coefficients.designs["psi"].matrix(by_cell(covariates))
        beta, covariance = self._coefficients.of("psi")
        eta, _ = self._coefficients.predictor("psi", by_cell(covariates))
        psi = expit(np.where(np.isnan(eta), np.nan, matrix @ beta))
        slope = (psi * (1 - psi)) @ matrix / len(psi)
        free = np.isfinite(np.diag(covariance))
        return float(psi.mean()), float(np.sqrt(slope[free] @ covariance[np.ix_(free, free)] @ slope[free]))

    def draw_occupancy(self, covariates: pd.DataFrame, *, n_draws: int = 1000, seed: int = 0) -> NDArray[np.bool_]:
        """Draw the state of each cell (in the first season, of several) from the fitted model.

        Coefficients are drawn from their normal approximation, then states from psi, or where a cell was
        surveyed from the probability given its history.

        Returns
        -------
        bool array (draws, cells)
            In the order of `covariates`; False where psi is null.
        """
        table = by_cell(covariates)
        random = np.random.default_rng(seed)
        raw, theta = self._coefficients.draw(n_draws, seed)
        matrix = self._coefficients.designs["psi"].matrix(table)
        position = table.index.get_indexer(self.conditional_.index)
        k = matrix.shape[1]
        states = np.zeros((n_draws, len(table)), dtype=bool)
        for i in range(n_draws):
            psi = expit(matrix @ raw[i, :k])
            conditional = self._likelihood.paths(theta[i]).used[:, 0]
            psi[position[position >= 0]] = conditional[position >= 0]
            states[i] = random.random(len(table)) < np.nan_to_num(psi)
        return states
