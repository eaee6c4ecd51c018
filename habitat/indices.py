"""Spectral indices: dimensionless, -1 to 1, NaN where a band is missing or both are zero.

Each takes reflectances of one shape (0-1) and returns float32 of that shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

INDEX_NAMES = ("ndvi", "ndmi", "nbr", "ndwi")


def normalized_difference(first: Any, second: Any) -> Any:
    """(first - second) / (first + second), limited to -1 to 1.

    >>> normalized_difference(np.float32([0.4, 0.0]), np.float32([0.1, 0.0]))
    array([0.6, nan], dtype=float32)
    """
    total = first + second
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (first - second) / np.where(total > 0, total, np.nan)
    return np.clip(ratio, -1, 1)


def ndvi(red: Any, nir08: Any) -> Any:
    """Vegetation (Rouse et al. 1974)."""
    return normalized_difference(nir08, red)


def ndmi(nir08: Any, swir16: Any) -> Any:
    """Canopy moisture (Gao 1996; Wilson and Sader 2002)."""
    return normalized_difference(nir08, swir16)


def nbr(nir08: Any, swir22: Any) -> Any:
    """Burn ratio (Key and Benson 2006)."""
    return normalized_difference(nir08, swir22)


def ndwi(green: Any, nir08: Any) -> Any:
    """Open water (McFeeters 1996)."""
    return normalized_difference(green, nir08)
