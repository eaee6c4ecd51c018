"""Reflectance as it would be seen from straight above.

The c-factor of Roy et al. 2016 (Remote Sensing of Environment 176, 255-271): reflectance is multiplied by what a model
of all land says of the view from above, divided by what it says of the view that was had. The model's kernels are
RossThick and LiSparse-Reciprocal with h/b = 2 and b/r = 1 (Lucht, Schaaf and Strahler 2000, IEEE Transactions on
Geoscience and Remote Sensing 38, 977-998).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from habitat.cubes import STACK
from habitat.errors import ContractError
from habitat.sensors.anisotropy import WEIGHTS

LOWEST_SUN_DEG = 75.0
"""Zenith beyond which the model is asked as if the sun stood there: it was never fitted to lower suns."""
_HEIGHT_TO_CROWN = 2.0
"""h/b: height of the crowns' middles over their half height."""
MADE_SO = "hls-"
"""Beginning of the names of sensors whose products are normalised already."""
_ANGLES = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")


def nadir_reflectance(
    stack: xr.Dataset, *, sun_zenith_deg: float | None = None, strengths: xr.Dataset | None = None
) -> xr.Dataset:
    """Return the stack as if every look had been seen from straight above.

    Parameters
    ----------
    stack : STACK
        With `sensor` and the angles that :func:`habitat.tiles.read_stack` gives, on nodes (time, node_y, node_x).
    sun_zenith_deg : float, optional
        Where the sun is taken to stand as well. By default it stays where it stood over each node, so that seasons
        stay what they are and nothing is extrapolated.
    strengths : Dataset, optional
        Of :func:`~habitat.imagery.fit_strengths`: by how much more than published a sensor's bands mind directions.

    Returns
    -------
    STACK
        The factor is made at the nodes, and bilinear between them. HLS is the same in every bit: it was normalised by
        its makers. NaN stays NaN.

    Raises
    ------
    ContractError
        If a look of another sensor has no angles, or the nodes do not reach around the pixels.
    """
    from habitat.imagery import _spread

    STACK.check(stack)
    if "sensor" not in stack.coords:
        raise ContractError("coordinate 'sensor' is missing", where="STACK", mend="read it with read_stack")
    asked = np.array([not str(name).startswith(MADE_SO) for name in stack["sensor"].values])
    if not asked.any():
        return stack
    _check_angles(stack, asked)
    sun_zenith, sun_azimuth, zenith, azimuth = (stack[name].values[asked].astype(np.float64) for name in _ANGLES)
    volume, surface = kernels(sun_zenith, zenith, sun_azimuth - azimuth)
    from_above = kernels(sun_zenith if sun_zenith_deg is None else np.full_like(zenith, sun_zenith_deg), 0 * zenith, 0)
    rows, (cols, along) = (_cells(stack[f"node_{axis}"].values, stack[axis].values) for axis in ("y", "x"))
    edges = np.searchsorted(cols, np.arange(stack.sizes["node_x"]))
    edges[-1] = len(cols)
    changed = {}
    for band in map(str, stack.data_vars):
        if band == "quality":
            continue
        isotropic = WEIGHTS[band][0]
        times = _strengths_of(stack["sensor"].values[asked], band, strengths)
        of_volume, of_surface = (times * weight for weight in WEIGHTS[band][1:])
        above, had = (isotropic + of_volume * v + of_surface * s for v, s in (from_above, (volume, surface)))
        factors = iter((above / had).astype(np.float32))
        values, made = stack[band].values, np.empty_like(stack[band].values)
        for step, is_asked in enumerate(asked):
            if is_asked:
                _spread.multiply(values[step], next(factors), rows, along, edges, made[step])
            else:
                made[step] = values[step]
        changed[band] = stack[band].copy(data=made)
    return stack.assign(changed)


