"""Read what people recorded: sightings, effort, training labels, areas.

Nothing is dropped in silence. What is wrong with a whole file is an error of one line; what is wrong with
a record sets that record aside, with its file, its row and the reason.
"""

from habitat.records.deployments import read_effort
from habitat.records.labels import read_labels
from habitat.records.observations import read_sightings
from habitat.records.shapes import read_area, read_shapes

__all__ = ["read_area", "read_effort", "read_labels", "read_shapes", "read_sightings"]
