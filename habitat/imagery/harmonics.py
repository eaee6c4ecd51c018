"""The course of a year through all its looks: level, yearly and half-yearly wave, and scatter of an index.

A season's picture forgets on which day of the season it was taken. Waves through the dated looks do not: they mean the
same whether leaves happened to be seen early or late in their season, in four looks or in forty.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from habitat import indices
from habitat.cubes import FEATURES, STACK
from habitat.seasons import Season

INDICES = {"ndvi": (indices.ndvi, ("red", "nir08")), "ndmi": (indices.ndmi, ("nir08", "swir16"))}
PARTS = ("level", "cos", "sin", "cos2", "sin2", "scatter")
FEWEST_LOOKS = 3
"""With fewer there is no course."""
STIFFNESS = (1e-6, 0.05, 0.05, 0.2, 0.2)
"""What the square of a coefficient costs beside that of one look's residual: few looks give a flat course, not a wild
one."""
LEAST_DEVIATION = 0.02
"""Of an index between looks of one surface: smaller residuals are no outliers."""
FITS = 3
LEAST_FREEDOM = 1.0
"""Degrees of freedom that a fit must leave for its residuals to tell the scatter; with three or four looks few do."""


def harmonic_names(bands: Sequence[str]) -> tuple[str, ...]:
    """Return the variables that :func:`fit_harmonics` makes of these bands, in their order."""
    known = [name for name, (_, needed) in INDICES.items() if all(band in bands for band in needed)]
    return tuple(f"{name}_{part}" for name in known for part in PARTS)


def fit_harmonics(stack: xr.Dataset, *, years: Sequence[int], seasons: Sequence[Season]) -> xr.Dataset:
    """Return the course of NDVI and NDMI through each year's looks.

    index(t) = level + cos cos(2πt) + sin sin(2πt) + cos2 cos(4πt) + sin2 sin(4πt), t the share of the year that has
    passed; robust and ridged least squares (Huber 1964; the model is that of Zhu and Woodcock 2014, Remote Sensing of
    Environment 144, 152-171, without trend).

    Parameters
    ----------
    stack : STACK
        NaN where a look is not clear.
    years : sequence of int
    seasons : sequence of Season
        A look counts for the year that one of the seasons takes it for.

    Returns
    -------
    FEATURES
        float32 `<index>_level`, `_cos`, `_sin`, `_cos2`, `_sin2`, and `_scatter`, the residuals'
        standard deviation: over the looks less the parameters that the fit spends (the trace of its hat matrix), so
        that it means the same whatever the number of looks. NaN where there are fewer than three clear looks, or a band
        is missing; scatter also where the fit leaves less than one degree of freedom, as with most threes and fours.
    """
    from habitat.imagery import _harmonics

    STACK.check(stack)
    bands = [str(name) for name in stack.data_vars]
    names = harmonic_names(bands)
    shape = (stack.sizes["y"], stack.sizes["x"])
    days = stack["time"].values.astype("datetime64[D]")
    made = np.full((len(names), len(years), *shape), np.nan, dtype=np.float32)
    limits = np.array([FEWEST_LOOKS, LEAST_DEVIATION, FITS, LEAST_FREEDOM], dtype=np.float64)
    for number, year in enumerate(years):
        windows = [np.array(season.window(year), dtype="datetime64[D]") for season in seasons]
        chosen = np.flatnonzero(np.any([(days >= first) & (days <= last) for first, last in windows], axis=0))
        if not len(chosen):
            continue
        turn = 2 * np.pi * (days[chosen] - np.datetime64(f"{year}-01-01")).astype(np.float64) / 365.25
        waves = np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], axis=1)
        for at in range(0, len(names), len(PARTS)):
            function, needed = INDICES[names[at].split("_")[0]]
            looks = function(*(stack[band].values[chosen] for band in needed)).astype(np.float32)
            out = np.empty((len(PARTS), shape[0] * shape[1]), dtype=np.float32)
            _harmonics.fit(looks.reshape(len(chosen), -1), waves, np.array(STIFFNESS), limits, out)
            made[at : at + len(PARTS), number] = out.reshape(len(PARTS), *shape)
    data = {name: (FEATURES.dims, values) for name, values in zip(names, made, strict=True)}
    coords = {name: stack.coords[name] for name in ("y", "x", "spatial_ref") if name in stack.coords}
    return FEATURES.check(xr.Dataset(data, coords={"year": list(years), **coords}))
