"""What pixels say about Sentinel-2's radiometric offset: each clue is a weight of evidence and a sentence.

A weight is the logarithm (base 10) of a likelihood ratio: 2 means that the pixels are a hundred times likelier if
the numbers still carry the offset, -2 if they do not. Since processing baseline 04.00 a digital number is 10000 x
reflectance + 1000 (Sentinel-2 Products Specification Document, `BOA_ADD_OFFSET`). Dark things tell: vegetation,
water and shade have, in one band or another, a reflectance near 0.02, and nothing has one below -0.05. How
reflectances spread was measured on half of 140 real dates of a forest (2015 to 2021) and on simulated landscapes of
seeds 0 to 3. Thick clouds hide all that is dark: over them there is no clue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from habitat.tiles.samples import Sample

OFFSET_NUMBER = 1000.0
"""Digital numbers that the offset adds."""
_PER_UNIT = 10_000.0
_DARKENED = {"blue": 0.05, "green": 0.035, "red": 0.03, "nir08": 0.03, "swir16": 0.01, "swir22": 0.01}
"""By band: how far below 0 atmospheric correction may push the darkest fiftieth of real pixels."""
_PER_TENTH = 0.01
"""Reflectance by which a level must pass a bound to be ten times less likely."""
_VISIBLE = ("blue", "green", "red")
_DARK_CODES = (2, 3, 4, 6)
"""Scene classes with a dark band: dark area, shadow, vegetation, water. Snow is dark in the shortwave infrared, but
from 0.02 to 0.15, by its grain."""
_CLEAR_CODES = (2, 4, 5, 6, 7)
_HIDDEN_CODES = (0, 1, 3, 8, 9, 10)
"""Scene classes that may be darker than the ground, or are no measurement."""
_CLOUDY_CODES = (7, 8, 9, 10)
"""Clouds, and what no class names: much of that is clouds' edges."""
_VEGETATION = 4
_LEAF_CODES = (_VEGETATION, 10)
"""Vegetation, and thin cirrus, through which it is seen."""
_LEAFY = 0.15
"""Near infrared less red, which no offset changes, above which a pixel is green vegetation."""
_GREEN, _GREEN_SHARE = 0.2, 0.01
"""The same above which it is dense vegetation, evergreen where other trees are bare, and the least share of pixels."""
_EVEN = 0.025
"""Most by which the darkest twentieth of leaves is below their median in blue where no clouds drift over them."""
_LEAVES = (0.085, 0.3, 0.03)
"""What the dark quarter of dense leaves reflects at 1610 nm: a constant, a share of their near infrared less red, and
how far from that it lies, standard deviation; measured in 2100 windows of clear scenes."""
_STRANGE_LEAVES, _MOST_LEAVES = 1.0, 0.7
"""How often, per unit of reflectance, leaves are otherwise, and the most that they can say: of 69 windows of haze and
cloud that looked like an offset in the visible, in squares of 200 m to 1 km, 2 did so here too; of 2813 with the
offset, two thirds."""
_DRY_LEAVES = 0.36
"""Vegetation reflects at least about this share of its near infrared at 1610 nm."""
_SHARE = 0.05
"""Of the pixels that must be vegetation to count as such: bright sand has a few that look like it."""
_STRANGE_BY_SHARE = ((0.5, 0.05, 2.0), (0.2, 0.3, 2.0), (0.0, 0.6, 1.2))
"""How often, per unit of reflectance, things that classes call dark are not, and the most that they can say; by their
share of the pixels (at least). Few among clouds may be clouds' edges; beside vegetation, bare ground does not count.
In squares of 200 m to 1 km, their level lay between 0.09 and 0.16 in none of 3216 where the share was above half, in
1% down to a fifth, in 2% below."""
_STRANGE_UNNAMED, _STRANGE_VEILED = (0.6, 1.2), (2.0, 1.2)
"""The same for vegetation that is known by its near infrared alone: haze or not, and where all is called haze."""
_FEWEST = 25
"""Pixels that a level is taken of."""
_SPREAD = {"blue": 0.03, "green": 0.03, "red": 0.03, "nir08": 0.05, "swir16": 0.04, "swir22": 0.04}
"""By band: by how much a scene differs from others of the same season, standard deviation."""
_DARKER, _DARKER_UNNAMED = 8.0, 2.3
"""Most that being darker than others can say, natural logarithm: where classes leave shadows out, and where not
(they do not see those between clouds)."""
_BRIGHTER, _BRIGHTER_UNNAMED, _BRIGHTER_VEILED = 3.0, 2.3, 0.7
"""Most that being brighter can say: haze is in 1 of 20 scenes where classes say clear, in 1 of 10 where there are
none, and in every other one where they say cloud."""
_SEASON_DAYS = 30
"""Days of the year by which scenes may differ that are compared."""
_HIDDEN = 0.15
"""Brighter than this in red, a scene shows clouds or snow and not the ground that others saw."""


