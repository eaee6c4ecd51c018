"""Damage of any share and speed: crowns that go at once or over years, in part or all, and what grows after.

The standard history knows losses that are whole and sudden. This one follows the cover of each pixel through every
event that touches it: old crowns, young ones, dead ones that still stand, bare ground, walls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from habitat.simulate.classes import BIRCH, BURNT_GRASS, FOREST_COVER, GRASS, SETTLEMENT, SHRUB
from habitat.simulate.history import NEVER, State, regrowth
from habitat.simulate.landscape import Landscape

_YEAR = 365.25
_FULL_REGROWTH = np.float32(0.9)
"""What :func:`habitat.simulate.history.regrowth` comes to in the end."""
_CLOSED = 0.8
"""Crown cover of closed forest, against which opened ground is measured."""

KINDS = ("clear cut", "selective cut", "insects", "wind", "flood", "building", "fire", "ground fire")
"""What takes crowns away; codes in the truth are 1 and on in this order."""

_BARE = dict(zip(KINDS, (0.70, 0.55, 0.05, 0.35, 0.85, 0.50, 0.35, 0.10), strict=True))
"""By kind: share of the opened ground that is soil and slash at first."""
_DEAD = dict(zip(KINDS, (0.0, 0.0, 0.55, 0.15, 0.15, 0.0, 0.30, 0.15), strict=True))
"""By kind: what dead trees hide of what their crowns hid."""


@dataclass(frozen=True)
class Damage:
    """One event; arrays (y, x) lie within rows and cols of the fine grid."""

    kind: str
    """One of :data:`KINDS`."""
    start: date
    """Day on which it happens or begins."""
    days: int
    """How long it goes on; 0 = all on that day."""
    rows: slice
    cols: slice
    touched: np.ndarray
    """bool: ground that burned, was worked on, or holds ailing trees."""
    share: np.ndarray
    """float32: share of the crown cover that is gone in the end, 0-1; 0 where not touched."""
    speed: float
    """How fast trees come back: 1 closes half of the gap after about twelve years, 0 never."""

    @property
    def end(self) -> date:
        """Day on which all of its damage is done."""
        return self.start + timedelta(days=self.days)

    def done(self, day: date) -> float:
        """Share of its damage that is done at the end of `day`, 0-1; slow at first and at last if it is gradual.

        >>> nothing = np.zeros((1, 1))
        >>> beetles = Damage("insects", date(2020, 6, 1), 400, slice(0, 1), slice(0, 1), nothing > 0, nothing, 1.0)
        >>> [beetles.done(beetles.start + timedelta(days=k)) for k in (-1, 0, 200, 400, 900)]
        [0.0, 0.0, 0.5, 1.0, 1.0]
        """
        passed = (day - self.start).days
        if passed < 0:
            return 0.0
        if passed >= self.days:
            return 1.0
        part = passed / self.days
        return part * part * (3 - 2 * part)


@dataclass(frozen=True)
class DamagedState(State):
    """The landscape on one date, with stands that are damaged in part."""

    young_share: np.ndarray
    """float32 share of the crowns that came up after damage."""
    dead_cover: np.ndarray
    """float32 crown cover of dead trees."""
    bare_share: np.ndarray
    """float32 share of the ground between crowns that is soil and slash."""

    @property
    def dead(self) -> np.ndarray:
        """float32 crown cover of dead trees that still stand."""
        return self.dead_cover

    @property
    def bare(self) -> np.ndarray:
        """float32 share of the ground between crowns that is soil and slash."""
        return self.bare_share

    def evergreen(self, before: np.ndarray) -> np.ndarray:
        """Return the share of the crowns that keep their needles, if it was `before` at first."""
        return np.asarray(0.02 * self.young_share + before * (1 - self.young_share), dtype=np.float32)


@dataclass(frozen=True)
class DamagedHistory:
    """A landscape and all its damage, in order of date."""

    landscape: Landscape
    events: tuple[Damage, ...]

    def cover_at(self, day: date, window: tuple[slice, slice]) -> np.ndarray:
        """Return crown cover at the end of `day` within a window of the fine grid, float32 (y, x), 0-1."""
        old = self.landscape.cover[window].copy()
        young = np.zeros_like(old)
        for event in self.events:
            if event.start > day:
                break
            there, here = _overlap(window, event)
            if there is not None:
                _remove(event, day, (old[there], young[there]), here)
        return np.asarray(old + young)

    def at(self, day: date) -> DamagedState:
        """Return the state at the end of `day`."""
        land = self.landscape
        shape = land.cover.shape
        old, young = land.cover.copy(), np.zeros(shape, np.float32)
        dead, bare = np.zeros(shape, np.float32), np.full(shape, 0.05, np.float32)
        lost_years, fire_days = np.full(shape, NEVER), np.full(shape, NEVER)
        walls = np.zeros(shape, dtype=bool)
        for event in self.events:
            if event.start > day:
                break
            window = (event.rows, event.cols)
            years = max((day - event.end).days, 0) / _YEAR
            removed = _remove(event, day, (old[window], young[window]), (slice(None), slice(None)))
            opened = removed / np.float32(_CLOSED)
            dead[window] += removed * np.float32(_DEAD[event.kind] * np.exp(-years / 4))
            bare[window] = np.minimum(bare[window] + opened * np.float32(_BARE[event.kind] * np.exp(-years / 1.2)), 0.9)
            lost_years[window] = np.where(event.share > 0.5, years, lost_years[window])
            if event.kind in ("fire", "ground fire"):
                fire_days[window][event.touched] = (day - event.start).days
            if event.kind == "building":
                walls[window] |= event.touched
        cover = np.minimum(old + young, np.maximum(land.ceiling, land.cover))
        forest = cover >= FOREST_COVER
        damaged = lost_years < NEVER
        open_type = np.where(damaged, np.where(cover > 0.1, SHRUB, GRASS), land.open_type)
        open_type = np.where((fire_days < 240) & np.isin(open_type, (GRASS, SHRUB)), BURNT_GRASS, open_type)
        open_type = np.where(walls, SETTLEMENT, open_type)
        code = np.where(forest, np.where(young > old, BIRCH, land.forest_type), open_type)
        share = np.divide(young, old + young, out=np.zeros(shape, np.float32), where=old + young > 0.01)
        nothing = np.zeros(shape, dtype=bool)
        return DamagedState(day, code.astype(np.uint8), cover, lost_years, fire_days, nothing, share, dead, bare)


def _remove(event: Damage, day: date, crowns: tuple[np.ndarray, np.ndarray], part: tuple[slice, slice]) -> np.ndarray:
    """Take out of the old and young `crowns` what `event` took until `day`, add what grew since, return what it took.

    `part` is the window of the event's own arrays that `crowns` lie in.
    """
    old, young = crowns
    share = event.share[part] * np.float32(event.done(day))
    removed = (old + young) * share
    old *= 1 - share
    young *= 1 - share
    years = np.asarray((day - event.start).days / _YEAR * event.speed, dtype=np.float32)
    young += removed * (regrowth(years) / _FULL_REGROWTH if event.speed else np.float32(0))
    return removed


def _overlap(window: tuple[slice, slice], event: Damage) -> tuple[tuple[slice, slice] | None, tuple[slice, slice]]:
    """Where the event lies within the window, if anywhere, and the same ground within the event's arrays."""
    there, here = [], []
    for wanted, own in zip(window, (event.rows, event.cols), strict=True):
        start, stop = max(wanted.start, own.start), min(wanted.stop, own.stop)
        if start >= stop:
            return None, (slice(0), slice(0))
        there.append(slice(start - wanted.start, stop - wanted.start))
        here.append(slice(start - own.start, stop - own.start))
    return (there[0], there[1]), (here[0], here[1])
