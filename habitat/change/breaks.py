"""Breaks in dense series of looks: when the forest's surface stopped following its own seasons.

Each pixel has a model of its six bands together: a level, a trend and three harmonics of the year. It takes the
looks in one by one. A look that lies too far from the model starts a run; looks that deviate in the same direction
carry it on, and looks that follow the model end it. A run that is long enough, and whose mean deviation is further
out than chance allows, is a break; a new model then begins from it. If a year later the old model holds again, the
break is marked as returned: a drought, a flood, another crop.

The idea is that of CCDC (Zhu and Woodcock 2014, doi:10.1016/j.rse.2014.01.011), COLD (Zhu et al. 2020,
doi:10.1016/j.rse.2019.03.009) and S-CCD (Ye et al. 2021, doi:10.1016/j.rse.2020.112167). What differs: the bands'
covariance is learnt, so that the test is joint; the direction of a run is part of it; neighbouring residuals that are
alike count for less; seasons that come early or late are allowed for; and the sums are updated, never rebuilt.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from habitat.change._state import HOLD, LANES, new_states
from habitat.cubes import BANDS, STACK
from habitat.errors import ContractError

if TYPE_CHECKING:
    import xarray as xr

EPOCH = np.datetime64("2000-01-01", "ns")
"""Day 0 of all days here: 32-bit floats then hold any day of the satellites to a few minutes."""
LASTING = (1.64, -0.59, 0.49, -8.07, 2.20)
"""Log-odds that a break is a lasting change, a coefficient for each of :func:`probability_features`: logistic
regression on simulated series of forest, fields and droughts (`benchmarks/breaks.py`, seeds 0 to 9)."""
Events = tuple[np.ndarray, np.ndarray]
CHUNK = 1024
"""Pixels whose states are in memory together, for each worker."""
RIDGE = (0.001, 16.0, 0.3, 0.3, 0.6, 0.6, 1.2, 1.2)
"""Looks that the assumption of no trend (a standard deviation a year) and of no season counts."""
USUAL_SPREAD = (0.010, 0.010, 0.012, 0.025, 0.020, 0.015)
"""Usual standard deviation of a clear look of forest about its model, blue to swir22, reflectance."""
LEAST_SPREAD = 0.003
"""Standard deviation below which no band falls: calibration itself is no better."""


@dataclass(frozen=True)
class BreakRules:
    """When a deviation is a break."""

    false_alarms: float = 1e-15
    """Probability that a run in which nothing changed reaches the statistic of a break, if looks were independent and
    Gaussian. They are not, and runs are many: on forest that suffers droughts these rules give a false break in 200
    pixels and ten years."""
    prompt_false_alarms: float = 1e-18
    """The same for a run that has not lasted yet."""
    lasting_days: float = 180.0
    """Days from which on a run has lasted: most droughts end with their summer."""
    confirmations: int = 6
    """Looks that must speak for a break."""
    confirm_days: float = 30.0
    """Days that they must span."""
    min_looks: int = 12
    """Looks that a new model needs."""
    min_days: float = 365.0
    """Days that they must span: less than a year holds no season."""
    shift_days: float = 14.0
    """Usual shift of the seasons from year to year."""

    def __post_init__(self) -> None:
        rates = (self.false_alarms, self.prompt_false_alarms)
        if not (LANES <= self.min_looks <= HOLD and self.min_days >= 1 and all(0 < rate < 1 for rate in rates)):
            raise ContractError(
                f"a model needs {LANES} to {HOLD} looks over at least a day, and false-alarm rates between 0 and 1",
                where="BreakRules",
            )


def looks_of(stack: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the days and the looks of a STACK.

    Returns
    -------
    days : float64 (time,)
        Days since :data:`EPOCH`.
    values : float32 (time, 6, y, x)
        Bands in the order of :data:`habitat.cubes.BANDS`, NaN = not seen.

    Raises
    ------
    ContractError
        If a band is missing.
    """
    STACK.check(stack)
    missing = [band for band in BANDS if band not in stack]
    if missing:
        raise ContractError(f"band {missing[0]!r} is missing: breaks are looked for in six bands", where="STACK")
    days = (stack["time"].to_numpy().astype("datetime64[ns]") - EPOCH) / np.timedelta64(1, "D")
    return days, np.stack([stack[band].to_numpy() for band in BANDS], axis=1).astype(np.float32, copy=False)


