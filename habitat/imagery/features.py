"""What a classifier sees of a pixel in a year: each season's bands and indices, the year's course, and the ground.

Which groups of predictors are made by default was measured on simulated landscapes (`benchmarks/features.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr

from habitat.cubes import BANDS, COMPOSITE, FEATURES
from habitat.errors import ContractError, GridError
from habitat.imagery.relief import rises
from habitat.seasons import MAPPING

Layers = dict[str, np.ndarray]
"""Predictors, or a season's bands and looks, (y, x) by name."""
Group = Literal["bands", "indices", "harmonics", "terrain", "texture", "looks"]
DEFAULT_GROUPS: tuple[Group, ...] = ("bands", "indices", "harmonics")

INDICES = {
    "ndvi": ("nir08", "red"),
    "ndmi": ("nir08", "swir16"),
    "nbr": ("nir08", "swir22"),
    "ndwi": ("green", "nir08"),
}
"""Normalised differences of two bands: vegetation, canopy moisture, burns, open water (see habitat.indices)."""
TERRAIN = ("height_m", "slope", "northness", "eastness")
_TEXTURES = ("nir08", "ndvi")
_REACHES = {"3x3": 1, "5x5": 2}


def feature_margin(groups: Sequence[Group]) -> int:
    """Return how many pixels around a block must be known for its predictors to be those of the whole area.

    >>> feature_margin(["bands", "indices", "terrain"]), feature_margin(["bands", "texture"])
    (0, 2)
    """
    return max(_REACHES.values()) if "texture" in groups else 0


def terrain_features(height_m: np.ndarray, *, resolution_m: float) -> xr.Dataset:
    """Return how high the ground is and how it leans, where north and east are those of the grid.

    Parameters
    ----------
    height_m : float32 (y, x)
        NaN where unknown. Slopes are right one pixel from its rim.
    resolution_m : float

    Returns
    -------
    Dataset
        float32 (y, x): `height_m`, `slope` in degrees, `northness` and `eastness`, the parts of the ground's normal
        that point there (-1 to 1; 0 on flat ground).
    """
    east, north = rises(height_m, resolution_m)
    up = 1 / np.sqrt(1 + east**2 + north**2)
    layers = {
        "height_m": height_m,
        "slope": np.degrees(np.arccos(np.clip(up, 0, 1))),
        "northness": -north * up,
        "eastness": -east * up,
    }
    return xr.Dataset({name: (("y", "x"), values.astype(np.float32)) for name, values in layers.items()})


