"""The search for burns in a pixel's looks, compiled when one is first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled


@compiled
def search(days, index, near, short, rules, out):  # type: ignore[no-untyped-def]
    """Find where within weeks the burn ratio falls, near infrared with it, and shortwave infrared does not rise.

    Parameters
    ----------
    days : int64 (time,)
        Ascending.
    index, near, short : float32 (time, pixel)
        Burn ratio, and logarithms of the two bands, less what is usual on the day; NaN = not clear.
    rules : tuple of float
        Least fall of the index, of the logarithm of nir08; most rise of that of swir16; fall from which one look is
        enough; days from the look before to the first look after; days within which others must agree; days for which
        no other burn is looked for.
    out : tuple of arrays
        Burns (pixel,) uint8; the looks before and after (2, burn, pixel) int16; fall (burn, pixel) float32.
    """
    least, darker, brighter, certain, weeks, agree, rest = rules
    count, looks, fall = out
    times, pixels = index.shape
    most = fall.shape[0]
    clear = np.empty(times, np.int64)
    for p in range(pixels):
        n = 0
        for t in range(times):
            if index[t, p] == index[t, p] and near[t, p] == near[t, p] and short[t, p] == short[t, p]:
                clear[n] = t
                n += 1
        k = 1
        while k < n and count[p] < most:
            before, after = clear[k - 1], clear[k]
            if days[after] - days[before] > weeks:
                k += 1
                continue
            drop = _level(index[:, p], days, clear, (k - 1, -1, n), agree) - index[after, p]
            dark = _level(near[:, p], days, clear, (k - 1, -1, n), agree) - near[after, p]
            bright = short[after, p] - _level(short[:, p], days, clear, (k - 1, -1, n), agree)
            if drop < least or dark < darker or bright > brighter:
                k += 1
                continue
            others, agreeing, j = 0, 0, k + 1
            while j < n and days[clear[j]] - days[after] <= agree and others < 3:
                others += 1
                agreeing += index[clear[j], p] <= index[after, p] + 0.5 * drop
                j += 1
            if drop < certain and (others == 0 or 2 * agreeing <= others):
                k += 1
                continue
            looks[0, count[p], p], looks[1, count[p], p] = before, after
            fall[count[p], p] = drop
            count[p] += 1
            while k < n and days[clear[k]] - days[after] < rest:
                k += 1


@compiled
def _level(index, days, clear, walk, within):  # type: ignore[no-untyped-def]
    """Median of up to three clear looks from the k-th on, backwards or forwards, within so many days."""
    k, step, n = walk
    values = np.empty(3, np.float32)
    found, j = 0, k
    while 0 <= j < n and found < 3 and abs(days[clear[j]] - days[clear[k]]) <= within:
        values[found] = index[clear[j]]
        found += 1
        j += step
    ordered = np.sort(values[:found])
    return (ordered[(found - 1) // 2] + ordered[found // 2]) / np.float32(2)
