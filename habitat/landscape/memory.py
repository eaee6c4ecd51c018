"""What was mapped in earlier years, pixel by pixel: forest that became grassland, and how often land burnt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from habitat.legend import Legend

BURNT, GRASSLAND = 23, (22, 23)
"""Codes of the default legend; another legend that has them means the same by them."""


class Past:
    """Two bytes a pixel about the years so far, and the counts by zone that follow from them.

    Parameters
    ----------
    shape : (rows, columns)
    legend : Legend
        Without grassland or burnt land in it nothing is told of them.
    """

    def __init__(self, shape: tuple[int, ...], legend: Legend) -> None:
        grass = [code for code in GRASSLAND if code in legend.codes]
        self._told = {
            **({"grass_from_forest": 0} if grass else {}),
            **({"burnt_5y": 1, "burnt_years": 2} if BURNT in legend.codes else {}),
        }
        self._kinds = np.zeros(256, dtype=np.int64)
        for bit, codes in ((1, legend.codes), (2, legend.forest_codes), (4, grass), (8, [BURNT])):
            self._kinds[[code for code in codes if code in legend.codes]] |= bit
        self._state = np.zeros((2, *shape) if self._told else (2, 0, 0), dtype=np.uint8)
        self._counts = np.zeros((0, 3), dtype=np.int64)
        self._year: int | None = None
        self._shift = 0

    def begin(self, year: int, n_zones: int) -> None:
        """Say which year's strips come next."""
        self._shift = 0 if self._year is None else min(year - self._year, 8)
        self._year, self._counts = year, np.zeros((n_zones, 3), dtype=np.int64)

    def remember(self, rows: slice, codes: NDArray[np.uint8], zones: NDArray[np.int32]) -> None:
        """Take in a strip of the year's map."""
        from habitat.landscape import _counting

        if self._told:
            _counting.past(codes, zones, self._kinds, self._shift, self._state[:, rows], self._counts)

    def counts(self) -> dict[str, NDArray[np.int64]]:
        """Return sums by zone over the year's seen pixels: turned from forest to grass, burnt lately, years burnt."""
        return {name: self._counts[:, column] for name, column in self._told.items()}
