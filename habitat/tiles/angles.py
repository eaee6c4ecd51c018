"""Sun and view angles of scenes: told by items, and kept in our own.

A STAC item tells one sun for a whole scene, and mostly no view. The rest is geometry (:mod:`habitat.tiles.orbits`):
Landsat's paths and Sentinel-2's relative orbits are flown over the same ground every time. Against a real Landsat 8
ephemeris the view is right to 0.12 degrees of zenith and the sun to 0.1; Landsat's angle coefficient file (ANG) would
add the stagger of the detectors, a degree of azimuth, and is not read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from habitat.errors import CatalogueError
from habitat.sensors import SENTINEL2
from habitat.tiles import fields
from habitat.tiles.orbits import (
    LANDSAT_ORBIT,
    SENTINEL2_ORBIT,
    Orbit,
    nadir_of,
    place_on_track,
    sun_over,
    view_over,
    wrs2_centre,
)
from habitat.tiles.scenes import Angles, Rows, Scene

if TYPE_CHECKING:
    import pystac

PROPERTY = "habitat:angles"
"""Of our own items."""
NODES = 4
"""Nodes along each side of a scene's lattice: between them the error of an angle stays below 0.02 degrees."""
NAMES = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")
LEAST_M = 60_000
"""Side of the smallest lattice: angles are rounded, and a small piece's would not show how they change."""
_MAX_NODES = 64
_TURNED_DEG = 1.0
"""Off nadir: a Landsat that looks so far aside was turned, and its track is not below the scene."""
_LEFT_WRS2 = datetime(2022, 5, 1, tzinfo=UTC)
"""Landsat 7 was lowered in that spring, and has no path since."""
_RELATIVE_ORBIT = re.compile(r"_R(\d{3})_")


def make_angles(
    crs: str,
    x: np.ndarray,
    y: np.ndarray,
    *,
    sun: tuple[np.ndarray, np.ndarray],
    view: tuple[np.ndarray, np.ndarray] | None,
) -> Angles:
    """Return angles, rounded to 0.01 degrees, from zenith and azimuth arrays (y, x) of sun and view."""
    seen = (None, None) if view is None else (_rows(view[0]), _rows(view[1]))
    columns, rows = (tuple(float(v) for v in np.round(axis, 6)) for axis in (x, y))
    return Angles(crs, columns, rows, _rows(sun[0]), _rows(sun[1]), *seen)


def angles_by_orbit(
    crs: str,
    bounds: tuple[float, float, float, float],
    *,
    sun: tuple[float, float],
    middle: tuple[float, float],
    nadir: tuple[float, float] | None,
    orbit: Orbit,
) -> Angles:
    """Return the angles over `bounds` (west, south, east, north in `crs`) by geometry.

    Parameters
    ----------
    sun : (zenith, azimuth)
        Over the scene's `middle` (lon, lat).
    nadir : (lon, lat), optional
        A place on the satellite's track; without it the view stays unknown.
    """
    west, south, east, north = bounds
    x, y = _nodes(west, east), _nodes(north, south)
    lon, lat = transform(crs, "EPSG:4326", *np.meshgrid(x, y))
    over = sun_over(lon, lat, at=middle, zenith_deg=sun[0], azimuth_deg=sun[1])
    view = None if nadir is None else view_over(lon, lat, nadir=nadir, orbit=orbit)
    return make_angles(crs, x, y, sun=over, view=view)


def _nodes(first: float, last: float) -> np.ndarray:
    middle, reach = (first + last) / 2, max(abs(last - first), LEAST_M) / 2
    return np.linspace(middle - reach, middle + reach, NODES)[:: 1 if last >= first else -1]


def landsat_nadir(tile: str, time: datetime, platform: str | None, middle: tuple[float, float]) -> tuple[float, float]:
    """Return a place on a Landsat's track: its path's, or the scene's `middle` once it had none."""
    if platform is not None and platform.endswith("7") and time >= _LEFT_WRS2:
        return middle
    return wrs2_centre(int(tile[:3]), int(tile[3:]))


def angles_of_item(item: pystac.Item, scene: Scene) -> Angles | None:
    """Return the angles that an item tells or implies of the scene made of it; None where it tells no sun.

    Raises
    ------
    CatalogueError
        If it states something else than angles under their names.
    """
    said = item.properties
    if said.get(PROPERTY) is not None:
        return _kept(item, said[PROPERTY])
    sun = _stated_sun(item)
    ground = _ground(scene)
    if sun is None or ground is None or scene.sensor.name.startswith("hls"):
        return None
    crs, bounds, middle = ground
    if scene.sensor is SENTINEL2:
        nadir, orbit = _sentinel2_nadir(item, middle), SENTINEL2_ORBIT
    else:
        nadir, orbit = _landsat_nadir(item, scene, middle), LANDSAT_ORBIT
        if scene.tile is not None and scene.tile.isdigit():
            middle = wrs2_centre(int(scene.tile[:3]), int(scene.tile[3:]))
    return angles_by_orbit(crs, bounds, sun=sun, middle=middle, nadir=nadir, orbit=orbit)


