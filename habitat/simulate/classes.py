"""Codes of the default legend that the simulator lays out, and what is called forest."""

from __future__ import annotations

EVERGREEN, LARCH, MIXED, OAK, BIRCH = 11, 12, 13, 14, 15
SHRUB, GRASS, BURNT_GRASS, CROP = 21, 22, 23, 30
WETLAND, WATER, BARE, SETTLEMENT = 40, 50, 60, 70

FOREST_COVER = 0.3
"""Least crown cover of forest."""
