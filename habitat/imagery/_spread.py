"""Factors from coarse nodes to pixels, compiled when first asked for."""

from __future__ import annotations

from habitat.grids.compiling import compiled


@compiled
def multiply(values, nodes, rows, along, edges, out):  # type: ignore[no-untyped-def]
    """Fill `out` with `values` (y, x) times the `nodes` (node_y, node_x) between which they lie.

    `rows` are the node before each row and its share of the way to the next; `along` is that share of each column, and
    `edges` (node_x) are the first columns behind each node and, last, their number: such a run of pixels vectorises.
    """
    before, down = rows
    for y in range(values.shape[0]):
        north, south, share = nodes[before[y]], nodes[before[y] + 1], down[y]
        for node in range(len(edges) - 1):
            start, stop = edges[node], edges[node + 1]
            west = north[node] + share * (south[node] - north[node])
            east = north[node + 1] + share * (south[node + 1] - north[node + 1])
            _run(values[y, start:stop], west, east - west, along[start:stop], out[y, start:stop])


@compiled
def _run(values, west, rise, along, out):  # type: ignore[no-untyped-def]
    for k in range(len(values)):
        out[k] = values[k] * (west + rise * along[k])
