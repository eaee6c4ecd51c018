"""Strata of a run's maps: loss by year or period, a belt around it, and what is stable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from habitat.cubes import NO_LOSS, UNKNOWN_LOSS, is_loss
from habitat.legend import UNKNOWN

OUTSIDE = 0
"""Code of a pixel that belongs to no stratum: outside the area, or seen too seldom to have a state."""


@dataclass(frozen=True)
class Scheme:
    """Which strata there are, in the order of their codes from 1."""

    periods: tuple[tuple[int, int], ...] = ()
    """First and last year of loss of each stratum of loss."""
    belt: bool = False
    """Whether what lies around loss is a stratum of its own: most omitted loss hides there."""
    classes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Name and legend codes, in the last map, of each stratum without loss."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all strata."""
        losses = tuple(f"loss {span(period)}" for period in self.periods)
        return (*losses, *(("near loss",) if self.belt else ()), *(name for name, _ in self.classes))

    @property
    def is_loss(self) -> tuple[bool, ...]:
        """Which strata are of loss."""
        return tuple(at < len(self.periods) for at in range(len(self.names)))


def span(period: tuple[int, int]) -> str:
    """Write a period: 2019, or 2019-2021."""
    return str(period[0]) if period[0] == period[1] else f"{period[0]}-{period[1]}"


def pool_years(amounts: Mapping[int, float], least: float) -> tuple[tuple[int, int], ...]:
    """Join years to the fewest-year periods that each hold at least `least`; years at the end join the last period.

    Parameters
    ----------
    amounts : mapping of year to float
        Pixels or samples of every year, ascending; years without any belong to the period around them.

    Returns
    -------
    tuple of (first year, last year)
        Empty if there is nothing at all.

    Examples
    --------
    >>> pool_years({2017: 90, 2018: 10, 2019: 45, 2020: 5}, 50)
    ((2017, 2017), (2018, 2020))
    """
    periods: list[tuple[int, int]] = []
    first: int | None = None
    held = 0.0
    for year, amount in amounts.items():
        first = year if first is None else first
        held += amount
        if held >= least:
            periods.append((first, year))
            first, held = None, 0.0
    if first is not None and periods:
        periods[-1] = (periods[-1][0], max(amounts))
    elif first is not None and held > 0:
        periods.append((first, max(amounts)))
    return tuple(periods)


def stratify(
    loss_year: np.ndarray, code: np.ndarray, inside: np.ndarray, scheme: Scheme, *, belt_pixels: float = 0
) -> np.ndarray:
    """Return the stratum of each pixel.

    Parameters
    ----------
    loss_year : uint16 array (y, x)
        Year of first loss, 0 = none, 65535 = unknown.
    code : uint8 array (y, x)
        Legend code in the last map that saw the pixel, 0 = none did.
    inside : bool array (y, x)
        Which pixels are of the area.
    scheme : Scheme
    belt_pixels : float
        How far around loss the belt reaches, pixels between centres.

    Returns
    -------
    uint8 array (y, x)
        0 = none, else place in `scheme.names` from 1.
    """
    strata = np.full(loss_year.shape, OUTSIDE, dtype=np.uint8)
    first = len(scheme.periods) + scheme.belt + 1
    for at, (_, codes) in enumerate(scheme.classes, first):
        strata[(loss_year == NO_LOSS) & np.isin(code, codes)] = at
    lost = is_loss(loss_year)
    if scheme.belt and lost.any():
        near = ndimage.distance_transform_edt(~lost) <= belt_pixels
        strata[near & (strata != OUTSIDE)] = len(scheme.periods) + 1
    for at, (start, end) in enumerate(scheme.periods, 1):
        strata[lost & (loss_year >= start) & (loss_year <= end)] = at
    strata[~inside | (loss_year == UNKNOWN_LOSS)] = OUTSIDE
    return strata


def last_seen(codes: Sequence[np.ndarray]) -> np.ndarray:
    """Return each pixel's code in the last of several maps that saw it; 0 = none did."""
    latest = codes[0].copy()
    for code in codes[1:]:
        latest = np.where(code != UNKNOWN, code, latest)
    return latest
