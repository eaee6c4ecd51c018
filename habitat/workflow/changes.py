"""The change stage: yearly maps to the year of loss, its probability, its patches and areas."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from habitat.change import dated_loss, loss_patches, without_small_patches
from habitat.cubes import UNKNOWN_LOSS, is_loss
from habitat.grids import blocks
from habitat.legend import UNKNOWN
from habitat.store import read_raster, write_raster, write_table
from habitat.workflow.composites import READ_BLOCK
from habitat.workflow.context import Context, Outputs
from habitat.workflow.maps import LOST
from habitat.workflow.percent import PERCENT_NODATA, from_percent, to_percent


def find_change(context: Context, _work: Path) -> Outputs:
    """Write the year of first loss, its probability, and the patches."""
    grid, years = context.grid, context.years
    section = context.recipe.change
    assert section is not None
    loss = np.zeros(grid.shape, dtype=np.uint16)
    probability = np.zeros(grid.shape, dtype=np.float32)
    lost = context.run.path("forest", LOST)
    todo = list(blocks(grid, READ_BLOCK))
    for done, block in enumerate(todo):
        context.progress("change", done, len(todo))
        code = np.concatenate([read_raster(context.run.path("forest", f"{year}.tif"), block)[0] for year in years])
        by_year = from_percent(read_raster(lost, block)[0])
        loss[block.rows, block.cols] = dated_loss(by_year, code != UNKNOWN, np.array(years))
        probability[block.rows, block.cols] = by_year[-1]
    pixel_ha = abs(grid.transform.a * grid.transform.e) / 1e4
    loss = without_small_patches(loss, min_pixels=section.min_patch_ha / pixel_ha)
    outputs = [
        context.run.path(name)
        for name in ("change/loss_year.tif", "change/loss_probability.tif", "change/patches.parquet")
    ]
    write_raster(outputs[0], loss[None], grid, ["loss_year"], UNKNOWN_LOSS)
    percent = to_percent(probability)[None]
    write_raster(outputs[1], percent, grid, ["loss_probability"], PERCENT_NODATA, tags={"units": "percent"})
    write_table(outputs[2], loss_patches(loss, probability, grid))
    context.progress("change", len(todo), len(todo))
    return outputs, {"min_patch_ha": section.min_patch_ha, "lost_ha": float(is_loss(loss).sum() * pixel_ha)}
