"""Days as they are counted where the animals live: from one local midnight to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def midnights(days: Any, timezone: str) -> pd.DatetimeIndex:
    """Return the moment (UTC) at which each day begins in a time zone.

    Where clocks go forward at midnight a day begins an hour later, where they go back, at the first of two midnights.

    >>> midnights(["2021-06-11"], "Asia/Vladivostok").strftime("%m-%d %H:%M").tolist()
    ['06-10 14:00']
    """
    naive = pd.DatetimeIndex(pd.to_datetime(days))
    first = np.ones(len(naive), dtype=bool)
    return naive.tz_localize(timezone, ambiguous=first, nonexistent="shift_forward").tz_convert("UTC")


def local_days(times: pd.Series, timezone: str) -> NDArray[np.datetime64]:
    """Return the day of each moment in a time zone, as datetime64[D].

    >>> local_days(pd.Series(pd.to_datetime(["2021-06-10T14:00Z"])), "Asia/Vladivostok").astype(str).tolist()
    ['2021-06-11']
    """
    local = times.dt.tz_convert(timezone).dt.tz_localize(None)
    return np.asarray(local.to_numpy().astype("datetime64[D]"))
