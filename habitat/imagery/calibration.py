"""Looks of several sensors in one sensor's bands."""

from __future__ import annotations

import numpy as np
import xarray as xr

from habitat.cubes import STACK
from habitat.errors import ContractError
from habitat.sensors.bandpass import lines_to_oli


def to_common_bands(stack: xr.Dataset) -> xr.Dataset:
    """Return the stack as OLI's bands would have seen it (:mod:`habitat.sensors.bandpass`).

    Parameters
    ----------
    stack : STACK
        With the coordinate `sensor` along time, and `platform` where it is known.

    Returns
    -------
    STACK
        Its bands float32; those of looks that need no line are the same in every bit.

    Raises
    ------
    ContractError
        If the looks do not say which sensor they are of.
    """
    STACK.check(stack)
    if "sensor" not in stack.coords:
        raise ContractError("coordinate 'sensor' is missing: nothing says whose bands they are", where="STACK")
    sensors = [str(name) for name in stack["sensor"].values]
    platforms = [str(name) for name in stack["platform"].values] if "platform" in stack.coords else [""] * len(sensors)
    lines = [lines_to_oli(sensor, platform) for sensor, platform in zip(sensors, platforms, strict=True)]
    changed = {}
    for band in stack.data_vars:
        if band == "quality":
            continue
        slopes, offsets = np.array([each.get(str(band), (1.0, 0.0)) for each in lines], np.float32).T[..., None, None]
        changed[band] = stack[band].copy(data=stack[band].values * slopes + offsets)
    return stack.assign(changed)
