"""Yearly composites divided into segments: every disturbance and recovery of a pixel, all bands together.

The aim and the words are those of LandTrendr (Kennedy, Yang and Cohen 2010, doi:10.1016/j.rse.2010.07.008; Kennedy et
al. 2018, doi:10.3390/rs10050691): spikes are left out, the years are divided into straight segments, and of models with
more and fewer segments one is chosen by a test. Three things differ. All bands share their breaks, each weighed by its
noise. Segments need not meet, so that a clearing is a jump between two years and not a steep line. And the best
division is searched among all, not vertex by vertex (`_segments`).

How much a further segment must explain follows from the rate of false alarms that is asked for: series of nothing but
noise are divided by the same code, and as many of them may seem to change. So the rate holds for noise that is
independent between years; what weather does to whole years comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr

from habitat.errors import ContractError, EstimationError

FEWEST_YEARS = 4
"""Seen years from which a change can be called."""
_TRIALS = 10_000
"""Series of noise by which a rate of false alarms is set."""


@dataclass(frozen=True)
class TrajectorySettings:
    """How series are divided."""

    false_alarm_rate: float = 0.01
    """Share of pixels of nothing but noise that are divided at all."""
    max_segments: int = 6
    fewest_sloping: int = 3
    """Seen years from which a segment may slope; shorter ones are level."""
    spike_return: float = 0.25
    """A year is a spike if the seen years before and after it differ by less than this share of its height ..."""
    spike_excess: float = 9.0
    """... and its squared height is more than so many times that of the other years. Infinity keeps all years."""
    granted_years: float = 1.0
    """Years' worth of the stated noise that every fit is taken to leave, so that few years are not fitted exactly."""


def yearly_noise(values: np.ndarray) -> np.ndarray:
    """Return the covariance of the bands' noise in a year, told from the differences of successive years.

    Most pixels do not change from one year to the next. The covariance of half their differences is that of those
    within the 90% ellipsoid, scaled as it is for normal noise, in a few rounds (concentration steps; Rousseeuw and Van
    Driessen 1999, doi:10.1080/00401706.1999.10485670).

    Parameters
    ----------
    values : float array (band, year, ...)
        NaN = not seen.

    Returns
    -------
    float64 array (band, band)

    Raises
    ------
    EstimationError
        If fewer than a hundred differences are seen.
    """
    from scipy.stats import chi2

    bands = len(values)
    steps = np.diff(values, axis=1).reshape(bands, -1)
    steps = steps[:, np.isfinite(steps).all(axis=0)].astype(np.float64) / np.sqrt(2)
    if steps.shape[1] < 100:
        raise EstimationError(
            f"only {steps.shape[1]} pairs of successive years were seen in all bands",
            where="trajectories",
            mend="take more years or a larger area, or state the noise",
        )
    limit = chi2.ppf(0.9, bands)
    scale = 0.9 / chi2.cdf(limit, bands + 2)
    covariance = np.diag(np.median(steps**2, axis=1) / chi2.ppf(0.5, 1) + 1e-12)
    for _ in range(8):
        distance = np.einsum("bn,bc,cn->n", steps, np.linalg.inv(covariance), steps)
        near = steps[:, distance <= limit]
        covariance = near @ near.T / near.shape[1] * scale + 1e-12 * np.eye(bands)
    return covariance


