"""What weather does to all of a forest at once: taken out of dense looks before breaks are looked for.

A late spring, a drought or a haze moves the pixels of a forest together; a loss moves a few. So each look is levelled
by how far the forest around strays from its own seasons on that day: the median over a sample of it. The idea is that
of Hamunyela, Verbesselt and Herold (2016, doi:10.1016/j.rse.2015.10.006). No more is taken for weather than what
weather does: of a fire that is larger than the surroundings most remains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from habitat.change.breaks import USUAL_SPREAD, BreakRules, check_looks
from habitat.cubes import BANDS
from habitat.errors import ContractError

if TYPE_CHECKING:
    import xarray as xr

CALM = BreakRules(shift_days=4.0)
"""Rules for looks without weather: what is left of early and late seasons is less."""
NODE = 16
"""Pixels between the places at which weather is told; between them it is interpolated."""
REACH = 24
"""Pixels around such a place that speak for it."""
HALO = NODE // 2 + REACH
"""Pixels around a block of whole nodes that must be known, so that its weather is the same in any cut of the area."""
SAMPLE = 100
"""Forest pixels that speak for a place, at most."""
DOUBT = 10.0
"""Pixels' worth of trust in no weather at all."""
FEWEST = 20
"""Pixels around it seen in a look, below which nothing is known of a place's weather."""
LIMIT = 2.0
"""Usual spreads of a band that weather moves it by, at most."""
YEAR_LIMIT = 4.0
"""The same of a year's composite, which can be of one look."""
_CYCLES = 2
_RIDGE = 0.3


@dataclass(frozen=True)
class Weather:
    """What weather did to the forest in each look, told at nodes and interpolated between them."""

    nodes: np.ndarray
    """float32 (time, 6, node, node), reflectance."""
    down: np.ndarray
    """float32 (y, node): weights of the nodes' rows."""
    across: np.ndarray
    """float32 (x, node): weights of the nodes' columns."""

    def at(self, time: int) -> np.ndarray:
        """Return it for one look, float32 (6, y, x)."""
        return self.down @ self.nodes[time] @ self.across.T


def learn_weather(
    days: np.ndarray, values: np.ndarray, forest: np.ndarray, *, corner: tuple[int, int] = (0, 0)
) -> Weather:
    """Return what the weather did to each look of a forest.

    Parameters
    ----------
    days : float array (time,)
        Days since :data:`habitat.change.breaks.EPOCH`, ascending.
    values : float32 array (time, 6, y, x)
        Surface reflectance in the order of :data:`habitat.cubes.BANDS`, NaN = not seen.
    forest : bool array (y, x)
        Pixels to learn from: forest for most of the time. Where there are few, little is taken for weather.
    corner : tuple of int
        Row and column of the first pixel in the whole area, if this is a part of it. A block whose sides are multiples
        of :data:`NODE` in the area, and that lies :data:`HALO` or more inside the part, gets the whole's weather.

    Raises
    ------
    ContractError
        If shapes do not fit or days do not ascend.
    """
    values = check_looks(days, values)
    limit = LIMIT * np.array(USUAL_SPREAD)
    return _learn(values, forest, corner, limit, partial(_off_seasons, days))


def without_weather(days: np.ndarray, values: np.ndarray, forest: np.ndarray) -> np.ndarray:
    """Return looks less what the weather did to all the forest around, float32 (time, 6, y, x).

    Parameters and errors are those of :func:`learn_weather`.
    """
    weather = learn_weather(days, values, forest)
    levelled = np.empty(values.shape, np.float32)
    for t in range(len(days)):
        levelled[t] = values[t] - weather.at(t)
    return levelled


def without_odd_years(summers: xr.Dataset, forest: np.ndarray, *, corner: tuple[int, int] = (0, 0)) -> xr.Dataset:
    """Return yearly composites less what all the forest around was off by in each year: haze, drought, another date.

    Parameters
    ----------
    summers : Dataset of float (year, y, x)
        Reflectance, NaN = not seen; any bands of :data:`habitat.cubes.BANDS`.
    forest, corner
        As for :func:`learn_weather`.

    Raises
    ------
    ContractError
        If shapes do not fit.
    """
    names = [str(name) for name in summers]
    values = np.stack([summers[name].to_numpy() for name in names], axis=1).astype(np.float32)
    limit = YEAR_LIMIT * np.array([USUAL_SPREAD[BANDS.index(name)] for name in names])
    weather = _learn(values, forest, corner, limit, _off_years)
    levelled = values - np.stack([weather.at(year) for year in range(len(values))])
    return summers.assign({name: (("year", "y", "x"), levelled[:, k]) for k, name in enumerate(names)})


