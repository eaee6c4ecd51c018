"""What is usual for a pixel on a day of the year, and the search for charred looks; compiled when first asked for."""

from __future__ import annotations

import numpy as np

from habitat.grids.compiling import compiled

_DAYS_AROUND, _DAYS_APART = 25.0, 180.0
"""Looks are comparable that lie so near in the year, and so far apart in time."""
_MOST, _FEWEST = 9, 3
"""Comparable looks that are asked, and that are needed."""


def comparable_looks(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each look those of other years at its time of the year: earlier ones first, of each the nearest.

    What burned, or was built on, is to be held against what it was.

    Parameters
    ----------
    days : int64 (time,)
        Days since some day, ascending.

    Returns
    -------
    int64 (time + 1,), int64 (n,)
        Where the list of each look begins, and the lists, one after the other.
    """
    begins, lists = [0], []
    season = days % 365.2425
    for day, when in zip(days, season, strict=True):
        off = np.abs(season - when)
        near = np.flatnonzero((np.minimum(off, 365.2425 - off) <= _DAYS_AROUND) & (np.abs(days - day) > _DAYS_APART))
        lists.append(near[np.lexsort((np.abs(days[near] - day), days[near] > day))])
        begins.append(begins[-1] + len(near))
    return np.array(begins, np.int64), np.concatenate([np.empty(0, np.int64), *lists]).astype(np.int64)


def without_season(values: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Take each pixel's own season off, in place: the median of its comparable looks.

    Parameters
    ----------
    values : float32 (time, pixel)
        NaN = not clear. Looks without comparable ones become NaN.
    days : int64 (time,)

    Returns
    -------
    bool (pixel,)
        Whether most clear looks had comparable ones; the other pixels are left as they were.
    """
    usual = np.empty_like(values)
    _usual_looks(values, *comparable_looks(days), usual)
    clear = np.isfinite(values)
    seasonal: np.ndarray = 2 * (clear & np.isfinite(usual)).sum(axis=0) > clear.sum(axis=0)
    values[:, seasonal] -= usual[:, seasonal]
    return seasonal


@compiled
def _usual_looks(values, begins, lists, out):  # type: ignore[no-untyped-def]
    """Median of the first comparable looks that are clear, of later ones only where too few are earlier; else NaN."""
    times, pixels = values.shape
    asked = np.empty(_MOST, np.float32)
    for t in range(times):
        for p in range(pixels):
            n = 0
            for j in range(begins[t], begins[t + 1]):
                if lists[j] > t and n >= _FEWEST:
                    break
                value = values[lists[j], p]
                if value == value:
                    k = n
                    while k > 0 and asked[k - 1] > value:
                        asked[k] = asked[k - 1]
                        k -= 1
                    asked[k] = value
                    n += 1
                    if n == _MOST:
                        break
            out[t, p] = (asked[(n - 1) // 2] + asked[n // 2]) / np.float32(2) if n >= _FEWEST else np.nan


@compiled
def search(days, looks, ground, rules, out):  # type: ignore[no-untyped-def]
    """Find the looks in which the near and the shortwave infrared are both darker than in those before, and usual.

    Or the near infrared alone, and far, where crowns burned: they were as dark as char in swir16.

    Parameters
    ----------
    days : int64 (time,)
        Ascending.
    looks : tuple of float32 (time, pixel)
        Logarithms of nir08, of swir16, and of swir16 over swir22, less what is usual, each the mean of a pixel and
        those around it; and of nir08, of the pixel alone, which must fall by half as much; NaN = not clear.
    ground : tuple of arrays
        bool (pixel,), whether the pixel's own season is taken off; if not, looks are compared within weeks alone. int64
        (pixel,), its kind. float32 (time, kind), the least fall that stands out on the day.
    rules : tuple of float
        Least charring; least fall of the logarithm of swir16 over swir22; the least fall of nir08 and that of swir16
        over swir22 where crowns burned; most rise of swir16 there; days within which others must agree; most
        days from the look before to the first look after without and with the season taken off; days for which no
        other burn is looked for.
    out : tuple of arrays
        Burns (pixel,) uint8; the looks before and after (2, burn, pixel) int16; charring (burn, pixel) float32.
    """
    least, flat, crown, crown_flat, brighter, agree, weeks, months, rest = rules
    near, short, slope, sharp = looks
    seasonal, kinds, unrest = ground
    count, found, charring = out
    times, pixels = near.shape
    most = found.shape[1]
    clear = np.empty(times, np.int64)
    for p in range(pixels):
        n = _clear_looks(near[:, p] + short[:, p] + slope[:, p], clear)
        k = 1
        span = months if seasonal[p] else weeks
        while k < n and count[p] < most:
            before, after = clear[k - 1], clear[k]
            if days[after] - days[before] > span:
                k += 1
                continue
            was_near = _level(near[:, p], days, clear, k - 1, span, seasonal[p])
            if was_near - near[after, p] < min(least, crown):
                k += 1
                continue
            was_short = _level(short[:, p], days, clear, k - 1, span, seasonal[p])
            was_slope = _level(slope[:, p], days, clear, k - 1, span, seasonal[p])
            dark, fall = was_near - near[after, p], was_short - short[after, p]
            flatter = was_slope - slope[after, p]
            on_ground = min(dark, fall) >= max(least, unrest[after, kinds[p]]) and flatter >= flat
            own = _level(sharp[:, p], days, clear, k - 1, span, seasonal[p]) - sharp[after, p]
            if own < dark / 2 or (not on_ground and (dark < crown or fall < -brighter or flatter < crown_flat)):
                k += 1
                continue
            others, agreeing, j = 0, 0, k + 1
            while j < n and days[clear[j]] - days[after] <= agree and others < 3:
                others += 1
                if on_ground:
                    agreeing += was_short - short[clear[j], p] >= np.float32(0.4) * min(dark, fall)
                else:
                    agreeing += was_near - near[clear[j], p] >= np.float32(0.4) * dark
                j += 1
            if 2 * agreeing < others or (not on_ground and others == 0):
                k += 1
                continue
            found[0, count[p], p], found[1, count[p], p] = before, after
            charring[count[p], p] = (dark + fall) / 2
            count[p] += 1
            while k < n and days[clear[k]] - days[after] < rest:
                k += 1


@compiled
def spread(days, short, ground, rules, out):  # type: ignore[no-untyped-def]
    """Let burns found run on, once, into neighbours whose shortwave infrared darkens at the same time.

    Under leaves that come out the near infrared does not tell char any more.

    Parameters
    ----------
    days, short, ground
        As for :func:`search`.
    rules : tuple of float
        Least fall of the logarithm of swir16; days within which a neighbour must show it; most days from the look
        before to that look; days around a burn in which the pixel has no other; the last two: height and width, pixels.
    out : tuple of arrays
        As for :func:`search`; changed in place.

    Returns
    -------
    int
        How many burns were added.
    """
    least, agree, months, rest, height, width = rules
    _, kinds, unrest = ground
    count, found, charring = out
    times, most = len(days), found.shape[1]
    had, was = count.copy(), found.copy()
    clear = np.empty(times, np.int64)
    added = 0
    for p in range(height * width):
        y, x = p // width, p % width
        n = -1
        for side in range(9):
            down, right = side // 3 - 1, side % 3 - 1
            q = p + down * width + right
            if q == p or not (0 <= y + down < height and 0 <= x + right < width):
                continue
            for burn in range(had[q]):
                begun = days[was[1, burn, q]]
                if count[p] == most or _burnt_near(days, found[1, :, p], begun, rest):
                    continue
                if n < 0:
                    n = _clear_looks(short[:, p], clear)
                k = np.searchsorted(clear[:n], was[0, burn, q], side="right")
                if k == 0 or k >= n or days[clear[k]] > begun + agree or days[clear[k]] - days[clear[k - 1]] > months:
                    continue
                fall = _level(short[:, p], days, clear, k - 1, months, True) - short[clear[k], p]
                if fall < max(least, unrest[clear[k], kinds[p]]):
                    continue
                place = count[p]  # burns stay in order of time
                while place > 0 and found[1, place - 1, p] > clear[k]:
                    found[:, place, p] = found[:, place - 1, p]
                    charring[place, p] = charring[place - 1, p]
                    place -= 1
                found[0, place, p], found[1, place, p] = clear[k - 1], clear[k]
                charring[place, p] = fall
                count[p] += 1
                added += 1
    return added


@compiled
def _burnt_near(days, looks, begun, rest):  # type: ignore[no-untyped-def]
    """Whether one of a pixel's burns lies within so many days."""
    near = False
    for look in looks:
        near |= look >= 0 and abs(days[look] - begun) < rest
    return near


@compiled
def _clear_looks(values, clear):  # type: ignore[no-untyped-def]
    """Put the looks that are clear into `clear`, and return how many they are."""
    n = 0
    for t in range(len(values)):
        if values[t] == values[t]:
            clear[n] = t
            n += 1
    return n


@compiled
def _level(values, days, clear, k, within, at_most_usual):  # type: ignore[no-untyped-def]
    """Median of up to three clear looks from the k-th on backwards, within so many days.

    A look before that was brighter than usual makes no char of the one after it: it counts as usual, or nearly so.
    """
    first = second = third = values[clear[k]]
    found = 1
    while found < 3 and k >= found and days[clear[k]] - days[clear[k - found]] <= within:
        if found == 1:
            second = third = values[clear[k - 1]]
        else:
            third = values[clear[k - 2]]
        found += 1
    if found == 3:
        middle = max(min(first, second), min(max(first, second), third))
    else:
        middle = (first + second) / np.float32(2)
    return min(middle, np.float32(0.1)) if at_most_usual else middle


@compiled
def measure(days, ratio, over_years, agree, out):  # type: ignore[no-untyped-def]
    """Fall of the burn ratio at each burn found: within weeks, and from the year before to the year after.

    Parameters
    ----------
    days : int64 (time,)
    ratio, over_years : float32 (time, pixel)
        Burn ratio less what is usual on the day, and in the pixel's season or not; NaN = not clear.
    agree : float
        Days after the first look whose looks count as within weeks.
    out : tuple of arrays
        Looks before and after (2, burn, pixel) int16; both falls (2, burn, pixel) float32.
    """
    found, falls = out
    _, most, pixels = found.shape
    for p in range(pixels):
        for burn in range(most):
            before, after = found[0, burn, p], found[1, burn, p]
            if after < 0:
                continue
            begun = days[after]
            falls[0, burn, p] = _middle(ratio[:, p], days, days[before] - 2 * agree, days[before]) - _middle(
                ratio[:, p], days, begun, begun + agree
            )
            falls[1, burn, p] = _middle(over_years[:, p], days, days[before] - 365, days[before]) - _middle(
                over_years[:, p], days, begun + 60, begun + 425
            )


@compiled
def _middle(values, days, first, last):  # type: ignore[no-untyped-def]
    """Median of the clear looks from the first to the last day; NaN without any."""
    begin, end = np.searchsorted(days, first, side="left"), np.searchsorted(days, last, side="right")
    return np.float32(np.nanmedian(values[begin:end])) if end > begin else np.float32(np.nan)
