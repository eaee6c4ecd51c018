"""Training points, as a person would interpret them: by class and year, a few of them wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from scipy import ndimage

from habitat.simulate.area import CRS, Area
from habitat.simulate.streams import Streams
from habitat.simulate.truth import Truth

_WRONG_SHARE = 0.02
_NEAR_EDGE_SHARE = 0.15
"""Share of the points that may lie anywhere; the others lie where all neighbours are of their class."""


def draw_training(area: Area, truth: Truth, streams: Streams, count: int = 600) -> Any:
    """Return about `count` points with an integer `code` and a `date` in a mapping season (ISO 8601 text).

    A third of them lies on ground that was forest and is not, or is forest again: what is hard to map.
    GeoDataFrame in the area's reference system, in random order.
    """
    import geopandas as gpd

    rng = streams("training")
    rows = []
    n_years = len(truth.years)
    changed = truth.forest.any(axis=0) & ~truth.forest.all(axis=0)
    for k, year in enumerate(truth.years):
        pure = _pure(truth.code[k])
        codes = np.unique(truth.code[k])
        classes = [truth.code[k] == code for code in codes]
        quota = 2 * count / 3 / n_years / len(codes)
        wanted = [(mask, _round(rng, quota)) for mask in classes]
        wanted += [(changed & truth.forest[k], _round(rng, count / 9 / n_years))]
        wanted += [(changed & ~truth.forest[k], _round(rng, count / 4.5 / n_years))]
        for mask, number in wanted:
            inner = mask & pure
            for _ in range(number):
                place = _pick(rng, mask if rng.random() < _NEAR_EDGE_SHARE or not inner.any() else inner)
                if place is not None:
                    day = date(year, 7, 1).toordinal() + int(rng.integers(0, 60))
                    code = int(truth.code[k][place])
                    if rng.random() < _WRONG_SHARE:
                        code = int(rng.choice(codes[codes != code])) if len(codes) > 1 else code
                    rows.append((*place, code, date.fromordinal(day).isoformat()))
    order = rng.permutation(len(rows))
    row, col, code, day = zip(*(rows[i] for i in order), strict=True)
    grid = area.map
    x, y = grid.transform * (
        np.array(col) + rng.uniform(0.2, 0.8, len(col)),
        np.array(row) + rng.uniform(0.2, 0.8, len(row)),
    )
    points = gpd.points_from_xy(np.round(x, 1), np.round(y, 1), crs=CRS)
    return gpd.GeoDataFrame({"code": np.array(code, dtype=np.int32), "date": day}, geometry=points)


def _pure(code: np.ndarray) -> np.ndarray:
    """Where all eight neighbours are of the same class."""
    return ndimage.minimum_filter(code, 3) == ndimage.maximum_filter(code, 3)


def _round(rng: np.random.Generator, number: float) -> int:
    """Round up or down at random, so that the mean is kept."""
    return int(number + rng.random())


def _pick(rng: np.random.Generator, mask: np.ndarray) -> tuple[int, int] | None:
    places = np.flatnonzero(mask)
    if not places.size:
        return None
    row, col = np.unravel_index(int(rng.choice(places)), mask.shape)
    return int(row), int(col)
