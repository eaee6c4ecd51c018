"""Where a model may be believed: how unlike everything it learnt from a pixel looks.

The dissimilarity index of Meyer and Pebesma 2021 (doi:10.1111/2041-210X.13650): the distance to the nearest training
sample, in units of the mean distance between samples. The threshold is the upper whisker of the samples' own index,
each measured from the other folds of spatial cross-validation: the largest that is not above the upper quartile by more
than 1.5 times the distance between quartiles.

Two departures. The paper scales each predictor and weighs it by its importance; here all predictors are turned and
scaled together, so that what samples of one class differ by has length one in every direction (the space of linear
discriminants, Fisher 1936). A predictor's weight then does not depend on the classes that happened to be taught: what
tells water is not important where nobody taught water. And training samples beyond `MAX_POINTS` are represented by
those that leave no other far from one (Gonzalez 1985), so the index is then a little too large; the threshold is made
from the same points and makes up for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from habitat.errors import TrainingError

MAX_POINTS = 256
MAX_AXES = 16
"""Of the directions in which samples lie widest apart, measured by the spread within classes."""
LEAST = 1e-6
"""Distance and threshold of samples that are copies of one another."""
SHRINKAGE = 0.05
"""Share of a sphere in the spread within classes: of few samples, some directions look narrower than they are."""


@dataclass(frozen=True)
class Applicability:
    """What was learnt from, as points; and how far from them is too far."""

    centre: np.ndarray
    """float32 (predictor,): where a missing value is put."""
    axes: np.ndarray
    """float32 (predictor, axis)"""
    points: np.ndarray
    """float32 (point, axis)"""
    mean_distance: float
    """Between training samples: the unit of the index."""
    threshold: float
    """An index above it lies outside: the upper whisker of the samples' own, measured from other folds."""


def learn_applicability(table: np.ndarray, codes: np.ndarray, folds: np.ndarray) -> Applicability:
    """Learn what training samples look like.

    Parameters
    ----------
    table : float array (sample, predictor)
        NaN = missing.
    codes : int array (sample,)
        Their classes.
    folds : int array (sample,)
        Number of the fold of spatial cross-validation that each lies in; two folds or more.

    Raises
    ------
    TrainingError
        If all samples lie in one fold, or all look the same.
    """
    if len(np.unique(folds)) < 2:
        raise TrainingError("all labels lie in one fold: no distance between folds", where="training")
    seen = np.isfinite(table)
    counts = np.maximum(seen.sum(axis=0), 1)
    centre = np.where(seen, table, 0).sum(axis=0, dtype=np.float64) / counts
    away = np.where(seen, table - centre, 0.0)
    scale = np.sqrt((away**2).sum(axis=0) / counts)
    if not (scale > 0).any():
        raise TrainingError("all labelled pixels look the same", where="training", mend="check the composites")
    scale[scale == 0] = np.inf
    axes = _discriminants(away / scale, codes) / scale[:, None]
    places = away @ axes
    own = np.concatenate(
        [_distances(_spread_out(places[folds != fold]), places[folds == fold]) for fold in np.unique(folds)]
    )
    mean_distance = max(_mean_distance(places), LEAST)
    own = own / mean_distance
    low, high = np.quantile(own, [0.25, 0.75])
    whisker = own[own <= high + 1.5 * (high - low)].max()
    points = _spread_out(places)
    return Applicability(
        centre.astype(np.float32),
        axes.astype(np.float32),
        points.astype(np.float32),
        mean_distance,
        max(float(whisker), LEAST),
    )


def dissimilarity(area: Applicability, table: np.ndarray) -> np.ndarray:
    """Return the dissimilarity index of each column of a float32 table (predictor, pixel), NaN where nothing was seen.

    Above `area.threshold` a pixel is outside the area of applicability. Missing predictors count as ordinary: a pixel
    with many of them looks more like the samples than it may be.
    """
    from habitat.forest._nearness import in_eights, nearest

    squared = np.empty(table.shape[1], dtype=np.float32)
    table = np.ascontiguousarray(table, dtype=np.float32)
    # a point's coordinates are as many as there are axes: both are filled up
    axes = in_eights(np.ascontiguousarray(in_eights(area.axes).T))
    nearest(table, area.centre, axes, in_eights(area.points), squared)
    return np.sqrt(squared) / np.float32(area.mean_distance)


def _discriminants(away: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Axes (predictor, axis), in each of which samples of one class spread by one, the widest of all samples first."""
    within = np.zeros((away.shape[1],) * 2)
    for code in np.unique(codes):
        own = away[codes == code]
        within += (own - own.mean(axis=0)).T @ (own - own.mean(axis=0))
    within /= len(away)
    sphere = max(np.trace(within) / len(within), 1e-9) * np.eye(len(within))
    spread, turned = np.linalg.eigh((1 - SHRINKAGE) * within + SHRINKAGE * sphere)
    whitened = turned / np.sqrt(spread)
    total = (away @ whitened).T @ (away @ whitened)
    widest = np.linalg.eigh(total)[1][:, ::-1]
    return (whitened @ widest)[:, :MAX_AXES]


def _spread_out(places: np.ndarray) -> np.ndarray:
    """At most `MAX_POINTS` of the places, each next the one that is farthest from those before."""
    if len(places) <= MAX_POINTS:
        return places
    chosen = [int((places**2).sum(axis=1).argmin())]
    apart = np.full(len(places), np.inf)
    while len(chosen) < MAX_POINTS:
        apart = np.minimum(apart, ((places - places[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(apart.argmax()))
    return places[np.sort(chosen)]


def _distances(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(places)[0])


def _mean_distance(places: np.ndarray) -> float:
    """Mean distance between samples, of at most 1000 that lie evenly along the table."""
    from scipy.spatial.distance import pdist

    return float(pdist(places[:: -(-len(places) // 1000)]).mean())
