"""Loops of :mod:`habitat.imagery.spectral` over the pixels of one scene, compiled when a scene is first judged."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

SEEN, LIKE_CLOUD, SURE_CLOUD, SNOW, WATER = 1, 2, 4, 8, 16
"""Bits of a first look at a pixel."""
TINY = np.float32(1e-4)
"""Keeps ratios of dark pixels finite."""


@compiled
def look(bands, path, tops, limits, out):  # type: ignore[no-untyped-def]
    """Fill `out` (y, x) with the bits above.

    `bands` is float32 (5, y, x): blue, green, red, nir, swir; `path` what the air adds to each; `tops` the visible
    bands' greatest values where they are saturated, else infinity; `limits` as `spectral` orders them.
    """
    like, sure, greenest, reddest, coloured, least_nir, least_swir, snow = limits
    ndsi_snow, swir_snow, ndsi_mixed, swir_mixed = snow
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            blue, green, red = bands[0, y, x] - path[0], bands[1, y, x] - path[1], bands[2, y, x] - path[2]
            nir, swir = bands[3, y, x] - path[3], bands[4, y, x] - path[4]
            if not np.isfinite(blue + green + red + nir + swir):
                out[y, x] = 0
                continue
            bits = SEEN
            least = max(red, np.float32(0.01))  # over dark water both are noise around 0
            ndvi = (nir - least) / (max(nir, np.float32(0)) + least)
            ndsi = (green - swir) / max(green + swir, TINY)
            mean = (blue + green + red) / np.float32(3)
            colour = (max(blue, green, red) - min(blue, green, red)) / max(mean, TINY)
            full = bands[0, y, x] >= tops[0] or bands[1, y, x] >= tops[1] or bands[2, y, x] >= tops[2]
            haze = np.float32(1) if full else blue - np.float32(0.5) * red
            if nir < np.float32(0.12) and ndvi < np.float32(0.15) and swir < np.float32(0.06):
                bits |= WATER
            white = ndsi > ndsi_snow and swir < swir_snow
            mixed = ndsi > ndsi_mixed and swir < swir_mixed and ndvi > np.float32(0.05)
            if (white or mixed) and nir > np.float32(0.11) and green > np.float32(0.1):
                bits |= SNOW
            elif nir > max(reddest * swir, least_nir) and swir > least_swir and ndvi < greenest:
                if haze > like and (full or colour < coloured):
                    bits |= LIKE_CLOUD
                bits |= SURE_CLOUD if bits & LIKE_CLOUD and haze > sure else 0
            out[y, x] = bits


@compiled
def majority(mask, out):  # type: ignore[no-untyped-def]
    """Fill `out` where more than half of a pixel's neighbourhood of 3 x 3, as far as it is in the scene, is `mask`."""
    height, width = mask.shape
    for y in range(height):
        top, bottom = max(y - 1, 0), min(y + 2, height)
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 2, width)
            count = 0
            if mask[y, x]:
                for v in range(top, bottom):
                    for u in range(left, right):
                        count += mask[v, u]
            out[y, x] = 2 * count > (bottom - top) * (right - left)


@compiled
def block_sums(values, use, least, size, total, count):  # type: ignore[no-untyped-def]
    """Fill sums and counts (block row, block column) of `values` where `use`, of those above `least` of their block."""
    total[:] = 0
    count[:] = 0
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            v, u = y // size, x // size
            if use[y, x] and values[y, x] >= least[v, u]:
                total[v, u] += values[y, x]
                count[v, u] += 1


@compiled
def darkness(bands, usual, size, use, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the mean share of the usual light that a pixel has in two bands, infinity where not `use`.

    `usual` (2, block row, block column) is taken as that of the blocks' middles and interpolated.
    """
    rows, cols = usual.shape[1:]
    half = np.float32(0.5)
    for y in range(out.shape[0]):
        down = min(max((y + half) / size - half, np.float32(0)), np.float32(rows - 1))
        v = min(int(down), max(rows - 2, 0))
        below = min(v + 1, rows - 1)
        b = np.float32(down - v)
        for x in range(out.shape[1]):
            if not use[y, x]:
                out[y, x] = np.inf
                continue
            right = min(max((x + half) / size - half, np.float32(0)), np.float32(cols - 1))
            u = min(int(right), max(cols - 2, 0))
            beside = min(u + 1, cols - 1)
            a = np.float32(right - u)
            share = np.float32(0)
            for k in range(2):
                upper = usual[k, v, u] * (1 - a) + usual[k, v, beside] * a
                lower = usual[k, below, u] * (1 - a) + usual[k, below, beside] * a
                share += max(bands[k, y, x], np.float32(0)) / max(upper * (1 - b) + lower * b, TINY)
            out[y, x] = half * share


@compiled
def try_distances(objects, ground, steps, every, counts):  # type: ignore[no-untyped-def]
    """Count for each object and each of `steps` (distance, 2: rows, columns) how many pixels it would shade are dark.

    `ground` is which pixels are dark, and which tell anything at all; `counts` of both are float32 (object, distance).
    """
    dark, free = ground
    hits, tries = counts
    height, width = objects.shape
    for y in range(0, height, every):
        for x in range(0, width, every):
            own = objects[y, x]
            if own == 0:
                continue
            for k in range(steps.shape[0]):
                v, u = y + steps[k, 0], x + steps[k, 1]
                if 0 <= v < height and 0 <= u < width and free[v, u]:
                    tries[own, k] += 1
                    hits[own, k] += dark[v, u]


@compiled
def cast(objects, steps, chosen, out):  # type: ignore[no-untyped-def]
    """Mark in `out` where each object's shadow falls at its chosen distance; below 0 is none."""
    height, width = objects.shape
    for y in range(height):
        for x in range(width):
            own = objects[y, x]
            if own > 0 and chosen[own] >= 0:
                v, u = y + steps[chosen[own], 0], x + steps[chosen[own], 1]
                if 0 <= v < height and 0 <= u < width:
                    out[v, u] = True
