"""What a run leaves of burnt ground: layers, a table of all burns, and the outlines of fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.change import fire_frequency, number_fires, outline_fires
from habitat.change.burns import SEVERITIES
from habitat.grids import Block
from habitat.store import RasterWriter, compute_blocks, load_block, write_table
from habitat.workflow.burns import (
    NO_FALL,
    NOT_REGROWN,
    BurnJob,
    BurnSources,
    UsualJob,
    common_forests,
    parts,
    squares,
)
from habitat.workflow.columns import as_dates, as_days, places_of
from habitat.workflow.context import Context, Outputs
from habitat.workflow.evidence import ChangeSources
from habitat.workflow.ground import Ground, burn_doubts
from habitat.workflow.loss_job import NO_DATE

NOT_TOLD = {"burn_year": 65535, "burn_severity": 255, "burns": NO_DATE, "burn_frequency": float("nan")}
"""No data of each raster: outside the area, never seen clear, or a field."""
BURN_BANDS = ("date", "earliest", "dnbr", "dnbr_year", "burns", "seen_years", "opened", "regrown")
"""Of `change/burns.tif`."""
SCALE = 1000
"""Of dnbr in rasters, as it is usually written."""
BURNT = {"burnt forest": True, "burnt open ground": False}
"""What `areas.csv` calls burnt ground, and whether it was forest."""
_COLORS = {
    0: (0, 0, 0, 0),
    1: (255, 237, 160, 255),
    2: (254, 178, 76, 255),
    3: (240, 90, 40, 255),
    4: (150, 0, 40, 255),
}
_TOLD = ("charring", "dnbr", "dnbr_year", "rdnbr")
_CODES = {"burn_year": "uint16", "burn_severity": "uint8", "burns": "int16", "burn_frequency": "float32"}


def write_burns(context: Context, work: Path, sources: ChangeSources) -> Outputs:
    """Look for burns, write what was found, and return the files and what is to be noted of it.

    Parameters
    ----------
    context : Context
    work : Path
        Folder of finished blocks.
    sources : ChangeSources
        Which can read looks.
    """
    context.warnings += burn_doubts(context)
    section = context.recipe.change
    assert section is not None
    ground = Ground.of(context.legend)
    made = _compute(context, work, BurnSources(sources, ground, common_forests(sources, ground)))
    pixel_ha = abs(context.grid.transform.a * context.grid.transform.e) / 1e4
    burns = _without_small(made.burns(), section.min_patch_ha / pixel_ha)
    folder = context.run.path("change")
    outputs = [folder / f"{name}.tif" for name in NOT_TOLD]
    _write_layers(outputs, made, burns, context.grid)
    fires = outline_fires(burns, context.grid)
    outputs += [folder / "burns.parquet", folder / "fires.parquet"]
    write_table(outputs[-2], _burn_table(burns, context.grid))
    write_table(outputs[-1], fires)
    said = {"areas": "pixel count", "fields_left_out": bool(ground.field)}
    return outputs, {"fires": len(fires)} | burnt_once(burns, pixel_ha) | said


def burnt_once(burns: pd.DataFrame, pixel_ha: float) -> dict[str, float]:
    """Hectares that burned at least once, by pixel count: forest, open ground, and forest that became open ground."""
    forest = burns["was_forest"]
    which = {"burnt_forest_ha": forest, "burnt_open_ha": ~forest, "opened_ha": burns["opened"]}
    return {name: float(len(burns[own].drop_duplicates(["row", "column"])) * pixel_ha) for name, own in which.items()}


def burnt_areas(context: Context) -> pd.DataFrame:
    """Hectares burnt in each year, forest and open ground, by pixel count: year, what, estimate_ha."""
    table = pd.read_parquet(context.run.path("change", "burns.parquet"), columns=["date", "was_forest"])
    pixel_ha = abs(context.grid.transform.a * context.grid.transform.e) / 1e4
    year = table["date"].dt.year
    rows = [
        {
            "year": of,
            "what": what,
            "estimate_ha": round(float(((year == of) & (table["was_forest"] == kind)).sum()) * pixel_ha, 4),
        }
        for of in context.years
        for what, kind in BURNT.items()
    ]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Made:
    """What the blocks of :class:`BurnJob` found, read again a block at a time."""

    work: Path
    blocks: list[Block]

    def burns(self) -> pd.DataFrame:
        """All burns, in the order of the blocks, with the place of each block in `block`."""
        found = []
        for place in range(len(self.blocks)):
            columns = load_block(self.work, _name(place))
            del columns["seen_years"]
            found.append(pd.DataFrame(columns).assign(block=place))
        table = pd.concat(found, ignore_index=True)
        for name in ("date", "earliest"):
            table[name] = as_dates(table[name].to_numpy(float))
        return table

    def seen_years(self, place: int) -> np.ndarray:
        """Years with a clear look, uint8 (y, x)."""
        return load_block(self.work, _name(place), only=["seen_years"])["seen_years"]


def _name(place: int) -> str:
    return f"burns-{place}"


def _compute(context: Context, work: Path, sources: BurnSources) -> _Made:
    side = sources.part_side
    usual: dict[str, UsualJob] = {}
    jobs: dict[str, BurnJob] = {}
    todo: list[Block] = []
    for square in squares(context.grid):
        name = None if side is None else f"usual-{square.index}"
        if name is not None and side is not None:
            usual[name] = UsualJob(sources, square, side)
        for block in [square] if side is None else parts(square, side):
            jobs[_name(len(todo))] = BurnJob(sources, block, work, name)
            todo.append(block)
    if usual:
        compute_blocks(work, usual, context.executor, partial(context.progress, "usual ground"))
    compute_blocks(work, jobs, context.executor, partial(context.progress, "burns"))
    return _Made(work, todo)


def _without_small(burns: pd.DataFrame, min_pixels: float) -> pd.DataFrame:
    """Burns with the number of their `fire`, without fires of fewer pixels."""
    fire = number_fires(burns)
    large = np.bincount(fire, minlength=1)[fire] >= min_pixels
    return burns.assign(fire=fire)[large].reset_index(drop=True)  # numbers begin with the largest: none is left out


def _write_layers(paths: Sequence[Path], made: _Made, burns: pd.DataFrame, grid: GeoBox) -> None:
    """Write the last burn's year, its severity, its numbers, and how often there was one."""
    tags: dict[str, dict[str, str]] = {
        "burn_year": {},
        "burn_severity": {f"class_{code}": name for code, name in SEVERITIES.items()},
        "burns": {"units": f"days since 2000-01-01; dNBR x {SCALE}; counts; years"},
        "burn_frequency": {"units": "burns in ten seen years"},
    }
    ends = np.searchsorted(burns["block"], np.arange(len(made.blocks) + 1))
    writers = [
        RasterWriter(
            path,
            grid,
            BURN_BANDS if name == "burns" else [name],
            _CODES[name],
            NOT_TOLD[name],
            colormap=_COLORS if name == "burn_severity" else None,
            tags=tags[name],
            resampling="average" if name == "burn_frequency" else "nearest",
        )
        for name, path in zip(NOT_TOLD, paths, strict=True)
    ]
    for writer, name in zip(writers, NOT_TOLD, strict=True):  # one file at a time: each reads the small blocks again
        with writer as file:
            for place, block in enumerate(made.blocks):
                own = burns[ends[place] : ends[place + 1]]
                file.write(_layers(name, own, made.seen_years(place), block), block)


