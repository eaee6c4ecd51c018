"""Signs of what took the trees of a patch: char, soil, how slowly they went, and what grew since.

Read off a patch's looks beside unchanged forest. From each is taken what was usual on the patch at that time of the
year before the loss; then char shows as a darkness of weeks in the near and the shortwave infrared at once, flatter
from swir16 to swir22; insects as a fall that takes more than one summer; fellings as soil and slash, bright in red and
shortwave infrared, that herbs cover in the next summers; buildings as soil that they do not.
"""

from __future__ import annotations

import numpy as np

DAY = np.timedelta64(1, "D")
_GREEN, _RED, _NIR, _SHORT, _FAR = 1, 2, 3, 4, 5
_SUMMER = (152, 263)
"""Days of the year in which all trees bear leaves."""
_FEWEST_SEEN = 0.3
"""Share of a patch that a look must see."""
_LEAST_FALL = 0.05
"""Falls of the burn ratio are not divided by less."""

SIGNS = (
    *("charring", "darkness", "charred_share"),
    *(f"summer_{band}" for band in ("blue", "green", "red", "nir08", "swir16", "swir22")),
    *("year_before", "first_year", "second_year", "third_year"),
    *("second_red", "second_nir08", "second_swir16", "third_red", "third_swir16"),
    *("slow_years", "slow_gain", "bare_red", "bare_nir08", "bare_swir16"),
    *("fell_cos", "fell_sin", "fell_cos2", "fell_sin2", "fell_gap", "uneven_share"),
)
"""Names of the signs that :func:`read_signs` returns."""


