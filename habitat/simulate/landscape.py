"""What grows where before anything happens: classes and crown cover organised by relief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from habitat.simulate.area import Area
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
)
from habitat.simulate.fields import fractal_noise, smooth_noise
from habitat.simulate.mosaic import lay_out_full_legend
from habitat.simulate.presets import STANDARD, Preset
from habitat.simulate.streams import Streams
from habitat.simulate.terrain import Terrain

_OPEN_SHARE = (0.25, 0.28)
"""Share of the area without forest before cuts and fires, drawn between these."""
_CROP_SHARE = 0.08
_EDGE = 0.05
"""Width of the step from closed forest to open land, in standard deviations of openness: ten to thirty metres."""


@dataclass(frozen=True)
class Landscape:
    """The landscape before cuts and fires; arrays (y, x) on the fine grid."""

    area: Area
    terrain: Terrain
    forest_type: np.ndarray
    """uint8 code of the forest that is or would be there."""
    open_type: np.ndarray
    """uint8 code of what is there where crowns cover less than 30%."""
    cover: np.ndarray
    """float32 crown cover, 0-1."""
    ceiling: np.ndarray
    """float32 crown cover of old forest there."""
    field_id: np.ndarray
    """int32 number of the farmer's field a pixel would belong to."""
    stand_age: np.ndarray | None = None
    """float32 years since trees were planted, in the first year; 0 where none were. None: nothing is planted."""
    preset: Preset = STANDARD
    """What kind of landscape this is: events, scenes and surfaces follow it."""

    @property
    def burns(self) -> np.ndarray:
        """Where there is something to burn."""
        return ~np.isin(self.open_type, (WATER, SETTLEMENT, CROP, BARE)) | (self.cover >= FOREST_COVER)


def make_landscape(area: Area, terrain: Terrain, streams: Streams, *, preset: Preset = STANDARD) -> Landscape:
    """Return a landscape of which 25 to 28% is open: the rest of the open land is made by cuts and fires."""
    shape = terrain.height_m.shape
    rng = streams("openness")
    openness = (
        1.3 * np.exp(-((terrain.river_m / 420) ** 2))
        + 0.45 * terrain.southness
        + 0.75 * fractal_noise(rng, shape, (26, 12, 4), (1.0, 0.6, 0.3))
    ).astype(np.float32)
    ceiling = np.clip(0.82 + 0.07 * fractal_noise(streams("crowns"), shape, (14, 2), (0.7, 0.7)), 0.6, 0.97)
    water = terrain.river_m < 17 + 6 * np.clip(smooth_noise(streams("banks"), shape, 12), -1.5, 1.5)

    # Crowns cover less than 30% where `openness` is more than this above the edge: so the open share is exact.
    reach = (openness - _EDGE * np.log(ceiling / FOREST_COVER - 1)).astype(np.float32)
    reach[water] = np.inf
    inner = slice(6, -6)
    edge = np.quantile(reach[inner, inner], 1 - streams("open share").uniform(*_OPEN_SHARE))
    cover = ceiling / (1 + np.exp(np.clip((openness - edge) / _EDGE, -30, 30)))
    cover[water] = 0.0

    field_id = _fields(terrain, streams("fields"))
    crop = _choose_crop(terrain, field_id, (cover < FOREST_COVER) & ~water, streams("crop"))
    cover[crop] *= 0.1
    village = _villages(area, terrain, (cover < FOREST_COVER) & ~water, streams("villages"))
    cover[village] *= 0.4

    open_type = np.where(cover > 0.1, SHRUB, GRASS).astype(np.uint8)
    open_type[crop], open_type[village], open_type[water] = CROP, SETTLEMENT, WATER
    trees = _scattered_trees(shape, streams("scattered trees"))
    cover = np.where(
        np.isin(open_type, (GRASS, SHRUB)) & (cover < FOREST_COVER), np.minimum(cover + trees, 0.28), cover
    )
    land = Landscape(
        area,
        terrain,
        _forest_types(terrain, streams("forest types")),
        open_type,
        cover.astype(np.float32),
        ceiling.astype(np.float32),
        field_id,
        preset=preset,
    )
    return lay_out_full_legend(land, streams) if LARCH in preset.codes else land


def _forest_types(terrain: Terrain, rng: np.random.Generator) -> np.ndarray:
    """Conifers high and on shaded slopes, oak low and on sunny ones, Korean pine between; birch in patches."""
    shape = terrain.height_m.shape
    height = (terrain.height_m - terrain.height_m.mean()) / terrain.height_m.std()
    cool = height - 0.5 * terrain.southness + 0.7 * fractal_noise(rng, shape, (22, 8), (1.0, 0.5))
    types = np.full(shape, OAK, dtype=np.uint8)
    middle, high = np.quantile(cool, (0.52, 0.82))
    types[cool > middle] = MIXED
    types[cool > high] = EVERGREEN
    young = fractal_noise(rng, shape, (18, 6), (1.0, 0.4))
    types[(young > np.quantile(young, 0.84)) & (cool < high)] = BIRCH
    return types


def _fields(terrain: Terrain, rng: np.random.Generator) -> np.ndarray:
    """Number the fields of a grid that runs along the valley, about 90 x 170 m, each row shifted."""
    column = np.floor(terrain.across_m / 90).astype(np.int64)
    shift = rng.uniform(0, 170, size=4096)[column % 4096]
    row = np.floor((terrain.along_m + shift) / 170).astype(np.int64)
    _, number = np.unique(column * 100_003 + row, return_inverse=True)
    return number.reshape(column.shape).astype(np.int32)


def _choose_crop(terrain: Terrain, field_id: np.ndarray, open_land: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Farm the flattest, most open fields near the river until the share of crop is reached."""
    flat = np.exp(-((terrain.river_m / 450) ** 2)) - 1.5 * terrain.slope
    count = np.bincount(field_id.ravel())
    suitability = np.bincount(field_id.ravel(), weights=flat.ravel()) / count
    arable = np.bincount(field_id.ravel(), weights=open_land.ravel())
    suitability += rng.normal(0, 0.2, size=suitability.size) - 10.0 * (arable / count < 0.6)
    order = np.argsort(-suitability)
    chosen = order[np.cumsum(arable[order]) <= _CROP_SHARE * field_id.size]
    return np.isin(field_id, chosen) & open_land


def _villages(area: Area, terrain: Terrain, open_land: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Build one village for every 15 km2 on flat open land near, but not at, the river; houses stand in clumps."""
    shape = open_land.shape
    near = np.exp(-(((terrain.river_m - 180) / 120) ** 2)) - 2 * terrain.slope + 0.3 * smooth_noise(rng, shape, 20)
    score = np.where(open_land, near, -9) + ndimage.uniform_filter(open_land.astype(np.float32), 25)
    houses = smooth_noise(rng, shape, 1.2) > -0.2
    y, x = np.ogrid[: shape[0], : shape[1]]
    village = np.zeros(shape, dtype=bool)
    for _ in range(max(1, round(area.hectares / 1500))):
        row, col = np.unravel_index(int(np.argmax(score)), shape)
        distance = np.hypot(y - row, x - col)
        village |= (distance < rng.uniform(10, 14) * min(1.0, area.size_m / 2000)) & houses
        score[distance < 120] = -9
    return village & open_land


def _scattered_trees(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Crown cover of single trees and groves on open land, mostly none."""
    return 0.07 * np.clip(fractal_noise(rng, shape, (8, 1), (0.8, 0.6)) - 0.5, 0, 3)
