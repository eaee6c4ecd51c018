"""The year of the border forest: when leaves unfold, turn and fall, crops grow, and snow lies.

Dates are days of the year in a mean year at 100 m. Forests of north-east China start their season around day
125 and keep it for about 130 days (MODIS, 2001-2021: Remote Sensing 17, 1853, 2025), later with height and in
cold springs (Yu et al. 2014, Advances in Meteorology, 592106); here leaves are half unfolded on day 132, half
coloured on day 272 and half fallen on day 288; larch needles are out a week earlier and fall last. Crop calendars
(maize, soya, paddy rice) and the duration of snow are the usual ones of the region, rounded. The shapes, all logistic,
are stylised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from habitat.simulate.fields import logistic

LAG_DAYS_PER_M = 0.03
"""How much later spring is, and how much earlier autumn, with height: Hopkins' law is about 3 days in 100 m."""


@dataclass(frozen=True)
class Weather:
    """What sets one year apart from the others."""

    spring_days: float
    """How much later than usual leaves unfold."""
    autumn_days: float
    """How much later than usual they turn."""
    vigour: float
    """Greenness of the herbs of summer, 1 in a mean year."""
    snow: float
    """Depth of snow, 1 in a mean winter."""


def draw_weather(rng: np.random.Generator) -> Weather:
    """Draw one year: springs differ by about five days, autumns by four."""
    spring, autumn, vigour, snow = rng.normal(0, 1, 4)
    return Weather(
        5 * float(np.clip(spring, -2, 2)),
        4 * float(np.clip(autumn, -2, 2)),
        1 + 0.06 * float(np.clip(vigour, -2, 2)),
        1 + 0.25 * float(np.clip(snow, -2, 2)),
    )


@dataclass(frozen=True)
class Clock:
    """Where the year stands at each pixel on one date; float32 (y, x)."""

    spring: np.ndarray
    """Day of the year as spring feels it: behind where it is high or late."""
    autumn: np.ndarray
    """Day of the year as autumn feels it: ahead where it is high or early."""


def read_clock(day_of_year: int, weather: Weather, height_m: np.ndarray, offset_days: np.ndarray) -> Clock:
    """Return the clock of a date; `offset_days` is how late each pixel always is."""
    lag = np.float32(LAG_DAYS_PER_M) * (height_m - 100) + offset_days
    return Clock(
        (day_of_year - weather.spring_days - lag).astype(np.float32),
        (day_of_year - weather.autumn_days + 0.7 * lag).astype(np.float32),
    )


def broadleaves(clock: Clock, early: np.ndarray | float = 0.0) -> np.ndarray:
    """Share of the leaves that are on deciduous trees; `early` days before the oaks."""
    return logistic((clock.spring - 132 + early) / 4) * (1 - logistic((clock.autumn - 288 + early) / 4))


def autumn_colour(clock: Clock, early: np.ndarray | float = 0.0) -> np.ndarray:
    """Share of those leaves that have turned."""
    return logistic((clock.autumn - 272 + early) / 4)


def herbs(clock: Clock) -> np.ndarray:
    """Greenness of grass and herbs, 0-1."""
    return logistic((clock.spring - 131) / 8) * (1 - logistic((clock.autumn - 262) / 8))


def larch_needles(clock: Clock) -> np.ndarray:
    """Share of the needles that are on larches: out a week before the oaks' leaves, the last to fall."""
    return logistic((clock.spring - 125) / 4) * (1 - logistic((clock.autumn - 299) / 4))


def larch_gold(clock: Clock) -> np.ndarray:
    """Share of those needles that have turned yellow, in the first half of October."""
    return logistic((clock.autumn - 281) / 4)


def sedges(clock: Clock) -> np.ndarray:
    """Greenness of sedge and reed, 0-1: cold wet ground wakes late and is brown early."""
    return logistic((clock.spring - 142) / 8) * (1 - logistic((clock.autumn - 256) / 8))


def flood(clock: Clock) -> np.ndarray:
    """Height of the water in mires against its mean: thaw in April and May, drought in June, monsoon in August."""
    thaw = np.exp(-(((clock.spring - 112) / 24) ** 2))
    monsoon = np.exp(-(((clock.autumn - 225) / 24) ** 2))
    return (0.6 + 0.8 * thaw + 0.8 * monsoon).astype(np.float32)


def crops(clock: Clock, kind: np.ndarray, delay_days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the green, flooded and stubble shares of fields.

    Parameters
    ----------
    clock : Clock
    kind : int array (y, x)
        0 maize, 1 soya, 2 rice.
    delay_days : float array (y, x)
        How late each field was sown.
    """
    half_grown = np.array([170, 177, 174], dtype=np.float32)[kind] + delay_days
    ripe = np.array([262, 257, 260], dtype=np.float32)[kind] + 0.5 * delay_days
    green = logistic((clock.spring - half_grown) / 6) * (1 - logistic((clock.autumn - ripe) / 4))
    flooded = (kind == 2) * logistic((clock.spring - 138) / 2) * (1 - logistic((clock.spring - 172) / 6))
    stubble = np.where(clock.autumn > 285, 0.55, np.where(clock.spring < 115, 0.45, 0.1)).astype(np.float32)
    stubble = np.maximum(stubble, 0.8 * logistic((clock.autumn - ripe) / 4) * (clock.autumn < 292))
    return green, flooded.astype(np.float32), stubble


def snow_cover(
    day_of_year: int, weather: Weather, height_m: np.ndarray, southness: np.ndarray, patches: np.ndarray
) -> np.ndarray:
    """Share of open ground under snow, 0-1: late November to late March, longer where it is high or shaded."""
    day = day_of_year if day_of_year > 200 else day_of_year + 365
    longer = 0.035 * (height_m - 100) - 10 * southness + 5 * patches
    first, last = 332 - 0.5 * longer, 365 + 76 + longer + 12 * (weather.snow - 1)
    lies = logistic((day - first) / 5) * (1 - logistic((day - last) / 5))
    return np.clip(weather.snow * lies * (0.75 + 0.18 * patches), 0, 0.98).astype(np.float32)
