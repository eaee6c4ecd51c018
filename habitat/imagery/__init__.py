"""From a stack of looks to what a classifier sees: masks, seasonal composites, features."""

from habitat.imagery.brdf import nadir_reflectance
from habitat.imagery.calibration import to_common_bands
from habitat.imagery.composites import seasonal_median, seasonal_medoid
from habitat.imagery.features import DEFAULT_GROUPS, feature_margin, forest_features, terrain_features
from habitat.imagery.harmonics import fit_harmonics, harmonic_names
from habitat.imagery.history import departures, screen_looks
from habitat.imagery.illumination import fit_illumination, level_reflectance, slope_samples
from habitat.imagery.masks import NOT_CLEAR, clear_looks, reject_bits
from habitat.imagery.registration import combine_shifts, estimate_shifts, significant_shifts
from habitat.imagery.relief import cast_shadow, shade_looks, shadow_reach_m, slope_and_aspect
from habitat.imagery.sharpness import match_sharpness, sharpness_reach
from habitat.imagery.spectral import spectral_quality
from habitat.imagery.views import fit_strengths, view_pairs

__all__ = [
    "DEFAULT_GROUPS",
    "NOT_CLEAR",
    "cast_shadow",
    "clear_looks",
    "combine_shifts",
    "departures",
    "estimate_shifts",
    "feature_margin",
    "fit_harmonics",
    "fit_illumination",
    "fit_strengths",
    "forest_features",
    "harmonic_names",
    "level_reflectance",
    "match_sharpness",
    "nadir_reflectance",
    "reject_bits",
    "screen_looks",
    "seasonal_median",
    "seasonal_medoid",
    "shade_looks",
    "shadow_reach_m",
    "sharpness_reach",
    "significant_shifts",
    "slope_and_aspect",
    "slope_samples",
    "spectral_quality",
    "terrain_features",
    "to_common_bands",
    "view_pairs",
]
