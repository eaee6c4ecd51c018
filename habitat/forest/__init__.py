"""From labels to a forest map: training, validation, prediction."""

from habitat.forest.classifier import CoverModel, predict_cover, train_cover
from habitat.forest.training import gather, stack_samples
from habitat.forest.validation import block_numbers, cross_validate

__all__ = [
    "CoverModel",
    "block_numbers",
    "cross_validate",
    "gather",
    "predict_cover",
    "stack_samples",
    "train_cover",
]
