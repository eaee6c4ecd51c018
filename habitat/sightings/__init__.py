"""Records of animals become events, meet the habitat of their day, and with effort become detection histories."""

from habitat.sightings.days import midnights
from habitat.sightings.efforts import effort_by_cell
from habitat.sightings.events import independent_events
from habitat.sightings.habitat_of_day import HabitatLayers, habitat_year, join_to_habitat
from habitat.sightings.histories import Occasions, detection_history
from habitat.sightings.links import link_to_effort, rows_at
from habitat.sightings.patrols import patrol_passes, patrol_shifts
from habitat.sightings.places import locate

__all__ = [
    "HabitatLayers",
    "Occasions",
    "detection_history",
    "effort_by_cell",
    "habitat_year",
    "independent_events",
    "join_to_habitat",
    "link_to_effort",
    "locate",
    "midnights",
    "patrol_passes",
    "patrol_shifts",
    "rows_at",
]
