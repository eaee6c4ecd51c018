"""The change stage: maps, trajectories and breaks to the year of loss, its date, its probability and its patches."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from habitat.change import loss_patches, without_small_patches
from habitat.change.breaks import EPOCH
from habitat.change.losses import patch_numbers
from habitat.cubes import BANDS, UNKNOWN_LOSS, is_loss
from habitat.grids import blocks
from habitat.store import compute_blocks, load_block, write_raster, write_table
from habitat.workflow.composites import READ_BLOCK, block_size
from habitat.workflow.context import Context, Outputs
from habitat.workflow.evidence import DATES, NO_DATE, ChangeSources, LossJob, change_sources, with_looks
from habitat.workflow.happenings import name_kinds
from habitat.workflow.percent import PERCENT_NODATA, to_percent

_DATE_UNITS = "days since 2000-01-01"


def find_change(context: Context, work: Path) -> Outputs:
    """Write the year of first loss, its date and probability, the breaks, and the patches."""
    grid, section = context.grid, context.recipe.change
    assert section is not None
    sources = change_sources(context, context.recipe.loss_ways)
    size = READ_BLOCK if sources.looks is None else min(READ_BLOCK, block_size(len(sources.scenes)))
    todo = list(blocks(grid, size))
    jobs = {f"loss-{block.index}": LossJob(sources, block) for block in todo}
    compute_blocks(work, jobs, context.executor, partial(context.progress, "change"))
    loss = np.zeros(grid.shape, np.uint16)
    probability = np.zeros(grid.shape, np.float32)
    dates = np.full((len(DATES), *grid.shape), NO_DATE, np.int16)
    breaks = []
    for block in todo:
        made = load_block(work, f"loss-{block.index}")
        loss[block.rows, block.cols] = made["loss_year"]
        probability[block.rows, block.cols] = made["probability"]
        dates[:, block.rows, block.cols] = made["dates"]
        breaks.append({name[6:]: values for name, values in made.items() if name.startswith("break_")})
    pixel_ha = abs(grid.transform.a * grid.transform.e) / 1e4
    loss = without_small_patches(loss, min_pixels=section.min_patch_ha / pixel_ha)
    dates[:, ~is_loss(loss)] = NO_DATE
    folder = context.run.path("change")
    outputs = [folder / "loss_year.tif", folder / "loss_probability.tif", folder / "patches.parquet"]
    write_raster(outputs[0], loss[None], grid, ["loss_year"], UNKNOWN_LOSS)
    percent = to_percent(probability)[None]
    write_raster(outputs[1], percent, grid, ["loss_probability"], PERCENT_NODATA, tags={"units": "percent"})
    patches = with_dates(loss_patches(loss, probability, grid), loss, dates)
    if section.kinds:
        kinds_of = sources if sources.looks is not None else with_looks(context, sources)
        patches = name_kinds(context, work, kinds_of, loss, patches)
    write_table(outputs[2], patches)
    if sources.looks is not None:
        outputs += [folder / "loss_date.tif", folder / "breaks.parquet"]
        write_raster(outputs[3], dates, grid, DATES, NO_DATE, tags={"units": _DATE_UNITS})
        write_table(outputs[4], _break_table(breaks, context))
    notes = {
        "min_patch_ha": section.min_patch_ha,
        "smallest_ha": float(np.ceil(max(section.min_patch_ha / pixel_ha, 1)) * pixel_ha),
        "lost_ha": float(is_loss(loss).sum() * pixel_ha),
        "evidence": list(_ways(sources)),
        "dated_share": _share(dates[0] != NO_DATE, is_loss(loss)),
        "scenes_read": len(sources.scenes),
    }
    return outputs, notes


def with_dates(patches: gpd.GeoDataFrame, loss_year: np.ndarray, dates: np.ndarray) -> gpd.GeoDataFrame:
    """Give patches the date that breaks tell.

    Parameters
    ----------
    patches : GeoDataFrame
        Of :func:`habitat.change.loss_patches` of `loss_year`.
    dates : int16 array (3, y, x)
        Days since 2000-01-01: halfway, earliest, latest; NO_DATE = not told.

    Returns
    -------
    GeoDataFrame
        With `date`, `earliest` and `latest`: medians of the pixels of the patch's year that have a date, null where
        fewer than a third of the patch's pixels have one; and `dated_share`.
    """
    numbers = patch_numbers(loss_year)
    lost = numbers > 0
    pixels = pd.DataFrame({"patch": numbers[lost], "year": loss_year[lost]})
    for layer, name in zip(dates, DATES, strict=True):
        pixels[name] = np.where(layer[lost] == NO_DATE, np.nan, layer[lost].astype(float))
    pixels["own_year"] = pixels["patch"].map(patches.set_index("patch")["year"])
    pixels["counts"] = pixels["date"].notna() & (pixels["year"] == pixels["own_year"])
    share = pixels.groupby("patch")["counts"].mean().reindex(patches["patch"]).to_numpy(float)
    middle = pixels[pixels["counts"]].groupby("patch")[list(DATES)].median().reindex(patches["patch"])
    table = patches.assign(dated_share=share)
    for name in DATES:
        days = np.where(share >= 1 / 3, middle[name].to_numpy(float), np.nan)
        table[name] = as_dates(days)
    return table[["patch", "year", *DATES, "dated_share", "area_ha", "probability", "geometry"]]


def as_dates(days: np.ndarray) -> pd.Series:
    """Days since 2000-01-01 as dates, NaN as null."""
    whole = np.where(np.isfinite(days), np.floor(np.nan_to_num(days)), 0).astype(np.int64)
    found = EPOCH.astype("datetime64[s]") + whole * np.timedelta64(86400, "s")
    return pd.Series(np.where(np.isfinite(days), found, np.datetime64("NaT", "s")))


def _break_table(parts: list[dict[str, np.ndarray]], context: Context) -> pd.DataFrame:
    """All breaks of pixels that were ever forest, with places and dates for people."""
    table = pd.concat([pd.DataFrame(part) for part in parts if part], ignore_index=True)
    table = table.sort_values(["row", "column", "day"], ignore_index=True)
    side, _, west, _, down, north = context.grid.transform[:6]
    x = west + side * (table["column"].to_numpy(float) + 0.5)
    y = north + down * (table["row"].to_numpy(float) + 0.5)
    days = {"confirmed": "confirmed_day", "returned": "returned_day", "earliest": "after_day", "latest": "by_day"}
    dates = {name: as_dates(table[column].to_numpy(float)) for name, column in days.items()}
    middle = as_dates(table["day"].to_numpy(float))
    dates = {"date": table["date"].astype("datetime64[s]").fillna(middle)} | dates
    told = ["loss_probability", "probability", "looks", "looks_before", "statistic"]
    told += [f"change_{band}" for band in BANDS]
    year = table["loss_year"].where(table["loss_year"] > 0).astype("UInt16")
    places = {"x": x, "y": y, "row": table["row"], "column": table["column"]}
    return pd.DataFrame(places | dates).assign(loss_year=year, **{name: table[name] for name in told})


def _ways(sources: ChangeSources) -> tuple[str, ...]:
    more = (("trajectories", sources.noise), ("breaks", sources.looks))
    return ("maps", *(name for name, found in more if found is not None))


def _share(part: np.ndarray, of: np.ndarray) -> float | None:
    return round(float((part & of).sum() / of.sum()), 4) if of.any() else None
