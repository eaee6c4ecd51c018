"""Breaks that are losses of forest: which they are, when, and how probably.

A break says that the surface stopped following its own seasons: a felling, but also a drought that took longer than
most, or leaves that came back. A loss of forest makes red and swir22 brighter or nir08 darker, and it lasts: the old
model does not hold again. How probable it is depends on how far and in how many looks it stands out from the model,
and in which bands; how much each counts was learnt by logistic regression on simulated forest whose losses are known.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from habitat.change.breaks import EPOCH, USUAL_SPREAD, contrast, find_breaks
from habitat.change.weather import CALM, Weather, learn_weather
from habitat.cubes import BANDS
from habitat.errors import ContractError

LOSS = (-28.592, 7.206, 0.296, -1.401, 0.679, 1.280, -1.706, -0.522, 0.336, 1.596)
"""Log-odds that a break is a loss, a coefficient for each of :func:`loss_features`: told by
`python -m benchmarks.race FOLDER --fit` on the simulator's `hard` landscapes of seeds 0 to 9, with and without
weather."""
LEAST_PROBABILITY = 0.7
"""Below it no loss is called: on the same landscapes this leaves less than one false loss in 300 pixels of stable
forest and ten years."""
REACH = 6.0
"""Usual spreads beyond which a band's change counts no more."""
NOTICE_DAYS = 30.0
"""A loss is dated at most so long before the first look that shows it: half a winter without looks is no news."""
_NEEDED = ("row", "column", "after_day", "by_day", "day", "returned_day", "statistic", "looks", "looks_before")


def find_losses(
    days: np.ndarray,
    values: np.ndarray,
    forest: np.ndarray,
    *,
    least_probability: float = LEAST_PROBABILITY,
    workers: int = 1,
) -> pd.DataFrame:
    """Return the losses of forest in dense looks: weather taken out, breaks found, losses told.

    Parameters
    ----------
    days : float array (time,)
        Days since :data:`habitat.change.breaks.EPOCH`, ascending.
    values : float32 array (time, 6, y, x)
        As for :func:`habitat.change.find_breaks`.
    forest : bool array (y, x)
        Pixels that were forest at first; others have no losses.
    least_probability : float
        As for :func:`loss_breaks`.
    workers : int
        Threads; the result does not depend on it.

    Returns
    -------
    DataFrame
        Of :func:`loss_breaks`, by pixel and date.

    Raises
    ------
    ContractError
        If shapes do not fit or days do not ascend.
    """
    breaks = breaks_without_weather(days, values, learn_weather(days, values, forest), forest, workers=workers)
    return loss_breaks(breaks, least_probability=least_probability)


def breaks_without_weather(
    days: np.ndarray, values: np.ndarray, weather: Weather, where: np.ndarray, *, workers: int = 1
) -> pd.DataFrame:
    """Return the breaks of some pixels in looks that weather is taken out of.

    Parameters
    ----------
    days, values, workers
        As for :func:`habitat.change.find_breaks`.
    weather : Weather
        Of :func:`habitat.change.learn_weather`.
    where : bool array (y, x)

    Returns
    -------
    DataFrame
        Of :func:`habitat.change.find_breaks`, with the rows and columns of `values`.
    """
    pixels = np.flatnonzero(where)
    looks = np.empty((len(days), len(BANDS), 1, len(pixels)), np.float32)
    for t in range(len(days)):
        np.take((values[t] - weather.at(t)).reshape(len(BANDS), -1), pixels, axis=1, out=looks[t, :, 0], mode="clip")
    breaks = find_breaks(days, looks, rules=CALM, workers=workers)
    row, column = np.divmod(pixels[breaks["column"]], where.shape[1])
    return breaks.assign(row=row, column=column)


def loss_features(breaks: pd.DataFrame) -> np.ndarray:
    """Return what the probability of a loss is told from, float64 (break, 10).

    One; logarithms of the statistic, of the looks that speak for the break, and of those in the model before it;
    and the mean change of each band in its usual spreads.
    """
    change = breaks[[f"change_{band}" for band in BANDS]].to_numpy(dtype=float)
    return np.column_stack(
        [
            np.ones(len(breaks)),
            np.log(breaks["statistic"]),
            np.log(breaks["looks"]),
            np.log(breaks["looks_before"].clip(lower=1)),
            np.clip(change / np.array(USUAL_SPREAD), -REACH, REACH),
        ]
    ).astype(float)


def opens(breaks: pd.DataFrame) -> np.ndarray:
    """Tell which breaks turn away from forest for good, bool (break,): red and swir22 rise by more than nir08 does."""
    return np.asarray((contrast(breaks) > 0) & breaks["returned_day"].isna())


def loss_breaks(breaks: pd.DataFrame, *, least_probability: float = LEAST_PROBABILITY) -> pd.DataFrame:
    """Return the breaks that are losses of forest, dated, with their probability.

    That the pixel was forest before is for the caller to know: breaks of other pixels are to be left out.

    Parameters
    ----------
    breaks : DataFrame
        Of :func:`habitat.change.find_breaks`.
    least_probability : float
        0-1. With 0 all breaks that turn away from forest for good are returned, to be weighed with other evidence.

    Returns
    -------
    DataFrame
        Indexed as `breaks`: `row`, `column`; `date` (datetime64, UTC), halfway between `lower`, the last look that
        followed the old model, and `upper`, the first that did not, but at most 30 days before that; `probability` that
        it is a loss of at least a fifth of the crown cover (0-1).

    Raises
    ------
    ContractError
        If a column is missing.
    """
    missing = [name for name in (*_NEEDED, *(f"change_{band}" for band in BANDS)) if name not in breaks.columns]
    if missing:
        raise ContractError(
            f"column {missing[0]!r} is missing", where="loss_breaks", mend="find breaks with find_breaks"
        )
    probability = 1 / (1 + np.exp(-loss_features(breaks) @ np.array(LOSS)))
    day = np.maximum(breaks["day"], breaks["by_day"] - NOTICE_DAYS)
    days = {"date": day, "lower": breaks["after_day"], "upper": breaks["by_day"]}
    called = opens(breaks) & (probability >= least_probability)
    dates = {name: _dates(np.asarray(value, dtype=float)) for name, value in days.items()}
    return breaks[["row", "column"]].assign(**dates, probability=probability)[called]


def _dates(days: np.ndarray) -> np.ndarray:
    return np.asarray(EPOCH + (days * 86_400).round().astype("timedelta64[s]"))
