"""A first model from the looks that are held back: clouds that masks missed are left out."""

from __future__ import annotations

import numpy as np

from habitat.change._fitting import (
    DESIGNS,
    EACH,
    ONE,
    REST,
    USUAL,
    ZERO,
    X,
    absorb,
    day_of,
    design,
    distance,
    factorise,
    forget,
    modelled,
    refit,
    solve,
)
from habitat.change._lanes import load, store
from habitat.change._state import (
    BANDS,
    DAY,
    HEAD,
    HELD,
    HOLD,
    LAST_GOOD,
    LOOKS,
    ORIGIN,
    PHASE,
    TAIL,
    WATCHING,
)
from habitat.grids.compiling import compiled_part

WEIGHED, FAR, SORTED = range(3)
"""Lanes of a held look's row on the bench."""
ROUNDS, SOFT_ROUNDS = 4, 2
CLEAN = np.float32(5)
"""Squared residual of the worst look, in those of the middle one, up to which there is nothing to screen out."""
BIWEIGHT = np.float32(4.685**2)
"""Squared tuning constant of Tukey's biweight: 95% as good as least squares on clean data."""


@compiled_part
def hold(state, looks, place):  # type: ignore[no-untyped-def]
    """Hold a look back; where there is no room, the look leaves whose neighbours stand closest together."""
    held = int(state[HEAD, HELD])
    if held == HOLD:
        least, narrow = 1, np.float32(np.inf)
        for k in range(1, HOLD - 1):
            gap = state[LOOKS + k + 1, DAY] - state[LOOKS + k - 1, DAY]
            if gap < narrow:
                least, narrow = k, gap
        drop(state, least)
        held -= 1
    store(state, LOOKS + held, load(looks, place))
    state[HEAD, HELD] = held + 1


@compiled_part
def drop(state, place):  # type: ignore[no-untyped-def]
    """Let go of one look that is held."""
    held = int(state[HEAD, HELD])
    for k in range(place, held - 1):
        store(state, LOOKS + k, load(state, LOOKS + k + 1))
    state[HEAD, HELD] = held - 1


@compiled_part
def median(held, bench):  # type: ignore[no-untyped-def]
    """Return the upper median of the held looks' distances."""
    for i in range(held):
        value, k = bench[EACH + i, FAR], i
        while k > 0 and bench[EACH + k - 1, SORTED] > value:
            bench[EACH + k, SORTED] = bench[EACH + k - 1, SORTED]
            k -= 1
        bench[EACH + k, SORTED] = value
    return bench[EACH + held // 2, SORTED]


@compiled_part
def screen(state, bench):  # type: ignore[no-untyped-def]
    """Weigh the looks that are held, all bands together: absolute residuals first, then Tukey's biweight."""
    held = int(state[HEAD, HELD])
    for k in range(held):
        bench[EACH + k, WEIGHED] = ONE
        design(state, day_of(state, LOOKS + k), bench)
        store(bench, DESIGNS + k, load(bench, X))
    for turn in range(ROUNDS):
        forget(state)
        for k in range(held):
            if bench[EACH + k, WEIGHED] > 0:
                store(bench, X, load(bench, DESIGNS + k))
                absorb(state, state, LOOKS + k, bench[EACH + k, WEIGHED], bench)
        factorise(state, bench)
        solve(state, bench)
        for k in range(held):
            store(bench, REST, load(state, LOOKS + k) - modelled(state, bench, DESIGNS + k))
            far = ZERO
            for a in range(BANDS):
                far += bench[REST, a] * bench[REST, a] / bench[USUAL, a]
            bench[EACH + k, FAR] = far
        usual = max(median(held, bench), np.float32(BANDS))
        if bench[EACH + held - 1, SORTED] < CLEAN * usual:
            break
        for k in range(held):
            far = bench[EACH + k, FAR] / usual
            if turn < SOFT_ROUNDS:
                bench[EACH + k, WEIGHED] = ONE / np.sqrt(max(far, np.float32(0.1)))
            else:
                bench[EACH + k, WEIGHED] = max(ONE - far / BIWEIGHT, ZERO) ** 2


@compiled_part
def begin(state, rules, bench):  # type: ignore[no-untyped-def]
    """Try to make a model of the looks that are held; return whether there is one now."""
    held = int(state[HEAD, HELD])
    first, last = day_of(state, LOOKS), day_of(state, LOOKS + held - 1)
    state[HEAD, ORIGIN] = (first + last) / np.float32(2)
    screen(state, bench)
    forget(state)
    kept = 0
    for k in range(held):
        if bench[EACH + k, WEIGHED] > rules.least_weight:
            store(bench, X, load(bench, DESIGNS + k))
            absorb(state, state, LOOKS + k, ONE, bench)
            kept += 1
            state[TAIL, LAST_GOOD] = day_of(state, LOOKS + k)
    if kept < rules.looks:
        for k in range(held):
            place = held - 1 - k
            if bench[EACH + place, WEIGHED] <= rules.least_weight:
                drop(state, place)
        return False
    refit(state, bench)
    state[HEAD, HELD] = ZERO
    state[HEAD, PHASE] = WATCHING
    return True


@compiled_part
def returned(state, rules, bench):  # type: ignore[no-untyped-def]
    """Tell whether the later half of the looks that are held follows the old model again."""
    held = int(state[HEAD, HELD])
    first, last = day_of(state, LOOKS), day_of(state, LOOKS + held - 1)
    seen, like = 0, 0
    for k in range(held):
        day = day_of(state, LOOKS + k)
        if day > (first + last) / 2:
            design(state, day, bench)
            seen += 1
            like += 1 if distance(state, state, LOOKS + k, bench) < rules.back else 0
    return like >= rules.back_share * seen
