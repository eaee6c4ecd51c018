"""Training labels from rasters: codes of the legend, or a map of others that is translated into them.

A raster is looked at block by block, and of each block at most so many labels of a class are drawn: a map labels every
pixel, and a classifier needs a few thousand of them from everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window
from scipy import ndimage

from habitat.errors import ReadError, TrainingError
from habitat.grids import Block, blocks, crop, resample_majority, window_over
from habitat.records.covers import Maps, Translation
from habitat.store import open_raster

SUFFIXES = (".tif", ".tiff")
BLOCK = 512
MOST_LABELS = 400_000
"""About so many labels of a class are drawn, the same number from each block; those of small areas are all kept."""
_SEED = 5_100
_DEGREE_M = 111_000.0
"""Of latitude; a degree of longitude is shorter by the cosine of the latitude."""


@dataclass(frozen=True)
class LabelRaster:
    """One raster of codes, or a map of others in one or more tiles."""

    path: Path
    """A GeoTIFF, or a folder of the map's tiles."""
    translation: Translation | None = None
    """None: it holds codes of the legend, 0 = no label."""
    edge_m: float = 0.0
    """How far from the next class labels are left out. A map's tiles are looked at one by one: where two meet, a class
    that begins in the other tile is not seen."""
    years: tuple[int, ...] = ()
    """For which labels are wanted, where a map knows of years."""


