"""What looks are held against when char is looked for: the rules, and what is usual on a day over ground of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from habitat.change._fires import with_neighbours
from habitat.cubes import STACK
from habitat.errors import ContractError
from habitat.indices import nbr, normalized_difference

CHAR_BANDS = ("green", "nir08", "swir16", "swir22")
"""What char is told by; snow and water by the first."""
CLUMP = 3
"""Side of the squares of pixels that a sample is made of: with fewer a pixel's neighbours are not known."""
_LAYERS = 4


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
    """Clear pixels of a kind from which it is told what is usual on a day; of fewer nothing is told."""
    moderate_dnbr: float = 0.27
    moderate_high_dnbr: float = 0.44
    high_dnbr: float = 0.66
    """Where moderate-low, moderate-high and high severity begin (Key and Benson 2006, table LA-2)."""

    @property
    def halo(self) -> int:
        """Pixels around a block that have a say in it.

        As far as a fire is followed, then as far as the fewest pixels that are one may lie in a row, then a neighbour.
        """
        return self.spread_pixels + self.fewest_pixels


@dataclass(frozen=True)
class UsualGround:
    """What is usual on each look over each kind of ground, told once for all blocks of a larger area."""

    kinds: np.ndarray
    """Codes of the strata (kind,), ascending."""
    levels: np.ndarray
    """float32 (4, time, kind): medians of burn ratio, ln nir08, ln swir16 and ln swir16 / swir22; NaN = too few."""
    unrest: np.ndarray
    """float32 (time, kind): spread of ln swir16 beyond the season, of pixels with their neighbours."""

    def levels_of(self, codes: np.ndarray, looks: int) -> np.ndarray:
        """Return the levels of some strata, float32 (4, time, kind); NaN where one was not there.

        Raises
        ------
        ContractError
            If they are of other looks.
        """
        return self._of(self.levels, codes, looks)

    def unrest_of(self, codes: np.ndarray, looks: int) -> np.ndarray:
        """Return the unrest of some strata, float32 (time, kind); errors as for :meth:`levels_of`."""
        return self._of(self.unrest, codes, looks)

    def _of(self, values: np.ndarray, codes: np.ndarray, looks: int) -> np.ndarray:
        if values.shape[-2] != looks:
            raise ContractError(
                f"what is usual is told of {values.shape[-2]} looks, the stack has {looks}",
                where="find_burns",
                mend="tell it from the same scenes",
            )
        found = np.full((*values.shape[:-1], len(codes)), np.nan, np.float32)
        known = np.isin(codes, self.kinds)
        found[..., known] = values[..., np.searchsorted(self.kinds, codes[known])]
        return found


def usual_ground(
    clumps: xr.Dataset,
    *,
    strata: np.ndarray | None = None,
    counts: np.ndarray | None = None,
    rules: BurnRules | None = None,
) -> UsualGround:
    """Tell what is usual on each look from a sample of an area.

    Parameters
    ----------
    clumps : STACK
        Squares of 3 x 3 pixels, laid side by side: each is a pixel with those around it. See
        :func:`habitat.change.sample_clumps`. Without a square nothing is told.
    strata : int array (y, x), optional
        Kind of ground of each pixel, as for :func:`habitat.change.find_burns`.
    counts : bool array (y, x), optional
        Pixels that speak for their kind; the others are there as their neighbours only. Default: all.
    rules : BurnRules, optional

    Raises
    ------
    ContractError
        If it is no STACK, lacks a band, its times do not ascend, or its sides are no multiples of three.
    """
    from habitat.change._burning import without_season

    rules = rules or BurnRules()
    shape = (clumps.sizes["y"], clumps.sizes["x"])
    if any(side % CLUMP for side in shape):
        raise ContractError(f"{shape} pixels are no squares of {CLUMP} x {CLUMP}", where="usual_ground")
    layers = char_layers(clumps, rules)
    codes, number = numbered_kinds(strata, shape)
    speaks = number if counts is None else np.where(np.ravel(counts), number, -1)
    levels = day_levels(layers, speaks, len(codes), rules)
    short = layers[2] - levels[2][:, number]
    without_season(short, clumps["time"].values.astype("datetime64[D]").astype(np.int64))
    middle = np.s_[CLUMP // 2 :: CLUMP, CLUMP // 2 :: CLUMP]
    of = speaks.reshape(shape)[middle].ravel()
    around = with_neighbours(short, shape).reshape(len(short), *shape)[:, *middle].reshape(len(short), of.size)
    return UsualGround(codes, levels, day_unrest(around, of, len(codes)))


def char_layers(stack: xr.Dataset, rules: BurnRules) -> tuple[np.ndarray, ...]:
    """Return burn ratio and logarithms of nir08, swir16, and swir16 over swir22, float32 (time, pixel), without snow.

    Raises
    ------
    ContractError
        If the stack is no STACK, lacks a band, or its times do not ascend.
    """
    STACK.check(stack)
    for band in CHAR_BANDS:
        if band not in stack:
            raise ContractError(f"band {band!r} is missing", where="find_burns", mend="read it with the others")
    if (np.diff(stack["time"].values.astype("datetime64[D]")) < np.timedelta64(0, "D")).any():
        raise ContractError("times do not ascend", where="find_burns", mend="sort the stack by time")
    pixels = stack.sizes["y"] * stack.sizes["x"]
    bands = {name: stack[name].values.reshape(stack.sizes["time"], pixels) for name in CHAR_BANDS}
    snow = normalized_difference(bands["green"], bands["swir16"]) > rules.snow_index
    near, short, far = (np.log(np.maximum(bands[name], 0.005)) for name in ("nir08", "swir16", "swir22"))
    index = nbr(bands["nir08"], bands["swir22"])
    return tuple(np.where(snow, np.nan, values).astype(np.float32) for values in (index, near, short, short - far))


def numbered_kinds(strata: np.ndarray | None, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of the strata, ascending, and the place of each pixel's among them, int64 (pixel,).

    Raises
    ------
    ContractError
        If the strata have another shape.
    """
    kinds = np.zeros(shape, np.uint8) if strata is None else np.asarray(strata)
    if kinds.shape != shape:
        raise ContractError(
            f"strata are {kinds.shape}, the stack is {shape}", where="find_burns", mend="cut them alike"
        )
    codes, number = np.unique(kinds, return_inverse=True)
    return codes, number.reshape(-1).astype(np.int64)


def day_levels(layers: Sequence[np.ndarray], number: np.ndarray, kinds: int, rules: BurnRules) -> np.ndarray:
    """Return each look's median over the clear pixels of a kind, float32 (layer, time, kind); NaN = too few of them."""
    levels = np.full((len(layers), len(layers[0]), kinds), np.nan, np.float32)
    for kind in range(kinds):
        here = number == kind
        for values, into in zip(layers, levels, strict=True):
            for t, look in enumerate(values[:, here]):
                clear = look[np.isfinite(look)]
                if len(clear) >= rules.fewest_alike:
                    into[t, kind] = np.median(clear)
    return levels


def day_unrest(values: np.ndarray, number: np.ndarray, kinds: int) -> np.ndarray:
    """Spread of each look over each kind of ground, float32 (time, kind): 1.48 median deviations; NaN = not seen."""
    spread = np.full((len(values), kinds), np.nan, np.float32)
    for kind in range(kinds):
        for t, look in enumerate(values[:, number == kind]):
            clear = look[np.isfinite(look)]
            if len(clear):
                spread[t, kind] = 1.4826 * np.median(np.abs(clear - np.median(clear)))
    return spread
