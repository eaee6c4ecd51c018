"""Occupancy over several seasons: cells are colonised and left (MacKenzie et al. 2003)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import norm

from habitat.errors import ContractError
from habitat.estimation import probability
from habitat.occupancy.fitting import StateModel
from habitat.occupancy.histories import NEXT, visits_of
from habitat.occupancy.projections import Projection
from habitat.occupancy.single_season import formulas_of_visit
from habitat.occupancy.states import project

Floats = NDArray[np.float64]


class DynamicOccupancy(StateModel):
    """Use of cells in the first season, psi, its coming, col, and its going, ext (MacKenzie et al. 2003).

    Between two seasons a cell that is not used is colonised with probability col, and one that is used is left with
    probability ext; within a season nothing changes (closure). Everything else is as in
    :class:`SingleSeasonOccupancy`.

    Parameters
    ----------
    psi : str
        Formula of cell covariates in the first season.
    col, ext : str
        Formulas of a step between two seasons: cell covariates, the history's variables over (cell, season) as they
        were in the season before the step, and by `next_` and their names as they were in the season after it;
        `season` is the one before, as a level. Habitat lost between the two stands in the season after:
        `ext = "next_loss_share"`.
    p, fp, b : str
        As in :class:`SingleSeasonOccupancy`; variables over (cell, season) and `season` are there too.
    n_starts, seed : int
        Starting points of the optimiser.

    Attributes
    ----------
    smoothed_ : DataFrame
        season, occupied (expected share of the used cells, given their histories), projected (what psi, col and ext
        alone foretell), naive, n_cells.
    conditional_ : Series
        By cell, the probability that it is used in the last season, given its history.
    others
        As in :class:`SingleSeasonOccupancy`.

    References
    ----------
    MacKenzie, D. I. et al. (2003). Estimating site occupancy, colonization, and local extinction when a species is
    detected imperfectly. Ecology 84, 2200-2207.
    Weir, L. et al. (2009). Trends in anuran occupancy from northeastern states of the North American Amphibian
    Monitoring Program. Herpetological Conservation and Biology 4, 389-402 (smoothed shares).
    """

    def __init__(  # noqa: PLR0913 - one formula a parameter of the model, and no fewer
        self,
        psi: str = "1",
        col: str = "1",
        ext: str = "1",
        p: str = "1",
        *,
        fp: str | None = None,
        b: str = "1",
        n_starts: int = 3,
        seed: int = 0,
    ) -> None:
        self.psi = psi
        self.col = col
        self.ext = ext
        self.p = p
        self.fp = fp
        self.b = b
        self.n_starts = n_starts
        self.seed = seed

    def __repr__(self) -> str:
        return f"{type(self).__name__}(psi={self.psi!r}, col={self.col!r}, ext={self.ext!r}, p={self.p!r})"

    def _formulas(self) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]:
        return {"psi": self.psi}, {"col": self.col, "ext": self.ext}, formulas_of_visit(self.p, self.fp, self.b)

    def fit(self, history: xr.Dataset, covariates: pd.DataFrame | None = None) -> Self:
        """Estimate from a history over (cell, season, occasion); see :meth:`SingleSeasonOccupancy.fit`."""
        if "season" not in history["detected"].dims or history.sizes["season"] < 2:
            raise ContractError("has no two seasons", where="history", mend="give (cell, season, occasion)")
        super().fit(history, covariates)
        seen = history["detected"].sel(cell=self.conditional_.index.to_numpy())
        visited, found = seen.notnull().any("occasion"), (seen == 1).any("occasion")
        self.smoothed_ = pd.DataFrame(
            {
                "season": history["season"].to_numpy(),
                "occupied": self._used.mean(axis=0),
                "projected": self._projected(self._coefficients.maximum.at).mean(axis=0),
                "naive": (found.sum("cell") / visited.sum("cell").where(lambda n: n > 0)).to_numpy(),
                "n_cells": visited.sum("cell").to_numpy(),
            }
        )
        return self

    def occupied_share(self, *, n_draws: int = 500, seed: int = 0) -> pd.DataFrame:
        """Return the share of the surveyed cells that is used in each season, with 95% limits.

        Of these very cells in these very seasons: coefficients are drawn from their normal approximation, and for
        each draw all states of all seasons from their histories, forwards filtered and backwards sampled.

        Returns
        -------
        DataFrame
            season, share, se, lower, upper.
        """
        random = np.random.default_rng(seed)
        _, theta = self._coefficients.draw(n_draws, seed)
        shares = np.array([self._draw_states(one, random).mean(axis=0) for one in theta])
        lower, upper = np.quantile(shares, [0.025, 0.975], axis=0)
        table = {"season": self.smoothed_["season"], "share": shares.mean(axis=0), "se": shares.std(axis=0, ddof=1)}
        return pd.DataFrame(table | {"lower": lower, "upper": upper})

    def predict_seasons(self, history: xr.Dataset, covariates: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return psi of every cell in every season: what the first season's psi, col and ext foretell.

        Parameters
        ----------
        history : Dataset
            As in :meth:`fit`, with further cells if psi is wanted there: `detected` is NaN in them.

        Returns
        -------
        DataFrame
            cell, season, psi, se (delta method), lower, upper (95%, from the logit), extrapolated, conditional (use
            given the cell's own history, psi where it was not surveyed). Null from the season on in which a
            covariate is missing, and where a coefficient at a boundary counts.
        """
        visits = visits_of(history, covariates)
        table = Projection(self._coefficients, visits).table()
        names = visits.of_site.index
        cells = np.repeat(names.to_numpy(), visits.n_seasons)
        seasons = np.tile(history["season"].to_numpy(), len(names))
        conditional = table["psi"].to_numpy().reshape(len(names), -1).copy()
        conditional[names.get_indexer(self.conditional_.index)] = self._used
        table = table.assign(conditional=conditional.ravel())
        return pd.concat([pd.DataFrame({"cell": cells, "season": seasons}), table], axis=1)

    def share_occupied(
        self, history: xr.Dataset, covariates: pd.DataFrame | None = None, *, n_draws: int = 1000, seed: int = 0
    ) -> pd.DataFrame:
        """Return the share of all cells that is used in each season, with 95% limits.

        The two questions of :func:`habitat.occupancy.share_occupied`: `model`, the mean of psi; `finite_sample`, of
        these very cells in these very seasons, with the states of surveyed ones drawn from their histories.

        Returns
        -------
        DataFrame
            season, method, share, se, lower, upper, n_cells.
        """
        projection = Projection(self._coefficients, visits_of(history, covariates))
        mean, se, n = projection.mean()
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = probability(logit(mean), se / (mean * (1 - mean)))
        expected["se"] = se
        seasons = self.smoothed_["season"].to_numpy()
        model = pd.DataFrame({"season": seasons, "method": "model", **expected, "n_cells": n})
        own = projection.visits.of_site.index.get_indexer(self.conditional_.index)
        others = np.isfinite(projection.psi)
        others[own] = False
        counted = others.sum(axis=0) + len(own)
        random = np.random.default_rng(seed)
        raw, theta = self._coefficients.draw(n_draws, seed)
        shares = np.empty((n_draws, len(seasons)))
        for i in range(n_draws):
            elsewhere = random.random(others.shape) < projection.draw(raw[i])
            shares[i] = ((elsewhere & others).sum(axis=0) + self._draw_states(theta[i], random).sum(axis=0)) / counted
        lower, upper = np.quantile(shares, [0.025, 0.975], axis=0)
        drawn = {"share": shares.mean(axis=0), "se": shares.std(axis=0, ddof=1), "lower": lower, "upper": upper}
        finite = pd.DataFrame({"season": seasons, "method": "finite_sample", **drawn, "n_cells": counted})
        return pd.concat([model.rename(columns={"estimate": "share"}), finite], ignore_index=True)

    def rates(self, steps: pd.DataFrame) -> pd.DataFrame:
        """Return col and ext for rows of step covariates.

        Returns
        -------
        DataFrame
            col, col_se, col_lower, col_upper (95%, from the logit), and the same of ext; null as in :meth:`predict`.
        """
        parts = []
        for name in ("col", "ext"):
            one = probability(*self._coefficients.predictor(name, steps)).set_axis(steps.index)
            one.columns = [name, f"{name}_se", f"{name}_lower", f"{name}_upper"]
            parts.append(one)
        return pd.concat(parts, axis=1)

    def _draw_states(self, theta: Floats, random: np.random.Generator) -> NDArray[np.bool_]:
        """Draw (cell, season) states given all histories: of the first season, then step by step."""
        paths = self._likelihood.paths(theta)
        states = np.zeros(self._likelihood.bound.shape, dtype=bool)
        states[:, 0] = random.random(len(states)) < paths.used[:, 0]
        for t in range(states.shape[1] - 1):
            unused = 1 - paths.used[:, t]
            after_unused = paths.colonised[:, t] / np.maximum(unused, 1e-300)
            after_used = 1 - paths.left[:, t] / np.maximum(paths.used[:, t], 1e-300)
            share = np.where(states[:, t], after_used, after_unused)
            states[:, t + 1] = random.random(len(states)) < share
        return states

    def _projected(self, theta: Floats) -> Floats:
        """P(use) (cell, season) that psi, col and ext alone foretell."""
        cut = self._coefficients.split(theta)
        n, seasons = self._likelihood.bound.shape
        on = {name: columns @ cut[name] for name, (_, columns) in self._likelihood.bound.parts.items() if name in cut}
        return project(on["psi"], on["col"].reshape(n, seasons - 1), on["ext"].reshape(n, seasons - 1))


