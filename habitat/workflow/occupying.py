"""The occupancy stage: detections and habitat to where the animals live, with its doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from habitat.errors import EstimationError, RecipeError
from habitat.landscape import paint_cells
from habitat.occupancy import (
    DynamicOccupancy,
    FitTest,
    MoranTest,
    RoyleNicholsOccupancy,
    SeasonEstimate,
    SingleSeasonOccupancy,
    assess_fit,
    estimate_season,
    estimate_seasons,
    judge_estimate,
    judge_season,
    measured,
    residual_moran,
)
from habitat.recipe import OccupancySection
from habitat.store import read_table, write_raster, write_table
from habitat.workflow.cells import Survey, cells_table
from habitat.workflow.context import Context, Outputs
from habitat.workflow.histories import Histories
from habitat.workflow.shares import share_rows

_NEIGHBOURS = 1.5
"""Cells whose centres are no more than so many sides apart touch at a side or corner."""
_BANDS = ("psi", "se", "lower", "upper", "conditional", "extrapolated")
_TERMS = ["season", "species", "parameter", "term", "estimate", "se", "lower", "upper", "status", "boundary"]
_TESTS = ["season", "species", "model", "chi_square", "p_value", "c_hat", "n_draws"]
_MORAN = ["moran_i", "moran_expected", "moran_p_value", "moran_distance_m", "n_cells"]


def _span(start: Any, end: Any) -> str:
    return f"{start.min():%Y-%m-%d} to {end.max():%Y-%m-%d}" if len(start) else "no day"


def model_occupancy(context: Context, _work: Path) -> Outputs:
    """Write where the animals live: each species and season with effort, its own model or one for all seasons."""
    settings = context.recipe.occupancy
    assert settings is not None
    run, survey = context.run, Survey(context)
    events, effort = (read_table(run.path(f"{name}.parquet")) for name in ("sightings", "effort"))
    own = Histories(context, settings, read_table(run.path("cells.parquet")), events, effort)
    names = sorted(events["species"].dropna().unique())
    estimates = list(_estimates(own, names))
    if not estimates:
        raise RecipeError(
            "no season has both a map before it and a camera at work",
            where="[occupancy]",
            mend=f"check season and years: effort is of {_span(effort['start'], effort['end'])}, maps of "
            f"{context.years[0]} to {context.years[-1]}",
        )
    tests = [_tested(made, settings) for made in estimates]
    _warn(own, list(zip(estimates, tests, strict=True)))
    shares = [share_rows(made, size_m=survey.size_m) for made in estimates]
    for size_m in survey.other_sizes_m:
        there = Survey(context, size_m)
        table = read_table(run.path(cells_table(size_m)))
        elsewhere = Histories(context, settings, table, events, there.locate(effort))
        shares += [share_rows(made, size_m=size_m) for made in _estimates(elsewhere, names)]
    outputs = [run.path("occupancy.parquet")]
    write_table(outputs[0], pd.concat([made.cells for made in estimates], ignore_index=True))
    for name, table in {
        "share": pd.concat(shares, ignore_index=True),
        "estimates": _stacked([_terms(made) for made in estimates], _TERMS),
        "models": _stacked([made.comparison for made in estimates], ["season", "species", "model"]),
        "fit": _stacked([table for _, _, table in tests], [*_TESTS, *_MORAN]),
    }.items():
        outputs.append(run.path("occupancy", f"{name}.csv"))
        write_table(outputs[-1], table)
    if len(mean := _stacked([made.averaged for made in estimates], [])):
        outputs.append(run.path("occupancy", "averaged.csv"))
        write_table(outputs[-1], mean)
    outputs += _paint(context, survey, names, estimates)
    return outputs, {"models": _notes(own, estimates)}


def candidates(settings: OccupancySection, *, doubt: bool) -> dict[str, Any]:
    """Return the models that the recipe names, by what they say: one for each choice of formulas."""
    lists = {name: getattr(settings, name) for name in ("psi", "colonisation", "extinction", "p")}
    choices = {name: [value] if isinstance(value, str) else value for name, value in lists.items()}
    false: dict[str, Any] = {"fp": settings.fp, "b": settings.b} if doubt else {}
    made: dict[str, Any] = {}
    for psi, col, ext, p in product(*choices.values()):
        if settings.model == "dynamic":
            made[f"psi({psi}) col({col}) ext({ext}) p({p})"] = DynamicOccupancy(psi, col, ext, p, **false)
        elif settings.model == "abundance":
            made[f"lambda({psi}) r({p})"] = RoyleNicholsOccupancy(psi, p)
        else:
            made[f"psi({psi}) p({p})"] = SingleSeasonOccupancy(psi, p, **false)
    return made


def _estimates(histories: Histories, names: list[str]) -> Iterator[SeasonEstimate]:
    """Estimate species by species; seasons that cannot be are warned of."""
    context, settings = histories.context, histories.settings
    if settings.model == "dynamic":
        for done, species in enumerate(names):
            context.progress("occupancy", done, len(names))
            found = histories.seasons_of(species)
            if found is None:
                context.warnings.append(f"{species}: a dynamic model needs two seasons with a map before them")
                continue
            models = candidates(settings, doubt="certain" in found[0])
            yield estimate_seasons(*found, models=models, min_cells=settings.min_cells)
        context.progress("occupancy", len(names), len(names))
        return
    todo = [(species, year) for species in names for year in histories.years]
    for done, (species, year) in enumerate(todo):
        context.progress("occupancy", done, len(todo))
        found = histories.season_of(species, year)
        if found is None:
            context.warnings.append(f"{species} {year}: no map before the season, or no camera in any cell")
            continue
        if settings.model == "abundance" and "certain" in found[0]:
            raise RecipeError(
                "the abundance model knows no false records",
                where="[occupancy] uncertain",
                mend='choose "drop" or "count", or another model',
            )
        models = candidates(settings, doubt="certain" in found[0])
        yield estimate_season(*found, models=models, min_cells=settings.min_cells)
    context.progress("occupancy", len(todo), len(todo))


def _tested(made: SeasonEstimate, settings: OccupancySection) -> tuple[FitTest | None, MoranTest | None, pd.DataFrame]:
    """Test the fit and what is left between neighbours; also as a row of fit.csv."""
    if made.model is None:
        return None, None, pd.DataFrame()
    row: dict[str, Any] = {
        "season": made.estimates["season"].iloc[0],
        "species": made.history.attrs["species"],
        "model": str(made.model),
    }
    fit = moran = None
    if settings.fit_draws and getattr(made.model, "fp", None) is None:
        try:
            fit = assess_fit(made.model, made.history, made.covariates, n_draws=settings.fit_draws)
            row |= vars(fit)
        except EstimationError:
            fit = None  # too rare to be drawn again: the row stays without a test
    last = made.cells[made.cells["season"] == made.cells["season"].max()].set_index("cell")
    side = float(np.sqrt(last.area.median()))
    middle = last.geometry.centroid
    points = pd.DataFrame({"x": middle.x, "y": middle.y})
    # conditional_ holds the cells that the model used, in its last season
    near = _NEIGHBOURS * side
    if _has_neighbours(points.loc[made.model.conditional_.index.intersection(last["psi"].dropna().index)], near):
        moran = residual_moran(made.model.conditional_, last["psi"], points, distance_m=near)
        row |= {"moran_i": moran.moran_i, "moran_expected": moran.expected, "moran_p_value": moran.p_value}
        row |= {"moran_distance_m": near, "n_cells": moran.n}
    return fit, moran, pd.DataFrame([row])


def _has_neighbours(points: pd.DataFrame, distance_m: float) -> bool:
    from scipy.spatial import cKDTree

    return len(points) > 2 and bool(cKDTree(points.to_numpy()).query_pairs(distance_m))


def _warn(histories: Histories, made: list[tuple[SeasonEstimate, tuple[Any, Any, Any]]]) -> None:
    """Teach: what the survey's design does to its figures, once; what is wrong with models, by species and season."""
    context, settings = histories.context, histories.settings
    first, last = histories.season.window(histories.years[0])
    context.warnings += judge_season(
        season_days=(last - first).days + 1,
        occasion_days=settings.occasion_days,
        cell_km2=_cell_km2(histories.habitat),
        home_range_km2=settings.home_range_km2,
    )
    for estimate, (fit, moran, _) in made:
        if estimate.model is None:
            continue
        label = f"{estimate.history.attrs['species']} {estimate.estimates['season'].iloc[0]}"
        context.warnings += [f"{label}: {words}" for words in judge_estimate(estimate.model, fit, moran)]


