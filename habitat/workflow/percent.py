"""Shares 0-1 as whole percent in a uint8 file."""

from __future__ import annotations

import numpy as np

PERCENT_NODATA = 255


def to_percent(share: np.ndarray) -> np.ndarray:
    """0-1 with NaN as uint8 percent with 255. Half a percent never crosses 50: the map and it agree."""
    percent = np.where(share >= 0.5, np.ceil(share * 100 - 0.5), np.floor(share * 100 + 0.5))
    percent = np.where((share < 0.5) & (percent >= 50), 49, percent)
    return np.where(np.isnan(share), PERCENT_NODATA, percent).astype(np.uint8)


def from_percent(percent: np.ndarray) -> np.ndarray:
    """The inverse of :func:`to_percent`, float32."""
    return np.where(percent == PERCENT_NODATA, np.nan, percent / np.float32(100)).astype(np.float32)
