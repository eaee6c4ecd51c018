"""Clouds, their shadows, snow and water in one single scene, by its own spectra: where no history and no mask is.

The ideas are those of Fmask without its temperatures (Zhu and Woodcock 2012, Remote Sensing of Environment 118, 83-94;
Zhu, Wang and Woodcock 2015, 159, 269-277): clouds are hazy (the haze-optimised transform of Zhang et al. 2002, 82,
173-187), white and not green; snow is dark in the short-wave infrared; shadows are darker than the ground around them,
and lie where the sun throws the clouds' shapes. All limits are of surface reflectance. What the air adds to reflectance
at the top of the atmosphere is seen by its blue and taken off.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import ndimage

from habitat.cubes import STACK, Quality
from habitat.errors import ContractError
from habitat.grids import grid_of
from habitat.imagery.cloud_shapes import cloud_shadows
from habitat.imagery.masks import grown

LIKE_CLOUD, SURE_CLOUD = 0.025, 0.05
"""Haze (blue less half of red) above that of clear ground: of what is cloud if it touches one, and what surely is."""
GREENEST, REDDEST, COLOURED = 0.70, 0.70, 0.80
"""A cloud's greatest NDVI, least ratio of nir to swir16, greatest range of the visible bands over their mean."""
LEAST_NIR, LEAST_SWIR = 0.12, 0.05
"""What a cloud has at least: the clearest waters have less."""
SNOW = (0.40, 0.22)
"""Snow's least NDSI (Hall et al. 1995), and its greatest reflectance in swir16: a cloud of ice has more."""
MIXED_SNOW = (0.20, 0.14)
"""The same of snow among trees, where NDVI is above that of water."""
RIM = 1
"""Pixels around a cloud that are counted to it."""
CLEAR_HAZE = (0.0, 0.02)
"""The least and greatest haze that is believed to be that of clear ground."""
PATH = (0.095, 0.055, 0.030, 0.012, 0.0)
"""What a clear sky adds to blue, green, red, nir and swir16 at the top of the atmosphere, at most: near the fourth
power of the frequency."""
FEW = 0.01
"""Share of a scene that is too little to tell what is usual in it."""

_KEPT = Quality.FILL | Quality.SATURATED
_SAMPLE = 40_000
"""Pixels that tell what is usual in a scene."""


def spectral_quality(stack: xr.Dataset, *, corrected: bool = False) -> xr.Dataset:
    """Return the stack with its quality judged anew, each look by its own spectra alone.

    Parameters
    ----------
    stack : STACK
        Surface or top-of-atmosphere reflectance, unmasked. Its own verdicts are not looked at. Where it has
        coordinates `sun_azimuth` and `sun_zenith` (degrees, first dimension time), shadows are looked for where the
        sun throws them; else in the western half, as from any morning's orbit.
    corrected : bool
        Whether this is known to be surface reflectance. If not, what looks like clear air is taken off, and an even
        haze over a whole scene with it.

    Returns
    -------
    STACK
        With `quality` rewritten to cloud, shadow, snow and water; fill and saturation are kept, and what lacks one of
        the bands is fill.

    Raises
    ------
    ContractError
        If it has no visible band or no near infrared. Without any short-wave infrared, snow is called cloud.
    """
    STACK.check(stack)
    names = _stand_ins(stack)
    size_m = abs(grid_of(stack).transform.a)
    old = stack["quality"].values
    new = np.empty_like(old)
    for step in range(stack.sizes["time"]):
        bands = np.stack([stack[name].values[step] * np.float32(factor) for name, factor in names])
        bands[:, (old[step] & Quality.FILL) > 0] = np.nan
        new[step] = (old[step] & _KEPT) | _judge(bands, corrected, _sun(stack, step), size_m)
    return stack.assign(quality=(STACK.dims, new, stack["quality"].attrs))


def _stand_ins(stack: xr.Dataset) -> list[tuple[str, float]]:
    """Which band, times what, is blue, green, red, nir08 and swir16: the nearest one where one is missing."""
    wanted: dict[str, dict[str, float]] = {
        "blue": {"blue": 1, "green": 0.7, "red": 0.9},
        "green": {"green": 1, "red": 1, "blue": 1.2},
        "red": {"red": 1, "green": 0.9, "blue": 1.2},
        "nir08": {"nir08": 1},
        "swir16": {"swir16": 1, "swir22": 1.4, "nir08": 0.6},
    }
    chosen = []
    for band, others in wanted.items():
        found = next(((name, factor) for name, factor in others.items() if name in stack), None)
        if found is None:
            raise ContractError(f"the spectral test needs {band} or its like", where="STACK")
        chosen.append(found)
    return chosen


def _sun(stack: xr.Dataset, step: int) -> tuple[float, float] | None:
    """Azimuth and zenith of the sun in the middle of a look, degrees; None where they are not known."""
    if "sun_azimuth" not in stack.coords or "sun_zenith" not in stack.coords:
        return None
    azimuth = np.radians(np.asarray(stack["sun_azimuth"].values[step], dtype=np.float64))
    zenith = float(np.nanmean(stack["sun_zenith"].values[step]))
    east, north = np.nanmean(np.sin(azimuth)), np.nanmean(np.cos(azimuth))
    return (float(np.degrees(np.arctan2(east, north))), zenith) if np.isfinite(zenith + east) else None