def _stated_sun(item: pystac.Item) -> tuple[float, float] | None:
    said = item.properties
    elevation = fields.number(item, said, "view:sun_elevation", "eo:sun_elevation")
    zenith = fields.number(item, said, "s2:mean_solar_zenith") if elevation is None else 90 - elevation
    azimuth = fields.number(item, said, "view:sun_azimuth", "eo:sun_azimuth", "s2:mean_solar_azimuth")
    return None if zenith is None or azimuth is None or not 0 <= zenith < 90 else (zenith, azimuth)


def _sentinel2_nadir(item: pystac.Item, middle: tuple[float, float]) -> tuple[float, float] | None:
    """By the relative orbit, which gives the tiles of one flight the same track; else by the tile's mean view."""
    said = item.properties
    number = fields.number(item, said, "sat:relative_orbit")
    if number is None:
        names = (str(said.get("s2:product_uri") or ""), item.id)
        number = next((float(found[1]) for name in names if (found := _RELATIVE_ORBIT.search(name))), None)
    if number is not None and 1 <= number <= SENTINEL2_ORBIT.rounds:
        return place_on_track(int(number), middle[1], SENTINEL2_ORBIT)
    zenith = fields.number(item, said, "view:incidence_angle")
    azimuth = fields.number(item, said, "view:azimuth")
    if zenith is None or azimuth is None or not 0 <= zenith < 90:
        return None
    return nadir_of(middle, zenith, azimuth, SENTINEL2_ORBIT)


def _landsat_nadir(item: pystac.Item, scene: Scene, middle: tuple[float, float]) -> tuple[float, float] | None:
    turned = fields.number(item, item.properties, "view:off_nadir", "eo:off_nadir")
    if turned is not None and abs(turned) > _TURNED_DEG:
        return None
    if scene.tile is None or not scene.tile.isdigit():
        return middle
    return landsat_nadir(scene.tile, scene.time, scene.platform, middle)


def _ground(scene: Scene) -> tuple[str, tuple[float, float, float, float], tuple[float, float]] | None:
    """Reference system, bounds and middle (lon, lat) of a scene: of its grid if it is stated, else its footprint."""
    grid = next((a.grid for a in scene.assets.values() if a.grid is not None and a.grid.crs is not None), None)
    if grid is not None:
        bounds = tuple(float(side) for side in grid.boundingbox)
        crs = str(grid.crs)
        lon, lat = transform(crs, "EPSG:4326", np.mean(bounds[::2]), np.mean(bounds[1::2]))
        return crs, bounds, (float(lon), float(lat))  # type: ignore[return-value]  # four they are
    if scene.geometry is None or scene.geometry.is_empty:
        return None
    middle = scene.geometry.centroid
    crs = f"EPSG:{(32600 if middle.y >= 0 else 32700) + min(int((middle.x + 180) // 6) + 1, 60)}"
    west, south, east, north = scene.geometry.bounds
    x, y = transform("EPSG:4326", crs, np.array([west, east, west, east]), np.array([south, south, north, north]))
    return crs, (float(min(x)), float(min(y)), float(max(x)), float(max(y))), (middle.x, middle.y)


def angles_property(angles: Angles) -> dict[str, Any]:
    """Return the value of :data:`PROPERTY` that :func:`angles_of_item` makes the same angles of."""
    said: dict[str, Any] = {"crs": angles.crs, "x": list(angles.x), "y": list(angles.y)}
    for name in NAMES:
        rows: Rows | None = getattr(angles, name)
        if rows is not None:
            said[name] = [list(row) for row in rows]
    return said


def _kept(item: pystac.Item, said: Any) -> Angles:
    try:
        axes = [tuple(float(v) for v in said[axis]) for axis in ("x", "y")]
        shape = (len(axes[1]), len(axes[0]))
        layers = [None if said.get(name) is None else np.array(said[name], dtype=float) for name in NAMES]
        known = [layer for layer in layers if layer is not None]
        whole = all(layer.shape == shape and bool(np.isfinite(layer).all()) for layer in known)
        if not (whole and min(shape) > 0 and max(shape) <= _MAX_NODES and len(known) in (2, 4)):
            raise ValueError(shape)
        if layers[0] is None or layers[1] is None or not np.isfinite([*axes[0], *axes[1]]).all():
            raise ValueError("sun")
        transform(str(said["crs"]), "EPSG:4326", axes[0][0], axes[1][0])
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        # RuntimeError: what pyproj's errors of reference systems are
        what = f"{PROPERTY} is no lattice of angles"
        raise CatalogueError(what, where=f"item {item.id}", mend="index or fetch its scene again") from error
    rows = [None if layer is None else tuple(tuple(map(float, row)) for row in layer) for layer in layers]
    return Angles(str(said["crs"]), *axes, *rows)  # type: ignore[arg-type]  # the sun's are there


def transform(source: str, target: str, x: Any, y: Any) -> tuple[Any, Any]:
    """Return positions of one reference system in another, x (longitude) first."""
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True).transform(x, y)  # type: ignore[no-any-return]


def _rows(values: np.ndarray) -> Rows:
    return tuple(tuple(float(v) for v in row) for row in np.round(np.asarray(values, dtype=float), 2))
