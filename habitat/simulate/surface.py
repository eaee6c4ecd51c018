"""Reflectance of the ground on a date: every pixel is mixed from pure surfaces, lit by the sun, and varies.

The mixture follows crown cover, class and phenology. Crowns hide the ground below them; leafless ones show half
of it; gaps between crowns are partly in their shadow. Ground is herbs, litter, soil, char, water, walls or snow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from habitat.simulate import spectra
from habitat.simulate.classes import (
    BARE,
    BIRCH,
    CROP,
    EVERGREEN,
    LARCH,
    MIXED,
    OAK,
    SETTLEMENT,
    SHRUB,
    WATER,
    WETLAND,
)
from habitat.simulate.climate import Climate, MildClimate
from habitat.simulate.fields import fractal_noise
from habitat.simulate.history import State
from habitat.simulate.landscape import Landscape
from habitat.simulate.phenology import (
    Clock,
    Weather,
    autumn_colour,
    broadleaves,
    crops,
    flood,
    herbs,
    larch_gold,
    larch_needles,
    read_clock,
    sedges,
    snow_cover,
)
from habitat.simulate.stands import Stands, evergreen_share, level_in_blocks, make_stands
from habitat.simulate.streams import Streams

_EVERGREEN_SHARE = {EVERGREEN: 0.92, LARCH: 0.06, MIXED: 0.48, OAK: 0.04, BIRCH: 0.02}
"""Of the crowns, how many keep their needles."""
_OAK_KEEPS = 0.3
"""Of the oaks' leaves, how many stay withered on the tree until new ones come: Quercus mongolica is marcescent."""
_VARIATION = (
    (0.07, 0.07, 0.08, 0.05, 0.03, 0.03),
    (0.0, 0.02, 0.0, 0.06, 0.02, 0.0),
    (0.0, 0.0, 0.02, 0.0, 0.07, 0.09),
)
"""By field (brightness, leaf area, moisture) and band: standard deviation of the logarithm of reflectance that is
always the same at a pixel. Real stands of one class differ by about this much."""


@dataclass(frozen=True)
class Ground:
    """How pixels differ for good: what makes two stands of one class look different."""

    landscape: Landscape
    variation: np.ndarray
    """float32 (band, y, x): factor on reflectance."""
    offset_days: np.ndarray
    """float32 (y, x): how late leaves unfold."""
    patches: np.ndarray
    """float32 (y, x): where snow and herbs are thicker."""
    evergreen_share: np.ndarray
    """float32 (y, x): of the crowns that a pixel had at first."""
    stands: Stands | None = None
    """How stands of one class differ under the full legend."""
    climate: Climate = field(default_factory=MildClimate)
    """What the weather of each year does to what grows."""


def make_ground(landscape: Landscape, streams: Streams, climate: Climate | None = None) -> Ground:
    """Return what differs for good between the pixels of `landscape`, and its climate: a mild one by default."""
    shape = landscape.cover.shape
    fields = np.stack([fractal_noise(streams("variation", k), shape, (9, 3, 0), (0.6, 0.6, 0.5)) for k in range(3)])
    fields = level_in_blocks(landscape, fields, streams)
    size = np.array(_VARIATION, dtype=np.float32) * np.float32(landscape.preset.spread)
    variation = np.exp(np.einsum("fb,fyx->byx", size, fields))
    share = np.zeros(shape, dtype=np.float32)
    for code, typical in _EVERGREEN_SHARE.items():
        share[landscape.forest_type == code] = typical
    spread = 0.14 * landscape.preset.spread * fractal_noise(streams("evergreens"), shape, (7, 2), (0.7, 0.6))
    share = np.where(landscape.forest_type == MIXED, share + spread, share + 0.15 * np.clip(spread, 0, 1))
    return Ground(
        landscape,
        variation,
        3 * fractal_noise(streams("late leaves"), shape, (12, 3), (0.8, 0.5)),
        np.clip(fractal_noise(streams("patches"), shape, (6, 1.5), (0.7, 0.6)), -2.5, 2.5),
        np.clip(evergreen_share(landscape, share), 0, 1).astype(np.float32),
        make_stands(landscape, streams),
        climate or MildClimate(),
    )


@dataclass(frozen=True)
class Surface:
    """The ground as it is on one date, before sun and sky; arrays (y, x) on the fine grid."""

    shares: np.ndarray
    """float32 (surface, y, x): how much of each pure surface is seen; what is missing to 1 lies in shadow."""
    snow: np.ndarray
    """float32 share of snow that is seen."""