def _judge(bands: np.ndarray, corrected: bool, sun: tuple[float, float] | None, size_m: float) -> np.ndarray:
    """Return the quality bits of one scene, uint8 (y, x); bands float32 (5, y, x)."""
    from habitat.imagery import _spectral

    shape = bands.shape[1:]
    first = np.zeros(shape, dtype=np.uint8)
    every = max(round((bands[0].size / _SAMPLE) ** 0.5), 1)
    sample = bands[:, ::every, ::every].reshape(5, -1)
    sample = sample[:, np.isfinite(sample).all(axis=0)]
    if not sample.size:
        return np.full(shape, Quality.FILL, dtype=np.uint8)
    path = np.zeros(5, dtype=np.float32) if corrected else path_reflectance(sample)
    haze = _clear_haze(sample - path[:, None])
    limits = (LIKE_CLOUD + haze, SURE_CLOUD + haze, GREENEST, REDDEST, COLOURED, LEAST_NIR, LEAST_SWIR)
    snowy = tuple(map(np.float32, SNOW + MIXED_SNOW))
    _spectral.look(bands, path, _tops(sample), (*map(np.float32, limits), snowy), first)
    seen, snow, water = ((first & bit) > 0 for bit in (_spectral.SEEN, _spectral.SNOW, _spectral.WATER))
    cloud = _clouds((first & _spectral.LIKE_CLOUD) > 0, (first & _spectral.SURE_CLOUD) > 0) & ~snow
    shadow = cloud_shadows(bands[3:], cloud, seen & ~snow, water, sun, size_m)
    out = np.where(seen, 0, Quality.FILL).astype(np.uint8)
    for mask, bit in ((cloud, Quality.CLOUD), (shadow, Quality.SHADOW), (snow, Quality.SNOW)):
        out[mask] |= bit
    out[water & ~cloud & ~shadow] |= Quality.WATER
    return out


def path_reflectance(sample: np.ndarray) -> np.ndarray:
    """Return what the air adds to each band of a scene, float32 (5,); about 0 of surface reflectance.

    Plants and soils are known to have half as much blue as red or hardly more: what all of them have besides is the
    sky's. It is no more than the darkest pixels have of blue, nor, as veils of cloud are white and the sky is not,
    than plants are too blue against red. A scene without ground tells it by that colour alone.

    Parameters
    ----------
    sample : float32 (5, pixel)
        Blue, green, red, nir08, swir16, all finite.
    """
    full = np.array(PATH, dtype=np.float32)
    blue, _, red, _, _ = sample
    green, ground = _ground(sample)
    shares = [np.percentile(blue, 1) / full[0]]
    if ground.mean() > FEW:
        shares.append((np.percentile(haze_of(sample[:, ground]), 5) - 0.015) / 0.055)
    else:
        shares.append((np.percentile(blue - red, 5) + 0.01) / (full[0] - full[2]))
    if green.mean() > FEW:
        shares.append((np.median((blue - red)[green]) + 0.035) / 0.08)
    return full * np.float32(np.clip(min(shares), 0, 1.2))


def haze_of(sample: np.ndarray) -> np.ndarray:
    """Blue less half of red: about 0 over plants and soils, and more by half of what a white veil adds."""
    return np.asarray(sample[0] - np.float32(0.5) * sample[2])


def _ground(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels of a sample show plants, and which plants or reddish soil, even at the top of the atmosphere."""
    blue, _, red, nir, _ = sample
    green = nir - red > 0.4 * (nir + red)
    return green, green | (red > 1.2 * np.maximum(blue, 0))


def _clear_haze(sample: np.ndarray) -> float:
    """Haze of the clearer part of a scene's ground that shows its colour, within what clear ground can have."""
    _, ground = _ground(sample)
    return float(np.clip(np.percentile(haze_of(sample[:, ground]), 30), *CLEAR_HAZE)) if ground.mean() > FEW else 0.0


def _tops(sample: np.ndarray) -> np.ndarray:
    """Values at which the visible bands are saturated: a bright greatest value that many pixels share."""
    tops = np.full(3, np.inf, dtype=np.float32)
    for k, values in enumerate(sample[:3]):
        top = values.max()
        if top > 0.25 and (values >= top).mean() > 0.002 and (values >= top).sum() > 9:
            tops[k] = top
    return tops


def _clouds(like: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """What is like a cloud and touches what is surely one and more than a speck, with a pixel around."""
    from habitat.imagery import _spectral

    core = np.zeros(like.shape, dtype=np.bool_)
    _spectral.majority(sure, core)
    if not core.any():
        return core
    parts, n = ndimage.label(like, np.ones((3, 3)))
    chosen = np.zeros(n + 1, dtype=np.bool_)
    chosen[parts[core]] = True
    chosen[0] = False
    return np.asarray(grown(chosen[parts][None], RIM)[0])
