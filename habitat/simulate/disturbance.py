"""Where and when forest is cut, burned and thinned, drawn year by year."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from scipy import ndimage

from habitat.simulate.classes import FOREST_COVER, GRASS, SHRUB
from habitat.simulate.fields import smooth_noise
from habitat.simulate.history import Event, History
from habitat.simulate.landscape import Landscape
from habitat.simulate.presets import Rate
from habitat.simulate.streams import Streams

BEFORE_YEARS = 13
"""Cuts and fires begin this many years before the first year, so that it too has regrowing ground."""

_FIRE_DEATHS = 0.006
"""Largest share of the forest that one spring's fires may kill."""
_PIXEL_HA = 0.01


def make_history(landscape: Landscape, years: range, streams: Streams) -> History:
    """Return `landscape` with its events from thirteen years before `years` to the winter after them.

    Cuts fall between 20 September and 31 March, fires between 1 April and 15 May, so none inside a mapping
    season of June to mid-September: loss year Y is an event after the season of Y - 1 and before that of Y.
    """
    history = History(landscape, ())
    for year in range(years[0] - BEFORE_YEARS, years[-1] + 2):
        for rate in landscape.preset.events:
            purpose, draw, (month, day) = _DRAWN[rate.kind]
            eve = date(year - (month > 8), month, day)
            events = draw(landscape, history.at(eve).cover, year, streams(purpose, year), rate)
            history = History(landscape, tuple(sorted((*history.events, *events), key=lambda event: event.date)))
    return history


def _cuts(landscape: Landscape, cover: np.ndarray, year: int, rng: np.random.Generator, rate: Rate) -> list[Event]:
    """Clear cuts of 1 to 15 ha, roughly rectangular, more often on gentle slopes; `rate` is a share of the forest."""
    return _fellings(landscape, cover, year, rng, rate.draw(rng), "cut")


def _thinnings(landscape: Landscape, cover: np.ndarray, year: int, rng: np.random.Generator, rate: Rate) -> list[Event]:
    """Every third tree or so taken out of a share of the forest: it stays forest, and must not be called a loss."""
    return _fellings(landscape, cover, year, rng, rate.draw(rng), "thinning")


def _fellings(
    landscape: Landscape, cover: np.ndarray, year: int, rng: np.random.Generator, share: float, kind: str
) -> list[Event]:
    forest = cover >= FOREST_COVER
    wanted = share * forest.sum() * _PIXEL_HA
    old = (cover > 0.55) * np.exp(-2.5 * landscape.terrain.slope)
    events: list[Event] = []
    for _ in range(200):
        if not old.any() or (wanted < 1 and rng.random() >= wanted):  # no plot is smaller than a hectare
            break
        hectares = min(float(np.clip(rng.lognormal(1.4, 0.6), 1, 15)), max(wanted, 1.0))
        centre = int(rng.choice(old.size, p=(old / old.sum()).ravel()))
        rows, cols, inside = plot_of(rng, cover.shape, divmod(centre, cover.shape[1]), hectares)
        inside &= forest[rows, cols]
        day = date(year - 1, 9, 20) + timedelta(days=int(rng.integers(0, 192)))
        spread = rng.random(inside.shape, dtype=np.float32)
        if kind == "cut":
            speed = float(rng.uniform(0.85, 1.2)) if rng.random() < 0.7 else 0.25
            events.append(Event("cut", day, rows, cols, inside, inside, 0.12 * spread**2, speed))
        else:
            nothing = np.zeros_like(inside)
            events.append(Event("thinning", day, rows, cols, inside, nothing, 0.6 + 0.2 * spread, 1.0))
        wanted -= inside.sum() * _PIXEL_HA
        old[rows, cols][inside] = 0
    return events


def plot_of(
    rng: np.random.Generator, shape: tuple[int, int], centre: tuple[int, int], hectares: float
) -> tuple[slice, slice, np.ndarray]:
    """A turned rectangle with round corners and an uneven edge: its window and mask."""
    aspect = rng.uniform(1.0, 2.4)
    half = np.sqrt(hectares / _PIXEL_HA / aspect) / 2 * np.array([1.0, aspect]) * 1.04
    reach = int(np.ceil(np.hypot(*half))) + 2
    rows = slice(max(centre[0] - reach, 0), min(centre[0] + reach + 1, shape[0]))
    cols = slice(max(centre[1] - reach, 0), min(centre[1] + reach + 1, shape[1]))
    y, x = np.mgrid[rows, cols].astype(np.float32)
    y, x = y - centre[0], x - centre[1]
    turn = rng.uniform(0, np.pi)
    u, v = (x * np.cos(turn) - y * np.sin(turn)) / half[0], (x * np.sin(turn) + y * np.cos(turn)) / half[1]
    uneven = 0.1 * smooth_noise(rng, (rows.stop - rows.start, cols.stop - cols.start), 2.5)
    return rows, cols, (u**4 + v**4) ** 0.25 + uneven < 1


