"""Where pixels of one grid lie on another, when the two differ by more than a shift and a size.

The exact transformation is asked for at the corners of cells of STEP x STEP target pixels; inside a cell positions
are interpolated. Every cell is checked against exact positions at its middle and at the middles of its sides, where
a bilinear patch is farthest off, and cut into smaller cells until they agree. Cells are counted from the target's
own origin, not from the block's corner, so that a block is sampled exactly as the whole grid would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

STEP = 128
"""Target pixels along the side of a cell."""
TOLERANCE = 0.02
"""Of a position, in pixels of the finer grid: what is promised is 0.05."""
_CHECKS = ((0.5, 0.5), (0.0, 0.5), (0.5, 0.0), (1.0, 0.5), (0.5, 1.0))
"""Row and column, as shares of a cell."""


@dataclass(frozen=True)
class Cells:
    """Cells that cover a target grid, and where their corners lie on the source."""

    size: int
    """Target pixels along a side."""
    row: int
    """Rows of the first cell that lie above the target."""
    col: int
    """Columns of the first cell that lie west of the target."""
    corners: np.ndarray
    """float64 (cell row, cell column, corner, 2): source column and row of the north-western, north-eastern,
    south-western and south-eastern corner of each cell, in pixels from the source's own corner."""
    error: float
    """Largest error of a position that the check left, in source pixels."""
    source_pixels: float
    """Source pixels along the side of a target pixel, in the middle of the target."""

    def at(self, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return source column and row (each rows x cols) of target positions; pixel centres lie at one half."""
        cell_rows, down = _place(np.asarray(rows, dtype=float) + self.row, self.size, self.corners.shape[0])
        cell_cols, along = _place(np.asarray(cols, dtype=float) + self.col, self.size, self.corners.shape[1])
        corners = self.corners[cell_rows[:, None], cell_cols[None, :]]
        found = _inside(corners, down[:, None], along[None, :])
        return found[..., 0], found[..., 1]


def _place(at: np.ndarray, size: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cell of each position, and the share of the cell before it; the last edge belongs to the last cell."""
    cell = np.clip(np.floor(at / size).astype(int), 0, n - 1)
    return cell, at / size - cell


def _inside(corners: np.ndarray, down: Any, along: Any) -> np.ndarray:
    """Positions inside cells, from (..., corner, 2)."""
    down, along = np.asarray(down)[..., None], np.asarray(along)[..., None]
    north = corners[..., 0, :] + along * (corners[..., 1, :] - corners[..., 0, :])
    south = corners[..., 2, :] + along * (corners[..., 3, :] - corners[..., 2, :])
    return north + down * (south - north)


@lru_cache(maxsize=32)
def cells_of(source: GeoBox, target: GeoBox) -> Cells:
    """Return where `target` lies on `source`.

    Every position is right to 0.05 of the smaller grid's pixel, wherever the transformation is defined.
    """
    exact = _Transformation(source, target)
    size = STEP
    row, col = (round(origin) % size for origin in _origin(target.transform))
    shape = (-(-(target.shape.y + row) // size), -(-(target.shape.x + col) // size))
    corners = _corners(exact, shape, size, row, col)
    settled = np.zeros(shape, dtype=bool)
    tolerance = TOLERANCE * min(1.0, exact.source_pixels)
    worst = 0.0
    while True:
        error = _error(exact, corners, size, row, col, settled)
        reached = np.isfinite(corners).any(axis=(2, 3))
        fails = ~settled & reached & ~(error <= tolerance)
        if size == 1:
            fails[:] = False
        passed = ~settled & ~fails & np.isfinite(error)
        worst = max(worst, float(error[passed].max(initial=0.0)))
        if not fails.any():
            return Cells(size, row, col, corners, worst, exact.source_pixels)
        settled = np.repeat(np.repeat(~fails, 2, axis=0), 2, axis=1)
        coarse, size = _quartered(corners), size // 2
        corners = _corners(exact, settled.shape, size, row, col)
        corners[settled] = coarse[settled]


class _Transformation:
    """Target pixels to source pixels, exactly."""

    def __init__(self, source: GeoBox, target: GeoBox) -> None:
        self._there: Any = ~source.transform
        self._here: Any = target.transform
        self._change: Any = None
        if source.crs is not None and target.crs is not None and source.crs != target.crs:
            self._change = target.crs.transformer_to_crs(source.crs)
        middle = source.transform @ (source.shape.x / 2, source.shape.y / 2)
        self._turn = middle[0] if source.crs is not None and source.crs.geographic else None
        at = np.array([0.0, 1.0, 0.0]) + target.shape.x / 2, np.array([0.0, 0.0, 1.0]) + target.shape.y / 2
        (x0, x1, x2), (y0, y1, y2) = self(*at)
        sides = np.hypot([x1 - x0, x2 - x0], [y1 - y0, y2 - y0])
        self.source_pixels = float(np.max(sides)) if np.isfinite(sides).all() else 1.0
        """Source pixels along the side of a target pixel in the middle of the target."""

    def __call__(self, cols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = self._here @ (cols, rows)
        if self._change is not None:
            x, y = (np.asarray(values, dtype=float) for values in self._change(x, y))
        if self._turn is not None:  # degrees jump by a whole turn somewhere: not inside the source
            x = self._turn + (x - self._turn + 180) % 360 - 180
        found: tuple[np.ndarray, np.ndarray] = self._there @ (x, y)
        return found


def _origin(target: Affine) -> tuple[float, float]:
    """Rows and columns from the reference system's origin to the target's corner."""
    return target.f / target.e, target.c / target.a


def _corners(exact: _Transformation, shape: tuple[int, int], size: int, row: int, col: int) -> np.ndarray:
    rows = np.arange(shape[0] + 1) * size - float(row)
    cols = np.arange(shape[1] + 1) * size - float(col)
    nodes = np.stack(exact(*np.meshgrid(cols, rows)), axis=-1)
    return np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:]], axis=2)


def _error(
    exact: _Transformation, corners: np.ndarray, size: int, row: int, col: int, settled: np.ndarray
) -> np.ndarray:
    """The largest error found in each cell that is not settled, in source pixels."""
    cell_rows, cell_cols = np.nonzero(~settled)
    error = np.zeros(settled.shape)
    largest = np.zeros(len(cell_rows))
    for down, along in _CHECKS:
        x, y = exact((cell_cols + along) * size - col, (cell_rows + down) * size - row)
        guess = _inside(corners[cell_rows, cell_cols], np.float64(down), np.float64(along))
        with np.errstate(invalid="ignore"):
            largest = np.maximum(largest, np.hypot(guess[:, 0] - x, guess[:, 1] - y))
    error[cell_rows, cell_cols] = largest
    return error


def _quartered(corners: np.ndarray) -> np.ndarray:
    """Each cell cut into four by its own interpolation."""
    n_rows, n_cols = corners.shape[:2]
    parts = np.empty((2 * n_rows, 2 * n_cols, 4, 2))
    for i, j in np.ndindex(2, 2):
        for number, (down, along) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            parts[i::2, j::2, number] = _inside(corners, np.float64((i + down) / 2), np.float64((j + along) / 2))
    return parts
