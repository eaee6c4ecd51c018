"""What people recorded, as the recipe names it: read once for the join stage and for `habitat check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from habitat.errors import RecordsError
from habitat.records import Reading, Records, read_records
from habitat.workflow.context import Plan


def records_of(plan: Plan) -> Records:
    """Read the recipe's sightings and effort.

    Raises
    ------
    RecordsError
        As :func:`habitat.records.read_records`; also if the recipe wants occupancy, or names effort, and there is none.
    """
    recipe, section = plan.recipe, plan.recipe.sightings
    assert section is not None
    reading = Reading(
        format=section.format,
        columns=section.columns,
        species=section.species,
        crs=section.crs,
        area=plan.area,
        timezone=section.timezone,
        dates=section.dates,
        certain_probability=section.certain_probability,
    )
    files: list[Path] = [recipe.path(file) for file in section.files]
    effort: list[Path] = [recipe.path(file) for file in section.effort or []]
    records = read_records(files, effort, reading=reading)
    if recipe.occupancy is not None and not has_effort(records):
        raise RecordsError(
            "hold no effort, and [occupancy] needs it: where nobody looked, nothing is known",
            where="[sightings] files",
            mend="name deployments or tracks in [sightings] effort",
        )
    return records


def has_effort(records: Records) -> bool:
    """Whether any camera or patrol was read."""
    return bool(len(records.effort) or len(records.fixes))


def understood(records: Records) -> dict[str, dict[str, Any]]:
    """What was made of each table: its format, its role, and how many of its records are set aside."""
    return {
        source.file: {
            "format": source.format,
            "holds": source.role,
            "records": source.records,
            "set_aside": source.set_aside,
            "other_species": source.other_species,
        }
        for source in records.sources
    }
