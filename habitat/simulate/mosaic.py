"""The full legend: what grows where in the border forest, by relief and by people.

Larch stands in cold valley toes and on shaded slopes, and with pine in planted, even-aged blocks on gentle ground;
spruce and fir grow high, Korean pine with broadleaves between, oak on warm slopes, birch and aspen where forest was
disturbed. Sedge and reed fill the flat floors beside the river; gravel bars, quarries and rocky crests are bare.
(Krestov 2003, in Forest Vegetation of Northeast Asia, for the order of the belts; shares are rounded so that every
class covers a hundredth of the land or more.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from habitat.simulate.classes import (
    BARE,
    BIRCH,
    CROP,
    EVERGREEN,
    FOREST_COVER,
    GRASS,
    LARCH,
    MIXED,
    OAK,
    SETTLEMENT,
    SHRUB,
    WATER,
    WETLAND,
)
from habitat.simulate.fields import fractal_noise, logistic, smooth_noise
from habitat.simulate.streams import Streams
from habitat.simulate.terrain import Terrain

if TYPE_CHECKING:
    from habitat.simulate.landscape import Landscape

_WETLAND_SHARE, _SETTLEMENT_SHARE, _SHRUB_SHARE = 0.045, 0.018, 0.045
_GRAVEL_SHARE, _QUARRY_SHARE, _ROCK_SHARE = 0.006, 0.008, 0.006
_NATURAL_LARCH_SHARE, _LARCH_PLANTED_SHARE, _PINE_PLANTED_SHARE = 0.05, 0.030, 0.025
_POND_SHARE = 0.006
_BLOCK_M = (140.0, 240.0)
"""A planted block across and along the valley; the outermost 10 m of it are a track."""
_AGES = (12.0, 55.0)
"""Years since a block was planted, in the first year."""


def lay_out_full_legend(land: Landscape, streams: Streams) -> Landscape:
    """Return `land` with the classes that the teaching sample lacks, and planted blocks."""
    shape = land.cover.shape
    open_type, cover = land.open_type.copy(), land.cover.copy()
    forest_type = _forest_types(land.terrain, streams("belts"))

    free = (cover < FOREST_COVER) & ~np.isin(open_type, (CROP, WATER, SETTLEMENT))
    wetness = (
        np.exp(-((land.terrain.river_m / 260) ** 2))
        - 4.0 * land.terrain.slope
        + 0.15 * fractal_noise(streams("wetland"), shape, (18, 7), (1.0, 0.4))
    )
    # wet ground was never ploughed: it takes some of the fields too
    _paint(open_type, cover, _most(wetness, free | (open_type == CROP), _WETLAND_SHARE), WETLAND, 0.35)
    ponds = _most(smooth_noise(streams("ponds"), shape, 5) + 2 * wetness, open_type == WETLAND, _POND_SHARE)
    _paint(open_type, cover, ponds, WATER, 0.0)

    gravel = -np.abs(land.terrain.river_m - 26) / 20 + 1.2 * smooth_noise(streams("gravel"), shape, 8)
    near = (open_type != WATER) & (land.terrain.river_m < 60)
    _paint(open_type, cover, _most(gravel, near, _GRAVEL_SHARE), BARE, 0.0)
    _paint(open_type, cover, _quarries(land, streams("quarries")), BARE, 0.0)
    crest = ndimage.gaussian_filter(land.terrain.height_m, 3) - ndimage.gaussian_filter(land.terrain.height_m, 14)
    rock = crest / crest.std() + 2.0 * land.terrain.slope + 1.0 * smooth_noise(streams("rock"), shape, 5)
    _paint(open_type, cover, _most(rock, land.terrain.river_m > 250, _ROCK_SHARE), BARE, 0.15)

    free = (cover < FOREST_COVER) & np.isin(open_type, (GRASS, SHRUB, CROP))
    _paint(open_type, cover, _hamlets(land, free, streams("hamlets")), SETTLEMENT, 0.5)
    thicket = fractal_noise(streams("thickets"), shape, (18, 8), (1.0, 0.4)) + 0.2 * (cover > 0.1)
    meadow = np.isin(open_type, (GRASS, SHRUB))
    _paint(open_type, cover, meadow & (cover < FOREST_COVER), GRASS, 0.4)
    _paint(open_type, cover, _most(thicket, meadow & (cover < FOREST_COVER), _SHRUB_SHARE), SHRUB, 1.0)

    block_type, age, track = _plant(land, cover, streams("planted blocks"))
    planted = block_type > 0
    forest_type = np.where(planted, block_type, forest_type)
    closed = 0.92 * logistic((age - 9) / 3.5) + 0.04 * smooth_noise(streams("gaps in blocks"), shape, 1)
    cover = np.where(planted, np.clip(closed, 0.4, 0.95), cover)
    ceiling = np.where(planted, np.maximum(cover, 0.6), land.ceiling)
    cover[track] = np.minimum(cover[track], 0.45)
    return replace(
        land,
        forest_type=forest_type.astype(np.uint8),
        open_type=open_type,
        cover=cover.astype(np.float32),
        ceiling=ceiling.astype(np.float32),
        stand_age=np.where(planted, age, 0).astype(np.float32),
    )


def _most(score: np.ndarray, where: np.ndarray, share: float) -> np.ndarray:
    """The pixels of highest `score` in `where`, as many as make up `share` of all; bool (y, x)."""
    wanted = min(round(share * score.size), int(where.sum()))
    if not wanted:
        return np.zeros(score.shape, dtype=bool)
    ranked = np.where(where, score, -np.inf)
    return np.asarray(where & (ranked >= np.partition(ranked.ravel(), -wanted)[-wanted]))


def _paint(open_type: np.ndarray, cover: np.ndarray, where: np.ndarray, code: int, trees: float) -> None:
    """Make the ground of `where` that of `code`, and leave `trees` of its crowns, always less than a forest's."""
    open_type[where] = code
    cover[where] = np.minimum(trees * cover[where], 0.22)


