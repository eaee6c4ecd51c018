"""The stages that make tables: cells, join, occupancy; and the report over everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from habitat.errors import RecipeError, RecordsError
from habitat.landscape import cell_covariates, given_cells, paint_cells, square_cells
from habitat.occupancy import SeasonEstimate, estimate_season
from habitat.records import read_effort, read_shapes, read_sightings
from habitat.report import write_report
from habitat.seasons import Season
from habitat.sightings import Occasions, detection_history, habitat_year, independent_events, join_to_habitat, locate
from habitat.store import read_raster, read_table, write_raster, write_table
from habitat.workflow.areas import pixel_areas
from habitat.workflow.context import Context, Outputs, Plan


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


class Survey:
    """The cells and layers of a run, as the table stages need them."""

    def __init__(self, context: Plan) -> None:
        self._context = context

    @cached_property
    def _cut(self) -> tuple[Any, np.ndarray]:
        context = self._context
        section = context.recipe.cells
        assert section is not None
        if section.size_m is not None:
            return square_cells(context.grid, section.size_m, context.inside())
        path = context.recipe.path(section.file or "")
        shapes = read_shapes(path, error=RecipeError, mend="[cells] file takes polygons")
        return given_cells(shapes, context.grid, context.inside())

    @property
    def cells(self) -> Any:
        """Names and outlines."""
        return self._cut[0]

    @property
    def zones(self) -> np.ndarray:
        """Cell of each pixel, by place in `cells`; -1 = none."""
        return self._cut[1]

    def maps(self) -> Iterator[tuple[int, np.ndarray]]:
        """Each year's classes, one in memory at a time."""
        for year in self._context.years:
            yield year, read_raster(self._context.recipe.folder / "forest" / f"{year}.tif")[0][0]

    @cached_property
    def loss_year(self) -> np.ndarray | None:
        """Year of first loss, if the recipe looks for change."""
        return loss_years(self._context)


def loss_years(context: Plan) -> np.ndarray | None:
    """The map of loss years, None if the recipe does not look for change."""
    if context.recipe.change is None:
        return None
    return read_raster(context.recipe.folder / "change" / "loss_year.tif")[0][0]


def make_cells(context: Context, _work: Path) -> Outputs:
    """Write the habitat of each cell and year."""
    context.progress("cells", 0, 1)
    survey = Survey(context)
    table = cell_covariates(
        survey.maps(), survey.loss_year, survey.cells, survey.zones, grid=context.grid, legend=context.legend
    )
    path = context.run.path("cells.parquet")
    write_table(path, table)
    context.progress("cells", 1, 1)
    return [path], {"cells": len(survey.cells)}


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


