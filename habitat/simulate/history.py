"""What happens to the landscape: cuts, fires and thinnings with their dates, and the state on any date.

:meth:`History.at` is the only place that says what a pixel is on a date: scenes and truth both ask it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

import numpy as np

from habitat.simulate.classes import BIRCH, BURNT_GRASS, FOREST_COVER, GRASS, SHRUB
from habitat.simulate.fields import logistic
from habitat.simulate.landscape import Landscape

_YEAR = 365.25
NEVER = np.float32(1e4)
"""Days or years since something that never happened."""


@dataclass(frozen=True)
class Event:
    """One cut, fire or thinning."""

    kind: Literal["cut", "fire", "thinning"]
    date: date
    rows: slice
    cols: slice
    touched: np.ndarray
    """bool (y, x) within rows and cols: ground that burned or was worked on."""
    killed: np.ndarray
    """bool (y, x): where the trees are gone."""
    residual: np.ndarray
    """float32 (y, x): crown cover that is left where trees were killed; for a thinning the share that stays."""
    speed: float
    """How fast trees come back: 1 reaches 30% of cover after about ten years, 0.25 stays grass for decades."""


@dataclass(frozen=True)
class State:
    """The landscape on one date; arrays (y, x) on the fine grid."""

    date: date
    code: np.ndarray
    """uint8 legend code; a forest code exactly where `cover` is at least 30%."""
    cover: np.ndarray
    """float32 crown cover, 0-1."""
    years_since_loss: np.ndarray
    """float32 since trees were last cut or killed, large where never."""
    days_since_fire: np.ndarray
    """float32 since the ground last burned, large where never."""
    killed_by_fire: np.ndarray
    """bool: dead trees still stand there."""

    @property
    def dead(self) -> np.ndarray:
        """float32 crown cover of dead trees that still stand."""
        return np.where(self.killed_by_fire, 0.16 * np.exp(-self.years_since_loss / 4), 0.0).astype(np.float32)

    @property
    def bare(self) -> np.ndarray:
        """float32 share of the ground between crowns that is soil and slash, grown over in two years."""
        fresh = 0.7 * np.exp(-self.years_since_loss / 1.2)
        bare = np.where(self.years_since_loss < 100, fresh, 0.05).astype(np.float32)
        return np.where(self.killed_by_fire, 0.5 * bare, bare)

    def evergreen(self, before: np.ndarray) -> np.ndarray:
        """Return the share of the crowns that keep their needles, if it was `before` at first: few in young growth."""
        return np.where(self.years_since_loss < 100, 0.02, before)


class Past(Protocol):
    """All that happens to a landscape."""

    def at(self, day: date) -> State:
        """Return the state at the end of `day`."""
        ...


@dataclass(frozen=True)
class History:
    """A landscape and all that happens to it, in order of date."""

    landscape: Landscape
    events: tuple[Event, ...]

    def at(self, day: date) -> State:
        """Return the state at the end of `day`."""
        land = self.landscape
        shape = land.cover.shape
        lost_years, fire_days = np.full(shape, NEVER), np.full(shape, NEVER)
        residual, speed = np.zeros(shape, np.float32), np.ones(shape, np.float32)
        kept, burnt = np.ones(shape, np.float32), np.zeros(shape, dtype=bool)
        for event in self.events:
            if event.date > day:
                break
            window = (event.rows, event.cols)
            ago = (day - event.date).days
            if event.kind == "thinning":
                kept[window] = np.where(event.touched, kept[window] * event.residual, kept[window])
                continue
            if event.kind == "fire":
                fire_days[window][event.touched] = ago
            lost_years[window][event.killed] = ago / _YEAR
            residual[window][event.killed] = event.residual[event.killed]
            speed[window][event.killed] = event.speed
            burnt[window][event.killed] = event.kind == "fire"
        lost = lost_years < NEVER
        # at least half of the old cover stays where a forest was thinned: it is still forest
        old = np.where(
            land.cover >= FOREST_COVER, np.maximum(land.cover * kept, np.minimum(land.cover, 0.45)), land.cover
        )
        cover = np.where(lost, np.minimum(land.ceiling, residual + regrowth(lost_years * speed)), old)
        forest = cover >= FOREST_COVER
        open_type = np.where(lost, np.where(cover > 0.1, SHRUB, GRASS), land.open_type)
        this_spring = fire_days < 240
        open_type = np.where(this_spring & np.isin(open_type, (GRASS, SHRUB)), BURNT_GRASS, open_type)
        code = np.where(forest, np.where(lost, BIRCH, land.forest_type), open_type)
        return State(day, code.astype(np.uint8), cover.astype(np.float32), lost_years, fire_days, burnt & lost)


def regrowth(years: np.ndarray) -> np.ndarray:
    """Return the crown cover of trees that came up `years` after the old ones were gone: 30% after ten."""
    return np.float32(0.9) * (logistic((years - 12) / 3) - logistic(-4.0))
