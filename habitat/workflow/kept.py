"""Samples that were drawn: each is kept under its id, for answers are good for one sample and outlive its maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.errors import RecordsError
from habitat.store import copy_file, open_raster, read_table, write_table
from habitat.workflow.context import Context
from habitat.workflow.sampling import SAMPLE, STRATA, outline_digest

KEPT = "assess/samples"
"""A folder a sample, named by its id; nothing in it is ever written again."""


def id_of(sample: pd.DataFrame) -> str:
    """The sample's id, which those of its points begin with."""
    return str(sample["point"].iloc[0]).rpartition("-")[0]


def keep(context: Context, sample: pd.DataFrame, strata: Path) -> None:
    """Keep a sample and the strata that it was drawn from, unless it is kept already."""
    folder = context.run.path(KEPT, id_of(sample))
    if not (folder / "sample.parquet").is_file():
        copy_file(strata, folder / "strata.tif")
        write_table(folder / "sample.parquet", sample)


def find_kept(context: Context, typed: pd.DataFrame) -> pd.DataFrame | None:
    """The kept sample that was answered; None if the run holds none of these ids.

    Raises
    ------
    RecordsError
        If it was drawn on another grid or in another area than the run's.
    """
    if "point" not in typed:
        return None
    points = set(typed["point"].str.strip())
    answered = {point.rpartition("-")[0] for point in points}
    for file in sorted(context.run.path(KEPT).glob("*/sample.parquet")):
        strata = file.with_name("strata.tif")
        if file.parent.name in answered and strata.is_file():
            sample: pd.DataFrame = read_table(file)
            if sample["point"].isin(points).any():
                _refuse_elsewhere(context, id_of(sample), strata)
                return sample
    return None


def use(context: Context, sample: pd.DataFrame) -> None:
    """Make a kept sample the run's own: its table and strata are copied to `assess/`."""
    folder = context.run.path(KEPT, id_of(sample))
    for name in (SAMPLE, STRATA):
        copy_file(folder / Path(name).name, context.run.path(name))


def _refuse_elsewhere(context: Context, name: str, strata: Path) -> None:
    """Raise if rows and columns of the sample mean other places, or its strata another area, than the run's."""
    with open_raster(strata) as file:
        grid, outline = GeoBox.from_rio(file), file.tags().get("outline")
    same = grid.shape == context.grid.shape and grid.crs == context.grid.crs
    same = same and np.allclose(list(grid.transform), list(context.grid.transform), rtol=0, atol=1e-6)
    if not same or outline != outline_digest(context):
        other = "outline of the area" if same else "grid"
        raise RecordsError(
            f"answers the sample {name}, which was drawn with another {other} than the run has now",
            mend="go back to the [area] that it was drawn in, or name no answers and look at a new sample",
        )
