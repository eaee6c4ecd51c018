"""Occupancy in one season, in which every cell is either used or not (MacKenzie et al. 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.special import expit, log_expit

from habitat.estimation import Z95, Design, NoDataError, aic, covariance_of, linear_predictor, maximise, probability
from habitat.occupancy.histories import Visits, by_cell, visits_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SingleSeasonLikelihood:
    """The log-likelihood of all histories, with its exact gradient.

    A cell contributes psi * prod(p^y (1 - p)^(1 - y)), and 1 - psi if the species was never seen there.
    With w the probability that a cell is occupied given its history, the gradient is w - psi along the
    logit of psi and w (y - p) along the logit of each visit's p.
    """

    psi: Floats
    """(sites, parameters) design."""
    p: Floats
    """(visits, parameters) design."""
    site: NDArray[np.int64]
    detected: Floats

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Return the log-likelihood at `theta` (psi's parameters, then p's) and its gradient."""
        k = self.psi.shape[1]
        on_psi, on_p = self.psi @ theta[:k], self.p @ theta[k:]
        joint, conditional = self.of_sites(on_psi, on_p)
        along_psi = conditional - expit(on_psi)
        along_p = conditional[self.site] * (self.detected - expit(on_p))
        return float(joint.sum()), np.concatenate([self.psi.T @ along_psi, self.p.T @ along_p])

    def of_sites(self, on_psi: Floats, on_p: Floats) -> tuple[Floats, Floats]:
        """Return each site's log-likelihood, and its probability of being occupied given its history."""
        n = len(on_psi)
        of_visit = log_expit(np.where(self.detected == 1, on_p, -on_p))
        occupied = log_expit(on_psi) + np.bincount(self.site, weights=of_visit, minlength=n)
        ever = np.bincount(self.site, weights=self.detected, minlength=n) > 0
        joint = np.where(ever, occupied, np.logaddexp(occupied, log_expit(-on_psi)))
        return joint, np.exp(occupied - joint)


