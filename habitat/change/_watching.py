"""A pixel's looks taken in one by one, in the order of their days: the one loop of the archive and of a new scene."""

from __future__ import annotations

import numpy as np

from habitat.change import _fitting, _lanes, _runs, _starting, _state
from habitat.change._fitting import BENCH_ROWS, OLD, ZERO, X, day_of, distance, season, trend
from habitat.change._lanes import every, load, load_flat, rows_of, scatter, store
from habitat.change._runs import CONFIRMED_DAY, EVENT_ROWS, KIND, PIXEL, RETURNED, statistic, suspect, take
from habitat.change._starting import begin, hold, returned
from habitat.change._state import (
    AGAINST,
    BANDS,
    DAY,
    FOR,
    HEAD,
    HELD,
    LANES,
    LATEST,
    LOOKS,
    PHASE,
    RENEWING,
    ROWS,
    SUM,
    WATCHING,
)
from habitat.grids.compiling import compiled_part, compiled_with

BLOCK = 32
"""Pixels whose looks are gathered together."""


@compiled_with(_fitting, _lanes, _runs, _starting, _state)
def advance(states, days, values, start, rules, work, events):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Take the looks of pixels from `start` on into their states; return how many events were written.

    `states` (at least BLOCK, ROWS, LANES); `values` (time, BANDS, pixel); `events` (room, EVENT_ROWS, LANES);
    `work` (BENCH_ROWS + (1 + BLOCK) * times, LANES), in which the prior lies.
    """
    times, pixels = values.shape[0], states.shape[0]
    bench = rows_of(work, 0)
    designs = rows_of(work, BENCH_ROWS)
    for t in range(times):
        season(days[t], designs, t)
    count = 0
    done = 0
    while done < pixels:
        first = min(done, pixels - BLOCK)  # the last block is whole, too
        gather(values, start + first, rows_of(work, BENCH_ROWS + times))
        for p in range(done - first, BLOCK):
            state = rows_of(states, (first + p) * ROWS)
            looks = rows_of(work, BENCH_ROWS + (1 + p) * times)
            for t in range(times):
                if looks[t, SUM] == looks[t, SUM]:
                    looks[t, DAY] = days[t]
                    if step(state, looks, t, designs, rules, bench, rows_of(events, count * EVENT_ROWS)):
                        events[count, 0, PIXEL] = first + p
                        count += 1
        done = first + BLOCK
    return count


@compiled_part
def gather(values, first, looks):  # type: ignore[no-untyped-def]
    """Lay the looks of a block out pixel by pixel; the sum of a look's bands is NaN where one was not seen."""
    times, _, pixels = values.shape
    for t in range(times):
        for chunk in range(0, BLOCK, LANES):
            bands = every(ZERO)
            for a in range(BANDS):
                band = load_flat(values, (t * BANDS + a) * pixels + first + chunk)
                scatter(looks, chunk * times + t, times, a, band)
                bands += band
            scatter(looks, chunk * times + t, times, SUM, bands)


@compiled_part
def step(state, looks, t, designs, rules, bench, event):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Take one look into a state; return the kind of event that it makes."""
    day = looks[t, DAY]
    if state[HEAD, PHASE] == WATCHING:
        store(bench, X, load(designs, t))
        bench[X, 1] = trend(state, day)
        far = distance(state, looks, t, bench)
        if state[HEAD, HELD] == ZERO and far <= rules.start:
            take(state, looks, t, bench)
            kind = ZERO
        else:
            kind = suspect(state, looks, t, far, rules, bench, event)
    else:
        kind = renew(state, looks, t, rules, bench, event)
    state[HEAD, LATEST] = day
    return kind


@compiled_part
def renew(state, looks, t, rules, bench, event):  # type: ignore[no-untyped-def]
    """Hold a look back, and make a model when there are enough; an old model that holds again is kept."""
    hold(state, looks, t)
    held = int(state[HEAD, HELD])
    if held < rules.looks or day_of(state, LOOKS + held - 1) - day_of(state, LOOKS) < rules.span:
        return ZERO
    if state[HEAD, PHASE] == RENEWING and returned(state, rules, bench):
        state[HEAD, HELD] = state[HEAD, FOR] = state[HEAD, AGAINST] = ZERO
        state[HEAD, PHASE] = WATCHING
        store(event, 0, every(ZERO))
        store(event, 1, every(ZERO))
        event[0, KIND] = RETURNED
        event[0, CONFIRMED_DAY] = looks[t, DAY]
        return np.float32(RETURNED)
    for row in range(LOOKS):
        store(bench, OLD + row, load(state, row))
    if begin(state, rules, bench):
        state[HEAD, FOR] = state[HEAD, AGAINST] = ZERO
    elif state[HEAD, PHASE] == RENEWING:  # the old model is compared again later
        held = state[HEAD, HELD]
        for row in range(LOOKS):
            store(state, row, load(bench, OLD + row))
        state[HEAD, HELD] = held
    return ZERO


@compiled_with(_fitting, _lanes, _runs, _state)
def alert_levels(states, provisional, levels):  # type: ignore[no-untyped-def]
    """Write each pixel's alert level (see `change/alerts.py`)."""
    for p in range(states.shape[0]):
        state = rows_of(states, p * ROWS)
        phase = state[HEAD, PHASE]
        if phase == WATCHING:
            stirs = state[HEAD, FOR] >= 3 and statistic(state) > provisional
            levels[p] = 2 if stirs else 1
        else:
            levels[p] = 3 if phase == RENEWING else 0
