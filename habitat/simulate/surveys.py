"""A landscape as a bare table of cells, for planning surveys: no pixels, no scenes, a second of work for 60 x 60 km."""

from __future__ import annotations

from typing import Any

import numpy as np

from habitat.errors import RecipeError
from habitat.simulate.fields import block_mean, fractal_noise
from habitat.simulate.streams import Streams

_FINE = 8
"""Points along a side of a cell at which there is forest or none."""
_FOREST_SHARE = 0.65


def make_survey_landscape(
    *, psi: float, effect: float = 3.0, size_km: float = 60.0, cell_km: float = 3.0, seed: int = 0
) -> Any:
    """Return a made-up landscape of square cells, and the probability that each is used.

    Parameters
    ----------
    psi : float
        Mean probability of use over all cells.
    effect : float
        Of the share of forest, on the logit.
    size_km, cell_km : float
        Sides of the landscape and of its cells.
    seed : int
        0 or more.

    Returns
    -------
    DataFrame
        cell, x, y (metres from the south-west, of centres), forest_share, psi.

    Raises
    ------
    RecipeError
        If `psi` does not lie between 0 and 1, or there are not two cells along a side.
    """
    import pandas as pd
    from scipy.optimize import brentq
    from scipy.special import expit

    n = round(size_km / cell_km)
    if not 0 < psi < 1 or n < 2:
        raise RecipeError(
            f"psi of {psi:g} on {n} x {n} cells", where="make_survey_landscape", mend="0 < psi < 1, two cells or more"
        )
    field = fractal_noise(Streams(seed)("forest", "table"), (n * _FINE, n * _FINE), (24.0, 6.0), (1.0, 0.6))
    forest = block_mean((field < np.quantile(field, _FOREST_SHARE)).astype(np.float32), _FINE).astype(float)
    row, col = np.mgrid[:n, :n]

    def off(intercept: float) -> float:
        return float(expit(intercept + effect * forest).mean() - psi)

    use = expit(brentq(off, -50, 50) + effect * forest)
    return pd.DataFrame(
        {
            "cell": [f"x{c}y{n - 1 - r}" for r, c in zip(row.ravel(), col.ravel(), strict=True)],
            "x": (col.ravel() + 0.5) * cell_km * 1e3,
            "y": (n - row.ravel() - 0.5) * cell_km * 1e3,
            "forest_share": forest.ravel(),
            "psi": use.ravel(),
        }
    )
