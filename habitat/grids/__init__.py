"""One grid for a run, and what can be asked of it.

A grid is an :class:`odc.geo.geobox.GeoBox` (shape, affine, crs): axis-aligned, north up, in metres.
Grids never align by luck: :func:`same_grid` says whether two cubes may meet, and everything that comes
from another grid is resampled first: by exact area weights within one reference system, else by sample
points whose positions are checked.
"""

from habitat.grids.boxes import coordinates, grid_of, grid_over, same_grid
from habitat.grids.overlap import overlaps
from habitat.grids.parts import Block, blocks, crop, widen
from habitat.grids.positions import Cells, cells_of
from habitat.grids.resampling import (
    resample_bilinear,
    resample_bits,
    resample_majority,
    resample_mean,
    resample_nearest,
    window_over,
)
from habitat.grids.shapes import pixels_of, rasterize

__all__ = [
    "Block",
    "Cells",
    "blocks",
    "cells_of",
    "coordinates",
    "crop",
    "grid_of",
    "grid_over",
    "overlaps",
    "pixels_of",
    "rasterize",
    "resample_bilinear",
    "resample_bits",
    "resample_majority",
    "resample_mean",
    "resample_nearest",
    "same_grid",
    "widen",
    "window_over",
]
