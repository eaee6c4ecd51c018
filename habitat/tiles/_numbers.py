"""Loops over digital numbers, compiled when a file is first read: one pass where array expressions need four."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled


@compiled
def scale(numbers, before, factor, after, out):  # type: ignore[no-untyped-def]
    """Write (numbers + before) x factor + after into `out`, float32 (y, x); return the least and the largest number.

    Each step is rounded to float32: who adds nothing changes no bit.
    """
    low = high = numbers[0, 0]
    for y in range(numbers.shape[0]):
        for x in range(numbers.shape[1]):
            number = numbers[y, x]
            low = min(low, number)
            high = max(high, number)
            out[y, x] = (np.float32(number) + before) * factor + after
    return low, high


@compiled
def translate(codes, lookup, out):  # type: ignore[no-untyped-def]
    """Write `lookup` at each code (y, x) into `out`; whoever calls has seen that it holds all of them."""
    for y in range(codes.shape[0]):
        for x in range(codes.shape[1]):
            out[y, x] = lookup[codes[y, x]]
