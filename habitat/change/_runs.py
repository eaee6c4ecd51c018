"""Runs: looks that deviate in one direction, one after the other, until they are a break or are forgotten."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from habitat.change._fitting import (
    ALONG,
    ONE,
    PRIOR_LOOKS,
    REST,
    SLOPE,
    WHITE,
    ZERO,
    absorb,
    day_of,
    design,
    distance,
    factorise,
    leverage,
    modelled,
    refit,
    slope,
    solve,
    whiten,
    whitened,
)
from habitat.change._lanes import every, load, store, total
from habitat.change._starting import hold
from habitat.change._state import (
    AGAINST,
    BANDS,
    BEFORE,
    DAY,
    FITTED,
    FOR,
    HEAD,
    HELD,
    LAG,
    LAG_POWER,
    LAST_GOOD,
    LOOKS,
    PHASE,
    RENEWING,
    RUN,
    TAIL,
    WEIGHT,
)
from habitat.grids.compiling import compiled_part

EVENT_ROWS = 2
"""An event is two rows: what happened, and the mean deviation of each band."""
PIXEL, KIND, BEFORE_DAY, FIRST_DAY, CONFIRMED_DAY, STATISTIC, SUPPORT, LOOKS_BEFORE = range(8)
"""Lanes of an event's first row; days as in the state."""
CONFIRMED, RETURNED = 1.0, 2.0
GROWTH = np.float32(4 / 3)
"""Growth of the looks in a model at which it is solved anew; before it accuses a look it is, too."""


class Rules(NamedTuple):
    """Numbers that the loop decides by."""

    looks: np.int64
    """Looks that a new model needs."""
    span: np.float32
    """Days that they must span."""
    least_weight: np.float32
    """Biweight at which a look is left out of a new model."""
    start: np.float32
    """Squared distance at which a run starts."""
    along: np.float32
    """Whitened length along a run's direction from which a look speaks for it."""
    confirm: np.float32
    """Statistic of a run at which it is a break."""
    confirmations: np.int64
    """Looks that must speak for a break."""
    confirm_days: np.float32
    """Days that they must span."""
    prompt: np.float32
    """Statistic at which it is one although it has not lasted."""
    lasting_days: np.float32
    """Days from which on a run has lasted."""
    back: np.float32
    """Squared distance up to which a look follows the old model again."""
    back_share: np.float32
    """Share of the later looks after a break that must, for it to have returned."""
    longest: np.float32
    """Whitened length that one look adds to a run at most."""
    shift_days: np.float32
    """Usual shift of the seasons from year to year."""


@compiled_part
def take(state, looks, t, bench):  # type: ignore[no-untyped-def]
    """Take a look that follows the model into it; its design and whitened residual lie on the bench."""
    z, before = load(bench, WHITE), load(state, BEFORE)
    state[TAIL, LAG] += total(z * before)
    state[TAIL, LAG_POWER] += total(z * z)
    store(state, BEFORE, z)
    absorb(state, looks, t, ONE, bench)
    if state[HEAD, HELD] == ZERO:
        state[TAIL, LAST_GOOD] = looks[t, DAY]
    if state[HEAD, WEIGHT] >= GROWTH * state[HEAD, FITTED]:
        refit(state, bench)