def fit_trajectories(
    cube: xr.Dataset, *, noise: np.ndarray | None = None, settings: TrajectorySettings | None = None
) -> xr.Dataset:
    """Divide each pixel's years into straight segments.

    Parameters
    ----------
    cube : Dataset of float variables (year, y, x)
        One season's composites, or indices of them; all are used, and a year counts where all are seen.
    noise : float array (band, band), optional
        Covariance of the noise of a year. Without it :func:`yearly_noise` of this cube: state that of the whole area
        where blocks of it are to fit each other.
    settings : TrajectorySettings, optional

    Returns
    -------
    Dataset
        `segments` int8 (y, x), 0 = never seen; `first_year`, `last_year` int16 (segment, y, x), the seen years at the
        ends of each, 0 = none; `start`, `end` float32 (segment, band, y, x), the fitted values there; `spread` float32
        (y, x), root mean square of what is left, in units of the noise; `seen_years` int16 (y, x), spikes not among
        them; `p_value` float32 (y, x), how often noise alone would seem to change as clearly, NaN where nothing could
        be tested. Coordinate `band`: the variables of the cube.

    Raises
    ------
    ContractError
        If years do not ascend, or variables are not (year, y, x).
    """
    settings = settings or TrajectorySettings()
    values = _values(cube)
    bands, years = values.shape[:2]
    mix = np.linalg.cholesky(yearly_noise(values) if noise is None else np.asarray(noise, dtype=np.float64))
    pixels = np.tensordot(np.linalg.inv(mix).astype(np.float32), values.reshape(bands, years, -1), axes=1)
    counts, ends, fitted, spread, gain, seen = _divide(pixels, settings, _penalties(bands, years, settings))
    lines = np.tensordot(mix.astype(np.float32), fitted, axes=(1, 2))  # back to the bands: (band, end, segment, pixel)
    calendar = np.asarray(cube["year"].values, dtype=np.int16)
    first, last = np.where(ends >= 0, calendar[ends], np.int16(0))
    p_value = _p_values(gain, seen, _gains_of_noise(bands, years, settings))
    shape = (cube.sizes["y"], cube.sizes["x"])

    def of(array: np.ndarray, *dims: str, long_name: str) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
        return (*dims, "y", "x"), array.reshape(*array.shape[:-1], *shape), {"long_name": long_name}

    data = {
        "segments": of(counts, long_name="segments of the yearly series"),
        "first_year": of(first, "segment", long_name="first seen year of a segment"),
        "last_year": of(last, "segment", long_name="last seen year of a segment"),
        "start": of(lines[:, 0], "band", "segment", long_name="fitted value in a segment's first year"),
        "end": of(lines[:, 1], "band", "segment", long_name="fitted value in a segment's last year"),
        "spread": of(spread, long_name="what segments leave, in units of the noise"),
        "seen_years": of(seen, long_name="years with a value"),
        "p_value": of(p_value, long_name="share of noise that seems to change as clearly"),
    }
    coords = {name: cube.coords[name] for name in ("y", "x", "spatial_ref") if name in cube.coords}
    return xr.Dataset(data, coords={"band": [str(name) for name in cube.data_vars], **coords})


def _divide(pixels: np.ndarray, settings: TrajectorySettings, penalty: np.ndarray) -> tuple[np.ndarray, ...]:
    """Call the kernel on values (band, year, pixel) in units of the noise."""
    from habitat.change._segments import segment

    bands, years, n = pixels.shape
    most = min(settings.max_segments, years)
    out = (
        np.empty(n, np.int8),
        np.empty((2, most, n), np.int16),
        np.empty((2, most, bands, n), np.float32),
        np.empty(n, np.float32),
        np.empty(n, np.float32),
        np.empty(n, np.int16),
    )
    rules = (most, settings.fewest_sloping, settings.spike_return, settings.spike_excess, settings.granted_years)
    segment(np.ascontiguousarray(pixels), tuple(map(np.float32, rules)), penalty, out)
    return out


@lru_cache(maxsize=8)
def _gains_of_noise(bands: int, years: int, settings: TrajectorySettings) -> np.ndarray:
    """The greatest gain of a further segment in each of many series of noise, ascending, by the number of years."""
    rng = np.random.default_rng(20100708)
    gains = np.full((years + 1, _TRIALS), np.inf, dtype=np.float32)
    for n in range(FEWEST_YEARS, years + 1):
        noise = rng.standard_normal((bands, n, _TRIALS), dtype=np.float32)
        gains[n] = np.sort(_divide(noise, settings, np.zeros(n + 1, np.float32))[4])
    return gains


def _penalties(bands: int, years: int, settings: TrajectorySettings) -> np.ndarray:
    """What a further segment must gain, by the number of seen years."""
    gains = _gains_of_noise(bands, years, settings)
    return gains[:, min(int((1 - settings.false_alarm_rate) * _TRIALS), _TRIALS - 1)]


def _p_values(gain: np.ndarray, seen: np.ndarray, gains_of_noise: np.ndarray) -> np.ndarray:
    """The share of noise that gains as much, of as many years; never less than one in all trials."""
    p_value = np.full(gain.shape, np.nan, dtype=np.float32)
    for n in range(FEWEST_YEARS, len(gains_of_noise)):
        here = seen == n
        as_much = _TRIALS - np.searchsorted(gains_of_noise[n], gain[here], side="left")
        p_value[here] = (as_much + 1) / (_TRIALS + 1)
    return p_value


def _values(cube: xr.Dataset) -> np.ndarray:
    """All variables, float32 (band, year, y, x)."""
    for name, variable in cube.data_vars.items():
        if variable.dims != ("year", "y", "x"):
            raise ContractError(
                f"variable {str(name)!r} has dimensions {variable.dims}, not ('year', 'y', 'x')",
                where="trajectories",
                mend="choose one season of the composites, and leave out what is no band",
            )
    years = np.asarray(cube["year"].values)
    if not len(cube.data_vars) or not len(years) or (np.diff(years) <= 0).any():
        raise ContractError(
            f"years {years.tolist()} do not ascend, or there is no band",
            where="trajectories",
            mend="order the years, each once",
        )
    return np.stack([variable.values for variable in cube.data_vars.values()]).astype(np.float32, copy=False)
