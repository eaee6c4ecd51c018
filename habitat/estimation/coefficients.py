"""Coefficients of a model's formulas: estimated together, read one parameter at a time, in the user's own units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag

from habitat.estimation.designs import Design
from habitat.estimation.maxima import Z95, LogLikelihood, Maximum, covariance_of, linear_predictor, maximise

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What maximum likelihood says of every term of every formula."""

    designs: Mapping[str, Design]
    """By parameter (psi, p, ...), in the order of the likelihood's arguments."""
    maximum: Maximum
    """On whitened columns."""
    to_raw: Floats
    """Raw coefficients = to_raw @ those of `maximum`."""
    raw: Floats
    """Estimated terms, parameter after parameter."""
    covariance: pd.DataFrame
    """Of the estimated terms, labelled by (parameter, term); NaN at a boundary."""
    boundary: tuple[tuple[str, str], ...]
    """(parameter, term) of those that sit at a boundary."""

    @property
    def table(self) -> pd.DataFrame:
        """parameter, term, estimate, se, lower, upper (95%, link scale), status ("ok", "boundary", "aliased")."""
        labels = self.covariance.index
        at_edge = np.array([label in self.boundary for label in labels], dtype=bool)
        se = np.sqrt(np.diag(self.covariance))
        known = pd.DataFrame({"estimate": np.where(at_edge, np.nan, self.raw), "se": se}, index=labels)
        known["lower"], known["upper"] = known["estimate"] - Z95 * se, known["estimate"] + Z95 * se
        known["status"] = np.where(at_edge, "boundary", "ok")
        every = [(name, term) for name, design in self.designs.items() for term in design.terms]
        table = known.reindex(pd.MultiIndex.from_tuples(every, names=labels.names))
        table["status"] = table["status"].fillna("aliased")
        return table.reset_index()

    def of(self, parameter: str) -> tuple[Floats, Floats]:
        """Return a parameter's raw coefficients and their covariance."""
        part = self.covariance.index.get_level_values("parameter") == parameter
        return self.raw[part], self.covariance.to_numpy()[np.ix_(part, part)]

    def predictor(self, parameter: str, data: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return a parameter's linear predictor for each row of `data`, and its standard error."""
        return linear_predictor(self.designs[parameter].matrix(data), *self.of(parameter))

    def split(self, theta: Floats) -> dict[str, Floats]:
        """Cut whitened coefficients (..., k) into those of each parameter."""
        return split(theta, {name: int(design.kept.sum()) for name, design in self.designs.items()})

    def draw(self, n_draws: int, seed: int) -> tuple[Floats, Floats]:
        """Draw raw coefficients from their normal approximation; also return them on whitened columns.

        Those at a boundary stay where they are.
        """
        free = np.isfinite(np.diag(self.covariance))
        spread = self.covariance.to_numpy()[np.ix_(free, free)]
        raw = np.repeat(self.raw[None, :], n_draws, axis=0)
        random = np.random.default_rng(seed)
        raw[:, free] = random.multivariate_normal(self.raw[free], spread, size=n_draws, method="eigh")
        return raw, raw @ np.linalg.inv(self.to_raw).T


def split(theta: Floats, sizes: Mapping[str, int]) -> dict[str, Floats]:
    """Cut coefficients (..., k) into those of each parameter.

    >>> {name: part.tolist() for name, part in split(np.arange(3.0), {"psi": 1, "p": 2}).items()}
    {'psi': [0.0], 'p': [1.0, 2.0]}
    """
    ends = np.cumsum(list(sizes.values()))
    return {name: theta[..., end - size : end] for (name, size), end in zip(sizes.items(), ends, strict=True)}


def estimate(
    loglik: LogLikelihood,
    parts: Mapping[str, tuple[Design, Floats]],
    *,
    starts: int,
    seed: int,
    first: Mapping[str, float] | None = None,
) -> Coefficients:
    """Maximise a log-likelihood of several formulas' coefficients.

    Parameters
    ----------
    loglik : callable
        Of the coefficients on whitened columns, parameter after parameter, to (value, gradient).
    parts : mapping of parameter to (design, whitened columns)
        The columns that the likelihood uses.
    first : mapping of parameter to float, optional
        Where the search begins along a parameter's first column; default 0.

    Raises
    ------
    EstimationError
        If no start leads to a finite log-likelihood.
    """
    designs = {name: design for name, (design, _) in parts.items()}
    to_raw = block_diag(*(design.to_raw for design in designs.values()))
    begin = np.concatenate([_begin(design, (first or {}).get(name, 0.0)) for name, design in designs.items()])
    best = maximise(loglik, len(to_raw), starts=starts, seed=seed, first=begin)
    size = np.concatenate([_size(columns, design.to_raw) for design, columns in parts.values()])
    reach = np.concatenate([_reach(columns, design.to_raw) for design, columns in parts.values()])
    covariance, at_edge = covariance_of(best, to_raw, size, reach)
    kept = [(name, term) for name, design in designs.items() for term in design.estimated]
    labels = pd.MultiIndex.from_tuples(kept, names=["parameter", "term"])
    return Coefficients(
        designs,
        best,
        to_raw,
        to_raw @ best.at,
        pd.DataFrame(covariance, index=labels, columns=labels),
        tuple(label for label, edge in zip(kept, at_edge, strict=True) if edge),
    )


def _begin(design: Design, value: float) -> Floats:
    return np.where(np.arange(int(design.kept.sum())) == 0, value, 0.0)


def _size(whitened: Floats, to_raw: Floats) -> Floats:
    """Root mean square of each raw column."""
    return np.sqrt(np.mean((whitened @ np.linalg.inv(to_raw)) ** 2, axis=0))


def _reach(whitened: Floats, to_raw: Floats) -> Floats:
    """Size of what each raw column says beyond the others, where it says it: for one of 0 and 1 about 1."""
    rest = whitened @ to_raw.T / np.sum(to_raw**2, axis=1)
    square = np.maximum(np.sum(rest**2, axis=0), 1e-300)
    return np.asarray(np.sqrt(np.sum(rest**4, axis=0) / square))
