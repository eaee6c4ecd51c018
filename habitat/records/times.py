"""Times, read from what people and cameras write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from habitat.errors import RecordsError
from habitat.records.reading import DateOrder
from habitat.records.sieve import Sieve

UTC_TIME: Any = "datetime64[us, UTC]"

_ZONE = r"(?: ?(?P<zone>Z|z|[+-]\d\d(?::?\d\d)?))?"
_ISO = r"(?P<time>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?)" + _ZONE
_OTHER = (
    r"(?:(?P<year>\d{4})[-/.:年](?P<month>\d{1,2})[-/.:月](?P<day>\d{1,2})日?"
    r"|(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})[-/.](?P<last>\d{4}))"
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
)
_SERIAL = r"\d{5}(?:[.,]\d+)?"
_EXCEL_ZERO = pd.Timestamp("1899-12-30")
_SERIALS = (30_000, 75_000)
"""Days of Excel that may be meant: 1982 to 2105."""
AS_OTHERS = "which is the day and which the month was told from other dates of the file"
_DATE = len("2021-05-03")
_FORM = "2021-05-03T06:10:00+10:00"
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
"""A camera that lost its clock says 1970, 1980 or 2000-01-01; digital camera traps came in the nineties."""


@dataclass(frozen=True)
class Times:
    """What a column of times says."""

    utc: pd.Series
    date_only: np.ndarray
    """Without a time of day: it is the day's beginning in its zone."""
    offset_minutes: pd.Series
    """Of the written zone, east of UTC; null where none is written."""


@dataclass(frozen=True)
class Clock:
    """How a file's times are to be understood."""

    timezone: str | None = None
    """Zone of times that carry none, such as "Asia/Vladivostok"."""
    dates: DateOrder = "auto"
    inferred: bool = False
    """The order of day and month was told from other dates of the file."""

    @classmethod
    def of(cls, columns: Iterable[pd.Series], timezone: str | None, dates: DateOrder) -> Clock:
        """Return how to understand the times of a file, of which `columns` are all; see :func:`date_order`."""
        return cls(timezone, date_order(columns, dates), inferred=dates == "auto")


def read_times(raw: pd.Series, name: str, sieve: Sieve, clock: Clock) -> Times:
    """Return times in UTC; what is no time, or has no zone, is set aside.

    A time without a zone is not read as UTC: at the Amur that would move a day's first ten hours into the day before.
    Beside ISO 8601, days written as 3.5.2021, 2021/5/3, 2021:05:03 or 2021年5月3日 and Excel's numbers of days are
    read, and told. Of 03/05/2021 the file's other dates, or `clock`, must say which is the month.

    Parameters
    ----------
    raw : Series
        Texts, dates, or timestamps.
    name : str
        Our name of the column, for reasons.

    Raises
    ------
    RecordsError
        If no time in the file carries a zone and `clock` has none, or an unknown one.
    """
    texts = _texts(raw)
    pieces = _pieces(texts, name, sieve, clock.dates)
    sieve.flag(order_inferred(raw, clock), "date_order_inferred", f"{name} {{!r}}: {AS_OTHERS}", texts)
    zoned = pieces["zone"].notna()
    bare = pieces["time"].notna() & ~zoned
    date_only = (pieces["time"].str.len() == _DATE).fillna(False).to_numpy(dtype=bool)
    pieces["time"] = pieces["time"].where(~date_only, pieces["time"] + "T00:00")
    joined = (pieces["time"] + pieces["zone"]).where(zoned)
    times = pd.to_datetime(joined, format="ISO8601", utc=True, errors="coerce").astype(UTC_TIME)
    if clock.timezone is not None:
        times = times.fillna(_localized(pieces["time"].where(bare), clock.timezone))
    sieve.refuse(texts.isna(), "no_time", f"no {name}")
    sieve.refuse(pieces["time"].isna(), "time_unreadable", f"{name} {{!r}} is not like {_FORM}", texts)
    if clock.timezone is None:
        if bare.any() and not zoned.any():
            raise RecordsError(
                f"{name}: times carry no time zone (row {bare.index[bare.to_numpy()][0]})",
                where=sieve.file,
                mend=f"write them like {_FORM}, or give the timezone, such as 'Asia/Vladivostok'",
            )
        sieve.refuse(bare, "time_without_zone", f"{name} carries no time zone")
    sieve.refuse(times.isna(), "time_impossible", f"{name} {{!r}} does not exist or is ambiguous", texts)
    early, late = times.dt.year < _FIRST_YEAR, times.dt.year > _LAST_YEAR
    sieve.refuse(early, "clock_never_set", f"{name} {{!r}}: the clock was never set", texts)
    sieve.refuse(late, "time_in_future", f"{name} {{!r}} lies far in the future", texts)
    local = pd.to_datetime(pieces["time"].where(zoned), format="ISO8601", errors="coerce").astype("datetime64[us]")
    offset = (local - times.dt.tz_localize(None)).dt.total_seconds() / 60
    return Times(times, date_only, offset)


