"""From yearly maps to loss: maps made consistent over time, the year of loss and its probability."""

from habitat.change.consistency import ForestDynamics, smooth_forest
from habitat.change.losses import first_loss_year, loss_patches, loss_probability, without_small_patches

__all__ = [
    "ForestDynamics",
    "first_loss_year",
    "loss_patches",
    "loss_probability",
    "smooth_forest",
    "without_small_patches",
]
