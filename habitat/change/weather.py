"""What weather does to all of a forest at once: taken out of dense looks before breaks are looked for.

A late spring, a drought or a haze moves the pixels of a forest together; a loss moves a few. So each look is levelled
by how far the forest around strays from its own seasons on that day: the median over a sample of it. The idea is that
of Hamunyela, Verbesselt and Herold (2016, doi:10.1016/j.rse.2015.10.006). Weather passes and loss lasts: what has moved
most of a forest for longer stays in, so that a fire or a felling larger than the surroundings is no weather.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

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
LATTICE = 3
"""Of so many rows and columns of the whole area one speaks, where the forest there gives half a sample: neighbouring
places ask the same pixels then, whose seasons are fitted once."""
DOUBT = 10.0
"""Pixels' worth of trust in no weather at all."""
FEWEST = 20
"""Pixels around it seen in a look, below which nothing is known of a place's weather."""
LIMIT = 2.0
"""Usual spreads of a band that weather moves it by, at most."""
YEAR_LIMIT = 4.0
"""The same of a year's composite, which can be of one look."""
LAST_YEAR = 0.5
"""How much of that counts in the last year: what befell all of a forest then may last."""
LEFT = 0.6
"""Share of the years' distances from usual that a lasting step leaves at most: chance makes steps too."""
LASTS = 270.0
"""Days to either side: what holds for most of them lasts, and is no weather."""
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
    asked = _ask(forest, values.shape[2:], corner, LATTICE)
    return _learn(values, asked, partial(_off_seasons, days), lambda off: _passing(days, off), limit)


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
    spread = np.array([USUAL_SPREAD[BANDS.index(name)] for name in names])
    limit = np.full((len(values), 1), YEAR_LIMIT) * spread
    limit[-1:] *= LAST_YEAR
    asked = _ask(forest, values.shape[2:], corner, 1)  # a year's values are few: all pixels may speak
    weather = _learn(values, asked, _off_years, lambda off: _passing_years(off, spread), limit)
    levelled = values - np.stack([weather.at(year) for year in range(len(values))])
    return summers.assign({name: (("year", "y", "x"), levelled[:, k]) for k, name in enumerate(names)})


class _Asked(NamedTuple):
    """Who is asked for the weather at each node."""

    centres: tuple[np.ndarray, ...]
    """Rows of the nodes and their columns, pixels."""
    pixels: list[list[np.ndarray]]
    """By row and column of the node: flat indices of the pixels that speak for it."""


