"""One answer from maps, trajectories and breaks: in which year forest was lost, and how probable that is.

Of each pixel one thing is true: it was never lost, or it was first lost in one of the years that were seen after the
first. Each year's evidence is a sum of weights times what maps, trajectories and breaks say of it; the probabilities
are those sums as odds against "never" (conditional logit: McFadden 1974, Conditional logit analysis of qualitative
choice behavior). With the weight 1 of the maps and 0 of the rest they are the maps' own. The weights were learnt by
`benchmarks/combination.py` from simulated landscapes, with few looks and with many, with labels of all years and of
one alone, and so was how rare loss is: where it is much more or less frequent, the probabilities are off by that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter

from habitat.change._combination_weights import ONE_YEAR, WEIGHTS
from habitat.change.disturbances import LEAST_PROBABILITY
from habitat.change.weather import finite_median
from habitat.cubes import NO_LOSS, UNKNOWN_LOSS, is_loss
from habitat.errors import ContractError

_FLOOR = 0.005
"""Probability below which a map, which holds whole percents, says nothing more exact."""
_MOST_LOOKS = 12.0
"""Clear looks a year from which on a loss without a break is no stranger still."""
LIKE_FALL = {"nbr": 0.2, "ndmi": 0.15, "ndvi": 0.18}
"""Fall of each index that counts one: a loss lowers the median of one by 0.25, 0.19 and 0.23 in simulated forests."""


@dataclass(frozen=True)
class LossEvidence:
    """What is known of each pixel and year."""

    years: np.ndarray
    """int (year,), ascending."""
    lost: np.ndarray
    """float (year, y, x): probability that forest was lost by then, of the maps; NaN = seen in fewer than two years."""
    forest: np.ndarray
    """float (year, y, x): P(forest) given all years; NaN = not seen."""
    falls: np.ndarray | None = None
    """float (year, y, x): fall of the index by a trajectory's disturbance that begins then; 0 = none."""
    drops: np.ndarray | None = None
    """float (year, y, x): how far the index of a year lies below the median of the three years before it, all levelled
    by the forest around; with `falls`. 0 = unknown."""
    breaks: np.ndarray | None = None
    """float (year, y, x): probability of a break to be a loss of forest; NaN = no break."""
    looks: np.ndarray | None = None
    """float (y, x): clear looks a year that breaks were looked for in."""
    one_year: bool = False
    """Whether all labels that the maps were taught by are of one year: the maps of other years are worth less then."""
    index: str = "nbr"
    """Which index falls and drops: one of :data:`LIKE_FALL`."""

    @property
    def ways(self) -> tuple[str, ...]:
        """What it consists of: "maps", and "trajectories" and "breaks" where they are there."""
        more = (("trajectories", self.falls), ("breaks", self.breaks))
        return ("maps", *(name for name, values in more if values is not None))

    @property
    def seen_again(self) -> np.ndarray:
        """True (year, y, x) where it was seen, and seen in a year before."""
        seen = np.isfinite(self.forest)
        again = np.zeros_like(seen)
        again[1:] = seen[1:] & np.logical_or.accumulate(seen, axis=0)[:-1]
        return again


def combine_evidence(evidence: LossEvidence) -> tuple[np.ndarray, np.ndarray]:
    """Return the year of the first loss, and the probability that there was one.

    Returns
    -------
    loss_year : uint16 array (y, x)
        The likeliest year where a loss is more probable than not, 0 = none, 65535 = seen in fewer than two years.
    probability : float32 array (y, x)
        0-1; NaN where it is unknown.

    Raises
    ------
    ContractError
        If there is nothing beside the maps: :func:`habitat.change.dated_loss` dates these.
    """
    if evidence.ways == ("maps",):
        raise ContractError("maps alone are no combination", where="combine_evidence", mend="use dated_loss")
    again = evidence.seen_again
    features = loss_features(evidence)
    weights = (ONE_YEAR if evidence.one_year else WEIGHTS)[evidence.ways]
    scores = np.einsum("f,fyrc->yrc", np.asarray(weights, np.float32), features)
    scores[~again] = -np.inf
    top = np.maximum(scores.max(axis=0), 0)
    odds = np.exp(scores - top)
    total = odds.sum(axis=0)
    probability = total / (total + np.exp(-top))
    year = evidence.years[scores.argmax(axis=0)]
    known = again.any(axis=0)
    loss = np.where(probability >= 0.5, year, NO_LOSS)
    loss = np.where(known, loss, UNKNOWN_LOSS).astype(np.uint16)
    return loss, np.where(known, probability, np.nan).astype(np.float32)


