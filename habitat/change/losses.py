"""Forest loss: its year, its probability, its patches.

Loss year Y = forest in the mapping season of Y-1 and not in that of Y; the first loss if there are several.
A pixel that was not seen has no state, so no change is called from an unseen year: where Y-1 was not seen,
the latest year before it that was seen stands in for it, and Y is the year in which the loss was seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from habitat.change.consistency import ForestDynamics, forward, likelihoods

NO_LOSS = 0
UNKNOWN_LOSS = 65535
"""The pixel was seen in fewer than two years."""


def first_loss_year(forest: np.ndarray, seen: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Return the year of first loss.

    Parameters
    ----------
    forest, seen : bool arrays (year, y, x)
        State of each year, and whether there is one.
    years : int array (year,)

    Returns
    -------
    uint16 array (y, x)
        0 = none, 65535 = seen in fewer than two years.
    """
    loss = np.zeros(forest.shape[1:], dtype=np.uint16)
    was_forest = np.zeros(forest.shape[1:], dtype=bool)
    for state, known, year in zip(forest, seen, years, strict=True):
        lost = known & ~state & was_forest & (loss == NO_LOSS)
        loss[lost] = year
        was_forest = np.where(known, state, was_forest)
    loss[seen.sum(axis=0) < 2] = UNKNOWN_LOSS
    return loss


def loss_probability(evidence: np.ndarray, dynamics: ForestDynamics | None = None) -> np.ndarray:
    """Return the probability that forest was lost at least once in the period.

    It is one minus the evidence's probability under a chain that cannot lose forest, over that under
    the chain that can.

    Parameters
    ----------
    evidence : float array (year, y, x)
        P(forest) of each year alone, 0-1, NaN = not seen.

    Returns
    -------
    float32 array (y, x)
        0-1; NaN where the pixel was seen in fewer than two years.
    """
    dynamics = dynamics or ForestDynamics()
    likelihood = likelihoods(evidence, dynamics)
    # paths without a loss keep their probability; those with one are struck out
    lossless = dynamics.transitions.copy()
    lossless[1, 0] = 0.0
    _, with_loss = forward(likelihood, dynamics.transitions)
    _, without = forward(likelihood, lossless)
    probability = 1 - np.exp(without - with_loss)
    unknown = np.isfinite(evidence).sum(axis=0) < 2
    return np.where(unknown, np.nan, np.clip(probability, 0, 1)).astype(np.float32)


def without_small_patches(loss_year: np.ndarray, *, min_pixels: float) -> np.ndarray:
    """Return the loss years without patches of fewer than `min_pixels` pixels.

    A patch is a group of lost pixels that touch at sides or corners, whatever their years: one clearing cut
    over two winters stays whole.
    """
    from scipy.ndimage import label

    lost = (loss_year != NO_LOSS) & (loss_year != UNKNOWN_LOSS)
    patches, _ = label(lost, structure=np.ones((3, 3)))
    small = np.bincount(patches.ravel()) < min_pixels
    small[0] = False
    return np.where(small[patches], np.uint16(NO_LOSS), loss_year)


def loss_patches(loss_year: np.ndarray, probability: np.ndarray, grid: GeoBox) -> Any:
    """Return the patches of loss as polygons, largest first.

    Parameters
    ----------
    loss_year : uint16 array (y, x)
    probability : float array (y, x)
        0-1.

    Returns
    -------
    GeoDataFrame
        patch, year, area_ha, probability (mean of its pixels), geometry in the grid's reference system;
        pixels of one year that touch at sides or corners are one patch.
    """
    import geopandas as gpd
    import pandas as pd
    from rasterio.features import shapes
    from scipy.ndimage import label, mean
    from shapely.geometry import shape

    patches = np.zeros(loss_year.shape, dtype=np.int32)
    years: list[int] = []
    for year in np.unique(loss_year[(loss_year != NO_LOSS) & (loss_year != UNKNOWN_LOSS)]):
        found, n = label(loss_year == year, structure=np.ones((3, 3)))
        patches[found > 0] = found[found > 0] + len(years)
        years += [int(year)] * n
    numbers = np.arange(1, len(years) + 1)
    pixel_ha = abs(grid.transform.a * grid.transform.e) / 1e4
    parts = gpd.GeoDataFrame(
        [
            (int(number), shape(polygon))
            for polygon, number in shapes(patches, mask=patches > 0, connectivity=8, transform=grid.transform)
        ],
        columns=["patch", "geometry"],
        geometry="geometry",
        crs=str(grid.crs),
    ).set_index("patch")
    table = gpd.GeoDataFrame(
        {
            "patch": numbers,
            "year": pd.array(years, dtype="int64"),
            "area_ha": np.bincount(patches.ravel(), minlength=len(years) + 1)[1:] * pixel_ha,
            "probability": np.asarray(mean(probability, patches, numbers), dtype=float) if years else np.empty(0),
        },
        geometry=parts.geometry.loc[numbers].to_numpy() if years else [],
        crs=str(grid.crs),
    )
    table = table.sort_values(["area_ha", "year", "patch"], ascending=[False, True, True], ignore_index=True)
    return table.assign(patch=np.arange(1, len(table) + 1))