def kernels_at_middle(stack: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return both kernels of each look (time,) in the middle of the stack; NaN for those that are made nadir already.

    Raises
    ------
    ContractError
        If a look has no angles, or the nodes do not reach around the pixels.
    """
    asked = np.array([not str(name).startswith(MADE_SO) for name in stack["sensor"].values])
    found = np.full((2, len(asked)), np.nan)
    if asked.any():
        _check_angles(stack, asked)
        sun_zenith, sun_azimuth, zenith, azimuth = (stack[name].values[asked].astype(np.float64) for name in _ANGLES)
        middle = {axis: (stack[axis].values[:1] + stack[axis].values[-1:]) / 2 for axis in ("y", "x")}
        (row, down), (col, along) = (_cells(stack[f"node_{axis}"].values, at) for axis, at in middle.items())
        for number, each in enumerate(kernels(sun_zenith, zenith, sun_azimuth - azimuth)):
            north, south = (each[:, at, col[0] : col[0] + 2] for at in (row[0], row[0] + 1))
            ends = north + down[0] * (south - north)
            found[number, asked] = ends[:, 0] + along[0] * (ends[:, 1] - ends[:, 0])
    return found[0], found[1]


def kernels(
    sun_zenith_deg: np.ndarray, view_zenith_deg: np.ndarray, azimuth_deg: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the RossThick and LiSparse-Reciprocal kernels.

    Parameters
    ----------
    azimuth_deg : array or float
        Between the azimuths of sun and sensor: 0 has the sun behind the sensor.
    """
    sun, view = np.radians(np.minimum(sun_zenith_deg, LOWEST_SUN_DEG)), np.radians(view_zenith_deg)
    azimuth = np.radians(azimuth_deg)
    cosine = np.cos(sun) * np.cos(view) + np.sin(sun) * np.sin(view) * np.cos(azimuth)
    phase = np.arccos(np.clip(cosine, -1, 1))
    volume = ((np.pi / 2 - phase) * np.cos(phase) + np.sin(phase)) / (np.cos(sun) + np.cos(view)) - np.pi / 4
    # crowns are as wide as high (b/r = 1), so that angles need no stretching
    tan_sun, tan_view = np.tan(sun), np.tan(view)
    slants = 1 / np.cos(sun) + 1 / np.cos(view)
    apart = tan_sun**2 + tan_view**2 - 2 * tan_sun * tan_view * np.cos(azimuth)
    across = np.sqrt(np.maximum(apart, 0) + (tan_sun * tan_view * np.sin(azimuth)) ** 2)
    overlap = np.arccos(np.clip(_HEIGHT_TO_CROWN * across / slants, -1, 1))
    shared = (overlap - np.sin(overlap) * np.cos(overlap)) * slants / np.pi
    surface = shared - slants + (1 + np.cos(phase)) / (2 * np.cos(sun) * np.cos(view))
    return volume, surface


def _strengths_of(sensors: np.ndarray, band: str, strengths: xr.Dataset | None) -> np.ndarray:
    """Of each look, to be multiplied with (time, node_y, node_x)."""
    if strengths is None:
        return np.ones((len(sensors), 1, 1))
    known = dict(zip(map(str, strengths["sensor"].values), strengths["strength"].sel(band=band).values, strict=True))
    return np.array([known.get(str(sensor), 1.0) for sensor in sensors])[:, None, None]


def _check_angles(stack: xr.Dataset, asked: np.ndarray) -> None:
    mend = "index or fetch its scene again, or leave the view as it is"
    scenes = stack["scene"].values if "scene" in stack.coords else stack["time"].values
    if any(name not in stack.coords for name in _ANGLES):
        raise ContractError("has no sun and view angles", where=f"scene {scenes[asked][0]}", mend=mend)
    known = np.logical_and.reduce([np.isfinite(stack[name].values).all(axis=(1, 2)) for name in _ANGLES])
    if not known[asked].all():
        raise ContractError("has no sun and view angles", where=f"scene {scenes[asked & ~known][0]}", mend=mend)


def _cells(nodes: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Node before each pixel, and its share of the way to the next."""
    order = 1 if len(nodes) < 2 or nodes[-1] > nodes[0] else -1
    before = np.searchsorted(order * nodes, order * at, side="right") - 1
    before = np.clip(before, 0, max(len(nodes) - 2, 0))
    if len(nodes) < 2 or min(order * at) < order * nodes[0] or max(order * at) > order * nodes[-1]:
        raise ContractError("nodes of angles do not reach around the pixels", where="STACK", mend="cut them together")
    return before, ((at - nodes[before]) / (nodes[before + 1] - nodes[before])).astype(np.float32)
