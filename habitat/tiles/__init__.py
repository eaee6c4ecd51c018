"""Scenes: found in a catalogue or a folder, fetched, their radiometry settled, read onto the run's grid.

The way of the data, each step with the modules that take it:

    what all steps pass on        scenes
    who publishes scenes          providers
    STAC documents to scenes      catalogue (files), search over api (the web), items, assets, fields
    downloads to scenes           products
    which scenes are used         selection, overlaps
    bytes from the web            remote: guard, signing, answers
    windows of files, kept here   fetching: crew, downloads, pieces, ranges, tiffs, codestreams, images, receipts
    what their numbers mean       radiometry: samples, clues
    pixels onto a grid            reading: extents, strays, windows; heights
"""

from habitat.tiles.extents import grid_disagreements, run_grid
from habitat.tiles.fetching import Fetched, Missing, fetch_layer, fetch_scenes
from habitat.tiles.heights import height_files, read_heights
from habitat.tiles.items import scene_from_item, write_items
from habitat.tiles.products import Index, index_products
from habitat.tiles.providers import PROVIDERS, Provider, names_provider, provider_for
from habitat.tiles.radiometry import Finding, Settled, settle_offsets
from habitat.tiles.reading import common_bands, read_stack
from habitat.tiles.remote import Remote
from habitat.tiles.scenes import Asset, Scene
from habitat.tiles.search import search_layer
from habitat.tiles.selection import Selection, select_scenes
from habitat.tiles.strays import refuse_strays
from habitat.tiles.windows import needed_quality

__all__ = [
    "PROVIDERS",
    "Asset",
    "Fetched",
    "Finding",
    "Index",
    "Missing",
    "Provider",
    "Remote",
    "Scene",
    "Selection",
    "Settled",
    "common_bands",
    "fetch_layer",
    "fetch_scenes",
    "grid_disagreements",
    "height_files",
    "index_products",
    "names_provider",
    "needed_quality",
    "provider_for",
    "read_heights",
    "read_stack",
    "refuse_strays",
    "run_grid",
    "scene_from_item",
    "search_layer",
    "select_scenes",
    "settle_offsets",
    "write_items",
]
