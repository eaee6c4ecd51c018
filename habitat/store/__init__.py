"""The run's folder: what is written whole or not at all, and what is already there."""

from habitat.store._atomic import copy_file
from habitat.store.alerts import read_alert_state, write_alert_state
from habitat.store.blocks import compute_blocks, load_block
from habitat.store.digests import DigestMemo, digest, digest_file, digest_input
from habitat.store.locks import only_here
from habitat.store.models import read_model, write_model
from habitat.store.rasters import RasterWriter, open_on_grid, open_raster, read_raster, shown, write_raster
from habitat.store.stac import write_run_catalogue
from habitat.store.state import Run
from habitat.store.tables import read_table, table_in_parts, write_json, write_table, write_text

__all__ = [
    "DigestMemo",
    "RasterWriter",
    "Run",
    "compute_blocks",
    "copy_file",
    "digest",
    "digest_file",
    "digest_input",
    "load_block",
    "only_here",
    "open_on_grid",
    "open_raster",
    "read_alert_state",
    "read_model",
    "read_raster",
    "read_table",
    "shown",
    "table_in_parts",
    "write_alert_state",
    "write_json",
    "write_model",
    "write_raster",
    "write_run_catalogue",
    "write_table",
    "write_text",
]
