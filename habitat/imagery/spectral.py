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
from scipy import fft, ndimage

from habitat.cubes import STACK, Quality
from habitat.errors import ContractError
from habitat.grids import grid_of
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
DIM, DARK, ALONE = 0.80, 0.65, 0.55
"""Share of the usual light of the surroundings: what is shadow where one must fall; what is like one; and what is one
where its cloud would be beyond the scene."""
HIGHEST_M = 6000
"""Clouds above throw their shadows too far to be matched."""
LANDFORM_M = 600
"""Width over which darkness is that of the land."""
NEARER, FARTHER = 0.6, 1.7
"""How much lower and higher than most a scene's other clouds may be."""
EDGE_M = 60
"""By how much the shape of a shadow may differ from that of its cloud."""

_KEPT = Quality.FILL | Quality.SATURATED
_BLOCK = 32
"""Pixels along the side of a block, over which usual light is averaged."""
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
    shadow = _shadows(bands[3:], cloud, seen & ~snow, water, sun, size_m)
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


def _shadows(
    dark_bands: np.ndarray,
    cloud: np.ndarray,
    ground: np.ndarray,
    water: np.ndarray,
    sun: tuple[float, float] | None,
    size_m: float,
) -> np.ndarray:
    """What is darker than its surroundings where the clouds' shapes say that a shadow lies."""
    from habitat.imagery import _spectral

    free = ground & ~cloud & ~water
    none = np.zeros(cloud.shape, dtype=np.bool_)
    if not cloud.any() or not free.any():
        return none
    share = np.empty(cloud.shape, dtype=np.float32)
    _spectral.darkness(dark_bands, _usual(dark_bands, free), _BLOCK, free, share)
    dark = share < DARK
    steps = _steps(cloud, dark, free, sun, size_m)
    if steps is None:
        return none
    objects, n = ndimage.label(cloud, np.ones((3, 3)))
    hits, tries = np.zeros((2, n + 1, len(steps)), dtype=np.float32)
    _spectral.try_distances(objects, (dark, free), steps, 2 if cloud.size > 20_000 else 1, (hits, tries))
    common = (hits.sum(axis=0) + 1) / (tries.sum(axis=0) + 10)
    weight = 30  # so many pixels of its own outweigh what is common in the scene
    chosen = np.argmax((hits + weight * common) / (tries + weight), axis=1)
    fallen = none.copy()
    _spectral.cast(objects, steps, chosen, fallen)
    shadow = grown(fallen[None], max(EDGE_M / size_m, 1.5))[0] & (share < DIM)
    beyond = _under_unseen(cloud.shape, steps[int(np.argmax(common))]) & (share < ALONE)
    solid = none.copy()
    _spectral.majority(beyond, solid)
    return np.asarray(shadow | solid)


def _under_unseen(shape: tuple[int, int], step: np.ndarray) -> np.ndarray:
    """Where a shadow may be that of a cloud beyond the scene: less than a farthest step from its edges to the sun."""
    out = np.ones(shape, dtype=np.bool_)
    rows, cols = (slice(max(by, 0), max(n + min(by, 0), 0)) for by, n in zip(step, shape, strict=True))
    out[rows, cols] = False
    return out


def _usual(bands: np.ndarray, use: np.ndarray) -> np.ndarray:
    """Light of the brighter half of each block's ground, float32 (2, block row, block column), smoothed."""
    from habitat.imagery import _spectral

    blocks = tuple(-(-n // _BLOCK) for n in use.shape)
    out = np.empty((2, *blocks), dtype=np.float32)
    total, count = np.empty((2, *blocks), dtype=np.float64)
    for k, values in enumerate(bands):
        least = np.full(blocks, -np.inf)
        for _ in range(2):
            _spectral.block_sums(values, use, least, _BLOCK, total, count)
            everywhere = total.sum() / max(count.sum(), 1)
            least = np.where(count > 0, total / np.maximum(count, 1), everywhere)
        few = _BLOCK**2 / 4
        sums, counts = (ndimage.uniform_filter(each, 3, mode="constant") * 9 for each in (total, count))
        out[k] = (sums + few * everywhere) / (counts + few)
    return out


def _steps(
    cloud: np.ndarray, dark: np.ndarray, free: np.ndarray, sun: tuple[float, float] | None, size_m: float
) -> np.ndarray | None:
    """Where shadows may lie from their clouds: int64 (distance, 2), rows and columns; None where none are seen."""
    per = max(-(-max(cloud.shape) // 128), 1)
    shapes = [_shrunk(each, per) for each in (cloud, dark, free)]
    wide = max(LANDFORM_M / size_m / per, 3)
    near = [ndimage.gaussian_filter(each, wide, mode="constant") for each in shapes]
    shapes[1] -= shapes[2] * near[1] / np.maximum(near[2], 1e-3)  # dark land is no shadow
    shapes[0] -= near[0]
    whole = [fft.next_fast_len(2 * n, real=True) for n in shapes[0].shape]
    of_cloud, of_dark = (fft.rfft2(each, whole) for each in shapes[:2])
    alike = fft.irfft2(np.conj(of_cloud) * of_dark, whole)
    rows, cols = (np.minimum(i, n - i) * np.where(i < n / 2, 1, -1) for i, n in ((np.arange(n), n) for n in whole))
    down, right = rows[:, None] * per, cols[None] * per
    far = np.hypot(down, right)
    reach = HIGHEST_M * (np.tan(np.radians(min(sun[1], 75))) if sun else 1.2) / size_m
    allowed = (far <= max(reach, 3)) & (far >= per)
    angle = np.degrees(np.arctan2(right, -down))  # clockwise from north
    middle, half = (sun[0] + 180, 15) if sun else (290, 75)
    allowed &= np.abs((angle - middle + 180) % 360 - 180) <= half
    noise = alike.std()
    alike = np.where(allowed, alike, -np.inf)
    best = np.unravel_index(np.argmax(alike), alike.shape)
    if alike[best] < 3 * noise:
        return None
    length = far[best]
    distances = np.arange(max(NEARER * length, 1), FARTHER * length + 1, max(length / 20, 1))
    unit = np.array([down[best[0], 0], right[0, best[1]]]) / length
    return np.unique(np.rint(distances[:, None] * unit).astype(np.int64), axis=0)


def _shrunk(mask: np.ndarray, per: int) -> np.ndarray:
    """Share of a mask in blocks of `per` pixels along a side."""
    rows, cols = (-(-n // per) for n in mask.shape)
    padded = np.zeros((rows * per, cols * per), dtype=np.float32)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    return np.asarray(padded.reshape(rows, per, cols, per).mean(axis=(1, 3)))
