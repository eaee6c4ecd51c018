"""Where animals live, when not seeing one is not proof of absence.

A *history* is a Dataset over (cell, occasion), or (cell, season, occasion), with `detected` (1 seen, 0 not seen, NaN
not surveyed) and, if known, `effort` (camera-days) and further variables of the visit. In a cell that is small against
the animal's home range the models estimate *use* of the cell, not its occupancy by a resident.
"""

from habitat.occupancy.abundance import RoyleNicholsOccupancy
from habitat.occupancy.advice import judge_estimate, judge_season, measured
from habitat.occupancy.dynamic import DynamicOccupancy, placebo
from habitat.occupancy.fits import average_psi, compare_models
from habitat.occupancy.goodness import FitTest, assess_fit
from habitat.occupancy.histories import naive_occupancy, surveyed_cells
from habitat.occupancy.power import SurveyDesign, cameras_needed, change_power, occupancy_variance, simulated_power
from habitat.occupancy.single_season import SingleSeasonOccupancy
from habitat.occupancy.spatial import MoranTest, residual_moran, spatial_covariates
from habitat.occupancy.summaries import SeasonEstimate, estimate_season, estimate_seasons, share_occupied

__all__ = [
    "DynamicOccupancy",
    "FitTest",
    "MoranTest",
    "RoyleNicholsOccupancy",
    "SeasonEstimate",
    "SingleSeasonOccupancy",
    "SurveyDesign",
    "assess_fit",
    "average_psi",
    "cameras_needed",
    "change_power",
    "compare_models",
    "estimate_season",
    "estimate_seasons",
    "judge_estimate",
    "judge_season",
    "measured",
    "naive_occupancy",
    "occupancy_variance",
    "placebo",
    "residual_moran",
    "share_occupied",
    "simulated_power",
    "spatial_covariates",
    "surveyed_cells",
]
