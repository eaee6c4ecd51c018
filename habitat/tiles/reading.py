"""Read scenes onto the run's grid: native pixels first, then exact area weights.

odc-loader reads the window of each file that a block needs; the file's own grid is believed, never the
item's. Inside one reference system nothing is warped: bands are averaged by area, quality bits are carried
by bitwise or. A file of another zone is taken onto a finer grid once, here, and weighed in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams, RasterSource, RioDriver

from habitat.cubes import BANDS, REFLECTANCE_RANGE, STACK, Quality
from habitat.errors import CatalogueError, GridError, ReadError
from habitat.grids import coordinates, grid_over, resample_bits, resample_mean
from habitat.sensors import SENTINEL2
from habitat.store import open_raster, without_query
from habitat.tiles.scenes import Asset, Scene

FINER = 4
"""Parts along each side of a pixel, for files of another reference system."""

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


def run_grid(
    scenes: Sequence[Scene], area: Any, *, crs: str | None = None, resolution_m: float | None = None
) -> GeoBox:
    """Return the grid of a run over `area`.

    Reference system and pixel edges are those of most scenes (Sentinel-2's, if there are any), so that
    as little as possible is resampled; `resolution_m` defaults to 20 with any Sentinel-2, else 30.

    Parameters
    ----------
    area : shapely geometry
        In degrees.
    """
    import geopandas as gpd

    finest = [s for s in scenes if s.sensor is SENTINEL2] or list(scenes)
    if resolution_m is None:
        resolution_m = finest[0].sensor.resolution_m
    # one scene a footprint is enough: they repeat for years
    samples = {str(s.geometry): s for s in finest}.values()
    grids = [_file_grid(_coarsest(s)) for s in samples]
    if crs is None:
        commonest = Counter(g.crs for g in grids if g.crs is not None).most_common(1)[0][0]
        crs = f"EPSG:{commonest.epsg}" if commonest.epsg else str(commonest)
    anchor = next(
        ((g.transform.c, g.transform.f) for g in grids if g.crs == crs and _divides(g, resolution_m)), (0.0, 0.0)
    )
    try:
        west, south, east, north = gpd.GeoSeries([area], crs="EPSG:4326").to_crs(crs).total_bounds.tolist()
    except Exception as error:  # pyproj raises several kinds
        raise GridError(
            f"{crs!r} is not a reference system", where="[area] crs", mend="write it as EPSG:32652"
        ) from error
    return grid_over((west, south, east, north), crs, resolution_m, anchor)


def _coarsest(scene: Scene) -> Asset:
    """The asset whose pixel edges the run takes: the quality band lies on the coarser native grid."""
    return scene.quality or scene.bands[NEEDED_BANDS[-1]]


def _divides(grid: GeoBox, resolution_m: float) -> bool:
    ratio = resolution_m / grid.transform.a
    return abs(ratio - round(ratio)) < 1e-6 or abs(1 / ratio - round(1 / ratio)) < 1e-6


def _file_grid(asset: Asset) -> GeoBox:
    with open_raster(asset.href) as file:
        grid = GeoBox.from_rio(file)
    if grid.crs is None:
        raise ReadError("carries no reference system", where=asset.href, mend="georeference it")
    return grid


def read_stack(scenes: Sequence[Scene], grid: GeoBox, bands: Sequence[str], *, use_quality: bool = True) -> xr.Dataset:
    """Read a STACK over `grid`: one time step for each sensor and day, neighbouring tiles joined.

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

    Raises
    ------
    ReadError
        If any file cannot be read: a hole is never passed on as "not seen".
    """
    passes: dict[tuple[date, str], list[Scene]] = {}
    for scene in sorted(scenes, key=lambda s: (s.time, s.id)):
        passes.setdefault((scene.day, scene.sensor.name), []).append(scene)
    groups = list(passes.values())
    shape = (len(groups), grid.shape.y, grid.shape.x)
    values = {band: np.full(shape, np.nan, dtype=np.float32) for band in bands}
    quality = np.full(shape, Quality.FILL, dtype=np.uint8)
    for step, group in enumerate(groups):
        for scene in group:
            flags = _read_quality(scene, grid) if use_quality else np.zeros(grid.shape, dtype=np.uint8)
            measured = {band: _read_band(scene.bands[band], grid) for band in bands}
            for layer in measured.values():
                flags = flags | np.where(np.isnan(layer), np.uint8(Quality.FILL), np.uint8(0))
            empty = (quality[step] & Quality.FILL) > 0
            for band, layer in measured.items():
                values[band][step][empty] = layer[empty]
            quality[step][empty] = flags[empty]
    firsts = [group[0] for group in groups]
    stack = xr.Dataset(
        {
            band: (STACK.dims, layer, {"units": "1", "long_name": f"surface reflectance, {band}"})
            for band, layer in values.items()
        }
        | {"quality": (STACK.dims, quality, {"long_name": "quality bits (habitat.cubes.Quality)"})},
        coords={
            "time": np.array([s.time.replace(tzinfo=None) for s in firsts], dtype="datetime64[ns]"),
            "sensor": ("time", [s.sensor.name for s in firsts]),
            "scene": ("time", [" ".join(s.id for s in group) for group in groups]),
            **coordinates(grid),
        },
    )
    return STACK.check(stack)


def _read_band(asset: Asset, grid: GeoBox) -> np.ndarray:
    """Reflectance on `grid`, float32, NaN where nothing was measured."""
    numbers, native = _read_native(asset, grid)
    values = np.where(numbers == asset.nodata, np.nan, numbers * np.float32(asset.scale) + np.float32(asset.offset))
    return np.clip(resample_mean(values, native, grid), *REFLECTANCE_RANGE)


def _read_quality(scene: Scene, grid: GeoBox) -> np.ndarray:
    """Quality bits on `grid`, uint8."""
    if scene.quality is None:
        raise CatalogueError(
            f"has no quality asset {scene.sensor.quality.asset!r}",
            where=f"item {scene.id}",
            mend='add the asset, or set [scenes] mask = "none"',
        )
    codes, native = _read_native(scene.quality, grid)
    lookup = scene.sensor.quality.lookup
    if codes.dtype.kind not in "iu" or (codes.size and not 0 <= codes.min() <= codes.max() < len(lookup)):
        raise ReadError(
            f"holds no codes of {scene.sensor.name}'s {scene.sensor.quality.asset!r}",
            where=scene.quality.href,
            mend="check the item's assets",
        )
    return resample_bits(lookup[codes], native, grid, outside=Quality.FILL)


def _read_native(asset: Asset, grid: GeoBox) -> tuple[np.ndarray, GeoBox]:
    """Digital numbers of the part of a file that covers `grid`, on the file's own grid.

    A file of another reference system, or one that is not north up, is taken pixel by pixel (nearest) onto a
    grid several times finer than `grid`, so that means and quality bits are still weighed by area.
    """
    with open_raster(asset.href) as file:
        own = GeoBox.from_rio(file)
        dtype = file.dtypes[0]
    if own.crs is None:
        raise ReadError("carries no reference system", where=asset.href, mend="georeference it")
    if np.array(asset.nodata).astype(dtype) != asset.nodata:
        raise ReadError(f"holds {dtype}, never nodata {asset.nodata}", where=asset.href, mend="correct its item")
    north_up = own.axis_aligned and own.transform.a > 0 > own.transform.e
    window = _window(own, grid) if own.crs == grid.crs and north_up else _finer(grid)
    numbers = np.full(window.shape, asset.nodata, dtype=dtype)
    if window.is_empty():
        return numbers, window
    loading = RasterLoadParams(dtype=dtype, fill_value=asset.nodata, src_nodata_fallback=asset.nodata)
    driver = RioDriver()
    context = driver.new_load(window)
    try:
        reader = driver.open(RasterSource(asset.href), context)  # type: ignore[arg-type]  # its own context
        where, pixels = reader.read(loading, window)
    except Exception as error:  # GDAL's errors come through rasterio in several classes
        raise ReadError(
            f"cannot be decoded ({error})", where=without_query(asset.href), mend="fetch it again"
        ) from error
    finally:
        driver.finalise_load(context)
    numbers[where] = pixels
    return numbers, window


def _finer(grid: GeoBox) -> GeoBox:
    """`grid` with each pixel cut into FINER x FINER."""
    return GeoBox((grid.shape.y * FINER, grid.shape.x * FINER), grid.transform @ Affine.scale(1 / FINER), grid.crs)


def _window(own: GeoBox, grid: GeoBox) -> GeoBox:
    """The smallest part of a file's grid that covers `grid`, cut at the file's edges."""
    (x0, y0), (x1, y1) = (~own.transform @ corner for corner in _corners(grid))
    cols = slice(max(int(np.floor(x0 + 1e-6)), 0), min(int(np.ceil(x1 - 1e-6)), own.shape.x))
    rows = slice(max(int(np.floor(y0 + 1e-6)), 0), min(int(np.ceil(y1 - 1e-6)), own.shape.y))
    if cols.stop <= cols.start or rows.stop <= rows.start:
        return own[0:0, 0:0]
    return own[rows, cols]


def _corners(grid: GeoBox) -> tuple[tuple[float, float], tuple[float, float]]:
    left, top = grid.transform.c, grid.transform.f
    return (left, top), (left + grid.transform.a * grid.shape.x, top + grid.transform.e * grid.shape.y)
