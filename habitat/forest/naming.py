"""What a predictor's name says: `<band or index>_<season>`, or what it is of the year's course or the ground."""

from __future__ import annotations

from collections.abc import Sequence

from habitat.cubes import BANDS
from habitat.indices import INDEX_NAMES

LOOKS = "looks"
COURSE = ("level", "cos", "sin", "cos2", "sin2", "scatter")
"""What harmonics tell of an index, where seasons stand in other names."""
TEXTURES = ("3x3", "5x5")
TERRAIN = ("height_m", "slope", "northness", "eastness")


def describe(name: str) -> tuple[str, str]:
    """Return a predictor's kind and season.

    Returns
    -------
    kind : str
        A band, an index or `looks`, with its season; `harmonics`, `texture`, `terrain` or, of a name that is none of
        these, the name itself, without.
    season : str
        Empty where there is none.

    >>> describe("ndvi_leaf_off"), describe("ndvi_cos2"), describe("nir08_3x3"), describe("height_m")
    (('ndvi', 'leaf_off'), ('harmonics', ''), ('texture', ''), ('terrain', ''))
    """
    if name in TERRAIN:
        return "terrain", ""
    measure, _, rest = name.partition("_")
    if not rest or measure not in (*BANDS, *INDEX_NAMES, LOOKS):
        return name, ""
    if rest in TEXTURES:
        return "texture", ""
    if rest in COURSE and measure in INDEX_NAMES:
        return "harmonics", ""
    return measure, rest


def season_predictors(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of predictors by season, looks among them, in the order of the seasons' first.

    >>> season_predictors(["red_mapping", "ndvi_level", "ndvi_off", "ndvi_leaf_off"])
    {'mapping': ['red_mapping'], 'off': ['ndvi_off'], 'leaf_off': ['ndvi_leaf_off']}
    """
    found: dict[str, list[str]] = {}
    for name in names:
        if season := describe(name)[1]:
            found.setdefault(season, []).append(name)
    return found
