"""What a recipe means, said before anything is run."""

from __future__ import annotations

from collections import Counter
from typing import Any

from habitat.errors import RecipeError
from habitat.recipe import Recipe
from habitat.workflow.context import Plan
from habitat.workflow.stages import stages_of


def describe(recipe: Recipe) -> dict[str, Any]:
    """Say what a recipe means without running it: its grid, scenes and size, and what is missing.

    Returns
    -------
    dict
        Plain values, in the order in which a person asks for them.
    """
    plan = Plan(recipe)
    grid = plan.grid
    for section, files in recipe.files().items():
        for file in files:
            if not recipe.path(file).exists():
                raise RecipeError("there is no such file", where=recipe.path(file), mend=f"check [{section}]")
    return {
        "area": recipe.area.name,
        "area_km2": round(float(plan.outline.area) / 1e6, 2),
        "grid": f"{grid.shape.y} x {grid.shape.x} pixels of {grid.transform.a:g} m in {grid.crs}",
        "years": recipe.period.years,
        "seasons": {season.name: str(season) for season in plan.seasons},
        "bands": list(plan.bands),
        "scenes": dict(Counter(scene.sensor.name for scene in plan.scenes)),
        "left_out": plan.selection.left_out,
        "classes": len(plan.legend.codes),
        "observations": grid.shape.y * grid.shape.x * len(plan.bands) * len(plan.scenes),
        "stages": [stage.name for stage in stages_of(recipe)],
        "output": str(recipe.folder),
        "years_without_scenes": list(plan.years_unseen),
    }
