"""Scenes: found in a catalogue, read onto the run's grid."""

from habitat.tiles.extents import grid_disagreements, run_grid
from habitat.tiles.reading import common_bands, read_stack
from habitat.tiles.scenes import Asset, Scene
from habitat.tiles.selection import Selection, select_scenes

__all__ = ["Asset", "Scene", "Selection", "common_bands", "grid_disagreements", "read_stack", "run_grid", "select_scenes"]
