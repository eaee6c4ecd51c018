"""What the numbers of a survey mean, and where its design or its fit makes them mean less."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from habitat.occupancy.goodness import FitTest
from habitat.occupancy.spatial import MoranTest

LONG_SEASON_DAYS = 92
"""Longer seasons are doubtfully closed."""
_FOUND = 0.5
_OFTEN = 2.0
_SURE = 0.05


def measured(cell_km2: float, home_range_km2: float | None) -> str:
    """Return what psi of such cells is: "use", "occupancy", or "unknown" without a home range.

    A cell that is small against the home range is one place among many of an animal's: psi is the probability that it
    is *used* in the season (MacKenzie et al. 2006, Occupancy Estimation and Modeling, section 4.1).

    >>> measured(13, 400), measured(900, 400), measured(13, None)
    ('use', 'occupancy', 'unknown')
    """
    if home_range_km2 is None:
        return "unknown"
    return "use" if cell_km2 < home_range_km2 else "occupancy"


def judge_season(
    *, season_days: int, occasion_days: int, cell_km2: float, home_range_km2: float | None = None
) -> list[str]:
    """Say what a season's length, its occasions and its cells do to what psi and p mean.

    >>> judge_season(season_days=62, occasion_days=10, cell_km2=0.09)
    []
    """
    said = []
    if season_days > LONG_SEASON_DAYS:
        said.append(
            f"a season of {season_days} days is long for closure: cells that gain or lose the animal in it make psi "
            "mean 'used at some time', and p smaller; shorten it, or cut the year into seasons"
        )
    if occasion_days < 3:
        said.append(
            f"occasions of {occasion_days} day{'s' * (occasion_days > 1)}: visits on consecutive days are hardly "
            "independent, so limits are too narrow; take longer ones"
        )
    if measured(cell_km2, home_range_km2) == "use":
        assert home_range_km2 is not None
        cells = home_range_km2 / cell_km2
        said.append(
            f"a cell of {cell_km2:.3g} km2 in a home range of {home_range_km2:g} km2 measures use, not occupancy: psi "
            "is the probability that an animal uses the cell in the season; the share of cells is no count of animals, "
            "and is not to be compared with that of cells of another size"
        )
        if cells > occasion_days:
            said.append(
                f"an animal shares its time among about {cells:.0f} cells, more than the {occasion_days} days of an "
                "occasion: p is mostly whether it was there at all; longer occasions bring p nearer to detection"
            )
    return said


def judge_estimate(model: Any, fit: FitTest | None, moran: MoranTest | None) -> list[str]:
    """Say where a fitted model's figures stand on little, or are surer than they should be.

    Parameters
    ----------
    model : fitted model
    fit, moran
        Of :func:`habitat.occupancy.assess_fit` and :func:`habitat.occupancy.residual_moran`; None = not tested.
    """
    said = []
    visits = model.n_visits_ / (model.n_sites_ * model._bound.shape[1])
    if visits < _OFTEN:
        said.append(f"{visits:.1f} occasions a cell and season: p is hardly told from psi; visit cells more often")
    found = _found_share(model)
    if found < _FOUND:
        said.append(
            f"an animal in a used cell is found in the season with probability {found:.0%}: psi stands on the model "
            "more than on records; more nights, cameras or baits raise it"
        )
    if fit is not None and fit.p_value < _SURE:
        said.append(
            f"histories vary more than the model expects (c-hat {fit.c_hat:.2f}, P {fit.p_value:.2f}): standard errors "
            f"are too small, by about {np.sqrt(max(fit.c_hat, 1)):.2f} times; look for what detection depends on"
        )
    if moran is not None and moran.p_value < _SURE:
        said.append(
            f"what covariates leave is alike in neighbouring cells (Moran's I {moran.moran_i:.2f}, P "
            f"{moran.p_value:.3f}): limits are too narrow; look for a covariate that explains it, or patterns of space"
        )
    return said


def _found_share(model: Any) -> float:
    """Chance that an animal in a used cell is recorded at least once in a season, of the mean visited cell."""
    name = "p" if "p" in model._coefficients.designs else "r"
    bound = model._bound
    theta = model._coefficients.split(model._coefficients.maximum.at)[name]
    p = expit(bound.parts[name][1] @ theta)
    unit = bound.site * bound.shape[1] + bound.season
    missed = np.bincount(unit, weights=np.log1p(-np.minimum(p, 1 - 1e-12)), minlength=bound.shape[0] * bound.shape[1])
    visited = np.bincount(unit, minlength=len(missed)) > 0
    return float(1 - np.exp(missed[visited]).mean())
