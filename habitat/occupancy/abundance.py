"""More animals are seen more easily: abundance from detections alone (Royle and Nichols 2003)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, gammaln, log_expit

from habitat.estimation import Z95, Coefficients, NoDataError, aic, estimate
from habitat.occupancy.binding import bind
from habitat.occupancy.histories import by_cell, visits_of

Floats = NDArray[np.float64]

N_MAX = 60
"""Most animals a cell may hold; the Poisson distribution beyond it is left out."""


@dataclass(frozen=True, eq=False)
class AbundanceLikelihood:
    """Of all histories, with its exact gradient.

    N animals use a cell, Poisson with mean lam; each is seen on a visit with probability r, so the species is with
    1 - (1 - r)^N. With the probabilities of every N given the history, the gradients are expectations over them.
    """

    lam: Floats
    """(site, term)."""
    r: Floats
    """(visit, term)."""
    site: NDArray[np.int64]
    detected: Floats

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Return the log-likelihood at `theta` (lam's coefficients, log scale, then r's, logit) and its gradient."""
        k = self.lam.shape[1]
        on_lam, on_r = np.clip(self.lam @ theta[:k], -30, 7), np.clip(self.r @ theta[k:], -30, 30)
        joint, given = self.of_sites(on_lam, on_r)
        along_lam = given @ self._n - np.exp(on_lam)
        r = expit(on_r)
        miss = self._n * log_expit(-on_r)[:, None]  # log (1 - r)^N
        seen = np.maximum(-np.expm1(miss), 1e-300)
        of_seen = self._n * np.exp(miss) * r[:, None] / seen
        slope = np.where(self.detected[:, None] == 1, of_seen, -self._n * r[:, None])
        along_r = (given[self.site] * slope).sum(axis=1)
        return float(joint.sum()), np.concatenate([self.lam.T @ along_lam, self.r.T @ along_r])

    def of_sites(self, on_lam: Floats, on_r: Floats) -> tuple[Floats, Floats]:
        """Return each site's log-likelihood, and the probabilities (site, N) of its number of animals."""
        prior = self._n * on_lam[:, None] - np.exp(on_lam)[:, None] - gammaln(self._n + 1)
        miss = self._n * log_expit(-on_r)[:, None]
        with np.errstate(divide="ignore"):
            seen = np.log(-np.expm1(miss))
        of_visit = np.where(self.detected[:, None] == 1, seen, miss)
        joint = prior + np.stack(
            [np.bincount(self.site, weights=column, minlength=len(prior)) for column in of_visit.T], axis=1
        )
        top = joint.max(axis=1, keepdims=True)
        each = np.exp(joint - top)
        total = each.sum(axis=1)
        return np.log(total) + top[:, 0], each / total[:, None]

    @cached_property
    def _n(self) -> Floats:
        return np.arange(N_MAX + 1, dtype=float)


