"""Angles from their scenes' lattices to the nodes of a grid, as directions: no mean is taken across north."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from habitat.tiles.angles import NAMES, transform
from habitat.tiles.orbits import directions, vectors
from habitat.tiles.scenes import Angles, Scene

NODE_M = 10_000
"""Nodes over a grid lie on whole multiples of this, so that a block is told what the whole grid would be."""


def angles_over(groups: Sequence[Sequence[Scene]], grid: GeoBox) -> dict[str, Any]:
    """Return a STACK's coordinates of angles, float32 (time, node_y, node_x), or none if no scene has any.

    Each node takes the angles of the first scene of its pass whose lattice holds it, else of the first that has any,
    continued beyond its lattice; NaN where none has.

    Parameters
    ----------
    groups : sequence of passes
        Each a sequence of scenes.
    grid : GeoBox
        In metres.
    """
    if not any(scene.angles is not None for group in groups for scene in group):
        return {}
    west, south, east, north = grid.boundingbox
    x = np.arange(np.floor(west / NODE_M), np.ceil(east / NODE_M) + 1) * NODE_M
    y = np.arange(np.ceil(north / NODE_M), np.floor(south / NODE_M) - 1, -1) * NODE_M
    layers = np.full((len(groups), len(NAMES), len(y), len(x)), np.nan, dtype=np.float32)
    for layer, group in zip(layers, groups, strict=True):
        held = np.zeros((len(y), len(x)), dtype=bool)
        for k, angles in enumerate(scene.angles for scene in group if scene.angles is not None):
            there = transform(str(grid.crs), angles.crs, *np.meshgrid(x, y))
            holds = _holds(angles, *there)
            np.copyto(layer, angles_at(angles, *there), where=~held & (holds | (k == 0)), casting="same_kind")
            held |= holds
    named = {name: (("time", "node_y", "node_x"), layers[:, k]) for k, name in enumerate(NAMES)}
    return {"node_y": ("node_y", y), "node_x": ("node_x", x), **named}


def angles_at(angles: Angles, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return (4, ...) the :data:`NAMES` at positions in the lattice's reference system; NaN where unknown.

    Directions are interpolated, and continued as they go beyond the lattice.
    """
    found = np.full((4, *np.shape(x)), np.nan)
    for k, (zenith, azimuth) in enumerate(
        ((angles.sun_zenith, angles.sun_azimuth), (angles.view_zenith, angles.view_azimuth))
    ):
        if zenith is not None and azimuth is not None:
            nodes = vectors(np.array(zenith), np.array(azimuth))
            found[2 * k : 2 * k + 2] = directions(interpolate(nodes, np.array(angles.x), np.array(angles.y), x, y))
    return found


def interpolate(nodes: np.ndarray, node_x: np.ndarray, node_y: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return (..., k) values at positions, bilinear between nodes (row, column, k) and straight on beyond them."""
    row, down = _place(node_y, y)
    col, along = _place(node_x, x)
    below, right = np.minimum(row + 1, len(node_y) - 1), np.minimum(col + 1, len(node_x) - 1)
    down, along = down[..., None], along[..., None]
    north = nodes[row, col] + along * (nodes[row, right] - nodes[row, col])
    south = nodes[below, col] + along * (nodes[below, right] - nodes[below, col])
    return np.asarray(north + down * (south - north))


def _place(nodes: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Node before each position, and how far it lies towards the next: below 0 or above 1 outside of all."""
    if len(nodes) == 1:
        return np.zeros(np.shape(at), dtype=int), np.zeros(np.shape(at))
    falls = nodes[0] > nodes[-1]
    k = np.searchsorted(-nodes if falls else nodes, -at if falls else at, side="right") - 1
    k = np.clip(k, 0, len(nodes) - 2)
    return k, (at - nodes[k]) / (nodes[k + 1] - nodes[k])


def _holds(angles: Angles, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    inside = (min(angles.x) <= x) & (x <= max(angles.x)) & (min(angles.y) <= y) & (y <= max(angles.y))
    return np.asarray(inside)