def forest_features(
    composite: xr.Dataset,
    *,
    groups: Sequence[Group] = DEFAULT_GROUPS,
    harmonics: xr.Dataset | None = None,
    terrain: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return the predictors of every year.

    A season without a clear look leaves its predictors NaN, never zero; a pixel not seen in the mapping
    season has no predictors at all, since the map stands for that season.

    Parameters
    ----------
    composite : COMPOSITE
        Over a block and :func:`feature_margin` pixels around it, where there are any.
    groups : sequence of str
        `bands` and `indices` of each season; `harmonics` and `terrain`, where they are given; `texture`: the standard
        deviation of near infrared and NDVI of the mapping season over 3 x 3 and 5 x 5 pixels; `looks`: how many clear
        looks each season had.
    harmonics : FEATURES, optional
        Of :func:`~habitat.imagery.fit_harmonics`, for the same years and pixels.
    terrain : Dataset, optional
        Of :func:`terrain_features`, (y, x), for the same pixels.

    Returns
    -------
    FEATURES
        float32 variables, `<band or index>_<season>` where they are of a season, (year, y, x).

    Raises
    ------
    ContractError
        If no group gives a predictor, or harmonics are of other years.
    GridError
        If harmonics or terrain have another shape.
    """
    COMPOSITE.check(composite)
    shape = (composite.sizes["y"], composite.sizes["x"])
    relief = terrain.data_vars if "terrain" in groups and terrain is not None else {}
    for values in relief.values():
        _same_shape("terrain", values.shape, shape)
    course = harmonics if "harmonics" in groups else None
    if course is not None:
        _same_years(course, composite)
    held = {name: composite.variables[name].values for name in (*BANDS, "looks") if name in composite}
    seasons = [str(season) for season in composite["season"].values]
    years = []
    for number in range(composite.sizes["year"]):
        pictures = {
            season: {name: values[number, at] for name, values in held.items()} for at, season in enumerate(seasons)
        }
        seen = np.ascontiguousarray(pictures[MAPPING]["looks"] > 0)
        layers: Layers = {}
        for season, picture in pictures.items():
            layers |= _of_season(picture, season, seen, groups)
        if course is not None:
            for name in course.data_vars:
                _same_shape("harmonics", course[name].shape[1:], shape)
                layers[str(name)] = _where(seen, course[name].values[number])
        if "texture" in groups:
            layers |= _texture(pictures[MAPPING], seen)
        years.append(layers | {str(name): _where(seen, values.values) for name, values in relief.items()})
    if not years[0]:
        raise ContractError("no group gives a predictor", where="FEATURES", mend="add bands or indices to the features")
    coords = {name: composite.coords[name] for name in ("year", "y", "x", "spatial_ref") if name in composite.coords}
    data = {name: (FEATURES.dims, _joined([layers[name] for layers in years])) for name in years[0]}
    return FEATURES.check(xr.Dataset(data, coords=coords))


def _joined(layers: list[np.ndarray]) -> np.ndarray:
    """Layers of years (year, y, x); one alone is not copied."""
    return layers[0][None] if len(layers) == 1 else np.stack(layers)


def _of_season(picture: Layers, season: str, seen: np.ndarray, groups: Sequence[Group]) -> Layers:
    """Bands, indices and looks of a season, of its picture, where the mapping season has `seen` the pixel."""
    from habitat.imagery import _layers

    layers: Layers = {}
    bands = {band: np.ascontiguousarray(picture[band], dtype=np.float32) for band in BANDS if band in picture}
    if "bands" in groups:
        layers |= {f"{band}_{season}": _where(seen, values) for band, values in bands.items()}
    if "indices" in groups:
        for name, pair in INDICES.items():
            if all(band in bands for band in pair):
                out = np.empty(seen.shape, dtype=np.float32)
                flat = [bands[band].reshape(-1) for band in pair]
                _layers.ratio(*flat, seen.reshape(-1), out.reshape(-1))
                layers[f"{name}_{season}"] = out
    if "looks" in groups:
        layers[f"looks_{season}"] = _where(seen, picture["looks"])
    return layers


def _where(seen: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values where they are seen, else NaN, float32; where all are seen, the values themselves."""
    from habitat.imagery import _layers

    values = np.ascontiguousarray(values, dtype=np.float32)
    if seen.all():
        return values
    out = np.empty(seen.shape, dtype=np.float32)
    _layers.masked(values.reshape(-1), seen.reshape(-1), out.reshape(-1))
    return out


def _texture(mapping: Layers, seen: np.ndarray) -> Layers:
    """How much neighbours differ."""
    from habitat.imagery import _layers

    known = _of_season(mapping, MAPPING, np.ones_like(seen), ("bands", "indices"))
    layers: Layers = {}
    for name in _TEXTURES:
        for size, reach in _REACHES.items():
            if f"{name}_{MAPPING}" in known:
                out = np.empty(seen.shape, dtype=np.float32)
                _layers.spread(known[f"{name}_{MAPPING}"], reach, seen, out)
                layers[f"{name}_{size}"] = out
    return layers


def _same_shape(what: str, shape: tuple[int, ...], other: tuple[int, int]) -> None:
    if shape != other:
        raise GridError(f"{what} have {shape} pixels, the composite {other}", where="features")


def _same_years(harmonics: xr.Dataset, composite: xr.Dataset) -> None:
    own = harmonics["year"].values.tolist() if "year" in harmonics.coords else []
    other = composite["year"].values.tolist()
    if own != other:
        raise ContractError(
            f"harmonics are of the years {own}, the composite of {other}",
            where="features",
            mend="select the same years",
        )