def loss_features(evidence: LossEvidence) -> np.ndarray:
    """Return what weights are given to, float32 (feature, year, y, x); 0 where a year cannot be one of loss.

    Always: one; log-odds of the first loss in that year against none, of the maps; log-odds that it was forest when it
    was last seen before; the second once more, of the eight pixels around and with the years beside it. Of
    trajectories: whether a disturbance begins, how great it is, and how great around; how far the year itself drops,
    and how far around. Of breaks: whether there is one, the log-odds that it is a loss, and how many looks there were
    if there is none.
    """
    again, seen = evidence.seen_again, np.isfinite(evidence.forest)
    known = np.asarray(again.any(axis=0))
    lost = np.nan_to_num(evidence.lost)
    by_year = np.maximum(np.diff(_carried(lost, seen), axis=0, prepend=0), 0)
    near_years = by_year.copy()
    near_years[1:] += by_year[:-1]
    near_years[:-1] += by_year[1:]
    layers = [
        np.ones_like(lost),
        _against(by_year, lost[-1]),
        _log_odds(_before(evidence.forest)),
        _against(_around(near_years, known), _around(lost[-1:], known)[0]),
    ]
    if evidence.falls is not None:
        unit = LIKE_FALL[evidence.index]
        fall = np.minimum(evidence.falls / unit, 3)
        layers += [evidence.falls > 0, fall, _around(np.maximum(fall, _beside(fall)), known)]
        assert evidence.drops is not None
        drop = np.clip(evidence.drops / unit, -1, 3)
        layers += [drop, _around(drop, known)]
    if evidence.breaks is not None:
        assert evidence.looks is not None
        is_there = np.isfinite(evidence.breaks)
        layers += [
            is_there,
            is_there * _log_odds(evidence.breaks),
            ~is_there * np.minimum(evidence.looks / _MOST_LOOKS, 1),
        ]
    return np.where(again, np.stack(layers), 0).astype(np.float32)