def _layers(name: str, burns: pd.DataFrame, seen_years: np.ndarray, block: Block) -> np.ndarray:
    """The bands of one raster in one block."""
    shape, told = block.shape, seen_years > 0
    at = burns["row"].to_numpy() - block.rows.start, burns["column"].to_numpy() - block.cols.start
    count = np.zeros(shape, np.int64)
    np.add.at(count, at, 1)

    def last(values: Any, nothing: float) -> np.ndarray:
        """That of each pixel's last burn: rows ascend by day, and a later one takes the place of those before."""
        layer = np.full(shape, nothing, np.float64)
        layer[at] = np.asarray(values, np.float64)
        return layer

    if name == "burn_year":
        layers = [last(burns["date"].dt.year, 0)]
    elif name == "burn_severity":
        layers = [last(burns["severity"], 0)]
    elif name == "burn_frequency":
        of_pixels = {"burns": (("y", "x"), count), "seen_years": (("y", "x"), seen_years)}
        layers = [fire_frequency(xr.Dataset(of_pixels)).to_numpy()]
    else:
        days = {key: as_days(burns[key].to_numpy()) for key in BURN_BANDS[:2]}
        falls = {key: (burns[key] * SCALE).round().clip(-32767, 32767).fillna(NO_DATE) for key in BURN_BANDS[2:4]}
        opened = burns["opened"]
        layers = [last(values, NO_DATE) for values in (days | falls).values()]
        layers += [count, seen_years, _first_year(burns[opened], at, opened.to_numpy(), shape)]
        layers += [last(burns["regrown"].where(burns["regrown"] != NO_FALL, NO_DATE), NO_DATE)]
    nothing = np.full(shape, NOT_TOLD[name])
    return np.stack([np.where(told, layer, nothing) for layer in layers]).astype(_CODES[name])


def _first_year(opened: pd.DataFrame, at: tuple[Any, Any], which: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Year of the fire after which forest became open ground, 0 = none."""
    layer = np.zeros(shape, np.int64)
    layer[at[0][which], at[1][which]] = opened["date"].dt.year
    return layer


def _burn_table(burns: pd.DataFrame, grid: GeoBox) -> pd.DataFrame:
    """All burns of all pixels, with places for people, by row, column and day."""
    table = burns.sort_values(["row", "column", "date"], ignore_index=True)
    regrown = table["regrown"].where(table["regrown"] > NOT_REGROWN).astype("UInt16")
    told = {name: table[name] for name in ("fire", "date", "earliest", "was_forest", "severity", *_TOLD)}
    return pd.DataFrame(places_of(table, grid) | told | {"opened": table["opened"], "regrown": regrown})