@compiled_part
def suspect(state, looks, t, far, rules, bench, event):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Weigh a look that lies `far` off, or that follows one: start, go on, end or confirm a run."""
    if state[HEAD, HELD] == ZERO or far > rules.start or speaks(state, rules, bench):
        far = allow(state, looks, t, rules, bench)
    z = load(bench, WHITE)
    if state[HEAD, HELD] == ZERO:
        if far <= rules.start:
            take(state, looks, t, bench)
            return ZERO
        start_run(state, looks, t, bounded(z, rules))
        return ZERO
    agrees = speaks(state, rules, bench)
    store(state, RUN, load(state, RUN) + bounded(z, rules))
    if agrees:
        state[HEAD, FOR] += ONE
        hold(state, looks, t)
        return confirm(state, looks[t, DAY], rules, bench, event)
    state[HEAD, AGAINST] += ONE
    if 2 * state[HEAD, AGAINST] >= state[HEAD, FOR]:
        state[HEAD, HELD] = state[HEAD, FOR] = state[HEAD, AGAINST] = ZERO
        if far > rules.start:
            start_run(state, looks, t, bounded(z, rules))
            return ZERO
    if far <= rules.start:
        take(state, looks, t, bench)
    return ZERO


@compiled_part
def speaks(state, rules, bench):  # type: ignore[no-untyped-def]
    """Tell whether the look on the bench deviates far enough in the direction of the run."""
    z, run = load(bench, WHITE), load(state, RUN)
    return total(z * run) >= rules.along * np.sqrt(total(run * run))


@compiled_part
def start_run(state, looks, t, z):  # type: ignore[no-untyped-def]
    """Let a look begin a run, with its whitened residual."""
    store(state, RUN, z)
    state[HEAD, HELD] = state[HEAD, AGAINST] = ZERO
    state[HEAD, FOR] = ONE
    hold(state, looks, t)


@compiled_part
def allow(state, looks, t, rules, bench):  # type: ignore[no-untyped-def]
    """Shorten the whitened residual by what the model itself does not know; return its squared length.

    The model's value has its own variance, and seasons shift from year to year: what lies along the model's slope is
    worth less (a rank-one update of the covariance; Sherman and Morrison 1950, doi:10.1214/aoms/1177729893).
    """
    decided = factorise(state, bench)
    if state[HEAD, HELD] == ZERO and state[HEAD, WEIGHT] > state[HEAD, FITTED]:
        solve(state, bench)
        whiten(state, decided, bench)
        distance(state, looks, t, bench)
    slope(bench)
    store(bench, ALONG, modelled(state, bench, SLOPE))
    along = whitened(state, bench, ALONG)
    z = load(bench, WHITE)
    part = total(z * along) / (ONE / (rules.shift_days * rules.shift_days) + total(along * along))
    z = (ONE / np.sqrt(ONE + leverage(bench))) * (z - part * along)
    store(bench, WHITE, z)
    return total(z * z)


@compiled_part
def bounded(z, rules):  # type: ignore[no-untyped-def]
    """Return a residual no longer than what one look may say: a cloud alone makes no break."""
    return min(ONE, rules.longest / np.sqrt(max(total(z * z), ONE))) * z


@compiled_part
def statistic(state):  # type: ignore[no-untyped-def]
    """Return a run's statistic: chi-squared with a degree of freedom a band where nothing changed."""
    run = load(state, RUN)
    alike = correlation(state)
    found = total(run * run) / (state[HEAD, FOR] + state[HEAD, AGAINST]) * (ONE - alike) / (ONE + alike)
    known = state[HEAD, WEIGHT] + PRIOR_LOOKS
    return known * np.float32(np.log(ONE + found / known))


@compiled_part
def correlation(state):  # type: ignore[no-untyped-def]
    """Return how alike neighbouring residuals are, never below zero."""
    found = state[TAIL, LAG] / max(state[TAIL, LAG_POWER], np.float32(6 * 24))
    return min(max(found, ZERO), np.float32(0.9))


@compiled_part
def confirm(state, day, rules, bench, event):  # type: ignore[no-untyped-def]
    """Write the break down if the run is long enough and far enough from the model."""
    first = day_of(state, LOOKS)
    if state[HEAD, FOR] < rules.confirmations or day - first < rules.confirm_days:
        return ZERO
    found = statistic(state)
    if found < (rules.confirm if day - first >= rules.lasting_days else rules.prompt):
        return ZERO
    store(event, 0, every(ZERO))
    store(event, 1, every(ZERO))
    event[0, KIND], event[0, STATISTIC], event[0, SUPPORT] = CONFIRMED, found, state[HEAD, FOR]
    event[0, BEFORE_DAY], event[0, FIRST_DAY], event[0, CONFIRMED_DAY] = state[TAIL, LAST_GOOD], first, day
    event[0, LOOKS_BEFORE] = state[HEAD, WEIGHT]
    held = int(state[HEAD, HELD])
    for k in range(held):
        design(state, day_of(state, LOOKS + k), bench)
        distance(state, state, LOOKS + k, bench)
        for a in range(BANDS):
            event[1, a] += bench[REST, a] / held
    state[HEAD, PHASE] = RENEWING
    return np.float32(CONFIRMED)
