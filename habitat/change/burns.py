"""Burnt ground: when it burned, how severely, how often, and what became of it.

A fire under the trees is gone from a pair of summers: herbs grow over the char in weeks. So looks within weeks of the
fire tell it. Nor does the burn ratio show it: litter and leafless crowns have nearly the ratio of char. But char
is darker than they are, in the near and the shortwave infrared alike, and flatter from swir16 to swir22 (Trigg and
Flasse 2001, doi:10.1080/01431160110053185); shadow is as dark, but not flatter, and soil, slash and snow are bright.

Seasons move in weeks too. Off each look is taken what is usual on that day over ground of its kind, which is Key and
Benson's offset of unburnt ground (2006, FIREMON, USDA RMRS-GTR-164-CD, Landscape Assessment), and what is usual for the
pixel at that time of the year in other years: so a look in April may follow one in November. Severity is told by the
fall of the burn ratio (dNBR) there, and a year on.

What is missed: fires under leaves, of May above all, and what no clear look without snow shows within weeks. What is
called and never burned lies mostly on fields, which are ploughed and flooded in other weeks every year: leave them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from habitat.change._fires import keep_fires, severity, with_neighbours
from habitat.cubes import STACK
from habitat.errors import ContractError
from habitat.indices import nbr, normalized_difference

SEVERITIES = {1: "low", 2: "moderate-low", 3: "moderate-high", 4: "high"}
"""Codes of burn severity; 0 = not burnt."""


@dataclass(frozen=True)
class BurnRules:
    """When a look is charred."""

    least_charring: float = 0.13
    """Least fall of the logarithms of nir08 and of swir16, each."""
    least_flattening: float = 0.06
    """Least fall of the logarithm of swir16 over swir22."""
    crown_darkening: float = 0.5
    """Where crowns burned, which are as dark as char in swir16: least fall of the logarithm of nir08,"""
    crown_flattening: float = 0.3
    """least fall of that of swir16 over swir22,"""
    crown_brightening: float = 0.1
    """and most rise of that of swir16; one more look must agree."""
    least_spread: float = 0.13
    """Least fall of the logarithm of swir16 where a neighbour burned at the same time."""
    spread_pixels: int = 4
    """How far a fire is followed so."""
    least_contrast: float = 3.0
    """Least of these falls, in the day's own spread of swir16 over ground of the kind: what haze and low sun do to a
    look is no char."""
    agree_days: float = 40.0
    """How long after the first look others are asked; half of them, of up to three, must be darker by two fifths."""
    weeks: float = 8.0
    """Most weeks between the last look before and the first after where the pixel's season is not known."""
    seasonal_weeks: float = 34.0
    """The same where it is known: a winter."""
    rest_days: float = 150.0
    """No second burn is looked for within these."""
    fewest_pixels: int = 10
    """Fewer that touch, of about the same date, are no fire."""
    snow_index: float = -0.3
    """Looks with (green - swir16) / (green + swir16) above this hold snow or water, and are left out."""
    fewest_alike: int = 50
    """Clear pixels of a kind from which it is told what is usual on a day."""
    moderate_dnbr: float = 0.27
    moderate_high_dnbr: float = 0.44
    high_dnbr: float = 0.66
    """Where moderate-low, moderate-high and high severity begin (Key and Benson 2006, table LA-2)."""


