"""The sample that tells what is usual on a day: squares of 3 x 3 pixels, denser where there is little of a kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from habitat.change.charring import CLUMP, BurnRules


@dataclass(frozen=True)
class ClumpSample:
    """Squares of 3 x 3 pixels of an area, laid side by side; arrays are (3, 3 x squares)."""

    rows: np.ndarray
    """int64."""
    columns: np.ndarray
    """int64."""
    counts: np.ndarray
    """Whether a pixel speaks for its kind, bool: each kind is sampled as densely as it needs, and no denser."""

    def begun_in(self, rows: slice, columns: slice) -> ClumpSample:
        """Return the squares whose first pixel lies in a part of the area; they may reach two pixels beyond it."""
        row, column = (places[0, ::CLUMP] for places in (self.rows, self.columns))
        own = (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
        pixels = np.repeat(own, CLUMP)
        return ClumpSample(self.rows[:, pixels], self.columns[:, pixels], self.counts[:, pixels])


def sample_clumps(
    strata: np.ndarray,
    *,
    every: Sequence[int] = (8, 4, CLUMP),
    enough: int = 4 * BurnRules.fewest_alike,
    left_out: Collection[int] = (),
) -> ClumpSample:
    """Choose squares of 3 x 3 pixels for :func:`habitat.change.usual_ground`, by the kinds of an area's ground alone.

    Parameters
    ----------
    strata : int array (y, x)
        Kind of ground of each pixel.
    every : sequence of int
        How far squares are apart, descending: a kind is sampled by the first of them that gives enough of its pixels,
        else by the last.
    enough : int
        Pixels of a kind: more than are needed on a day, as clouds hide some.
    left_out : collection of int
        Kinds of which nothing is to be told.

    Returns
    -------
    ClumpSample
        Whole squares only, the widest apart first, by row and column. None in an area of less than three pixels.

    Examples
    --------
    >>> sample = sample_clumps(np.zeros((3, 18), int), every=[8], enough=1)
    >>> sample.columns[0].tolist()
    [0, 1, 2, 8, 9, 10]
    """
    kinds = [kind for kind in np.unique(strata).tolist() if kind not in left_out]
    parts = []
    for place, apart in enumerate(every):
        rows, columns = _squares(strata.shape, apart)
        here = strata[rows, columns]
        last = place == len(every) - 1
        own = [kind for kind in kinds if last or (here == kind).sum() >= enough]
        kinds = [kind for kind in kinds if kind not in own]
        speaks = np.isin(here, own)
        pixels = np.repeat(speaks.reshape(CLUMP, -1, CLUMP).any(axis=(0, 2)), CLUMP)
        parts.append((rows[:, pixels], columns[:, pixels], speaks[:, pixels]))
    return ClumpSample(*(np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)))


def _squares(shape: tuple[int, ...], apart: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels of whole squares that begin so far apart, side by side: (3, 3 x squares)."""
    tops, lefts = (np.arange(0, max(length - CLUMP + 1, 0), apart) for length in shape)
    top, left = (corner.ravel() for corner in np.meshgrid(tops, lefts, indexing="ij"))
    within = np.arange(CLUMP)
    rows = np.repeat(within[:, None] + top, CLUMP, axis=1)
    columns = np.broadcast_to((left[:, None] + within).ravel(), rows.shape)
    return rows, columns
