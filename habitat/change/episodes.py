"""Disturbances and recoveries, read off fitted trajectories."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from habitat.errors import ContractError
from habitat.indices import normalized_difference

FALLING = {"nbr": ("nir08", "swir22"), "ndmi": ("nir08", "swir16"), "ndvi": ("nir08", "red")}
"""Indices that fall when trees go, and the bands whose normalised difference they are."""


def find_episodes(
    fit: xr.Dataset, *, index: str = "nbr", least_change: float = 0.1, most_episodes: int = 4
) -> xr.Dataset:
    """Return every disturbance and recovery of each pixel, in order of time.

    A jump between two segments is an episode, and so is a segment that slopes, if the index changes by
    `least_change` or more over it.

    Parameters
    ----------
    fit : Dataset
        Of :func:`fit_trajectories`.
    index : str
        "nbr", "ndmi" or "ndvi" of the fitted bands, or a band of `fit` that falls when trees go.
    least_change : float
        In units of the index.
    most_episodes : int
        How many are kept; where there are more, the greatest.

    Returns
    -------
    Dataset (episode, y, x)
        `year` uint16, the first year that shows the change, 0 = no episode: of a jump the year after it, of a slope
        its second; `duration_years` float32, from the last year before to the one in which it is complete; `before`,
        `after` float32, the index then; `magnitude` their difference, negative for a disturbance; `rate` per year;
        `abrupt` bool. And `seen_years` (y, x), `last_year` (y, x): the last year seen, 0 = none.

    Raises
    ------
    ContractError
        If `fit` has not the bands of the index.
    """
    start, end = (_index(fit[name], index) for name in ("start", "end"))
    first, last = fit["first_year"].values, fit["last_year"].values
    segments, *shape = first.shape
    # segments and the jumps after them, in order of time: 2 k is segment k, 2 k + 1 the jump to the next
    edges = 2 * segments - 1
    before, after = (np.full((edges, *shape), np.nan, dtype=np.float32) for _ in range(2))
    begin, stop = (np.zeros((edges, *shape), dtype=np.int16) for _ in range(2))
    before[::2], after[::2], begin[::2], stop[::2] = start, end, first, last
    before[1::2], after[1::2], begin[1::2], stop[1::2] = end[:-1], start[1:], last[:-1], first[1:]
    size = np.nan_to_num(np.abs(after - before))
    counts = size >= least_change
    if edges > most_episodes:
        # the k-th greatest size of each pixel, from which on episodes are kept
        counts &= size >= np.partition(size, edges - most_episodes, axis=0)[edges - most_episodes]
    place = np.cumsum(counts, axis=0) - 1
    counts &= place < most_episodes
    found = {
        "year": np.zeros((most_episodes, *shape), np.uint16),
        "duration_years": np.full((most_episodes, *shape), np.nan, np.float32),
        "before": np.full((most_episodes, *shape), np.nan, np.float32),
        "after": np.full((most_episodes, *shape), np.nan, np.float32),
        "abrupt": np.zeros((most_episodes, *shape), bool),
    }
    for edge in range(edges):
        row, col = np.nonzero(counts[edge])
        to = (place[edge, row, col], row, col)
        jumps = edge % 2 == 1
        found["year"][to] = stop[edge, row, col] if jumps else begin[edge, row, col] + 1
        found["duration_years"][to] = stop[edge, row, col] - begin[edge, row, col]
        found["before"][to], found["after"][to] = before[edge, row, col], after[edge, row, col]
        found["abrupt"][to] = jumps
    found["magnitude"] = found["after"] - found["before"]
    found["rate"] = found["magnitude"] / found["duration_years"]
    data = {name: (("episode", "y", "x"), values) for name, values in found.items()}
    coords = {name: fit.coords[name] for name in ("y", "x", "spatial_ref") if name in fit.coords}
    episodes = xr.Dataset(data, coords=coords, attrs={"index": index})
    return episodes.assign(seen_years=fit["seen_years"], last_year=(("y", "x"), last.max(axis=0)))


def _index(values: xr.DataArray, index: str) -> np.ndarray:
    """The index of fitted values, float32 (segment, y, x)."""
    names = [str(name) for name in values["band"].values]
    if index in names:
        return values.sel(band=index).values
    bands = FALLING.get(index, ())
    if not bands or not set(bands) <= set(names):
        raise ContractError(
            f"index {index!r} is neither a band of the fit ({', '.join(names)}) nor made of these",
            where="episodes",
            mend=f"choose a band of the fit, or one of {', '.join(FALLING)} and fit its bands",
        )
    return normalized_difference(*(values.sel(band=band).values for band in bands)).astype(np.float32)


def select_episode(
    episodes: xr.Dataset,
    which: Literal["first", "greatest", "latest"],
    *,
    kind: Literal["disturbance", "recovery"] = "disturbance",
    after: xr.DataArray | None = None,
) -> xr.Dataset:
    """Return one episode a pixel.

    Parameters
    ----------
    episodes : Dataset
        Of :func:`find_episodes`.
    which : {"first", "greatest", "latest"}
        By year, or by magnitude; the first of equals.
    kind : {"disturbance", "recovery"}
    after : int DataArray (y, x), optional
        Only episodes of later years count.

    Returns
    -------
    Dataset (y, x)
        The variables of `episodes`; `year` 0, the others NaN, where there is none.
    """
    size = episodes["magnitude"].values * (-1 if kind == "disturbance" else 1)
    year = episodes["year"].values.astype(np.int32)
    fits = (year > 0) & (size > 0)
    if after is not None:
        fits &= year > after.values
    order = {"first": -year, "greatest": size, "latest": year}[which]
    chosen = np.argmax(np.where(fits, order, -np.inf), axis=0)[None]
    some = fits.any(axis=0)
    data = {}
    for name in ("year", "duration_years", "before", "after", "magnitude", "rate", "abrupt"):
        values = np.take_along_axis(episodes[name].values, chosen, axis=0)[0]
        nothing = np.nan if values.dtype.kind == "f" else values.dtype.type(0)
        data[name] = (("y", "x"), np.where(some, values, nothing))
    return xr.Dataset(data, coords=episodes.coords, attrs=episodes.attrs)


def regrowth_year(fit: xr.Dataset, disturbance: xr.Dataset, *, index: str = "nbr", share: float = 0.8) -> xr.DataArray:
    """Return the year in which a pixel has regained a share of what a disturbance took.

    Eighty percent is the usual mark of spectral recovery (R80P; Pickell et al. 2016,
    doi:10.1080/01431161.2016.1222627). It is read off the fitted segments, between whose years lines are drawn.

    Parameters
    ----------
    fit : Dataset
        Of :func:`fit_trajectories`.
    disturbance : Dataset (y, x)
        Of :func:`select_episode`, with the same index.
    share : float
        Of the fall of the index, 0-1.

    Returns
    -------
    uint16 DataArray (y, x)
        First whole year in which the fitted line is that high; 0 = no disturbance, or not regained yet.
    """
    start, end = (_index(fit[name], index) for name in ("start", "end"))
    first, last = fit["first_year"].values.astype(np.int32), fit["last_year"].values.astype(np.int32)
    since = disturbance["year"].values.astype(np.int32) + np.ceil(
        np.where(disturbance["abrupt"].values, 0, np.nan_to_num(disturbance["duration_years"].values) - 1)
    ).astype(np.int32)
    goal = disturbance["after"].values - np.float32(share) * disturbance["magnitude"].values
    year = np.zeros(goal.shape, np.uint16)
    for k in range(len(first)):
        rise = end[k] - start[k]
        with np.errstate(divide="ignore", invalid="ignore"):
            on_line = np.ceil((goal - start[k]) / rise * (last[k] - first[k]) - 1e-4)
        reached = np.where(start[k] >= goal, first[k], np.where(end[k] >= goal, first[k] + on_line, 0))
        reached = np.where(reached > 0, np.maximum(reached, since + 1), 0)
        counts = (first[k] > 0) & (last[k] > since) & (reached > 0) & (reached <= last[k])
        year = np.where((year == 0) & (since > 0) & counts, reached, year).astype(np.uint16)
    coords = {name: fit.coords[name] for name in ("y", "x", "spatial_ref") if name in fit.coords}
    return xr.DataArray(year, dims=("y", "x"), coords=coords, name="regrowth_year")
