"""Formulas bound to a history: which cells and visits a model can use, and the columns that it reads of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from habitat.estimation import Design, NoDataError
from habitat.occupancy.histories import Visits

Floats = NDArray[np.float64]
Parts = dict[str, tuple[Design, Floats]]


@dataclass(frozen=True, eq=False)
class Bound:
    """What a model can use of a history."""

    of_site: Parts
    """By parameter: the design, and its whitened columns (cell, term)."""
    of_step: Parts
    """The same (cell x step, term)."""
    of_visit: Parts
    """The same (visit, term)."""
    rows: NDArray[np.bool_]
    """Which of the history's visits are used."""
    site: NDArray[np.int64]
    """Number of each used visit's cell among the used cells."""
    season: NDArray[np.int64]
    shape: tuple[int, int]
    """Cells and seasons."""
    names: pd.Index
    """Of the used cells."""
    dropped: pd.Series
    """Reason by cell, of surveyed cells that are not used."""

    @property
    def parts(self) -> Parts:
        """All parameters, in the order of a likelihood's arguments."""
        return self.of_site | self.of_step | self.of_visit


def bind(
    visits: Visits, *, of_site: Mapping[str, str], of_step: Mapping[str, str], of_visit: Mapping[str, str]
) -> Bound:
    """Bind formulas, by parameter, to what has all their covariates; note what has not.

    Raises
    ------
    EstimationError
        If a formula cannot be read or names an unknown variable.
    NoDataError
        If no cell has all covariates.
    """
    n = len(visits.of_site)
    usable = np.ones(len(visits.site), dtype=bool)
    for formula in of_visit.values():
        usable &= np.isfinite(Design.bind(formula, visits.of_visit).matrix(visits.of_visit)).all(axis=1)
    surveyed = np.bincount(visits.site, minlength=n) > 0
    has_visit = np.bincount(visits.site[usable], minlength=n) > 0
    reason = np.full(n, "", dtype=object)
    reason[~has_visit] = f"a covariate of {' and '.join(of_visit)} is missing on every visit"
    used = has_visit.copy()
    n_steps = visits.n_seasons - 1
    for tables, formulas, of in ((visits.of_site, of_site, 1), (visits.of_step, of_step, n_steps)):
        for name, formula in formulas.items():
            design = Design.bind(formula, tables[np.repeat(has_visit, of)])
            whole = np.isfinite(design.matrix(tables)).all(axis=1).reshape(n, of).all(axis=1)
            reason[used & ~whole] = f"a covariate of {name} is missing"
            used &= whole
    if not used.any():
        raise NoDataError("no surveyed cell has all covariates", mend="fill them in, or take them out of the formulas")
    rows = usable & used[visits.site]
    names = visits.of_site.index
    lost = surveyed & ~used
    return Bound(
        _parts(of_site, visits.of_site[used]),
        _parts(of_step, visits.of_step[np.repeat(used, n_steps)]),
        _parts(of_visit, visits.of_visit[rows]),
        rows,
        (np.cumsum(used) - 1)[visits.site[rows]],
        visits.season[rows],
        (int(used.sum()), visits.n_seasons),
        names[used],
        pd.Series(reason[lost], index=names[lost], name="reason", dtype=object),
    )


def _parts(formulas: Mapping[str, str], table: pd.DataFrame) -> Parts:
    bound = {name: Design.bind(formula, table) for name, formula in formulas.items()}
    return {name: (design, design.whitened(table)) for name, design in bound.items()}


def visit_variable(history: xr.Dataset, name: str, otherwise: float) -> Floats:
    """Return a variable of each visit, in the order of :func:`habitat.occupancy.histories.visits_of`."""
    surveyed = ~np.isnan(history["detected"].to_numpy().astype(float))
    if name not in history:
        return np.full(int(surveyed.sum()), otherwise)
    return history[name].broadcast_like(history["detected"]).to_numpy().astype(float)[surveyed]
