"""The course of one pixel between its breaks, to be looked at: level, trend and three harmonics of the year."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from habitat.change.breaks import RIDGE
from habitat.errors import ContractError

_YEAR_DAYS = 365.2425


def fitted_course(
    days: np.ndarray, values: np.ndarray, at: np.ndarray, *, breaks: Sequence[tuple[float, float]] = ()
) -> np.ndarray:
    """Return the seasonal course that fits a pixel's looks, piece by piece between its breaks.

    It has the terms and the ridge of the models by which breaks are found, and is fitted to each piece as a whole.

    Parameters
    ----------
    days, values : float arrays (time,)
        Ascending days, and a band or an index, NaN = not seen.
    at : float array (n,)
        Days at which the course is wanted.
    breaks : sequence of (after_day, by_day)
        The last look before each break and the first after it, in order.

    Returns
    -------
    float array (n,)
        NaN within a break, outside the looks, and in pieces of fewer than eight looks.

    Raises
    ------
    ContractError
        If there are not as many values as days.

    Examples
    --------
    >>> days = np.arange(0.0, 730, 20)
    >>> course = fitted_course(days, np.full(len(days), 0.4), np.array([365.0, 900.0]))
    >>> [round(float(value), 3) for value in course]
    [0.4, nan]
    """
    if len(days) != len(values):
        raise ContractError(f"{len(values)} values of {len(days)} days", where="fitted_course")
    seen = np.isfinite(values)
    course = np.full(len(at), np.nan)
    begins = [-np.inf, *(by for _, by in breaks)]
    ends = [*(after for after, _ in breaks), np.inf]
    for begin, end in zip(begins, ends, strict=True):
        own = seen & (days >= begin) & (days <= end)
        if own.sum() < 8:
            continue
        middle, level = float(days[own].mean()), float(np.median(values[own]))
        design = _design(days[own], middle)
        normal = design.T @ design + np.diag(RIDGE)
        weights = np.linalg.solve(normal, design.T @ (values[own] - level))
        wanted = (at >= days[own][0]) & (at <= days[own][-1])
        course[wanted] = _design(at[wanted], middle) @ weights + level
    return course


def _design(days: np.ndarray, middle: float) -> np.ndarray:
    angle = 2 * np.pi * days / _YEAR_DAYS
    waves = [wave(k * angle) for k in (1, 2, 3) for wave in (np.cos, np.sin)]
    return np.stack([np.ones_like(days), (days - middle) / _YEAR_DAYS, *waves], axis=1)