def date_order(columns: Iterable[pd.Series], order: DateOrder) -> DateOrder:
    """Return how a file writes dates such as 14/05/2009, told from all its columns of times; `order` if it is known.

    >>> date_order([pd.Series(["02/04/2009"]), pd.Series(["14/05/2009"])], "auto")
    'day_first'
    """
    if order != "auto":
        return order
    found: set[DateOrder] = set()
    for column in columns:
        texts = _texts(column)
        parts = _slashed(texts).str.extract(f"^{_OTHER}{_ZONE}$")
        one, two = parts["one"].astype("Float64"), parts["two"].astype("Float64")
        slashed = (parts["mark"] != ".").fillna(False)
        found |= {"day_first"} if (slashed & (one > 12)).any() else set()
        found |= {"month_first"} if (slashed & (two > 12)).any() else set()
    return found.pop() if len(found) == 1 else "auto"


def order_inferred(raw: pd.Series, clock: Clock) -> pd.Series:
    """Return which dates could be read either way, and were read as other dates of the file show."""
    if not clock.inferred:
        return pd.Series(False, index=raw.index)
    texts = _texts(raw)
    parts = _slashed(texts).str.extract(f"^{_OTHER}{_ZONE}$")
    one, two = (pd.to_numeric(parts[name].astype(object)).astype(float) for name in ("one", "two"))
    dotted = parts["mark"].eq(".").fillna(False).astype(bool)
    return _on((one <= 12) & (two <= 12) & (one != two) & ~dotted, texts.index)


def join_date_and_time(dates: pd.Series, times: pd.Series) -> pd.Series:
    """Return texts of a day and of a time of day, from two columns; where either holds both, it alone."""
    day, hour = _texts(dates), _texts(times)
    whole = hour.str.contains(r"\d{4}", regex=True).fillna(False)
    day = day.where(day.isna() | hour.isna(), day.str.extract(r"^([^T ]+)")[0] + " " + hour)
    return day.where(~whole.astype(bool), hour)


def _pieces(texts: pd.Series, name: str, sieve: Sieve, order: DateOrder) -> pd.DataFrame:
    """ISO time without zone, and zone, of each text; null where it is no time."""
    pieces = _iso_pieces(texts)
    strange = texts.notna() & pieces["time"].isna()
    if strange.any():
        rest = texts[strange.to_numpy()]
        found = pd.DataFrame(
            {
                "time": _serial_days(rest),
                "zone": pd.Series(None, index=rest.index, dtype="string"),
            }
        )
        sieve.mend(_on(found["time"].notna(), texts.index), "excel_date", f"{name} is a number of days of Excel")
        other = rest.str.extract(f"^{_OTHER}{_ZONE}$")
        iso, doubtful = _as_iso(other, order)
        sieve.refuse(
            _on(doubtful, texts.index), "day_or_month", f"{name} {{!r}}: which is the day and which the month?", texts
        )
        written = iso.notna()
        sieve.mend(_on(written, texts.index), "date_written_otherwise", f"{name} is not written like {_FORM}")
        found["time"] = found["time"].fillna(iso)
        found["zone"] = found["zone"].fillna(other["zone"].where(written))
        pieces.loc[found.index, ["time", "zone"]] = found[["time", "zone"]]
    pieces["zone"] = pieces["zone"].str.upper()
    return pieces