def find_breaks(
    days: np.ndarray, values: np.ndarray, *, rules: BreakRules | None = None, workers: int = 1
) -> pd.DataFrame:
    """Return the breaks of every pixel, by pixel and date.

    Parameters
    ----------
    days : float array (time,)
        Days since :data:`EPOCH`, ascending.
    values : float32 array (time, 6, y, x)
        Surface reflectance, nominal 0-1, in the order of :data:`habitat.cubes.BANDS`. A look in which a band is NaN
        is not seen.
    workers : int
        Threads; the result does not depend on it.

    Returns
    -------
    DataFrame
        One row a break: `row`, `column`; `after_day`, the last look that followed the model, and `by_day`, the
        first that did not (the break lies between them); `day`, halfway; `confirmed_day`; `returned_day`, NaN unless
        the old model held again later; `statistic` (chi-squared, six degrees of freedom, if nothing had changed);
        `looks` that spoke for it; `looks_before` in the model; `probability` that it is a lasting change of the
        surface (0-1); `change_<band>`, mean deviation from the model, reflectance.

    Raises
    ------
    ContractError
        If shapes do not fit or days do not ascend.
    """
    rules = rules or BreakRules()
    values = check_looks(days, values)
    width = values.shape[3]
    flat = values.reshape(len(days), len(BANDS), values.shape[2] * width)
    find = partial(_find_in_chunk, days, flat, rules)
    with ThreadPoolExecutor(workers) as threads:
        found = list(threads.map(find, _chunks(flat.shape[2])))
    pixels, events = (np.concatenate(part) for part in zip(*found, strict=True))
    return breaks_of_events(event_table(pixels, events, width))


