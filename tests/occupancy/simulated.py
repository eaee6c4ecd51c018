"""Histories with a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit


def simulate(n_cells: int, n_occasions: int, *, seed: int, surveyed: float = 1.0):
    """psi = expit(-0.3 + 1.2 forest), p = expit(-1 + 0.08 effort); `forest` in 0 to 2, `effort` in camera-days."""
    rng = np.random.default_rng(seed)
    names = np.array([f"c{i}" for i in range(n_cells)], dtype=object)
    forest = rng.uniform(0, 2, n_cells)
    occupied = rng.random(n_cells) < expit(-0.3 + 1.2 * forest)
    effort = rng.uniform(1, 20, (n_cells, n_occasions)) * (rng.random((n_cells, n_occasions)) < 0.9)
    effort[rng.random(n_cells) >= surveyed] = 0
    seen = rng.random(effort.shape) < expit(-1 + 0.08 * effort)
    detected = np.where(effort > 0, (seen & occupied[:, None]).astype(float), np.nan)
    history = xr.Dataset(
        {"detected": (("cell", "occasion"), detected), "effort": (("cell", "occasion"), effort)},
        coords={"cell": names},
        attrs={"species": "tiger", "season": 2021},
    )
    return history, pd.DataFrame({"cell": names, "forest": forest}), occupied
