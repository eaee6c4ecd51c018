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

import numpy as np
import xarray as xr

from habitat.change._fires import keep_fires, severity, with_neighbours
from habitat.change.charring import BurnRules, UsualGround, char_layers, day_levels, day_unrest, numbered_kinds

SEVERITIES = {1: "low", 2: "moderate-low", 3: "moderate-high", 4: "high"}
"""Codes of burn severity; 0 = not burnt."""


def find_burns(
    stack: xr.Dataset,
    *,
    strata: np.ndarray | None = None,
    usual: UsualGround | None = None,
    rules: BurnRules | None = None,
    most_burns: int = 4,
) -> xr.Dataset:
    """Find the burns of every pixel in a dense stack.

    Pixels are told with their neighbours: give a block with :attr:`BurnRules.halo` pixels around it, and cut them off
    afterwards. With `usual` the rest is then what it would be in any larger block.

    Parameters
    ----------
    stack : STACK
        With green, nir08, swir16 and swir22; NaN where a look is not clear; times ascend.
    strata : int array (y, x), optional
        What kind of ground each pixel is, such as legend codes: seasons differ between kinds. Without it all are one.
    usual : UsualGround, optional
        What is usual on each day over each kind of ground, of :func:`usual_ground`; default: that of this stack.
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
        many; `seen_years` uint8, years with a clear look on a day of which it is told what is usual.

    Raises
    ------
    ContractError
        If the stack is no STACK, lacks a band, or its times do not ascend.
    """
    from habitat.change._burning import measure, search, spread, without_season

    rules = rules or BurnRules()
    ratio, *looks = char_layers(stack, rules)
    days = stack["time"].values.astype("datetime64[D]").astype(np.int64)
    shape = (stack.sizes["y"], stack.sizes["x"])
    codes, number = numbered_kinds(strata, shape)
    if not len(days):
        return _without_looks(stack, most_burns)
    if usual is None:
        levels = day_levels((ratio, *looks), number, len(codes), rules)
    else:
        levels = usual.levels_of(codes, len(days))
    level = ratio.copy()
    for values, of_day in zip((ratio, *looks), levels, strict=True):
        values -= of_day[:, number]
    seen = np.isfinite(ratio)  # a look without a level tells nothing, not even that nothing burned
    of_day = level - ratio
    green = of_day >= np.nanmedian(np.where(np.isfinite(of_day).any(axis=0), of_day, 0), axis=0)
    over_years = np.where(green, ratio, np.float32(np.nan))
    for values in (ratio, *looks):
        seasonal = without_season(values, days)  # the same pixels, as the bands are clear together
    sharp = looks[0], looks[1]
    looks = [with_neighbours(values, shape) for values in looks]
    out = (
        np.zeros(number.size, np.uint8),
        np.full((2, most_burns, number.size), -1, np.int16),
        np.full((most_burns, number.size), np.nan, np.float32),
    )
    spans = (7 * rules.weeks, 7 * rules.seasonal_weeks)
    crown = (rules.crown_darkening, rules.crown_flattening, rules.crown_brightening)
    limits = (rules.least_charring, rules.least_flattening, *crown, rules.agree_days, *spans, rules.rest_days)
    if usual is None:
        unrest = day_unrest(looks[1], number, len(codes))
    else:
        unrest = usual.unrest_of(codes, len(days))
    ground = (seasonal, number, np.float32(rules.least_contrast) * unrest)
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
    return _as_dataset(stack, measured, {"burns": count, "seen_years": np.asarray(seen_years, dtype=np.uint8)})


