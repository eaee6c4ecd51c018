"""Records of animals become events, meet the habitat of their day, and with effort become detection histories."""

from habitat.sightings.events import independent_events
from habitat.sightings.habitat_of_day import habitat_year, join_to_habitat
from habitat.sightings.histories import Occasions, detection_history
from habitat.sightings.places import locate

__all__ = ["Occasions", "detection_history", "habitat_year", "independent_events", "join_to_habitat", "locate"]
