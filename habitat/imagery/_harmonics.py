"""Waves through a pixel's looks, compiled when first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled


@compiled
def fit(values, waves, stiffness, limits, out):  # type: ignore[no-untyped-def]
    """Fill `out` (wave and scatter, pixel) with how much of each of `waves` (time, wave) is in `values` (time, pixel).

    Least squares in which the square of each coefficient costs its `stiffness`; looks that lie farther off than 1.345
    robust standard deviations then count less, and the fit is repeated (Huber 1964). The scatter's square is the sum of
    squares over the degrees of freedom that the fit leaves, the looks less the trace of its hat matrix. `limits` are
    the fewest looks, the least standard deviation, the number of fits and the fewest degrees of freedom: scatter is NaN
    with fewer, everything is where there are fewer looks.
    """
    times, count = waves.shape
    fewest, least, rounds, freest = int(limits[0]), limits[1], int(limits[2]), limits[3]
    at = np.empty(times, np.int64)
    weight, residual, ordered = np.empty(times), np.empty(times), np.empty(times)
    matrix, right = np.empty((count, count)), np.empty(count)
    for pixel in range(values.shape[1]):
        n = 0
        for t in range(times):
            if values[t, pixel] == values[t, pixel]:
                at[n] = t
                n += 1
        if n < fewest:
            out[:, pixel] = np.float32(np.nan)
            continue
        weight[:n] = 1.0
        for turn in range(rounds):
            _equations(values[:, pixel], waves, (at[:n], weight[:n]), stiffness, (matrix, right))
            _solve(matrix, right)
            squares = 0.0
            for k in range(n):
                off = np.float64(values[at[k], pixel])
                for i in range(count):
                    off -= right[i] * waves[at[k], i]
                residual[k] = abs(off)
                squares += off * off
            if turn + 1 < rounds:
                _sorted(residual[:n], ordered)
                scale = max(1.4826 * (ordered[(n - 1) // 2] + ordered[n // 2]) / 2, least)
                for k in range(n):
                    weight[k] = min(1.0, 1.345 * scale / max(residual[k], 1e-9))
        for i in range(count):
            out[i, pixel] = right[i]
        free = n - _parameters(matrix, stiffness, right)
        out[count, pixel] = np.sqrt(squares / free) if free >= freest else np.nan


@compiled
def _equations(series, waves, looks, stiffness, system):  # type: ignore[no-untyped-def]
    """Fill a system's matrix (its lower half) and right side with the normal equations of weighted looks."""
    (at, weight), (matrix, right) = looks, system
    count = len(right)
    for i in range(count):
        right[i] = 0.0
        for j in range(i + 1):
            matrix[i, j] = 0.0
        matrix[i, i] = stiffness[i]
    for k in range(len(at)):
        for i in range(count):
            part = weight[k] * waves[at[k], i]
            right[i] += part * series[at[k]]
            for j in range(i + 1):
                matrix[i, j] += part * waves[at[k], j]


@compiled
def _solve(matrix, right):  # type: ignore[no-untyped-def]
    """Put the solution into `right` (Cholesky); the matrix is positive: each coefficient has its stiffness."""
    count = len(right)
    for i in range(count):
        for j in range(i + 1):
            rest = matrix[i, j]
            for k in range(j):
                rest -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = np.sqrt(rest) if i == j else rest / matrix[j, j]
        for k in range(i):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
    for back in range(count):
        i = count - 1 - back
        for k in range(i + 1, count):
            right[i] -= matrix[k, i] * right[k]
        right[i] /= matrix[i, i]


@compiled
def _parameters(factor, stiffness, column):  # type: ignore[no-untyped-def]
    """Return how many parameters a fit spends, the trace of its hat matrix; `factor` is what `_solve` left.

    The matrix A is W'W and the stiffness S, so trace(A^-1 W'W) is the number of coefficients less trace(A^-1 S).
    `column` is overwritten.
    """
    count = len(stiffness)
    spent = float(count)
    for i in range(count):
        inverse = 0.0
        for j in range(i, count):  # column i of the factor's inverse
            rest = 1.0 if j == i else 0.0
            for k in range(i, j):
                rest -= factor[j, k] * column[k]
            column[j] = rest / factor[j, j]
            inverse += column[j] ** 2
        spent -= stiffness[i] * inverse
    return spent


@compiled
def _sorted(values, out):  # type: ignore[no-untyped-def]
    """Fill the beginning of `out` with `values` in order: by insertion, since there are few."""
    for k in range(len(values)):
        place = k
        while place > 0 and out[place - 1] > values[k]:
            out[place] = out[place - 1]
            place -= 1
        out[place] = values[k]
