"""From maps, composites and dense series to change: its day or year, how probable it is, what came before and after."""

from habitat.change.alerts import AlertRun, Plan, Taken, plan
from habitat.change.bands import missing_bands, with_all_bands
from habitat.change.breaks import BreakRules, find_breaks, looks_of
from habitat.change.burns import burnt_class, burnt_to_open, class_before, find_burns, fire_frequency
from habitat.change.charring import BurnRules, UsualGround, usual_ground
from habitat.change.clumps import ClumpSample, sample_clumps
from habitat.change.combination import LossEvidence, breaks_by_year, combine_evidence, settle_years, yearly_drops
from habitat.change.consistency import CoverHistory, smooth_cover, smooth_forest
from habitat.change.courses import fitted_course
from habitat.change.disturbances import breaks_without_weather, find_losses, loss_breaks
from habitat.change.dynamics import CoverDynamics, cover_dynamics, forest_dynamics
from habitat.change.episodes import find_episodes, regrowth_year, select_episode
from habitat.change.fire_outlines import number_fires, outline_fires
from habitat.change.kinds import DONT_KNOW, kind_of_loss
from habitat.change.losses import dated_loss, first_loss_year, loss_patches, loss_probability, without_small_patches
from habitat.change.patches import describe_patches
from habitat.change.trajectories import TrajectorySettings, fit_trajectories, yearly_noise
from habitat.change.weather import learn_weather, without_odd_years, without_weather

__all__ = [
    "DONT_KNOW",
    "AlertRun",
    "BreakRules",
    "BurnRules",
    "ClumpSample",
    "CoverDynamics",
    "CoverHistory",
    "LossEvidence",
    "Plan",
    "Taken",
    "TrajectorySettings",
    "UsualGround",
    "breaks_by_year",
    "breaks_without_weather",
    "burnt_class",
    "burnt_to_open",
    "class_before",
    "combine_evidence",
    "cover_dynamics",
    "dated_loss",
    "describe_patches",
    "find_breaks",
    "find_burns",
    "find_episodes",
    "find_losses",
    "fire_frequency",
    "first_loss_year",
    "fit_trajectories",
    "fitted_course",
    "forest_dynamics",
    "kind_of_loss",
    "learn_weather",
    "looks_of",
    "loss_breaks",
    "loss_patches",
    "loss_probability",
    "missing_bands",
    "number_fires",
    "outline_fires",
    "plan",
    "regrowth_year",
    "sample_clumps",
    "select_episode",
    "settle_years",
    "smooth_cover",
    "smooth_forest",
    "usual_ground",
    "with_all_bands",
    "without_odd_years",
    "without_small_patches",
    "without_weather",
    "yearly_drops",
    "yearly_noise",
]