def find_burns(
    stack: xr.Dataset, *, strata: np.ndarray | None = None, rules: BurnRules | None = None, most_burns: int = 4
) -> xr.Dataset:
    """Find the burns of every pixel in a dense stack.

    Pixels are told with their neighbours: give a block with some pixels around it, and cut them off afterwards.

    Parameters
    ----------
    stack : STACK
        With green, nir08, swir16 and swir22; NaN where a look is not clear; times ascend.
    strata : int array (y, x), optional
        What kind of ground each pixel is, such as legend codes: seasons differ between kinds. Without it all are one.
    rules : BurnRules, optional
    most_burns : int
        Burns that are kept; those after them are not looked for.

    Returns
    -------
    Dataset (burn, y, x)
        `date` datetime64[s] of the first look that shows it, NaT = none; `earliest`, the last look without it;
        `charring` float32, the mean fall of the logarithms of nir08 and swir16, or that of swir16 where the fire was
        followed from a neighbour; `dnbr` float32, the fall of the burn ratio beyond the season's within weeks, and
        `dnbr_year` that of the greener half of the looks, from the year before to the year after the first two months;
        `rdnbr` float32, `dnbr` over the root of the burn ratio before (Miller and Thode 2007,
        doi:10.1016/j.rse.2006.12.006), in units of 1, not 1000; `severity` uint8, a code of :data:`SEVERITIES` by the
        greater of both falls: low where there is char and the ratio hardly fell. And over (y, x): `burns` uint8, how
        many; `seen_years` uint8, years with a clear look.

    Raises
    ------
    ContractError
        If the stack is no STACK, lacks a band, or its times do not ascend.
    """
    from habitat.change._burning import measure, search, spread, without_season

    rules = rules or BurnRules()
    STACK.check(stack)
    for band in ("green", "nir08", "swir16", "swir22"):
        if band not in stack:
            raise ContractError(f"band {band!r} is missing", where="find_burns", mend="read it with the others")
    days = stack["time"].values.astype("datetime64[D]").astype(np.int64)
    if (np.diff(days) < 0).any():
        raise ContractError("times do not ascend", where="find_burns", mend="sort the stack by time")
    shape = (stack.sizes["y"], stack.sizes["x"])
    kinds = np.zeros(shape, np.uint8) if strata is None else np.asarray(strata)
    if kinds.shape != shape:
        raise ContractError(
            f"strata are {kinds.shape}, the stack is {shape}", where="find_burns", mend="cut them alike"
        )
    number = np.unique(kinds, return_inverse=True)[1].reshape(-1).astype(np.int64)
    ratio, *looks = _clear(stack, rules)
    seen, level = np.isfinite(ratio), ratio.copy()
    for values in (ratio, *looks):
        _less_usual(values, number, rules.fewest_alike)
    usual = level - ratio
    green = usual >= np.nanmedian(np.where(np.isfinite(usual).any(axis=0), usual, 0), axis=0)
    over_years = np.where(green, ratio, np.float32(np.nan))
    for values in (ratio, *looks):
        seasonal = without_season(values, days)  # the same pixels, as the bands are clear together
    sharp = looks[0], looks[1]
    looks = [with_neighbours(values, shape) for values in looks]
    out = (
        np.zeros(kinds.size, np.uint8),
        np.full((2, most_burns, kinds.size), -1, np.int16),
        np.full((most_burns, kinds.size), np.nan, np.float32),
    )
    spans = (7 * rules.weeks, 7 * rules.seasonal_weeks)
    crown = (rules.crown_darkening, rules.crown_flattening, rules.crown_brightening)
    limits = (rules.least_charring, rules.least_flattening, *crown, rules.agree_days, *spans, rules.rest_days)
    ground = (seasonal, number, np.float32(rules.least_contrast) * _unrest(looks[1], number))
    search(days, (*looks, sharp[0]), ground, limits, out)
    keep_fires(days, out, shape, apart_days=rules.agree_days, fewest_pixels=rules.fewest_pixels)
    on = (rules.least_spread, rules.agree_days, spans[1], rules.rest_days, *shape)
    for _ in range(rules.spread_pixels):
        spread(days, sharp[1], ground, on, out)
    count, found, charring = out
    falls = np.full((2, *charring.shape), np.nan, np.float32)
    measure(days, ratio, over_years, rules.agree_days, (found, falls))
    edges = (rules.moderate_dnbr, rules.moderate_high_dnbr, rules.high_dnbr)
    before = np.take_along_axis(level, np.maximum(found[0], 0), axis=0)
    measured = {
        "charring": charring,
        "dnbr": falls[0],
        "dnbr_year": falls[1],
        "rdnbr": (falls[0] / np.sqrt(np.maximum(np.abs(before), 0.001))).astype(np.float32),
        "severity": severity(falls, found[1] >= 0, edges),
    }
    when = days.astype("datetime64[D]").astype("datetime64[s]")
    for name, look in zip(("earliest", "date"), found, strict=True):
        measured[name] = np.where(look >= 0, when[np.maximum(look, 0)], np.datetime64("NaT"))
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(int)
    seen_years = sum(seen[years == year].any(axis=0).astype(np.uint8) for year in np.unique(years))
    data = {name: (("burn", "y", "x"), values.reshape(most_burns, *shape)) for name, values in measured.items()} | {
        "burns": (("y", "x"), count.reshape(shape)),
        "seen_years": (("y", "x"), np.asarray(seen_years, dtype=np.uint8).reshape(shape)),
    }
    coords = {name: stack.coords[name] for name in ("y", "x", "spatial_ref") if name in stack.coords}
    return xr.Dataset(data, coords=coords)


