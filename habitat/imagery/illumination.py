"""Reflectance as if all ground were flat: slopes that face the sun are darker than they seem, others brighter.

The law is that of the C-correction (Teillet, Guindon and Goodenough 1982, Canadian Journal of Remote Sensing 8,
84-106): the light on a slope is in proportion to `cos i + C`, of which `C` comes from everywhere. Written with the
share `w = 1 / (1 + C)` that comes straight from a sun overhead, it holds for ground that is not affected (`w = 0`) and
for products that were corrected too far already (`w < 0`).

What is new is how `w` is found. One look cannot tell a dark slope from the dark conifers that like to grow on it: a
regression on `cos i` takes the one for the other. But between two looks at the same green canopy the sun moves and the
trees do not, so each pixel is compared with itself. `C` is nearly the same for all suns (of a thin atmosphere both the
light that it scatters and what it takes from the beam grow as the sun sinks), hence one `w` a sensor and band. Where
the suns differ too little for the errors that atmospheric correction leaves, it is drawn to what is likely. Then each
look may differ from it (haze, an offset) as far as its data are sure of that, where trees of the same flat-lit summer
colours are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from habitat.cubes import BANDS, STACK, Quality
from habitat.errors import ContractError
from habitat.imagery._illumination import USUAL, direct_shares
from habitat.imagery.masks import NOT_CLEAR
from habitat.imagery.relief import LEAST_COSINE, grid_under, rises, sun_cosine, suns
from habitat.indices import ndvi

STEEP, GREEN = np.tan(np.radians(5.0)), 0.6
"""Rise of the ground, and greatest NDVI of all looks, from which a pixel may tell about the light."""
RATIOS = (0.4, 2.0)
"""Light on a slope relative to flat ground, beyond which nothing is corrected further."""


def slope_samples(stack: xr.Dataset, height_m: np.ndarray, *, most: int = 4000) -> xr.Dataset:
    """Return the clear looks at some of the green slopes of a block, from which :func:`fit_illumination` learns.

    Parameters
    ----------
    stack : STACK
        With coordinates `sun_zenith` and `sun_azimuth` (:func:`~habitat.imagery.shade_looks`), and `sensor` where
        there is more than one. Looks that are not clear may be NaN or have their quality bits.
    height_m : float32 (y, x)
        On the stack's grid, NaN where unknown.
    most : int
        Pixels that are drawn, the same ones each time.

    Returns
    -------
    Dataset (time, pixel)
        float32 bands, NaN where a look is not clear; `cosine` between sun and ground, and `flat`, the same on flat
        ground. No pixel, if there is no relief or nothing green.

    Raises
    ------
    ContractError
        If it has no red or near infrared, or does not say where the sun stood.
    GridError
        If the heights have another shape.
    """
    STACK.check(stack)
    if "red" not in stack or "nir08" not in stack:
        raise ContractError("green slopes are found in red and nir08", where="STACK")
    grid = grid_under(stack, height_m)
    rise = rises(height_m, abs(grid.transform.a))
    clear = (stack["quality"].values & NOT_CLEAR) == 0
    green = np.where(clear, np.nan_to_num(ndvi(stack["red"].values, stack["nir08"].values), nan=-1.0), -1.0)
    rows, cols = np.nonzero((np.hypot(*rise) > STEEP) & (green.max(axis=0, initial=-1.0) > GREEN))
    chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:most])
    rows, cols = rows[chosen], cols[chosen]
    there = (rise[0][rows, cols][None], rise[1][rows, cols][None])
    found = suns(stack, grid)
    cosine = np.concatenate([np.empty((0, len(rows)), np.float32), *(sun_cosine(there, tuple(sun)) for sun in found)])
    flat = np.broadcast_to(np.sin(np.radians(found[:, 1:])), cosine.shape).astype(np.float32)
    seen = clear[:, rows, cols] & (cosine > LEAST_COSINE)
    dims = ("time", "pixel")
    data = {
        band: (dims, np.where(seen, stack[band].values[:, rows, cols], np.float32(np.nan)))
        for band in BANDS
        if band in stack
    }
    sensors = stack["sensor"].values.astype(str) if "sensor" in stack.coords else np.full(stack.sizes["time"], "")
    return xr.Dataset(
        data | {"cosine": (dims, cosine), "flat": (dims, flat)},
        coords={"time": stack["time"].values, "sensor": ("time", sensors)},
    )


def fit_illumination(samples: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return how much of the light that falls on slopes comes straight from the sun, by look and band.

    Parameters
    ----------
    samples : sequence of Dataset
        :func:`slope_samples` of some blocks spread over the whole area: coefficients of each block's own would leave
        seams between blocks.

    Returns
    -------
    Dataset
        float32 `direct_share` (time, band), with `sensor` along time, and `usual_share` (known_sensor, band)
        for looks that no sample saw. A share `w` is a `C` of `(1 - w) / w`.

    Raises
    ------
    ContractError
        If there is no sample.
    """
    if not samples:
        raise ContractError("no samples of slopes to learn from", where="fit_illumination")
    bands = [band for band in BANDS if all(band in sample for sample in samples)]
    looks = sorted({key for sample in samples for key in _looks_of(sample)})
    logs, cosine, flat = _join(samples, bands, looks)
    sensors = np.array([sensor for _, sensor in looks], dtype=str)
    shares = np.full((len(looks), len(bands)), USUAL, np.float32)
    known = sorted(set(sensors))
    usual = np.full((len(known), len(bands)), USUAL, np.float32)
    for number, sensor in enumerate(known):
        own = sensors == sensor
        usual[number], shares[own] = direct_shares(logs[:, own], cosine[own], flat[own], bands)
    return xr.Dataset(
        {"direct_share": (("time", "band"), shares), "usual_share": (("known_sensor", "band"), usual)},
        coords={
            "time": np.array([when for when, _ in looks], dtype="datetime64[ns]"),
            "sensor": ("time", sensors),
            "known_sensor": np.array(known, dtype=str),
            "band": bands,
        },
    )


