"""Asking symmetric trees, compiled when they are first asked.

Pixels lie side by side, `LANES` at a time. Their predictors become small whole numbers once (how many of the borders
that the trees use lie below); a level of a tree is then a comparison of bytes, the same for all lanes, and its answers
together are the number of a leaf. Symmetric trees were made for this (Prokhorenkova et al. 2018). What leaves say is
whole numbers too, several side by side in one word of 64 bits, so that one addition serves them all, and no order of
adding can change a sum. `TOGETHER` trees are added at a time: their sum so far is then read and written once for all.
"""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

LANES = 128
BITS = 21
"""Of a sum over all trees."""
PACKED = 64 // BITS
"""Outputs side by side in a word."""
TOGETHER = 4
"""Trees that are added at a time; as many as :func:`_add` has names for."""


def pack(leaves: np.ndarray) -> np.ndarray:
    """Leaves (tree, leaf, output), whole numbers not below 0, as words: int64 (tree, word, leaf)."""
    trees, size, outputs = leaves.shape
    words = np.zeros((trees, -(-outputs // PACKED), size), dtype=np.int64)
    for k in range(outputs):
        words[:, k // PACKED] |= leaves[:, :, k].astype(np.int64) << (BITS * (k % PACKED))
    return words


def in_fours(trees: np.ndarray) -> np.ndarray:
    """Return an array (tree, ...) with zeros after its end, so that `TOGETHER` divides its length."""
    return np.concatenate([trees, np.zeros((-len(trees) % TOGETHER, *trees.shape[1:]), trees.dtype)])


@compiled
def add_trees(table, borders, starts, features, bins, words, unit, bias, out):  # type: ignore[no-untyped-def]  # noqa: PLR0913 - flat arrays
    """Fill `out` (output, pixel), float32, with the sums of all trees' leaves in `unit`, plus `bias` (output,).

    `table` (predictor, pixel); `borders` of predictor f are those from `starts[f]` to `starts[f + 1]`; level d of tree
    t asks whether predictor `features[t, d]` exceeds its border number `bins[t, d]`; `words` as :func:`pack` gives.
    Trees, a multiple of `TOGETHER`, as :func:`in_fours` gives: one whose words are zero says nothing.
    """
    predictors, pixels = table.shape
    trees, depth = features.shape
    outputs = out.shape[0]
    binned = np.zeros((predictors, LANES), np.uint8)
    count = np.zeros(LANES, np.int32)
    leaves = np.zeros((TOGETHER, LANES), np.uint8)
    sums = np.zeros((words.shape[1], LANES), np.int64)
    mask = np.int64((1 << BITS) - 1)
    for start in range(0, pixels, LANES):
        lanes = min(LANES, pixels - start)
        for f in range(predictors):
            if starts[f + 1] > starts[f]:
                _bin(table[f, start : start + lanes], borders[starts[f] : starts[f + 1]], count, binned[f])
        sums[:] = 0
        for t in range(0, trees, TOGETHER):
            leaves[:] = 0
            for k in range(TOGETHER):
                for d in range(depth):
                    _answer(binned[features[t + k, d]], bins[t + k, d], np.uint8(1 << d), leaves[k])
            for word in range(words.shape[1]):
                _add(words[t : t + TOGETHER, word], leaves, sums[word])
        for k in range(outputs):
            shift = BITS * (k % PACKED)
            for lane in range(lanes):
                out[k, start + lane] = np.float32((sums[k // PACKED, lane] >> shift) & mask) * unit + bias[k]


@compiled
def _bin(values, borders, count, out):  # type: ignore[no-untyped-def]
    """Fill `out` (lane,) with how many of `borders` each of `values` exceeds. Missing ones exceed none."""
    for lane in range(values.size):
        count[lane] = 0
    for b in range(borders.size):
        border = borders[b]
        for lane in range(values.size):
            count[lane] += np.int32(values[lane] > border)
    for lane in range(values.size):
        out[lane] = np.uint8(count[lane])


@compiled
def _answer(row, border, bit, leaf):  # type: ignore[no-untyped-def]
    """Set a level's bit where the bin exceeds the border."""
    for lane in range(LANES):
        leaf[lane] |= bit if row[lane] > border else np.uint8(0)


@compiled
def _add(words, leaves, sums):  # type: ignore[no-untyped-def]
    """Add each lane's leaf of each of the trees."""
    one, two, three, four = words[0], words[1], words[2], words[3]
    of_one, of_two, of_three, of_four = leaves[0], leaves[1], leaves[2], leaves[3]
    for lane in range(LANES):
        first, second = one[of_one[lane]] + two[of_two[lane]], three[of_three[lane]] + four[of_four[lane]]
        sums[lane] += first + second
