"""Shifts between looks: by how much each lies beside the others, told by the edges of what it shows.

Every look is compared with a reference made of the looks themselves, in small neighbourhoods: fields and seasons
differ, and only where both show an edge does its place count. The shift that brings them together is found by least
squares on the reference's gradients (Lucas and Kanade 1981, Proceedings of IJCAI 7, 674-679), which takes masks
exactly, with weights by which changed ground loses its vote; its standard error comes from how well parts of the
window agree.

Shadows move edges too: a forest's northern rim lies farther north when the sun is low. So a look's place is told
against looks of its own season alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from habitat.cubes import STACK
from habitat.errors import ContractError
from habitat.grids import grid_of
from habitat.imagery._edges import UNKNOWN, Reference, Shift, smooth
from habitat.imagery.composites import median_over_time
from habitat.imagery.masks import NOT_CLEAR, clear_looks

if TYPE_CHECKING:
    import pandas as pd

BANDS = ("red", "nir08", "swir16")
"""Bands whose edges are used, as far as there are any."""
SEASON_LOOKS = 16
"""Looks that make a season's reference, at most: those that are nearest in the year."""
FEWEST_LOOKS = 5
"""Looks with a place of their own, below which there is no reference of a season."""
LEAST_SHIFT = 1 / 3
"""Pixels: a smaller shift is left alone."""
SURE = 2.0
"""Standard errors: likewise."""
OUTLIER = 3.5
"""Standard errors, by which a window's estimate is left out."""


def estimate_shifts(
    stack: xr.Dataset, *, reference: str = "sentinel-2", reject: int = NOT_CLEAR, margin_m: float = 40
) -> pd.DataFrame:
    """Return by how much each look lies beside the centre of its season's looks.

    All looks are first matched with the median of one sensor's looks, then with that of their season's, each moved
    to its place; the season's mean place stays what it was.

    Parameters
    ----------
    stack : STACK
        A window of some hundred pixels along each side, not masked yet; of all years, so that seasons have looks.
    reference : str
        Sensor whose looks make the reference; all looks where it has none.
    reject : int
        Quality bits that spoil a look.
    margin_m : float
        How far clouds and shadows spoil their surroundings.

    Returns
    -------
    DataFrame
        One row a look, in order: `scene` and `sensor` (empty where the stack has none), `time`; `east_m`, `north_m`:
        how far to the east and north of its true place the look shows the ground; `east_se_m`, `north_se_m`: their
        standard errors; `pixels`: of edges behind them. NaN, and 0 pixels, where it can not be told.

    Raises
    ------
    ContractError
        If it has none of the bands whose edges are used.
    """
    import pandas as pd

    STACK.check(stack)
    bands = [band for band in BANDS if band in stack]
    if not bands:
        raise ContractError(f"shifts are told from {', '.join(BANDS)}, and none is there", where="STACK")
    clear = clear_looks(stack, reject=reject, margin_m=margin_m)
    looks = np.stack([smooth(look) for look in np.stack([clear[band].values for band in bands], axis=1)])
    sensors = _names(stack, "sensor")
    seen = np.isfinite(looks).any(axis=(1, 2, 3))
    kept = np.flatnonzero(seen & ((sensors == reference) | ~(seen & (sensors == reference)).any()))
    whole = Reference(_median(looks, kept)) if len(kept) else None
    first = [whole.match(look, (0.0, 0.0)) if whole else UNKNOWN for look in looks]
    found = _match_by_season(looks, first, kept, stack["time"].values)
    pixel = abs(grid_of(stack).transform.a)
    return pd.DataFrame(
        {
            "scene": _names(stack, "scene"),
            "sensor": sensors,
            "time": stack["time"].values,
            "east_m": [pixel * each.right for each in found],
            "north_m": [-pixel * each.down for each in found],
            "east_se_m": [pixel * each.right_se for each in found],
            "north_se_m": [pixel * each.down_se for each in found],
            "pixels": [each.pixels for each in found],
        }
    )