def check_looks(days: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return `values` as the kernels need them, or say what is wrong."""
    if values.ndim != 4 or values.shape[:2] != (len(days), len(BANDS)):
        raise ContractError(f"looks have shape {values.shape}, not ({len(days)}, {len(BANDS)}, y, x)", where="breaks")
    if not (np.isfinite(days).all() and (np.diff(days) >= 0).all()):
        raise ContractError("days do not ascend", where="breaks", mend="sort the looks by time")
    return np.ascontiguousarray(values, dtype=np.float32)


def _chunks(pixels: int) -> Iterator[tuple[int, int]]:
    """First pixel and one past the last of each chunk; one without any if there is none."""
    for start in range(0, max(pixels, 1), CHUNK):
        yield start, min(start + CHUNK, pixels)


def _find_in_chunk(days: np.ndarray, values: np.ndarray, rules: BreakRules, chunk: tuple[int, int]) -> Events:
    start, stop = chunk
    return take_in(new_states(stop - start), days, values, start=start, rules=rules)


def take_in(states: np.ndarray, days: np.ndarray, values: np.ndarray, *, start: int = 0, rules: BreakRules) -> Events:
    """Take looks of the pixels from `start` on into their states, in place.

    Parameters
    ----------
    states : float32 array (pixel, rows, lanes)
    days : float array (time,)
    values : float32 array (time, 6, pixel), C-contiguous

    Returns
    -------
    pixels : int64 array (event,)
        Which pixel of `values`.
    events : float32 array (event, EVENT_ROWS, LANES)
        See `change/_runs.py`.
    """
    from habitat.change import _runs, _watching

    n, total = len(states), values.shape[2]
    if n < _watching.BLOCK:  # blocks are whole: pixels that were never seen fill it up
        short = _watching.BLOCK - n
        grown = np.concatenate([states, new_states(short)])
        part = np.pad(values[:, :, start : start + n], ((0, 0), (0, 0), (0, short)), constant_values=np.nan)
        pixels, events = take_in(grown, days, part, rules=rules)
        states[:] = grown[:n]
        return pixels + start, events
    assert start + n <= total, "states of more pixels than there are looks of"
    models = int((days[-1] - days[0]) / rules.min_days) + 1 if len(days) else 0
    work = bench_with_prior(len(days), _watching.BLOCK)
    room = n * min(len(days), 2 * models + 2) + 1  # a model, a break, and perhaps its return
    events = np.empty((room, _runs.EVENT_ROWS, LANES), np.float32)
    count = _watching.advance(states, days.astype(np.float32), values, start, _settings(rules), work, events)
    found = events[:count].copy()
    return found[:, 0, _runs.PIXEL].astype(np.int64) + start, found


def bench_with_prior(times: int, pixels: int) -> np.ndarray:
    """Return the scratch of a kernel, with what is assumed of a pixel before it is seen written into it."""
    from habitat.change import _fitting

    bench = np.zeros((_fitting.BENCH_ROWS + (1 + pixels) * times, LANES), np.float32)
    bench[_fitting.RIDGE] = RIDGE
    bench[_fitting.USUAL, : len(BANDS)] = np.array(USUAL_SPREAD) ** 2
    bench[_fitting.FLOOR, : len(BANDS)] = LEAST_SPREAD**2
    return bench


def event_table(pixels: np.ndarray, events: np.ndarray, width: int) -> pd.DataFrame:
    """Return events as a table, in the order in which they happened to each pixel."""
    from habitat.change import _runs as r

    head, change = events[:, 0].astype(float), events[:, 1].astype(float)
    columns = {
        "row": pixels // width,
        "column": pixels % width,
        "kind": np.where(head[:, r.KIND] == r.CONFIRMED, "confirmed", "returned"),
        "after_day": head[:, r.BEFORE_DAY],
        "by_day": head[:, r.FIRST_DAY],
        "known_day": head[:, r.CONFIRMED_DAY],
        "statistic": head[:, r.STATISTIC],
        "looks": head[:, r.SUPPORT].astype(np.int64),
        "looks_before": head[:, r.LOOKS_BEFORE].astype(np.int64),
    }
    return pd.DataFrame(columns | {f"change_{band}": change[:, i] for i, band in enumerate(BANDS)})


def contrast(changes: pd.DataFrame) -> pd.Series:
    """Return how far the bands that forest loss raises (swir22, red) rise over the one that it lowers (nir08)."""
    return changes["change_swir22"] + changes["change_red"] - changes["change_nir08"]


def probability_features(breaks: pd.DataFrame) -> np.ndarray:
    """Return what the probability of breaks is told from, float64 (break, 5).

    One; how far a look deviates, squared, as a logarithm; how many looks made the model, as a logarithm; whether the
    old model held again; how far the bands that forest loss raises rose over the one that it lowers.
    """
    return np.column_stack(
        [
            np.ones(len(breaks)),
            np.log(breaks["statistic"] / breaks["looks"]),
            np.log(breaks["looks_before"].clip(lower=1)),
            breaks["returned_day"].notna(),
            np.clip(contrast(breaks) / 0.1, -2, 2),
        ]
    ).astype(float)


def probability(breaks: pd.DataFrame) -> np.ndarray:
    """Return the probability that breaks are lasting changes of the surface (see :data:`LASTING`)."""
    return 1 / (1 + np.exp(-probability_features(breaks) @ np.array(LASTING)))


def breaks_of_events(events: pd.DataFrame) -> pd.DataFrame:
    """Return breaks, one a row: a return is a property of the break before it."""
    confirmed = (events["kind"] == "confirmed").to_numpy()
    follows = np.append(~confirmed[1:], False) if len(events) else confirmed
    returned = np.where(follows, np.append(events["known_day"].to_numpy()[1:], np.nan)[: len(events)], np.nan)
    table = events.assign(returned_day=returned, day=(events["after_day"] + events["by_day"]) / 2)[confirmed]
    table = table.rename(columns={"known_day": "confirmed_day"})
    table["probability"] = probability(table)
    first = ["row", "column", "after_day", "by_day", "day", "confirmed_day", "returned_day"]
    second = ["statistic", "looks", "looks_before", "probability", *(f"change_{band}" for band in BANDS)]
    return table[first + second].sort_values(["row", "column", "day"], ignore_index=True)


def _settings(rules: BreakRules) -> Any:
    from scipy.stats import chi2

    from habitat.change._runs import Rules

    return Rules(
        looks=np.int64(rules.min_looks),
        span=np.float32(rules.min_days),
        least_weight=np.float32(0.05),
        start=np.float32(chi2.isf(0.05, len(BANDS))),
        along=np.float32(2.0),
        confirm=np.float32(chi2.isf(rules.false_alarms, len(BANDS))),
        confirmations=np.int64(rules.confirmations),
        confirm_days=np.float32(rules.confirm_days),
        prompt=np.float32(chi2.isf(rules.prompt_false_alarms, len(BANDS))),
        lasting_days=np.float32(rules.lasting_days),
        back=np.float32(chi2.isf(0.01, len(BANDS))),
        back_share=np.float32(0.7),
        longest=np.float32(5.0),
        shift_days=np.float32(rules.shift_days),
    )
