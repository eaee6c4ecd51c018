"""Reflectance of the ground on a date: every pixel is mixed from pure surfaces, lit by the sun, and varies.

The mixture follows crown cover, class and phenology. Crowns hide the ground below them; leafless ones show half
of it; gaps between crowns are partly in their shadow. Ground is herbs, litter, soil, char, water, walls or snow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from habitat.simulate import spectra
from habitat.simulate.fields import fractal_noise
from habitat.simulate.history import State
from habitat.simulate.landscape import BIRCH, CROP, EVERGREEN, MIXED, OAK, SETTLEMENT, WATER, Landscape
from habitat.simulate.phenology import (
    Clock,
    Weather,
    autumn_colour,
    broadleaves,
    crops,
    draw_weather,
    herbs,
    read_clock,
    snow_cover,
)
from habitat.simulate.streams import Streams

_EVERGREEN_SHARE = {EVERGREEN: 0.92, MIXED: 0.48, OAK: 0.04, BIRCH: 0.02}
"""Of the crowns, how many keep their needles."""
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


def make_ground(landscape: Landscape, streams: Streams) -> Ground:
    """Return what differs for good between the pixels of `landscape`."""
    shape = landscape.cover.shape
    fields = np.stack([fractal_noise(streams("variation", k), shape, (9, 3, 0), (0.6, 0.6, 0.5)) for k in range(3)])
    variation = np.exp(np.einsum("fb,fyx->byx", np.array(_VARIATION, dtype=np.float32), fields))
    share = np.zeros(shape, dtype=np.float32)
    for code, typical in _EVERGREEN_SHARE.items():
        share[landscape.forest_type == code] = typical
    spread = 0.14 * fractal_noise(streams("evergreens"), shape, (7, 2), (0.7, 0.6))
    share = np.where(landscape.forest_type == MIXED, share + spread, share + 0.15 * np.clip(spread, 0, 1))
    return Ground(
        landscape,
        variation,
        3 * fractal_noise(streams("late leaves"), shape, (12, 3), (0.8, 0.5)),
        np.clip(fractal_noise(streams("patches"), shape, (6, 1.5), (0.7, 0.6)), -2.5, 2.5),
        np.clip(share, 0, 1).astype(np.float32),
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
    weather = draw_weather(streams("weather", day.year))
    winter = draw_weather(streams("weather", day.year + (day.month > 8)))
    day_of_year = day.timetuple().tm_yday
    clock = read_clock(day_of_year, weather, land.terrain.height_m, ground.offset_days)
    snow = snow_cover(day_of_year, winter, land.terrain.height_m, land.terrain.southness, ground.patches)

    below = _ground_shares(ground, state, clock, weather, streams)
    below *= 1 - snow
    below[spectra.SNOW] += snow

    young = state.code == BIRCH
    early = np.where(young, 4.0, 0.0).astype(np.float32)
    leaves = broadleaves(clock, early)
    turned = autumn_colour(clock, early)
    evergreen = np.where(state.years_since_loss < 100, 0.02, ground.evergreen_share)
    dead = np.where(state.killed_by_fire, 0.16 * np.exp(-state.years_since_loss / 4), 0.0).astype(np.float32)
    needles, deciduous = state.cover * evergreen, state.cover * (1 - evergreen)
    bare_crowns = deciduous * (1 - leaves) + dead
    # crowns shade the gaps between them, low and leafless ones a little
    shade = np.where(young, 0.3, 0.45) * (needles + deciduous * leaves) + 0.15 * bare_crowns
    gaps = np.clip(1 - state.cover - dead, 0, 1) * (1 - shade)

    shares = below * (gaps + 0.45 * bare_crowns)
    shares[spectra.LEAF] += deciduous * leaves * (1 - turned)
    shares[spectra.AUTUMN] += deciduous * leaves * turned
    shares[spectra.NEEDLE] += needles * (1 - 0.12 * snow)
    shares[spectra.SNOW] += needles * 0.12 * snow
    shares[spectra.BRANCH] += 0.55 * bare_crowns
    return Surface(shares.astype(np.float32), shares[spectra.SNOW])


def _ground_shares(ground: Ground, state: State, clock: Clock, weather: Weather, streams: Streams) -> np.ndarray:
    """What lies below the crowns and between them, without snow; sums to 1."""
    shape = state.code.shape
    shares = np.zeros((len(spectra.band_reflectance("landsat")), *shape), dtype=np.float32)
    open_land = 1 - np.clip(state.cover / 0.5, 0, 1)
    thick = np.clip(weather.vigour * (0.84 + 0.07 * ground.patches), 0, 1)
    green = herbs(clock) * thick * (0.45 + 0.55 * open_land)
    # open ground of a fresh cut: soil and slash, grown over in two years
    bare = np.where(state.years_since_loss < 100, 0.7 * np.exp(-state.years_since_loss / 1.2), 0.05).astype(np.float32)
    bare = np.where(state.killed_by_fire, 0.5 * bare, bare)
    char = 0.9 * np.exp(-state.days_since_fire / 50) + 0.15 * np.exp(-state.days_since_fire / 300)
    char = np.clip(char, 0, 0.92) * (1 - 0.8 * green)
    shares[spectra.HERB] = green * (1 - bare)
    shares[spectra.SOIL] = 0.5 * bare
    shares[spectra.LITTER] = 1 - shares[spectra.HERB] - shares[spectra.SOIL]
    shares *= 1 - char
    shares[spectra.CHAR] += char

    fields = state.code == CROP
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
    shares[:, built] = 0.45 * shares[:, built]
    shares[spectra.BUILT, built] += 0.4
    shares[spectra.SOIL, built] += 0.15
    water = state.code == WATER
    shares[:, water] = 0
    shares[spectra.OPEN_WATER, water] = 1
    return shares


def _sown(landscape: Landscape, year: int, streams: Streams) -> tuple[np.ndarray, np.ndarray]:
    """Which crop each field bears that year, and how late it was sown."""
    rng = streams("sown", year)
    n = int(landscape.field_id.max()) + 1
    kind = rng.choice(3, size=n, p=(0.45, 0.3, 0.25))
    delay = rng.normal(0, 6, size=n).astype(np.float32)
    return kind[landscape.field_id], delay[landscape.field_id]


def reflectance(ground: Ground, surface: Surface, sensor: str, sun_azimuth: float, sun_elevation: float) -> np.ndarray:
    """Return what `sensor` would measure without sky, noise and blur, float32 (band, y, x) on the fine grid."""
    pure = spectra.band_reflectance(sensor)
    bands = np.tensordot(pure, surface.shares, axes=(0, 0))
    bands *= ground.variation ** (1 - 0.8 * surface.snow)
    bands *= ground.landscape.terrain.illumination(sun_azimuth, sun_elevation)
    return np.asarray(bands, dtype=np.float32)