class RoyleNicholsOccupancy:
    """Occupancy where detection grows with the number of animals: lam, animals a cell, and r, each one's detection.

    The number is of animals that use the cell, not of residents; it is identified by the spread of detection between
    cells alone, so it is an index unless cells hold closed, independent animals.

    Parameters
    ----------
    lam : str
        Formula of cell covariates, log scale.
    r : str
        Formula of the visit, as `p` of :class:`SingleSeasonOccupancy`, logit scale.
    n_starts, seed : int
        Starting points of the optimiser.

    Attributes
    ----------
    estimates_, covariance_, loglik_, aic_, n_sites_, n_visits_, dropped_, converged_, boundary_
        As in :class:`SingleSeasonOccupancy`; limits of lam on the log scale.
    conditional_ : Series
        By cell, the probability that it is used given its history.
    abundance_ : Series
        By cell, the expected number given its history.

    References
    ----------
    Royle, J. A. and Nichols, J. D. (2003). Estimating abundance from repeated presence-absence data or point counts.
    Ecology 84, 777-790.
    """

    def __init__(self, lam: str = "1", r: str = "1", *, n_starts: int = 5, seed: int = 0) -> None:
        self.lam = lam
        self.r = r
        self.n_starts = n_starts
        self.seed = seed

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lam={self.lam!r}, r={self.r!r})"

    def fit(self, history: xr.Dataset, covariates: pd.DataFrame | None = None) -> Self:
        """Estimate from a history over (cell, occasion); see :meth:`SingleSeasonOccupancy.fit`."""
        visits = visits_of(history, covariates)
        bound = bind(visits, of_site={"lam": self.lam}, of_step={}, of_visit={"r": self.r})
        detected = visits.detected[bound.rows]
        if not detected.any():
            raise NoDataError(
                "the species was not detected in any usable cell", mend="only naive occupancy, 0, is known"
            )
        likelihood = AbundanceLikelihood(bound.of_site["lam"][1], bound.of_visit["r"][1], bound.site, detected)
        found = estimate(likelihood, bound.parts, starts=self.n_starts, seed=self.seed)
        self._coefficients: Coefficients = found
        self._likelihood, self._bound = likelihood, bound
        self.loglik_, self.aic_ = found.maximum.value, aic(found.maximum.value, len(found.raw))
        self.converged_ = found.maximum.converged
        self.n_sites_, self.n_visits_ = bound.shape[0], len(bound.site)
        self.covariance_, self.estimates_ = found.covariance, found.table
        self.boundary_, self.dropped_ = found.boundary, bound.dropped
        given = self._given(found.maximum.at)
        self.conditional_ = pd.Series(1 - given[:, 0], index=bound.names, name="conditional")
        self.abundance_ = pd.Series(given @ np.arange(N_MAX + 1.0), index=bound.names, name="abundance")
        return self

    def predict(self, covariates: pd.DataFrame) -> pd.DataFrame:
        """Return lam and psi = 1 - exp(-lam) of cells, with their doubt.

        Returns
        -------
        DataFrame
            lam, lam_lower, lam_upper, psi, se (delta method), lower, upper (95%, from the log of lam), extrapolated;
            by cell. Null as in :meth:`SingleSeasonOccupancy.predict`.
        """
        table = by_cell(covariates)
        eta, se = self._coefficients.predictor("lam", table)
        lam, low, high = np.exp(eta), np.exp(eta - Z95 * se), np.exp(eta + Z95 * se)
        return pd.DataFrame(
            {
                "lam": lam,
                "lam_lower": low,
                "lam_upper": high,
                "psi": -np.expm1(-lam),
                "se": np.exp(-lam) * lam * se,
                "lower": -np.expm1(-low),
                "upper": -np.expm1(-high),
                "extrapolated": self._coefficients.designs["lam"].outside(table),
            },
            index=table.index,
        )

    def mean_psi(self, covariates: pd.DataFrame) -> tuple[float, float]:
        """Return the mean of psi over cells, and its standard error by the delta method; NaN if any psi is null."""
        table = by_cell(covariates)
        eta, _ = self._coefficients.predictor("lam", table)
        _, covariance = self._coefficients.of("lam")
        lam = np.exp(eta)
        slope = (np.exp(-lam) * lam) @ self._coefficients.designs["lam"].matrix(table) / len(lam)
        free = np.isfinite(np.diag(covariance))
        se = np.sqrt(slope[free] @ covariance[np.ix_(free, free)] @ slope[free])
        return float(-np.expm1(-lam).mean()), float(se)

    def draw_occupancy(self, covariates: pd.DataFrame, *, n_draws: int = 1000, seed: int = 0) -> NDArray[np.bool_]:
        """Draw whether each cell is used from the fitted model; see :meth:`SingleSeasonOccupancy.draw_occupancy`."""
        table = by_cell(covariates)
        random = np.random.default_rng(seed)
        raw, theta = self._coefficients.draw(n_draws, seed)
        matrix = self._coefficients.designs["lam"].matrix(table)
        position = table.index.get_indexer(self.conditional_.index)
        states = np.zeros((n_draws, len(table)), dtype=bool)
        for i in range(n_draws):
            psi = -np.expm1(-np.exp(np.clip(matrix @ raw[i, : matrix.shape[1]], -30, 7)))
            psi[position[position >= 0]] = 1 - self._given(theta[i])[position >= 0, 0]
            states[i] = random.random(len(table)) < np.nan_to_num(psi)
        return states

    def _given(self, theta: Floats) -> Floats:
        """Probabilities (site, N) of the number of animals given the histories."""
        k = self._likelihood.lam.shape[1]
        return self._likelihood.of_sites(self._likelihood.lam @ theta[:k], self._likelihood.r @ theta[k:])[1]

    def _rates(self, theta: Floats) -> tuple[Floats, Floats]:
        """Lam of each site and r of each visit."""
        k = self._likelihood.lam.shape[1]
        on_lam = np.clip(self._likelihood.lam @ theta[:k], -30, 7)
        return np.exp(on_lam), expit(self._likelihood.r @ theta[k:])


def number_of_animals(lam: Floats) -> Floats:
    """Return the probabilities (site, 0 to N_MAX) of Poisson numbers with means lam."""
    n = np.arange(N_MAX + 1.0)
    return np.exp(n * np.log(lam)[:, None] - lam[:, None] - gammaln(n + 1))
