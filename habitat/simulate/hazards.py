"""Where and when forest is damaged under the hard preset: eight kinds, of any share, at any time of year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np

from habitat.simulate.classes import CROP, FOREST_COVER, SETTLEMENT, WATER
from habitat.simulate.damage import Damage, DamagedHistory
from habitat.simulate.disturbance import BEFORE_YEARS, burned_ground, plot_of
from habitat.simulate.fields import smooth_noise
from habitat.simulate.landscape import Landscape
from habitat.simulate.presets import Rate
from habitat.simulate.streams import Streams

_PIXEL_HA = 0.01
_LEAST_SHARE = 0.05
"""What is thinned by less is left as it was."""

Place = tuple[slice, slice, np.ndarray]
"""A window of the fine grid, and which of its pixels are meant (bool)."""


def make_damaged_history(landscape: Landscape, years: range, streams: Streams) -> DamagedHistory:
    """Return `landscape` with its damage from thirteen years before `years` to the end of the last one."""
    history = DamagedHistory(landscape, ())
    rows, cols = landscape.cover.shape
    everywhere = (slice(0, rows), slice(0, cols))
    for year in range(years[0] - BEFORE_YEARS, years[-1] + 1):
        cover = history.cover_at(date(year, 1, 1), everywhere)
        events: list[Damage] = []
        for rate in landscape.preset.events:
            draw = _fires if rate.kind == "fire" else _damages
            events += draw(landscape, cover, rate, year, streams("hazard", rate.kind, year))
        history = DamagedHistory(landscape, tuple(sorted((*history.events, *events), key=lambda event: event.start)))
    return history


def _damages(landscape: Landscape, cover: np.ndarray, rate: Rate, year: int, rng: np.random.Generator) -> list[Damage]:
    """Place after place until the year's share of the forest is reached; storms and beetles come in some years only."""
    kind, forest = rate.kind, cover >= FOREST_COVER
    burst = rng.gamma(1.0) if kind in ("insects", "wind", "flood") else 1.0
    wanted = rate.draw(rng) * burst * forest.sum() * _PIXEL_HA
    weight = np.where(cover > 0.45, _LIKELY[kind](landscape), 0.0)
    storm = _day(kind, year, rng)
    events: list[Damage] = []
    for _ in range(200):
        hectares = float(np.clip(rng.lognormal(*_HECTARES[kind]), 0.3, 15))
        if not weight.any() or (wanted < hectares and rng.random() >= wanted / hectares):
            break
        centre = divmod(int(rng.choice(weight.size, p=(weight / weight.sum()).ravel())), cover.shape[1])
        blocky = kind in ("clear cut", "selective cut", "building")
        rows, cols, inside = (plot_of if blocky else _blot)(rng, cover.shape, centre, hectares)
        inside &= forest[rows, cols] & (weight[rows, cols] > 0)
        share = _share(kind, inside.shape, rng) * inside
        day = storm if kind in ("wind", "flood") else _day(kind, year, rng)
        days = int(rng.integers(300, 1000)) if kind == "insects" else 0
        speed = {"building": 0.0, "flood": 0.7}.get(kind, float(rng.uniform(0.8, 1.3)))
        events.append(Damage(kind, day, days, rows, cols, inside, share.astype(np.float32), speed))
        wanted -= max(inside.sum() * _PIXEL_HA, 0.05)
        weight[rows, cols][inside] = 0
    return events


_LIKELY: dict[str, Callable[[Landscape], np.ndarray]] = {
    "clear cut": lambda land: np.exp(-2.5 * land.terrain.slope),
    "selective cut": lambda land: np.exp(-1.5 * land.terrain.slope),
    "insects": lambda land: np.where(np.isin(land.forest_type, (11, 13)), 1.0, 0.25),
    "wind": lambda land: 0.2 + np.clip(land.terrain.height_m / land.terrain.height_m.max(), 0, 1) ** 2,
    "flood": lambda land: np.exp(-((land.terrain.river_m / 110) ** 2)) * (land.terrain.river_m < 250),
    "building": lambda land: np.exp(-land.terrain.river_m / 300 - 4 * land.terrain.slope),
}
"""By kind: where it is likely."""
_HECTARES = {
    "clear cut": (1.2, 0.7),
    "selective cut": (1.0, 0.7),
    "insects": (0.9, 0.8),
    "wind": (0.3, 0.9),
    "flood": (0.0, 0.6),
    "building": (-0.4, 0.5),
}
"""By kind: mean and spread of the logarithm of the size in hectares."""
_SEASONS = {
    # first day of the year and length in days; cutting goes on all year, but mostly in winter
    "clear cut": (263, 190),
    "selective cut": (263, 190),
    "insects": (150, 90),
    "wind": (215, 75),
    "flood": (185, 80),
    "building": (90, 200),
}