@dataclass(frozen=True)
class Clue:
    """One piece of evidence."""

    weight: float
    """Above 0: the numbers carry the offset; below 0: they do not."""
    words: str


def own_clues(sample: Sample) -> tuple[Clue, ...]:
    """Return what a scene's own pixels say."""
    bands = {name: values / _PER_UNIT for name, values in sample.bands.items()}
    seen = np.logical_and.reduce([np.isfinite(values) for values in bands.values()])
    bright = _bright_leaves(bands, seen) if sample.codes is None else None
    dark, moist = _dark_things(bands, sample.codes, seen), _moist_leaves(bands, sample.codes, seen)
    found = (_too_dark(bands), dark, moist, bright)
    return tuple(clue for clue in found if clue is not None)


def _too_dark(bands: Mapping[str, np.ndarray]) -> Clue | None:
    """Against the offset: taking it off would leave impossible reflectances."""
    clues = []
    for name, values in bands.items():
        measured = values[np.isfinite(values)]
        if measured.size >= _FEWEST and name in _DARKENED:
            level = float(np.percentile(measured, max(2.0, 100 * 10 / measured.size)))
            below = 0.1 - _DARKENED[name] - level
            if below > 0:
                words = f"the darkest {name} is {level:.3f} as it stands, {level - 0.1:.3f} with 0.1 taken off"
                clues.append(Clue(-min(below / _PER_TENTH, 6.0), words))
    return min(clues, key=lambda clue: clue.weight, default=None)


def _dark_things(bands: Mapping[str, np.ndarray], codes: np.ndarray | None, seen: np.ndarray) -> Clue | None:
    """What is dark in one band should be near 0.02 there."""
    named = seen & np.isin(codes, _DARK_CODES) if codes is not None else np.zeros(seen.shape, dtype=bool)
    by_class = int(named.sum()) >= _FEWEST
    there, what = (named, "vegetation, shade and water") if by_class else (_leafy(bands, seen), "green vegetation")
    names = tuple(name for name in bands if by_class or name in _VISIBLE)
    if there.sum() < max(_FEWEST, 0 if by_class else _SHARE * seen.sum()) or not names:
        return None
    values = np.stack([bands[name][there] for name in names])
    levels = np.percentile(values, 5, axis=1)
    level = float(np.percentile(values.min(axis=0), 5))
    strange, most = _STRANGE_UNNAMED if codes is None else _STRANGE_VEILED
    if codes is not None and by_class:
        grown = (seen & (codes == _VEGETATION)).sum() >= _SHARE * seen.sum()
        share = there.sum() / (seen & (there | np.isin(codes, _CLOUDY_CODES)) if grown else seen).sum()
        strange, most = next(limits for least, *limits in _STRANGE_BY_SHARE if share >= least)
    weight = np.log10((_dark_density(level - 0.1) + strange) / (_dark_density(level) + strange))
    words = f"the dark end of {what} is {level:.3f} in {names[int(levels.argmin())]}, {level - 0.1:.3f} with 0.1 off"
    return Clue(float(np.clip(weight, -most, most)), words)


