"""How stands of one class differ under the full legend: mixture of species, age, density, moisture.

No stand is pure: larch holds birch and spruce, oak woods hold pines, thickets have gaps, mires have pools. How far
stands of one class lie apart is `Preset.spread`; it was set with a plain random forest (docs/adr/0015-full-legend.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from habitat.simulate.classes import BIRCH, EVERGREEN, LARCH, MIXED, OAK
from habitat.simulate.fields import fractal_noise
from habitat.simulate.landscape import Landscape
from habitat.simulate.streams import Streams

_LARCH_OF_BROAD = {EVERGREEN: 0.20, LARCH: 0.88, MIXED: 0.04, OAK: 0.02, BIRCH: 0.06}
"""Of the crowns that shed, how many are larch."""
_PINE_OF_NEEDLES = {EVERGREEN: 0.10, LARCH: 0.10, MIXED: 0.90, OAK: 0.90, BIRCH: 0.50}
"""Of the evergreen crowns, how many are pine: brighter than spruce and fir."""


@dataclass(frozen=True)
class Stands:
    """What differs for good between stands of one class; float32 (y, x), shares 0-1."""

    larch_share: np.ndarray
    """Of the crowns that shed."""
    pine_share: np.ndarray
    """Of the evergreen crowns."""
    roughness: np.ndarray
    """Factor on the shadow of crowns, 1 in a usual old stand: less where crowns are of one height."""
    woody: np.ndarray
    """Of a thicket, how much is bushes."""
    wetness: np.ndarray
    """Of a mire, how much is water at its mean level."""
    built: np.ndarray
    """Of a settlement, how much is roofs and roads."""
    stony: np.ndarray
    """Of bare ground, how much is rock or gravel."""


def make_stands(land: Landscape, streams: Streams) -> Stands | None:
    """Return how stands of `land` differ, or None where nothing is planted: under the legend of the teaching sample."""
    if land.stand_age is None:
        return None
    planted = land.stand_age > 0

    def around(purpose: str, mean: np.ndarray | float, spread: float, lengths: tuple[float, ...]) -> np.ndarray:
        noise = fractal_noise(streams(purpose), land.cover.shape, lengths, (0.7,) * len(lengths))
        return np.asarray(mean + land.preset.spread * spread * noise, dtype=np.float32)

    larch, pine = (_by_type(land.forest_type, table) for table in (_LARCH_OF_BROAD, _PINE_OF_NEEDLES))
    spread_of_mixture = np.where(land.forest_type == LARCH, 1.0, 0.3)
    larch += spread_of_mixture * (around("larch among broadleaves", 0.0, 0.10, (8, 2)))
    larch = np.where(planted & (land.forest_type == LARCH), 0.96, larch)
    pine = np.where(planted, 1.0, pine + 0.3 * around("pine among spruce", 0.0, 0.3, (9, 3)))
    # crowns of one height shade one another little; they part as the stand grows old
    even = np.clip(0.55 + 0.012 * land.stand_age, 0.55, 1.15)
    rough = around("roughness", 1.0, 0.22, (8, 1))
    return Stands(
        np.clip(larch, 0, 1).astype(np.float32),
        np.clip(pine, 0, 1).astype(np.float32),
        np.clip(np.where(planted, even, rough), 0.4, 1.7).astype(np.float32),
        np.clip(around("bushes", 0.62, 0.14, (5, 1)), 0.1, 0.95),
        np.clip(around("pools", 0.30, 0.16, (5, 1)), 0.0, 0.85),
        np.clip(around("roofs", 0.45, 0.14, (3, 1)), 0.1, 0.9),
        np.clip(around("stones", 0.72, 0.16, (4, 1)), 0.25, 0.98),
    )


def level_in_blocks(land: Landscape, fields: np.ndarray, streams: Streams) -> np.ndarray:
    """Return `fields` (field, y, x) with planted blocks each of one kind: alike within, unlike their neighbours."""
    if land.stand_age is None:
        return fields
    ages, block = np.unique(land.stand_age, return_inverse=True)  # no two blocks are of one age to the last digit
    of_block = streams("kind of block").normal(0, 0.9, size=(len(fields), len(ages))).astype(np.float32)
    block = block.reshape(land.stand_age.shape)
    return np.where(land.stand_age > 0, 0.4 * fields + of_block[:, block], fields)


def evergreen_share(land: Landscape, natural: np.ndarray) -> np.ndarray:
    """Return the share of crowns that keep their needles, given that of `natural` stands."""
    if land.stand_age is None:
        return natural
    planted = np.where(land.forest_type == LARCH, 0.02, 0.97)
    return np.where(land.stand_age > 0, planted, natural)


def _by_type(forest_type: np.ndarray, table: dict[int, float]) -> np.ndarray:
    values = np.zeros(256, dtype=np.float32)
    values[list(table)] = list(table.values())
    return values[forest_type]
