"""What happened to each patch of loss, read from the looks of the patch and of the unchanged forest around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from habitat.change import DONT_KNOW, describe_patches, kind_of_loss
from habitat.change.losses import patch_numbers
from habitat.change.patches import ATTRIBUTES
from habitat.cubes import NO_LOSS
from habitat.grids import Block, blocks, widen
from habitat.store import compute_blocks, load_block
from habitat.workflow.context import Context
from habitat.workflow.evidence import ChangeSources

TILE, AROUND = 256, 32
"""Pixels: a patch is described with the tile that holds most of it, and so much around; what lies farther is cut."""
_FOREST = 0.5


@dataclass(frozen=True)
class KindJob:
    """The attributes of the patches of one tile."""

    sources: ChangeSources
    window: Block
    """The tile and what is around it."""
    patches: np.ndarray
    """int32 (y, x) of the window: numbers of the tile's own patches, 0 = none."""
    changed: np.ndarray
    """bool (y, x): where anything was lost, or nothing is known."""
    years: dict[int, int]
    """By number of the patch."""

    def __call__(self) -> dict[str, np.ndarray]:
        """Return `patch` and a column for each attribute."""
        forest = self.sources.forest(self.window)
        seen = np.isfinite(forest)
        steady = (~seen | (forest >= _FOREST)).all(axis=0) & seen.any(axis=0) & ~self.changed
        if not steady.any():
            return {"patch": np.empty(0, np.int64)}
        table = describe_patches(
            self.sources.read_looks(self.window),
            self.patches,
            pd.Series(self.years),
            reference=steady,
            pixel_m=self.sources.grid.transform.a,
        )
        return {"patch": table.index.to_numpy(np.int64)} | {name: table[name].to_numpy() for name in ATTRIBUTES}


def name_kinds(
    context: Context, work: Path, sources: ChangeSources, loss_year: np.ndarray, patches: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the patches with `kind` and `kind_probability`: "don't know" where nothing can be said."""
    numbers = patch_numbers(loss_year)
    years = dict(zip(patches["patch"].tolist(), patches["year"].tolist(), strict=True))
    tiles = list(blocks(context.grid, TILE))
    jobs = {}
    for tile, own in zip(tiles, _of_tiles(numbers, tiles, len(patches)), strict=True):
        if not len(own):
            continue
        window, _ = widen(tile, context.grid, AROUND)
        here = numbers[window.rows, window.cols]
        jobs[f"kind-{tile.index}"] = KindJob(
            sources,
            window,
            np.where(np.isin(here, own), here, 0),
            loss_year[window.rows, window.cols] != NO_LOSS,
            {int(number): years[int(number)] for number in own},
        )
    compute_blocks(work, jobs, context.executor, partial(context.progress, "kinds"))
    parts = [pd.DataFrame(load_block(work, name)) for name in jobs]
    described = [part for part in parts if len(part)]
    named = patches.assign(kind=DONT_KNOW, kind_probability=np.nan)
    if described:
        told = kind_of_loss(pd.concat(described).set_index("patch")).reindex(patches["patch"])
        is_told = told["kind"].notna().to_numpy()
        named["kind"] = np.where(is_told, told["kind"].to_numpy(), DONT_KNOW)
        named["kind_probability"] = told["probability"].to_numpy(float)
    last = [name for name in named.columns if name != "geometry"]
    return named[[*last, "geometry"]]


def _of_tiles(numbers: np.ndarray, tiles: list[Block], patches: int) -> list[np.ndarray]:
    """The patches of each tile: each belongs to the one that holds most of it, the first of equals."""
    most, home = np.zeros(patches + 1, np.int64), np.zeros(patches + 1, np.int64)
    for place, tile in enumerate(tiles):
        held = np.bincount(numbers[tile.rows, tile.cols].ravel(), minlength=patches + 1)
        more = held > most
        most[more], home[more] = held[more], place
    return [np.flatnonzero((home == place) & (np.arange(patches + 1) > 0)) for place in range(len(tiles))]