def _dark_density(level: float) -> float:
    """How often dark things have this reflectance: normal about 0.02, and narrower below, where it would be none."""
    spread = 0.015 if level > 0.02 else 0.01
    return float(25 * np.exp(-(((level - 0.02) / spread) ** 2) / 2))


def _moist_leaves(bands: Mapping[str, np.ndarray], codes: np.ndarray | None, seen: np.ndarray) -> Clue | None:
    """Against the offset: haze brightens the visible as an offset would, but not leaves in the shortwave infrared."""
    if "nir08" not in bands or "swir16" not in bands:
        return None
    there = _leafy(bands, seen)
    if codes is not None:
        there &= np.isin(codes, _LEAF_CODES)
    if there.sum() < max(_FEWEST, 0.3 * seen.sum()):
        return None
    near, short = (float(np.median(bands[name][there])) for name in ("nir08", "swir16"))
    ratio = (short - 0.1) / max(near - 0.1, 0.01)
    if ratio >= _DRY_LEAVES:
        return None
    words = f"leaves reflect {short / near:.2f} of their nir08 in swir16, {ratio:.2f} with 0.1 taken off"
    return Clue(-float(min((_DRY_LEAVES - ratio) / 0.05, 3.0)), words)


def _bright_leaves(bands: Mapping[str, np.ndarray], seen: np.ndarray) -> Clue | None:
    """For the offset: it brightens leaves in the shortwave infrared too, and evenly; haze and clouds do not."""
    if not {"blue", "red", "nir08", "swir16"} <= set(bands):
        return None
    there = _leafy(bands, seen, _GREEN)
    if there.sum() < max(_FEWEST, _GREEN_SHARE * seen.sum()):
        return None
    blue, red, near, short = (bands[name][there] for name in ("blue", "red", "nir08", "swir16"))
    if np.median(blue) - np.percentile(blue, 5) > _EVEN:
        return None
    level, usual = float(np.percentile(short, 25)), _LEAVES[0] + _LEAVES[1] * float(np.median(near - red))
    as_it_stands, without = (_leaf_density(value - usual) + _STRANGE_LEAVES for value in (level, level - 0.1))
    words = f"dense leaves reflect {level:.3f} in swir16, {level - 0.1:.3f} with 0.1 off, and usually {usual:.3f}"
    return Clue(min(float(np.log10(without / as_it_stands)), _MOST_LEAVES), words) if without > as_it_stands else None


def _leaf_density(apart: float) -> float:
    """How often leaves are so far from what is usual: normal."""
    return float(np.exp(-((apart / _LEAVES[2]) ** 2) / 2) / (_LEAVES[2] * np.sqrt(2 * np.pi)))


def _leafy(bands: Mapping[str, np.ndarray], seen: np.ndarray, least: float = _LEAFY) -> np.ndarray:
    if "nir08" not in bands or "red" not in bands:
        return np.zeros(seen.shape, dtype=bool)
    return np.asarray(seen & (np.where(seen, bands["nir08"] - bands["red"], 0) > least))


def disagreement(sample: Sample) -> str | None:
    """Return how a scene's visible bands differ by an offset that one has and another has not; None if they agree."""
    bands = {name: sample.bands[name] / _PER_UNIT for name in _VISIBLE if name in sample.bands}
    if len(bands) < 2:
        return None
    everything = {name: values / _PER_UNIT for name, values in sample.bands.items()}
    seen = np.logical_and.reduce([np.isfinite(values) for values in everything.values()])
    there = _leafy(everything, seen)
    if sample.codes is not None:
        there &= np.isin(sample.codes, _DARK_CODES)
    if there.sum() < max(_FEWEST, _SHARE * seen.sum()):
        return None
    levels = {name: float(np.percentile(values[there], 10)) for name, values in bands.items()}
    low, high = min(levels, key=lambda name: levels[name]), max(levels, key=lambda name: levels[name])
    if levels[high] - levels[low] < 0.075:
        return None
    return f"vegetation is {levels[low]:.3f} in {low} and {levels[high]:.3f} in {high}: one carries an offset"