def breaks_by_year(
    losses: pd.DataFrame, season_ends: np.ndarray, seen_again: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give each break to the first mapping season that ends on its date or after it, and that can show it.

    Parameters
    ----------
    losses : DataFrame
        Of :func:`habitat.change.loss_breaks`.
    season_ends : datetime64 array (year,)
        Last day of each mapping season.
    seen_again : bool array (year, y, x)
        Of :class:`LossEvidence`.

    Returns
    -------
    probability : float32 array (year, y, x)
        NaN = no break. Of several in a year the most probable.
    which : int array (year, y, x)
        Its place in `losses`, -1 = none.
    """
    probability = np.full(seen_again.shape, np.nan, np.float32)
    which = np.full(seen_again.shape, -1, np.int64)
    says = losses["probability"].to_numpy(np.float32)
    dates = losses["date"].to_numpy().astype("datetime64[D]")
    first = np.searchsorted(season_ends.astype("datetime64[D]"), dates, side="left")
    rows, columns = (losses[name].to_numpy() for name in ("row", "column"))
    usable = np.flatnonzero(first < len(seen_again))
    for k in usable[np.argsort(says[usable], kind="stable")]:  # the most probable comes last, and stays
        can = np.flatnonzero(seen_again[first[k] :, rows[k], columns[k]])
        if len(can):
            at = (first[k] + can[0], rows[k], columns[k])
            probability[at], which[at] = says[k], k
    return probability, which


def settle_years(
    loss_year: np.ndarray, losses: pd.DataFrame, season_ends: Mapping[int, np.datetime64]
) -> tuple[np.ndarray, np.ndarray]:
    """Let breaks date losses: looks tell days, where a season's composite mixes what was before and after them.

    Parameters
    ----------
    loss_year : uint16 array (y, x)
        Of :func:`combine_evidence`.
    losses : DataFrame
        Of :func:`habitat.change.loss_breaks`: `row`, `column`, `lower`, `upper`, `probability`.
    season_ends : mapping of int to datetime64
        Last day of each year's mapping season.

    Returns
    -------
    loss_year : uint16 array (y, x)
        Moved by a year where a break of :data:`LEAST_PROBABILITY` and more lies between two looks that leave no other
        season, be it one without a composite; never to the first.
    dating : bool array (break,)
        The break that dates its pixel's loss: the most probable of its year, or else the one that moves it.
    """
    years = np.array(list(season_ends))
    ends = np.array(list(season_ends.values()), "datetime64[D]")
    rows, columns, says = (losses[name].to_numpy() for name in ("row", "column", "probability"))
    said = np.searchsorted(years, loss_year[rows, columns])
    first = np.searchsorted(ends, losses["lower"].to_numpy().astype("datetime64[D]"), side="right")
    last = np.searchsorted(ends, losses["upper"].to_numpy().astype("datetime64[D]"), side="left")
    shown = np.clip(said, np.minimum(first, last), last)  # a look may lie on each side of a season's last day
    usable = is_loss(loss_year[rows, columns]) & (shown > 0) & (shown < len(years))
    usable &= (shown == said) | ((np.abs(shown - said) == 1) & (says >= LEAST_PROBABILITY))
    which = np.flatnonzero(usable)
    # what comes last stays: a break of the year that was said, the most probable; or else the first that moves it
    which = which[np.lexsort((says[which], -shown[which], (shown == said)[which]))]
    by_pixel = np.full(loss_year.shape, -1)
    by_pixel[rows[which], columns[which]] = which
    dating = np.zeros(len(losses), bool)
    dating[by_pixel[by_pixel >= 0]] = True
    settled = loss_year.copy()
    settled[rows[dating], columns[dating]] = years[shown[dating]]
    return settled, dating


def yearly_drops(index: np.ndarray) -> np.ndarray:
    """Return how far each year (year, y, x) lies below the median of the three years before it; 0 = unknown."""
    drops = np.zeros_like(index)
    for year in range(1, len(index)):
        drops[year] = finite_median(index[max(year - 3, 0) : year], axis=0) - index[year]
    return np.nan_to_num(drops, nan=0, posinf=0, neginf=0)


def _carried(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Values (year, ...) with those of unseen years as in the year before: no loss falls into them."""
    out = values.copy()
    for year in range(1, len(out)):
        out[year] = np.where(seen[year], out[year], out[year - 1])
    return out


def _before(forest: np.ndarray) -> np.ndarray:
    """P(forest) of the latest seen year before each."""
    out = np.full_like(forest, np.nan)
    for year in range(1, len(out)):
        out[year] = np.where(np.isfinite(forest[year - 1]), forest[year - 1], out[year - 1])
    return out


def _against(by_year: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Log-odds of a loss in a year (year, y, x) against none at all."""
    return np.log((by_year + _FLOOR) / (np.maximum(1 - lost, 0) + _FLOOR))


def _beside(values: np.ndarray) -> np.ndarray:
    """The greater of the year before and the year after, 0 where there is none."""
    out = np.zeros_like(values)
    out[1:] = values[:-1]
    out[:-1] = np.maximum(out[:-1], values[1:])
    return out


def _around(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Mean of the eight pixels around each (year, y, x), as far as they are known; 0 where none is."""
    size = (1, 3, 3)
    held = np.where(known, values, 0).astype(np.float32)
    weight = uniform_filter(known.astype(np.float32)[None], size, mode="constant") - known / np.float32(9)
    total = uniform_filter(held, size, mode="constant") - held / 9
    return np.where(weight > 0.05, total / np.maximum(weight, 0.05), 0)


def _log_odds(share: np.ndarray) -> np.ndarray:
    known = np.clip(np.nan_to_num(share, nan=0.5), 0.02, 0.98)
    return np.log(known / (1 - known))
