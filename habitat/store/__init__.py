"""The run's folder: what is written whole or not at all, and what is already there."""

from habitat.store.rasters import RasterWriter, open_raster, read_raster, write_raster
from habitat.store.state import Run, digest_file
from habitat.store.tables import read_table, write_json, write_table, write_text

__all__ = [
    "RasterWriter",
    "Run",
    "digest_file",
    "open_raster",
    "read_raster",
    "read_table",
    "write_json",
    "write_raster",
    "write_table",
    "write_text",
]
