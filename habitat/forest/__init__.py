"""From labels to a forest map: training, validation, prediction."""

from habitat.forest.classifier import CoverModel, importance, predict_cover, train_cover
from habitat.forest.cleaning import doubtful_labels
from habitat.forest.training import gather, stack_samples, thin_labels, within_years
from habitat.forest.validation import block_numbers, cross_validate, fitting_year

__all__ = [
    "CoverModel",
    "block_numbers",
    "cross_validate",
    "doubtful_labels",
    "fitting_year",
    "gather",
    "importance",
    "predict_cover",
    "stack_samples",
    "thin_labels",
    "train_cover",
    "within_years",
]
