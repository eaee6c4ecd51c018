"""Looks as sharp as the coarsest of them.

At the border of a forest a pixel of 10 m, one of 20 and one of 30 show different shares of it: between sensors, and
between the bands of one, edges differ where nothing has changed. Each look is blurred until its pixels on the run's
grid see the ground as those of the coarsest sensor do. How a pixel sees it follows from the product's pixels, from what
blurs them (:mod:`habitat.sensors.sharpness`) and from how they were averaged by area onto the grid; the weights of its
neighbours that bring one to the other are found by least squares, none of them negative: noise never grows.

Pixels of 30 m meet those of 20 m in changing places, and a look that was moved to its place meets the grid in others:
what counts is the mean over all pixels of a grid that has not been moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.cubes import STACK
from habitat.errors import ContractError
from habitat.grids import grid_of
from habitat.sensors.sharpness import POINT_SPREAD, PointSpread

_AT_M = np.arange(-299.5, 300)
"""Where responses are worked out."""
_TAILS = 2.5
"""Standard deviations of what is lacking: farther neighbours count for nothing."""
_MEETINGS = 60
"""Pixels after which pixels of 10, 20, 25 and 30 m have met a grid's in every way they do."""
_LIKE = 25.0
"""Square metres: what differs by less in variance is as sharp."""
_LEAST = 1e-3
"""A weight below this is none."""


def match_sharpness(stack: xr.Dataset, *, sensors: Sequence[str]) -> xr.Dataset:
    """Return the stack with every band of every look as sharp as the coarsest of a run.

    Parameters
    ----------
    stack : STACK
        With `sensor`. Looks that are not clear are NaN: they stay so, and nothing of them comes into their neighbours,
        which are means of what was seen.
    sensors : sequence of str
        All sensors of the run, whether or not the stack has looks of them.

    Returns
    -------
    STACK
        The looks that are the coarsest are the same in every bit. Within as many pixels of the rim as
        :func:`sharpness_reach` says, looks lack some of the neighbours that they have elsewhere.

    Raises
    ------
    ContractError
        If the stack does not say of which sensor its looks are, or nothing is known of one.
    """
    from habitat.imagery import _sharpness

    STACK.check(stack)
    if "sensor" not in stack.coords:
        raise ContractError("coordinate 'sensor' is missing", where="STACK", mend="read it with read_stack")
    bands = [str(band) for band in stack.data_vars if band != "quality"]
    weights = _weights_of(grid_of(stack), sensors, bands)
    totals, shares = (np.empty((stack.sizes["y"], stack.sizes["x"]), np.float32) for _ in range(2))
    changed = {}
    for band in bands:
        values = np.array(stack[band].values, dtype=np.float32)
        for look, sensor in zip(values, map(str, stack["sensor"].values), strict=True):
            if (sensor, band) not in weights:
                raise ContractError(f"sensor {sensor!r} is none of the run's", where="STACK")
            along_y, along_x = weights[sensor, band]
            if len(along_y) > 1 or len(along_x) > 1:
                _sharpness.blur(look, along_y, along_x, totals, shares)
        changed[band] = stack[band].copy(data=values)
    return stack.assign(changed)


def sharpness_reach(grid: GeoBox, *, sensors: Sequence[str], bands: Sequence[str]) -> int:
    """Return how many pixels away :func:`match_sharpness` looks at neighbours, at most."""
    return max((len(axis) // 2 for axes in _weights_of(grid, sensors, bands).values() for axis in axes), default=0)


def _weights_of(
    grid: GeoBox, sensors: Sequence[str], bands: Sequence[str]
) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Each sensor's band's weights along y and along x: float32, odd in number."""
    for sensor in sensors:
        if sensor not in POINT_SPREAD:
            raise ContractError(f"nothing is known of how sharp {sensor!r} is", where="STACK")
    spreads = {(sensor, band): POINT_SPREAD[sensor][band] for sensor in sensors for band in bands}
    pixel_m = abs(grid.transform.a)
    corners = [round(edge % pixel_m, 3) % pixel_m for edge in (grid.transform.f, grid.transform.c)]  # of all blocks
    found = _matched(tuple(sorted(set(spreads.values()), key=repr)), pixel_m, tuple(corners))
    return {key: found[spread] for key, spread in spreads.items()}


@lru_cache(maxsize=32)
def _matched(
    spreads: tuple[PointSpread, ...], pixel_m: float, corners_m: tuple[float, ...]
) -> dict[PointSpread, tuple[np.ndarray, np.ndarray]]:
    """Weights along y and x that make of each the coarsest."""
    seen = {spread: [_response(spread, pixel_m, corner) for corner in corners_m] for spread in spreads}
    coarsest = max(spreads, key=lambda spread: sum(map(_variance, seen[spread])))
    return {
        spread: (_weights(down, seen[coarsest][0], pixel_m), _weights(across, seen[coarsest][1], pixel_m))
        for spread, (down, across) in seen.items()
    }


def _response(spread: PointSpread, pixel_m: float, corner_m: float) -> np.ndarray:
    """What a pixel of the grid sees along one axis at :data:`_AT_M` from its middle: the mean of all its places."""
    places = {round((corner_m + k * pixel_m - spread.anchor_m) % spread.pixel_m, 3) for k in range(_MEETINGS)}
    total = np.zeros_like(_AT_M)
    for place in sorted(place % spread.pixel_m for place in places):
        first = np.arange(int(np.ceil((place + pixel_m) / spread.pixel_m - 1e-6))) * spread.pixel_m
        shared = np.minimum(first + spread.pixel_m, place + pixel_m) - np.maximum(first, place)
        for start, weight in zip(first, shared / pixel_m, strict=True):
            total += weight * _pixel(spread, start + spread.pixel_m / 2 - place - pixel_m / 2)
    return (total + total[::-1]) / (2 * total.sum())


def _pixel(spread: PointSpread, middle_m: float) -> np.ndarray:
    """What a pixel of a product sees: a square of its size, blurred."""
    from scipy.special import ndtr

    half = spread.pixel_m / 2
    return np.asarray(ndtr((_AT_M - middle_m + half) / spread.blur_m) - ndtr((_AT_M - middle_m - half) / spread.blur_m))


def _variance(response: np.ndarray) -> float:
    return float((response * _AT_M**2).sum())


def _weights(own: np.ndarray, wanted: np.ndarray, pixel_m: float) -> np.ndarray:
    """Weights of neighbours along one axis that see what is wanted, as nearly as can be."""
    from scipy.optimize import nnls

    lacking = _variance(wanted) - _variance(own)
    if lacking < _LIKE:
        return np.ones(1, np.float32)
    beside = int(np.ceil(_TAILS * np.sqrt(lacking) / pixel_m))
    moved = [np.interp(_AT_M, _AT_M + k * pixel_m, own, left=0, right=0) for k in range(-beside, beside + 1)]
    weights, _ = nnls(np.stack(moved, axis=1), wanted)
    weights = (weights + weights[::-1]) / (2 * weights.sum())
    outer = int(np.argmax(weights > _LEAST))
    weights = weights[outer : len(weights) - outer]
    return np.asarray(weights / weights.sum(), dtype=np.float32)
