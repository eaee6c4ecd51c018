"""Read what people recorded: sightings, effort, training labels, areas.

Nothing is dropped in silence. What is wrong with a whole file is an error of one line; what is wrong with
a record sets that record aside, or flags it, with its file, its row and the reason (`docs/records.md`).
"""

from habitat.records.labels import read_labels
from habitat.records.reading import Reading
from habitat.records.shapes import read_area, read_shapes
from habitat.records.sieve import split_findings
from habitat.records.surveys import Records, Source, read_effort, read_records, read_sightings

__all__ = [
    "Reading",
    "Records",
    "Source",
    "read_area",
    "read_effort",
    "read_labels",
    "read_records",
    "read_shapes",
    "read_sightings",
    "split_findings",
]
