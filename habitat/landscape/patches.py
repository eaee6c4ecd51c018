"""Patches of forest: how large, how much of it far from an edge, how far to the next one.

Worked on a grid of forest shares, coarser than the maps where the area is large: a patch of 500 km2 is the same at
10 m and at 160 m, and a gap of less than a pixel does not part two of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from habitat.landscape.zonal import STRIP, Rows, Zones, strips
from habitat.legend import DEFAULT_LEGEND, Legend

MAX_PIXELS = 2**19
"""Of the grid on which patches are told apart and ways between them found."""
_TOUCHING = np.ones((3, 3), dtype=int)
"""Pixels that touch at sides or corners are of one patch."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ForestGrid:
    """Forest on a coarse grid."""

    share: Floats
    """(y, x): forest of the pixels seen; NaN = none was."""
    grid: GeoBox
    factor: int
    """Pixels of the maps along a side of one of these."""

    @property
    def side_m(self) -> float:
        """Side of a pixel."""
        return float(abs(self.grid.transform.a))


def forest_grid(
    layer: Rows, *, grid: GeoBox, legend: Legend = DEFAULT_LEGEND, max_pixels: int = MAX_PIXELS
) -> ForestGrid:
    """Return a map's share of forest on the finest grid of at most `max_pixels`: its pixels joined 1, 2, 4, ... a side.

    Parameters
    ----------
    layer : uint8 layer (y, x)
        Legend codes, 0 = unknown.
    """
    height, width = layer.shape
    power = 0
    while -(-height >> power) * -(-width >> power) > max_pixels and 2**power < STRIP:
        power += 1
    factor = 2**power
    shape = (-(-height // factor), -(-width // factor))
    from habitat.landscape import _counting

    is_forest = np.zeros(256, dtype=np.int64)
    is_forest[list(legend.forest_codes)] = 1
    counts = np.zeros((2, *shape), dtype=np.int64)
    for strip in strips(height):  # whole coarse pixels: a strip's rows are a multiple of the factor
        _counting.coarse(np.ascontiguousarray(layer[strip]), is_forest, power, strip.start // factor, counts)
    share = np.full(shape, np.nan, dtype=np.float32)
    np.divide(counts[1], counts[0], out=share, where=counts[0] > 0, casting="unsafe")
    return ForestGrid(share, GeoBox(shape, grid.transform * Affine.scale(factor), grid.crs), factor)


def forest_patches(forest: ForestGrid, *, edge_m: float = 100.0) -> tuple[NDArray[np.int32], gpd.GeoDataFrame]:
    """Return the patches of forest: pixels of which half or more is forest, that touch at sides or corners.

    Parameters
    ----------
    edge_m : float
        Forest further than this from land without forest, seen or not, is core. The edge of the grid is no edge.

    Returns
    -------
    numbers : int32 array (y, x)
        Patch of each pixel of the grid, from 1, row by row; 0 = none.
    patches : GeoDataFrame
        `patch`, `area_km2`, `core_km2`, `edge_km` (sides to other land), `nearest_m` (from edge to edge to the next
        patch; null if there is none), `shape` (edge over that of a square of the same area), geometry (its middle).
    """
    from scipy import ndimage

    is_forest = forest.share >= 0.5
    numbers, n = ndimage.label(is_forest, structure=_TOUCHING)
    numbers = numbers.astype(np.int32)
    side = forest.side_m
    within = np.pad(is_forest, 1, mode="edge")
    core = _core(is_forest, side, edge_m)
    area = np.bincount(numbers.ravel(), minlength=n + 1)[1:] * side**2 / 1e6
    edges = sum(
        (within[1 + dy : within.shape[0] - 1 + dy, 1 + dx : within.shape[1] - 1 + dx] != is_forest).astype(np.int64)
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))
    )
    edge = np.bincount(numbers.ravel(), weights=np.where(is_forest, edges, 0).ravel(), minlength=n + 1)[1:] * side / 1e3
    middle = np.array(ndimage.center_of_mass(is_forest, numbers, range(1, n + 1))).reshape(n, 2)
    x, y = positions(forest.grid, middle[:, 0], middle[:, 1])
    table = {
        "patch": np.arange(1, n + 1),
        "area_km2": area,
        "core_km2": np.bincount(numbers.ravel(), weights=core.ravel(), minlength=n + 1)[1:] * side**2 / 1e6,
        "edge_km": edge,
        "nearest_m": _nearest(numbers, n) * side,
        "shape": edge / (4 * np.sqrt(area)),
    }
    return numbers, gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=str(forest.grid.crs))


