"""The seasonal model of a pixel: looks taken in one by one, coefficients and spread solved when they are asked for.

All bands share one design, so one factorisation serves them all. Sums are never rebuilt: a look adds to the normal
equations once. Few looks are steadied by a prior: a ridge on trend and seasons (in looks), and a usual spread.
"""

from __future__ import annotations

import math

import numpy as np

from habitat.change._lanes import every, load, store, total
from habitat.change._state import (
    BANDS,
    BEFORE,
    COEFFICIENTS,
    CROSS,
    DAY,
    FITTED,
    GRAM,
    HEAD,
    LAG,
    LAG_POWER,
    ORIGIN,
    POWER,
    TAIL,
    TERMS,
    WEIGHT,
    WHITENING,
)
from habitat.grids.compiling import compiled_part

YEAR_DAYS = 365.2425
ONE, ZERO = np.float32(1), np.float32(0)

X, SLOPE, SOLVED, REST, WHITE, ALONG, PIVOTS = range(7)
"""Rows of the bench: a look's design, its derivative by day, solved; its residual, whitened; the model's slope."""
RIDGE, USUAL, FLOOR = 8, 9, 10
"""Rows of the prior: looks that 'this term is 0' counts; usual variance of a band, and the least."""
LOWER, SPREAD, INVERSE, OLD, EACH, DESIGNS, LEFT = 16, 24, 32, 40, 80, 104, 128
"""First rows of what is larger: factors, covariance, inverse, a state before LOOKS, held looks' weights,
designs, what is left to factorise."""
BENCH_ROWS = LEFT + TERMS
PRIOR_LOOKS = np.float32(6)
"""Looks that the usual variance counts."""


@compiled_part
def season(day, rows, row):  # type: ignore[no-untyped-def]
    """Write the design of a day into a row; its trend is left to :func:`design`."""
    angle = 2 * math.pi / YEAR_DAYS * day
    c1, s1 = math.cos(angle), math.sin(angle)
    c2, s2 = c1 * c1 - s1 * s1, 2 * c1 * s1
    rows[row, 0], rows[row, 1] = ONE, ZERO
    rows[row, 2], rows[row, 3] = c1, s1
    rows[row, 4], rows[row, 5] = c2, s2
    rows[row, 6], rows[row, 7] = c2 * c1 - s2 * s1, s2 * c1 + c2 * s1


@compiled_part
def slope(bench):  # type: ignore[no-untyped-def]
    """Write the derivative by day of the design's seasons."""
    rate = np.float32(2 * math.pi / YEAR_DAYS)
    for cycle in range(1, 4):
        bench[SLOPE, 2 * cycle] = -rate * np.float32(cycle) * bench[X, 2 * cycle + 1]
        bench[SLOPE, 2 * cycle + 1] = rate * np.float32(cycle) * bench[X, 2 * cycle]


@compiled_part
def trend(state, day):  # type: ignore[no-untyped-def]
    """Return a day's second term: years since the model's origin."""
    return (day - state[HEAD, ORIGIN]) / np.float32(YEAR_DAYS)


@compiled_part
def absorb(state, y, place, weight, bench):  # type: ignore[no-untyped-def]
    """Add the look in row `place` of `y` to the normal equations; its design lies on the bench."""
    terms, bands = load(bench, X), load(y, place)
    for i in range(TERMS):
        factor = weight * bench[X, i]
        store(state, GRAM + i, load(state, GRAM + i) + factor * terms)
        store(state, CROSS + i, load(state, CROSS + i) + factor * bands)
    for i in range(BANDS):
        store(state, POWER + i, load(state, POWER + i) + (weight * y[place, i]) * bands)
    state[HEAD, WEIGHT] += weight


@compiled_part
def factorise(state, bench):  # type: ignore[no-untyped-def]
    """LDL' of the normal equations with their ridge; return how many terms the looks themselves decide."""
    for i in range(TERMS):
        store(bench, LEFT + i, load(state, GRAM + i))
        bench[LEFT + i, i] += bench[RIDGE, i]
    decided = ZERO
    for j in range(TERMS):
        pivot = max(bench[LEFT + j, j], np.float32(1e-3))
        bench[PIVOTS, j] = pivot
        decided += max(pivot - bench[RIDGE, j], ZERO) / pivot
        row, inverse = load(bench, LEFT + j), ONE / pivot
        for i in range(j + 1, TERMS):
            factor = bench[LEFT + i, j] * inverse
            store(bench, LEFT + i, load(bench, LEFT + i) - factor * row)
            bench[LOWER + i, j] = factor
    return decided


