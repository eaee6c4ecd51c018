"""Planning a survey: how surely a change of occupancy is seen with so many cameras over so many nights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from habitat.errors import EstimationError
from habitat.occupancy.single_season import SingleSeasonOccupancy

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SurveyDesign:
    """Cameras, one a cell, and the nights that they stand."""

    cameras: int
    nights: int
    p_night: float
    """Chance of a record in a night in a used cell."""
    occasion_nights: int = 10
    """Nights that are joined to an occasion; nights that are left over count in the last one."""

    def __post_init__(self) -> None:
        if not (self.cameras > 1 and 0 < self.p_night < 1 and self.occasions > 1):
            raise EstimationError(
                "has no two cameras, no two occasions, or no chance between 0 and 1",
                where="SurveyDesign",
                mend="shorten occasion_nights, or lengthen the survey",
            )

    @property
    def occasions(self) -> int:
        """How many there are."""
        return self.nights // max(self.occasion_nights, 1)

    @property
    def p(self) -> float:
        """Chance of a record on an occasion in a used cell."""
        return float(1 - (1 - self.p_night) ** (self.nights / self.occasions))

    @property
    def found(self) -> float:
        """Chance of a record in the whole survey in a used cell."""
        return float(1 - (1 - self.p_night) ** self.nights)


def occupancy_variance(psi: float, design: SurveyDesign) -> float:
    """Return the variance of estimated occupancy in a large sample.

    References
    ----------
    MacKenzie, D. I. and Royle, J. A. (2005). Designing occupancy studies. Journal of Applied Ecology 42, 1105-1114
    (their equation 2).

    >>> sure = SurveyDesign(cameras=100, nights=90, p_night=0.5)  # no animal is missed: a binomial share
    >>> round(occupancy_variance(0.4, sure), 6)
    0.0024
    """
    p, k = design.p, design.occasions
    spread = design.found - k * p * (1 - p) ** (k - 1)
    return psi / design.cameras * ((1 - psi) + (1 - design.found) / spread)


def change_power(psi: float, change: float, design: SurveyDesign, *, alpha: float = 0.05) -> float:
    """Return the chance that two surveys of one design tell a change of occupancy from none (two-sided Wald test).

    For cells that are chosen anew for each survey; the same cells see a change better, as their states are alike.

    Parameters
    ----------
    psi : float
        Occupancy before.
    change : float
        Relative: -0.3 is three tenths fewer cells.

    References
    ----------
    Guillera-Arroita, G. and Lahoz-Monfort, J. J. (2012). Designing studies to detect differences in species occupancy:
    power analysis under imperfect detection. Methods in Ecology and Evolution 3, 860-869.

    >>> design = SurveyDesign(cameras=150, nights=60, p_night=0.03)
    >>> [round(change_power(0.5, change, design), 2) for change in (0.0, -0.2, -0.5)]
    [0.05, 0.28, 0.96]
    """
    after = psi * (1 + change)
    if not (0 < psi < 1 and 0 < after < 1):
        raise EstimationError(
            f"occupancy of {psi:g} and {after:g} does not lie between 0 and 1", where="change_power", mend="check both"
        )
    spread = np.sqrt(occupancy_variance(psi, design) + occupancy_variance(after, design))
    reach, apart = norm.isf(alpha / 2), (after - psi) / spread
    return float(norm.sf(reach - apart) + norm.cdf(-reach - apart))


def cameras_needed(psi: float, change: float, design: SurveyDesign, *, power: float = 0.8, most: int = 100_000) -> int:
    """Return the fewest cameras with which a change is seen with a chance of `power`; those of `design` do not count.

    Raises
    ------
    EstimationError
        If `most` are not enough.
    """
    low, high = 2, most
    if change_power(psi, change, _with_cameras(design, most)) < power:
        raise EstimationError(f"{most:,} cameras are not enough", where="cameras_needed", mend="let them stand longer")
    while low < high:
        middle = (low + high) // 2
        if change_power(psi, change, _with_cameras(design, middle)) >= power:
            high = middle
        else:
            low = middle + 1
    return low


def simulated_power(
    psi: Floats, change: float, design: SurveyDesign, *, n_surveys: int = 200, alpha: float = 0.05, seed: int = 0
) -> pd.DataFrame:
    """Simulate two surveys in a landscape again and again, fit both, and test whether occupancy has changed.

    What the formula leaves out is in here: few cells, habitat that is good here and bad there, boundaries.

    Parameters
    ----------
    psi : array (cell,)
        Probability of use of every cell of the landscape before; after, it is 1 + `change` times that.
    design : SurveyDesign
        Its cameras stand in cells that are drawn anew for each survey.
    n_surveys : int
        Pairs of surveys.

    Returns
    -------
    DataFrame
        One row a pair: `before`, `after` (estimates; NaN where one could not be had), `difference_se`, `seen` (the
        change is told from none). The mean of `seen` is the power.
    """
    random = np.random.default_rng(seed)
    if design.cameras > len(psi):
        raise EstimationError(
            f"{design.cameras} cameras for {len(psi)} cells", where="simulated_power", mend="one camera a cell"
        )
    rows = []
    for _ in range(n_surveys):
        found = [_survey(np.clip(share, 0, 1), design, random) for share in (psi, psi * (1 + change))]
        (before, one), (after, other) = found
        spread = float(np.sqrt(one**2 + other**2))
        seen = bool(abs(after - before) > norm.isf(alpha / 2) * spread) if spread > 0 else False
        rows.append({"before": before, "after": after, "difference_se": spread, "seen": seen})
    return pd.DataFrame(rows)


def _survey(psi: Floats, design: SurveyDesign, random: np.random.Generator) -> tuple[float, float]:
    """Survey once: estimated occupancy and its standard error; NaN where there is none."""
    at = random.choice(len(psi), size=design.cameras, replace=False)
    used = random.random(design.cameras) < psi[at]
    seen = (random.random((design.cameras, design.occasions)) < design.p) & used[:, None]
    cells = {"cell": np.arange(design.cameras)}
    history = xr.Dataset({"detected": (("cell", "occasion"), seen.astype(float))}, coords=cells)
    try:
        model = SingleSeasonOccupancy(n_starts=1).fit(history)
    except EstimationError:  # never seen
        return np.nan, np.nan
    return model.mean_psi(pd.DataFrame(index=pd.Index(cells["cell"], name="cell")))


def _with_cameras(design: SurveyDesign, cameras: int) -> SurveyDesign:
    return SurveyDesign(cameras, design.nights, design.p_night, design.occasion_nights)