# -- among others ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """A scene among others: a sparse sample, its day of the year, and whether its numbers carry the offset."""

    sample: Sample
    day: int
    carries: bool | None = None
    """None if that is not known."""


def compare(look: Look, others: Iterable[Look]) -> Clue | None:
    """Return what a scene says beside `others` of known offset, where the ground was seen around the same season.

    Haze and thin clouds brighten, above all what is dark; nothing but shade darkens. So pixels that would be darker
    than ever with the offset taken off do not carry it; that they are brighter as they stand says little.
    """
    normal = _normal([one for one in others if _apart(one.day, look.day) <= _SEASON_DAYS], look.sample)
    if normal is None:
        return None
    usable = np.isfinite(normal["red"])
    if look.sample.codes is not None:
        usable &= ~np.isin(look.sample.codes, (*_HIDDEN_CODES[:3], 11))
    shift = {}
    for name, values in look.sample.bands.items():
        if name in normal:
            differences = (values / _PER_UNIT - normal[name])[usable]
            differences = differences[np.isfinite(differences)]
            if differences.size >= _FEWEST:
                shift[name] = float(np.median(differences))
    if not {"red", "swir16"} <= set(shift) or shift["red"] > _HIDDEN:
        return None
    most = (_DARKER_UNNAMED, _BRIGHTER_UNNAMED)
    if look.sample.codes is not None:
        clear = np.isin(look.sample.codes[usable], _CLEAR_CODES).mean() >= 0.5
        most = (_DARKER, _BRIGHTER) if clear else (_DARKER_UNNAMED, _BRIGHTER_VEILED)
    weight = (_strangeness(shift, 0.0, most) - _strangeness(shift, 0.1, most)) / np.log(10)
    words = "against the same ground in other scenes of the season " + ", ".join(
        f"{name} is {value:+.3f} as it stands" if name == "red" else f"{name} {value:+.3f}"
        for name, value in sorted(shift.items(), key=lambda item: item[0] != "red")
        if name in ("red", "nir08", "swir16")
    )
    return Clue(float(weight), words)


def _strangeness(shift: Mapping[str, float], offset: float, most: tuple[float, float]) -> float:
    """Minus the logarithm of how likely such differences are; bands are not independent, so they count half."""
    z = np.array([(value - offset) / _SPREAD[name] for name, value in shift.items() if name in _SPREAD])
    darker, brighter = (float((part**2).sum()) / 4 for part in (np.minimum(z, 0), np.maximum(z, 0)))
    return min(darker, most[0]) + min(brighter, most[1])


def _normal(others: Sequence[Look], like: Sample) -> dict[str, np.ndarray] | None:
    """Median clear reflectance at each place, NaN where fewer than two scenes saw it."""
    names = [name for name in like.bands if all(name in one.sample.bands for one in others)]
    others = [one for one in others if one.sample.shape == like.shape]
    if len(others) < 2 or "red" not in names:
        return None
    clear = np.stack([_clear(one.sample) for one in others])
    few = clear.sum(axis=0) < 2
    normal = {}
    for name in names:
        stack = np.stack([(one.sample.bands[name] - OFFSET_NUMBER * bool(one.carries)) / _PER_UNIT for one in others])
        stack = np.where(clear & ~few, stack, np.nan)
        normal[name] = np.full(few.shape, np.nan)
        some = np.isfinite(stack).any(axis=0)
        normal[name][some] = np.nanmedian(stack[:, some], axis=0)
    return normal


def _clear(sample: Sample) -> np.ndarray:
    if sample.codes is None:
        return np.asarray(np.isfinite(sample.bands["red"]))
    return np.isin(sample.codes, _CLEAR_CODES)


def _apart(one: int, other: int) -> int:
    """Days between two days of the year, the shorter way round."""
    days = abs(one - other)
    return min(days, 365 - days)