def _iso_pieces(texts: pd.Series) -> pd.DataFrame:
    """Time and zone of texts in ISO 8601, null for others: by Arrow, ten times faster than by Python."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.extract_regex(pa.array(texts, type=pa.string(), from_pandas=True), f"^{_ISO}$")
    columns = {name: pd.Series(pc.struct_field(found, name), index=texts.index) for name in ("time", "zone")}
    pieces = pd.DataFrame({name: column.astype("string") for name, column in columns.items()})
    pieces = pieces.mask(pieces == "")
    pieces["time"] = pieces["time"].str.replace(",", ".")
    return pieces


def _slashed(texts: pd.Series) -> pd.Series:
    """Those that may begin with a day or a month."""
    return texts[texts.str.match(r"\d{1,2}[-/]").fillna(False).astype(bool)]


def _serial_days(texts: pd.Series) -> pd.Series:
    number = pd.to_numeric(texts.where(texts.str.fullmatch(_SERIAL).astype(bool)).str.replace(",", "."))
    number = number.astype(float).where((number >= _SERIALS[0]) & (number <= _SERIALS[1]))
    seconds = pd.to_timedelta((number * 86400).round(), unit="s")
    return (_EXCEL_ZERO + seconds).dt.strftime("%Y-%m-%dT%H:%M:%S").astype("string")


def _as_iso(found: pd.DataFrame, order: DateOrder) -> tuple[pd.Series, pd.Series]:
    """ISO texts of dates that are written otherwise, and where it cannot be told which is the month."""
    one, two = found["one"].astype("Float64"), found["two"].astype("Float64")
    open_order = (one.notna() & (found["mark"] != ".")).fillna(False).astype(bool)
    first_is_month = (order == "month_first") & open_order
    doubtful = pd.Series(False, index=found.index)
    if order == "auto":
        day_first = open_order & (one > 12).fillna(False)
        month_first = open_order & (two > 12).fillna(False)
        undecided = open_order & ~day_first & ~month_first & (one != two).fillna(False)
        if day_first.any() == month_first.any():
            doubtful = undecided
        first_is_month = month_first | (undecided & (not day_first.any()))
    month = found["month"].fillna(found["one"].where(first_is_month, found["two"]))
    day = found["day"].fillna(found["two"].where(first_is_month, found["one"]))
    year = found["year"].fillna(found["last"])
    iso = year + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)
    hour = found["hour"].astype("Float64")
    evening = found["half"].str.lower()
    turned = (hour % 12 + 12 * (evening == "p").astype("Float64")).where((hour >= 1) & (hour <= 12))
    hour = hour.where(evening.isna(), turned)
    clock = hour.astype("Int64").astype("string").str.zfill(2) + ":" + found["minute"] + ":"
    clock = clock + found["second"].fillna("00")
    # a time of day that cannot be, such as 13 PM, leaves no time at all
    whole = (iso + "T" + clock).where(found["hour"].notna(), iso)
    return whole.where(~doubtful), doubtful


def _on(which: pd.Series, index: pd.Index) -> pd.Series:
    return which.astype(bool).reindex(index, fill_value=False)


def _texts(raw: pd.Series) -> pd.Series:
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        return raw.dt.tz_convert("UTC").map(lambda t: t.isoformat(), na_action="ignore").astype("string")
    if raw.dtype.kind == "M":
        return raw.map(lambda t: t.isoformat(), na_action="ignore").astype("string")
    text = raw.astype("string").str.strip()
    return text.where(text != "")


def _localized(texts: pd.Series, timezone: str) -> pd.Series:
    naive = pd.to_datetime(texts, format="ISO8601", errors="coerce")
    try:
        local = naive.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    except (KeyError, ValueError, OSError) as error:  # zoneinfo's ZoneInfoNotFoundError is a KeyError
        raise RecordsError(
            f"{timezone!r} is not a time zone", where="timezone", mend="use a name such as 'Asia/Vladivostok'"
        ) from error
    return local.dt.tz_convert("UTC").astype(UTC_TIME)
