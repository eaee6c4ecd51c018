"""The answers: what is forest, which class, and when it was lost, on the run's grid of 20 m.

Forest is crown cover of at least 30% of the 20 m pixel at the end of the year's mapping season, 15 September;
no cut or fire falls inside a season. Loss year Y: forest in the season of Y - 1 and not in that of Y, the first
if there are several.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from habitat.legend import DEFAULT_LEGEND
from habitat.simulate.area import FINE_M, MARGIN_M, Area
from habitat.simulate.classes import FOREST_COVER
from habitat.simulate.fields import block_mean
from habitat.simulate.history import Past
from habitat.store import write_raster

SEASON_END = (9, 15)
"""Month and day on which a mapping season ends."""


@dataclass(frozen=True)
class Truth:
    """Yearly maps on the area's 20 m grid."""

    years: range
    forest: np.ndarray
    """bool (year, y, x)."""
    code: np.ndarray
    """uint8 legend codes (year, y, x): the most frequent of forest classes where it is forest, of the others else."""
    loss_year: np.ndarray
    """uint16 (y, x), 0 = none."""


def tell_truth(history: Past, years: range) -> Truth:
    """Return the maps of all `years`."""
    forest, code = zip(*(_season_map(history, year) for year in years), strict=True)
    maps = np.stack(forest)
    return Truth(years, maps, np.stack(code), first_loss(maps, years))


def first_loss(forest: np.ndarray, years: range) -> np.ndarray:
    """Return the first year in which forest (year, y, x) was there the year before and is no more; 0 = none."""
    lost = forest[:-1] & ~forest[1:]
    if not len(lost):
        return np.zeros(forest.shape[1:], dtype=np.uint16)
    first = np.asarray(years[1:], dtype=np.uint16)[np.argmax(lost, axis=0)]
    return np.where(lost.any(axis=0), first, 0).astype(np.uint16)


def _season_map(history: Past, year: int) -> tuple[np.ndarray, np.ndarray]:
    state = history.at(date(year, *SEASON_END))
    rim = slice(MARGIN_M // FINE_M, -MARGIN_M // FINE_M)
    forest = block_mean(state.cover[rim, rim], 2) >= FOREST_COVER
    fine = state.code[rim, rim]
    votes = np.zeros(forest.shape, dtype=np.float32)
    code = np.zeros(forest.shape, dtype=np.uint8)
    for cover in DEFAULT_LEGEND:
        share = block_mean((fine == cover.code).astype(np.float32), 2)
        better = (share > votes) & (forest == cover.forest)
        votes[better], code[better] = share[better], cover.code
    return forest, code


def write_truth(folder: Path, truth: Truth, area: Area) -> None:
    """Write forest_<year>.tif (0, 1; 255 would be unknown), cover_<year>.tif and loss_year.tif."""
    colors = {0: (230, 225, 200, 255), 1: (31, 122, 77, 255)}
    for year, forest, code in zip(truth.years, truth.forest, truth.code, strict=True):
        write_raster(
            folder / f"forest_{year}.tif", forest[None].astype(np.uint8), area.map, ["forest"], 255, colormap=colors
        )
        write_raster(folder / f"cover_{year}.tif", code[None], area.map, ["code"], 0, colormap=DEFAULT_LEGEND.colormap)
    write_raster(folder / "loss_year.tif", truth.loss_year[None], area.map, ["loss_year"], 65535)


def write_stand_age(folder: Path, stand_age: np.ndarray, area: Area) -> None:
    """Write plantation_age.tif: years since planting in the first year, the greatest in a pixel; 0 = not planted.

    Parameters
    ----------
    stand_age : float array (y, x) on the fine grid
    """
    rim = slice(MARGIN_M // FINE_M, -MARGIN_M // FINE_M)
    fine = stand_age[rim, rim]
    rows, cols = (n // 2 for n in fine.shape)
    oldest = fine.reshape(rows, 2, cols, 2).max(axis=(1, 3))
    write_raster(folder / "plantation_age.tif", np.round(oldest)[None].astype(np.uint8), area.map, ["years"], 255)
