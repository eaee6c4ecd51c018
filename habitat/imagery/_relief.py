"""Loops of :mod:`habitat.imagery.relief` and :mod:`habitat.imagery.illumination`, compiled when first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

NO_RAY = -1e6
"""Height of the lowest ray of the sun where nothing has stood in its way yet, metres."""


@compiled
def sweep(height, lean, drop, shade):  # type: ignore[no-untyped-def]
    """Fill `shade` (row, column): where what stands towards row 0 hides the sun.

    Rays run along lines that move `lean` columns a row, one line for each column, and sink by `drop` metres a row.
    Each line carries the height of the lowest ray that still passes; a pixel lies between two lines.
    """
    rows, cols = height.shape
    farthest = int(np.floor(lean * (rows - 1)))
    base = max(farthest, 0) + 1
    lowest = np.full(cols + abs(farthest) + 3, np.float32(NO_RAY))
    above = np.empty(cols + 1, np.float32)
    for row in range(rows):
        moved = int(np.floor(lean * row))
        part = np.float32(lean * row - moved)
        rays = lowest[base - moved - 1 : base - moved + cols]
        for k in range(cols + 1):  # this line stands `part` right of column k - 1
            left, right = height[row, max(k - 1, 0)], height[row, min(k, cols - 1)]
            ground = left + part * (right - left)
            ray = rays[k] - drop
            above[k] = ray - ground
            rays[k] = ground if ground > ray else ray  # an unknown height stands in nobody's way
        for col in range(cols):
            shade[row, col] = part * above[col] + (np.float32(1) - part) * above[col + 1] > 0


@compiled
def incidence(east, north, sun, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the cosine between the sun and the ground's normal.

    `east`, `north` are the rise of the ground; `sun` the unit vector towards the sun: east, north, up.
    """
    for row in range(east.shape[0]):
        for col in range(east.shape[1]):
            e, n = east[row, col], north[row, col]
            out[row, col] = (sun[2] - sun[0] * e - sun[1] * n) / np.sqrt(np.float32(1) + e * e + n * n)


@compiled
def level(values, cosine, light, limits, out):  # type: ignore[no-untyped-def]
    """Fill `out` with what `values` would be on flat ground; the same where that can not be told.

    `light` is the share of the sun's own light and the sun's cosine on flat ground; `limits` the least cosine on a
    slope, and the least and greatest ratio of light that is believed.
    """
    share, flat = light
    least, low, high = limits
    scale = np.float32(1) / (np.float32(1) - share * (np.float32(1) - flat))
    for row in range(values.shape[0]):
        for col in range(values.shape[1]):
            c = cosine[row, col]
            ratio = (np.float32(1) - share * (np.float32(1) - c)) * scale
            ratio = min(max(ratio, low), high)
            out[row, col] = values[row, col] / ratio if c > least else values[row, col]
