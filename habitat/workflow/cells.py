"""The cells stage: yearly maps and years of loss to the habitat of each survey cell."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from habitat.errors import RecipeError
from habitat.landscape import cell_covariates, given_cells, square_cells
from habitat.records import read_shapes
from habitat.sightings import locate
from habitat.store import read_raster, write_table
from habitat.workflow.context import Context, Outputs, Plan
from habitat.workflow.surroundings import RasterRows, Surroundings, with_columns


def make_cells(context: Context, _work: Path) -> Outputs:
    """Write the habitat of each cell and year, for the cells and for every other size; and patches and corridors."""
    first, around = Survey(context), Surroundings(context)
    surveys = [first, *(Survey(context, size_m) for size_m in first.other_sizes_m)]
    layers = dict(first.map_rows())
    patterns = {}
    for done, (year, layer) in enumerate(layers.items()):
        context.progress("cells", done, len(layers) + len(surveys))
        patterns[year] = around.pattern(year, layer)
    outputs = [context.run.path("landscape", f"{name}.parquet") for name in ("patches", "corridors")]
    write_table(outputs[0], pd.concat([pattern.patches for pattern in patterns.values()], ignore_index=True))
    write_table(outputs[1], pd.concat([pattern.corridors for pattern in patterns.values()], ignore_index=True))
    for done, survey in enumerate(surveys):
        context.progress("cells", len(layers) + done, len(layers) + len(surveys))
        table = cell_covariates(
            layers.items(), survey.loss_rows, survey.cells, survey.zones, grid=context.grid, legend=context.legend
        )
        lasting = around.lasting(survey)
        more = [pd.concat([around.of_pattern(patterns[year], survey), lasting], axis=1) for year in layers]
        outputs.append(context.run.path(cells_table(None if survey is first else survey.size_m)))
        write_table(outputs[-1], with_columns(table, pd.concat(more, ignore_index=True)))
    context.progress("cells", len(layers) + len(surveys), len(layers) + len(surveys))
    return outputs, {"cells": len(first.cells)}


def cells_table(size_m: float | None) -> str:
    """Name of the table of cells: of the survey's own, or of squares of another size."""
    return "cells.parquet" if size_m is None else f"cells_{size_m:g}m.parquet"


class Survey:
    """The cells and layers of a run, as the stages that make tables need them.

    Parameters
    ----------
    size_m : float, optional
        Squares of this size in place of the recipe's cells.
    """

    def __init__(self, context: Plan, size_m: float | None = None) -> None:
        self._context = context
        self._size_m = size_m

    @property
    def size_m(self) -> float | None:
        """Side of the squares; None for given cells."""
        section = self._context.recipe.cells
        assert section is not None
        return section.size_m if self._size_m is None else self._size_m

    @property
    def other_sizes_m(self) -> list[float]:
        """More sizes at which the share of cells is told."""
        section = self._context.recipe.cells
        assert section is not None
        return list(section.sizes_m)

    @cached_property
    def _cut(self) -> tuple[Any, np.ndarray]:
        context = self._context
        section = context.recipe.cells
        assert section is not None
        if self.size_m is not None:
            return square_cells(context.grid, self.size_m, context.inside())
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

    def locate(self, points: Any) -> Any:
        """Return points with the cell that each lies in."""
        return locate(points, self.cells, self.zones, grid=self._context.grid)

    def map_rows(self) -> Iterator[tuple[int, RasterRows]]:
        """Each year's classes, to be read by rows."""
        for year in self._context.years:
            yield year, RasterRows.of(self._context.recipe.folder / "forest" / f"{year}.tif")

    @property
    def loss_rows(self) -> RasterRows | None:
        """Year of first loss, to be read by rows, if the recipe looks for change."""
        if self._context.recipe.change is None:
            return None
        return RasterRows.of(self._context.recipe.folder / "change" / "loss_year.tif")

    def maps(self) -> Iterator[tuple[int, np.ndarray]]:
        """Each year's classes, one in memory at a time."""
        for year in self._context.years:
            yield year, read_raster(self._context.recipe.folder / "forest" / f"{year}.tif")[0][0]

    @cached_property
    def loss_year(self) -> np.ndarray | None:
        """Year of first loss, if the recipe looks for change."""
        return loss_years(self._context)

    @property
    def loss_day(self) -> np.ndarray | None:
        """First look that shows each loss, days since 2000-01-01, if breaks are looked for."""
        change = self._context.recipe.change
        if change is None or "breaks" not in change.evidence:
            return None
        return read_raster(self._context.recipe.folder / "change" / "loss_date.tif")[0][2]


def loss_years(context: Plan) -> np.ndarray | None:
    """The map of loss years, None if the recipe does not look for change."""
    if context.recipe.change is None:
        return None
    return read_raster(context.recipe.folder / "change" / "loss_year.tif")[0][0]
