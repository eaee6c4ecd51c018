"""Forest loss: its year, its probability, its patches.

Loss year Y = forest in the mapping season of Y-1 and not in that of Y; the first loss if there are several.
A pixel that was not seen has no state, so no change is called from an unseen year: where Y-1 was not seen,
the latest year before it that was seen stands in for it, and Y is the year in which the loss was seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from habitat.change.consistency import two_classes
from habitat.change.dynamics import CoverDynamics
from habitat.cubes import NO_LOSS, UNKNOWN_LOSS, is_loss


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


def dated_loss(lost: np.ndarray, seen: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Return the year of first loss, from how probable a loss is up to each year.

    Lost is what is more probably lost by the last year than not; its year is the first seen one by which half of that
    probability has come together. A single year's doubtful map can shift the year at which a map turns; it shifts this
    one less, as all years have their say.

    Parameters
    ----------
    lost : float array (year, y, x)
        Of :class:`habitat.change.CoverHistory`, NaN where the pixel was seen in fewer than two years.
    seen : bool array (year, y, x)
    years : int array (year,)

    Returns
    -------
    uint16 array (y, x)
        0 = none, 65535 = seen in fewer than two years.
    """
    last = lost[-1]
    reached = seen & (lost >= last / 2)
    loss = np.where(last >= 0.5, years[reached.argmax(axis=0)], NO_LOSS).astype(np.uint16)
    loss[seen.sum(axis=0) < 2] = UNKNOWN_LOSS
    return loss


def loss_probability(evidence: np.ndarray, dynamics: CoverDynamics | None = None) -> np.ndarray:
    """Return the probability that forest was lost at least once in the period: the chain of two classes.

    Parameters
    ----------
    evidence : float array (year, y, x)
        P(forest) of each year alone, 0-1, NaN = not seen.
    dynamics : CoverDynamics, optional
        Of not forest and forest; default: :func:`habitat.change.forest_dynamics`.

    Returns
    -------
    float32 array (y, x)
        0-1; NaN where the pixel was seen in fewer than two years.
    """
    return two_classes(evidence, dynamics).lost[-1]


def patch_numbers(loss_year: np.ndarray) -> np.ndarray:
    """Number the patches of loss from 1, the largest first; 0 where nothing was lost.

    Lost pixels that touch at sides or corners belong together if their years are at most one apart: a clearing
    cut over two winters stays whole, and so does one whose mixed edge was noticed a year late. Of equally large ones
    the earlier comes first, then the one farther north.

    Returns
    -------
    int32 array (y, x)
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    lost = is_loss(loss_year)
    place = np.full(loss_year.shape, -1, dtype=np.int32)
    place[lost] = np.arange(np.count_nonzero(lost))
    height, width = loss_year.shape
    row, col = np.nonzero(lost)
    year = loss_year[lost].astype(np.int32)
    pairs = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        within = np.flatnonzero((row + down < height) & (col + right >= 0) & (col + right < width))
        beside = place[row[within] + down, col[within] + right]
        within, beside = within[beside >= 0], beside[beside >= 0]
        together = np.abs(year[within] - year[beside]) <= 1
        pairs.append((within[together], beside[together]))
    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(len(year),) * 2)
    del place
    numbers = np.zeros(loss_year.shape, dtype=np.int32)
    numbers[lost] = _largest_first(connected_components(links, directed=False)[1], loss_year[lost])
    return numbers


def _largest_first(found: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Numbers from 1, of patches in the order of their size, then of the year of most of their pixels."""
    sizes = np.bincount(found)
    pairs, counts = np.unique(found.astype(np.int64) * 2**16 + years, return_counts=True)
    of, year = np.divmod(pairs, 2**16)
    most_last = np.lexsort((-year, counts, of))  # of years with as many pixels the first counts
    main_year = np.zeros(len(sizes), dtype=np.int64)
    main_year[of[most_last]] = year[most_last]
    place = np.empty(len(sizes), dtype=np.int32)
    place[np.lexsort((np.arange(len(sizes)), main_year, -sizes))] = np.arange(1, len(sizes) + 1)
    return place[found]


def without_small_patches(loss_year: np.ndarray, *, min_pixels: float) -> np.ndarray:
    """Return the loss years without patches of fewer than `min_pixels` pixels (see :func:`patch_numbers`)."""
    patches = patch_numbers(loss_year)
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
        patch, year (of most of its pixels), area_ha, probability (mean of its pixels), geometry in the grid's
        reference system. What a patch is: see :func:`patch_numbers`.
    """
    import geopandas as gpd

    patches = patch_numbers(loss_year)
    lost = patches > 0
    outlines = patch_outlines(patches, grid)
    geometry = gpd.GeoDataFrame(outlines, columns=["patch", "geometry"], geometry="geometry", crs=str(grid.crs))
    pixels = pd.DataFrame({"patch": patches[lost], "year": loss_year[lost], "probability": probability[lost]})
    by_patch = pixels.groupby("patch").agg(
        year=("year", lambda years: int(np.bincount(years).argmax())),
        area_ha=("year", lambda years: len(years) * abs(grid.transform.a * grid.transform.e) / 1e4),
        probability=("probability", "mean"),
    )
    table = geometry.astype({"patch": int}).merge(by_patch.reset_index(), on="patch")
    table = table.sort_values("patch", ignore_index=True)
    return table[["patch", "year", "area_ha", "probability", "geometry"]].astype(
        {"year": "int64", "area_ha": float, "probability": float}
    )


def patch_outlines(numbers: np.ndarray, grid: GeoBox) -> list[tuple[float, Any]]:
    """Return number and polygon of each patch of pixels that touch at sides or corners.

    Parameters
    ----------
    numbers : int32 or uint8 array (y, x)
        0 = no patch.
    grid : GeoBox
        On which they lie.
    """
    from rasterio.features import shapes
    from shapely import make_valid
    from shapely.geometry import shape

    return [
        (number, make_valid(shape(polygon)))  # where pixels touch at corners alone, an outline crosses itself
        for polygon, number in shapes(numbers, mask=numbers > 0, connectivity=8, transform=grid.transform)
    ]
