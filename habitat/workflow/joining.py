"""The join stage: sightings and effort, read and set in the habitat of their day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from habitat.errors import RecordsError
from habitat.records import read_effort, read_sightings
from habitat.sightings import independent_events, join_to_habitat, locate
from habitat.store import read_table, write_table
from habitat.workflow.cells import Survey
from habitat.workflow.context import Context, Outputs


def join_sightings(context: Context, _work: Path) -> Outputs:
    """Write events with the habitat of their day, effort, and the records that were set aside."""
    context.progress("join", 0, 1)
    section = context.recipe.sightings
    assert section is not None
    recipe, survey, grid = context.recipe, Survey(context), context.grid
    common = {"columns": section.columns, "area": context.area, "timezone": section.timezone}
    observations, quarantine = read_sightings(
        [recipe.path(file) for file in section.files], species=section.species, **common
    )
    events = independent_events(observations, independent_minutes=section.independent_minutes)
    events = locate(events, survey.cells, survey.zones, grid=grid)
    joined = join_to_habitat(
        events,
        read_table(context.run.path("cells.parquet")),
        survey.maps(),
        survey.loss_year,
        grid=grid,
        season=context.seasons[0],
    )
    outputs = [context.run.path("sightings.parquet")]
    write_table(outputs[0], joined)
    if section.effort is not None:
        effort, refused = read_effort(recipe.path(section.effort), **common)
        outputs.append(context.run.path("effort.parquet"))
        write_table(outputs[-1], locate(effort, survey.cells, survey.zones, grid=grid))
        quarantine = pd.concat([quarantine, refused], ignore_index=True)
        _warn_of_lost_links(context, events, effort)
    outputs.append(context.run.path("quarantine.parquet"))
    write_table(outputs[-1], quarantine)
    outside = int(joined["cell"].isna().sum())
    if outside:
        context.warnings.append(f"{outside} of {len(joined)} events lie outside the area: they get no cell")
    if len(quarantine):
        context.warnings.append(f"{len(quarantine)} records were set aside: see quarantine.parquet")
    context.progress("join", 1, 1)
    return outputs, {"observations": len(observations), "events": len(events), "set_aside": len(quarantine)}


def _warn_of_lost_links(context: Context, events: Any, effort: Any) -> None:
    """Say how many events cannot count as detections because they belong to no known effort."""
    linked = events["effort_id"].notna()
    known = events["effort_id"].isin(effort["effort_id"])
    if linked.any() and not known.any():
        raise RecordsError(
            f"none of their effort_id (such as {events.loc[linked, 'effort_id'].iloc[0]!r}) is in the effort",
            where="[sightings] files",
            mend="give both files the same ids",
        )
    for n, said in (
        (int((linked & ~known).sum()), "an effort_id that the effort lacks"),
        (int((~linked).sum()), "no effort_id"),
    ):
        if n:
            context.warnings.append(
                f"{n} of {len(events)} events have {said}: they are joined to habitat but are no detections"
            )
