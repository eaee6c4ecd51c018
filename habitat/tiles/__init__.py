"""Scenes: found in a catalogue or a folder, fetched, their radiometry settled, read onto the run's grid."""

from habitat.tiles.extents import grid_disagreements, run_grid
from habitat.tiles.fetching import Fetched, Missing, fetch_layer, fetch_scenes
from habitat.tiles.items import scene_from_item, write_items
from habitat.tiles.products import Index, index_products
from habitat.tiles.providers import PROVIDERS, Provider, names_provider, provider_for
from habitat.tiles.radiometry import Finding, Settled, settle_offsets
from habitat.tiles.reading import common_bands, read_stack
from habitat.tiles.remote import Remote
from habitat.tiles.scenes import Asset, Scene
from habitat.tiles.search import search_layer
from habitat.tiles.selection import Selection, select_scenes

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
    "index_products",
    "names_provider",
    "provider_for",
    "read_stack",
    "run_grid",
    "scene_from_item",
    "search_layer",
    "select_scenes",
    "settle_offsets",
    "write_items",
]
