"""Pictures of what a run holds: one panel each, north up, with its scale, its key, and what was not seen.

The only package that imports matplotlib, and it leaves no trace there: figures are made by hand, never by
pyplot, and each function returns one that a notebook shows as it is. A pixel or cell that was not seen is
hatched grey in every picture; a key lists only what the picture holds.
"""

from habitat.plots._sheet import to_png, year_colors
from habitat.plots.charts import loss_by_year, pixel_series, share_by_season
from habitat.plots.rasters import before_after, forest_map, looks_map, loss_map, true_color
from habitat.plots.survey import doubt_map, occupancy_map, share_map

__all__ = [
    "before_after",
    "doubt_map",
    "forest_map",
    "looks_map",
    "loss_by_year",
    "loss_map",
    "occupancy_map",
    "pixel_series",
    "share_by_season",
    "share_map",
    "to_png",
    "true_color",
    "year_colors",
]
