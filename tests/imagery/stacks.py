"""Stacks written out by hand: a few looks of a few pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from habitat.grids import coordinates, grid_over

SIDE_M = 20


def stack(days: Sequence[str], quality: Any = 0, **bands: Any) -> xr.Dataset:
    """A STACK over as many pixels of 20 m as the arrays have; scalars fill it."""
    given = [np.asarray(v) for v in (*bands.values(), quality) if np.ndim(v) == 3]
    rows, cols = given[0].shape[1:] if given else (1, 1)
    grid = grid_over((500_000, 4_800_000, 500_000 + SIDE_M * cols, 4_800_000 + SIDE_M * rows), "EPSG:32652", SIDE_M)
    shape = (len(days), rows, cols)
    data = {name: np.broadcast_to(np.float32(values), shape).copy() for name, values in bands.items()}
    data["quality"] = np.broadcast_to(np.asarray(quality, dtype=np.uint8), shape).copy()
    return xr.Dataset(
        {name: (("time", "y", "x"), values) for name, values in data.items()},
        coords={"time": np.array(days, dtype="datetime64[ns]"), **coordinates(grid)},
    )
