"""Samples and features that a classifier can learn, from a rule that the eye can see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

OAK, GRASS, WATER = 14, 22, 50
FOREST_CODES = (11, 12, 13, 14, 15)
MEANS = {OAK: (0.8, 0.4), GRASS: (0.5, 0.1), WATER: (-0.3, 0.6)}
"""NDVI and NDMI of each class: far apart."""


def samples(per_class: int = 40, *, years: Sequence[int] = (2020,), noise: float = 0.03, seed: int = 0) -> pd.DataFrame:
    """Labels on a square of 60 x 60 pixels, each class everywhere."""
    rng = np.random.default_rng(seed)
    parts = []
    for code, means in MEANS.items():
        seen = rng.normal(means, noise, (per_class, 2)).astype("float32")
        place = rng.integers(0, 60, (per_class, 2))
        parts.append(
            pd.DataFrame(
                {
                    "row": place[:, 0],
                    "col": place[:, 1],
                    "year": rng.choice(years, per_class),
                    "code": code,
                    "dated": True,
                    "ndvi_mapping": seen[:, 0],
                    "ndmi_mapping": seen[:, 1],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def features(codes: Sequence[Sequence[int]], *, year: int = 2020) -> xr.Dataset:
    """FEATURES of one year whose pixels look like these classes; 0 was not seen."""
    looks = {code: np.float32(means) for code, means in MEANS.items()} | {0: np.float32([np.nan, np.nan])}
    table = np.stack([[looks[code] for code in row] for row in codes])
    return xr.Dataset(
        {name: (("year", "y", "x"), table[None, :, :, at]) for at, name in enumerate(("ndvi_mapping", "ndmi_mapping"))},
        coords={"year": [year]},
    )
