"""Formulas of occupancy, checked before anything is run: whether they can be read, and name what will be there."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from habitat.errors import EstimationError, RecipeError
from habitat.estimation import variables_of
from habitat.landscape.memory import BURNT, GRASSLAND
from habitat.occupancy.histories import NEXT
from habitat.recipe import OccupancySection
from habitat.records import read_shapes
from habitat.store import read_table
from habitat.workflow.context import Plan
from habitat.workflow.heights import ground_heights

_OF_CELL = (
    *("area_m2", "seen_share", "forest_share", "loss_share", "recent_loss", "loss_5y", "edge_density_m_ha"),
    *("loss_distance_m", "patch_km2", "core_share", "corridor_detour"),
)
_TERRAIN = ("height_m", "ruggedness_m", "slope_degrees", "southwestness")
_OF_VISIT = ("occasion", "effort", "log_effort", "day")
_KEYS = ("cell", "season", "occasion")
_RASTERS = (".tif", ".tiff", ".jp2")


def check_formulas(plan: Plan, *, patrols: bool) -> None:
    """Refuse a formula that cannot be read or names what the run will not have.

    Parameters
    ----------
    patrols : bool
        Whether any track was read: then kilometres walked are known.

    Raises
    ------
    RecipeError
        Naming the variable and the nearest known one.
    """
    settings = plan.recipe.occupancy
    if settings is None:
        return
    cells, visits = cell_variables(plan), [*_OF_VISIT, *(["effort_km"] if patrols else [])]
    for table, of_visit in _tables(plan, settings):
        (visits if of_visit else cells).extend(table)
    if settings.model == "dynamic":
        cells += ["season", "trend"]
    else:
        cells.append("year")
    steps = [*cells, *(NEXT + name for name in cells)]
    known = {"colonisation": steps, "extinction": steps, "p": cells + visits, "fp": cells + visits, "b": cells + visits}
    for name, formula in _formulas(settings):
        _check(name, formula, known.get(name, cells))


def cell_variables(plan: Plan) -> list[str]:
    """Return the columns that cells.parquet will have for formulas."""
    section = plan.recipe.cells
    assert section is not None
    codes = plan.legend.codes
    names = [*_OF_CELL, *(f"share_{code}" for code in codes)]
    names += ["grass_from_forest"] if set(GRASSLAND) & set(codes) else []
    names += ["burnt_5y", "burnt_years"] if BURNT in codes else []
    names += _TERRAIN if ground_heights(plan) or "dem" in plan.recipe.scenes.layers else ()
    for name, file in section.layers.items():
        path = plan.recipe.path(file)
        names += [name] if path.suffix.lower() in _RASTERS else [f"{name}_distance_m", f"{name}_{_amount(path)}"]
    return names


def _amount(path: Any) -> str:
    """What is told of a vector layer beside its distance."""
    shapes = read_shapes(path, error=RecipeError, mend="[cells] layers takes vector files and GeoTIFFs")
    kinds = set(shapes.geom_type.dropna().str.removeprefix("Multi"))
    return "per_km2" if kinds == {"Point"} else "km_per_km2" if kinds <= {"LineString", "LinearRing"} else "share"


def _tables(plan: Plan, settings: OccupancySection) -> Iterator[tuple[list[str], bool]]:
    """Columns of the user's own tables, and whether they are of visits."""
    for name in settings.covariates:
        columns = [str(column) for column in read_table(plan.recipe.path(name)).columns]
        yield [column for column in columns if column not in (*_KEYS, "geometry")], "occasion" in columns


def _formulas(settings: OccupancySection) -> Iterator[tuple[str, str]]:
    for name in ("psi", "colonisation", "extinction", "p", "fp", "b"):
        value = getattr(settings, name)
        for formula in [value] if isinstance(value, str) else value:
            yield name, formula


def _check(name: str, formula: str, known: list[str]) -> None:
    where = f"[occupancy] {name} = {formula!r}"
    try:
        variables = variables_of(formula)
    except EstimationError as error:
        raise RecipeError(error.what, where=where, mend=error.mend) from error
    for variable in variables:
        if variable not in known:
            near = difflib.get_close_matches(variable, known, n=1, cutoff=0.5)
            mend = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            raise RecipeError(f"unknown variable {variable!r}", where=where, mend=mend)