def _as_dataset(stack: xr.Dataset, burns: Mapping[str, np.ndarray], pixels: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Put what is told of burns (burn, pixel), and of pixels, on the grid of the stack."""
    shape = (stack.sizes["y"], stack.sizes["x"])
    data = {name: (("burn", "y", "x"), values.reshape(len(values), *shape)) for name, values in burns.items()}
    over = {name: (("y", "x"), values.reshape(shape)) for name, values in pixels.items()}
    coords = {name: stack.coords[name] for name in ("y", "x", "spatial_ref") if name in stack.coords}
    return xr.Dataset(data | over, coords=coords)


def _without_looks(stack: xr.Dataset, most_burns: int) -> xr.Dataset:
    """No burns, and no year that was seen."""
    pixels = stack.sizes["y"] * stack.sizes["x"]
    shape = (most_burns, pixels)
    told = {name: np.full(shape, np.nan, np.float32) for name in ("charring", "dnbr", "dnbr_year", "rdnbr")}
    days = {name: np.full(shape, np.datetime64("NaT", "s")) for name in ("earliest", "date")}
    severities = {"severity": np.zeros(shape, np.uint8)}
    return _as_dataset(
        stack, told | severities | days, {name: np.zeros(pixels, np.uint8) for name in ("burns", "seen_years")}
    )


def class_before(burns: xr.Dataset, code: xr.DataArray, *, season_ends: np.ndarray) -> xr.DataArray:
    """Return what was mapped where it burned, in the last mapping season that ended before the burn and saw the pixel.

    Each burn has its own: two of one year are of two maps if a season ended between them.

    Parameters
    ----------
    burns : Dataset
        Of :func:`find_burns`.
    code : uint8 DataArray (year, y, x)
        Legend codes, 0 = unknown.
    season_ends : datetime64 array (year,)
        Last day of each mapping season, ascending. The first season stands in for those before it.

    Returns
    -------
    uint8 DataArray (burn, y, x)
        Legend codes; 0 = no burn, or never seen until then.
    """
    ends = np.asarray(season_ends).astype("datetime64[D]")
    date = burns["date"].values.astype("datetime64[D]")
    latest = np.maximum(np.searchsorted(ends, date, side="left") - 1, 0)  # NaT comes last; it is left out below
    result = np.zeros(date.shape, np.uint8)
    for place in range(len(ends)):  # ascending: what a later season saw takes the place of what is older
        here = ~np.isnat(date) & (latest >= place) & (code.values[place] > 0)
        result = np.where(here, code.values[place], result)
    return burns["date"].copy(data=result).rename("class_before")


def burnt_class(
    burns: xr.Dataset,
    code: xr.DataArray,
    *,
    season_ends: np.ndarray,
    forest_codes: frozenset[int],
    burnt_grassland: int = 23,
) -> xr.DataArray:
    """Return what burned in each year: 0 nothing, 1 forest, `burnt_grassland` open ground; of two burns, the first.

    What it was is told by :func:`class_before`; of ground that no season saw until then nothing is said.

    Parameters
    ----------
    burns : Dataset
        Of :func:`find_burns`.
    code : uint8 DataArray (year, y, x)
        Legend codes, 0 = unknown.
    season_ends : datetime64 array (year,)
        Last day of each mapping season, ascending.
    forest_codes : frozenset of int

    Returns
    -------
    uint8 DataArray (year, y, x)
    """
    before = class_before(burns, code, season_ends=season_ends).values
    burnt_in = _years(burns)
    now = np.where(np.isin(before, list(forest_codes)), np.uint8(1), np.uint8(burnt_grassland))
    result = np.zeros(code.shape, np.uint8)
    for place, year in enumerate(code["year"].values.astype(int)):
        for burn in range(len(burnt_in)):
            here = (burnt_in[burn] == year) & (before[burn] > 0) & (result[place] == 0)
            result[place] = np.where(here, now[burn], result[place])
    return code.copy(data=result).rename("burnt_class")


def _years(burns: xr.Dataset) -> np.ndarray:
    """Year of each burn, int64 (burn, y, x); 0 = none."""
    date = burns["date"].values
    return np.where(np.isnat(date), 0, date.astype("datetime64[Y]").astype(np.int64) + 1970)


def fire_frequency(burns: xr.Dataset) -> xr.DataArray:
    """Return burns a decade of seen years, float32 (y, x); NaN where no year was seen."""
    years = burns["seen_years"].astype(np.float32)
    return (10 * burns["burns"] / years.where(years > 0)).astype(np.float32).rename("burns_per_decade")


def burnt_to_open(
    burns: xr.Dataset,
    code: xr.DataArray,
    *,
    season_ends: np.ndarray,
    kinds: Mapping[str, frozenset[int]],
    after_years: int = 3,
) -> xr.DataArray:
    """Tell where forest burned and open ground took its place.

    Parameters
    ----------
    burns : Dataset
        Of :func:`find_burns`.
    code : uint8 DataArray (year, y, x)
        Legend codes, 0 = unknown.
    season_ends : datetime64 array (year,)
        Last day of each mapping season, ascending.
    kinds : mapping
        "forest" and "open": codes of each.
    after_years : int
        How long after the fire it must still be open, at the least: grass between charred stems is no grassland.

    Returns
    -------
    uint16 DataArray (y, x)
        Year of the fire, the first if there are several; 0 = none.
    """
    before = class_before(burns, code, season_ends=season_ends).values
    forest, open_ground = np.isin(before, list(kinds["forest"])), np.isin(code.values, list(kinds["open"]))
    burnt_in, years = _years(burns), code["year"].values.astype(int)
    result = np.zeros(code.shape[1:], np.uint16)
    for year in np.unique(burnt_in[burnt_in > 0]):
        later = years >= year + after_years
        if not later.any():
            continue
        known = code.values[later] > 0
        stays = known.any(axis=0) & (~known | open_ground[later]).all(axis=0)
        burnt = ((burnt_in == year) & forest).any(axis=0)
        result = np.where(burnt & stays & (result == 0), np.uint16(year), result)
    return xr.DataArray(result, dims=("y", "x"), name="year")
