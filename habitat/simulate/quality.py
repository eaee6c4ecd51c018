"""The products' quality layers, and how they are wrong: thin edges missed, dark slopes called shadow.

SCL classes as in the Sentinel-2 Products Specification Document (Sen2Cor's scene classification); QA_PIXEL bits
as in the Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619). That such masks miss thin clouds and
confuse dark ground with shadow and bright ground with cloud: Skakun et al. (2022), Remote Sensing of Environment
274, 112990 (CMIX), Zhu and Woodcock (2012) for Landsat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.special import ndtri

from habitat.simulate.fields import smooth_noise
from habitat.simulate.presets import STANDARD

_BLUE, _GREEN, _RED, _NIR, _SWIR = range(5)


@dataclass(frozen=True)
class Verdict:
    """What a cloud mask believes; bool (y, x) on the sensor's grid."""

    thick: np.ndarray
    thin: np.ndarray
    shadow: np.ndarray
    snow: np.ndarray
    water: np.ndarray


def judge(
    rng: np.random.Generator,
    bands: np.ndarray,
    opacity: np.ndarray,
    shade: np.ndarray,
    *,
    missed_share: float = STANDARD.missed_cloud_share,
) -> Verdict:
    """Return what an imperfect mask says of a scene.

    Parameters
    ----------
    rng : Generator
    bands : float array (band, y, x)
        Reflectance as observed.
    opacity, shade : float arrays (y, x)
        True clouds and their shadows, 0-1.
    missed_share : float
        Share of the area in whose patches thin clouds are missed.
    """
    shape = opacity.shape
    # believed = true, but for an error that is alike among neighbours; patches of it miss whole small clouds
    doubt = 0.10 * smooth_noise(rng, shape, 3) + 0.05 * smooth_noise(rng, shape, 0)
    missed = smooth_noise(rng, shape, 8) > -round(float(ndtri(missed_share)), 3)
    cloud = opacity + doubt * (opacity > 0.02) - 0.35 * missed
    shadow = shade + 1.2 * doubt * (shade > 0.02) - 0.3 * missed
    green, red, nir, swir = (bands[k] for k in (_GREEN, _RED, _NIR, _SWIR))
    ndvi = (nir - red) / np.maximum(nir + red, 0.01)
    ndsi = (green - swir) / np.maximum(green + swir, 0.01)

    # false alarms: bright bare ground called cloud, dark slopes called shadow
    patch = smooth_noise(rng, shape, 2)
    bright = (bands[_BLUE] > 0.13) & (swir > 0.2) & (patch > 1.2) & (ndvi < 0.35)
    dark = (nir < 0.12) & (bands[_BLUE] < 0.10) & (patch < -0.9)
    stray = smooth_noise(rng, shape, 2.5) > 3.2
    thick = (cloud > 0.55) | (bright & (ndsi < 0.1))
    thin = (cloud > 0.16) & ~thick
    snow = (ndsi > 0.4) & (green > 0.18) & ~(thick & (swir > 0.25))
    snow &= ~(opacity > 0.7) | (rng.random(shape) < 0.03)
    clear = ~thick & ~thin
    return Verdict(
        thick & ~snow,
        thin & ~snow,
        clear & ~snow & ((shadow > 0.30) | dark | stray),
        snow,
        clear & ~snow & (ndvi < 0.05) & (nir < 0.12) & (green > nir),
    )


def overlook(rng: np.random.Generator, verdict: Verdict, share: float) -> Verdict:
    """Return `verdict` without a `share` of its clouds and shadows, in patches of about 300 m: as if clear.

    Snow and water stay as they were judged.
    """
    patch = smooth_noise(rng, verdict.thick.shape, 10)
    seen = []
    for marked in (verdict.thick | verdict.thin, verdict.shadow):
        limit = np.quantile(patch[marked], 1 - share) if marked.any() else np.inf
        seen.append(patch <= limit)
    sky, ground = seen
    return Verdict(verdict.thick & sky, verdict.thin & sky, verdict.shadow & ground, verdict.snow, verdict.water)


def scl(verdict: Verdict, bands: np.ndarray) -> np.ndarray:
    """Return Sentinel-2's scene classification of observed `bands` (band, y, x), uint8 (y, x), 0 nowhere."""
    ndvi = (bands[_NIR] - bands[_RED]) / np.maximum(bands[_NIR] + bands[_RED], 0.01)
    codes = np.where(ndvi > 0.38, 4, 5)
    codes = np.where((ndvi > 0.26) & (ndvi <= 0.38), 7, codes)
    codes = np.where((bands[_NIR] < 0.10) & ~verdict.water, 2, codes)
    codes[verdict.water] = 6
    codes[verdict.shadow] = 3
    codes[verdict.snow] = 11
    # a thin cloud is called cirrus where the ground below is dark, else cloud of medium probability
    codes[verdict.thin] = np.where(bands[_BLUE][verdict.thin] < 0.14, 10, 8)
    codes[verdict.thick] = 9
    return codes.astype(np.uint8)


def qa_pixel(verdict: Verdict) -> np.ndarray:
    """Return Landsat's quality bits, uint16 (y, x), fill nowhere; 21824 is clear land."""
    cloud = verdict.thick | verdict.thin
    dilated = ndimage.binary_dilation(verdict.thick, iterations=2) & ~cloud
    bits = np.zeros(cloud.shape, dtype=np.uint16)
    flags = {1: dilated, 3: cloud, 4: verdict.shadow, 5: verdict.snow, 6: ~(cloud | dilated), 7: verdict.water}
    for bit, flag in flags.items():
        bits |= flag.astype(np.uint16) << bit
    # confidence of cloud, shadow, snow and cirrus in two bits each: 1 low, 2 medium, 3 high
    sure = np.where(verdict.thick, 3, np.where(verdict.thin, 2, 1))
    for bit, confidence in (
        (8, sure),
        (10, 1 + 2 * verdict.shadow),
        (12, 1 + 2 * verdict.snow),
        (14, np.ones_like(sure)),
    ):
        bits |= confidence.astype(np.uint16) << bit
    return bits
