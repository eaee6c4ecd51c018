"""Ways between large patches of forest: the path of least resistance, and how much longer every other one is.

Cost distance on the grid of forest shares, half a million pixels at most: Dijkstra's algorithm of scipy is fast enough
there, and needs no further dependency.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from habitat.errors import ContractError
from habitat.landscape.patches import ForestGrid, coarse_zones, positions
from habitat.landscape.zonal import Zones

OPEN_RESISTANCE = 20.0
"""What a kilometre without forest costs, in kilometres of forest."""
WIDE = 1.1
"""Ways up to so many times as costly as the best one make up the corridor."""

Floats = NDArray[np.float64]


def forest_resistance(forest: ForestGrid, *, open_resistance: float = OPEN_RESISTANCE) -> Floats:
    """Return what it costs to cross a pixel, 1 = forest, from its share of forest; unseen land costs as open land does.

    Parameters
    ----------
    open_resistance : float
        Of land without forest. There is no measured one for these animals: see how far a result hangs on it.
    """
    share = np.nan_to_num(forest.share.astype(float))
    return 1.0 + (open_resistance - 1.0) * (1.0 - share)


def find_corridors(
    resistance: Floats, patches: NDArray[np.int32], *, forest: ForestGrid, large: list[int]
) -> tuple[gpd.GeoDataFrame, Floats]:
    """Find the least-cost way between every two large patches that no third one lies on.

    Parameters
    ----------
    resistance : array (y, x)
        Cost of a metre in each pixel, above 0; infinite = barred, such as a fence or land outside.
    patches : int array (y, x)
        Patch of each pixel, 0 = none.
    forest : ForestGrid
        On the same grid.
    large : list of int
        Numbers of the patches to be connected.

    Returns
    -------
    corridors : GeoDataFrame
        `from_patch`, `to_patch`, `cost_km` (kilometres of forest that cost as much), `length_km`, `open_km` (of it
        without forest), `widest_gap_m` (longest stretch without forest), `corridor_km2` (land on ways up to 1.1 times
        as costly), geometry (the way). Empty if there are not two patches, or no way between them.
    detour : array (y, x)
        Cost of the cheapest way through a pixel over that of the best way between the same patches: 1 on a corridor's
        line; NaN where there is none.

    Raises
    ------
    ContractError
        If shapes differ.
    """
    if resistance.shape != patches.shape or forest.share.shape != patches.shape:
        raise ContractError("resistance, patches and forest differ in shape", where="corridors")
    distance, before = {}, {}
    graph = _graph(resistance, forest.side_m)
    if len(large) > 1:
        for patch in large:
            distance[patch], before[patch] = _from_patch(graph, patches, patch)
    detour = np.full(resistance.shape, np.inf)
    rows = []
    for one, other in combinations(large, 2):
        sum_ = (distance[one] + distance[other]).reshape(resistance.shape)
        at_other = np.flatnonzero(patches.ravel() == other)
        end = int(at_other[np.argmin(distance[one][at_other])])
        cost = float(distance[one][end])
        path = _trace(before[one], end)
        crossed = patches.ravel()[path]
        if not np.isfinite(cost) or np.isin(crossed, [p for p in large if p not in (one, other)]).any():
            continue
        between = sum_ / cost
        detour = np.minimum(detour, between)
        rows.append(_described((one, other), path, cost, forest) | {"corridor_km2": _area(between, patches, forest)})
    names = ["from_patch", "to_patch", "cost_km", "length_km", "open_km", "widest_gap_m", "corridor_km2", "geometry"]
    table = pd.DataFrame(rows, columns=names)
    return gpd.GeoDataFrame(table, geometry="geometry", crs=str(forest.grid.crs)), np.where(
        np.isfinite(detour), detour, np.nan
    )


def corridor_covariate(detour: Floats, forest: ForestGrid, zones: Zones, n_cells: int) -> Floats:
    """Return the least `detour` in each cell: 1 = a corridor's best way leads through it; NaN without a corridor."""
    where = coarse_zones(zones, forest)
    least = np.full(n_cells, np.inf)
    known = (where >= 0) & np.isfinite(detour)
    np.minimum.at(least, where[known], detour[known])
    return np.where(np.isfinite(least), least, np.nan)


def _graph(resistance: Floats, side_m: float) -> Any:
    """Costs of steps to the eight neighbours: length x mean resistance."""
    from scipy.sparse import coo_array

    height, width = resistance.shape
    place = np.arange(height * width).reshape(height, width)
    ones, others, costs = [], [], []
    for dy, dx, length in ((0, 1, 1.0), (1, 0, 1.0), (1, 1, np.sqrt(2)), (1, -1, np.sqrt(2))):
        one = (slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0)))
        other = (slice(dy, height), slice(max(dx, 0), width + min(dx, 0)))
        cost = (resistance[one] + resistance[other]) / 2 * length * side_m
        keep = np.isfinite(cost)
        ones.append(place[one][keep])
        others.append(place[other][keep])
        costs.append(cost[keep])
    links = (np.concatenate(costs), (np.concatenate(ones), np.concatenate(others)))
    return coo_array(links, shape=(place.size, place.size)).tocsr()


def _from_patch(graph: Any, patches: NDArray[np.int32], patch: int) -> tuple[Floats, NDArray[np.int32]]:
    """Cost of every pixel from a patch, and the pixel before it on the way; within the patch nothing costs."""
    from scipy.sparse.csgraph import dijkstra

    sources = np.flatnonzero(patches.ravel() == patch)
    distance, before, _ = dijkstra(graph, directed=False, indices=sources, return_predecessors=True, min_only=True)
    return distance, before


def _trace(before: NDArray[np.int32], end: int) -> NDArray[np.int64]:
    path = [end]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return np.array(path[::-1])


def _described(pair: tuple[int, int], path: NDArray[np.int64], cost: float, forest: ForestGrid) -> dict[str, Any]:
    row, col = np.divmod(path, forest.share.shape[1])
    x, y = positions(forest.grid, row, col)
    step = np.hypot(np.diff(x), np.diff(y))
    bare = ~(forest.share.ravel()[path] >= 0.5)
    weight = (bare[:-1].astype(float) + bare[1:]) / 2
    gaps, run = [0.0], 0.0
    for length, part in zip(step, weight, strict=True):
        run = run + length * part if part > 0 else 0.0
        gaps.append(run)
    return {
        "from_patch": pair[0],
        "to_patch": pair[1],
        "cost_km": cost / 1e3,
        "length_km": float(step.sum()) / 1e3,
        "open_km": float((step * weight).sum()) / 1e3,
        "widest_gap_m": max(gaps),
        "geometry": shapely.LineString(np.column_stack([x, y])),
    }


def _area(between: Floats, patches: NDArray[np.int32], forest: ForestGrid) -> float:
    return float(((between <= WIDE) & (patches == 0)).sum() * forest.side_m**2 / 1e6)
