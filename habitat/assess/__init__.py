"""How right a map is, and how large areas are: a sample of places, looked at by people, against the map.

The sample is random within strata, so that rare classes are looked at often enough; the estimates take its design into
account, whatever the map says. Strata may be the map's classes or those of an older map.
"""

from habitat.assess.estimators import Estimate, Tally, estimate, ratio_of
from habitat.assess.intervals import limits_of
from habitat.assess.samples import ReferenceSample

__all__ = ["Estimate", "ReferenceSample", "Tally", "estimate", "limits_of", "ratio_of"]
