"""From labels to a forest map: training, validation, calibration, prediction, and where it may be believed."""

from habitat.forest.applicability import Applicability, dissimilarity, learn_applicability
from habitat.forest.boosting import SymmetricTrees
from habitat.forest.calibration import calibration_error, fit_temperature, reliability
from habitat.forest.classifier import (
    CoverModel,
    predict_classes,
    predict_cover,
    predict_dissimilarity,
    split_forest,
    train_cover,
)
from habitat.forest.cleaning import doubtful_labels
from habitat.forest.folds import LeftOut, block_numbers, calibrate, leave_blocks_out
from habitat.forest.training import gather, stack_samples, thin_labels, within_years
from habitat.forest.validation import cross_validate, fitting_year, judge

__all__ = [
    "Applicability",
    "CoverModel",
    "LeftOut",
    "SymmetricTrees",
    "block_numbers",
    "calibrate",
    "calibration_error",
    "cross_validate",
    "dissimilarity",
    "doubtful_labels",
    "fit_temperature",
    "fitting_year",
    "gather",
    "judge",
    "learn_applicability",
    "leave_blocks_out",
    "predict_classes",
    "predict_cover",
    "predict_dissimilarity",
    "reliability",
    "split_forest",
    "stack_samples",
    "thin_labels",
    "train_cover",
    "within_years",
]
