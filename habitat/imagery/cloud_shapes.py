"""Where the shadows of a scene's clouds fall: the clouds' shapes, found again in what is darker than its surroundings.

The sun's place gives the direction, or else the scene does: from any morning's orbit shadows lie in the west. How far
they lie, the height of the clouds, is told by each cloud's own shape (Zhu and Woodcock 2012, Remote Sensing of
Environment 118, 83-94, match them so), and where that tells little by what most clouds of the scene do.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from habitat.imagery.masks import grown

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

_BLOCK = 32
"""Pixels along the side of a block, over which usual light is averaged."""


def cloud_shadows(
    dark_bands: np.ndarray,
    cloud: np.ndarray,
    ground: np.ndarray,
    water: np.ndarray,
    sun: tuple[float, float] | None,
    size_m: float,
) -> np.ndarray:
    """Return what is darker than its surroundings where the clouds' shapes say that a shadow lies, bool (y, x).

    Parameters
    ----------
    dark_bands : float32 (2, y, x)
        Reflectance of nir08 and swir16.
    cloud, ground, water : bool (y, x)
        Clouds, what was seen and is no snow, and water, on which no shadow is seen.
    sun : (azimuth, zenith) in degrees, or None
    size_m : float
        Side of a pixel.
    """
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
