"""Times and places, read from what people write."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from habitat.errors import RecordsError
from habitat.records.sieve import Sieve

WGS84 = "EPSG:4326"
UTC_TIME: Any = "datetime64[us, UTC]"

_ISO = (
    r"(?P<time>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?)"  # date, or date and time
    r" ?(?P<zone>Z|z|[+-]\d\d(?::?\d\d)?)?"
)
_DATE = len("2021-05-03")
_FORM = "2021-05-03T06:10:00+10:00"


def read_times(raw: pd.Series, name: str, sieve: Sieve, timezone: str | None) -> pd.Series:
    """Return times in UTC; what is no time, or has no zone, is set aside.

    A time without a zone is not read as UTC: at the Amur that would move a day's first ten hours into
    the day before.

    Parameters
    ----------
    raw : Series
        ISO 8601 texts, dates, or timestamps.
    name : str
        Our name of the column, for reasons.
    timezone : str, optional
        Name of the zone of times that do not carry one, such as "Asia/Vladivostok".

    Raises
    ------
    RecordsError
        If no time in the file carries a zone and `timezone` is not given, or is unknown.
    """
    texts = _texts(raw)
    parts = texts.str.fullmatch(_ISO)
    pieces = texts.where(parts.fillna(False).astype(bool)).str.extract(f"^{_ISO}$")
    pieces["time"] = (
        pieces["time"].str.replace(",", ".").where(pieces["time"].str.len() != _DATE, pieces["time"] + "T00:00")
    )
    zoned = pieces["zone"].notna()
    bare = pieces["time"].notna() & ~zoned
    joined = (pieces["time"] + pieces["zone"].str.upper()).where(zoned)
    times = pd.to_datetime(joined, format="ISO8601", utc=True, errors="coerce").astype(UTC_TIME)
    if timezone is not None:
        times = times.fillna(_localized(pieces["time"].where(bare), timezone))
    sieve.refuse(texts.isna(), f"no {name}")
    wrong = [f"{name} {text!r} is not like {_FORM}" for text in texts]
    sieve.refuse(pieces["time"].isna(), np.array(wrong, dtype=object))
    if timezone is None:
        if bare.any() and not zoned.any():
            raise RecordsError(
                f"{name}: times carry no time zone (row {bare.index[bare.to_numpy()][0]})",
                where=sieve.file,
                mend=f"write them like {_FORM}, or give the timezone, such as 'Asia/Vladivostok'",
            )
        sieve.refuse(bare, f"{name} carries no time zone")
    impossible = [f"{name} {text!r} does not exist or is ambiguous" for text in texts]
    sieve.refuse(times.isna(), np.array(impossible, dtype=object))
    return times


def _texts(raw: pd.Series) -> pd.Series:
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        return raw.dt.tz_convert("UTC").map(lambda t: t.isoformat(), na_action="ignore").astype("string")
    if raw.dtype.kind == "M":
        return raw.map(lambda t: t.isoformat(), na_action="ignore").astype("string")
    return raw.astype("string").str.strip()


def _localized(texts: pd.Series, timezone: str) -> pd.Series:
    naive = pd.to_datetime(texts, format="ISO8601", errors="coerce")
    try:
        local = naive.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    except (KeyError, ValueError) as error:  # zoneinfo's ZoneInfoNotFoundError is a KeyError
        raise RecordsError(
            f"{timezone!r} is not a time zone", where="timezone", mend="use a name such as 'Asia/Vladivostok'"
        ) from error
    return local.dt.tz_convert("UTC").astype(UTC_TIME)


def read_numbers(raw: pd.Series, name: str, sieve: Sieve) -> pd.Series:
    """Return floats; what is written but no finite number is set aside, what is missing is null."""
    numbers = pd.to_numeric(raw, errors="coerce").astype(float)
    garbled = raw.notna() & ~np.isfinite(numbers)
    sieve.refuse(garbled, np.array([f"{name} {value!r} is not a number" for value in raw], dtype=object))
    return numbers.where(np.isfinite(numbers))


def read_places(
    coordinates: pd.DataFrame | None, points: gpd.GeoSeries | None, sieve: Sieve, *, crs: Any, area: Any
) -> gpd.GeoSeries:
    """Return points in degrees (EPSG:4326); what cannot be one is set aside.

    Parameters
    ----------
    coordinates : DataFrame, optional
        `latitude` and `longitude` as written: degrees, or northing and easting if `crs` is projected.
    points : GeoSeries, optional
        Geometry, where the format has one.
    crs : str or CRS, optional
        Of coordinates, or of points without one; default for coordinates: EPSG:4326.
    area : shapely geometry, optional
        The area in degrees: tells whether coordinates are swapped where both could be a latitude.

    Raises
    ------
    RecordsError
        If latitude and longitude are swapped, or points have no reference system.
    """
    if points is None:
        assert coordinates is not None
        y = read_numbers(coordinates["latitude"], "latitude", sieve)
        x = read_numbers(coordinates["longitude"], "longitude", sieve)
        sieve.refuse(x.isna() | y.isna(), "no coordinates")
        points = gpd.GeoSeries(gpd.points_from_xy(x, y), index=x.index, crs=crs or WGS84)
        points[(x.isna() | y.isna()).to_numpy()] = None
    points = points.set_crs(crs) if points.crs is None and crs is not None else points
    if points.crs is None:
        raise RecordsError("carries no reference system", where=sieve.file, mend="save it with one, or give crs")
    sieve.refuse(points.isna() | points.is_empty, "no coordinates")
    sieve.refuse(points.notna() & (points.geom_type != "Point"), "not a point")
    single = points.where(points.geom_type == "Point")
    if single.crs.is_geographic:
        _refuse_swapped(single, sieve, area)
    placed = single.to_crs(WGS84)
    x, y = placed.x, placed.y
    sieve.refuse(single.notna() & ~(y.abs() <= 90), "latitude is outside -90 to 90")
    sieve.refuse(single.notna() & ~(x.abs() <= 180), "longitude is outside -180 to 180")
    sieve.refuse((x == 0) & (y == 0), "coordinates are 0, 0")
    return placed


def _refuse_swapped(points: gpd.GeoSeries, sieve: Sieve, area: Any) -> None:
    x, y = points.x.to_numpy(), points.y.to_numpy()
    known = np.isfinite(x) & np.isfinite(y)
    impossible = known & (np.abs(y) > 90) & (np.abs(y) <= 180) & (np.abs(x) <= 90)
    swapped = impossible
    if area is not None:
        inside = shapely.contains_xy(area, x, y)
        swapped = swapped | (~inside & shapely.contains_xy(area, y, x))
    if known.any() and swapped.sum() > known.sum() / 2:
        raise RecordsError(
            f"latitude and longitude seem swapped in {sieve.file} ({int(swapped.sum())} of {int(known.sum())} records)",
            mend="exchange them, or map them with columns = { latitude = ..., longitude = ... }",
        )
    sieve.refuse(swapped, "latitude and longitude seem swapped")
