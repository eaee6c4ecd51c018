"""How many places to look at, in which strata, and which ones: drawn by chance, and the same ones every time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from odc.geo.geobox import GeoBox

from habitat.errors import EstimationError
from habitat.grids import Block

Allocation = Literal["proportional", "equal", "optimal"]


def sample_size(shares: ArrayLike, accuracies: ArrayLike, target_se: float) -> int:
    """Return how many samples give overall accuracy a standard error of `target_se`.

    Parameters
    ----------
    shares : (stratum,)
        Of the area, summing to 1.
    accuracies : (stratum,)
        User's accuracy that each stratum is expected to have, 0-1.
    target_se : float
        Standard error of overall accuracy, 0-1.

    References
    ----------
    Cochran (1977), Sampling Techniques, eq. 5.25; Olofsson et al. (2014), eq. 13.

    Examples
    --------
    Olofsson et al.'s own:

    >>> sample_size([0.020, 0.015, 0.320, 0.645], [0.70, 0.60, 0.90, 0.95], 0.01)
    641
    """
    return int(np.ceil((np.dot(np.asarray(shares), _spread(accuracies)) / target_se) ** 2))


def allocate(
    total: int,
    pixels: ArrayLike,
    *,
    accuracies: ArrayLike,
    how: Allocation = "proportional",
    least: int = 50,
) -> np.ndarray:
    """Share samples among strata.

    Parameters
    ----------
    total : int
        Samples; more if `least` in every stratum makes more.
    pixels : (stratum,)
        Of each stratum.
    accuracies : (stratum,)
        User's accuracy that each is expected to have, 0-1.
    how : {"proportional", "equal", "optimal"}
        To the strata's pixels; the same in each; to pixels times the spread of right and wrong (Neyman), which makes
        the standard error of overall accuracy least.
    least : int
        So many in every stratum, or all its pixels; the rest is shared among those that have not got their due.

    Returns
    -------
    int array (stratum,)

    Examples
    --------
    >>> allocate(640, [20_000, 15_000, 320_000, 645_000], accuracies=[0.7, 0.6, 0.9, 0.95], least=75)
    array([ 75,  75, 162, 328])
    """
    held = np.asarray(pixels, dtype=np.int64)
    parts = {
        "proportional": held.astype(float),
        "equal": np.ones(len(held)),
        "optimal": held * np.maximum(_spread(accuracies), 1e-9),
    }[how]
    n = np.zeros(len(held), dtype=np.int64)
    open_to = np.ones(len(held), dtype=bool)
    while open_to.any():
        left = max(total - int(n[~open_to].sum()), 0)
        due = left * parts / parts[open_to].sum()
        low, high = open_to & (due < least), open_to & (due > held)
        settled = low if low.any() else high
        if not settled.any():
            n[open_to] = _whole(due[open_to], left)
            break
        n[settled] = np.minimum(np.where(low, least, held), held)[settled]
        open_to &= ~settled
    return np.minimum(n, held)


def _spread(accuracies: ArrayLike) -> np.ndarray:
    right = np.asarray(accuracies, dtype=float)
    return np.sqrt(right * (1 - right))


def _whole(due: np.ndarray, total: int) -> np.ndarray:
    """Round to whole numbers that sum to `total`: largest remainders first, the earlier in a tie."""
    n = np.floor(due).astype(np.int64)
    most = np.argsort(-(due - n), kind="stable")[: total - int(n.sum())]
    n[most] += 1
    return n


def expected_se(n: np.ndarray, shares: ArrayLike, accuracies: ArrayLike) -> float:
    """Return the standard error of overall accuracy that an allocation is expected to give."""
    return float(np.sqrt(np.sum((np.asarray(shares) * _spread(accuracies)) ** 2 / n)))


def allocate_for(
    target_se: float,
    pixels: ArrayLike,
    *,
    accuracies: ArrayLike,
    how: Allocation = "proportional",
    least: int = 50,
) -> np.ndarray:
    """Share the fewest samples among strata that give overall accuracy a standard error of `target_se`.

    :func:`sample_size` is for optimal shares; others take more, and `least` may take from where they are needed.

    Parameters
    ----------
    target_se : float
        Standard error of overall accuracy, 0-1.
    pixels, accuracies, how, least
        As of :func:`allocate`.

    Returns
    -------
    int array (stratum,)
        All pixels, if they are too few.

    Examples
    --------
    >>> allocate_for(0.01, [20_000, 15_000, 320_000, 645_000], accuracies=[0.7, 0.6, 0.9, 0.95], least=2).tolist()
    [14, 10, 215, 433]
    """
    held, right = np.asarray(pixels, dtype=np.int64), np.asarray(accuracies, dtype=float)
    there, shares = held > 0, held / held.sum()

    def shared(total: int) -> np.ndarray:
        return allocate(total, held, accuracies=right, how=how, least=least)

    def enough(total: int) -> bool:
        return expected_se(shared(total)[there], shares[there], right[there]) <= target_se

    all_pixels = int(held.sum())
    few = high = min(sample_size(shares, right, target_se), all_pixels)
    while high < all_pixels and not enough(high):
        few, high = high, min(2 * high + 1, all_pixels)
    while few + 1 < high:
        middle = (few + high) // 2
        few, high = (few, middle) if enough(middle) else (middle, high)
    return shared(high)


# -- which ones -----------------------------------------------------------------------------------------


def lots(pixel: np.ndarray, seed: int) -> np.ndarray:
    """Return each pixel's lot, uint64 as if drawn by chance: a function of its number in the grid and the seed alone.

    References
    ----------
    Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, OOPSLA: the mixing of SplitMix64.
    """
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    with np.errstate(over="ignore"):
        z = (pixel.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + key
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draw_sample(
    parts: Iterable[tuple[Block, np.ndarray]], grid: GeoBox, n: Iterable[int], *, seed: int
) -> pd.DataFrame:
    """Draw pixels by chance in each stratum, without one twice.

    Every pixel has a lot, and a stratum's sample are its pixels of the lowest lots: neither the blocks nor their order
    show in it, and a larger sample holds the smaller one.

    Parameters
    ----------
    parts : iterable of (Block, uint8 array (y, x))
        The strata block by block: 0 = none, else number of the stratum from 1.
    grid : GeoBox
        That the blocks are of.
    n : (stratum,)
        How many of each.

    Returns
    -------
    DataFrame
        stratum (from 0), row, col; in an order by chance that tells nothing of the strata.

    Raises
    ------
    EstimationError
        If a stratum has too few pixels.
    """
    n = [int(wanted) for wanted in n]
    found = [pd.DataFrame({"stratum": [], "pixel": [], "lot": []}).astype(_TYPES) for _ in n]
    for block, strata in parts:
        for at, wanted in enumerate(n):
            rows, cols = np.nonzero(strata == at + 1)
            pixel = (rows + block.rows.start).astype(np.int64) * grid.shape.x + cols + block.cols.start
            fresh = pd.DataFrame({"stratum": at, "pixel": pixel, "lot": lots(pixel, seed)}).astype(_TYPES)
            found[at] = pd.concat([found[at], fresh]).nsmallest(wanted, ["lot", "pixel"])
    for at, (table, wanted) in enumerate(zip(found, n, strict=True)):
        if len(table) < wanted:
            raise EstimationError(f"stratum {at} has {len(table)} pixels, not {wanted}", where="draw_sample")
    drawn = pd.concat(found)
    drawn["order"] = lots(drawn["pixel"].to_numpy(), seed + 1)
    drawn = drawn.sort_values(["order", "pixel"], ignore_index=True)
    row, col = np.divmod(drawn["pixel"].to_numpy(), grid.shape.x)
    return pd.DataFrame({"stratum": drawn["stratum"], "row": row, "col": col})


_TYPES = {"stratum": np.int64, "pixel": np.int64, "lot": np.uint64}
