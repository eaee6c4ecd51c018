"""Where scenes lie: the grid of a run over them, and files whose grid is not the one that their item states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox

from habitat.errors import GridError, ReadError
from habitat.grids import grid_over
from habitat.sensors import SENTINEL2
from habitat.store import shown
from habitat.tiles.scenes import Asset, Scene, naming
from habitat.tiles.windows import open_asset

if TYPE_CHECKING:
    from habitat.tiles.remote import Remote

_TRUE_TO_SCALE = 0.01
"""Of a length: UTM is 0.5% off on the equator where its neighbour's zone is half over, 1.2% where it ends; EPSG:3035
keeps areas everywhere. A projection that is farther off is one made for another part of the world."""
_SAME_PIXEL = 0.01
"""Of a pixel: corners that are farther apart are different grids. Items round their numbers."""


def run_grid(
    scenes: Sequence[Scene],
    area: Any,
    *,
    crs: str | None = None,
    resolution_m: float | None = None,
    remote: Remote | None = None,
) -> GeoBox:
    """Return the grid of a run over `area`.

    Reference system and pixel edges are those of most scenes (Sentinel-2's, if there are any), so that as little
    as possible is resampled. `resolution_m` defaults to the pixel of their coarsest band, 20 with any Sentinel-2,
    else 30: files know better than items, and a pixel that is not square gives a square of its longer side.

    Parameters
    ----------
    area : shapely geometry
        In degrees.
    remote : Remote, optional
        What opens files that are not here, where their item does not state a grid.

    Raises
    ------
    GridError
        If `crs` is not a reference system in metres, or not true to scale in `area`; or if `area` is empty.
    ReadError
        If a scene's grid cannot be found out.
    """
    import geopandas as gpd

    chosen = [s for s in scenes if s.sensor is SENTINEL2] or list(scenes)
    # one scene a footprint is enough: they repeat for years
    of_place: dict[Any, list[Scene]] = {}
    for scene in chosen:
        of_place.setdefault((scene.sensor.name, scene.tile or str(scene.geometry)), []).append(scene)
    grids = {place: _native_grids(same[0], remote) for place, same in of_place.items()}
    if crs is None:
        systems: Counter[Any] = Counter()
        for place, (first, *_) in grids.items():
            systems[first.crs] += len(of_place[place])
        commonest = systems.most_common(1)[0][0]
        crs = f"EPSG:{commonest.epsg}" if commonest.epsg else str(commonest)
    if resolution_m is None:
        pixels = Counter(_native_pixel(found, chosen[0].sensor.resolution_m) for found in grids.values())
        resolution_m = min(pixels, key=lambda pixel: (-pixels[pixel], pixel))
    anchor = next(
        ((g.transform.c, g.transform.f) for g, *_ in grids.values() if g.crs == crs and _divides(g, resolution_m)),
        (0.0, 0.0),
    )
    try:
        west, south, east, north = gpd.GeoSeries([area], crs="EPSG:4326").to_crs(crs).total_bounds.tolist()
    except Exception as error:  # pyproj raises several kinds
        raise GridError(
            f"{crs!r} is not a reference system", where="[area] crs", mend="write it as EPSG:32652"
        ) from error
    grid = grid_over((west, south, east, north), crs, resolution_m, anchor)
    _refuse_out_of_scale(crs, area)
    return grid


def _refuse_out_of_scale(crs: str, area: Any) -> None:
    """Refuse a projection in which what is counted in hectares would not be hectares."""
    import pyproj

    west, south, east, north = area.bounds
    longitude, latitude = (west + east) / 2, (south + north) / 2
    scale = float(np.sqrt(pyproj.Proj(crs).get_factors(longitude, latitude).areal_scale))
    if not abs(scale - 1) <= _TRUE_TO_SCALE:  # also where there is none
        zone = int((longitude + 180) // 6) % 60 + 1
        raise GridError(
            f"{crs} is made for another place: in [area] its areas are {scale**2 - 1:+.0%} off",
            where="[area] crs",
            mend=f'write "EPSG:{"327" if latitude < 0 else "326"}{zone:02d}", the UTM zone that fits',
        )


def _native_grids(scene: Scene, remote: Remote | None) -> list[GeoBox]:
    """Grids of a scene's files, the one whose pixel edges the run takes first: that of the quality band."""
    assets = sorted(scene.assets.items(), key=lambda named: (named[0] != "quality", named[0] != "nir08"))
    with naming(scene):
        return [_grid_of(asset, remote) for _, asset in assets]


def _grid_of(asset: Asset, remote: Remote | None) -> GeoBox:
    """The grid of a file: as it says itself if it is here, else as its item says, else as it says itself from afar."""
    if asset.is_here:
        return file_grid(asset)
    if asset.grid is not None:
        return asset.grid
    if remote is not None:
        return remote.grid(asset.href)
    raise ReadError(
        "is not here yet, and its item does not say where its pixels lie",
        where=shown(asset.href),
        mend="habitat fetch brings it",
    )


def file_grid(asset: Asset) -> GeoBox:
    """Return the grid that the file itself states."""
    with open_asset(asset) as (_, grid):
        return grid


def _native_pixel(grids: Iterable[GeoBox], otherwise: float) -> float:
    """The longer side of the coarsest pixel in metres; `otherwise` where files are in degrees."""
    sides = [side for g in grids if g.crs is not None and g.crs.projected for side in _sides(g)]
    return round(max(sides), 6) if sides else otherwise


def _sides(grid: GeoBox) -> tuple[float, float]:
    a, b, _, d, e, _ = grid.transform[:6]
    return float(np.hypot(a, d)), float(np.hypot(b, e))


def _divides(grid: GeoBox, resolution_m: float) -> bool:
    """Whether both sides of a grid's pixel are a multiple or a whole part of `resolution_m`."""
    ratios = [resolution_m / side for side in _sides(grid)]
    return all(abs(r - round(r)) < 1e-6 or abs(1 / r - round(1 / r)) < 1e-6 for r in ratios)


def grid_disagreements(scenes: Iterable[Scene]) -> dict[str, str]:
    """Return what is to be said of scenes whose files do not lie where their items say: the files are used.

    Looks at the headers of files that are here.

    Returns
    -------
    dict of str to str
        Scene id to one line; scenes that agree are not in it.
    """
    said = {}
    for scene in scenes:
        differing = _differing(scene.assets)
        if differing:
            others = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
            name, difference = next(iter(differing.items()))
            said[scene.id] = f"{name}{others}: {difference}: the file is used"
    return said


def _differing(assets: Mapping[str, Asset]) -> dict[str, str]:
    stated = {name: asset for name, asset in assets.items() if asset.grid is not None and asset.is_here}
    compared = {name: _difference(asset.grid, file_grid(asset)) for name, asset in stated.items() if asset.grid}
    return {name: difference for name, difference in compared.items() if difference}


def _difference(item: GeoBox, file: GeoBox) -> str | None:
    """How an item and its file differ, in words; None where they do not."""
    if item.crs != file.crs:
        return f"the item says {system_of(item)}, the file has {system_of(file)}"
    if item.shape != file.shape or not np.allclose(_sides(item), _sides(file), rtol=1e-6):
        return f"the item says {_size(item)} pixels, the file has {_size(file)}"
    corners = ((0, 0), (item.shape.x, 0), (0, item.shape.y))
    apart = [np.subtract(item.transform @ corner, file.transform @ corner) for corner in corners]
    if np.abs(apart).max() > _SAME_PIXEL * min(_sides(file)):
        return f"the item says that it begins at {corner_of(item)}, the file at {corner_of(file)}"
    return None


def system_of(grid: GeoBox) -> str:
    """Return a grid's reference system in words: 'EPSG:32652'."""
    return "no reference system" if grid.crs is None else f"EPSG:{grid.crs.epsg}" if grid.crs.epsg else str(grid.crs)


def _size(grid: GeoBox) -> str:
    """Pixel and number of pixels: '10 m and 10980 x 10980'."""
    unit = "m" if grid.crs is None or grid.crs.projected else "degrees"
    along, down = (f"{side:.6g}" for side in _sides(grid))
    pixel = along if along == down else f"{along} x {down}"
    return f"{pixel} {unit} and {grid.shape.y} x {grid.shape.x}"


def corner_of(grid: GeoBox) -> str:
    """Return where a grid begins in words: '(500000, 4800060)'."""
    return f"({grid.transform.c:.10g}, {grid.transform.f:.10g})"
