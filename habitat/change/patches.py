"""What a patch of loss looked like before and after, when it happened, and what shape it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from habitat.change.signs import DAY, SIGNS, read_signs, well_seen
from habitat.cubes import BANDS, STACK
from habitat.errors import ContractError

_FLOOR = 0.005
"""Reflectance below which logarithms are not taken."""

ATTRIBUTES = (
    *(f"change_{band}" for band in BANDS),
    *("early_nbr", "early_red", "early_nir08", "early_swir16", "early_wetness", "later_nbr"),
    *("slowness", "ramp_years", "ramp_gain"),
    *("before_nbr", "after_nbr", "season_cos", "season_sin", "log_gap_days"),
    *("log_area_ha", "compactness", "rectangularity", "unevenness"),
    *SIGNS,
)
"""Columns that :func:`describe_patches` returns for :func:`habitat.change.kind_of_loss`."""


def describe_patches(
    stack: xr.Dataset, patches: np.ndarray, years: pd.Series, *, reference: np.ndarray, pixel_m: float
) -> Any:
    """Return the attributes of each patch of loss: spectra, season, speed, recovery and shape.

    Each band is the logarithm of its reflectance less that of unchanged forest on the same day: what seasons, droughts
    and the atmosphere do to all forest falls away.

    Parameters
    ----------
    stack : STACK
        All six bands; NaN where a look is not clear.
    patches : int array (y, x)
        Numbers of patches from 1 (:func:`habitat.change.patch_numbers`); 0 = none.
    years : Series
        By patch number: the first mapping season, ending on 15 September, that shows the loss.
    reference : bool array (y, x)
        Unchanged forest.
    pixel_m : float
        Side of a pixel.

    Returns
    -------
    DataFrame
        Indexed by patch: `date`, the first look after the loss, between the season before and that of `years`;
        `earliest`, the look before it; and :data:`ATTRIBUTES`, float, NaN where nothing was seen: `change_<band>`, the
        next year less the two before; `early_...`, the first two months after it less the same (`wetness`: green beside
        swir16); `later_nbr`, what the burn ratio regains in the second and third year; `slowness`, the share of the
        change that comes after half a year; `ramp_years` and `ramp_gain`, how long it takes and how much better a slow
        change fits than a sudden one; `before_nbr` and `after_nbr`, the burn ratio beside the reference's; the season
        as cosine and sine of the year's angle; `compactness`, 1 for a square, less for ragged ones; `rectangularity`,
        the share of the smallest rectangle around the patch; `unevenness`, the standard deviation of the change of the
        burn ratio within the patch; and the signs of :func:`habitat.change.signs.read_signs`.

    Raises
    ------
    ContractError
        If bands are missing or shapes differ, or no reference is marked.
    """
    STACK.check(stack)
    missing = [band for band in BANDS if band not in stack]
    shape = (stack.sizes["y"], stack.sizes["x"])
    if missing or patches.shape != shape or reference.shape != shape or not reference.any():
        raise ContractError(
            f"bands {missing} are missing" if missing else "patches, reference and stack do not fit each other",
            where="describe_patches",
            mend="give all six bands, arrays of one shape, and some unchanged forest",
        )
    days = stack["time"].values.astype("datetime64[D]")
    looks = np.stack([np.log(np.maximum(stack[band].values.reshape(len(days), -1), _FLOOR)) for band in BANDS])
    usual = _median_of(looks[:, :, reference.ravel()])
    order = np.argsort(patches, axis=None, kind="stable")
    numbers, begins = np.unique(patches.ravel()[order], return_index=True)
    rows = {}
    for number, pixels in zip(numbers, np.split(order, begins[1:]), strict=True):
        if number:
            own, mean, when = well_seen(looks[:, :, pixels] - usual[:, :, None], days)
            year = int(years[number])
            signs = read_signs(own, mean, when, year)
            rows[int(number)] = _spectral(own, mean, when, year) | signs | _shape(pixels, shape[1], pixel_m)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["date", "earliest", *ATTRIBUTES])
    types = dict.fromkeys(ATTRIBUTES, "float64") | dict.fromkeys(("date", "earliest"), "datetime64[s]")
    return table.astype(types).rename_axis("patch")


def _median_of(values: np.ndarray) -> np.ndarray:
    """Median over the last axis without NaN; NaN where there is nothing, or little."""
    clear = np.isfinite(values)
    enough = clear.mean(axis=-1) >= 0.02
    filled = np.where(enough[..., None] & clear, values, np.nan)
    filled[~enough] = 0.0
    return np.where(enough, np.nanmedian(filled, axis=-1), np.nan)


def _spectral(own: np.ndarray, mean: np.ndarray, days: np.ndarray, year: int) -> dict[str, Any]:
    """Attributes of one patch from its pixels' looks (band, time, pixel), less the reference's, and their means."""
    nothing = dict.fromkeys(ATTRIBUTES, np.nan) | {"date": np.datetime64("NaT"), "earliest": np.datetime64("NaT")}
    if len(days) < 4:
        return nothing
    split = _split(mean, days, np.datetime64(f"{year - 1}-08-15"), np.datetime64(f"{year}-09-15"))
    if not 0 < split < len(days):
        return nothing
    ago = (days - days[split]) / DAY

    def level(first: float, last: float) -> np.ndarray:
        inside = (ago >= first) & (ago < last)
        return np.median(mean[:, inside], axis=1) if inside.any() else np.full(len(mean), np.nan)

    before, after = level(-730, 0), level(0, 365)
    early, late, later = level(0, 60), level(180, 540), level(540, 1100)  # the first look is always among the early
    change = after - before
    ratio = {name: value[3] - value[5] for name, value in (("before", before), ("after", after))}
    fall = ratio["before"] - ratio["after"]
    angle = 2 * np.pi * float((days[split] - days[split].astype("datetime64[Y]")) / DAY) / 365.25
    each = own[3] - own[5]
    pair = [
        np.nanmean(np.where(inside[:, None], each, np.nan)[inside], axis=0)
        for inside in ((ago >= -730) & (ago < 0), (ago >= 0) & (ago < 365))
        if np.isfinite(each[inside]).any(axis=0).all()
    ]
    return {f"change_{band}": float(value) for band, value in zip(BANDS, change, strict=True)} | {
        "date": days[split],
        "earliest": days[split - 1],
        "early_nbr": float((early[3] - early[5]) - ratio["before"]),
        "early_red": float(early[2] - before[2]),
        "early_nir08": float(early[3] - before[3]),
        "early_swir16": float(early[4] - before[4]),
        "early_wetness": float((early[1] - early[4]) - (before[1] - before[4])),
        "later_nbr": float((later[3] - later[5]) - ratio["after"]),
        "slowness": float((ratio["after"] - (late[3] - late[5])) / max(abs(fall), 0.1)),
        **_ramp(mean, ago),
        "before_nbr": float(ratio["before"]),
        "after_nbr": float(ratio["after"]),
        "season_cos": float(np.cos(angle)),
        "season_sin": float(np.sin(angle)),
        "log_gap_days": float(np.log(max((days[split] - days[split - 1]) / DAY, 1.0))),
        "unevenness": float(np.std(pair[1] - pair[0])) if len(pair) == 2 else np.nan,
    }


def _split(mean: np.ndarray, days: np.ndarray, first: np.datetime64, last: np.datetime64) -> int:
    """The look from which on the bands (band, time) are on another level: least squares within two years around."""
    near = np.flatnonzero((days >= first - 365 * DAY) & (days <= last + 365 * DAY))
    best, least = -1, np.inf
    for k in range(1, len(near)):
        if not first <= days[near[k]] <= last:
            continue
        parts = mean[:, near[:k]], mean[:, near[k:]]
        left = sum(float(((part - part.mean(axis=1, keepdims=True)) ** 2).sum()) for part in parts)
        if left < least:
            best, least = int(near[k]), left
    return best


def _ramp(mean: np.ndarray, ago: np.ndarray) -> dict[str, float]:
    """How long the fall takes, by least squares over lengths and beginnings, and how much better that fits than a step.

    Over two and a half years on either side, all bands (band, time) together.
    """
    near = np.abs(ago) <= 900
    values, when = mean[:, near] - mean[:, near].mean(axis=1, keepdims=True), ago[near]
    if len(when) < 6:
        return {"ramp_years": np.nan, "ramp_gain": np.nan}
    whole = float((values**2).sum())
    left = {}
    for length in (1, 200, 400, 600, 900):
        best = whole
        for begin in range(-length, 1, 50) if length > 1 else (0, -1):
            course = np.clip((when - begin) / length, 0, 1)
            course = course - course.mean()
            best = min(best, whole - float(((values @ course) ** 2).sum() / max(float(course @ course), 1e-9)))
        left[length] = best
    length = min(left, key=lambda key: left[key])
    return {"ramp_years": length / 365.25, "ramp_gain": float(np.log((left[1] + 1e-6) / (left[length] + 1e-6)))}


def _shape(pixels: np.ndarray, width: int, pixel_m: float) -> dict[str, float]:
    """Size and shape of a set of pixels."""
    y, x = np.divmod(pixels, width)
    mask = np.zeros((np.ptp(y) + 3, np.ptp(x) + 3), dtype=bool)
    mask[y - y.min() + 1, x - x.min() + 1] = True
    sides = sum(int((mask != np.roll(mask, 1, axis=axis)).sum()) for axis in (0, 1))
    least = np.inf
    for angle in np.radians(np.arange(0, 90, 5)):
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        thick = np.cos(angle) + np.sin(angle)  # what a pixel measures in that direction
        least = min(least, (np.ptp(along) + thick) * (np.ptp(across) + thick))
    return {
        "log_area_ha": float(np.log(len(pixels) * pixel_m**2 / 1e4)),
        "compactness": float(16 * len(pixels) / sides**2),
        "rectangularity": float(len(pixels) / least),
    }