def placebo(model: DynamicOccupancy, history: xr.Dataset, covariates: pd.DataFrame, *, variable: str) -> pd.DataFrame:
    """Test whether ext follows what has not happened yet: `variable` one season later than it could act.

    An effect of loss on extinction is believable only if the loss of the seasons after does not "explain" it as well:
    if it does, cells that are going to be cut differ in some other way (a negative-control exposure; Lipsitch et al.
    2010, doi:10.1097/EDE.0b013e3181d61eeb).

    Parameters
    ----------
    model : DynamicOccupancy
        Its formula of ext names `next_` + `variable`.
    history : Dataset
        With `variable` over (cell, season).

    Returns
    -------
    DataFrame
        exposure ("actual", "placebo"), estimate, se, lower, upper, p_value (two-sided) of both terms when they stand in
        one formula. Seasons whose future is not known are left out of both.
    """
    if variable not in history or history[variable].dims != ("cell", "season"):
        raise ContractError(f"{variable!r} over (cell, season) is missing", where="history")
    if NEXT + variable not in model.ext:
        raise ContractError(f"{NEXT + variable!r} is not in its formula {model.ext!r}", where="ext")
    future = "future_" + variable
    known = history.assign({future: history[variable].shift(season=-1)}).isel(season=slice(0, -1))
    both = DynamicOccupancy(
        model.psi,
        model.col,
        f"{model.ext} + {NEXT + future}",
        model.p,
        fp=model.fp,
        b=model.b,
        n_starts=model.n_starts,
        seed=model.seed,
    ).fit(known, covariates)
    table = both.estimates_.query("parameter == 'ext'").set_index("term")
    rows = table.loc[[NEXT + variable, NEXT + future], ["estimate", "se", "lower", "upper"]].reset_index(drop=True)
    rows.insert(0, "exposure", ["actual", "placebo"])
    return rows.assign(p_value=2 * norm.sf(np.abs(rows["estimate"] / rows["se"])))