@compiled_part
def solve(state, bench):  # type: ignore[no-untyped-def]
    """Coefficients of all bands from the factors."""
    for i in range(TERMS):
        row = load(state, CROSS + i)
        for k in range(i):
            row -= bench[LOWER + i, k] * load(state, COEFFICIENTS + k)
        store(state, COEFFICIENTS + i, row)
    for step in range(TERMS):
        i = TERMS - 1 - step
        row = (ONE / bench[PIVOTS, i]) * load(state, COEFFICIENTS + i)
        for k in range(i + 1, TERMS):
            row -= bench[LOWER + k, i] * load(state, COEFFICIENTS + k)
        store(state, COEFFICIENTS + i, row)


@compiled_part
def whiten(state, decided, bench):  # type: ignore[no-untyped-def]
    """Covariance of the residuals between bands, and what turns it into the identity (inverse Cholesky factor)."""
    share = ONE / (max(state[HEAD, WEIGHT] - decided, ZERO) + PRIOR_LOOKS)
    for a in range(BANDS):
        row = load(state, POWER + a)
        for i in range(TERMS):
            explained = load(state, CROSS + i) + bench[RIDGE, i] * load(state, COEFFICIENTS + i)
            row -= state[COEFFICIENTS + i, a] * explained
        store(bench, SPREAD + a, share * row)
        bench[SPREAD + a, a] = max(bench[SPREAD + a, a], ZERO) + share * PRIOR_LOOKS * bench[USUAL, a] + bench[FLOOR, a]
    for j in range(BANDS):  # Cholesky in place, below the diagonal
        for k in range(j):
            for i in range(j, BANDS):
                bench[SPREAD + i, j] -= bench[SPREAD + i, k] * bench[SPREAD + j, k]
        root = math.sqrt(max(bench[SPREAD + j, j], bench[FLOOR, j]))
        for i in range(j, BANDS):
            bench[SPREAD + i, j] /= root
        bench[SPREAD + j, j] = root
    for j in range(BANDS):
        bench[INVERSE + j, j] = ONE / bench[SPREAD + j, j]
        for i in range(j + 1, BANDS):
            value = ZERO
            for k in range(j, i):
                value -= bench[SPREAD + i, k] * bench[INVERSE + k, j]
            bench[INVERSE + i, j] = value / bench[SPREAD + i, i]
    for a in range(BANDS):
        for j in range(a, BANDS):
            state[WHITENING + a, j] = bench[INVERSE + j, a]
    state[HEAD, FITTED] = state[HEAD, WEIGHT]


@compiled_part
def refit(state, bench):  # type: ignore[no-untyped-def]
    """Bring coefficients and spread up to what was taken in."""
    decided = factorise(state, bench)
    solve(state, bench)
    whiten(state, decided, bench)


@compiled_part
def leverage(bench):  # type: ignore[no-untyped-def]
    """Return the variance of the model's own value at the design on the bench, a look's = 1 (factors are there)."""
    found = ZERO
    for i in range(TERMS):
        value = bench[X, i]
        for k in range(i):
            value -= bench[LOWER + i, k] * bench[SOLVED, k]
        bench[SOLVED, i] = value
        found += value * value / bench[PIVOTS, i]
    return found


@compiled_part
def whitened(state, rows, row):  # type: ignore[no-untyped-def]
    """Return a row of bands as independent residuals of variance 1."""
    z = every(ZERO)
    for a in range(BANDS):
        z += rows[row, a] * load(state, WHITENING + a)
    return z


@compiled_part
def modelled(state, rows, row):  # type: ignore[no-untyped-def]
    """Return the model's bands at the design in a row."""
    y = every(ZERO)
    for i in range(TERMS):
        y += rows[row, i] * load(state, COEFFICIENTS + i)
    return y


@compiled_part
def distance(state, y, place, bench):  # type: ignore[no-untyped-def]
    """Return the squared Mahalanobis distance of a look from the model; its residual stays on the bench."""
    store(bench, REST, load(y, place) - modelled(state, bench, X))
    z = whitened(state, bench, REST)
    store(bench, WHITE, z)
    return total(z * z)


@compiled_part
def design(state, day, bench):  # type: ignore[no-untyped-def]
    """Write the design of a day into the bench, the trend with it."""
    season(day, bench, X)
    bench[X, 1] = trend(state, day)


@compiled_part
def forget(state):  # type: ignore[no-untyped-def]
    """Empty the normal equations, and what was learnt of how alike neighbouring residuals are."""
    for row in range(GRAM, POWER + BANDS):
        store(state, row, every(ZERO))
    store(state, BEFORE, every(ZERO))
    state[TAIL, LAG] = state[TAIL, LAG_POWER] = ZERO
    state[HEAD, WEIGHT] = state[HEAD, FITTED] = ZERO


@compiled_part
def day_of(state, place):  # type: ignore[no-untyped-def]
    """Return the day of a look held in the state."""
    return state[place, DAY]
