"""The join stage: sightings and effort, read and set in the habitat of their day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from habitat.errors import RecordsError
from habitat.records import Records, split_findings
from habitat.sightings import (
    HabitatLayers,
    independent_events,
    join_to_habitat,
    link_to_effort,
    locate,
    patrol_passes,
    patrol_shifts,
    rows_at,
)
from habitat.store import read_table, write_table
from habitat.workflow.cells import Survey
from habitat.workflow.context import Context, Outputs
from habitat.workflow.survey_records import has_effort, records_of, understood
from habitat.workflow.whereabouts import misplaced

_ODD = (
    "clock_shift",
    "mixed_zones",
    "overlapping_deployments",
    "effort_ambiguous",
    "effort_unknown",
    "before_deployment",
    "after_deployment",
    "in_a_gap",
    "far_from_deployment",
    "date_order_inferred",
)
"""Kinds of flags that change what counts as effort or as a detection."""


def join_sightings(context: Context, _work: Path) -> Outputs:
    """Write events with the habitat of their day, effort, and the records that were set aside or flagged."""
    context.progress("join", 0, 1)
    section = context.recipe.sightings
    assert section is not None
    run, survey, grid = context.run, Survey(context), context.grid
    records = records_of(context)
    context.warnings.extend(misplaced(context, records))
    observations = locate(records.observations, survey.cells, survey.zones, grid=grid)
    outputs = []
    if has_effort(records):
        effort = _effort(records, survey, grid)
        outputs.append(run.path("effort.parquet"))
        write_table(outputs[-1], effort)
        _warn_of_lost_links(context, observations, effort)
        observations = link_to_effort(observations, effort)
    events = independent_events(observations, independent_minutes=section.independent_minutes)
    joined = join_to_habitat(
        events,
        read_table(run.path("cells.parquet")),
        HabitatLayers(survey.maps(), survey.loss_year, survey.loss_day),
        grid=grid,
        season=context.seasons[0],
        timezone=section.timezone or "UTC",
    )
    outputs.append(run.path("sightings.parquet"))
    write_table(outputs[-1], joined)
    quarantine, flags = split_findings(records.findings)
    outputs += [run.path("quarantine.parquet"), run.path("flags.parquet")]
    write_table(outputs[-2], quarantine)
    write_table(outputs[-1], flags)
    shifts = {}
    if len(records.fixes):
        table = patrol_shifts(records.fixes)
        outputs.append(run.path("shifts.parquet"))
        write_table(outputs[-1], table)
        shifts = {"shifts": len(table), "shifts_to_standard": int(table["meets_standard"].fillna(False).sum())}
    _warn(context, joined, quarantine, flags)
    context.progress("join", 1, 1)
    counts = {"observations": len(observations), "events": len(joined), "set_aside": len(quarantine)}
    return outputs, counts | {"flagged": len(flags)} | shifts | {"sources": understood(records)}


def _effort(records: Records, survey: Survey, grid: Any) -> Any:
    """Cameras in their cells, and patrols' passes through cells."""
    cameras = locate(records.effort, survey.cells, survey.zones, grid=grid)
    if not len(records.fixes):
        return cameras
    passes = patrol_passes(records.fixes, survey.cells, survey.zones, grid=grid)
    if not len(cameras):
        return passes
    clash = passes["effort_id"].isin(set(cameras["effort_id"]))  # a camera and a patrol of one name
    passes = passes.assign(effort_id=passes["effort_id"].where(~clash, "patrol " + passes["effort_id"].astype(str)))
    return pd.concat([cameras, passes], ignore_index=True)


def _warn(context: Context, joined: Any, quarantine: pd.DataFrame, flags: pd.DataFrame) -> None:
    outside = int(joined["cell"].isna().sum())
    if outside:
        context.warnings.append(f"{outside} of {len(joined)} events lie outside the area: they get no cell")
    if len(quarantine):
        context.warnings.append(f"{len(quarantine)} records were set aside: see quarantine.parquet")
    for kind in _ODD:
        odd = flags[flags["kind"] == kind]
        if len(odd):
            context.warnings.append(
                f"{len(odd)} records are used though something is odd ({odd['reason'].iloc[0]}): see flags.parquet"
            )


def _warn_of_lost_links(context: Context, observations: Any, effort: Any) -> None:
    """Say how many records cannot count as detections because they belong to no known effort."""
    linked = observations["effort_id"].notna().to_numpy()
    if not len(effort):
        context.warnings.append(
            "no camera stood in the area, and of no patrol the way is known there: records are no detections"
        )
        return
    row, _ = rows_at(observations["effort_id"], observations["time"], effort)
    known = row >= 0
    if linked.any() and not known.any():
        raise RecordsError(
            f"none of their effort_id (such as {observations.loc[linked, 'effort_id'].iloc[0]!r}) is in the effort",
            where="[sightings] files",
            mend="give both files the same ids",
        )
    for n, said in (
        (int((linked & ~known).sum()), "an effort_id that the effort lacks"),
        (int((~linked).sum()), "no effort_id, or lost it as they cannot be of that effort (flags.parquet)"),
    ):
        if n:
            context.warnings.append(
                f"{n} of {len(observations)} records have {said}: they are joined to habitat but are no detections"
            )
