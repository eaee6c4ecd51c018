"""Simulated landscapes with labels, predictors and truth, in memory: what the studies of forest maps share.

Blocks of land are left out: labels of a third of the blocks never train what is judged there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.metrics import f1_score

from habitat.cubes import BANDS
from habitat.grids import pixels_of
from habitat.imagery import clear_looks, fit_harmonics, forest_features, seasonal_median, terrain_features
from habitat.imagery.features import Group
from habitat.seasons import MAPPING, Season
from habitat.simulate import make_study
from habitat.simulate.fields import block_mean

FOREST_CODES = (11, 12, 13, 14, 15)
SEASONS = (
    Season.parse(MAPPING, "06-01/09-15"),
    Season.parse("leaf_off", "03-15/04-30"),
    Season.parse("flush", "05-01/05-31"),
    Season.parse("autumn", "09-16/10-31"),
)
ALL_GROUPS: tuple[Group, ...] = ("bands", "indices", "harmonics", "terrain", "texture", "looks")
BLOCKS, FOLDS = 6, 3
"""Blocks of land along each side, and into how many parts they are dealt."""


@dataclass(frozen=True)
class Landscape:
    """What a study needs of a simulated landscape."""

    years: tuple[int, ...]
    features: xr.Dataset
    code: np.ndarray
    """uint8 (year, y, x): the truth."""
    labels: pd.DataFrame
    """row, col, year, code: as a person drew them, about 2% wrong."""

    @property
    def side(self) -> int:
        """Pixels along each side."""
        return int(self.code.shape[1])

    def fold_of(self, rows: Any, cols: Any) -> np.ndarray:
        """The part, 0 to 2, that each pixel's block was dealt to."""
        dealt = np.random.default_rng(1).permutation(BLOCKS**2) % FOLDS
        size = -(-self.side // BLOCKS)
        return dealt[np.asarray(rows) // size * BLOCKS + np.asarray(cols) // size]

    def names(self, groups: Sequence[str]) -> list[str]:
        """Predictors of some groups."""
        return [str(name) for name in self.features.data_vars if group_of(str(name)) in groups]

    def samples(self, labels: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the labels that were seen, with all predictors."""
        table = self.labels if labels is None else labels
        at = tuple(xr.DataArray(table[name].to_numpy() - first, dims="label")
                   for name, first in (("year", self.years[0]), ("row", 0), ("col", 0)))  # fmt: skip
        seen = {name: values.values[at[0], at[1], at[2]] for name, values in self.features.data_vars.items()}
        joined = pd.concat([table.assign(dated=True).reset_index(drop=True), pd.DataFrame(seen)], axis=1)
        return joined[joined[list(seen)].notna().any(axis=1)].reset_index(drop=True)


def group_of(name: str) -> str:
    """The group that a predictor is of."""
    first, _, rest = name.partition("_")
    if name in ("height_m", "slope", "northness", "eastness"):
        return "terrain"
    if rest in ("level", "cos", "sin", "cos2", "sin2", "scatter"):
        return "harmonics"
    if rest in ("3x3", "5x5"):
        return "texture"
    return "looks" if first == "looks" else "bands" if first in BANDS else "indices"


def make_labelled(
    seed: int, *, size_km: float = 3.0, years: range = range(2018, 2022), preset: Any = "full",
    seasons: Sequence[Season] = SEASONS,
) -> Landscape:  # fmt: skip
    """Return a landscape of a seed: the labels that its sample would hold, and all groups of predictors."""
    study = make_study(preset=preset, seed=seed, size_km=size_km, years=years)
    points = study.draw_training()
    rows, cols, _ = pixels_of(study.area.map, points.geometry.x, points.geometry.y)
    dates = pd.to_datetime(points["date"]).dt.year.to_numpy()
    labels = pd.DataFrame({"row": rows, "col": cols, "year": dates, "code": points["code"].to_numpy(dtype=int)})
    beyond = round((study.area.map.transform.c - study.area.fine.transform.c) / study.area.fine.transform.a)
    height_m = block_mean(study.landscape.terrain.height_m[beyond:-beyond, beyond:-beyond], 2)
    stack = clear_looks(study.take_looks().stack())
    made = features_of(stack, years=years, seasons=seasons, height_m=height_m)
    return Landscape(tuple(years), made, study.truth.code, labels)


def features_of(
    stack: xr.Dataset, *, years: Sequence[int], seasons: Sequence[Season], height_m: np.ndarray
) -> xr.Dataset:
    """Return all predictors of a stack of clear looks, rounded as a run's files hold them."""
    composite = seasonal_median(stack, years=years, seasons=seasons)
    composite = composite.assign({band: composite[band].round(4) for band in BANDS})
    course = fit_harmonics(stack, years=years, seasons=seasons).round(4)
    ground = terrain_features(height_m.astype(np.float32), resolution_m=20)
    return forest_features(composite, groups=ALL_GROUPS, harmonics=course, terrain=ground)


def judge(truth: np.ndarray, said: np.ndarray) -> tuple[float, float]:
    """Balanced accuracy of forest against the rest, and the mean F1 of the classes that are there."""
    forest, called = np.isin(truth, FOREST_CODES), np.isin(said, FOREST_CODES)
    balanced = (called[forest].mean() + (~called[~forest]).mean()) / 2
    return float(balanced), float(f1_score(truth, said, average="macro", labels=np.unique(truth), zero_division=0))


def likeliest(said: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The likeliest class of the likelier of forest and the rest; `said` is (sample, class)."""
    forest = np.isin(codes, FOREST_CODES)
    best = [codes[kind][said[:, kind].argmax(axis=1)] for kind in (forest, ~forest)]
    return np.where(said[:, forest].sum(axis=1) >= 0.5, best[0], best[1])
