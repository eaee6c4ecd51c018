"""Scenes: found in a catalogue, read onto the run's grid."""

from habitat.tiles.catalogue import Selection, select_scenes
from habitat.tiles.reading import common_bands, read_stack, run_grid
from habitat.tiles.scenes import Asset, Scene

__all__ = ["Asset", "Scene", "Selection", "common_bands", "read_stack", "run_grid", "select_scenes"]
