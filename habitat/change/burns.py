"""Burnt ground: when it burned, how severely, how often, and what became of it.

A fire under the trees is gone from a pair of summers: herbs grow over the char in weeks. So the burn ratio is compared
between looks within weeks of each other (dNBR; Key and Benson 2006, FIREMON, USDA RMRS-GTR-164-CD, Landscape
Assessment). Seasons move in weeks too: what is usual on the day over ground of its kind is taken off each look, which
is Key and Benson's offset of unburnt ground. Char is dark in the near infrared and not bright in the shortwave
infrared; that tells it from fellings, whose soil and slash are bright there.

What is missed: fires under leafless crowns. Litter and char have nearly the same burn ratio, and most such fires of the
simulated landscapes, dense looks or not, stay below any threshold that stable forest does not cross as often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from habitat.cubes import STACK
from habitat.errors import ContractError
from habitat.indices import nbr, normalized_difference

SEVERITIES = {1: "low", 2: "moderate-low", 3: "moderate-high", 4: "high"}
"""Codes of burn severity; 0 = not burnt."""


@dataclass(frozen=True)
class BurnRules:
    """When a fall of the burn ratio is a burn."""

    least_dnbr: float = 0.10
    """The least that counts as burnt (Key and Benson 2006)."""
    moderate_dnbr: float = 0.27
    moderate_high_dnbr: float = 0.44
    high_dnbr: float = 0.66
    """Where moderate-low, moderate-high and high severity begin (Key and Benson 2006, table LA-2)."""
    least_darkening: float = 0.25
    """Least fall of the logarithm of nir08."""
    most_brightening: float = 0.10
    """Most rise of the logarithm of swir16."""
    certain_dnbr: float = 0.44
    """From here on a single look is enough; below it most of the next ones, up to three, must agree by half."""
    weeks: float = 8.0
    """Most weeks between the last look before and the first after."""
    agree_days: float = 40.0
    """How long after the first look others are asked, and before the last one others taken into the median."""
    rest_days: float = 150.0
    """No second burn is looked for within these."""
    snow_index: float = -0.3
    """Looks with (green - swir16) / (green + swir16) above this hold snow or water, and are left out."""
    fewest_alike: int = 50
    """Clear pixels of a kind from which it is told what is usual on a day."""


def find_burns(
    stack: xr.Dataset, *, strata: np.ndarray | None = None, rules: BurnRules | None = None, most_burns: int = 4
) -> xr.Dataset:
    """Find the burns of every pixel in a dense stack.

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
        `date` datetime64[D] of the first look that shows it, NaT = none; `earliest`, the last look without it; `dnbr`
        float32, the fall of the burn ratio beyond the season's; `rdnbr` float32, dnbr over the root of the burn ratio
        before (Miller and Thode 2007, doi:10.1016/j.rse.2006.12.006), in units of 1, not 1000; `severity` uint8, a code
        of :data:`SEVERITIES`. And over (y, x): `burns` uint8, how many; `seen_years` uint8, years with a clear look.

    Raises
    ------
    ContractError
        If the stack is no STACK, lacks a band, or its times do not ascend.
    """
    from habitat.change._burning import search

    rules = rules or BurnRules()
    STACK.check(stack)
    for band in ("green", "nir08", "swir16", "swir22"):
        if band not in stack:
            raise ContractError(f"band {band!r} is missing", where="find_burns", mend="read it with the others")
    days = stack["time"].values.astype("datetime64[D]")
    if (np.diff(days.astype(np.int64)) < 0).any():
        raise ContractError("times do not ascend", where="find_burns", mend="sort the stack by time")
    shape = (stack.sizes["y"], stack.sizes["x"])
    kinds = np.zeros(shape, np.uint8) if strata is None else np.asarray(strata)
    if kinds.shape != shape:
        raise ContractError(
            f"strata are {kinds.shape}, the stack is {shape}", where="find_burns", mend="cut them alike"
        )
    ratio, near, short = _clear(stack, rules)
    before_level = ratio.copy()
    for values in (ratio, near, short):
        _less_usual(values, kinds.ravel(), rules.fewest_alike)
    pixels = kinds.size
    count = np.zeros(pixels, np.uint8)
    looks = np.full((2, most_burns, pixels), -1, np.int16)
    fall = np.full((most_burns, pixels), np.nan, np.float32)
    limits = (rules.least_dnbr, rules.least_darkening, rules.most_brightening, rules.certain_dnbr)
    spans = (7 * rules.weeks, rules.agree_days, rules.rest_days)
    search(days.astype(np.int64), ratio, near, short, (*limits, *spans), (count, looks, fall))
    some = looks[0] >= 0
    level = np.take_along_axis(before_level, np.maximum(looks[0], 0), axis=0)
    edges = (rules.least_dnbr, rules.moderate_dnbr, rules.moderate_high_dnbr, rules.high_dnbr)
    severity = np.where(some, np.searchsorted(edges, np.nan_to_num(fall), side="right"), 0).astype(np.uint8)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(some, fall / np.sqrt(np.maximum(np.abs(level), 0.001)), np.nan).astype(np.float32)
    earliest, date = (np.where(some, days[np.maximum(look, 0)], np.datetime64("NaT", "D")) for look in looks)
    clear_years = days.astype("datetime64[Y]").astype(int)
    seen = np.isfinite(before_level)
    years = sum(seen[clear_years == year].any(axis=0).astype(np.uint8) for year in np.unique(clear_years))
    data = {
        name: (("burn", "y", "x"), values.reshape(most_burns, *shape))
        for name, values in (
            ("date", date.astype("datetime64[s]")),
            ("earliest", earliest.astype("datetime64[s]")),
            ("dnbr", fall),
            ("rdnbr", relative),
            ("severity", severity),
        )
    } | {
        "burns": (("y", "x"), count.reshape(shape)),
        "seen_years": (("y", "x"), np.asarray(years, dtype=np.uint8).reshape(shape)),
    }
    coords = {name: stack.coords[name] for name in ("y", "x", "spatial_ref") if name in stack.coords}
    return xr.Dataset(data, coords=coords)


def _clear(stack: xr.Dataset, rules: BurnRules) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Burn ratio and logarithms of nir08 and swir16, float32 (time, pixel), of looks without snow."""
    bands = {
        name: stack[name].values.reshape(stack.sizes["time"], -1) for name in ("green", "nir08", "swir16", "swir22")
    }
    snow = normalized_difference(bands["green"], bands["swir16"]) > rules.snow_index
    ratio = np.where(snow, np.nan, nbr(bands["nir08"], bands["swir22"])).astype(np.float32)
    near, short = (np.log(np.maximum(bands[name], 0.005)).astype(np.float32) for name in ("nir08", "swir16"))
    return ratio, near, short


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