class SingleSeasonOccupancy:
    """Probability that a cell is used, psi, and that its use is seen on a visit, p (MacKenzie et al. 2002).

    Maximum likelihood on the logit scale, with exact gradients and several starts. Covariates keep their
    own units. A term that is a combination of earlier ones (a covariate that does not vary) gets no
    estimate and the status "aliased"; one at a boundary (p or psi of 0 or 1) none either, and "boundary";
    the others' standard errors hold those fixed.

    Parameters
    ----------
    psi : str
        Formula of cell covariates.
    p : str
        Formula of cell covariates and of the history's variables, such as `effort`; `log_effort` and
        `occasion` (0, 1, ...) are there too.
    n_starts, seed : int
        Starting points of the optimiser.

    Attributes
    ----------
    estimates_ : DataFrame
        parameter, term, estimate, se, lower, upper (95%, logit scale), status ("ok", "boundary", "aliased").
    covariance_ : DataFrame
        Of the estimated terms, labelled by (parameter, term); NaN at a boundary.
    loglik_, aic_ : float
    n_sites_, n_visits_ : int
        What was used.
    dropped_ : Series
        Reason by cell, of surveyed cells that could not be used.
    conditional_ : Series
        By cell, the probability that it is used given its history: 1 where the species was seen.
    converged_ : bool
    boundary_ : tuple of (parameter, term)

    References
    ----------
    MacKenzie, D. I. et al. (2002). Estimating site occupancy rates when detection probabilities are less
    than one. Ecology 83, 2248-2255.
    """

    def __init__(self, psi: str = "1", p: str = "1", *, n_starts: int = 5, seed: int = 0) -> None:
        self.psi = psi
        self.p = p
        self.n_starts = n_starts
        self.seed = seed

    def __repr__(self) -> str:
        return f"{type(self).__name__}(psi={self.psi!r}, p={self.p!r})"

    def fit(self, history: xr.Dataset, covariates: pd.DataFrame | None = None) -> Self:
        """Estimate from a history and, if the formulas name any, cell covariates.

        Parameters
        ----------
        history : Dataset
            `detected` over (cell, occasion): 1, 0, NaN = not surveyed; `effort` and other variables.
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
        likelihood, sites = self._bind(visits)
        if not likelihood.detected.any():
            raise NoDataError(
                "the species was not detected in any usable cell", mend="only naive occupancy, 0, is known"
            )
        best = maximise(
            likelihood, likelihood.psi.shape[1] + likelihood.p.shape[1], starts=self.n_starts, seed=self.seed
        )
        psi, p = self.psi_design_, self.p_design_
        to_raw = block_diag(psi.to_raw, p.to_raw)
        raw = np.concatenate([_size(likelihood.psi, psi.to_raw), _size(likelihood.p, p.to_raw)])
        covariance, boundary = covariance_of(best, to_raw, raw)
        self._beta = to_raw @ best.at
        self._n_psi = likelihood.psi.shape[1]
        self.loglik_, self.aic_ = best.value, aic(best.value, len(best.at))
        self.converged_ = best.converged
        self.n_sites_, self.n_visits_ = len(likelihood.psi), len(likelihood.p)
        kept = [(name, term) for name, of in (("psi", psi), ("p", p)) for term in of.estimated]
        labels = pd.MultiIndex.from_tuples(kept, names=["parameter", "term"])
        self.covariance_ = pd.DataFrame(covariance, index=labels, columns=labels)
        self.boundary_ = tuple(label for label, at_edge in zip(kept, boundary, strict=True) if at_edge)
        self.estimates_ = self._table(labels, boundary)
        on = likelihood.psi @ best.at[: self._n_psi], likelihood.p @ best.at[self._n_psi :]
        self.conditional_ = pd.Series(likelihood.of_sites(*on)[1], index=sites, name="conditional")
        self._likelihood = likelihood
        return self

    def predict(self, covariates: pd.DataFrame) -> pd.DataFrame:
        """Return psi of cells, with its doubt.

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
        eta, se = linear_predictor(self.psi_design_.matrix(table), self._beta[: self._n_psi], self._covariance("psi"))
        psi = probability(eta, se).set_axis(table.index).rename(columns={"estimate": "psi"})
        return psi.assign(extrapolated=self.psi_design_.outside(table))

    def mean_psi(self, covariates: pd.DataFrame) -> tuple[float, float]:
        """Return the mean of psi over cells, and its standard error by the delta method; NaN if any psi is null."""
        matrix = self.psi_design_.matrix(by_cell(covariates))
        eta, _ = linear_predictor(matrix, self._beta[: self._n_psi], self._covariance("psi"))
        psi = expit(eta)
        slope = (psi * (1 - psi)) @ matrix / len(psi)
        free = np.isfinite(np.diag(self._covariance("psi")))
        spread = self._covariance("psi")[np.ix_(free, free)]
        return float(psi.mean()), float(np.sqrt(slope[free] @ spread @ slope[free]))

    def draw_occupancy(self, covariates: pd.DataFrame, *, n_draws: int = 1000, seed: int = 0) -> NDArray[np.bool_]:
        """Draw the state of each cell from the fitted model.

        Coefficients are drawn from their normal approximation, then states from psi, or where a cell was
        surveyed from the probability given its history.

        Returns
        -------
        bool array (draws, cells)
            In the order of `covariates`; False where psi is null.
        """
        table = by_cell(covariates)
        random = np.random.default_rng(seed)
        free = np.isfinite(np.diag(self.covariance_))
        spread = self.covariance_.to_numpy()[np.ix_(free, free)]
        beta = np.repeat(self._beta[None, :], n_draws, axis=0)
        beta[:, free] = random.multivariate_normal(self._beta[free], spread, size=n_draws, method="eigh")
        theta = np.linalg.solve(block_diag(self.psi_design_.to_raw, self.p_design_.to_raw), beta.T).T
        matrix = self.psi_design_.matrix(table)
        position = table.index.get_indexer(self.conditional_.index)
        states = np.zeros((n_draws, len(table)), dtype=bool)
        for i in range(n_draws):
            k, on = self._n_psi, self._likelihood
            psi = expit(matrix @ beta[i, :k])
            conditional = on.of_sites(on.psi @ theta[i, :k], on.p @ theta[i, k:])[1]
            psi[position[position >= 0]] = conditional[position >= 0]
            states[i] = random.random(len(table)) < np.nan_to_num(psi)
        return states

    def _bind(self, visits: Visits) -> tuple[SingleSeasonLikelihood, pd.Index]:
        """Bind both formulas to what has all their covariates; note what has not."""
        n = len(visits.of_site)
        usable = np.isfinite(Design.bind(self.p, visits.of_visit).matrix(visits.of_visit)).all(axis=1)
        surveyed = np.bincount(visits.site, minlength=n) > 0
        has_p = np.bincount(visits.site[usable], minlength=n) > 0
        self.psi_design_ = Design.bind(self.psi, visits.of_site[has_p])
        psi = self.psi_design_.whitened(visits.of_site)
        used = has_p & np.isfinite(psi).all(axis=1)
        rows = usable & used[visits.site]
        self.p_design_ = Design.bind(self.p, visits.of_visit[rows])
        p = self.p_design_.whitened(visits.of_visit[rows])
        names = visits.of_site.index
        why = np.where(has_p, "a covariate of psi is missing", "a covariate of p is missing on every visit")
        self.dropped_ = pd.Series(why[surveyed & ~used], index=names[surveyed & ~used], name="reason", dtype=object)
        number = np.cumsum(used) - 1
        return SingleSeasonLikelihood(psi[used], p, number[visits.site[rows]], visits.detected[rows]), names[used]

    def _covariance(self, parameter: str) -> Floats:
        part = self.covariance_.index.get_level_values("parameter") == parameter
        return self.covariance_.to_numpy()[np.ix_(part, part)]

    def _table(self, labels: pd.MultiIndex, boundary: NDArray[np.bool_]) -> pd.DataFrame:
        se = np.sqrt(np.diag(self.covariance_))
        known = pd.DataFrame({"estimate": np.where(boundary, np.nan, self._beta), "se": se}, index=labels)
        known["lower"], known["upper"] = known["estimate"] - Z95 * se, known["estimate"] + Z95 * se
        known["status"] = np.where(boundary, "boundary", "ok")
        every = [("psi", t) for t in self.psi_design_.terms] + [("p", t) for t in self.p_design_.terms]
        table = known.reindex(pd.MultiIndex.from_tuples(every, names=labels.names))
        table["status"] = table["status"].fillna("aliased")
        return table.reset_index()


def _size(whitened: Floats, to_raw: Floats) -> Floats:
    """Root mean square of each raw column."""
    return np.sqrt(np.mean((whitened @ np.linalg.inv(to_raw)) ** 2, axis=0))
