"""From yearly maps to loss: maps made consistent over time, the year of loss and its probability."""

from habitat.change.consistency import CoverHistory, smooth_cover, smooth_forest
from habitat.change.dynamics import CoverDynamics, cover_dynamics, forest_dynamics
from habitat.change.losses import first_loss_year, loss_patches, loss_probability, without_small_patches

__all__ = [
    "CoverDynamics",
    "CoverHistory",
    "cover_dynamics",
    "first_loss_year",
    "forest_dynamics",
    "loss_patches",
    "loss_probability",
    "smooth_cover",
    "smooth_forest",
    "without_small_patches",
]
