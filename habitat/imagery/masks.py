"""Which looks are clear: the product's own quality bits, and a margin around clouds and shadows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import numpy as np
import xarray as xr

from habitat.cubes import STACK, Quality
from habitat.errors import RecipeError
from habitat.grids import grid_of

NOT_CLEAR = Quality.FILL | Quality.CLOUD | Quality.SHADOW | Quality.CIRRUS | Quality.SNOW | Quality.SATURATED
"""Bits that spoil a look, by default."""

_SPREADS = Quality.CLOUD | Quality.SHADOW | Quality.CIRRUS
"""Bits whose edges are soft: products stop too early at them."""

_WORDS = {
    "cloud": Quality.CLOUD,
    "shadow": Quality.SHADOW,
    "cirrus": Quality.CIRRUS,
    "snow": Quality.SNOW,
    "saturated": Quality.SATURATED,
    "water": Quality.WATER,
}
"""What a recipe may ask to be rejected. Fill is no choice: nothing was measured."""


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


def reject_bits(names: Iterable[str]) -> int:
    """Return the quality bits that words name: of cloud, shadow, cirrus, snow, saturated, water.

    Raises
    ------
    RecipeError
        If a word is none of these; it names the nearest one.

    >>> reject_bits(["cloud", "shadow"]) == Quality.CLOUD | Quality.SHADOW
    True
    """
    bits = 0
    for name in names:
        if name not in _WORDS:
            near = difflib.get_close_matches(str(name).lower(), _WORDS, n=1, cutoff=0.5)
            mend = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(_WORDS)}"
            raise RecipeError(f"no quality is called {name!r}", mend=mend)
        bits |= _WORDS[name]
    return bits


def grown(mask: np.ndarray, radius: float) -> np.ndarray:
    """Return a (time, y, x) mask with each (y, x) slice grown by `radius` pixels.

    A disk is laid together from rows: slice by slice, so that it stays in the cache, the mask is widened along x a
    pixel at a time, and each width moved along y to where the disk is as wide. The work grows with the radius, not
    with its square.
    """
    reach = int(radius)
    wider = mask.copy()
    height, width = mask.shape[1:]
    half = [sum(d**2 + right**2 <= radius**2 for right in range(1, reach + 1)) for d in range(reach + 1)]
    for slice_, out in zip(mask, wider, strict=True):
        row = slice_.copy()
        for right in range(reach + 1):
            for by in {right, -right} - {0}:
                to, come = _shifted(by, width)
                row[:, to] |= slice_[:, come]
            for down in [d for d in range(reach + 1) if half[d] == right]:
                for by in {down, -down}:
                    to, come = _shifted(by, height)
                    out[to] |= row[come]
    return wider


def _shifted(by: int, size: int) -> tuple[slice, slice]:
    """Where pixels along one axis come to lie when they move `by`, and which they are."""
    by = max(-size, min(by, size))
    return slice(max(by, 0), size + min(by, 0)), slice(max(-by, 0), size - max(by, 0))