def _cell_km2(habitat: Any) -> float:
    return float(habitat["area_m2"].median() / 1e6)


def _notes(histories: Histories, estimates: list[SeasonEstimate]) -> dict[str, Any]:
    """What run.json keeps of each species and season."""
    notes: dict[str, Any] = {}
    measures = measured(_cell_km2(histories.habitat), histories.settings.home_range_km2)
    for made in estimates:
        for season in sorted(made.cells["season"].unique()):
            notes[f"{made.history.attrs['species']} {season}"] = {
                "habitat_of": histories.map_before(int(season)),
                "note": made.note,
                "model": None if made.model is None else str(made.model),
                "measures": measures,
            }
    return notes


def _terms(made: SeasonEstimate) -> pd.DataFrame | None:
    return made.estimates.assign(boundary=made.estimates["status"] == "boundary") if len(made.estimates) else None


def _stacked(tables: list[Any], columns: list[str]) -> pd.DataFrame:
    full = [table for table in tables if table is not None and len(table)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame(columns=columns)


def _paint(context: Context, survey: Survey, names: list[str], estimates: list[SeasonEstimate]) -> list[Path]:
    """Write each species' latest season as a raster."""
    written, slugs = [], _slugs(names)
    for species in names:
        mine = [made.cells for made in estimates if made.history.attrs["species"] == species]
        if not mine:
            continue
        cells = mine[-1]
        season = cells["season"].max()
        cells = cells[cells["season"] == season].set_index("cell").reindex(survey.cells["cell"])
        bands = np.stack([paint_cells(cells[name].astype(float), survey.zones) for name in _BANDS])
        written.append(context.run.path("occupancy", f"{slugs[species]}.tif"))
        tags = {"species": species, "season": str(season)}
        write_raster(written[-1], bands, context.grid, _BANDS, float("nan"), tags=tags)
    return written


def _slugs(names: list[str]) -> dict[str, str]:
    """A file name for each species; names that differ in little get a number."""
    slugs: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"\W+", "_", name).strip("_").lower() or "species"
        number = sum(re.fullmatch(rf"{re.escape(plain)}(_\d+)?", other) is not None for other in slugs.values())
        slugs[name] = f"{plain}_{number + 1}" if number else plain
    return slugs
