"""How right a map is, and how large areas are: a sample of places, looked at by people, against the map.

The sample is random within strata, so that rare classes are looked at often enough; the estimates take its design into
account, whatever the map says. Strata may be the map's classes or those of an older map.
"""

from habitat.assess.answers import FOREST, NO_ANSWER, OTHER, UNSURE, UNTOLD, Answers, allowed_answers, check_answers
from habitat.assess.design import allocate, allocate_for, draw_sample, expected_se, sample_size
from habitat.assess.estimators import Estimate, Tally, estimate, ratio_of
from habitat.assess.intervals import limits_of
from habitat.assess.samples import NONE, ReferenceSample
from habitat.assess.strata import Scheme, last_seen, pool_years, span, stratify

__all__ = [
    "FOREST",
    "NONE",
    "NO_ANSWER",
    "OTHER",
    "UNSURE",
    "UNTOLD",
    "Answers",
    "Estimate",
    "ReferenceSample",
    "Scheme",
    "Tally",
    "allocate",
    "allocate_for",
    "allowed_answers",
    "check_answers",
    "draw_sample",
    "estimate",
    "expected_se",
    "last_seen",
    "limits_of",
    "pool_years",
    "ratio_of",
    "sample_size",
    "span",
    "stratify",
]