def _learn(
    values: np.ndarray,
    forest: np.ndarray,
    corner: tuple[int, int],
    limit: np.ndarray,
    off: Callable[[np.ndarray], np.ndarray],
) -> Weather:
    """What values (time, band, y, x) are off by; `off` tells it for each of some pixels (time, band, pixel)."""
    shape = values.shape[2:]
    if forest.shape != shape:
        raise ContractError(f"forest has shape {forest.shape}, the looks {shape}", where="weather")
    centres = [_centres(first, size) for first, size in zip(corner, shape, strict=True)]
    samples = [[_around(forest, y, x) for x in centres[1]] for y in centres[0]]
    chosen = np.unique(np.concatenate([part for line in samples for part in line]))
    anomaly = off(values.reshape(*values.shape[:2], -1)[:, :, chosen])
    nodes = np.empty((*values.shape[:2], len(centres[0]), len(centres[1])), np.float32)
    for i, line in enumerate(samples):
        for j, part in enumerate(line):
            middle, seen = _median(anomaly[:, :, np.searchsorted(chosen, part)])
            trust = np.where(seen >= FEWEST, seen / (seen + DOUBT), 0)
            nodes[:, :, i, j] = np.clip(middle * trust[:, None], -limit, limit)
    down, across = (_between(size, at) for size, at in zip(shape, centres, strict=True))
    return Weather(nodes, down, across)


def _centres(first: int, size: int) -> np.ndarray:
    """Places of the nodes along a side, pixels from its start; they lie in the same places of the area in any part."""
    nodes = np.arange(first // NODE, -(-(first + size) // NODE))
    return (nodes + 0.5) * NODE - first


def _around(forest: np.ndarray, y: float, x: float) -> np.ndarray:
    """Flat indices of at most SAMPLE forest pixels around a place, evenly drawn from all of them."""
    rows, cols = (slice(max(int(at - REACH), 0), max(int(at + REACH), 0)) for at in (y, x))
    row, col = np.nonzero(forest[rows, cols])
    flat = (row + rows.start) * forest.shape[1] + col + cols.start
    return flat[np.linspace(0, len(flat) - 1, min(len(flat), SAMPLE)).round().astype(int)] if len(flat) else flat


def _off_seasons(days: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """How far looks (time, band, pixel) stray from each pixel's own seasons in all years; the pixels lie last."""
    angle = 2 * np.pi * days / 365.2425
    waves = [wave(k * angle) for k in range(1, _CYCLES + 1) for wave in (np.cos, np.sin)]
    design = np.stack([np.ones(len(days)), *waves], axis=1)
    seen = np.isfinite(looks).all(axis=1)
    products = (design[:, :, None] * design[:, None, :]).reshape(len(days), -1)
    gram = (seen.T.astype(float) @ products).reshape(-1, design.shape[1], design.shape[1])
    gram += _RIDGE * np.eye(design.shape[1])
    off = np.empty(looks.shape, np.float32)
    for band in range(looks.shape[1]):
        known = np.where(seen, looks[:, band], 0)
        terms = np.linalg.solve(gram, (known.T @ design)[..., None])[..., 0]
        off[:, band] = np.where(seen, looks[:, band] - design @ terms.T, np.nan)
    return off


def _off_years(summers: np.ndarray) -> np.ndarray:
    """How far composites (year, band, pixel) stray from each pixel's median of all years."""
    seen = np.isfinite(summers).all(axis=1, keepdims=True)
    known = np.where(seen, summers, np.nan)
    ordered = np.sort(known, axis=0)  # NaN last
    years = seen.sum(axis=0, keepdims=True)
    low, high = (np.broadcast_to(at, (1, *known.shape[1:])) for at in (np.maximum(years - 1, 0) // 2, years // 2))
    high = np.minimum(high, len(known) - 1)
    middle = (np.take_along_axis(ordered, low, axis=0) + np.take_along_axis(ordered, high, axis=0)) / 2
    return np.asarray(known - middle, np.float32)


def _median(off: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median over the pixels of each look and band, 0 where none was seen, and how many were seen (time,)."""
    ordered = np.sort(off, axis=2)  # NaN last
    seen = np.isfinite(off[:, 0]).sum(axis=1)
    if not off.shape[2]:
        return np.zeros(off.shape[:2], np.float32), seen
    look = np.arange(len(off))
    low, high = np.maximum(seen - 1, 0) // 2, np.minimum(seen // 2, off.shape[2] - 1)
    return np.nan_to_num((ordered[look, :, low] + ordered[look, :, high]) / 2), seen


def _between(size: int, nodes: np.ndarray) -> np.ndarray:
    """Weights (pixel, node) of linear interpolation; beyond the outer nodes theirs hold."""
    at = np.clip(np.arange(size) + 0.5, nodes[0], nodes[-1])
    return np.stack([np.interp(at, nodes, row) for row in np.eye(len(nodes))], axis=1).astype(np.float32)
