"""What all models share: a formula becomes a design, a likelihood its maximum, a curvature its standard errors.

Users write covariates in their own units and read coefficients in them. Inside, every design is whitened
(its columns become orthonormal), so that the optimiser never sees the units. Estimates at a boundary have
no standard error, and are flagged instead of reported.
"""

from habitat.estimation.coefficients import Coefficients, estimate, split
from habitat.estimation.designs import Design, NoDataError, variables_of
from habitat.estimation.maxima import (
    Z95,
    Maximum,
    aic,
    covariance_of,
    hessian,
    linear_predictor,
    maximise,
    probability,
)
from habitat.estimation.profiles import profile_intervals

__all__ = [
    "Z95",
    "Coefficients",
    "Design",
    "Maximum",
    "NoDataError",
    "aic",
    "covariance_of",
    "estimate",
    "hessian",
    "linear_predictor",
    "maximise",
    "probability",
    "profile_intervals",
    "split",
    "variables_of",
]
