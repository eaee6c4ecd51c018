"""How land changes from one year to the next: yearly rates between classes, from what is known of forests.

The rates are those of ground, not of maps: how often trees are felled, how slowly crowns close, how soon burnt grass is
green again. They differ by class where the class is one of the default legend's; a class of somebody's own legend has
the rates of its side, forest or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from habitat.errors import ContractError
from habitat.legend import DEFAULT_LEGEND, Legend

LOSS_RATE = 0.1
"""Of forest, a year. Far above what is usual (0.3-1%, Hansen et al. 2013, doi:10.1126/science.1244693), so that a place
that is being logged is not smoothed over: chosen on simulated landscapes, see docs/adr/0018."""
TRUST = 0.95
"""Weight of what a year says; the rest says nothing. So no year alone is certain, however sure the model."""
GAIN_RATE = 0.005
"""Of what is not forest, a year: crowns close over decades."""
DRIFT_RATE = 0.002
"""From one kind of forest to another: succession takes a lifetime of trees."""
SHIFT_RATE = 0.01
"""From one kind of open land to another."""

_AFTER_LOSS: Mapping[int, float] = {21: 0.25, 22: 0.35, 23: 0.2, 30: 0.05, 40: 0.02, 50: 0.01, 60: 0.1, 70: 0.02}
"""Shares of what lost forest turns into: a cut greens within a year or two, a spring's fire leaves char."""
_AFTER_GAIN: Mapping[int, float] = {11: 0.05, 12: 0.15, 13: 0.05, 14: 0.25, 15: 0.5}
"""Shares of the forests that come up: pioneers first (birch and aspen), planted larch, coppice of oak."""
_GAINS: Mapping[int, float] = {
    21: 0.02,  # crowns over a tenth of the ground reach three tenths within decades
    22: 0.003,
    23: 0.003,
    30: 0.001,
    40: 0.001,
    50: 0.0002,
    60: 0.002,
    70: 0.0002,
}
_SHIFTS: Mapping[tuple[int, int], float] = {
    (21, 22): 0.01,
    (21, 23): 0.03,
    (22, 21): 0.03,  # young trees grow over grass within a decade
    (22, 23): 0.08,  # of grassland, what burns in a spring; it is grass again the year after
    (23, 22): 0.6,
    (23, 21): 0.1,
    (30, 22): 0.02,  # fallow, and ploughed again
    (22, 30): 0.01,
    (30, 70): 0.002,
    (40, 50): 0.02,  # floods and dry years
    (50, 40): 0.01,
    (60, 22): 0.05,
    (60, 50): 0.02,
    (50, 60): 0.01,
}
_RARE = 0.0005
"""Any other step between two kinds of open land."""


@dataclass(frozen=True, eq=False)
class CoverDynamics:
    """How classes change from one year to the next, and how far a single year's map is believed."""

    forest: np.ndarray
    """bool (class,): whether it is forest."""
    transitions: np.ndarray
    """float (class, class): probability of the class of a year (column) given that of the year before (row)."""
    trust: float = TRUST
    """Weight of what a year says; the rest says nothing."""

    def __post_init__(self) -> None:
        size = len(self.forest)
        if self.transitions.shape != (size, size):
            raise ContractError(f"rates are {self.transitions.shape}, not ({size}, {size})", where="dynamics")
        if (self.transitions < 0).any() or not np.allclose(self.transitions.sum(axis=1), 1):
            raise ContractError("a row of rates is not a distribution", where="dynamics")
        if not 0 <= self.trust < 1:
            raise ContractError(f"trust {self.trust} is not from 0 to below 1", where="dynamics")

    @property
    def lossless(self) -> np.ndarray:
        """The rates without the steps out of forest: what is struck out has no probability."""
        return np.where(self.forest[:, None] & ~self.forest[None, :], 0.0, self.transitions)


def forest_dynamics(
    *, loss_rate: float = LOSS_RATE, gain_rate: float = GAIN_RATE, trust: float = TRUST
) -> CoverDynamics:
    """Two classes, not forest and forest, in this order."""
    rates = np.array([[1 - gain_rate, gain_rate], [loss_rate, 1 - loss_rate]])
    return CoverDynamics(np.array([False, True]), rates, trust)


def cover_dynamics(
    codes: Sequence[int], legend: Legend, *, loss_rate: float = LOSS_RATE, trust: float = TRUST
) -> CoverDynamics:
    """Rates between the classes `codes` of a legend, in their order.

    Parameters
    ----------
    codes : sequence of int
        Classes that a model knows.
    legend : Legend
        Says which of them are forest; those that stand in the default legend by code and name have rates of their own.
    loss_rate : float
        Of forest, a year.

    Returns
    -------
    CoverDynamics

    Examples
    --------
    >>> from habitat.legend import DEFAULT_LEGEND
    >>> rates = cover_dynamics((14, 15, 22, 50), DEFAULT_LEGEND, loss_rate=0.01).transitions
    >>> [round(float(rate), 4) for rate in (rates[0, 2:].sum(), rates[2, :2].sum(), rates[3, :2].sum())]
    [0.01, 0.003, 0.0002]
    """
    known = {cover.code: cover.name for cover in DEFAULT_LEGEND}
    ours = [code if known.get(code) == legend[code].name else None for code in codes]
    forest = np.isin(list(codes), list(legend.forest_codes))
    size = len(ours)
    rates = np.zeros((size, size))
    for i, here in enumerate(ours):
        others = np.arange(size) != i
        for side, total, shares in (
            (forest & others, DRIFT_RATE if forest[i] else _rate(_GAINS, here, GAIN_RATE), _AFTER_GAIN),
            (~forest & others, loss_rate if forest[i] else 0.0, _AFTER_LOSS),
        ):
            weights = np.array([_rate(shares, code, 1 / size) for code in ours]) * side
            if weights.any():
                rates[i] += total * weights / weights.sum()
        if not forest[i]:
            for j in np.flatnonzero(~forest & others):
                there = ours[j]
                strange = here is None or there is None
                rates[i, j] = SHIFT_RATE / size if strange else _SHIFTS.get((here, there), _RARE)  # type: ignore[arg-type]
        rates[i, i] = 1 - rates[i].sum()
    return CoverDynamics(forest, rates, trust)


def _rate(table: Mapping[int, float], code: int | None, otherwise: float) -> float:
    return otherwise if code is None else table.get(code, otherwise)
