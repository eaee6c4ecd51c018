"""The occupancy stage: detections and habitat to where the animals live, with its doubt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from habitat.errors import RecipeError
from habitat.landscape import paint_cells
from habitat.occupancy import SeasonEstimate, estimate_season
from habitat.seasons import Season
from habitat.sightings import Occasions, detection_history, habitat_year
from habitat.store import read_table, write_raster, write_table
from habitat.workflow.cells import Survey
from habitat.workflow.context import Context, Outputs


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
