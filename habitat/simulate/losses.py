"""What a detector of change should find: every damage of every pixel, with kind, dates and share removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from habitat.simulate.area import FINE_M, MARGIN_M
from habitat.simulate.classes import FOREST_COVER
from habitat.simulate.damage import KINDS, Damage, DamagedHistory
from habitat.simulate.fields import block_mean

_RIM = MARGIN_M // FINE_M
_INNER = slice(_RIM, -_RIM)
_COLUMNS = {
    "event": "int64",
    "kind": "uint8",
    "row": "int32",
    "col": "int32",
    "start": "datetime64[s]",
    "end": "datetime64[s]",
    "share": "float32",
}
_LEAST_TOUCHED = 0.25
"""Share of a pixel that an event touches at least if the pixel is told of it."""


@dataclass(frozen=True)
class LossTruth:
    """One row a damaged pixel and event, and what the pixels are; rasters (y, x) on the area's 20 m grid."""

    events: tuple[Damage, ...]
    rows: Any
    """DataFrame: event (place in `events`), kind, row, col, start and end (datetime64, first and last day of the
    damage), share (of the pixel's crown cover that the event takes in the end, 0-1); sorted by start, event, row, col.
    """
    forest: np.ndarray
    """bool: at least 30% crown cover on the first day."""
    code: np.ndarray
    """uint8 legend code on the first day, of the pixel's north-western quarter."""
    first: date
    last: date

    @property
    def table(self) -> Any:
        """DataFrame of `rows` as a file holds it: kinds by name, dates as ISO 8601, shares to a hundredth."""
        named = self.rows.assign(kind=np.array(("", *KINDS), dtype=object)[self.rows["kind"]])
        for side in ("start", "end"):
            named[side] = named[side].dt.strftime("%Y-%m-%d")
        named["share"] = named["share"].astype(float).round(2)
        return named


def tell_losses(history: DamagedHistory, first: date, last: date) -> LossTruth:
    """Return all damage that begins from `first` to `last` where there was forest the day before."""
    import pandas as pd

    events = tuple(event for event in history.events if first <= event.start <= last)
    table: dict[str, list[np.ndarray]] = {name: [np.zeros(0, kind)] for name, kind in _COLUMNS.items()}
    for number, event in enumerate(events):
        row, col, share = _pixels(history, event)
        values = (number, KINDS.index(event.kind) + 1, row, col, np.datetime64(event.start), np.datetime64(event.end))
        for name, value in zip(_COLUMNS, (*values, share), strict=True):
            table[name].append(np.broadcast_to(np.asarray(value).astype(_COLUMNS[name]), row.shape))
    rows = pd.DataFrame({name: np.concatenate(parts) for name, parts in table.items()})
    state = history.at(first)
    return LossTruth(
        events,
        rows.sort_values(["start", "event", "row", "col"], ignore_index=True),
        block_mean(state.cover[_INNER, _INNER], 2) >= FOREST_COVER,
        state.code[_INNER, _INNER][::2, ::2],
        first,
        last,
    )


def _pixels(history: DamagedHistory, event: Damage) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and share of the 20 m pixels of one event that were forest the day before."""
    size = history.landscape.cover.shape
    # the event's window, widened to whole pixels of 20 m
    rows, cols = (
        slice(part.start - part.start % 2, min(part.stop + part.stop % 2, n))
        for part, n in zip((event.rows, event.cols), size, strict=True)
    )
    before = history.cover_at(event.start - timedelta(days=1), (rows, cols))
    share, touched = np.zeros_like(before), np.zeros_like(before)
    own = (
        slice(event.rows.start - rows.start, event.rows.stop - rows.start),
        slice(event.cols.start - cols.start, event.cols.stop - cols.start),
    )
    share[own], touched[own] = event.share, event.touched
    cover = block_mean(before, 2)
    removed = block_mean(before * share, 2) / np.maximum(cover, 1e-6)
    place = np.nonzero((cover >= FOREST_COVER) & (block_mean(touched, 2) >= _LEAST_TOUCHED))
    row, col = place[0] + (rows.start - _RIM) // 2, place[1] + (cols.start - _RIM) // 2
    n = (size[0] - 2 * _RIM) // 2
    inside = (row >= 0) & (row < n) & (col >= 0) & (col < n)
    return row[inside], col[inside], removed[place][inside]