def make_surface(ground: Ground, state: State, streams: Streams) -> Surface:
    """Return what is seen on the date of `state`."""
    day, land = state.date, ground.landscape
    weather = ground.climate.weather(day.year, streams)
    winter = ground.climate.weather(day.year + (day.month > 8), streams)
    day_of_year = day.timetuple().tm_yday
    clock = read_clock(day_of_year, weather, land.terrain.height_m, ground.offset_days)
    snow = snow_cover(day_of_year, winter, land.terrain.height_m, land.terrain.southness, ground.patches)

    below = _ground_shares(ground, state, clock, weather, streams)
    below *= 1 - snow
    below[spectra.SNOW] += snow

    young = state.code == BIRCH
    early = np.where(young, 4.0 if ground.stands is None else 9.0, 0.0).astype(np.float32)
    leaves = broadleaves(clock, early)
    turned = autumn_colour(clock, early)
    evergreen = state.evergreen(ground.evergreen_share)
    dead = state.dead
    needles, deciduous = state.cover * evergreen, state.cover * (1 - evergreen)
    larch = _larch(ground, state, deciduous)
    broad = deciduous if larch is None else deciduous - larch
    in_leaf, in_needle = broad * leaves, 0.0 if larch is None else larch * larch_needles(clock)
    bare_crowns = broad * (1 - leaves) + dead
    if larch is not None:
        bare_crowns = bare_crowns + larch - in_needle
    # crowns shade the gaps between them, low and leafless ones a little
    shade = np.where(young, 0.3, 0.45) * (needles + in_leaf + in_needle) + 0.15 * bare_crowns
    if ground.stands is not None:
        shade = np.clip(shade * ground.stands.roughness, 0, 0.9)
    gaps = np.clip(1 - state.cover - dead, 0, 1) * (1 - shade)

    shares = below * (gaps + 0.45 * bare_crowns)
    shares[spectra.LEAF] += in_leaf * (1 - turned)
    shares[spectra.AUTUMN] += in_leaf * turned
    shares[spectra.NEEDLE] += needles * (1 - 0.12 * snow)
    shares[spectra.SNOW] += needles * 0.12 * snow
    shares[spectra.BRANCH] += 0.55 * bare_crowns
    if ground.stands is not None:
        light = in_leaf * (1 - turned) * np.where(young, 0.9, 0.1).astype(np.float32)
        shares[spectra.LEAF] -= light
        shares[spectra.BIRCH_LEAF] += light
        withered = _OAK_KEEPS * broad * (1 - leaves) * (state.code == OAK)  # dead leaves that fall in spring
        shares[spectra.BRANCH] -= 0.55 * withered
        shares[spectra.AUTUMN] += 0.55 * withered
        pine = shares[spectra.NEEDLE] * ground.stands.pine_share
        shares[spectra.NEEDLE] -= pine
        shares[spectra.PINE] += pine
        gold = larch_gold(clock)
        shares[spectra.LARCH_GREEN] += in_needle * (1 - gold)
        shares[spectra.LARCH_GOLD] += in_needle * gold
    shares = ground.climate.weaken(shares, day)
    return Surface(shares.astype(np.float32), shares[spectra.SNOW])


def _larch(ground: Ground, state: State, deciduous: np.ndarray) -> np.ndarray | None:
    """The crowns of larch among the deciduous ones; None where the legend has none."""
    if ground.stands is None:
        return None
    return np.asarray(deciduous * np.where(state.years_since_loss < 100, 0.02, ground.stands.larch_share))


