"""The sample of places that people look at: drawn from the run's strata, and written as a sheet for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.assess import Scheme, allocate, allocate_for, draw_sample, expected_se, last_seen, pool_years, stratify
from habitat.cubes import NO_LOSS
from habitat.errors import RecipeError
from habitat.grids import Block, blocks, widen
from habitat.recipe import AssessSection
from habitat.store import RasterWriter, digest, read_raster
from habitat.workflow.composites import READ_BLOCK
from habitat.workflow.context import Context

_PAIR = 2**16
"""A pixel's stratum times this, and its value: one number for both."""
STRATA, SAMPLE = "assess/strata.tif", "assess/sample.parquet"


def settings_of(context: Context) -> AssessSection:
    """The recipe's section."""
    section = context.recipe.assess
    assert section is not None
    return section


def outline_digest(context: Context) -> str:
    """What stands for the outline of the area: in the tags of the strata, and in the sample's id."""
    return digest(context.area.wkb_hex)


def draw(context: Context, strata: Path) -> pd.DataFrame:
    """Write the strata to a file, draw the sample from them, and return it.

    Returns
    -------
    GeoDataFrame
        One row a point, in an order by chance: point, stratum, stratum_pixels, stratum_samples, inclusion_probability,
        row, col, geometry.

    Raises
    ------
    RecipeError
        If the maps hold no pixel with a state.
    """
    import geopandas as gpd

    grid, settings = context.grid, settings_of(context)
    scheme = _scheme(context)
    pixels = _write_strata(context, scheme, strata)
    there = pixels > 0
    if not there.any():
        raise RecipeError("no pixel of the area has a state, so there is nothing to assess", where="[assess]")
    expected = np.where(scheme.is_loss, settings.expected_loss, settings.expected_stable)
    shares = pixels / pixels.sum()
    how, least = settings.allocation, settings.least
    if settings.samples is None:
        n = allocate_for(settings.target_se, pixels, accuracies=expected, how=how, least=least)
    else:
        n = allocate(settings.samples, pixels, accuracies=expected, how=how, least=least)
    drawn = draw_sample(_parts(context, strata), grid, n, seed=settings.seed)
    se = expected_se(n[there], shares[there], expected[there])
    if settings.samples is not None or se > settings.target_se:  # the target is not what made the number
        context.warnings.append(f"{n.sum()} places are expected to give overall accuracy a standard error of {se:.3f}")
    place = [str(grid.crs), list(grid.transform), list(grid.shape), outline_digest(context)]
    name = digest([settings.seed, pixels.tolist(), drawn.to_numpy().tolist(), place])[:6]
    x, y = _centres(grid, drawn)
    at = drawn["stratum"].to_numpy()
    table = {
        "point": [f"{name}-{number:04d}" for number in range(1, len(drawn) + 1)],
        "stratum": np.array(scheme.names, dtype=object)[at],
        "stratum_code": (at + 1).astype(np.uint8),
        "stratum_pixels": pixels[at],
        "stratum_samples": n[at],
        "inclusion_probability": n[at] / pixels[at],
        "row": drawn["row"],
        "col": drawn["col"],
    }
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=str(grid.crs))


