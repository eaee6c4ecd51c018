"""From labels to a forest map: training, validation, calibration, prediction, and where it may be believed."""

from habitat.forest.applicability import Applicability, dissimilarity, learn_applicability
from habitat.forest.boosting import SymmetricTrees
from habitat.forest.calibration import (
    Temperatures,
    apply_temperatures,
    calibration_error,
    fit_temperatures,
    reliability,
)
from habitat.forest.cards import write_card
from habitat.forest.carrying import carry_labels
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
from habitat.forest.permutation import importance, predictor_groups
from habitat.forest.portable import pack_model, unpack_model
from habitat.forest.training import (
    gather,
    labelled_years,
    refuse_one_kind,
    stack_samples,
    thin_labels,
    with_missing_seasons,
    within_years,
)
from habitat.forest.validation import cross_validate, fitting_year, judge

__all__ = [
    "Applicability",
    "CoverModel",
    "LeftOut",
    "SymmetricTrees",
    "Temperatures",
    "apply_temperatures",
    "block_numbers",
    "calibrate",
    "calibration_error",
    "carry_labels",
    "cross_validate",
    "dissimilarity",
    "doubtful_labels",
    "fit_temperatures",
    "fitting_year",
    "gather",
    "importance",
    "judge",
    "labelled_years",
    "learn_applicability",
    "leave_blocks_out",
    "pack_model",
    "predict_classes",
    "predict_cover",
    "predict_dissimilarity",
    "predictor_groups",
    "refuse_one_kind",
    "reliability",
    "split_forest",
    "stack_samples",
    "thin_labels",
    "train_cover",
    "unpack_model",
    "with_missing_seasons",
    "within_years",
    "write_card",
]
