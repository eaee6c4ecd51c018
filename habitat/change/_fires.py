"""What makes burnt pixels a fire: neighbours that burned at the same time, and how severely they did."""

from __future__ import annotations

import numpy as np

Burns = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Burns (pixel,) uint8; looks before and after (2, burn, pixel) int16, -1 = none; charring (burn, pixel) float32."""


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
    most = len(charring)
    after = found[1].reshape(most, *shape)
    kept = _in_fires(np.where(after >= 0, days[np.maximum(after, 0)], -1), after >= 0, apart_days, fewest_pixels)
    order = np.argsort(~kept.reshape(most, -1), axis=0, kind="stable")  # those that are kept first, in order of time
    kept = np.take_along_axis(kept.reshape(most, -1), order, axis=0)
    for look in found:
        look[:] = np.where(kept, np.take_along_axis(look, order, axis=0), -1)
    charring[:] = np.where(kept, np.take_along_axis(charring, order, axis=0), np.nan)
    count[:] = kept.sum(axis=0)


def _in_fires(day: np.ndarray, some: np.ndarray, apart_days: float, fewest_pixels: int) -> np.ndarray:
    """Which burns (burn, y, x) lie in a group of at least so many, through neighbours of about their day."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    burns = int(some.sum())
    if not burns:
        return some.copy()
    place = np.where(some, np.cumsum(some).reshape(some.shape) - 1, -1)
    slots = [k for k in range(len(some)) if some[k].any()]
    height, width = some.shape[1:]
    pairs = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = np.s_[: height - down, max(0, -right) : width - max(0, right)]
        there = np.s_[down:, max(0, right) : width + min(0, right)]
        for one in slots:
            for other in slots:
                meet = some[one][here] & some[other][there]
                meet &= np.abs(day[one][here] - day[other][there]) <= apart_days
                pairs.append((place[one][here][meet], place[other][there][meet]))
    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(burns, burns))
    fire = connected_components(links, directed=False)[1]
    kept: np.ndarray = np.zeros(some.shape, bool)
    kept[some] = np.bincount(fire)[fire] >= fewest_pixels
    return kept


def severity(falls: np.ndarray, burnt: np.ndarray, edges: tuple[float, ...]) -> np.ndarray:
    """Return the class of severity, uint8: 0 not burnt, 1 below the first edge of the greater fall, and on.

    `falls` (2, burn, pixel) are those within weeks and a year on; NaN = not seen.
    """
    with np.errstate(invalid="ignore"):
        greater = np.fmax(falls[0], falls[1])
    return np.where(burnt, 1 + np.searchsorted(edges, np.nan_to_num(greater), side="right"), 0).astype(np.uint8)