def well_seen(own: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the looks (band, time, pixel) that saw enough of a patch, their means (band, time), and their days."""
    seen = np.isfinite(own).all(axis=0)
    enough = seen.mean(axis=1) >= _FEWEST_SEEN
    own, seen = own[:, enough], seen[enough]
    return own, np.where(seen, own, 0).sum(axis=2) / seen.sum(axis=1), days[enough]


def read_signs(own: np.ndarray, mean: np.ndarray, days: np.ndarray, year: int) -> dict[str, float]:
    """Return the signs of one patch.

    Parameters
    ----------
    own : float array (band, time, pixel)
        Logarithms of the six bands, less those of unchanged forest on the same day; NaN = not seen.
    mean : float array (band, time)
        Their means over the pixels that were seen.
    days : datetime64[D] array (time,)
        Ascending.
    year : int
        The first mapping season, ending on 15 September, that shows the loss.

    Returns
    -------
    dict
        :data:`SIGNS`, NaN where not enough was seen. `charring`: the greatest fall of nir08, of swir16, and twice that
        of swir16 over swir22, whichever is least, in any look from two autumns before to the autumn of `year`;
        `darkness` without the last; `charred_share` the share of the pixels that show it. `summer_<band>`: the summer
        of `year` less those before. `year_before`, `first_year`, `second_year`, `third_year`: the fall of nir08 over
        swir22 in these summers, as a share of the greatest; `second_...` and `third_...`: what the band did after the
        first summer. `slow_years`: how long the fall takes, `slow_gain`: how much better that fits than a sudden one.
        `bare_<band>`: the change in looks without leaves. `fell_...`: the season of the sudden fall, as cosine and sine
        of the year's angle and of twice that, and the logarithm of days since the look before. `uneven_share`: standard
        deviation over the pixels of the summer's fall, over its mean.
    """
    signs = dict.fromkeys(SIGNS, np.nan)
    if len(days) < 8:
        return signs
    of_year = (days - days.astype("datetime64[Y]")) / DAY + 1
    start = np.datetime64(f"{year - 1}-06-01")
    usual = _usual(mean, days, of_year, start)
    if usual is None:
        return signs
    change = mean - usual
    signs |= _char(change, own - usual[:, :, None], days, year)
    summer = (of_year >= _SUMMER[0]) & (of_year <= _SUMMER[1])
    signs |= _summers(mean, own, days, summer, year)
    signs |= _slowness(change[:, summer], (days[summer] - np.datetime64(f"{year}-07-15")) / DAY)
    signs |= _fall(change, days, year)
    bare = ~summer & ((of_year < 125) | (of_year > 285)) & (days >= np.datetime64(f"{year}-09-16"))
    bare &= days < np.datetime64(f"{year + 2}-06-01")
    if bare.any():
        level = np.median(change[:, bare], axis=1)
        signs |= {"bare_red": level[_RED], "bare_nir08": level[_NIR], "bare_swir16": level[_SHORT]}
    return {name: float(value) for name, value in signs.items()}


def _usual(mean: np.ndarray, days: np.ndarray, of_year: np.ndarray, start: np.datetime64) -> np.ndarray | None:
    """What was usual at each look's time of the year before `start` (band, time)."""
    before = days < start
    if before.sum() < 4:
        return None
    general = np.median(mean[:, before], axis=1)
    usual = np.repeat(general[:, None], len(days), axis=1)
    for k, when in enumerate(of_year):
        off = np.abs(of_year - when)
        off = np.where(before & (days != days[k]), np.minimum(off, 365.25 - off), np.inf)
        near = np.argsort(off, kind="stable")[:7]
        near = near[off[near] <= 35]
        if len(near) >= 2:
            usual[:, k] = np.median(mean[:, near], axis=1)
    return usual


def _char(change: np.ndarray, each: np.ndarray, days: np.ndarray, year: int) -> dict[str, float]:
    inside = (days >= np.datetime64(f"{year - 2}-09-15")) & (days <= np.datetime64(f"{year}-11-20"))
    if not inside.any():
        return {}
    dark = np.minimum(-change[_NIR], -change[_SHORT])
    char = np.minimum(dark, 2 * (change[_FAR] - change[_SHORT]))
    most = np.flatnonzero(inside)[char[inside].argmax()]
    pixels = np.minimum(-each[_NIR, most], -each[_SHORT, most])
    pixels = pixels[np.isfinite(pixels)]
    return {"charring": char[most], "darkness": dark[inside].max(), "charred_share": (pixels > 0.13).mean()}


def _summers(mean: np.ndarray, own: np.ndarray, days: np.ndarray, summer: np.ndarray, year: int) -> dict[str, float]:
    years = days.astype("datetime64[Y]").astype(int) + 1970

    def level(*wanted: int) -> np.ndarray:
        inside = summer & np.isin(years, wanted)
        return np.median(mean[:, inside], axis=1) if inside.any() else np.full(len(mean), np.nan)

    before = level(year - 4, year - 3, year - 2)
    if np.isnan(before[0]):
        before = level(year - 1)
    first, second, third = level(year), level(year + 1), level(year + 2)
    falls = [(before - now)[_NIR] - (before - now)[_FAR] for now in (level(year - 1), first, second, third)]
    most = max(float(np.fmax.reduce(falls)), _LEAST_FALL)
    signs = dict(zip(("year_before", "first_year", "second_year", "third_year"), np.array(falls) / most, strict=True))
    names = ("blue", "green", "red", "nir08", "swir16", "swir22")
    signs |= {f"summer_{name}": value for name, value in zip(names, first - before, strict=True)}
    for name, later in (("second", second), ("third", third)):
        signs |= {f"{name}_red": (later - first)[_RED], f"{name}_swir16": (later - first)[_SHORT]}
    signs["second_nir08"] = (second - first)[_NIR]
    each = own[_NIR] - own[_FAR]
    was, now = summer & (years < year - 1), summer & (years == year)
    if was.any() and now.any():
        seen = np.isfinite(each[was]).any(axis=0) & np.isfinite(each[now]).any(axis=0)
        fall = np.nanmean(each[was][:, seen], axis=0) - np.nanmean(each[now][:, seen], axis=0)
        if len(fall):
            signs["uneven_share"] = min(fall.std() / max(abs(fall.mean()), _LEAST_FALL), 3.0)
    return {name: value for name, value in signs.items() if name in SIGNS}


def _slowness(change: np.ndarray, ago: np.ndarray) -> dict[str, float]:
    """How long the fall in the summers takes, by least squares, and how much better that fits than a sudden one."""
    near = np.abs(ago) <= 1300
    values, when = change[_RED:, near], ago[near]
    if len(when) < 8:
        return {}
    whole, left = float((values**2).sum()), {}
    for length in (1, 400, 600, 900):
        best = whole
        for begin in range(-800, 200, 40):
            part = np.clip((when - begin) / length, 0, 1)
            course = part * part * (3 - 2 * part)
            power = float(course @ course)
            if power > 0.5:
                best = min(best, whole - float(((values @ course) ** 2).sum()) / power)
        left[length] = best
    length = min(left, key=lambda key: left[key])
    slow = min(left[600], left[900])
    return {"slow_years": length / 365.25, "slow_gain": np.log((left[1] + 1e-3) / (slow + 1e-3))}


def _fall(change: np.ndarray, days: np.ndarray, year: int) -> dict[str, float]:
    """When the bands leave their usual level at once: least squares within a year and a half around."""
    first, last = np.datetime64(f"{year - 1}-06-15"), np.datetime64(f"{year}-09-15")
    near = np.flatnonzero((days >= first - 365 * DAY) & (days <= last + 365 * DAY))
    values = change[_RED:, near]
    best, least = -1, np.inf
    for k in range(1, len(near)):
        if first <= days[near[k]] <= last:
            after = values[:, k:]
            rest = float((values[:, :k] ** 2).sum() + ((after - after.mean(axis=1, keepdims=True)) ** 2).sum())
            if rest < least:
                best, least = int(near[k]), rest
    if best < 1:
        return {}
    gap = float((days[best] - days[best - 1]) / DAY)
    middle = days[best] - np.timedelta64(int(min(gap, 60) / 2), "D")
    angle = 2 * np.pi * float((middle - middle.astype("datetime64[Y]")) / DAY) / 365.25
    return {
        "fell_cos": np.cos(angle),
        "fell_sin": np.sin(angle),
        "fell_cos2": np.cos(2 * angle),
        "fell_sin2": np.sin(2 * angle),
        "fell_gap": np.log(max(gap, 1.0)),
    }
