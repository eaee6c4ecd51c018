"""The cells stage: yearly maps and years of loss to the habitat of each survey cell."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from habitat.errors import RecipeError
from habitat.landscape import cell_covariates, given_cells, square_cells
from habitat.records import read_shapes
from habitat.store import read_raster, write_table
from habitat.workflow.context import Context, Outputs, Plan


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


class Survey:
    """The cells and layers of a run, as the stages that make tables need them."""

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
