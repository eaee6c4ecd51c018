"""The change stage: maps, trajectories and breaks to the year of loss, its date, its probability and its patches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from odc.geo import Shape2d
from odc.geo.geobox import GeoBox

from habitat.change import loss_patches, without_small_patches
from habitat.change.losses import patch_numbers
from habitat.cubes import BANDS, UNKNOWN_LOSS, is_loss
from habitat.grids import Block, blocks
from habitat.store import RasterWriter, compute_blocks, load_block, table_in_parts, write_raster, write_table
from habitat.workflow.columns import as_dates, places_of
from habitat.workflow.context import Context, Outputs
from habitat.workflow.evidence import ChangeSources, change_sources, with_looks
from habitat.workflow.fires import write_burns
from habitat.workflow.ground import refuse_missing_char
from habitat.workflow.happenings import name_kinds
from habitat.workflow.loss_job import DATES, NO_DATE, LossJob
from habitat.workflow.percent import PERCENT_NODATA, to_percent

_DATE_UNITS = "days since 2000-01-01"


def find_change(context: Context, work: Path) -> Outputs:
    """Write the year of first loss, its date and probability, the breaks, and the patches; burns where asked for.

    Raises
    ------
    RecipeError
        If bands are missing that the evidence or burns need.
    """
    grid, section = context.grid, context.recipe.change
    assert section is not None
    if section.burns:
        refuse_missing_char(context.bands)  # before all else is done
    sources = change_sources(context, context.recipe.loss_ways)
    todo = list(blocks(grid, sources.block_side))
    jobs = {f"loss-{block.index}": LossJob(sources, block) for block in todo}
    compute_blocks(work, jobs, context.executor, partial(context.progress, "change"))
    made = Made(work, todo)
    folder = context.run.path("change")
    outputs = [folder / "loss_year.tif", folder / "loss_probability.tif", folder / "patches.parquet"]
    loss, probability = made.whole("loss_year", grid.shape), made.whole("probability", grid.shape)
    pixel_ha = abs(grid.transform.a * grid.transform.e) / 1e4
    loss = without_small_patches(loss, min_pixels=section.min_patch_ha / pixel_ha)
    write_raster(outputs[0], loss[None], grid, ["loss_year"], UNKNOWN_LOSS)
    percent = to_percent(probability)[None]
    write_raster(outputs[1], percent, grid, ["loss_probability"], PERCENT_NODATA, tags={"units": "percent"})
    patches = loss_patches(loss, probability, grid)
    del percent, probability
    if sources.looks is not None:
        outputs += [folder / "loss_date.tif", folder / "breaks.parquet"]
        dated = write_dates(outputs[3], made, loss, grid)
        with table_in_parts(outputs[4]) as table:
            for part in made.breaks():
                table.write(_break_table(part, context))
    else:
        dated = pd.DataFrame({name: np.empty(0) for name in ("row", "column", *DATES)})
    patches = with_dates(patches, loss, dated)
    reading, of_burns = sources, {}
    if section.kinds or section.burns:
        reading = sources if sources.looks is not None else with_looks(context, sources)
        if section.kinds:
            patches = name_kinds(context, work, reading, loss, patches)
        if section.burns:
            written, told = write_burns(context, work, reading)
            outputs, of_burns = outputs + written, {"burns": told}
    write_table(outputs[2], patches)
    notes = {
        "min_patch_ha": section.min_patch_ha,
        "smallest_ha": float(np.ceil(max(section.min_patch_ha / pixel_ha, 1)) * pixel_ha),
        "lost_ha": float(is_loss(loss).sum() * pixel_ha),
        "evidence": list(_ways(sources)),
        "dated_share": round(len(dated) / lost, 4) if (lost := int(is_loss(loss).sum())) else None,
        "scenes_read": len(reading.scenes),
    }
    return outputs, notes | of_burns


@dataclass(frozen=True)
class Made:
    """What the blocks of :class:`LossJob` found, read again a block at a time."""

    work: Path
    blocks: list[Block]

    def whole(self, name: str, shape: Shape2d) -> np.ndarray:
        """One layer of all blocks."""
        layer: np.ndarray | None = None
        for block, part in self:
            if layer is None:
                layer = np.zeros(shape, part[name].dtype)
            layer[block.rows, block.cols] = part[name]
        assert layer is not None, "a grid has a block"
        return layer

    def breaks(self) -> Iterator[pd.DataFrame]:
        """The breaks, a row of blocks at a time."""
        for _, row in groupby(self, key=lambda made: made[0].rows.start):
            columns = [{name[6:]: part[name] for name in part if name.startswith("break_")} for _, part in row]
            yield pd.concat(map(pd.DataFrame, columns), ignore_index=True)

    def __iter__(self) -> Iterator[tuple[Block, dict[str, np.ndarray]]]:
        for block in self.blocks:
            yield block, load_block(self.work, f"loss-{block.index}")


def write_dates(path: Path, made: Made, loss_year: np.ndarray, grid: GeoBox) -> pd.DataFrame:
    """Write the days of what is lost, and return them with `row` and `column`, a row a dated pixel."""
    found = []
    with RasterWriter(path, grid, DATES, "int16", NO_DATE, tags={"units": _DATE_UNITS}) as file:
        for block, part in made:
            lost = is_loss(loss_year[block.rows, block.cols])
            dates = np.where(lost, part["dates"], np.int16(NO_DATE))
            file.write(dates, block)
            row, column = np.nonzero(dates[0] != NO_DATE)
            days = {name: layer[row, column] for name, layer in zip(DATES, dates, strict=True)}
            found.append(pd.DataFrame({"row": row + block.rows.start, "column": column + block.cols.start} | days))
    return pd.concat(found, ignore_index=True)


def with_dates(patches: gpd.GeoDataFrame, loss_year: np.ndarray, dated: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give patches the date that breaks tell.

    Parameters
    ----------
    patches : GeoDataFrame
        Of :func:`habitat.change.loss_patches` of `loss_year`.
    dated : DataFrame
        `row` and `column` of lost pixels with a date; `date`, `earliest`, `latest`: days since 2000-01-01.

    Returns
    -------
    GeoDataFrame
        With `date`, `earliest` and `latest`: medians of the pixels of the patch's year that have a date, null where
        fewer than a third of the patch's pixels have one; and `dated_share`.
    """
    numbers = patch_numbers(loss_year)
    at = dated["row"].to_numpy(np.int64), dated["column"].to_numpy(np.int64)
    pixels = dated.assign(patch=numbers[at], year=loss_year[at])
    pixels = pixels[pixels["year"] == pixels["patch"].map(patches.set_index("patch")["year"])]
    held = np.bincount(numbers.ravel(), minlength=len(patches) + 1)[patches["patch"]]
    by_patch = pixels.groupby("patch")[list(DATES)]
    share = by_patch.size().reindex(patches["patch"], fill_value=0).to_numpy() / np.maximum(held, 1)
    middle = by_patch.median().reindex(patches["patch"])
    table = patches.assign(dated_share=share)
    for name in DATES:
        table[name] = as_dates(np.where(share >= 1 / 3, middle[name].to_numpy(float), np.nan))
    return table[["patch", "year", *DATES, "dated_share", "area_ha", "probability", "geometry"]]


def _break_table(found: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Breaks of pixels that were ever forest, with places and dates for people."""
    table = found.sort_values(["row", "column", "day"], ignore_index=True)
    days = {"confirmed": "confirmed_day", "returned": "returned_day", "earliest": "after_day", "latest": "by_day"}
    dates = {name: as_dates(table[column].to_numpy(float)) for name, column in days.items()}
    middle = as_dates(table["day"].to_numpy(float))
    dates = {"date": table["date"].astype("datetime64[s]").fillna(middle)} | dates
    told = ["loss_probability", "probability", "looks", "looks_before", "statistic"]
    told += [f"change_{band}" for band in BANDS]
    year = table["loss_year"].where(table["loss_year"] > 0).astype("UInt16")
    places = places_of(table, context.grid)
    return pd.DataFrame(places | dates).assign(loss_year=year, **{name: table[name] for name in told})


def _ways(sources: ChangeSources) -> tuple[str, ...]:
    more = (("trajectories", sources.noise), ("breaks", sources.looks))
    return ("maps", *(name for name, found in more if found is not None))