def _ask(forest: np.ndarray, shape: tuple[int, ...], corner: tuple[int, int], step: int) -> _Asked:
    """Those of every so many rows and columns of the whole area where that is half a sample, or else all."""
    if forest.shape != shape:
        raise ContractError(f"forest has shape {forest.shape}, the looks {shape}", where="weather")
    lattice = np.zeros_like(forest)
    every = tuple(slice(-first % step, None, step) for first in corner)
    lattice[every] = forest[every]

    def around(y: float, x: float) -> np.ndarray:
        rows, cols = (slice(max(int(at - REACH), 0), max(int(at + REACH), 0)) for at in (y, x))
        mask = lattice[rows, cols]
        row, col = np.nonzero(mask if mask.sum() >= SAMPLE // 2 else forest[rows, cols])
        flat = (row + rows.start) * shape[1] + col + cols.start
        return flat[np.linspace(0, len(flat) - 1, min(len(flat), SAMPLE)).round().astype(int)]

    centres = tuple(_centres(first, size) for first, size in zip(corner, shape, strict=True))
    return _Asked(centres, [[around(y, x) for x in centres[1]] for y in centres[0]])


def _learn(
    values: np.ndarray,
    asked: _Asked,
    off: Callable[[np.ndarray], np.ndarray],
    passing: Callable[[np.ndarray], np.ndarray],
    limit: np.ndarray,
) -> Weather:
    """What values (time, band, y, x) are off by for a while, at most `limit` ([time,] band).

    `off` tells it for each of some pixels (time, band, pixel), `passing` what of it passes (time, band, ...).
    """
    shape, (centres, samples) = values.shape[2:], asked
    chosen = np.unique(np.concatenate([part for line in samples for part in line]))
    anomaly = off(np.take(values.reshape(*values.shape[:2], shape[0] * shape[1]), chosen, axis=2))
    nodes = np.empty((*values.shape[:2], len(centres[0]), len(centres[1])), np.float32)
    seen = np.empty((len(values), 1, len(centres[0]), len(centres[1])), np.int64)
    for i, line in enumerate(samples):
        for j, part in enumerate(line):
            of_node = np.take(anomaly, np.searchsorted(chosen, part), axis=2)
            nodes[:, :, i, j] = finite_median(of_node, axis=2)
            seen[:, 0, i, j] = np.isfinite(of_node[:, 0]).sum(axis=1)
    nodes[np.broadcast_to(seen < FEWEST, nodes.shape)] = np.nan
    most = limit[..., None, None]
    told = np.clip(np.nan_to_num(passing(nodes)) * (seen / (seen + DOUBT)), -most, most).astype(np.float32)
    down, across = (_between(size, at) for size, at in zip(shape, centres, strict=True))
    return Weather(told, down, across)


def _centres(first: int, size: int) -> np.ndarray:
    """Places of the nodes along a side, pixels from its start; they lie in the same places of the area in any part."""
    nodes = np.arange(first // NODE, -(-(first + size) // NODE))
    return (nodes + 0.5) * NODE - first


def _off_seasons(days: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """How far looks (time, band, pixel) stray from each pixel's own seasons in all years; the pixels lie last."""
    angle = 2 * np.pi * days / 365.2425
    waves = [wave(k * angle) for k in range(1, _CYCLES + 1) for wave in (np.cos, np.sin)]
    design = np.stack([np.ones(len(days)), *waves], axis=1)
    seen = np.isfinite(looks).all(axis=1)
    products = (design[:, :, None] * design[:, None, :]).reshape(len(days), design.shape[1] ** 2)
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
    known = np.where(np.isfinite(summers).all(axis=1, keepdims=True), summers, np.nan)
    return np.asarray(known - finite_median(known, axis=0), np.float32)


def _passing(days: np.ndarray, off: np.ndarray) -> np.ndarray:
    """What of anomalies (time, ...) passes: all but their running median of the looks around."""
    first, last = np.searchsorted(days, days - LASTS, side="left"), np.searchsorted(days, days + LASTS, side="right")
    slow = [finite_median(off[start:stop], axis=0) for start, stop in zip(first, last, strict=True)]
    return off - np.stack(slow) if slow else off


def _passing_years(off: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """What of anomalies (year, band, y, x) passes: all of them, or all but one lasting step where that explains most.

    A step has two years before it and two after it, and leaves at most `LEFT` of the distances from no step.
    """
    units = off / limit[:, None, None]
    best = LEFT * np.nansum(np.abs(units), axis=(0, 1))
    slow = np.zeros_like(off)
    for year in range(2, len(off) - 1):
        sides = [np.broadcast_to(finite_median(part, axis=0), part.shape) for part in (off[:year], off[year:])]
        step = np.nan_to_num(np.concatenate(sides))
        cost = np.nansum(np.abs(units - step / limit[:, None, None]), axis=(0, 1))
        slow = np.where(cost < best, step, slow)
        best = np.minimum(best, cost)
    return off - slow


def finite_median(values: np.ndarray, *, axis: int) -> np.ndarray:
    """Return the median along an axis of what is finite, NaN where nothing is."""
    ordered = np.sort(values, axis=axis)  # NaN last
    if not ordered.shape[axis]:
        return np.full(np.delete(ordered.shape, axis), np.nan, values.dtype)
    last = np.maximum(np.isfinite(values).sum(axis=axis, keepdims=True) - 1, 0)
    low, high = (np.take_along_axis(ordered, at, axis=axis) for at in (last // 2, (last + 1) // 2))
    return np.asarray((low + high) / 2).squeeze(axis)


def _between(size: int, nodes: np.ndarray) -> np.ndarray:
    """Weights (pixel, node) of linear interpolation; beyond the outer nodes theirs hold."""
    at = np.clip(np.arange(size) + 0.5, nodes[0], nodes[-1])
    return np.stack([np.interp(at, nodes, row) for row in np.eye(len(nodes))], axis=1).astype(np.float32)