def positions(grid: GeoBox, rows: NDArray[Any], cols: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return x and y of the middles of pixels."""
    a, _, west, _, e, north = grid.transform[:6]
    return west + a * (cols + 0.5), north + e * (rows + 0.5)


def _nearest(numbers: NDArray[np.int32], n: int) -> NDArray[np.float64]:
    """Least distance of each patch to another, in pixels from edge to edge along the line between their pixels.

    The pixel in the middle between two nearest patches is nearest to one of them, its neighbour to the other: pairs
    are looked for where the fields of two patches meet.
    """
    from scipy import ndimage

    least = np.full(n + 1, np.inf)
    if n < 2:
        return np.full(n, np.nan)
    _, (row, col) = ndimage.distance_transform_edt(numbers == 0, return_indices=True)
    owner = numbers[row, col]
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        height, width = owner.shape
        one = (slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0)))
        other = (slice(dy, height), slice(max(dx, 0), width + min(dx, 0)))
        meet = owner[one] != owner[other]
        gap = np.hypot(row[one][meet] - row[other][meet].astype(float), col[one][meet] - col[other][meet].astype(float))
        for side in (owner[one][meet], owner[other][meet]):
            np.minimum.at(least, side, np.maximum(gap - 1, 0))
    return np.where(np.isfinite(least), least, np.nan)[1:]


def _core(is_forest: NDArray[np.bool_], side_m: float, edge_m: float) -> NDArray[np.float64]:
    """Share of each pixel that is forest further than `edge_m` from other land, 0-1, as at a straight edge."""
    from scipy import ndimage

    if is_forest.all():
        return is_forest.astype(np.float64)
    depth = ndimage.distance_transform_edt(is_forest)  # to the middle of the nearest other pixel
    return np.where(is_forest, np.clip(depth - edge_m / side_m, 0, 1), 0.0)


def patch_covariates(
    forest: ForestGrid,
    numbers: NDArray[np.int32],
    patches: pd.DataFrame,
    zones: Zones,
    n_cells: int,
    *,
    edge_m: float = 100.0,
) -> pd.DataFrame:
    """Return what patches mean to each cell: one row a cell, in order.

    Returns
    -------
    DataFrame
        `patch_km2` (area of the largest patch that reaches into the cell, the whole of it; 0 without one) and
        `core_share` (forest further than `edge_m` from other land, of the cell's coarse pixels seen); null where
        nothing was seen.
    """
    where = coarse_zones(zones, forest)
    seen, inside = np.isfinite(forest.share), where >= 0
    known = np.bincount(where[inside & seen], minlength=n_cells)
    largest = np.zeros(n_cells)
    area = np.concatenate([[0.0], patches["area_km2"].to_numpy()])
    np.maximum.at(largest, where[inside], area[numbers[inside]])
    core = _core(numbers > 0, forest.side_m, edge_m)
    share = np.bincount(where[inside], weights=core[inside], minlength=n_cells) / np.maximum(known, 1)
    null = known == 0
    return pd.DataFrame({"patch_km2": np.where(null, np.nan, largest), "core_share": np.where(null, np.nan, share)})


def coarse_zones(zones: Zones, forest: ForestGrid) -> Zones:
    """Return the zone at the middle of each coarse pixel; -1 = none."""
    rows, cols = (
        np.minimum(np.arange(n) * forest.factor + forest.factor // 2, most - 1)
        for n, most in zip(forest.share.shape, zones.shape, strict=True)
    )
    return zones[np.ix_(rows, cols)]
