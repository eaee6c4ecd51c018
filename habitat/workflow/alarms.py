"""Alerts as people read them: levels as a raster, patches with their dates as a table, where there is forest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.change import AlertRun, loss_breaks, loss_patches
from habitat.change.alerts import CONFIRMED, PROVISIONAL, QUIET
from habitat.change.breaks import breaks_of_events, contrast
from habitat.change.disturbances import NOTICE_DAYS
from habitat.change.losses import patch_numbers
from habitat.grids import Block
from habitat.legend import UNKNOWN
from habitat.store import digest, read_raster, write_json, write_raster, write_table
from habitat.store.tables import read_json
from habitat.workflow.columns import as_dates, as_days
from habitat.workflow.context import Context

LEVELS, TABLE, RECORD = "change/alerts.tif", "change/alerts.parquet", "change/alerts.json"
NOT_WATCHED = 255
"""In `change/alerts.tif`: outside the area, or no forest."""
TOGETHER_DAYS = 30.0
"""Pixels that touch are one alert if they changed in the same such span, or in neighbouring ones."""
STALE_DAYS = 365.0
"""A deviation that no further look confirmed for so long is no alert any more."""
RECENT_DAYS = 730.0
"""How long a confirmed break stays an alert after a new model has begun."""
LIKELY = 0.5
"""Least probability that a confirmed break is a loss of forest: others raise no alert."""
VERSION = 2
"""Raised when alerts are told otherwise from the same states."""
LAYERS = ("after_day", "by_day", "change", "probability", "looks")
State = tuple[Block, Callable[[], AlertRun]]


def write_alarms(context: Context, states: Sequence[State], *, settings: str) -> dict[str, Any]:
    """Write alerts from the blocks' states, unless what was written is of the same scenes, settings and maps.

    Returns
    -------
    dict
        `looks` held, `alerts` in the table, `provisional_ha`, `confirmed_ha`.
    """
    run = context.run
    maps = {year: run.path("forest", f"{year}.tif") for year in context.years}
    maps = {year: path for year, path in maps.items() if path.is_file()}
    if not maps:
        context.warnings.append("the run holds no map of forest yet: alerts are raised everywhere")
    first = states[0][1]()
    told = [list(context.legend.forest_codes), [str(season) for season in context.seasons[:1]]]
    digests = {year: run.digests.digest_of(path) for year, path in maps.items()}
    key = digest([VERSION, settings, [list(scene) for scene in first.taken], digests, told])
    record = read_json(run.path(RECORD))
    written = (run.path(LEVELS), run.path(TABLE))
    if record.get("key") == key and all(path.is_file() for path in written):
        return {name: record[name] for name in ("looks", "alerts", "provisional_ha", "confirmed_ha")}
    grid = context.grid
    level = np.full(grid.shape, NOT_WATCHED, np.uint8)
    known = []
    ends = np.array([context.seasons[0].window(year)[1] for year in maps], "datetime64[D]")
    end_days = as_days(ends)
    for block, read in states:
        held = read()
        here, layers = alert_layers(held)
        if maps:
            codes = np.concatenate([read_raster(path, block)[0] for path in maps.values()])
            latest = held.taken[-1].day if held.taken else 0.0
            forest = was_forest(codes, context.legend.forest_codes, end_days, layers["by_day"], latest=latest)
            here[~forest] = NOT_WATCHED
        here[~context.inside(block)] = NOT_WATCHED
        level[block.rows, block.cols] = here
        row, column = np.nonzero((here == PROVISIONAL) | (here == CONFIRMED))
        says = {name: layer[row, column] for name, layer in layers.items()}
        places = {"level": here[row, column], "row": row + block.rows.start, "column": column + block.cols.start}
        known.append(pd.DataFrame(places | says))
    table = alert_table(pd.concat(known, ignore_index=True), grid)
    said = {"levels": "0 no model, 1 quiet, 2 provisional, 3 confirmed"}
    write_raster(written[0], level[None], grid, ["level"], NOT_WATCHED, tags=said)
    write_table(written[1], table)
    pixel_ha = abs(grid.transform.a * grid.transform.e) / 1e4
    made = {
        "looks": len(first.taken),
        "alerts": len(table),
        "provisional_ha": float((level == PROVISIONAL).sum() * pixel_ha),
        "confirmed_ha": float((level == CONFIRMED).sum() * pixel_ha),
    }
    last = {} if not first.taken else {"latest_look": first.taken[-1].scene}
    write_json(run.path(RECORD), {"key": key} | made | last)
    return made


def alert_layers(run: AlertRun) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the level of each pixel of a block, and what is known of those with an alert.

    A break that is more probably no loss of forest raises no alert, nor does a deviation that does not look like one
    (swir22 and red up, or nir08 down, on balance): its level is that of a quiet pixel, and so is that of a deviation
    that has waited for a year, or of a break that is two years old.

    Returns
    -------
    level : uint8 array (y, x)
    layers : dict of float32 (y, x)
        `after_day`, `by_day`, days since 2000-01-01; `change`, rise of swir22 and red less that of nir08, reflectance;
        `probability` that a confirmed one is a loss of at least a fifth of the crowns; `looks` that speak for it. NaN
        where there is no alert.
    """
    level = run.levels()
    layers = {name: np.full(run.shape, np.nan, np.float32) for name in LAYERS}
    latest_day = run.taken[-1].day if run.taken else 0.0
    breaks = breaks_of_events(run.table())
    losses = loss_breaks(breaks, least_probability=LIKELY).drop_duplicates(["row", "column"], keep="last")
    lost = breaks.loc[losses.index].assign(probability=losses["probability"])
    recent = lost[lost["by_day"] >= latest_day - RECENT_DAYS]
    level[level == CONFIRMED] = QUIET
    quiet = level[recent["row"], recent["column"]] != PROVISIONAL
    level[recent["row"][quiet], recent["column"][quiet]] = CONFIRMED
    for which, table in ((CONFIRMED, recent), (PROVISIONAL, run.stirring())):
        told = table[level[table["row"], table["column"]] == which]
        for name, values in told.assign(change=contrast(told)).items():
            if name in layers:
                layers[str(name)][told["row"], told["column"]] = values
    level[np.isin(level, (PROVISIONAL, CONFIRMED)) & ~(layers["change"] > 0)] = QUIET
    level[(level == PROVISIONAL) & (layers["by_day"] < latest_day - STALE_DAYS)] = QUIET
    for values in layers.values():
        values[level < PROVISIONAL] = np.nan
    return level, layers