def _forest_types(terrain: Terrain, rng: np.random.Generator) -> np.ndarray:
    """Belts by height and sun, with birch in patches and larch where cold air or water stands."""
    shape = terrain.height_m.shape
    height = (terrain.height_m - terrain.height_m.mean()) / terrain.height_m.std()
    cool = height - 0.9 * terrain.southness + 0.5 * fractal_noise(rng, shape, (22, 8), (1.0, 0.5))
    types = np.full(shape, OAK)
    middle, high = np.quantile(cool, (0.50, 0.80))
    types[cool > middle], types[cool > high] = MIXED, EVERGREEN
    young = fractal_noise(rng, shape, (18, 6), (1.0, 0.4))
    types[(young > np.quantile(young, 0.85)) & (cool < high)] = BIRCH
    toe = np.exp(-(((terrain.river_m - 330) / 160) ** 2)) * np.exp(-4.0 * terrain.slope)
    cold = 1.2 * toe - 0.8 * terrain.southness + 0.6 * fractal_noise(rng, shape, (20, 7), (1.0, 0.5))
    types[_most(cold, types != EVERGREEN, _NATURAL_LARCH_SHARE / 0.72)] = LARCH
    return types


def _quarries(land: Landscape, rng: np.random.Generator) -> np.ndarray:
    """Round pits of one to three hectares into the foot of a slope."""
    shape = land.cover.shape
    y, x = np.ogrid[: shape[0], : shape[1]]
    foot = np.exp(-(((land.terrain.river_m - 450) / 180) ** 2)) + 0.5 * smooth_noise(rng, shape, 9)
    ragged = 0.25 * smooth_noise(rng, shape, 2)
    pits = np.zeros(shape, dtype=bool)
    while pits.sum() < _QUARRY_SHARE * pits.size:
        row, col = np.unravel_index(int(np.argmax(foot)), shape)
        distance = np.hypot(y - row, x - col)
        pits |= distance * (1 + ragged) < min(rng.uniform(6, 10), 0.04 * shape[0])
        foot[distance < 30] = -9
    return pits


def _hamlets(land: Landscape, free: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Farms and hamlets on open ground beside the valley's fields, beyond what floods, until their share is reached."""
    shape = free.shape
    y, x = np.ogrid[: shape[0], : shape[1]]
    near = np.exp(-(((land.terrain.river_m - 260) / 150) ** 2)) + 0.4 * smooth_noise(rng, shape, 12)
    near += 2 * ndimage.uniform_filter(free.astype(np.float32), 15)
    near[~free] = -9
    houses = smooth_noise(rng, shape, 1.2) > -1.3
    wanted = _SETTLEMENT_SHARE * free.size - (land.open_type == SETTLEMENT).sum()
    built = np.zeros(shape, dtype=bool)
    while built.sum() < wanted and near.max() > -9:
        row, col = np.unravel_index(int(np.argmax(near)), shape)
        distance = np.hypot(y - row, x - col)
        built |= (distance < rng.uniform(9, 15)) & houses & free
        near[distance < 34] = -9
    return built


def _plant(land: Landscape, cover: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plant whole blocks of a lattice with one species in one year: code (0 = none), age in years, and tracks."""
    across, along = (axis / size for axis, size in zip(_of_blocks(land.terrain), _BLOCK_M, strict=True))
    row, column = np.floor(across).astype(np.int64), np.floor(along).astype(np.int64)
    _, block = np.unique(row * 100_003 + column, return_inverse=True)
    block = block.reshape(row.shape)
    size = np.bincount(block.ravel())
    forest = np.bincount(block.ravel(), weights=(cover >= FOREST_COVER).ravel()) / size
    gentle = np.bincount(block.ravel(), weights=(-land.terrain.slope).ravel()) / size
    score = gentle + rng.normal(0, 0.08, size=size.size) - 10.0 * (forest < 0.7)
    order = np.argsort(-score)
    area = np.cumsum(size[order])
    larch = area <= _LARCH_PLANTED_SHARE * block.size
    either = area <= (_LARCH_PLANTED_SHARE + _PINE_PLANTED_SHARE) * block.size
    species = np.zeros(size.size, dtype=np.uint8)
    # of the chosen blocks every other one or so is pine, so that neither species has all the gentle ground
    chosen = rng.permutation(order[either])
    species[chosen] = EVERGREEN
    species[chosen[: larch.sum()]] = LARCH
    ages = rng.uniform(*_AGES, size=size.size).astype(np.float32)
    rim = np.minimum.reduce([(v - np.floor(v)) * s for v, s in zip((across, along), _BLOCK_M, strict=True)]) < 10
    inside = (cover >= FOREST_COVER) & (species[block] > 0)
    return np.where(inside & ~rim, species[block], 0), ages[block], inside & rim


def _of_blocks(terrain: Terrain) -> tuple[np.ndarray, np.ndarray]:
    """The lattice's axes, a little turned against the fields'."""
    turn = 0.35
    return (
        terrain.across_m * np.cos(turn) - terrain.along_m * np.sin(turn),
        terrain.across_m * np.sin(turn) + terrain.along_m * np.cos(turn),
    )
