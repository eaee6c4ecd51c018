"""From the landscape to scenes: when satellites pass, and what their files hold.

Digital numbers are written as the products define them: Sentinel-2 Level-2A as Earth Search serves it
(reflectance x 10000, the offset of processing baseline 04.00 already taken off), Landsat Collection 2 Level-2
((reflectance + 0.2) / 0.0000275, LSDS-1619).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from odc.geo.geobox import GeoBox
from scipy import ndimage

from habitat.cubes import BANDS
from habitat.simulate import quality
from habitat.simulate.area import FINE_M, Area
from habitat.simulate.fields import block_mean
from habitat.simulate.history import Past
from habitat.simulate.presets import LANDSAT, SENTINEL2, STANDARD, Preset, Window
from habitat.simulate.sky import Sun, draw_sky, sun_at, through
from habitat.simulate.streams import Streams
from habitat.simulate.surface import Ground, make_surface, reflectance

LATITUDE, LONGITUDE = 43.1, 130.8

_OVERPASS_UTC = {SENTINEL2: (2, 16), LANDSAT: (2, 8)}

_BLUR_M = {"visible": 6.0, "coarse": 10.0, "landsat": 14.0}
"""Standard deviation of the point spread function: about half a pixel."""
_NOISE = ((0.0012, 0.006), (0.0012, 0.006), (0.0012, 0.006), (0.0015, 0.007), (0.0015, 0.008), (0.0015, 0.010))
"""By band: noise of a pixel, constant part and share of reflectance; signal-to-noise ratios near 100."""

_GEOLOCATION_M = {SENTINEL2: 2.5, LANDSAT: 4.0}
"""By how much a scene may lie beside where it says, standard deviation along each axis."""
_STEP = {SENTINEL2: 8, LANDSAT: 29}
"""Digital numbers are multiples of this, 0.0008 of reflectance: finer steps would be noise, which does not compress."""


@dataclass(frozen=True)
class Overpass:
    """One scene to be taken."""

    sensor: str
    platform: str
    when: datetime
    sun: Sun
    cloud_cover: float
    """Share of the area under clouds, 0-1."""


@dataclass(frozen=True)
class Asset:
    """One file of a scene."""

    values: np.ndarray
    """uint16 or uint8 (y, x) digital numbers."""
    grid: GeoBox


@dataclass(frozen=True)
class Scene:
    """What one overpass brings home."""

    overpass: Overpass
    assets: dict[str, Asset]
    """By asset name: six bands and the quality layer."""
    cloud_percent: float
    """As the product's own mask counts it."""
    shadow_m: tuple[float, float]
    """How far to the east and north shadows lie from their clouds."""


def plan_overpasses(years: range, streams: Streams, *, preset: Preset = STANDARD) -> list[Overpass]:
    """Return the dates of each sensor as `preset` has them, in order of time: days on which satellites could pass."""
    passes = []
    for year in years:
        for schedule in preset.schedules:
            for k, window in enumerate(schedule.of_year(year)):
                rng = streams("overpass", schedule.sensor, year, k)
                passes.append(_draw_overpass(rng, schedule.sensor, year, window, preset.clearest_of))
    return sorted(passes, key=lambda overpass: (overpass.when, overpass.sensor))


def _draw_overpass(rng: np.random.Generator, sensor: str, year: int, window: Window, clearest_of: int) -> Overpass:
    first, last = date(year, *window[:2]), date(year, *window[2:])
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    taken = [(day, platform) for day in days if (platform := platform_on(sensor, day)) is not None]
    day, platform = taken[int(rng.integers(len(taken)))]
    when = datetime(day.year, day.month, day.day, *_OVERPASS_UTC[sensor], int(rng.integers(60)), tzinfo=UTC)
    # the monsoon is cloudy, spring and autumn are not; who picks few dates a year picks the clearer of two
    mean = {6: 0.40, 7: 0.55, 8: 0.42}.get(day.month, 0.26)
    cover = float(np.clip(rng.beta(1.3 * mean / (1 - mean), 1.3, size=clearest_of).min(), 0, 0.8))
    cover = 0.0 if cover < 0.015 else cover
    return Overpass(sensor, platform, when, sun_at(when, LATITUDE, LONGITUDE), cover)


def platform_on(sensor: str, day: date) -> str | None:
    """Which satellite passes on `day`, if any: Sentinel-2 returns after 10 days, Landsat after 16, twins halfway."""
    if sensor == SENTINEL2:
        phase = day.toordinal() % 10
        twin = day >= date(2017, 7, 1)
        return "sentinel-2a" if phase == 3 else "sentinel-2b" if phase == 8 and twin else None
    phase = day.toordinal() % 16
    twin = day >= date(2021, 11, 1)
    return "landsat-8" if phase == 5 else "landsat-9" if phase == 13 and twin else None


