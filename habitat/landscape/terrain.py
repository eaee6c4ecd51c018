"""The ground of each cell: height, slope, where slopes face, how rugged it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from habitat.landscape.zonal import Zones, strips


def terrain_covariates(
    heights: Callable[[slice], NDArray[np.floating]], zones: Zones, n_cells: int, *, pixel_m: float
) -> pd.DataFrame:
    """Return the terrain of each cell: one row a cell, in order.

    Parameters
    ----------
    heights : callable
        Of a slice of rows to metres (y, x), NaN = unknown; asked for one row more on either side where there is one.
    zones : int32 array (y, x)
    pixel_m : float
        Side of a pixel.

    Returns
    -------
    DataFrame
        `height_m` (mean), `ruggedness_m` (standard deviation of heights), `slope_degrees` (mean), `southwestness`
        (mean of the sine of the slope x the cosine of its aspect's angle from south-west: 1 = a cliff to the
        south-west, 0 = flat; snow melts first there).
    """
    from habitat.landscape import _counting

    names = ("height_m", "squares", "slope_degrees", "southwestness")
    total = {name: np.zeros(n_cells) for name in names}
    number = {name: np.zeros(n_cells, dtype=np.int64) for name in names}
    base: float | None = None
    for strip in strips(len(zones)):
        start, stop = max(strip.start - 1, 0), min(strip.stop + 1, len(zones))
        values = np.asarray(heights(slice(start, stop)), dtype=np.float32)
        here = slice(strip.start - start, strip.stop - start)
        if base is None and np.isfinite(values).any():
            base = float(np.nanmean(values))  # squares are small around it
        down, east = np.gradient(values, pixel_m)
        steep = np.hypot(down, east)
        layers = {
            "height_m": values,
            "squares": (values - (base or 0.0)) ** 2,
            "slope_degrees": np.degrees(np.arctan(steep)),
            # ground falls along minus its gradient: southwards where `down` is below 0, westwards where `east` is above
            "southwestness": (east - down) / np.sqrt(2) / np.sqrt(1 + steep**2),
        }
        zone = np.ascontiguousarray(zones[strip])
        for name, layer in layers.items():
            _counting.sums(np.ascontiguousarray(layer[here], dtype=np.float32), zone, total[name], number[name])
    mean = {
        name: np.divide(total[name], number[name], out=np.full(n_cells, np.nan), where=number[name] > 0)
        for name in names
    }
    spread = np.sqrt(np.maximum(mean.pop("squares") - (mean["height_m"] - (base or 0.0)) ** 2, 0))
    return pd.DataFrame(mean).assign(ruggedness_m=spread)
