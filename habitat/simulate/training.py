"""Training points, as a person would interpret them: by class and year, a few of them wrong."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy import ndimage

from habitat.legend import DEFAULT_LEGEND
from habitat.simulate.area import CRS, Area
from habitat.simulate.streams import Streams
from habitat.simulate.truth import Truth

_WRONG_SHARE = 0.02
_NEAR_EDGE_SHARE = 0.15
"""Share of the points that may lie anywhere; the others lie where all neighbours are of their class."""


def draw_training(area: Area, truth: Truth, streams: Streams, count: int = 600) -> Any:
    """Return about `count` points with an integer `code` and a `date` in a mapping season (ISO 8601 text).

    Half of them lie in forest, half outside; of each half two thirds are shared by the classes, whatever their area,
    and one third lies on ground that was forest and is not, or is forest again: what is hard to map.

    Returns
    -------
    GeoDataFrame
        In the area's reference system, in random order.
    """
    import geopandas as gpd

    rng = streams("training")
    rows, cols, codes, dates = [], [], [], []
    for k, year in enumerate(truth.years):
        present = np.unique(truth.code[k])
        for row, col in _places(rng, truth, k, count / len(truth.years)):
            code = int(truth.code[k][row, col])
            if rng.random() < _WRONG_SHARE and len(present) > 1:
                code = int(rng.choice(present[present != code]))
            rows.append(row + rng.uniform(0.2, 0.8))
            cols.append(col + rng.uniform(0.2, 0.8))
            codes.append(code)
            dates.append((date(year, 7, 1) + timedelta(days=int(rng.integers(60)))).isoformat())
    to_metres = area.map.transform
    points = gpd.points_from_xy(
        np.round(to_metres.c + to_metres.a * np.array(cols), 1),
        np.round(to_metres.f + to_metres.e * np.array(rows), 1),
        crs=CRS,
    )
    table = gpd.GeoDataFrame({"code": np.array(codes, dtype=np.int32), "date": dates}, geometry=points)
    return table.iloc[rng.permutation(len(table))].reset_index(drop=True)


def _places(rng: np.random.Generator, truth: Truth, k: int, count: float) -> list[tuple[int, int]]:
    """Choose pixels of the `k`-th year's map, about `count`."""
    code, forest = truth.code[k], truth.forest[k]
    pure = ndimage.minimum_filter(code, 3) == ndimage.maximum_filter(code, 3)
    changed = truth.forest.any(axis=0) & ~truth.forest.all(axis=0)
    wanted = []
    for is_forest in (True, False):
        kinds = [c for c in np.unique(code) if DEFAULT_LEGEND[int(c)].forest is is_forest]
        wanted += [(code == kind, count / 3 / len(kinds)) for kind in kinds]
        wanted.append((changed & (forest == is_forest), count / 6))
    places = []
    for mask, number in wanted:
        anywhere, inner = np.argwhere(mask), np.argwhere(mask & pure)
        for _ in range(int(number + rng.random())):
            choice = anywhere if rng.random() < _NEAR_EDGE_SHARE or not len(inner) else inner
            if len(choice):
                row, col = choice[rng.integers(len(choice))]
                places.append((int(row), int(col)))
    return places
