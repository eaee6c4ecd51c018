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
    if radius >= 1 and soft.any():
        bad |= _grown(soft, radius)
    clear = xr.DataArray(~bad, dims=STACK.dims)
    return stack.assign({name: stack[name].where(clear) for name in stack.data_vars if name != "quality"})


def _grown(mask: np.ndarray, radius: float) -> np.ndarray:
    """Grow each (y, x) slice of a (time, y, x) mask by `radius` pixels."""
    from scipy.ndimage import distance_transform_edt

    grown = np.zeros_like(mask)
    for step, layer in enumerate(mask):
        if layer.any():
            grown[step] = distance_transform_edt(~layer) <= radius
    return grown