def _fires(landscape: Landscape, cover: np.ndarray, year: int, rng: np.random.Generator, rate: Rate) -> list[Event]:
    """Spring fires, `rate` per km2, that start in dry grass and run into the forest, where some of the trees die."""
    fuel = landscape.burns
    grass = fuel & (cover < FOREST_COVER)
    forest = cover >= FOREST_COVER
    deaths_left = int(_FIRE_DEATHS * forest.sum())
    events: list[Event] = []
    for _ in range(rng.poisson(rate.draw(rng) * landscape.area.hectares / 100)):
        if not grass.any():
            break
        start = int(rng.choice(np.flatnonzero(grass)))
        hectares = min(float(np.clip(rng.lognormal(3.0, 0.6), 5, 80)), 0.06 * landscape.area.hectares)
        rows, cols, touched = burned_ground(rng, fuel, grass, divmod(start, cover.shape[1]), hectares)
        severity = smooth_noise(rng, touched.shape, 6) + 0.25 * smooth_noise(rng, touched.shape, 1.5)
        in_forest = touched & forest[rows, cols]
        killed = in_forest & (severity > rng.uniform(0.3, 0.9))
        if killed.sum() > deaths_left:
            worst = np.sort(severity[killed])[::-1]
            killed &= severity > (worst[deaths_left] if deaths_left else np.inf)
        deaths_left -= int(killed.sum())
        day = date(year, 4, 1) + timedelta(days=int(rng.integers(0, 45)))
        residual = 0.18 * rng.random(touched.shape, dtype=np.float32) ** 2
        speed = 0.25 if rng.random() < 0.6 else float(rng.uniform(0.8, 1.1))
        events.append(Event("fire", day, rows, cols, touched, killed, residual, speed))
    return events


def _grass_fires(
    landscape: Landscape, cover: np.ndarray, year: int, rng: np.random.Generator, rate: Rate
) -> list[Event]:
    """Fires lit in spring to clear old grass, which stop at the forest's edge; `rate` is a share of the area."""
    meadow = np.isin(landscape.open_type, (GRASS, SHRUB)) & (cover < FOREST_COVER)
    wanted = min(rate.draw(rng) * cover.size, 0.6 * meadow.sum())
    left = meadow.copy()
    events: list[Event] = []
    while wanted > 0 and left.any():
        start = int(rng.choice(np.flatnonzero(left)))
        hectares = float(np.clip(rng.lognormal(1.2, 0.7), 1, 15))
        rows, cols, touched = burned_ground(rng, meadow, meadow, divmod(start, cover.shape[1]), hectares)
        day = date(year, 4, 1) + timedelta(days=int(rng.integers(0, 45)))
        nothing = np.zeros_like(touched)
        events.append(Event("fire", day, rows, cols, touched, nothing, nothing.astype(np.float32), 1.0))
        wanted -= int((touched & left[rows, cols]).sum())
        left[rows, cols] &= ~touched
        left.ravel()[start] = False
    return events


def burned_ground(
    rng: np.random.Generator, fuel: np.ndarray, grass: np.ndarray, start: tuple[int, int], hectares: float
) -> tuple[slice, slice, np.ndarray]:
    """The connected ground around `start` that burns: farther in grass than under trees, never over water or fields."""
    pixels = hectares / _PIXEL_HA
    reach = int(2.5 * np.sqrt(pixels / np.pi)) + 3
    rows = slice(max(start[0] - reach, 0), min(start[0] + reach + 1, fuel.shape[0]))
    cols = slice(max(start[1] - reach, 0), min(start[1] + reach + 1, fuel.shape[1]))
    y, x = np.mgrid[rows, cols]
    effort = np.hypot(y - start[0], x - start[1]) / np.sqrt(pixels / np.pi)
    effort = effort + 0.3 * smooth_noise(rng, effort.shape, 7) - 0.5 * grass[rows, cols]
    effort[~fuel[rows, cols]] = np.inf
    limit = np.partition(effort.ravel(), min(int(pixels), effort.size - 1))[min(int(pixels), effort.size - 1)]
    parts, _ = ndimage.label(effort <= min(float(limit), 1.6))
    here = parts[start[0] - rows.start, start[1] - cols.start]
    return rows, cols, (parts == here) & (here > 0)


_DRAWN = {
    "cut": ("cuts", _cuts, (9, 19)),
    "thinning": ("thinnings", _thinnings, (9, 19)),
    "fire": ("fires", _fires, (3, 31)),
    "grass fire": ("grass fires", _grass_fires, (3, 31)),
}
"""By kind of event: the purpose of its random stream, what draws a year's events, and the eve on which they are drawn
(month, day; of the autumn before, if it lies in autumn). A function that draws takes the landscape, the crown cover on
that eve, the year, a generator, and the kind's :class:`Rate`."""