def level_reflectance(stack: xr.Dataset, height_m: np.ndarray, coefficients: xr.Dataset) -> xr.Dataset:
    """Return the stack as it would look if all ground were flat.

    Parameters
    ----------
    stack : STACK
        With coordinates `sun_zenith` and `sun_azimuth` (:func:`~habitat.imagery.shade_looks`).
    height_m : float32 (y, x)
        On the stack's grid; where it is unknown, and where the sun is, reflectance stays as it is.
    coefficients : Dataset
        Of :func:`fit_illumination`, the same for all blocks. A look that it does not know takes what is usual for its
        sensor.

    Returns
    -------
    STACK
        Bands float32. Where the sun does not rise above the slope by more than :data:`LEAST_COSINE`, reflectance
        stays as it is, and `quality` has SHADOW.

    Raises
    ------
    ContractError
        If it does not say where the sun stood.
    GridError
        If the heights have another shape.
    """
    from habitat.imagery import _relief

    STACK.check(stack)
    grid = grid_under(stack, height_m)
    rise = rises(height_m, abs(grid.transform.a))
    shares = _shares_for(stack, coefficients)
    found = suns(stack, grid)
    limits = tuple(map(np.float32, (LEAST_COSINE, *RATIOS)))
    bands = [str(name) for name in stack.data_vars if name != "quality"]
    levelled = {band: np.array(stack[band].values, dtype=np.float32) for band in bands}
    quality = stack["quality"].values.copy()
    for look, sun in enumerate(found):
        if not np.isfinite(sun).all():
            continue
        cosine, flat = sun_cosine(rise, tuple(sun)), np.float32(np.sin(np.radians(sun[1])))
        quality[look][cosine <= LEAST_COSINE] |= Quality.SHADOW
        for band in bands:
            if band in shares:
                values = levelled[band][look]
                _relief.level(values, cosine, (shares[band][look], flat), limits, values)
    changed = {band: stack[band].copy(data=levelled[band]) for band in bands}
    return stack.assign(changed | {"quality": stack["quality"].copy(data=quality)})


def _looks_of(cube: xr.Dataset) -> list[tuple[np.datetime64, str]]:
    """Each look's time and sensor: together they name it."""
    times = cube["time"].values.astype("datetime64[ns]")
    sensors = cube["sensor"].values if "sensor" in cube.coords else np.full(len(times), "")
    return list(zip(times, map(str, sensors), strict=True))


def _join(
    samples: Sequence[xr.Dataset], bands: list[str], looks: list[tuple[np.datetime64, str]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All samples' pixels side by side: logarithms (band, time, pixel), cosines and flat cosines (time, pixel)."""
    place = {look: k for k, look in enumerate(looks)}
    names = [*bands, "cosine", "flat"]
    parts = []
    for sample in samples:
        part = np.full((len(names), len(looks), sample.sizes["pixel"]), np.nan, np.float32)
        rows = [place[look] for look in _looks_of(sample)]
        for k, name in enumerate(names):
            part[k, rows] = sample[name].values
        parts.append(part)
    joined = np.concatenate(parts, axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(np.where(joined[:-2] > 0, joined[:-2], np.nan))
    return logs, joined[-2], joined[-1]


def _shares_for(stack: xr.Dataset, coefficients: xr.Dataset) -> dict[str, np.ndarray]:
    """By band: each look's share, what is usual for its sensor, or for any."""
    bands = list(map(str, coefficients["band"].values))
    known = dict(zip(_looks_of(coefficients), coefficients["direct_share"].values, strict=True))
    usual = dict(zip(map(str, coefficients["known_sensor"].values), coefficients["usual_share"].values, strict=True))
    any_sensor = np.full(len(bands), USUAL, np.float32)
    chosen = np.array([known.get(look, usual.get(look[1], any_sensor)) for look in _looks_of(stack)], np.float32)
    return {band: chosen[:, k] for k, band in enumerate(bands)}
