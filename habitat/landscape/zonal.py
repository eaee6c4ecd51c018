"""Means by zone in bounded memory: a layer is read strip by strip, and only the zones lie in memory whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from habitat.errors import GridError

STRIP = 512
"""Rows that are worked at once: two rows of tiles of our files."""

Zones = NDArray[np.int32]


class Rows(Protocol):
    """A layer (y, x) that gives its rows when they are asked for: an array, or a file that is read then."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        ...

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Rows of the layer."""
        ...


def strips(height: int) -> Iterator[slice]:
    """Cut rows into strips, from the north."""
    for start in range(0, height, STRIP):
        yield slice(start, min(start + STRIP, height))


def same_shape(layer: Rows, zones: Zones, where: str) -> None:
    """Refuse a layer that does not lie under the zones.

    Raises
    ------
    GridError
    """
    if tuple(layer.shape) != zones.shape:
        raise GridError(f"has the shape {tuple(layer.shape)}, the cells' zones {zones.shape}", where=where)


def zonal_mean(
    values: Rows | Callable[[slice], NDArray[np.floating]], zones: Zones, n_zones: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean of a layer in each zone, and from how many pixels; NaN where there are none.

    Parameters
    ----------
    values : layer (y, x), or callable of a slice of rows
        Numbers, NaN = unknown. Only one strip of it is in memory.
    zones : int32 array (y, x)
        Number of each pixel's zone, -1 = none.

    >>> zonal_mean(np.array([[1.0, 3.0, np.nan]]), np.array([[0, 0, 1]], dtype=np.int32), 2)
    (array([ 2., nan]), array([2, 0]))
    """
    from habitat.landscape import _counting

    total, number = np.zeros(n_zones), np.zeros(n_zones, dtype=np.int64)
    if not callable(values):
        same_shape(values, zones, "values")
    for strip in strips(len(zones)):
        part = values(strip) if callable(values) else values[strip]
        _counting.sums(np.ascontiguousarray(part, dtype=np.float32), np.ascontiguousarray(zones[strip]), total, number)
    return np.divide(total, number, out=np.full(n_zones, np.nan), where=number > 0), number
