"""How reflectance changes with the directions of sun and view: one set of weights for all land.

A reflectance model of three terms, of which only ratios are used: `isotropic + volume * RossThick + surface *
LiSparse-R`. The weights are global means of a year of MODIS (MCD43A1).
"""

from __future__ import annotations

from collections.abc import Mapping

WEIGHTS: Mapping[str, tuple[float, float, float]] = {
    "blue": (0.0774, 0.0372, 0.0079),
    "green": (0.1306, 0.0580, 0.0178),
    "red": (0.1690, 0.0574, 0.0227),
    "nir08": (0.3093, 0.1535, 0.0330),
    "swir16": (0.3430, 0.1154, 0.0453),
    "swir22": (0.2658, 0.0639, 0.0387),
}
"""Isotropic, volume and surface weight of each band: Roy et al. 2016, Remote Sensing of Environment 176, 255-271;
the same for Sentinel-2: Roy et al. 2017, Remote Sensing of Environment 199, 25-38."""
