"""Scenes: found in a catalogue, read onto the run's grid."""

from habitat.tiles.catalogue import find_scenes
from habitat.tiles.reading import common_bands, read_stack, run_grid
from habitat.tiles.scenes import Asset, Scene

__all__ = ["Asset", "Scene", "common_bands", "find_scenes", "read_stack", "run_grid"]
