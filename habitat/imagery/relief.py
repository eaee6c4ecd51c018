"""What relief does to a look: how steeply the sun meets the ground, and which ground it does not reach.

Heights are float32 (y, x) in metres on the stack's grid, NaN where unknown. Azimuths of products count from true
north; a grid's own north differs from it (by up to about two degrees in a UTM zone), which is taken care of here.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.cubes import STACK, Quality
from habitat.errors import ContractError, GridError
from habitat.grids import grid_of

LOWEST_SUN = 1.0
"""Degrees above the horizon: below it everything would lie in some shadow, and products are not made."""
LEAST_COSINE = 0.1
"""Between the sun and the ground's normal: slopes that the sun meets at less than 6 degrees are as good as dark."""


def slope_and_aspect(height_m: np.ndarray, *, resolution_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how steep the ground is and which way it faces (Horn 1981, Proceedings of the IEEE 69, 14-47).

    Parameters
    ----------
    height_m : float32 (y, x)
    resolution_m : float

    Returns
    -------
    slope, aspect : float32 (y, x), degrees
        Aspect clockwise from the grid's north, 0 to 360. NaN where a height is unknown there or at a neighbour. On
        the rim the ground is taken to go on as it does inside.

    >>> slope, aspect = slope_and_aspect(np.float32([[0, 10, 20]] * 3), resolution_m=10)
    >>> float(slope[1, 1]), float(aspect[1, 1])
    (45.0, 270.0)
    """
    east, north = rises(height_m, resolution_m)
    slope = np.degrees(np.arctan(np.hypot(east, north)))
    aspect = np.degrees(np.arctan2(-east, -north)) % np.float32(360)
    return slope, aspect


def shadow_reach_m(relief_m: float, *, sun_elevation: float) -> float:
    """Return how far the longest shadow reaches: the margin that :func:`cast_shadow` needs towards the sun.

    Parameters
    ----------
    relief_m : float
        Highest less lowest ground, metres, of the window and of what may shade it.
    sun_elevation : float
        Degrees above the horizon, the lowest of all looks.

    >>> round(shadow_reach_m(700, sun_elevation=25))
    1501
    """
    return float(relief_m / np.tan(np.radians(max(sun_elevation, LOWEST_SUN))))


def cast_shadow(height_m: np.ndarray, *, sun_azimuth: float, sun_elevation: float, resolution_m: float) -> np.ndarray:
    """Return where relief hides the sun: shadows thrown by other ground, and slopes that face away from it.

    Parallel rays are followed away from the sun, one line of them a column (or row), each keeping the height of the
    lowest ray that still passes; heights between pixels are interpolated, so that edges are right to half a pixel.
    The earth's curvature and refraction are left out: they are 1 m in 4 km.

    Parameters
    ----------
    height_m : float32 (y, x)
        With a margin of :func:`shadow_reach_m` towards the sun: what stands outside throws no shadow.
    sun_azimuth : float
        Degrees clockwise from the grid's north.
    sun_elevation : float
        Degrees above the horizon.
    resolution_m : float

    Returns
    -------
    bool (y, x)
        False where the height is unknown.
    """
    return _shadow(height_m, rises(height_m, resolution_m), (sun_azimuth, sun_elevation), resolution_m)


def shade_looks(stack: xr.Dataset, height_m: np.ndarray, *, beyond: int = 0) -> xr.Dataset:
    """Return the stack with :attr:`Quality.SHADOW` where relief hides the sun of the look, or it only grazes the slope.

    Let it come after masks that give looks back (:func:`~habitat.imagery.screen_looks`): ground that lies in shadow
    every winter does not depart from its history.

    Parameters
    ----------
    stack : STACK
        With coordinates `sun_zenith` and `sun_azimuth`, degrees (time, node_y, node_x), azimuth clockwise from true
        north; NaN leaves a look as it is.
    height_m : float32 (y, x)
        On the stack's grid, and `beyond` pixels further on each side: shadows fall into it from there.
    beyond : int
        As many as :func:`shadow_reach_m` asks for; of these each look uses what its own sun needs.

    Returns
    -------
    STACK
        Without its bands changed.

    Raises
    ------
    ContractError
        If it does not say where the sun stood.
    GridError
        If the heights have another shape.
    """
    STACK.check(stack)
    rows, cols = (slice(beyond, size - beyond) for size in height_m.shape)
    grid = grid_under(stack, height_m[rows, cols])
    side = abs(grid.transform.a)
    rise = rises(height_m, side)
    relief = float(np.nanmax(height_m) - np.nanmin(height_m)) if np.isfinite(height_m).any() else 0.0
    quality = stack["quality"].values.copy()
    for look, (azimuth, elevation) in enumerate(suns(stack, grid)):
        if not np.isfinite(azimuth + elevation):
            continue
        rim = min(int(np.ceil(shadow_reach_m(relief, sun_elevation=elevation) / side)), beyond)
        part = tuple(slice(beyond - rim, size - beyond + rim) for size in height_m.shape)
        dark = _shadow(height_m[part], (rise[0][part], rise[1][part]), (azimuth, elevation), side, least=LEAST_COSINE)
        quality[look][dark[rim : rim + grid.shape.y, rim : rim + grid.shape.x]] |= Quality.SHADOW
    return stack.assign(quality=(STACK.dims, quality, stack["quality"].attrs))


def suns(stack: xr.Dataset, grid: GeoBox) -> np.ndarray:
    """Return each look's sun, the mean of its nodes: degrees from the grid's north and above the horizon (time, 2)."""
    for name in ("sun_zenith", "sun_azimuth"):
        if name not in stack.coords:
            raise ContractError(f"coordinate {name!r} is missing: nothing says where the sun stood", where="STACK")
    zenith, azimuth = (
        np.radians(stack.coords[name].values.reshape(stack.sizes["time"], -1).astype(np.float64))
        for name in ("sun_zenith", "sun_azimuth")
    )
    # the mean of directions, not of numbers: 359 and 1 degrees are both north
    weight = np.isfinite(zenith + azimuth)
    east, north, up = (
        np.where(weight, part, 0).sum(axis=1)
        for part in (np.sin(zenith) * np.sin(azimuth), np.sin(zenith) * np.cos(azimuth), np.cos(zenith))
    )
    seen = weight.any(axis=1)
    found = np.stack(
        [
            (np.degrees(np.arctan2(east, north)) + north_of(grid)) % 360,
            np.degrees(np.arctan2(up, np.hypot(east, north))),
        ],
        axis=1,
    )
    return np.where(seen[:, None], found, np.nan)


def north_of(grid: GeoBox) -> float:
    """Return where true north lies in the middle of a grid, degrees clockwise from the grid's own north."""
    from pyproj import Transformer

    bounds = grid.boundingbox
    x, y = (bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(x, y)
    step = 0.01 if latitude < 89 else -0.01
    there_x, there_y = to_degrees.transform(longitude, latitude + step, direction="INVERSE")
    sign = np.sign(step)
    return float(np.degrees(np.arctan2(sign * (there_x - x), sign * (there_y - y))))


def rises(height_m: np.ndarray, resolution_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how much the ground rises to the east and to the north, metres a metre, float32 (y, x) each."""
    around = np.pad(np.asarray(height_m, dtype=np.float32), 1, mode="reflect", reflect_type="odd")
    across = around[:-2] + 2 * around[1:-1] + around[2:]
    down = around[:, :-2] + 2 * around[:, 1:-1] + around[:, 2:]
    scale = np.where(np.isnan(around[1:-1, 1:-1]), np.nan, 1 / (8 * resolution_m)).astype(np.float32)
    return (across[:, 2:] - across[:, :-2]) * scale, (down[:-2] - down[2:]) * scale


def sun_cosine(rise: tuple[np.ndarray, np.ndarray], sun: tuple[float, float]) -> np.ndarray:
    """Return the cosine between the sun and the ground's normal, float32 (y, x), of :func:`rises` and a sun."""
    from habitat.imagery import _relief

    out = np.empty_like(rise[0])
    _relief.incidence(*rise, _towards(sun), out)
    return out


def _towards(sun: tuple[float, float]) -> np.ndarray:
    """Unit vector towards the sun, float32: east, north, up."""
    azimuth, elevation = np.radians(sun)
    level = np.cos(elevation)
    return np.array([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)], dtype=np.float32)


def _shadow(
    height_m: np.ndarray,
    rise: tuple[np.ndarray, np.ndarray],
    sun: tuple[float, float],
    resolution_m: float,
    *,
    least: float = 0.0,
) -> np.ndarray:
    """Where relief hides the sun, or it meets the slope at a cosine of no more than `least`."""
    from habitat.imagery import _relief

    azimuth, elevation = np.radians(sun)
    down, right = np.cos(azimuth), -np.sin(azimuth)  # away from the sun, in rows and columns
    height = np.asarray(height_m, dtype=np.float32)
    turned = abs(right) > abs(down)
    if turned:
        height, down, right = height.T, right, down
    if down < 0:
        height = height[::-1]
    shade = np.empty(height.shape, dtype=np.bool_)
    drop = np.float32(resolution_m / abs(down) * np.tan(max(elevation, np.radians(LOWEST_SUN))))
    _relief.sweep(np.ascontiguousarray(height), float(right / abs(down)), drop, shade)
    shade = shade[::-1] if down < 0 else shade
    return (shade.T if turned else shade) | (sun_cosine(rise, sun) <= least)


def grid_under(stack: xr.Dataset, height_m: np.ndarray) -> GeoBox:
    """Return the stack's grid, if the heights lie on it."""
    shape = (stack.sizes["y"], stack.sizes["x"])
    if height_m.shape != shape:
        raise GridError(
            f"heights of shape {height_m.shape} over pixels of shape {shape}",
            where="height_m",
            mend="read them on the stack's grid",
        )
    return grid_of(stack)
