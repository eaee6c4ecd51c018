"""The six bands that breaks are looked for in, and what stands in for one that is missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from habitat.cubes import BANDS
from habitat.errors import ContractError

SWIR22_OF_SWIR16 = 0.55
"""Usual ratio of the two over forest."""


def with_all_bands(stack: xr.Dataset) -> xr.Dataset:
    """Return a STACK with all six bands: where there is no swir22, swir16 stands in for it, scaled as over forest.

    Some catalogues serve no swir22. Fewer losses are found without it (on simulated landscapes a tenth fewer, `hard`
    preset), and no more false ones.

    Raises
    ------
    ContractError
        If another band is missing.
    """
    if missing := missing_bands(tuple(map(str, stack.data_vars))):
        raise ContractError(f"band {missing[0]!r} is missing: breaks are looked for in six bands", where="STACK")
    if "swir22" in stack:
        return stack
    return stack.assign(swir22=stack["swir16"] * np.float32(SWIR22_OF_SWIR16))


def missing_bands(bands: Sequence[str]) -> list[str]:
    """Return the bands that breaks need and for which no other stands in."""
    return [band for band in BANDS if band not in bands and band != "swir22"]