def _ground_shares(ground: Ground, state: State, clock: Clock, weather: Weather, streams: Streams) -> np.ndarray:
    """What lies below the crowns and between them, without snow; sums to 1."""
    shape = state.code.shape
    surfaces = spectra.BUILT + 1 if ground.stands is None else len(spectra.band_reflectance("landsat"))
    shares = np.zeros((surfaces, *shape), dtype=np.float32)
    open_land = 1 - np.clip(state.cover / 0.5, 0, 1)
    thick = np.clip(weather.vigour * (0.84 + 0.07 * ground.landscape.preset.spread * ground.patches), 0, 1)
    green = herbs(clock) * thick * (0.45 + 0.55 * open_land)
    bare = state.bare
    char = 0.9 * np.exp(-state.days_since_fire / 50) + 0.15 * np.exp(-state.days_since_fire / 300)
    char = np.clip(char, 0, 0.92) * (1 - 0.8 * green)
    shares[spectra.HERB] = green * (1 - bare)
    shares[spectra.SOIL] = 0.5 * bare
    shares[spectra.LITTER] = 1 - shares[spectra.HERB] - shares[spectra.SOIL]
    if ground.stands is not None:
        _grow_full_legend(shares, ground.stands, state, clock, thick)
    shares *= 1 - char
    shares[spectra.CHAR] += char

    fields = state.code == CROP
    if ground.stands is not None:  # fallow fields grow weeds
        fields &= (
            streams("fallow", state.date.year).random(ground.landscape.field_id.max() + 1)[ground.landscape.field_id]
            > 0.05
        )
    if fields.any():
        kind, delay = _sown(ground.landscape, state.date.year, streams)
        crop, flooded, stubble = (part[fields] for part in crops(clock, kind, delay))
        rest = 1 - crop * 0.95
        shares[:, fields] = 0
        shares[spectra.HERB, fields] = 0.75 * 0.95 * crop
        shares[spectra.LEAF, fields] = 0.25 * 0.95 * crop
        shares[spectra.OPEN_WATER, fields] = rest * 0.8 * flooded
        shares[spectra.LITTER, fields] = rest * (1 - 0.8 * flooded) * stubble
        shares[spectra.SOIL, fields] = rest * (1 - 0.8 * flooded) * (1 - stubble)
    built = state.code == SETTLEMENT
    roofs = 0.4 if ground.stands is None else ground.stands.built[built]
    shares[:, built] = 0.45 * shares[:, built] if ground.stands is None else (0.85 - roofs) * shares[:, built]
    shares[spectra.BUILT, built] += roofs
    shares[spectra.SOIL, built] += 0.15
    water = state.code == WATER
    shares[:, water] = 0
    shares[spectra.OPEN_WATER, water] = 1
    return shares


def _grow_full_legend(shares: np.ndarray, stands: Stands, state: State, clock: Clock, thick: np.ndarray) -> None:
    """Put bushes, mires, bare ground and what grows on last spring's burns into `shares`, which always sum to 1."""
    burnt = state.days_since_fire < 240  # the fire took the old grass: less straw, more soil
    straw = np.where(burnt, 0.5 * shares[spectra.LITTER], 0)
    shares[spectra.LITTER] -= straw
    shares[spectra.SOIL] += 0.6 * straw
    shares[spectra.HERB] += 0.4 * straw

    thicket = state.code == SHRUB
    early = Clock(clock.spring[thicket] + 6, clock.autumn[thicket] + 6)
    leaves, turned, woody = broadleaves(early), autumn_colour(early), stands.woody[thicket]
    shares[:, thicket] *= 1 - woody
    shares[spectra.BUSH, thicket] += woody * leaves * (1 - turned)
    shares[spectra.AUTUMN, thicket] += woody * leaves * turned
    shares[spectra.BRANCH, thicket] += 0.6 * woody * (1 - leaves)
    shares[spectra.LITTER, thicket] += 0.4 * woody * (1 - leaves)

    mire = state.code == WETLAND
    here = Clock(clock.spring[mire], clock.autumn[mire])
    green = sedges(here) * thick[mire]
    water = np.clip(stands.wetness[mire] * flood(here), 0, 0.95) * (1 - 0.6 * green)
    shares[:, mire] = 0
    shares[spectra.OPEN_WATER, mire] = water
    shares[spectra.SEDGE, mire] = (1 - water) * green
    shares[spectra.STRAW, mire] = (1 - water) * (1 - green)

    bare = state.code == BARE
    shares[:, bare] *= 1 - stands.stony[bare]
    shares[spectra.ROCK, bare] += stands.stony[bare]


def _sown(landscape: Landscape, year: int, streams: Streams) -> tuple[np.ndarray, np.ndarray]:
    """Which crop each field bears that year, and how late it was sown."""
    rng = streams("sown", year)
    n = int(landscape.field_id.max()) + 1
    kind = rng.choice(3, size=n, p=(0.45, 0.3, 0.25))
    delay = rng.normal(0, 6, size=n).astype(np.float32)
    return kind[landscape.field_id], delay[landscape.field_id]


def reflectance(ground: Ground, surface: Surface, sensor: str, sun_azimuth: float, sun_elevation: float) -> np.ndarray:
    """Return what `sensor` would measure without sky, noise and blur, float32 (band, y, x) on the fine grid."""
    pure = spectra.band_reflectance(sensor)[: len(surface.shares)]
    bands = np.tensordot(pure, surface.shares, axes=(0, 0))
    bands *= ground.variation ** (1 - 0.8 * surface.snow)
    bands *= ground.landscape.terrain.illumination(sun_azimuth, sun_elevation)
    return np.asarray(bands, dtype=np.float32)
