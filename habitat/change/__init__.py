"""From maps, composites and dense series to change: its day or year, its probability, and what went before and after."""

from habitat.change.alerts import AlertRun, Plan, Taken, plan
from habitat.change.breaks import BreakRules, find_breaks, looks_of
from habitat.change.consistency import CoverHistory, smooth_cover, smooth_forest
from habitat.change.dynamics import CoverDynamics, cover_dynamics, forest_dynamics
from habitat.change.losses import first_loss_year, loss_patches, loss_probability, without_small_patches

__all__ = [
    "AlertRun",
    "BreakRules",
    "CoverDynamics",
    "CoverHistory",
    "Plan",
    "Taken",
    "cover_dynamics",
    "find_breaks",
    "first_loss_year",
    "forest_dynamics",
    "looks_of",
    "loss_patches",
    "loss_probability",
    "plan",
    "smooth_cover",
    "smooth_forest",
    "without_small_patches",
]
