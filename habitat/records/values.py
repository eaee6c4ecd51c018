"""Numbers and places, read from what people write."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from habitat.errors import RecordsError
from habitat.records.reading import Reading
from habitat.records.sieve import Sieve

WGS84 = "EPSG:4326"
METRES_A_DEGREE = 111_195.0
"""Along a great circle, for distances of a few kilometres."""
SAME_PLACE_M = 150.0
"""Two files mean one place if what they say lies no farther apart: receivers err, and places are rounded."""

_DMS = (
    r"(?P<before>[NSEWnsew])?\s*(?P<degrees>\d{1,3})\s*[°º]\s*(?:(?P<minutes>\d{1,2}(?:[.,]\d+)?)\s*['\u2032’]\s*)?"
    r"(?:(?P<seconds>\d{1,2}(?:[.,]\d+)?)\s*(?:\"|\u2033|''|”)\s*)?(?P<after>[NSEWnsew])?"
)
_DECIMAL_COMMA = r"[+-]?\d+,\d+"
_THOUSAND = r"[+-]?\d{1,3},\d{3}"


def read_numbers(raw: pd.Series, name: str, sieve: Sieve, *, thousands: bool = True) -> pd.Series:
    """Return floats; what is written but no finite number is set aside, what is missing is null.

    A comma is read as the decimal mark, and that is told. With `thousands`, 1,234 may be a thousand or one and a bit:
    it is set aside.
    """
    numbers = pd.to_numeric(raw, errors="coerce").astype(float)
    if raw.dtype.kind not in "fiu":
        texts = raw.astype("string").str.strip()
        comma = (numbers.isna() & texts.str.fullmatch(_DECIMAL_COMMA)).fillna(False).astype(bool)
        if thousands:
            comma &= ~texts.str.fullmatch(_THOUSAND).fillna(False).astype(bool)
        if comma.any():
            numbers = numbers.fillna(pd.to_numeric(texts.where(comma).str.replace(",", ".")).astype(float))
            sieve.mend(comma, "decimal_comma", f"{name} has a decimal comma")
    garbled = raw.notna() & ~np.isfinite(numbers)
    sieve.refuse(garbled, "not_a_number", f"{name} {{!r}} is not a number", raw)
    return numbers.where(np.isfinite(numbers))


def read_truths(raw: pd.Series, name: str, sieve: Sieve) -> pd.Series:
    """Return yes or no as nullable booleans; what is neither is null, and flagged."""
    texts = raw.astype("string").str.strip().str.casefold()
    table = dict.fromkeys(("true", "yes", "y", "1", "1.0", "да", "是"), True)
    table |= dict.fromkeys(("false", "no", "n", "0", "0.0", "нет", "否"), False)
    known = texts.map(table, na_action="ignore").astype("boolean")
    written = (texts.notna() & (texts != "") & known.isna()).fillna(False)
    sieve.flag(written, "certain_unreadable", f"{name} {{!r}} is neither yes nor no", raw)
    return known


def read_places(
    coordinates: pd.DataFrame | None, points: gpd.GeoSeries | None, sieve: Sieve, reading: Reading
) -> gpd.GeoSeries:
    """Return points in degrees (EPSG:4326), null where none is given; what is wrong is set aside.

    Parameters
    ----------
    coordinates : DataFrame, optional
        `latitude` and `longitude` as written: degrees, or northing and easting if the reading's `crs` is projected.
    points : GeoSeries, optional
        Geometry, where the format has one.
    reading : Reading
        `crs` of coordinates, or of points without one (default for coordinates: EPSG:4326). `area` tells whether
        coordinates are swapped where both could be a latitude.

    Raises
    ------
    RecordsError
        If latitude and longitude are swapped in most records, or points have no reference system.
    """
    if points is None:
        assert coordinates is not None
        projected = reading.crs is not None and not _is_geographic(reading.crs)
        y = _coordinate(coordinates["latitude"], "latitude", sieve, projected=projected)
        x = _coordinate(coordinates["longitude"], "longitude", sieve, projected=projected)
        points = gpd.GeoSeries(gpd.points_from_xy(x, y), index=x.index, crs=reading.crs or WGS84)
        points[(x.isna() | y.isna()).to_numpy()] = None
    points = points.set_crs(reading.crs) if points.crs is None and reading.crs is not None else points
    if points.crs is None:
        raise RecordsError("carries no reference system", where=sieve.file, mend="save it with one, or give crs")
    points = points.where(~points.is_empty, None)
    sieve.refuse(points.notna() & (points.geom_type != "Point"), "not_a_point", "not a point")
    single = points.where(points.geom_type == "Point")
    if single.crs.is_geographic:
        _refuse_swapped(single, sieve, reading.area)
    placed = single.to_crs(WGS84)
    x, y = placed.x, placed.y
    known = single.notna()
    sieve.refuse(known & ~(y.abs() <= 90), "latitude_range", "latitude is outside -90 to 90")
    sieve.refuse(known & ~(x.abs() <= 180), "longitude_range", "longitude is outside -180 to 180")
    sieve.refuse((x == 0) & (y == 0), "zero_coordinates", "coordinates are 0, 0")
    return placed


def metres_apart(x0: Any, y0: Any, x1: Any, y1: Any) -> Any:
    """Return metres between places in degrees that are a few kilometres apart at most.

    >>> float(metres_apart(131.0, 43.0, 131.0, 43.01).round())
    1112.0
    """
    return np.hypot((x0 - x1) * np.cos(np.radians(y1)), y0 - y1) * METRES_A_DEGREE


def flag_outside(places: gpd.GeoSeries, sieve: Sieve, area: Any) -> None:
    """Flag places outside the area, if one is given."""
    if area is not None:
        known = places.notna().to_numpy()
        inside = shapely.intersects_xy(area, places.x.to_numpy(), places.y.to_numpy())
        sieve.flag(known & ~inside, "outside_area", "lies outside the area")


def _coordinate(raw: pd.Series, name: str, sieve: Sieve, *, projected: bool) -> pd.Series:
    if projected or raw.dtype.kind in "fiu":
        return read_numbers(raw, name, sieve, thousands=projected)
    texts = raw.astype("string").str.strip()
    if not texts.str.contains("[°º]").fillna(False).any():
        return read_numbers(raw, name, sieve, thousands=False)
    parts = texts.str.extract(f"^{_DMS}$")
    written = parts["degrees"].notna()
    number = [
        parts[part].str.replace(",", ".").astype("Float64").fillna(0) for part in ("degrees", "minutes", "seconds")
    ]
    degrees = number[0] + number[1] / 60 + number[2] / 3600
    hemisphere = parts["before"].fillna(parts["after"]).str.upper()
    degrees = degrees.where(~hemisphere.isin(["S", "W"]), -degrees)
    sieve.mend(written, "degrees_minutes_seconds", f"{name} is written in degrees, minutes and seconds")
    plain = read_numbers(raw.where(~written), name, sieve, thousands=False)
    return plain.fillna(degrees.astype("float64").where(written))


def _is_geographic(crs: Any) -> bool:
    from pyproj import CRS

    return bool(CRS.from_user_input(crs).is_geographic)


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
    sieve.refuse(swapped, "swapped_coordinates", "latitude and longitude seem swapped")