def was_forest(
    codes: np.ndarray, forest_codes: Sequence[int], season_ends: np.ndarray, by_day: np.ndarray, *, latest: float
) -> np.ndarray:
    """Whether a pixel was forest in the last mapping season that ended before its change, and that saw it.

    Parameters
    ----------
    codes : uint8 array (year, y, x)
        Legend codes, 0 = unknown.
    season_ends : float array (year,)
        Days; ascending.
    by_day : float array (y, x)
        Day of the first look after the change; NaN = none: then what is forest at `latest` counts.
    """
    before = np.searchsorted(season_ends, np.where(np.isnan(by_day), latest, by_day), side="left") - 1
    before = np.maximum(before, 0)  # what changed before the first map is judged by that
    state = np.zeros(by_day.shape, bool)
    told = np.zeros(by_day.shape, bool)
    for year in range(len(codes) - 1, -1, -1):
        tells = (codes[year] != UNKNOWN) & (year <= before) & ~told
        state[tells] = np.isin(codes[year], forest_codes)[tells]
        told |= tells
    return state


def alert_table(pixels: pd.DataFrame, grid: GeoBox) -> gpd.GeoDataFrame:
    """Return alerts as patches, confirmed ones first, the largest first.

    Parameters
    ----------
    pixels : DataFrame
        A row a pixel with an alert: `level`, `row`, `column` in the grid, and what :func:`alert_layers` tells of it.

    Returns
    -------
    GeoDataFrame
        alert, level ("confirmed" or "provisional"), date (halfway, at most 30 days before `latest`), earliest (the last
        look before), latest (the first look after), looks that spoke for it, probability (null while provisional),
        change (of reflectance, see
        :func:`alert_layers`): medians of its pixels; area_ha, geometry.
    """
    parts = []
    for name, which in (("confirmed", CONFIRMED), ("provisional", PROVISIONAL)):
        found = pixels[pixels["level"] == which]
        at = found["row"].to_numpy(), found["column"].to_numpy()
        span = np.zeros(grid.shape, np.uint16)
        span[at] = (found["by_day"] - found["by_day"].min()) // TOGETHER_DAYS + 1
        patches = loss_patches(span, np.broadcast_to(np.float32(0), grid.shape), grid)
        middle = found[list(LAYERS)].groupby(patch_numbers(span)[at]).median().reindex(patches["patch"])
        days = middle["after_day"].to_numpy(float), middle["by_day"].to_numpy(float)
        parts.append(
            patches[["area_ha", "geometry"]].assign(
                level=name,
                date=as_dates(np.maximum((days[0] + days[1]) / 2, days[1] - NOTICE_DAYS)),
                earliest=as_dates(days[0]),
                latest=as_dates(days[1]),
                looks=middle["looks"].to_numpy().astype(np.int64),
                probability=middle["probability"].to_numpy(float),
                change=middle["change"].to_numpy(float),
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(alert=np.arange(1, len(table) + 1))
    columns = ["alert", "level", "date", "earliest", "latest", "looks", "probability", "change", "area_ha", "geometry"]
    return gpd.GeoDataFrame(table[columns], geometry="geometry", crs=str(grid.crs))
