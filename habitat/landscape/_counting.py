"""Counts and sums by zone, compiled when first asked for: a pixel is looked at once, and nothing is copied."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled


@compiled
def classes(layer, zones, table, above, counts, edges):  # type: ignore[no-untyped-def]  # noqa: C901 - one pass
    """Count a strip's pixels by zone and class, and the sides of its forest pixels that meet seen land without forest.

    `table` (256,) holds the column of `counts` of each code, and as its bit 128 whether that is forest; 0 is unknown,
    127 not in the legend. `above` is codes and zones of the row above the strip. Returns a code that the legend lacks,
    or -1.
    """
    height, width = layer.shape
    strange = np.int64(-1)
    for row in range(height):
        for col in range(width):
            code = table[layer[row, col]]
            here = code & 127
            if here == 127:
                strange = np.int64(layer[row, col])
                continue
            zone = zones[row, col]
            if zone >= 0:
                counts[zone, here] += 1
            if here == 0:
                continue
            forest = code >= 128
            # a side between forest and not forest belongs to the forest pixel's zone
            if col > 0:
                left = table[layer[row, col - 1]]
                if (left & 127) != 0 and (left >= 128) != forest:
                    owner = zone if forest else zones[row, col - 1]
                    if owner >= 0:
                        edges[owner] += 1
            up = table[layer[row - 1, col]] if row > 0 else table[above[0, col]]
            if (up & 127) != 0 and (up >= 128) != forest:
                if forest:
                    owner = zone
                elif row > 0:
                    owner = zones[row - 1, col]
                else:
                    owner = np.int32(above[1, col])
                if owner >= 0:
                    edges[owner] += 1
    return strange


@compiled
def losses(when, layer, zones, year, spans, counts):  # type: ignore[no-untyped-def]
    """Count a strip's pixels by zone: judged, and lost in the last 1, 3, ... years up to `year` (`spans`)."""
    height, width = layer.shape
    for row in range(height):
        for col in range(width):
            zone = zones[row, col]
            lost = np.int64(when[row, col])
            if zone < 0 or lost == 65535 or (layer[row, col] == 0 and lost != year):
                continue
            counts[zone, 0] += 1
            if lost != 0 and lost <= year:
                for k in range(len(spans)):
                    if lost > year - spans[k]:
                        counts[zone, k + 1] += 1


@compiled
def past(layer, zones, kinds, shift, state, counts):  # type: ignore[no-untyped-def]
    """Take a year's strip into what is remembered of each pixel, and count by zone what the past makes of it.

    `kinds` (256,) of each code: 1 seen, 2 forest, 4 grassland, 8 burnt, added. `state` (2, y, x) holds in bit 32 of the
    first whether forest was ever mapped, and below it a bit for each of the last five years that were mapped as burnt;
    in the second how many were in all.
    """
    height, width = layer.shape
    for row in range(height):
        for col in range(width):
            kind = kinds[layer[row, col]]
            before = np.int64(state[0, row, col])
            burnt = ((before & 31) << shift) & 31
            if kind & 8:
                burnt |= 1
                state[1, row, col] += 1
            zone = zones[row, col]
            if kind and zone >= 0:
                counts[zone, 0] += (kind & 4) != 0 and before & 32 != 0
                counts[zone, 1] += burnt != 0
                counts[zone, 2] += state[1, row, col]
            state[0, row, col] = (before & 32) | burnt | (32 if kind & 2 else 0)


@compiled
def coarse(layer, is_forest, power, first, counts):  # type: ignore[no-untyped-def]
    """Count a strip's seen pixels and those of forest in squares of 2 ** `power` pixels a side, from row `first` on.

    `counts` is (2, y, x).
    """
    height, width = layer.shape
    side = 1 << power
    for row in range(height):
        seen, forest = counts[0, first + (row >> power)], counts[1, first + (row >> power)]
        for start in range(0, width, side):
            known, trees = 0, 0
            for col in range(start, min(start + side, width)):
                code = layer[row, col]
                known += code != 0
                trees += is_forest[code]
            seen[start >> power] += known
            forest[start >> power] += trees


@compiled
def sums(values, zones, total, number):  # type: ignore[no-untyped-def]
    """Add up a strip's values by zone, and how many there are; NaN is none."""
    height, width = zones.shape
    for row in range(height):
        for col in range(width):
            zone = zones[row, col]
            value = values[row, col]
            if zone >= 0 and value == value:
                total[zone] += value
                number[zone] += 1
