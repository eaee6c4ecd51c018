"""Clouds, haze, shadows and snow that a product's own mask missed, found in each pixel's own history; and back again.

A year's course (a level and two harmonics) is fitted to the looks that the product calls clear, robustly, so that the
clouds among them do not bend it: Tmask's idea (Zhu and Woodcock 2014, Remote Sensing of Environment 152, 217-234). A
cloud, haze or snow is brighter in the visible than that course, a shadow darker in both infrareds. What lasts is no
cloud: a departure that the looks before and after share is the ground's own change, and is left alone.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from habitat.cubes import STACK, Quality
from habitat.errors import ContractError
from habitat.grids import grid_of
from habitat.imagery.masks import NOT_CLEAR, grown

SURE, DOUBTFUL = 1.0, 0.5
"""Departures that spoil a look by themselves, and where the product, or a spoilt look close by, says so too."""
FEWEST = (4, 8, 15)
"""Clear looks for a level, for one harmonic, and for two."""
BRIGHTER = 0.018
"""Reflectance above its course at which a visible band is sure. This and the limits below were chosen with real looks
and simulated skies in view (`benchmarks/masks.py` says which)."""
NOISE = 1.5
"""Spreads of the pixel's own series that it takes besides: bare and mown ground varies."""
DARKER, STEEPEST = 0.25, 0.12
"""Natural logarithm of the fall of both infrareds, in the mean and of each, at which a shadow is sure."""
DAMP = 0.03
"""Reflectance that is added before ratios are taken: over water they would be noise."""

_VEILS = Quality.CLOUD | Quality.SHADOW | Quality.CIRRUS | Quality.SNOW
_VISIBLE = ("blue", "green", "red")
_INFRARED = ("nir08", "swir16", "swir22")


def departures(stack: xr.Dataset, *, reject: int = NOT_CLEAR) -> xr.DataArray:
    """Return how far each look departs from its pixel's history.

    Parameters
    ----------
    stack : STACK
        Of a few years; for one new scene, those years with it. Unmasked.
    reject : int
        Quality bits whose looks do not make the history.

    Returns
    -------
    float32 (time, y, x)
        Above 0 for brighter, below 0 for darker looks; 1 is what :data:`BRIGHTER` and :data:`DARKER` call sure. NaN
        where nothing was measured, or the pixel has too few clear looks.

    Raises
    ------
    ContractError
        If it has no visible band or no near infrared.
    """
    from habitat.imagery import _departures

    STACK.check(stack)
    visible = next((band for band in _VISIBLE if band in stack), None)
    infrared = [band for band in _INFRARED if band in stack][:2]
    if visible is None or "nir08" not in infrared:
        raise ContractError("a pixel's history needs a visible band and nir08", where="STACK")
    shape = stack[visible].shape
    series = [stack[band].values.reshape(shape[0], -1) for band in (visible, infrared[0], infrared[-1])]
    out = np.empty(series[0].shape, dtype=np.float32)
    _departures.depart(
        series[0],
        (series[1], series[2]),
        (stack["quality"].values.reshape(shape[0], -1), np.uint8(reject)),
        (_waves(stack["time"].values), np.array(FEWEST, dtype=np.float32)),
        tuple(map(np.float32, (BRIGHTER, NOISE, DARKER, STEEPEST, DAMP, DOUBTFUL))),
        out,
    )
    return xr.DataArray(out.reshape(shape), dims=STACK.dims, coords=stack[visible].coords, name="departure")


def screen_looks(stack: xr.Dataset, *, reject: int = NOT_CLEAR, margin_m: float = 40) -> xr.Dataset:
    """Return the stack with its quality put right by each pixel's history.

    A look is spoilt if its departure is sure; or if it is doubtful, and the product says so or a spoilt look is
    within `margin_m`. A look that the product dropped and that does not depart is given back. Where there is no
    history, the product's verdict stands, with its margin.

    Parameters
    ----------
    stack : STACK
        As of :func:`departures`.
    reject : int
        Quality bits that spoil a look.
    margin_m : float
        How far doubt reaches around what is spoilt.

    Returns
    -------
    STACK
        With `quality` rewritten: hand it to :func:`~habitat.imagery.clear_looks` with `margin_m=0`.
    """
    apart = departures(stack, reject=reject).values
    quality = stack["quality"].values
    size = np.abs(apart)
    known, doubtful, sure = np.isfinite(size), size > DOUBTFUL, size > SURE
    veiled = (quality & reject & _VEILS) > 0
    soft = (quality & reject & (_VEILS & ~Quality.SNOW)) > 0
    radius = margin_m / abs(grid_of(stack).transform.a)
    spoilt = sure | (veiled & (doubtful | ~known))
    spoilt |= grown(sure | (soft & (doubtful | ~known)), radius) & (doubtful | ~known)
    spoilt &= (quality & _VEILS & ~np.uint8(reject)) == 0  # snow that the caller keeps departs, and is kept
    new = np.where(known & ~spoilt, quality & ~np.uint8(_VEILS & reject), quality)
    new |= np.where(spoilt & ~veiled, np.where(apart < 0, Quality.SHADOW, Quality.CLOUD), 0).astype(np.uint8)
    return stack.assign(quality=(STACK.dims, new, stack["quality"].attrs))


def _waves(times: np.ndarray) -> np.ndarray:
    """Return 1, and cosine and sine of one to four rounds a year, float32 (time, 9); then rows of 0 to whole steps."""
    from habitat.imagery._departures import STEP, WAVES

    rounds = times.astype("datetime64[s]").astype(np.float64) / 86400 / 365.25 * 2 * np.pi
    waves = np.zeros((-(-len(times) // STEP) * STEP, WAVES), dtype=np.float32)
    waves[: len(times), 0] = 1
    for k in (1, 2, 3, 4):
        waves[: len(times), 2 * k - 1], waves[: len(times), 2 * k] = np.cos(k * rounds), np.sin(k * rounds)
    return waves
