"""One picture a season: the median of the clear looks or the look nearest to it, and how many there were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr

from habitat.cubes import COMPOSITE, STACK
from habitat.seasons import Season

Bands = Mapping[str, np.ndarray]
"""Each band's looks (time, y, x), or its picture (y, x)."""


def seasonal_median(stack: xr.Dataset, *, years: Sequence[int], seasons: Sequence[Season]) -> xr.Dataset:
    """Return each season's median reflectance, band by band, and the number of clear looks.

    Parameters
    ----------
    stack : STACK
        NaN where a look is not clear.
    years, seasons
        Every combination is in the result, seen or not.

    Returns
    -------
    COMPOSITE
        float32 bands, NaN where there was no clear look; `looks` uint16. Where the stack says which sensor each look
        is of, `sensor_looks` uint16 (sensor, year, season, y, x): how many of the looks are of which.
    """
    return _composite(stack, years, seasons, lambda looks: {band: median_over_time(v)[0] for band, v in looks.items()})


def seasonal_medoid(stack: xr.Dataset, *, years: Sequence[int], seasons: Sequence[Season]) -> xr.Dataset:
    """Return each season's medoid: all bands of the one clear look that lies nearest to the median of all.

    What a pixel shows was really seen, at one moment: ratios of bands are those of a surface, whereas bands of a
    median may come from different looks. It is noisier than the median, which averages nothing away but outliers.
    The idea is that of Flood 2013, Remote Sensing 5, 6481-6500, with distances to the median in place of those between
    all pairs of looks; differences are relative to the median, so that no bright band decides alone.

    Parameters
    ----------
    stack : STACK
        NaN where a look is not clear.
    years, seasons
        Every combination is in the result, seen or not.

    Returns
    -------
    COMPOSITE
        As of :func:`seasonal_median`; of looks that are equally near the first counts.
    """
    return _composite(stack, years, seasons, _nearest_to_median)


def median_over_time(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the median along the first axis without NaN, float32, and how many values it is of, uint16.

    The same numbers as :func:`numpy.nanmedian`, twelve times faster and more (`benchmarks/results/compositing.md`).

    >>> median_over_time(np.float32([[1], [np.nan], [4]]))
    (array([2.5], dtype=float32), array([2], dtype=uint16))
    """
    from habitat.imagery._medians import exchanges, median

    shape = values.shape[1:]
    medians, count = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.uint16)
    series = np.ascontiguousarray(values, dtype=np.float32).reshape(len(values), -1)
    median(series, exchanges(len(values)), medians.reshape(-1), count.reshape(-1))
    return medians, count


_DARKEST = 0.02
"""Reflectance below which differences count as they are: of water and shade, ratios are noise."""


def _nearest_to_median(looks: Bands) -> Bands:
    """All bands of the look, of those whole in every band, that is nearest to the median of these."""
    whole = np.logical_and.reduce([np.isfinite(values) for values in looks.values()])
    apart = np.where(whole, np.float32(0), np.float32(np.inf))
    for values in looks.values():
        median, _ = median_over_time(np.where(whole, values, np.float32(np.nan)))
        scale = np.maximum(np.nan_to_num(median), np.float32(_DARKEST))
        with np.errstate(invalid="ignore"):
            apart += np.nan_to_num((values - median) / scale, nan=0.0, posinf=0.0, neginf=0.0) ** 2
    nearest = np.argmin(apart, axis=0)[None]
    seen = whole.any(axis=0)
    return {
        band: np.where(seen, np.take_along_axis(values, nearest, axis=0)[0], np.float32(np.nan))
        for band, values in looks.items()
    }


def _composite(
    stack: xr.Dataset, years: Sequence[int], seasons: Sequence[Season], picture: Callable[[Bands], Bands]
) -> xr.Dataset:
    """Take each season's looks to one picture."""
    STACK.check(stack)
    bands = [str(name) for name in stack.data_vars if name != "quality"]
    days = stack["time"].values.astype("datetime64[D]")
    of_look = stack["sensor"].values.astype(str) if "sensor" in stack.coords else np.full(len(days), "")
    sensors = sorted(set(of_look.tolist()) - {""})
    shape = (len(years), len(seasons), stack.sizes["y"], stack.sizes["x"])
    pictures = {band: np.full(shape, np.nan, dtype=np.float32) for band in bands}
    looks = np.zeros(shape, dtype=np.uint16)
    shared = np.zeros((len(sensors), *shape), dtype=np.uint16)
    for i, year in enumerate(years):
        for j, season in enumerate(seasons):
            first, last = (np.datetime64(day) for day in season.window(year))
            chosen = np.flatnonzero((days >= first) & (days <= last))
            if not len(chosen):
                continue
            seen = {band: stack[band].values[chosen] for band in bands}
            for band, values in picture(seen).items():
                pictures[band][i, j] = values
            whole = np.logical_and.reduce([np.isfinite(values) for values in seen.values()])
            looks[i, j] = whole.sum(axis=0)
            for k, sensor in enumerate(sensors):
                shared[k, i, j] = whole[of_look[chosen] == sensor].sum(axis=0)
    data = {
        band: (COMPOSITE.dims, values, {"units": "1", "long_name": f"surface reflectance of a season, {band}"})
        for band, values in pictures.items()
    } | {"looks": (COMPOSITE.dims, looks, {"units": "1", "long_name": "clear observations"})}
    coords = {
        "year": list(years),
        "season": [season.name for season in seasons],
        **{name: stack.coords[name] for name in ("y", "x", "spatial_ref") if name in stack.coords},
    }
    composite = COMPOSITE.check(xr.Dataset(data, coords=coords))
    if sensors:
        said = {"units": "1", "long_name": "clear observations of one sensor"}
        composite = composite.assign(sensor_looks=(("sensor", *COMPOSITE.dims), shared, said))
        composite = composite.assign_coords(sensor=sensors)
    return composite
