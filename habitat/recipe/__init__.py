"""The recipe: TOML in, frozen and checked settings out.

Paths are relative to the recipe's own folder. An unknown key is an error that names it and the nearest
known one; a section that is left out is a stage that is not run.
"""

from habitat.recipe.animals import CellsSection, OccupancySection, SightingsSection
from habitat.recipe.images import LAST_YEAR, AreaSection, PeriodSection, ScenesSection
from habitat.recipe.legends import legend_of, read_legend
from habitat.recipe.maps import AssessSection, ChangeSection, ForestSection
from habitat.recipe.reading import read_recipe
from habitat.recipe.whole import OutputSection, Recipe

__all__ = [
    "LAST_YEAR",
    "AreaSection",
    "AssessSection",
    "CellsSection",
    "ChangeSection",
    "ForestSection",
    "OccupancySection",
    "OutputSection",
    "PeriodSection",
    "Recipe",
    "ScenesSection",
    "SightingsSection",
    "legend_of",
    "read_legend",
    "read_recipe",
]
