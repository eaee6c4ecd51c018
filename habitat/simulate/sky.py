"""What stands between the ground and the sensor: the sun's place, clouds, their shadows, and haze."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy import ndimage

from habitat.simulate import spectra
from habitat.simulate.area import FINE_M
from habitat.simulate.fields import fractal_noise, smooth_noise

_COARSE_M = 30
"""Clouds are drawn at 30 m: they have no sharper edges."""
_SHADE = np.array([0.52, 0.60, 0.66, 0.74, 0.80, 0.82], dtype=np.float32)
"""By band: how much darker it is in the shadow of a thick cloud; the sky still lights the blue."""


@dataclass(frozen=True)
class Sun:
    """Where the sun stands, degrees."""

    azimuth: float
    """Clockwise from north."""
    elevation: float
    """Above the horizon."""


def sun_at(when: datetime, latitude: float, longitude: float) -> Sun:
    """Return the sun's place at a UTC time, to about half a degree (declination: Cooper 1969)."""
    day = when.timetuple().tm_yday
    declination = np.radians(23.45 * np.sin(2 * np.pi * (284 + day) / 365))
    hour = np.radians(15 * (when.hour + when.minute / 60 + longitude / 15 - 12))
    lat = np.radians(latitude)
    sine = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(hour)
    north = np.cos(lat) * np.sin(declination) - np.sin(lat) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)
    return Sun(float(np.degrees(np.arctan2(east, north)) % 360), float(np.degrees(np.arcsin(sine))))


@dataclass(frozen=True)
class Sky:
    """Clouds over the area; arrays float32 (y, x) on the fine grid, 0-1."""

    opacity: np.ndarray
    """Share of the light from the ground that a cloud replaces by its own."""
    shade: np.ndarray
    """Share of the sun that clouds keep from the ground."""
    haze: np.ndarray
    """Opacity of a veil that no quality band marks."""
    shadow_m: tuple[float, float]
    """How far to the east and to the north shadows lie from their clouds."""


def draw_sky(
    rng: np.random.Generator, shape: tuple[int, int], sun: Sun, cloud_cover: float, *, sunward: bool = False
) -> Sky:
    """Draw clouds with thin edges and the shadows that they throw away from the sun.

    Parameters
    ----------
    rng : Generator
    shape : (rows, cols) of the fine grid
    sun : Sun
    cloud_cover : float
        Share of the area that is to be under clouds, 0-1.
    sunward : bool
        Draw clouds beyond the area only towards the sun: as true, another sky, and several times as fast.
    """
    height_m = float(rng.uniform(900, 2600))
    length_m = height_m / np.tan(np.radians(max(sun.elevation, 15.0)))
    azimuth = np.radians(sun.azimuth)
    east, north = -np.sin(azimuth) * length_m, -np.cos(azimuth) * length_m

    per = _COARSE_M // FINE_M
    rows, cols = (-(-n // per) + 2 for n in shape)
    # clouds beyond the area throw shadows into it
    pad = int(np.ceil(length_m / _COARSE_M)) + 2
    pads = (pad, pad, pad, pad) if not sunward else _sunward(east / _COARSE_M, north / _COARSE_M)
    whole = (rows + pads[0] + pads[1], cols + pads[2] + pads[3])
    thickness = fractal_noise(rng, whole, (rng.uniform(12, 28), 5.0, 1.6), (1.0, 0.45, 0.15))
    window = (slice(pads[0], pads[0] + rows), slice(pads[2], pads[2] + cols))
    edge = np.quantile(thickness[window], 1 - min(cloud_cover, 0.98)) if cloud_cover > 0 else np.inf
    opacity = 1 - np.exp(-np.clip(thickness - edge, 0, None) / 0.22)
    # rows run south: a shadow to the north lies in a smaller row
    shade = ndimage.shift(opacity, (-north / _COARSE_M, east / _COARSE_M), order=1, mode="constant")
    shade = ndimage.gaussian_filter(shade, 0.7)
    haze = 0.03 * rng.random() * np.clip(1 + smooth_noise(rng, (rows, cols), 20), 0, 3)
    opacity, shade, haze = (_to_fine(part, shape) for part in (opacity[window], shade[window], haze))
    return Sky(opacity, shade, haze, (float(east), float(north)))


def _sunward(east: float, north: float) -> tuple[int, int, int, int]:
    """How many coarse pixels north, south, west and east of the area hold clouds whose shadows reach into it."""
    return tuple(int(np.ceil(max(side, 0))) + 2 for side in (-north, north, east, -east))  # type: ignore[return-value]


def _to_fine(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    fine = ndimage.zoom(coarse, _COARSE_M // FINE_M, order=1, grid_mode=True, mode="nearest")
    return np.clip(fine[: shape[0], : shape[1]], 0, 1).astype(np.float32)


def through(sky: Sky, ground: np.ndarray, sensor: str) -> np.ndarray:
    """Return what is seen of `ground` (band, y, x) from above: shaded, then veiled, then hidden by clouds."""
    cloud = spectra.cloud_reflectance(sensor)[:, None, None]
    lit = ground * (1 - _SHADE[:, None, None] * sky.shade)
    veil = np.clip(sky.opacity + sky.haze * (1 - sky.opacity), 0, 1)
    return np.asarray(lit * (1 - veil) + cloud * veil, dtype=np.float32)