def model_occupancy(context: Context, _work: Path) -> Outputs:
    """Write where the animals live: each species and season with effort, its own model."""
    settings = context.recipe.occupancy
    assert settings is not None
    run, survey = context.run, Survey(context)
    habitat, events, effort = (read_table(run.path(f"{name}.parquet")) for name in ("cells", "sightings", "effort"))
    season = Season.parse("occupancy", settings.season)
    years = _surveyed_years(effort, season)
    names = sorted(events["species"].dropna().unique())
    estimates: list[SeasonEstimate] = []
    notes: dict[str, Any] = {}
    for done, (species, year) in enumerate((s, y) for s in names for y in years):
        context.progress("occupancy", done, len(names) * len(years))
        occasions = Occasions.of(season, year, days=settings.occasion_days)
        history, set_aside = detection_history(events, effort, species=species, occasions=occasions)
        mapped = habitat_year(pd.Series([occasions.edges[0]]), context.seasons[0], context.years).iloc[0]
        if pd.isna(mapped) or not history.sizes["cell"]:
            context.warnings.append(f"{species} {year}: no map before the season, or no camera in any cell")
            continue
        for reason, n in set_aside["reason"].value_counts().items():
            context.warnings.append(f"{species} {year}: {n} events do not count as detections ({reason})")
        of_year = habitat[habitat["year"] == int(mapped)]
        made = estimate_season(history, of_year, psi=settings.psi, p=settings.p, min_cells=settings.min_cells)
        estimates.append(made)
        notes[f"{species} {year}"] = {"habitat_of": int(mapped), "events_set_aside": len(set_aside), "note": made.note}
    if not estimates:
        raise RecipeError(
            "no season has both a map before it and a camera at work",
            where="[occupancy]",
            mend="check season and years",
        )
    outputs = [run.path("occupancy.parquet"), *(run.path("occupancy", f) for f in ("share.csv", "estimates.csv"))]
    write_table(outputs[0], pd.concat([made.cells for made in estimates], ignore_index=True))
    write_table(outputs[1], pd.concat([_share(made) for made in estimates], ignore_index=True))
    terms = [made.estimates for made in estimates if len(made.estimates)]
    write_table(outputs[2], pd.concat(terms, ignore_index=True) if terms else pd.DataFrame(columns=_TERMS))
    slugs = _slugs(names)
    for species in names:
        latest = [made for made in estimates if (made.cells["species"] == species).all()][-1:]
        for made in latest:
            outputs.append(run.path("occupancy", f"{slugs[species]}.tif"))
            psi = paint_cells(made.cells.set_index("cell")["psi"].reindex(survey.cells["cell"]), survey.zones)
            tags = {"species": species, "season": str(made.cells["season"].iloc[0])}
            write_raster(outputs[-1], psi[None], context.grid, ["psi"], float("nan"), tags=tags)
    context.progress("occupancy", len(names) * len(years), len(names) * len(years))
    return outputs, {"models": notes}


_TERMS = ["season", "species", "parameter", "term", "estimate", "se", "lower", "upper"]


def _surveyed_years(effort: Any, season: Season) -> list[int]:
    """Years whose season saw any camera at work."""
    first, last = effort["start"].min(), effort["end"].max()
    worked = []
    for year in range(first.year, last.year + 2):
        begin, end = (pd.Timestamp(day, tz="UTC") for day in season.window(year))
        if ((effort["start"] < end + pd.Timedelta(days=1)) & (effort["end"] > begin)).any():
            worked.append(year)
    return worked


def _share(made: SeasonEstimate) -> pd.DataFrame:
    """One row: the share of cells occupied, as it was counted and as it is estimated for these very cells."""
    by_method = made.shares.set_index("method")
    row: dict[str, Any] = {
        "species": made.shares["species"].iloc[0],
        "season": made.shares["season"].iloc[0],
        "cells_surveyed": int(made.cells["surveyed"].sum()),
        "cells_detected": int(made.cells["detected"].sum()),
        "naive": by_method.loc["naive", "share"],
    }
    known = "finite_sample" in by_method.index
    for column, name in (("estimate", "share"), ("se", "se"), ("lower", "lower"), ("upper", "upper")):
        row[column] = by_method.loc["finite_sample", name] if known else np.nan
    return pd.DataFrame([row | {"expected": by_method.loc["model", "share"] if known else np.nan, "note": made.note}])


def _slugs(names: list[str]) -> dict[str, str]:
    """A file name for each species; names that differ in little get a number."""
    slugs: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"\W+", "_", name).strip("_").lower() or "species"
        number = sum(re.fullmatch(rf"{re.escape(plain)}(_\d+)?", other) is not None for other in slugs.values())
        slugs[name] = f"{plain}_{number + 1}" if number else plain
    return slugs


def make_report(context: Context, _work: Path) -> Outputs:
    """Write areas.csv unless the assess stage did, and report.html from what is in the run's folder."""
    context.progress("report", 0, 1)
    outputs = []
    if context.recipe.forest is not None and context.recipe.assess is None:
        outputs.append(context.run.path("areas.csv"))
        write_table(outputs[0], pixel_areas(context, loss_years(context)))
    outputs.append(write_report(context.run.folder))
    context.progress("report", 1, 1)
    return outputs, {}