def _clear(stack: xr.Dataset, rules: BurnRules) -> tuple[np.ndarray, ...]:
    """Burn ratio and logarithms of nir08, swir16, and swir16 over swir22, float32 (time, pixel), without snow."""
    bands = {
        name: stack[name].values.reshape(stack.sizes["time"], -1) for name in ("green", "nir08", "swir16", "swir22")
    }
    snow = normalized_difference(bands["green"], bands["swir16"]) > rules.snow_index
    near, short, far = (np.log(np.maximum(bands[name], 0.005)) for name in ("nir08", "swir16", "swir22"))
    index = nbr(bands["nir08"], bands["swir22"])
    return tuple(np.where(snow, np.nan, values).astype(np.float32) for values in (index, near, short, short - far))


def _unrest(values: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Spread of each look over each kind of ground, float32 (time, kind): 1.48 median deviations; NaN = not seen."""
    spread = np.full((len(values), int(number.max()) + 1), np.nan, np.float32)
    for kind in range(spread.shape[1]):
        for look, into in zip(values[:, number == kind], spread, strict=True):
            clear = look[np.isfinite(look)]
            if len(clear):
                into[kind] = 1.4826 * np.median(np.abs(clear - np.median(clear)))
    return spread


def _less_usual(values: np.ndarray, kinds: np.ndarray, fewest: int) -> None:
    """Take off, in place, each look's median over the pixels of a kind; NaN where too few of them are clear."""
    for kind in np.unique(kinds):
        here = np.flatnonzero(kinds == kind)
        for look in values:
            clear = look[here]
            clear = clear[np.isfinite(clear)]
            look[here] -= np.median(clear) if len(clear) >= fewest else np.float32(np.nan)


def burnt_class(
    burns: xr.Dataset, code: xr.DataArray, *, forest_codes: frozenset[int], burnt_grassland: int = 23
) -> xr.DataArray:
    """Return what burned in each year: 0 nothing, 1 forest, `burnt_grassland` open ground.

    A fire before the mapping season is one of the ground as it was mapped in the year before; one after it, as in that
    year; the first year stands in for what is before it.

    Parameters
    ----------
    burns : Dataset
        Of :func:`find_burns`.
    code : uint8 DataArray (year, y, x)
        Legend codes, 0 = unknown: of such ground nothing is said.
    forest_codes : frozenset of int

    Returns
    -------
    uint8 DataArray (year, y, x)
    """
    years = code["year"].values.astype(int)
    burnt_in = burns["date"].values.astype("datetime64[M]").astype(float)
    burnt_in = np.where(np.isnat(burns["date"].values), np.nan, burnt_in)
    result = np.zeros(code.shape, np.uint8)
    for place, year in enumerate(years):
        month = burnt_in - 12 * (year - 1970)
        for low, high, mapped in ((0, 8, max(place - 1, 0)), (8, 12, place)):
            burnt = ((month >= low) & (month < high)).any(axis=0)
            before = code.values[mapped]
            forest = np.isin(before, list(forest_codes))
            now = np.where(forest, np.uint8(1), np.where(before > 0, np.uint8(burnt_grassland), np.uint8(0)))
            result[place] = np.where(burnt & (result[place] == 0), now, result[place])
    return code.copy(data=result).rename("burnt_class")


def fire_frequency(burns: xr.Dataset) -> xr.DataArray:
    """Return burns a decade of seen years, float32 (y, x); NaN where no year was seen."""
    years = burns["seen_years"].astype(np.float32)
    return (10 * burns["burns"] / years.where(years > 0)).astype(np.float32).rename("burns_per_decade")


def burnt_to_open(
    burns: xr.Dataset, code: xr.DataArray, *, kinds: Mapping[str, frozenset[int]], after_years: int = 3
) -> xr.DataArray:
    """Tell where forest burned and open ground took its place.

    Parameters
    ----------
    burns : Dataset
        Of :func:`find_burns`.
    code : uint8 DataArray (year, y, x)
        Legend codes, 0 = unknown.
    kinds : mapping
        "forest" and "open": codes of each.
    after_years : int
        How long after the fire it must still be open, at the least: grass between charred stems is no grassland.

    Returns
    -------
    uint16 DataArray (y, x)
        Year of the fire, the first if there are several; 0 = none.
    """
    years = code["year"].values.astype(int)
    forest, open_ground = (np.isin(code.values, list(kinds[kind])) for kind in ("forest", "open"))
    burnt = burnt_class(burns, code, forest_codes=kinds["forest"]).values == 1
    result = np.zeros(code.shape[1:], np.uint16)
    for place, year in enumerate(years):
        later = years >= year + after_years
        if not later.any():
            continue
        known = code.values[later] > 0
        stays = known.any(axis=0) & ((~known | open_ground[later]).all(axis=0))
        was = forest[max(place - 1, 0)] | forest[place]
        result = np.where(burnt[place] & was & stays & (result == 0), np.uint16(year), result)
    return xr.DataArray(result, dims=("y", "x"), name="year")
