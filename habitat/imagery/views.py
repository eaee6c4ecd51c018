"""How much reflectance minds the direction that it is seen from, learnt from looks at the same ground from two sides.

Roy's weights of the kernels (:mod:`habitat.imagery.brdf`) are means of all land. Forest minds directions more in the
bands that it absorbs: what is left is a step where two orbits meet. Where they overlap the ground is seen from both
sides within days, and the two looks say by how much: each sensor's band gets one number, its strength, with which the
volume and surface weights are multiplied. It is found by robust regression over pairs of looks, beside what the season
does to reflectance meanwhile, and drawn to 1, Roy's own weights, as far as the pairs leave it open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from habitat.cubes import BANDS, STACK
from habitat.errors import ContractError
from habitat.imagery.brdf import MADE_SO, kernels_at_middle
from habitat.indices import ndvi
from habitat.sensors.anisotropy import WEIGHTS

if TYPE_CHECKING:
    import pandas as pd

APART_DAYS = 12
"""Between the looks of a pair, at most."""
LEAST_CHANGE = 0.01
"""By how much the published weights say that a band changes between them, relative; below that a pair tells nothing."""
GREEN, FEWEST_PIXELS = 0.3, 200
"""NDVI in both looks, and pixels that have it, at least."""
EVERY = 4
"""Of the pixels along each axis one of so many is looked at."""
USUAL, DOUBT = 1.0, 1.0
"""The strength where nothing is known, and its standard error."""
LIMITS = (0.0, 3.0)
"""Of a strength: beyond, low suns would make reflectance negative."""
_DRIFT = 0.02
"""A day: by how much of itself reflectance is likely to change with the season."""
_USUAL_SPREAD, _ITS_PAIRS = 0.05, 4
"""Relative, of pairs, by what atmospheric correction leaves; and how many pairs this knowledge is worth."""
_ROUNDS, _HUBER = 12, 1.345
_ENDS = ("earlier", "later")


def view_pairs(stack: xr.Dataset) -> pd.DataFrame:
    """Return pairs of looks at the same green pixels from different sides, close in date, of one sensor.

    Parameters
    ----------
    stack : STACK
        A sample of the area, looks that are not clear NaN, with `sensor` and the angles that
        :func:`habitat.tiles.read_stack` gives; reflectance as it was seen.

    Returns
    -------
    DataFrame
        One row a pair: `sensor`, `earlier` and `later` (times), `pixels`; of both looks `volume` and `surface`, the
        kernels (`volume_later`, ...); of each band how far its logarithm rises between them, the median over pixels.

    Raises
    ------
    ContractError
        If it has no red or near infrared, or a look has no angles.
    """
    import pandas as pd

    STACK.check(stack)
    if "red" not in stack or "nir08" not in stack:
        raise ContractError("green pixels are found in red and nir08", where="STACK")
    bands = [band for band in BANDS if band in stack]
    looks = {band: stack[band].values[:, ::EVERY, ::EVERY] for band in bands}
    with np.errstate(invalid="ignore", divide="ignore"):
        green = ndvi(looks["red"], looks["nir08"]) > GREEN
        logs = {band: np.log(np.where(green & (values > 0), values, np.nan)) for band, values in looks.items()}
    seen = np.logical_and.reduce([np.isfinite(each) for each in logs.values()])
    volume, surface = kernels_at_middle(stack)
    expected = {band: np.log(_modelled(band, 1.0, volume, surface)) for band in bands}
    rows = []
    for earlier, later, both in _pairs_of(stack, expected, seen):
        rows.append(
            {
                "sensor": str(stack["sensor"].values[earlier]),
                "earlier": stack["time"].values[earlier],
                "later": stack["time"].values[later],
                "pixels": int(both.sum()),
                "volume_earlier": volume[earlier],
                "surface_earlier": surface[earlier],
                "volume_later": volume[later],
                "surface_later": surface[later],
            }
            | {band: float(np.median(each[later][both] - each[earlier][both])) for band, each in logs.items()}
        )
    return pd.DataFrame(rows)


def fit_strengths(parts: Sequence[pd.DataFrame], *, sensors: Sequence[str], bands: Sequence[str]) -> xr.Dataset:
    """Return how much stronger than published each sensor's bands mind directions.

    Parameters
    ----------
    parts : sequence of DataFrame
        :func:`view_pairs` of samples of the whole area.
    sensors, bands : sequence of str
        What is asked for.

    Returns
    -------
    Dataset
        float64 `strength` and its standard error `strength_se` (sensor, band), and `pairs` (sensor,), how many
        there were. Without pairs it is 1, Roy's weights, give or take 1.
    """
    import pandas as pd

    filled = [part for part in parts if len(part)]
    strength, error = (np.full((len(sensors), len(bands)), value) for value in (USUAL, DOUBT))
    count = np.zeros(len(sensors), dtype=np.int64)
    if filled:
        keys = ["sensor", "earlier", "later"]
        pairs = pd.concat(filled).groupby(keys, sort=True).mean().reset_index()  # one error of the air a pair
        for number, sensor in enumerate(sensors):
            own = pairs[pairs["sensor"] == sensor]
            count[number] = len(own)
            if len(own):
                for k, band in enumerate(bands):
                    strength[number, k], error[number, k] = _fit(own, band)
    return xr.Dataset(
        {
            "strength": (("sensor", "band"), strength),
            "strength_se": (("sensor", "band"), error),
            "pairs": ("sensor", count),
        },
        coords={"sensor": list(sensors), "band": list(bands)},
    )


def _pairs_of(
    stack: xr.Dataset, expected: dict[str, np.ndarray], seen: np.ndarray
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Each look and the next one of its sensor that sees enough of the same pixels from another side, and which."""
    days = stack["time"].values.astype("datetime64[s]").astype(float) / 86_400
    for sensor in sorted(set(map(str, stack["sensor"].values))):
        if sensor.startswith(MADE_SO):
            continue
        own = np.flatnonzero(stack["sensor"].values == sensor)
        own = own[np.argsort(days[own], kind="stable")]
        for place, earlier in enumerate(own):
            for later in own[place + 1 :]:
                if days[later] - days[earlier] > APART_DAYS:
                    break
                if max(abs(each[later] - each[earlier]) for each in expected.values()) > LEAST_CHANGE:
                    both = seen[earlier] & seen[later]
                    if both.sum() >= FEWEST_PIXELS:
                        yield int(earlier), int(later), both
                        break


