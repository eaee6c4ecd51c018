"""Landscapes, scenes and animals with known truth, from a seed.

The yardstick of everything else: it shares no coefficient with what it is there to test, and a change of what a
seed gives is a new version of it (:data:`habitat.simulate.sample.VERSION`).
"""

from habitat.simulate.presets import PRESETS, Preset, find_preset
from habitat.simulate.sample import write_sample
from habitat.simulate.studies import Looks, Study, make_study
from habitat.simulate.surveys import make_survey_landscape

__all__ = ["PRESETS", "Looks", "Preset", "Study", "find_preset", "make_study", "make_survey_landscape", "write_sample"]
