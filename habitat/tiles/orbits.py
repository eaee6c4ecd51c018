"""Where sun and satellite stand over a scene, from what is known of its middle: the geometry of a sphere.

The sun's direction is one for all of a scene, so its place over the middle gives its place everywhere: exactly, but
for the quarter of a minute that the scene took (0.1 degree). A satellite looks to the side of its track, which is a
great circle as far as a scene reaches, and its nadir there is known by one point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EARTH_M = 6_371_000.0
"""Mean radius of the Earth."""


@dataclass(frozen=True)
class Orbit:
    """A circular, sun-synchronous orbit whose sunlit passes go south."""

    inclination_deg: float
    altitude_m: float
    rounds: int
    """Until the satellite flies its first track again."""
    days: int
    """That these take."""
    first_deg: float
    """Longitude at which track 1 crosses the equator southwards."""
    westward_deg: float
    """From each track to that of the next number."""

    @property
    def rounds_a_day(self) -> float:
        """Rounds of the satellite in one of the Earth under it."""
        return self.rounds / self.days


LANDSAT_ORBIT = Orbit(98.2, 705_000.0, 233, 16, -64.6, 360 / 233)
"""Landsat 4 to 9, its tracks the paths of WRS-2: Landsat 8-9 Data Users Handbook (LSDS-1574), on orbit and WRS-2."""
SENTINEL2_ORBIT = Orbit(98.62, 786_000.0, 143, 10, 168.45, 360 * 10 / 143)
"""Sentinel-2: inclination, height and cycle from ESA's description of the mission. `first_deg` is our own, from the
view angles of five real tiles of relative orbits 23, 121 and 123, which agree within 0.05 degrees (0.3 of a view)."""
_ROWS, _EQUATOR_ROW = 248, 60
"""WRS-2 cuts a round into so many rows; a southward pass crosses the equator in this one."""
_FLATTENED = 0.99330562
"""Squared ratio of the Earth's axes (WGS84): latitude as maps give it to that seen from the Earth's centre."""


def sun_over(
    lon: np.ndarray, lat: np.ndarray, *, at: tuple[float, float], zenith_deg: float, azimuth_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sun's zenith and azimuth in degrees over places, given them over the place `at` (lon, lat)."""
    z, a = np.radians(zenith_deg), np.radians(azimuth_deg)
    sun = np.array([np.sin(z) * np.sin(a), np.sin(z) * np.cos(a), np.cos(z)]) @ _axes(*map(np.asarray, at))
    return directions(_axes(lon, lat) @ sun)


def place_on_track(number: int, lat: float, orbit: Orbit) -> tuple[float, float]:
    """Return the place (lon, lat) at which the southward pass of a track (WRS-2 path, relative orbit) reaches `lat`."""
    tilt = np.radians(orbit.inclination_deg)
    sine = np.sin(np.arctan(_FLATTENED * np.tan(np.radians(lat)))) / np.sin(tilt)
    before = np.arcsin(np.clip(sine, -1, 1))  # along the orbit, before the equator
    east = np.arctan2(-np.cos(tilt) * np.sin(before), np.cos(before)) + before / orbit.rounds_a_day
    lon = orbit.first_deg - (number - 1) * orbit.westward_deg + np.degrees(east)
    return float((lon + 180) % 360 - 180), lat


def wrs2_centre(path: int, row: int) -> tuple[float, float]:
    """Return the middle (lon, lat) of a scene of WRS-2."""
    before = np.radians((_EQUATOR_ROW - row) * 360 / _ROWS)
    seen_from_centre = np.arcsin(np.sin(before) * np.sin(np.radians(LANDSAT_ORBIT.inclination_deg)))
    lat = float(np.degrees(np.arctan(np.tan(seen_from_centre) / _FLATTENED)))
    return place_on_track(path, lat, LANDSAT_ORBIT)


def nadir_of(at: tuple[float, float], zenith_deg: float, azimuth_deg: float, orbit: Orbit) -> tuple[float, float]:
    """Return the place on the track (lon, lat) abreast of `at`, where the satellite is seen as given.

    Only the part of the view that points across the track counts: forward and backward looks of a detector are its own.
    """
    across = np.sin(np.radians(azimuth_deg - heading(at[1], orbit)))  # to the right of the flight
    tilt = np.arctan(np.tan(np.radians(zenith_deg)) * across)
    reach = tilt - np.arcsin(np.sin(tilt) * EARTH_M / (EARTH_M + orbit.altitude_m))  # angle at the Earth's centre
    east, north, up = _axes(*map(np.asarray, at))
    course = np.radians(heading(at[1], orbit) + 90)
    foot = np.cos(reach) * up + np.sin(reach) * (np.sin(course) * east + np.cos(course) * north)
    return float(np.degrees(np.arctan2(foot[1], foot[0]))), float(np.degrees(np.arcsin(foot[2])))


def view_over(
    lon: np.ndarray, lat: np.ndarray, *, nadir: tuple[float, float], orbit: Orbit
) -> tuple[np.ndarray, np.ndarray]:
    """Return the satellite's zenith and azimuth in degrees over places, each seen as it was abreast.

    Parameters
    ----------
    nadir : (lon, lat)
        A place on the track.
    """
    east, north, up = _axes(*map(np.asarray, nadir))
    course = np.radians(heading(nadir[1], orbit))
    pole = np.cross(up, np.sin(course) * east + np.cos(course) * north)
    axes = _axes(lon, lat)
    ground = axes[..., 2, :]
    foot = ground - (ground @ pole)[..., None] * pole
    foot /= np.linalg.norm(foot, axis=-1, keepdims=True)
    look = (EARTH_M + orbit.altitude_m) * foot - EARTH_M * ground
    return directions((axes @ look[..., None])[..., 0])


def heading(lat: float, orbit: Orbit) -> float:
    """Return where a southward pass goes on the turning Earth, degrees clockwise from north."""
    across = np.cos(np.radians(orbit.inclination_deg)) / np.cos(np.radians(lat))
    across = np.clip(across, -1, 1)  # nearer to the pole than the orbit gets
    east = orbit.rounds_a_day * across - np.cos(np.radians(lat))
    return float(np.degrees(np.arctan2(east, -orbit.rounds_a_day * np.sqrt(1 - across**2))) % 360)


def directions(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth in degrees of (..., 3) vectors to east, north and up."""
    east, north, up = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.degrees(np.arctan2(np.hypot(east, north), up)), np.degrees(np.arctan2(east, north)) % 360


def vectors(zenith_deg: np.ndarray, azimuth_deg: np.ndarray) -> np.ndarray:
    """Return the (..., 3) unit vectors to east, north and up of directions in degrees."""
    z, a = np.radians(zenith_deg), np.radians(azimuth_deg)
    return np.stack([np.sin(z) * np.sin(a), np.sin(z) * np.cos(a), np.cos(z)], axis=-1)


def _axes(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """East, north and up (..., 3 axes, 3) at places, in coordinates that turn with the Earth."""
    lon, lat = np.radians(lon), np.radians(lat)
    zero = np.zeros_like(lon)
    rows = (
        (-np.sin(lon), np.cos(lon), zero),
        (-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)),
        (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