def _centres(grid: GeoBox, drawn: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    there: Any = grid.transform
    x, y = there @ (drawn["col"].to_numpy() + 0.5, drawn["row"].to_numpy() + 0.5)
    return x, y


def sheet(sample: Any, years: Sequence[int]) -> Any:
    """Return what interpreters get: places in an order by chance, and nothing of what the map says."""
    spots = sample.geometry.to_crs(4326)
    table = sample[["point"]].assign(longitude=spots.x.round(6), latitude=spots.y.round(6))
    for column in (*map(str, years), "confidence", "note"):
        table[column] = ""
    return table.set_geometry(sample.geometry)


def _scheme(context: Context) -> Scheme:
    """Strata of the run: years of loss joined to periods that can be sampled, and what is stable."""
    settings, legend = settings_of(context), context.legend
    stable: tuple[tuple[str, tuple[int, ...]], ...]
    if settings.classes == "legend":
        stable = tuple((cover.name, (cover.code,)) for cover in legend)
    else:
        rest = tuple(code for code in legend.codes if code not in legend.forest_codes)
        stable = (("forest", legend.forest_codes), ("not forest", rest))
    if context.recipe.change is None:
        return Scheme(classes=stable)
    counts = dict.fromkeys(context.years[1:], 0)
    for block in blocks(context.grid, READ_BLOCK):
        years, pixels = np.unique(_loss_year(context, block)[context.inside(block)], return_counts=True)
        for year, count in zip(years.tolist(), pixels.tolist(), strict=True):
            if year in counts:
                counts[year] += count
    periods = pool_years(counts, 2 * settings.least)
    return Scheme(periods, settings.near_loss_m > 0 and bool(periods), stable)


def _loss_year(context: Context, block: Block) -> np.ndarray:
    if context.recipe.change is None:
        return np.full(block.shape, NO_LOSS, dtype=np.uint16)
    return read_raster(context.run.path("change/loss_year.tif"), block)[0][0]


def _write_strata(context: Context, scheme: Scheme, path: Path) -> np.ndarray:
    """Write the strata's raster; return how many pixels each has."""
    belt = settings_of(context).near_loss_m / context.grid.transform.a
    pixels = np.zeros(len(scheme.names) + 1, dtype=np.int64)
    tags = {str(code): name for code, name in enumerate(scheme.names, 1)} | {"outline": outline_digest(context)}
    with RasterWriter(path, context.grid, ["stratum"], "uint8", 0, tags=tags) as file:
        for block in blocks(context.grid, READ_BLOCK):
            reading, core = widen(block, context.grid, int(np.ceil(belt)))
            maps = [read_raster(context.run.path("forest", f"{y}.tif"), reading)[0][0] for y in context.years]
            strata = stratify(
                _loss_year(context, reading), last_seen(maps), context.inside(reading), scheme, belt_pixels=belt
            )[core]
            file.write(strata[None], block)
            pixels += np.bincount(strata.ravel(), minlength=len(pixels))
    return pixels[1:]


def _parts(context: Context, path: Path) -> Iterator[tuple[Block, np.ndarray]]:
    return ((block, read_raster(path, block)[0][0]) for block in blocks(context.grid, READ_BLOCK))


@dataclass(frozen=True)
class Lookup:
    """What a map holds: at the sampled places, and in each stratum."""

    at_points: np.ndarray
    """int (point,)"""
    values: np.ndarray
    """int (value,), all that occur, ascending."""
    pixels: np.ndarray
    """int (stratum, value), pixels of each; the stratum's code less one is its row."""

    def pixels_of(self, wanted: np.ndarray) -> np.ndarray:
        """Pixels (stratum,) with a value that is wanted, bool (value,)."""
        return np.asarray(self.pixels[:, wanted].sum(axis=1))


def look_up(context: Context, path: Path, sample: pd.DataFrame) -> Lookup:
    """Read a map once, block by block."""
    rows, cols = sample["row"].to_numpy(), sample["col"].to_numpy()
    at_points: np.ndarray = np.zeros(len(sample), dtype=np.int64)
    counts: dict[int, int] = {}
    for block in blocks(context.grid, READ_BLOCK):
        strata, values = (read_raster(file, block)[0][0] for file in (context.run.path(STRATA), path))
        pairs, n = np.unique(strata.astype(np.int64) * _PAIR + values, return_counts=True)
        for pair, pixels in zip(pairs.tolist(), n.tolist(), strict=True):
            counts[pair] = counts.get(pair, 0) + pixels
        here = (rows >= block.rows.start) & (rows < block.rows.stop)
        here &= (cols >= block.cols.start) & (cols < block.cols.stop)
        at_points[here] = values[rows[here] - block.rows.start, cols[here] - block.cols.start]
    stratum, value = np.divmod(np.array(list(counts)), _PAIR)
    found, column = np.unique(value, return_inverse=True)
    pixels_by: np.ndarray = np.zeros((stratum.max() + 1, len(found)), dtype=np.int64)
    pixels_by[stratum, column] = list(counts.values())
    return Lookup(at_points, found, pixels_by[1:])