def _modelled(band: str, strength: float, volume: np.ndarray, surface: np.ndarray) -> np.ndarray:
    isotropic, of_volume, of_surface = WEIGHTS[band]
    return np.asarray(isotropic + strength * (of_volume * volume + of_surface * surface))


def _fit(pairs: pd.DataFrame, band: str) -> tuple[float, float]:
    """A band's strength and its standard error: Gauss and Newton's steps with Huber's weights.

    Beside it the season's change is told, the slope of one wave a year. A look is in two pairs, once with each sign:
    variances are twice what they would be if pairs had errors of their own.
    """
    earlier, later = (pairs[end].to_numpy("datetime64[s]") for end in _ENDS)
    days = (later - earlier).astype(float) / 86_400
    turn = 2 * np.pi * (earlier - earlier.astype("datetime64[Y]")).astype(float) / (365.25 * 86_400)
    rise = pairs[band].to_numpy(float)
    season = np.stack([days, days * np.cos(turn), days * np.sin(turn)], axis=1)
    ends = [(pairs[f"volume_{end}"].to_numpy(float), pairs[f"surface_{end}"].to_numpy(float)) for end in _ENDS]
    isotropic = WEIGHTS[band][0]
    prior = np.diag([DOUBT**-2, *[_DRIFT**-2] * 3])
    found = np.array([USUAL, 0.0, 0.0, 0.0])
    covariance = np.linalg.inv(prior)
    for _ in range(_ROUNDS):
        here = [_modelled(band, found[0], *end) for end in ends]
        slopes = [(_modelled(band, 1.0, *end) - isotropic) / each for end, each in zip(ends, here, strict=True)]
        design = np.column_stack([slopes[1] - slopes[0], season])
        left = rise - np.log(here[1] / here[0]) - season @ found[1:]
        own = 1.4826 * float(np.median(np.abs(left)))
        spread = np.sqrt((len(left) * own**2 + _ITS_PAIRS * _USUAL_SPREAD**2) / (len(left) + _ITS_PAIRS))
        weight = np.minimum(1, _HUBER * spread / np.maximum(np.abs(left), 1e-9)) / (2 * spread**2)
        matrix = design.T @ (design * weight[:, None]) + prior
        covariance = np.linalg.inv(matrix)
        pull = prior @ (np.array([USUAL, 0, 0, 0]) - found)
        found = found + covariance @ (design.T @ (weight * left) + pull)
        found[0] = np.clip(found[0], *LIMITS)
    return float(found[0]), float(np.sqrt(covariance[0, 0]))
