"""Breaks as they come: the model of :mod:`habitat.change.breaks` run forwards, scene by scene.

A pixel's state (`change/_state.py`) is all that is kept. The archive at once or scene by scene: the same states and
the same events, bit for bit, because it is the same loop.

Looks go into sums and cannot be taken out again, so order matters. A scene that was taken in already is left alone.
One that comes late, or anew with other pixels, sends the state back to the last checkpoint before it, from which the
scenes since are taken in again in their order; :func:`plan` says so. One older than every checkpoint is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from habitat.change._state import (
    AGAINST,
    DAY,
    FOR,
    HEAD,
    LANES,
    LAST_GOOD,
    LOOKS,
    RUN,
    STATE_VERSION,
    TAIL,
    WHITENING,
    new_states,
    pack,
    unpack,
)
from habitat.change.breaks import BreakRules, check_looks, event_table, take_in
from habitat.cubes import BANDS
from habitat.errors import ContractError

NO_MODEL, QUIET, PROVISIONAL, CONFIRMED = 0, 1, 2, 3
"""Alert levels: too few looks yet, nothing stirs, looks have begun to deviate, a break since which no model holds."""


class Taken(NamedTuple):
    """A scene that a state holds; scenes are taken in by day, then by name."""

    day: float
    """Days since :data:`habitat.change.breaks.EPOCH`."""
    scene: str
    digest: str
    """Of its pixels: the same scene with another digest was processed anew."""


@dataclass(frozen=True)
class Plan:
    """What to do for a state to hold a set of scenes."""

    checkpoint: int | None
    """How many scenes the checkpoint holds to go back to, or None to go on from the state as it is."""
    scenes: tuple[Taken, ...]
    """Scenes to take in, in this order."""


def plan(taken: Sequence[Taken], arrived: Sequence[Taken], checkpoints: Sequence[int] = ()) -> Plan:
    """Return how a state comes to hold the scenes that arrived, as if all had come in their order.

    Parameters
    ----------
    taken : sequence of Taken
        What the state holds, in order.
    arrived : sequence of Taken
        In any order; those that it holds already count for nothing.
    checkpoints : sequence of int
        How many scenes each older state that was kept holds: the first so many of `taken`.

    Raises
    ------
    ContractError
        If a scene is late or processed anew, and older than every checkpoint.

    Examples
    --------
    >>> first, late, last = Taken(1.0, "a", "x"), Taken(2.0, "b", "y"), Taken(3.0, "c", "z")
    >>> plan([first], [last, first]).scenes == (last,)
    True
    >>> plan([first, last], [late], checkpoints=[1]) == Plan(1, (late, last))
    True
    """
    known = {scene.scene: scene for scene in taken}
    new = {scene.scene: scene for scene in arrived if known.get(scene.scene) != scene}
    together = sorted((known | new).values())
    same = 0
    while same < len(taken) and together[same] == taken[same]:
        same += 1
    if same == len(taken):
        return Plan(None, tuple(together[same:]))
    usable = [count for count in checkpoints if count <= same]
    if not usable:
        raise ContractError(
            f"scene {together[same].scene} comes after later ones were taken in, and no checkpoint is older",
            where="alerts",
            mend="make the state anew from the archive: habitat watch --anew",
        )
    return Plan(max(usable), tuple(together[max(usable) :]))


class AlertRun:
    """States of an area, and the events that made them.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    rules : BreakRules, optional

    Attributes
    ----------
    states : float32 array (pixel, rows, lanes)
        Pixels row by row.
    pixels, events : arrays
        Everything that happened, as :func:`habitat.change.breaks.take_in` gives it.
    taken : list of Taken
    """

    def __init__(self, shape: tuple[int, int], rules: BreakRules | None = None) -> None:
        from habitat.change._runs import EVENT_ROWS

        self.shape = shape
        self.rules = rules or BreakRules()
        self.states = new_states(shape[0] * shape[1])
        self.pixels = np.empty(0, np.int64)
        self.events = np.empty((0, EVENT_ROWS, LANES), np.float32)
        self.taken: list[Taken] = []

    def pack(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that is needed to go on later: settings and scenes as JSON can hold them, and arrays.

        `models` and `looks` are the states (see `change/_state.py`), `pixels` and `events` what happened.
        """
        models, looks = pack(self.states)
        about = {
            "state_version": STATE_VERSION,
            "shape": list(self.shape),
            "rules": asdict(self.rules),
            "scenes": [list(scene) for scene in self.taken],
        }
        return about, {"models": models, "looks": looks, "pixels": self.pixels, "events": self.events}

    @classmethod
    def unpack(cls, about: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> AlertRun:
        """Return the run that :meth:`pack` was asked of."""
        run = cls((about["shape"][0], about["shape"][1]), BreakRules(**about["rules"]))
        run.states = unpack(arrays["models"], arrays["looks"])
        run.pixels, run.events = arrays["pixels"], arrays["events"]
        run.taken = [Taken(*scene) for scene in about["scenes"]]
        return run

    def take(self, scene: Taken, values: np.ndarray) -> pd.DataFrame:
        """Take in the next scene, and return the events that it makes (see :meth:`table`).

        Parameters
        ----------
        scene : Taken
        values : float32 array (6, y, x)
            Reflectance, NaN = not seen.

        Raises
        ------
        ContractError
            If the scene does not come after those that are held (see :func:`plan`), or has another shape.
        """
        if self.taken and scene <= self.taken[-1]:
            raise ContractError(
                f"scene {scene.scene} does not come after {self.taken[-1].scene}", where="alerts", mend="see plan()"
            )
        if values.shape[1:] != self.shape:
            raise ContractError(f"scene {scene.scene} has shape {values.shape[1:]}, not {self.shape}", where="alerts")
        days = np.array([scene.day])
        looks = check_looks(days, values[None]).reshape(1, len(values), -1)
        pixels, events = take_in(self.states, days, looks, rules=self.rules)
        self.pixels = np.concatenate([self.pixels, pixels])
        self.events = np.concatenate([self.events, events])
        self.taken.append(scene)
        return event_table(pixels, events, self.shape[1])

    def table(self) -> pd.DataFrame:
        """Return all events, pixel by pixel: `breaks_of_events` makes breaks of them, the same as the archive's."""
        order = np.argsort(self.pixels, kind="stable")
        return event_table(self.pixels[order], self.events[order], self.shape[1])

    def stirring(self) -> pd.DataFrame:
        """Return what is known so far of deviations that no break confirms yet (level 2).

        Returns
        -------
        DataFrame
            `row`, `column`; `after_day`, the last look that followed the model, and `by_day`, the first that did not;
            `looks` that speak for a change; `change_<band>`, the direction of the deviation, reflectance: its length
            is held down as each look's is.
        """
        pixel = np.flatnonzero(self.levels().ravel() == PROVISIONAL)
        states = self.states[pixel].astype(float)
        looks = states[:, HEAD, FOR] + states[:, HEAD, AGAINST]
        whitened = states[:, RUN, :] / np.maximum(looks, 1)[:, None]
        rows = states[:, WHITENING : WHITENING + len(BANDS), : len(BANDS)]
        # rows turn a residual y into W'y: the residual is what solves it
        change = np.linalg.solve(np.swapaxes(rows, 1, 2), whitened[:, : len(BANDS), None])[:, :, 0]
        columns = {
            "row": pixel // self.shape[1],
            "column": pixel % self.shape[1],
            "after_day": states[:, TAIL, LAST_GOOD],
            "by_day": states[:, LOOKS, DAY],
            "looks": states[:, HEAD, FOR].astype(np.int64),
        }
        return pd.DataFrame(columns | {f"change_{band}": change[:, k] for k, band in enumerate(BANDS)})

    def levels(self) -> np.ndarray:
        """Return the alert level of each pixel, uint8 (y, x).

        Provisional: at least three looks in a row, or nearly, deviate in one direction, further than one run in ten
        thousand would by chance. Confirmed: the break is in the events; the level stays until a new model is there,
        or the old one holds again.
        """
        from scipy.stats import chi2

        from habitat.change import _watching

        levels = np.empty(len(self.states), np.uint8)
        _watching.alert_levels(self.states, np.float32(chi2.isf(1e-4, 6)), levels)
        return levels.reshape(self.shape)
