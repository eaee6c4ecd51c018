"""Years and their weather: late springs, droughts and lean years, none of which is a loss of forest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import numpy as np

from habitat.simulate import spectra
from habitat.simulate.fields import fractal_noise, logistic
from habitat.simulate.landscape import Landscape
from habitat.simulate.phenology import Weather, draw_weather
from habitat.simulate.streams import Streams


class Climate(Protocol):
    """What the weather does to what grows."""

    def weather(self, year: int, streams: Streams) -> Weather:
        """Return what sets one year apart from the others."""
        ...

    def weaken(self, shares: np.ndarray, day: date) -> np.ndarray:
        """Return `shares` (surface, y, x) as leaves that suffer change them."""
        ...


@dataclass(frozen=True)
class MildClimate:
    """Springs and autumns differ by a few days, and leaves never suffer."""

    def weather(self, year: int, streams: Streams) -> Weather:
        """Return what sets one year apart from the others."""
        return draw_weather(streams("weather", year))

    def weaken(self, shares: np.ndarray, day: date) -> np.ndarray:  # noqa: ARG002 - a mild day weakens nothing
        """Return `shares` unchanged."""
        return shares


@dataclass(frozen=True)
class HarshClimate:
    """Springs up to three weeks late, droughts that brown the forest until autumn, stands that leaf poorly at times."""

    late_days: dict[int, float]
    """By year of late spring: how much later than usual leaves unfold."""
    drought: dict[int, np.ndarray]
    """By year of drought: float32 (y, x), how much leaves suffer, 0-1."""
    onset: dict[int, int]
    """By year of drought: day of the year on which half of it shows."""
    lean: dict[int, np.ndarray]
    """By year: float32 (y, x), share of its leaves that a stand lacks, around 0."""

    def weather(self, year: int, streams: Streams) -> Weather:
        """Return what sets one year apart from the others: some springs are late, and herbs vary twice as much."""
        usual = draw_weather(streams("weather", year))
        return replace(usual, spring_days=self.late_days.get(year, usual.spring_days), vigour=2 * usual.vigour - 1)

    def weaken(self, shares: np.ndarray, day: date) -> np.ndarray:
        """Return `shares` (surface, y, x), changed in place: leaves that are lacking, turned early or shed."""
        lean = self.lean.get(day.year)
        if lean is not None:
            _move(shares, spectra.LEAF, spectra.BRANCH, lean)
            _move(shares, spectra.NEEDLE, spectra.BRANCH, 0.5 * lean)
            _move(shares, spectra.HERB, spectra.LITTER, 2 * lean)
        drought = self.drought.get(day.year)
        if drought is not None:
            dry = drought * logistic((day.timetuple().tm_yday - self.onset[day.year]) / 6)
            for source, target, most in _WITHER:
                _move(shares, source, target, most * dry)
        return shares


_WITHER = (
    (spectra.LEAF, spectra.AUTUMN, 0.55),
    (spectra.LEAF, spectra.BRANCH, 0.30),
    (spectra.NEEDLE, spectra.AUTUMN, 0.12),
    (spectra.HERB, spectra.LITTER, 0.80),
)
"""What turns into what, and how much of it in the worst drought."""
_LATE_SPRINGS = 0.2
"""Chance that a year's spring is two to three weeks late."""
_DROUGHTS = 0.35
"""Chance that a year is one of drought."""
_LEAN = 0.02
"""Standard deviation of the share of its leaves that a stand lacks in a year."""

_LEGACY = 0.40
"""Share of its leaves that a stand lacks in the year after the worst drought (Anderegg et al. 2015, Science 349, 528:
trees need one to four years to recover)."""


def _move(shares: np.ndarray, source: int, target: int, part: np.ndarray) -> None:
    """Turn `part` of one surface into another, or back where it is negative, as far as there is any."""
    moved = np.maximum(shares[source] * part, -shares[target])
    shares[source] -= moved
    shares[target] += moved


def make_harsh_climate(landscape: Landscape, years: range, streams: Streams) -> HarshClimate:
    """Draw the years: a drought in one of three, worst on sunny slopes; a late spring in one of five."""
    shape = landscape.cover.shape
    late, drought, onset, lean = {}, {}, {}, {}
    last = np.zeros(shape, np.float32)
    for year in years:
        rng = streams("harsh", year)
        if rng.random() < _LATE_SPRINGS:
            late[year] = float(rng.uniform(12, 21))
        lean[year] = (_LEAN * fractal_noise(rng, shape, (10, 3), (0.8, 0.5))).clip(-0.1, 0.1) + _LEGACY * last
        last = np.zeros(shape, np.float32)
        if rng.random() < _DROUGHTS:
            thirst = 0.5 * landscape.terrain.southness + fractal_noise(rng, shape, (16, 5), (0.9, 0.5))
            drought[year] = np.clip(rng.uniform(0.15, 0.50) + 0.48 * thirst, 0, 1).astype(np.float32)
            last = drought[year]
            onset[year] = int(rng.integers(140, 190))
    return HarshClimate(late, drought, onset, lean)
