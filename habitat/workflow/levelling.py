"""What all of an area is off by in a year, taken out of composites before the classifier is shown them.

A year's composite can be of one look: its haze, its date and its drought move all pixels together, and a model that
other years taught takes them for other land. The idea is that of relative radiometric normalisation (Hall et al. 1991,
doi:10.1016/0034-4257(91)90062-B), with the median of all pixels in place of chosen ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from odc.geo.geobox import GeoBox

from habitat.change.weather import finite_median
from habitat.grids import Block, blocks

TILE, TILES, EVERY = 256, 9, 3
"""Offsets are told from every third pixel, down and across, of at most nine tiles spread over the area."""
FEWEST = 100
"""Pixels seen in a year, below which it is left as it is."""


def spread_tiles(grid: GeoBox) -> list[Block]:
    """Return at most nine tiles spread over an area, to tell from what holds for all of it."""
    tiles = list(blocks(grid, TILE))
    return [tiles[k] for k in np.unique(np.linspace(0, len(tiles) - 1, TILES).round().astype(int))]


def year_offsets(grid: GeoBox, read: Callable[[Block], np.ndarray]) -> np.ndarray:
    """Return what each year is off by: the median of how far pixels stray from their own median of all years.

    Parameters
    ----------
    grid : GeoBox
        The area's.
    read : callable
        Gives a block as floats (layer, year, y, x), NaN = not seen.

    Returns
    -------
    float32 array (layer, year)
        0 where too little was seen.
    """
    parts = [read(tile)[:, :, ::EVERY, ::EVERY] for tile in spread_tiles(grid)]
    values = np.concatenate([part.reshape(*part.shape[:2], -1) for part in parts], axis=2)
    middle = finite_median(values, axis=1)
    off = values - middle[:, None]
    known = np.isfinite(off).sum(axis=2) >= FEWEST
    return np.where(known, finite_median(off, axis=2), 0).astype(np.float32)
