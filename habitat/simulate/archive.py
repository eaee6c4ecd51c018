"""Which looks a dense archive holds: the clearest of each sensor in every 5 days, less what months of outage took.

Sentinel-2 from 2016, its twin from July 2017, Landsat 8 from April 2013, Landsat 9 from November 2021. Clouds follow
the monsoon: the mean cover of each month is a guess that no data set was fitted to, and days
are mostly clear or mostly overcast, so that July has few looks. Looks of winter, of snow in low light, are not kept;
those of late March and early November still hold snow.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from habitat.simulate.presets import LANDSAT, SENTINEL2
from habitat.simulate.scenes import LATITUDE, LONGITUDE, Overpass, platform_on
from habitat.simulate.sky import sun_at
from habitat.simulate.streams import Streams

FIRST_LOOK = {LANDSAT: date(2013, 4, 11), SENTINEL2: date(2016, 1, 1)}
"""Day from which each sensor looks."""

LANDSAT_ALONE_YEARS = 3
"""Years before the others in which Landsat alone looks, as from 2013."""

_MEAN_COVER = (0.36, 0.38, 0.44, 0.50, 0.58, 0.68, 0.75, 0.66, 0.50, 0.42, 0.42, 0.36)
"""By month: mean share of the sky under clouds."""
_SPREAD = 0.6
"""Sum of the beta distribution's two parameters: below 2, days are clear or overcast rather than between."""
_MOST_COVER = 0.5
"""Cloudier looks are not kept."""
_PERIOD_DAYS = 5
_SEASON = ((3, 20), (11, 10))
"""First and last month and day of the looks that are kept."""
_GAPS_A_DECADE = 3
_GAP_DAYS = (60, 200)
_UTC = {SENTINEL2: (2, 16), LANDSAT: (2, 8)}
"""Hour and minute of the overpass."""


def plan_dense_overpasses(years: range, streams: Streams) -> list[Overpass]:
    """Return the looks of both sensors from `LANDSAT_ALONE_YEARS` before `years` to their end."""
    last = date(years[-1], 12, 31)
    begin = {LANDSAT: date(years[0] - LANDSAT_ALONE_YEARS, 1, 1), SENTINEL2: date(years[0], 1, 1)}
    first = {sensor: max(day, begin[sensor]) for sensor, day in FIRST_LOOK.items()}
    kept = []
    for sensor, start in first.items():
        gaps = _draw_gaps(start, last, streams("gaps", sensor))
        for number in range((last - start).days // _PERIOD_DAYS + 1):
            day = start + timedelta(days=number * _PERIOD_DAYS)
            rng = streams("look", sensor, day.isoformat())
            clearest = _clearest(rng, sensor, [day + timedelta(days=k) for k in range(_PERIOD_DAYS)], last)
            if clearest is not None and not any(a <= clearest.when.date() <= b for a, b in gaps):
                kept.append(clearest)
    return sorted(kept, key=lambda overpass: (overpass.when, overpass.sensor))


def _draw_gaps(first: date, last: date, rng: np.random.Generator) -> list[tuple[date, date]]:
    """Months in which a sensor brings nothing home: first and last day of each gap."""
    days = (last - first).days
    starts = rng.integers(0, days, size=rng.poisson(_GAPS_A_DECADE * days / 3652))
    return [
        (first + timedelta(days=int(start)), first + timedelta(days=int(start + rng.integers(*_GAP_DAYS))))
        for start in starts
    ]


def _clearest(rng: np.random.Generator, sensor: str, days: list[date], last: date) -> Overpass | None:
    best: Overpass | None = None
    for day in days:
        platform = platform_on(sensor, day)
        mean = _MEAN_COVER[day.month - 1]
        cover = float(rng.beta(_SPREAD * mean, _SPREAD * (1 - mean)))
        cover = 0.0 if cover < 0.015 else cover
        if platform is None or not _kept(day, last) or cover > (_MOST_COVER if best is None else best.cloud_cover):
            continue
        when = datetime(day.year, day.month, day.day, *_UTC[sensor], int(rng.integers(60)), tzinfo=UTC)
        best = Overpass(sensor, platform, when, sun_at(when, LATITUDE, LONGITUDE), cover)
    return best


def _kept(day: date, last: date) -> bool:
    return day <= last and _SEASON[0] <= (day.month, day.day) <= _SEASON[1]