def take_scenes(
    area: Area, history: Past, ground: Ground, overpasses: Iterable[Overpass], streams: Streams
) -> Iterator[Scene]:
    """Yield the scenes of `overpasses`, one at a time: memory holds one."""
    for overpass in overpasses:
        yield take_scene(area, history, ground, overpass, streams)


def take_scene(area: Area, history: Past, ground: Ground, overpass: Overpass, streams: Streams) -> Scene:
    """Return the scene of one overpass."""
    sensor = overpass.sensor
    rng = streams("scene", sensor, overpass.when.date().isoformat())
    surface = make_surface(ground, history.at(overpass.when.date()), streams)
    fine = reflectance(ground, surface, sensor, overpass.sun.azimuth, overpass.sun.elevation)
    del surface
    sky = draw_sky(rng, fine.shape[1:], overpass.sun, overpass.cloud_cover, sunward=ground.landscape.preset.dense)
    fine = _correct(rng, through(sky, fine, sensor))
    shift = rng.normal(0, _GEOLOCATION_M[sensor], size=2) / FINE_M

    grids = {band: _grid_of(area, sensor, band) for band in BANDS}
    seen = [
        _grain(rng, _sample(layer, area, grids[band], _blur(sensor, band), shift), noise)
        for layer, band, noise in zip(fine, BANDS, _NOISE, strict=True)
    ]
    grid = grids["swir22"]
    coarse = np.stack([layer if layer.shape == grid.shape else block_mean(layer, 2) for layer in seen])
    opacity, shade = (_sample(layer, area, grid, _BLUR_M["coarse"], shift) for layer in (sky.opacity, sky.shade))
    preset = ground.landscape.preset
    verdict = quality.judge(rng, coarse, opacity, shade, missed_share=preset.missed_cloud_share)
    if preset.overlooked_cloud_share:
        verdict = quality.overlook(rng, verdict, preset.overlooked_cloud_share)
    assets = {
        band: Asset(_digital_numbers(layer, sensor), grids[band]) for band, layer in zip(BANDS, seen, strict=True)
    }
    if sensor == SENTINEL2:
        assets["scl"] = Asset(quality.scl(verdict, coarse), grid)
    else:
        assets["qa_pixel"] = Asset(quality.qa_pixel(verdict), grid)
    return Scene(overpass, assets, round(100 * float((verdict.thick | verdict.thin).mean()), 2), sky.shadow_m)


def _grid_of(area: Area, sensor: str, band: str) -> GeoBox:
    if sensor == LANDSAT:
        return area.landsat
    return area.visible if band in BANDS[:3] else area.map


def _blur(sensor: str, band: str) -> float:
    return _BLUR_M["landsat" if sensor == LANDSAT else "visible" if band in BANDS[:3] else "coarse"]


def _correct(rng: np.random.Generator, bands: np.ndarray) -> np.ndarray:
    """Leave what atmospheric correction leaves: a gain and an offset for each band of a scene."""
    gain = 1 + 0.02 * rng.standard_normal(6, dtype=np.float32)
    offset = np.array([4, 3, 2, 2, 1, 1], dtype=np.float32) * 1e-3 * rng.standard_normal(6, dtype=np.float32)
    return np.asarray(bands * gain[:, None, None] + offset[:, None, None])


def _grain(rng: np.random.Generator, seen: np.ndarray, noise: tuple[float, float]) -> np.ndarray:
    """Add the sensor's noise."""
    return seen + (noise[0] + noise[1] * np.abs(seen)) * rng.standard_normal(seen.shape, dtype=np.float32)


def _digital_numbers(seen: np.ndarray, sensor: str) -> np.ndarray:
    """Reflectance as the product writes it, never 0, which is no data."""
    step = _STEP[sensor]
    if sensor == SENTINEL2:
        return np.clip(step * np.round(seen * 10_000 / step), 1, 65_535).astype(np.uint16)
    return np.clip(step * np.round((seen + 0.2) / 0.0000275 / step), 1, 65_455).astype(np.uint16)


def _sample(fine: np.ndarray, area: Area, grid: GeoBox, blur_m: float, shift: np.ndarray) -> np.ndarray:
    """Blur a layer of the fine grid, move it by `shift` fine pixels, and average it over the pixels of `grid`."""
    blurred = ndimage.gaussian_filter(fine, blur_m / FINE_M, mode="nearest", truncate=3.0)
    moved = ndimage.shift(blurred, shift, order=1, mode="nearest")
    half = np.repeat(np.repeat(moved, 2, axis=0), 2, axis=1)  # 5 m: Landsat's edges lie at 15 m modulo 30
    per = round(grid.transform.a) // 5
    start = round((grid.transform.c - area.fine.transform.c) / 5)
    stop = start + grid.shape.x * per
    return block_mean(half[start:stop, start:stop], per)