def combine_shifts(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one estimate for each look of several windows of the same scenes.

    Windows weigh by their standard errors and by how far they lie apart; those far from the others' weighted median
    are left out.

    Parameters
    ----------
    parts : sequence of DataFrame
        Of :func:`estimate_shifts`. Looks are the same where scene, sensor and time are.

    Returns
    -------
    DataFrame
        As of :func:`estimate_shifts`, in order of time; `pixels` are summed.
    """
    import pandas as pd

    keys = ["time", "sensor", "scene"]
    rows = []
    for key, group in pd.concat(parts).groupby(keys, sort=True):
        known = group[group["east_m"].notna()]
        row = dict(zip(keys, key, strict=True)) | {"pixels": int(known["pixels"].sum())}
        for axis in ("east", "north"):
            value, error = _combined(known[f"{axis}_m"].to_numpy(float), known[f"{axis}_se_m"].to_numpy(float))
            row |= {f"{axis}_m": value, f"{axis}_se_m": error}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(parts[0].columns))


def significant_shifts(shifts: pd.DataFrame, *, resolution_m: float) -> pd.DataFrame:
    """Return `shifts` with 0 for those that are unknown, below a third of a pixel, or within two standard errors.

    Parameters
    ----------
    shifts : DataFrame
        Of :func:`estimate_shifts` or :func:`combine_shifts`.
    resolution_m : float
        Pixel of the run's grid.
    """
    east, north = shifts["east_m"].to_numpy(float), shifts["north_m"].to_numpy(float)
    length = np.hypot(east, north)
    error = np.hypot(east * shifts["east_se_m"], north * shifts["north_se_m"]) / np.where(length > 0, length, 1)
    kept = (length > LEAST_SHIFT * resolution_m) & (length > SURE * error)
    return shifts.assign(east_m=np.where(kept, east, 0.0), north_m=np.where(kept, north, 0.0))


def _names(stack: xr.Dataset, coordinate: str) -> np.ndarray:
    if coordinate in stack.coords:
        return np.asarray(stack[coordinate].values).astype(str)
    return np.full(stack.sizes["time"], "", dtype="U1")


def _match_by_season(looks: np.ndarray, first: Sequence[Shift], kept: np.ndarray, times: np.ndarray) -> list[Shift]:
    """Match each look once more, with the reference of its season."""
    kept = np.array([k for k in kept if np.isfinite(first[k].down)], dtype=int)
    moved = {k: _moved(looks[k], -first[k].down, -first[k].right) for k in kept}
    days = times.astype("datetime64[D]").astype(float)
    found = []
    for k, (look, rough) in enumerate(zip(looks, first, strict=True)):
        others = kept[kept != k]
        if len(others) < FEWEST_LOOKS or not np.isfinite(look).any():
            found.append(rough if len(others) < FEWEST_LOOKS else UNKNOWN)
            continue
        apart = np.abs(days[others] - days[k]) % 365.25
        nearest = others[np.argsort(np.minimum(apart, 365.25 - apart), kind="stable")[:SEASON_LOOKS]]
        season = Reference(_median(np.stack([moved[n] for n in nearest]), np.arange(len(nearest))))
        start = (rough.down, rough.right) if np.isfinite(rough.down) else (0.0, 0.0)
        found.append(_from_centre(season.match(look, start), [first[n] for n in nearest]))
    return found


def _from_centre(shift: Shift, season: Sequence[Shift]) -> Shift:
    """A shift from where the season's looks lie in the middle, with that middle's own error."""
    down, right = (np.array([getattr(each, axis) for each in season]) for axis in ("down", "right"))
    middle = [float(np.median(each)) for each in (down, right)]
    # a median of normal values is 1.25 times as uncertain as their mean
    doubt = [1.25 * _spread(each) / np.sqrt(len(season)) for each in (down, right)]
    return Shift(
        shift.down - middle[0],
        shift.right - middle[1],
        float(np.hypot(shift.down_se, doubt[0])),
        float(np.hypot(shift.right_se, doubt[1])),
        shift.pixels,
    )


def _combined(values: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """The weighted mean of what agrees, and its standard error."""
    if not len(values):
        return np.nan, np.nan
    order = np.argsort(values, kind="stable")
    weight = np.cumsum(1 / errors[order] ** 2)
    middle = values[order][np.searchsorted(weight, weight[-1] / 2)]
    agree = np.abs(values - middle) <= OUTLIER * np.hypot(errors, _spread(values))
    weights = 1 / (errors[agree] ** 2 + _spread(values[agree]) ** 2)
    return float(np.average(values[agree], weights=weights)), float(weights.sum() ** -0.5)


def _spread(values: np.ndarray) -> float:
    """Standard deviation of normal values, by their median absolute deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _median(looks: np.ndarray, which: np.ndarray) -> np.ndarray:
    return np.stack([median_over_time(looks[which, band])[0] for band in range(looks.shape[1])])


def _moved(look: np.ndarray, down: float, right: float) -> np.ndarray:
    """A look (band, y, x) moved down and to the right, bilinear; what was not seen spreads."""
    from scipy import ndimage

    return np.stack([ndimage.shift(band, (down, right), order=1, mode="constant", cval=np.nan) for band in look])
