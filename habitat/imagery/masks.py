"""Which looks are clear: the product's own quality bits, and a margin around clouds and shadows."""

from __future__ import annotations

import numpy as np
import xarray as xr

from habitat.cubes import STACK, Quality
from habitat.grids import grid_of

NOT_CLEAR = Quality.FILL | Quality.CLOUD | Quality.SHADOW | Quality.CIRRUS | Quality.SNOW | Quality.SATURATED
"""Bits that spoil a look, by default."""

_SPREADS = Quality.CLOUD | Quality.SHADOW | Quality.CIRRUS
"""Bits whose edges are soft: products stop too early at them."""


def clear_looks(stack: xr.Dataset, *, reject: int = NOT_CLEAR, margin_m: float = 40) -> xr.Dataset:
    """Return the stack with every look that is not clear set to NaN.

    Parameters
    ----------
    stack : STACK
    reject : int
        Quality bits that spoil a look; fill always does.
    margin_m : float
        Clouds, cirrus and shadows spoil their surroundings up to this distance too.

    Returns
    -------
    STACK
        Without `quality`'s pixels changed.
    """
    STACK.check(stack)
    quality = stack["quality"].values
    bad = (quality & (reject | Quality.FILL)) > 0
    soft = (quality & _SPREADS & reject) > 0
    radius = margin_m / abs(grid_of(stack).transform.a)
    bad |= grown(soft, radius)
    clear = xr.DataArray(~bad, dims=STACK.dims)
    return stack.assign({name: stack[name].where(clear) for name in stack.data_vars if name != "quality"})


def grown(mask: np.ndarray, radius: float) -> np.ndarray:
    """Return a (time, y, x) mask with each (y, x) slice grown by `radius` pixels."""
    reach = int(radius)
    wider = mask.copy()
    height, width = mask.shape[1:]
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if 0 < down**2 + right**2 <= radius**2:
                to_rows, from_rows = _shifted(down, height)
                to_cols, from_cols = _shifted(right, width)
                wider[:, to_rows, to_cols] |= mask[:, from_rows, from_cols]
    return wider


def _shifted(by: int, size: int) -> tuple[slice, slice]:
    """Where pixels along one axis come to lie when they move `by`, and which they are."""
    by = max(-size, min(by, size))
    return slice(max(by, 0), size + min(by, 0)), slice(max(-by, 0), size - max(by, 0))
