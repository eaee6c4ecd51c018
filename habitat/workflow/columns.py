"""Columns that tables of a run share: days as files hold them, dates as people read them, places of pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.change.breaks import EPOCH

_DAY = np.timedelta64(1, "D")


def as_days(dates: np.ndarray) -> np.ndarray:
    """Dates as whole days since 2000-01-01, float64."""
    return np.asarray((dates.astype("datetime64[D]") - EPOCH.astype("datetime64[D]")) / _DAY)


def as_dates(days: np.ndarray) -> pd.Series:
    """Days since 2000-01-01 as dates, NaN as null."""
    whole = np.where(np.isfinite(days), np.floor(np.nan_to_num(days)), 0).astype(np.int64)
    found = EPOCH.astype("datetime64[s]") + whole * np.timedelta64(86400, "s")
    return pd.Series(np.where(np.isfinite(days), found, np.datetime64("NaT", "s")))


def places_of(pixels: pd.DataFrame, grid: GeoBox) -> dict[str, pd.Series | np.ndarray]:
    """Centres of pixels, `x` and `y` in the grid's reference system, with their `row` and `column`."""
    side, _, west, _, down, north = grid.transform[:6]
    x = west + side * (pixels["column"].to_numpy(float) + 0.5)
    y = north + down * (pixels["row"].to_numpy(float) + 0.5)
    return {"x": x, "y": y, "row": pixels["row"], "column": pixels["column"]}
