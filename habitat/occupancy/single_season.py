"""Occupancy in one season, in which every cell is either used or not (MacKenzie et al. 2002)."""

from __future__ import annotations

from collections.abc import Mapping

from habitat.occupancy.fitting import StateModel


class SingleSeasonOccupancy(StateModel):
    """Probability that a cell is used, psi, and that its use is seen on a visit, p (MacKenzie et al. 2002).

    Maximum likelihood on the logit scale, with exact gradients and several starts. Covariates keep their
    own units. A term that is a combination of earlier ones (a covariate that does not vary) gets no
    estimate and the status "aliased"; one at a boundary (p or psi of 0 or 1), or that the data tell nothing of (see
    :func:`habitat.estimation.covariance_of`), none either, and "boundary"; the others' standard errors hold those
    fixed.

    With a formula `fp` records may be false (Miller et al. 2011): in an unused cell one comes about on a visit with
    probability fp, and in a used one a record is certain with probability b. The history says which records are
    certain; without any certain record only the hope that p exceeds fp tells the two apart (Royle and Link 2006).

    Parameters
    ----------
    psi : str
        Formula of cell covariates.
    p : str
        Formula of cell covariates and of the history's variables, such as `effort`; `log_effort` and
        `occasion` (0, 1, ...) are there too.
    fp : str, optional
        Formula of false records, as `p`; None = there are none.
    b : str
        Formula of a true record's certainty, as `p`; used with `fp`.
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
        By cell, the probability that it is used given its history: 1 where the species was surely seen.
    converged_ : bool
    boundary_ : tuple of (parameter, term)

    References
    ----------
    MacKenzie, D. I. et al. (2002). Estimating site occupancy rates when detection probabilities are less
    than one. Ecology 83, 2248-2255.
    Miller, D. A. et al. (2011). Improving occupancy estimation when two types of observational error occur:
    non-detection and species misidentification. Ecology 92, 1422-1428.
    """

    def __init__(
        self, psi: str = "1", p: str = "1", *, fp: str | None = None, b: str = "1", n_starts: int = 5, seed: int = 0
    ) -> None:
        self.psi = psi
        self.p = p
        self.fp = fp
        self.b = b
        self.n_starts = n_starts
        self.seed = seed

    def __repr__(self) -> str:
        false = "" if self.fp is None else f", fp={self.fp!r}, b={self.b!r}"
        return f"{type(self).__name__}(psi={self.psi!r}, p={self.p!r}{false})"

    def _formulas(self) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]:
        return {"psi": self.psi}, {}, formulas_of_visit(self.p, self.fp, self.b)


def formulas_of_visit(p: str, fp: str | None, b: str) -> Mapping[str, str]:
    """Formulas of detection: of false records too if there can be any."""
    return {"p": p} if fp is None else {"p": p, "fp": fp, "b": b}
