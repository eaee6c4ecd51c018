"""Scenes to a stack on the run's grid, pass by pass.

Inside one reference system nothing is warped: bands are averaged by area, quality bits are carried by bitwise or. A
file of another zone is taken over once, here (see :mod:`habitat.grids`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from habitat.cubes import BANDS, STACK, Quality
from habitat.errors import CatalogueError
from habitat.grids import coordinates
from habitat.tiles.extents import file_grid
from habitat.tiles.lattices import angles_over
from habitat.tiles.overlaps import passes_of
from habitat.tiles.scenes import Scene, naming
from habitat.tiles.strays import refuse_strays
from habitat.tiles.windows import read_quality, read_reflectance

NEEDED_BANDS = ("red", "nir08")
"""Without these there is no vegetation index."""


def common_bands(scenes: Sequence[Scene]) -> tuple[str, ...]:
    """Return the bands that every sensor of `scenes` has, in file order.

    Raises
    ------
    CatalogueError
        If a scene lacks a band that others of its sensor have, or too few bands are left.
    """
    of_sensor: dict[str, set[str]] = {}
    for scene in scenes:
        of_sensor.setdefault(scene.sensor.name, set()).update(scene.bands)
    bands = tuple(band for band in BANDS if all(band in found for found in of_sensor.values()))
    for band in NEEDED_BANDS:
        if band not in bands:
            raise CatalogueError(
                f"no {band} band in every sensor's scenes", where="catalogue", mend="its items need that asset"
            )
    for scene in scenes:
        missing = [band for band in bands if band not in scene.bands]
        if missing:
            raise CatalogueError(
                f"lacks the asset {missing[0]!r} that other {scene.sensor.name} items have",
                where=f"item {scene.id}",
                mend="add the asset, or remove the item from the catalogue",
            )
    return bands


def read_stack(scenes: Sequence[Scene], grid: GeoBox, bands: Sequence[str], *, use_quality: bool = True) -> xr.Dataset:
    """Read a STACK over `grid`: one time step for each pass of a satellite, its scenes joined.

    A pass is what one satellite sees in one go (:func:`habitat.tiles.overlaps.same_pass`). Inside a pass, scenes in
    the grid's own reference system come first, then the order is that of their ids; each pixel is that of the first
    scene that measured it.

    Parameters
    ----------
    scenes : sequence of Scene
        In any order.
    grid : GeoBox
        The run's grid, or a block of it.
    bands : sequence of str
        Which bands.
    use_quality : bool
        Whether the products' quality bands are read; without them only the bands' own fill is marked.

    Returns
    -------
    STACK
        With `sun_zenith`, `sun_azimuth`, `view_zenith` and `view_azimuth` in degrees on coarse nodes (time, node_y,
        node_x) if any scene has angles (:func:`habitat.tiles.lattices.angles_over`).

    Raises
    ------
    ReadError
        If a file that is needed is not here or cannot be read: a hole is never passed on as "not seen".
    GridError
        If nothing of a scene is seen because one of its files lies elsewhere than the others.
    CatalogueError
        If quality is asked for and a scene has none.
    """
    passes = passes_of(scenes)
    shape = (len(passes), grid.shape.y, grid.shape.x)
    values = {band: np.empty(shape, dtype=np.float32) for band in bands}
    quality = np.zeros(shape, dtype=np.uint8)
    groups = []
    for step, group in enumerate(passes):
        ordered = _in_order(group, grid)
        groups.append(ordered)
        here = {band: layer[step] for band, layer in values.items()}
        _read_scene(ordered[0], grid, here, quality[step], use_quality)
        for scene in ordered[1:]:
            empty = (quality[step] & Quality.FILL) > 0
            if not empty.any():
                break
            more = {band: np.empty(grid.shape, dtype=np.float32) for band in bands}
            flags = np.zeros(grid.shape, dtype=np.uint8)
            _read_scene(scene, grid, more, flags, use_quality)
            for band, layer in more.items():
                np.copyto(here[band], layer, where=empty)
            np.copyto(quality[step], flags, where=empty)
    firsts = [group[0] for group in passes]
    stack = xr.Dataset(
        {
            band: (STACK.dims, layer, {"units": "1", "long_name": f"surface reflectance, {band}"})
            for band, layer in values.items()
        }
        | {"quality": (STACK.dims, quality, {"long_name": "quality bits (habitat.cubes.Quality)"})},
        coords={
            "time": np.array([s.time.replace(tzinfo=None) for s in firsts], dtype="datetime64[ns]"),
            "sensor": ("time", [s.sensor.name for s in firsts]),
            "platform": ("time", [s.platform or "" for s in firsts]),
            "scene": ("time", [" ".join(s.id for s in group) for group in groups]),
            **angles_over(groups, grid),
            **coordinates(grid),
        },
    )
    return STACK.check(stack)


def _in_order(group: Sequence[Scene], grid: GeoBox) -> list[Scene]:
    """A pass's scenes, those whose pixels need no warp first."""
    if len(group) == 1:
        return list(group)

    def is_foreign(scene: Scene) -> bool:
        return file_grid(scene.quality or next(iter(scene.bands.values()))).crs != grid.crs

    return sorted(group, key=lambda scene: (is_foreign(scene), scene.id))


def _read_scene(
    scene: Scene, grid: GeoBox, bands: Mapping[str, np.ndarray], quality: np.ndarray, use_quality: bool
) -> None:
    """Read one scene's bands and quality into arrays (y, x); `quality` is 0 at first.

    Ground that the files show too far east is looked for there: the grid is moved, not the files, so that pixels are
    resampled once, in whatever zone they lie.
    """
    grid = _moved(grid, scene.shift_m)
    with naming(scene):
        if use_quality:
            read_quality(scene, grid, quality)
        for band, layer in bands.items():
            read_reflectance(scene.bands[band], grid, layer, quality)
    if ((quality & Quality.FILL) > 0).all():  # nothing of it is seen here: it may lie elsewhere, or one of its files
        refuse_strays([scene])


def _moved(grid: GeoBox, shift_m: tuple[float, float]) -> GeoBox:
    if shift_m == (0.0, 0.0):
        return grid
    return GeoBox(grid.shape, Affine.translation(*shift_m) * grid.transform, grid.crs)