def _day(kind: str, year: int, rng: np.random.Generator) -> date:
    first, length = _SEASONS[kind]
    if kind in ("clear cut", "selective cut"):
        if rng.random() < 0.3:
            first, length = 1, 365
        else:  # from the autumn of the year before
            year -= 1
    return date(year, 1, 1) + timedelta(days=first - 1 + int(rng.integers(0, length)))


def _share(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Share of the crowns that goes: even within a felling, in patches elsewhere."""
    if kind == "building":
        return np.ones(shape, np.float32)
    if kind == "clear cut":
        return np.asarray(1 - 0.12 * rng.random(shape, dtype=np.float32) ** 2)
    if kind == "selective cut":
        field = rng.uniform(0.25, 0.70) + 0.08 * smooth_noise(rng, shape, 1.5)
    else:
        typical, spread = {"insects": (0.62, 0.20), "wind": (0.65, 0.25), "flood": (0.75, 0.22)}[kind]
        field = typical + 0.5 * spread * rng.standard_normal() + spread * smooth_noise(rng, shape, 3)
    share = np.clip(field, 0, 1)
    return np.where(share < _LEAST_SHARE, 0, share)


def _blot(rng: np.random.Generator, shape: tuple[int, int], centre: tuple[int, int], hectares: float) -> Place:
    """A round patch with a ragged edge: its window and mask."""
    radius = np.sqrt(hectares / _PIXEL_HA / np.pi)
    reach = int(1.8 * radius) + 2
    rows = slice(max(centre[0] - reach, 0), min(centre[0] + reach + 1, shape[0]))
    cols = slice(max(centre[1] - reach, 0), min(centre[1] + reach + 1, shape[1]))
    y, x = np.mgrid[rows, cols]
    distance = np.hypot(y - centre[0], x - centre[1]) / radius
    return rows, cols, distance + 0.35 * smooth_noise(rng, distance.shape, 3) < 1


def _fires(landscape: Landscape, cover: np.ndarray, rate: Rate, year: int, rng: np.random.Generator) -> list[Damage]:
    """Fires of spring and autumn that start in grass and run under the trees, most of which live.

    One fire is two events: where it kept to the ground, and where it took more than a fifth of the crowns.
    """
    fuel = landscape.burns
    grass = fuel & (cover < FOREST_COVER) & ~np.isin(landscape.open_type, (WATER, SETTLEMENT, CROP))
    forest = cover >= FOREST_COVER
    events: list[Damage] = []
    for _ in range(rng.poisson(rate.draw(rng) * landscape.area.hectares / 100)):
        if not grass.any():
            break
        start = divmod(int(rng.choice(np.flatnonzero(grass))), cover.shape[1])
        hectares = min(float(np.clip(rng.lognormal(2.3, 0.7), 2, 60)), 0.05 * landscape.area.hectares)
        rows, cols, touched = burned_ground(rng, fuel, grass, start, hectares)
        severity = 0.5 * smooth_noise(rng, touched.shape, 6) + 0.2 * smooth_noise(rng, touched.shape, 1.5)
        share = np.clip(severity + rng.uniform(-0.35, 0.15), 0, 1) * (touched & forest[rows, cols])
        share = np.where(share < _LEAST_SHARE, 0, share).astype(np.float32)
        spring = rng.random() < 0.75
        day = date(year, 4, 1) if spring else date(year, 10, 5)
        day += timedelta(days=int(rng.integers(0, 45 if spring else 35)))
        speed = 0.3 if rng.random() < 0.5 else float(rng.uniform(0.8, 1.1))
        crown = touched & (share >= 0.2)
        for kind, part in (("ground fire", touched & ~crown), ("fire", crown)):
            if part.any():
                events.append(Damage(kind, day, 0, rows, cols, part, share * part, speed))
    return events