def raster_labels(raster: LabelRaster, grid: GeoBox) -> pd.DataFrame:
    """Return row, col, year (<NA> = not known) and code of the labels that a raster gives to the pixels of `grid`.

    Raises
    ------
    TrainingError
        If it is no raster of integers, has no reference system, or holds values that the map does not have.
    ReadError
        If a file cannot be read.
    """
    parts = [label_table([], [], [], [])]
    todo = list(blocks(grid, BLOCK))
    latitude = grid.geographic_extent.centroid.coords[0][1]  # of the whole area, so that blocks do not differ
    with ExitStack() as opened:
        tiles = [[opened.enter_context(open_raster(path)) for path in tile] for tile in _tiles(raster)]
        for block in todo:
            found: dict[int | None, np.ndarray] = {}
            for tile in tiles:
                for year, codes in _codes_on(crop(grid, block), tile, raster, latitude):
                    held = found.setdefault(year, np.zeros(block.shape, dtype=np.int64))
                    np.copyto(held, codes, where=held == 0)
            most = max(1, MOST_LABELS // (len(todo) * max(len(found), 1)))
            parts += [_drawn(codes, year, block, most) for year, codes in found.items()]
    return pd.concat(parts, ignore_index=True)


def _tiles(raster: LabelRaster) -> list[list[Path]]:
    """The files of each tile, a file a layer."""
    path, layers = raster.path, ("",) if raster.translation is None else raster.translation.layers
    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if len(layers) == 1:
        tiles = [[file] for file in files]
    else:
        of_layer = [[file for file in files if layer in file.name] for layer in layers]
        named = [
            {file.name.replace(layer, ""): file for file in of} for layer, of in zip(layers, of_layer, strict=True)
        ]
        tiles = [[one[name] for one in named] for name in named[0] if all(name in one for one in named)]
    if not tiles:
        held = " and ".join(layer for layer in layers if layer) or "GeoTIFF"
        raise TrainingError(
            f"holds no tile with {held}", where=path, mend="give a folder with the files under the names they came with"
        )
    return tiles


def _codes_on(grid: GeoBox, tile: Sequence[rasterio.DatasetReader], raster: LabelRaster, latitude_deg: float) -> Maps:
    """Codes of one tile on a block's grid, by year; nothing where it does not reach."""
    native = GeoBox.from_rio(tile[0])
    if native.crs is None:
        raise TrainingError("carries no reference system", where=raster.path, mend="georeference it")
    radii = _pixels_within(raster.edge_m, native, latitude_deg)
    rim, side = (int(np.ceil(radius)) for radius in radii)
    rows, cols = window_over(native, grid)
    if rows.stop <= rows.start or cols.stop <= cols.start:
        return []
    rows = slice(max(rows.start - rim, 0), min(rows.stop + rim, native.shape.y))
    cols = slice(max(cols.start - side, 0), min(cols.stop + side, native.shape.x))
    blank = 255 if raster.translation is not None and raster.translation.kind != "worldcover" else 0
    layers = [_read(file, (rows, cols), raster.path, blank) for file in tile]
    if len({values.shape for values in layers}) > 1:
        raise TrainingError("holds layers of different grids", where=raster.path, mend="give files of one version")
    native = native[rows, cols]
    if raster.translation is None:
        maps: Maps = [(None, layers[0])]
    else:
        maps = raster.translation.to_codes(layers, Path(tile[0].name), raster.years)
    return [(year, resample_majority(without_edges(codes, radii), native, grid, unknown=0)) for year, codes in maps]


def _pixels_within(distance_m: float, native: GeoBox, latitude_deg: float) -> tuple[float, float]:
    """A distance in pixels of a raster, down and across."""
    down, across = abs(native.transform.e), abs(native.transform.a)
    if native.crs is not None and native.crs.geographic:
        down, across = down * _DEGREE_M, across * _DEGREE_M * np.cos(np.radians(latitude_deg))
    return distance_m / down, distance_m / across


def _read(file: rasterio.DatasetReader, window: tuple[slice, slice], path: Path, blank: int) -> np.ndarray:
    """Integers (y, x), `blank` where the file says that it holds nothing."""
    try:
        values: np.ndarray = file.read(1, window=Window.from_slices(*window))
    except RasterioError as error:
        raise ReadError(
            f"cannot be decoded ({error.__cause__ or error})", where=file.name, mend="fetch it again"
        ) from error
    if values.dtype.kind not in "iu":
        raise TrainingError(f"holds {values.dtype}, not integer codes", where=path, mend="write codes as uint8")
    if file.nodata is not None:
        values = np.where(values == file.nodata, blank, values)
    return values


def without_edges(codes: np.ndarray, radii: tuple[float, float]) -> np.ndarray:
    """Return codes (y, x) with 0 where another class lies within an ellipse of `radii`, pixels down and across.

    0 is no class. What lies beyond the array is not known and counts as none.

    >>> without_edges(np.array([[1, 1, 1, 2, 2, 0, 2]]), (1, 1)).tolist()
    [[1, 1, 0, 0, 2, 0, 2]]
    """
    reach, side = int(radii[0]), int(radii[1])
    if reach < 1 and side < 1:
        return codes
    down, across = np.ogrid[-reach : reach + 1, -side : side + 1]
    disk = (down * radii[1]) ** 2 + (across * radii[0]) ** 2 <= (radii[0] * radii[1]) ** 2
    wide = codes.astype(np.int64)
    none = np.iinfo(np.int64).max
    highest = ndimage.maximum_filter(wide, footprint=disk, mode="nearest")
    lowest = ndimage.minimum_filter(np.where(wide == 0, none, wide), footprint=disk, mode="nearest")
    return np.where((highest == wide) & (lowest == wide), codes, 0).astype(codes.dtype)


def _drawn(codes: np.ndarray, year: int | None, block: Block, most: int) -> pd.DataFrame:
    """At most `most` labels of each class of a block, in row order."""
    random = np.random.default_rng([_SEED, block.index, year or 0])
    flat = codes.ravel()
    chosen = []
    for code in np.unique(flat[flat != 0]):
        places = np.flatnonzero(flat == code)
        chosen.append(places if len(places) <= most else random.choice(places, most, replace=False))
    places = np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)
    rows, cols = np.divmod(places, codes.shape[1])
    return label_table(rows + block.rows.start, cols + block.cols.start, np.full(len(places), year or 0), flat[places])


def label_table(rows: Any, cols: Any, years: Any, codes: Any) -> pd.DataFrame:
    """Return labels as a table (row, col, year, code); a year that is missing or 0 is not known."""
    year = pd.Series(pd.array(years, dtype="Int64"))
    return pd.DataFrame(
        {
            "row": np.asarray(rows, dtype=int),
            "col": np.asarray(cols, dtype=int),
            "year": year.mask(year.eq(0).fillna(False), pd.NA),
            "code": np.asarray(codes, dtype=int),
        }
    )
