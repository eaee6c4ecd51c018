"""How sharply a product's pixels show the ground.

What a detector sees of a point is taken as a square pixel blurred by a round normal curve: of optics, of the
detector's own time, of how the product was resampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PointSpread:
    """Of one band, the same along both axes."""

    pixel_m: float
    """Side of the product's pixel."""
    blur_m: float
    """Standard deviation of what blurs it besides."""
    anchor_m: float = 0.0
    """An edge of its pixels in UTM coordinates; others lie whole pixels from it."""


_FINE, _COARSE = PointSpread(10, 4.6), PointSpread(20, 9.3)
"""Sentinel-2: the modulation transfer at half a cycle a pixel is to lie between 0.15 and 0.30 (Drusch et al. 2012,
Remote Sensing of Environment 120, 25-36). Of its middle, 0.22, a square pixel accounts for 0.64, and a normal curve of
0.46 pixels for the rest."""

_OLI = PointSpread(30, 11.4, 15)
"""Landsat: an edge's response is to rise by at least 0.027 a metre (Storey, Choate and Lee 2014, Remote Sensing 6,
11127-11152): a pixel of 30 m does so when it is blurred by 11.4 m. TM and ETM+ have the same pixels, and are taken to
be as sharp. Its pixels' middles lie on multiples of 30 m (LSDS-1619)."""

_COARSE_AT_30_M = PointSpread(30, 11.6)
"""HLS takes Sentinel-2's 20 m pixels to 30 m by area, two at a time: their middles spread by 9.4 m, and the pixels of
20 m are by 41.7 square metres narrower than one of 30 m: 9.3, 9.4 and that together."""

_OF_SENTINEL2 = {"blue": _FINE, "green": _FINE, "red": _FINE, "nir08": _COARSE, "swir16": _COARSE, "swir22": _COARSE}

POINT_SPREAD: Mapping[str, Mapping[str, PointSpread]] = {
    "sentinel-2": _OF_SENTINEL2,
    "landsat": dict.fromkeys(_OF_SENTINEL2, _OLI),
    "landsat-tm": dict.fromkeys(_OF_SENTINEL2, _OLI),
    "hls-s30": {
        band: PointSpread(30, spread.blur_m) if spread is _FINE else _COARSE_AT_30_M
        for band, spread in _OF_SENTINEL2.items()
    },
    # from pixels of another lattice by cubic convolution, which keeps quadratic surfaces: no blur to speak of
    "hls-l30": dict.fromkeys(_OF_SENTINEL2, PointSpread(30, 11.4)),
}
"""By sensor and band."""
