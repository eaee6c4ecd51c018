"""Where animals live, when not seeing one is not proof of absence.

A *history* is a Dataset over (cell, occasion) with `detected` (1 seen, 0 not seen, NaN not surveyed) and,
if known, `effort` (camera-days) and further variables of the visit. In a cell that is small against the
animal's home range the models estimate *use* of the cell, not its occupancy by a resident.
"""

from habitat.occupancy.histories import naive_occupancy, surveyed_cells
from habitat.occupancy.single_season import SingleSeasonOccupancy
from habitat.occupancy.summaries import SeasonEstimate, estimate_season, share_occupied

__all__ = [
    "SeasonEstimate",
    "SingleSeasonOccupancy",
    "estimate_season",
    "naive_occupancy",
    "share_occupied",
    "surveyed_cells",
]
