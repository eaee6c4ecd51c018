"""What makes burnt pixels a fire: neighbours that burned at the same time, and how severely they did."""

from __future__ import annotations

import numpy as np
import pandas as pd

Burns = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Burns (pixel,) uint8; looks before and after (2, burn, pixel) int16, -1 = none; charring (burn, pixel) float32."""
_SIDES = ((0, 1), (1, 0), (1, 1), (1, -1))


def with_neighbours(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the mean of each pixel and the clear ones of the eight around it, float32 (time, pixel).

    It is the same, to the bit, wherever a block begins: sums are taken in one order.
    """
    result = np.empty_like(values)
    for look, into in zip(values, result, strict=True):
        clear = np.isfinite(look)
        total = _summed(np.where(clear, look, np.float32(0)).reshape(shape))
        count = _summed(clear.astype(np.float32).reshape(shape))
        into[:] = np.where(clear, (total / np.maximum(count, 1)).ravel(), np.nan)
    return result


def _summed(values: np.ndarray) -> np.ndarray:
    """Sum over each pixel and the eight around it; beyond the rim there is nothing."""
    padded = np.pad(values, 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:])


def keep_fires(
    days: np.ndarray, burns: Burns, shape: tuple[int, int], *, apart_days: float, fewest_pixels: int
) -> None:
    """Take away, in place, the burns that have too few others of about the same date around them.

    Parameters
    ----------
    days : int64 array (time,)
    burns : Burns
    shape : tuple of int
        (y, x) of the pixels.
    apart_days : float
        Burns of neighbours, at sides or corners, belong together if they are at most so far apart.
    fewest_pixels : int
    """
    count, found, charring = burns
    shown = found[1] >= 0
    slot, pixel = np.nonzero(shown)
    row, column = np.divmod(pixel, shape[1])
    fire = joined(row, column, days[found[1][slot, pixel]], apart_days=apart_days)
    kept = np.zeros(shown.shape, bool)
    kept[slot, pixel] = np.bincount(fire)[fire] >= fewest_pixels
    order = np.argsort(~kept, axis=0, kind="stable")  # those that are kept first, in order of time
    kept = np.take_along_axis(kept, order, axis=0)
    for look in found:
        look[:] = np.where(kept, np.take_along_axis(look, order, axis=0), -1)
    charring[:] = np.where(kept, np.take_along_axis(charring, order, axis=0), np.nan)
    count[:] = kept.sum(axis=0)


def joined(row: np.ndarray, column: np.ndarray, day: np.ndarray, *, apart_days: float) -> np.ndarray:
    """Number the groups of burns that are linked through neighbours, at sides or corners, of about their day.

    Parameters
    ----------
    row, column, day : int64 array (burn,)
        A pixel may have several burns.
    apart_days : float
        Burns of neighbours belong together if they are at most so far apart.

    Returns
    -------
    int array (burn,)
        From 0; in no order that means anything.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(row):
        return np.empty(0, np.int64)
    width = int(column.max()) + 3  # a column more on each side, so that no row runs on into the next
    place = row * width + column + 1
    own = pd.DataFrame({"place": place, "burn": np.arange(len(place)), "day": day})
    ends = []
    for down, right in _SIDES:
        beside = own.assign(place=place - down * width - right)
        met = own.merge(beside, on="place", suffixes=("", "_beside"))
        met = met[(met["day"] - met["day_beside"]).abs() <= apart_days]
        ends.append(met[["burn", "burn_beside"]].to_numpy())
    first, second = np.concatenate(ends).T
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(len(place),) * 2)
    return np.asarray(connected_components(links, directed=False)[1])


def severity(falls: np.ndarray, burnt: np.ndarray, edges: tuple[float, ...]) -> np.ndarray:
    """Return the class of severity, uint8: 0 not burnt, 1 below the first edge of the greater fall, and on.

    `falls` (2, burn, pixel) are those within weeks and a year on; NaN = not seen.
    """
    with np.errstate(invalid="ignore"):
        greater = np.fmax(falls[0], falls[1])
    return np.where(burnt, 1 + np.searchsorted(edges, np.nan_to_num(greater), side="right"), 0).astype(np.uint8)
