"""Shapes and points on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

_BURNING = Lock()
"""rasterio silences a warning while it burns, and Python's filters belong to all threads."""


def rasterize(geometries: Sequence[Any], values: Sequence[int], grid: GeoBox, fill: int = 0) -> np.ndarray:
    """Burn polygons into int32: a pixel belongs to the polygon that holds its centre, the last one wins."""
    from rasterio.features import rasterize as burn

    if not len(geometries):
        return np.full((grid.shape.y, grid.shape.x), fill, dtype=np.int32)
    shapes = zip(geometries, (int(v) for v in values), strict=True)
    shape = (grid.shape.y, grid.shape.x)
    with _BURNING:
        return burn(shapes, out_shape=shape, transform=grid.transform, fill=fill, dtype="int32")


def pixels_of(grid: GeoBox, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, column and whether it is inside, of points given in the grid's reference system."""
    cols, rows = ~grid.transform @ (np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    finite = np.isfinite(cols) & np.isfinite(rows)
    cols = np.floor(np.where(finite, cols, -1)).astype(int)
    rows = np.floor(np.where(finite, rows, -1)).astype(int)
    inside = (rows >= 0) & (rows < grid.shape.y) & (cols >= 0) & (cols < grid.shape.x)
    return rows, cols, inside
