"""Windows of the year: when a map is made for, and when animals are counted.

A season is written `MM-DD/MM-DD`. One that crosses New Year belongs to the year in which it ends.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

from habitat.errors import RecipeError

MAPPING = "mapping"
"""Name of the season that the yearly maps stand for."""

_FORM = re.compile(r"(\d\d)-(\d\d)/(\d\d)-(\d\d)")


@dataclass(frozen=True)
class Season:
    """A window of the year, both days included.

    >>> Season.parse("winter", "12-01/02-28").window(2020)
    (datetime.date(2019, 12, 1), datetime.date(2020, 2, 28))
    """

    name: str
    start: tuple[int, int]
    """Month and day."""
    end: tuple[int, int]

    @classmethod
    def parse(cls, name: str, text: str) -> Season:
        """Read `MM-DD/MM-DD`.

        Raises
        ------
        RecipeError
            If it has another form, or names a day that does not exist.
        """
        match = _FORM.fullmatch(text.strip())
        mend = "write it as MM-DD/MM-DD, such as 06-01/09-15"
        if not match:
            raise RecipeError(f"{text!r} is not a season", where=name, mend=mend)
        month_from, day_from, month_to, day_to = map(int, match.groups())
        for month, day in ((month_from, day_from), (month_to, day_to)):
            if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(2000, month)[1]:
                raise RecipeError(f"{month:02}-{day:02} in {text!r} is no day of the year", where=name, mend=mend)
        return cls(name, (month_from, day_from), (month_to, day_to))

    @property
    def crosses_new_year(self) -> bool:
        """Whether it begins in the year before the one it belongs to."""
        return self.start > self.end

    def window(self, year: int) -> tuple[date, date]:
        """First and last day of the season that belongs to `year`; 29 February is the 28th in a common year."""
        first = year - 1 if self.crosses_new_year else year
        return _day(first, self.start), _day(year, self.end)

    def year_of(self, day: date) -> int | None:
        """The year whose season holds `day`, or None."""
        for year in (day.year, day.year + 1):
            first, last = self.window(year)
            if first <= day <= last:
                return year
        return None

    def __str__(self) -> str:
        return "{:02}-{:02}/{:02}-{:02}".format(*self.start, *self.end)


def _day(year: int, month_day: tuple[int, int]) -> date:
    month, day = month_day
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def latest_season_ended(season: Season, day: date) -> int:
    """Year of the latest `season` that ended on or before `day`: whose map says what was there on that day.

    >>> latest_season_ended(Season.parse("mapping", "06-01/09-15"), date(2021, 9, 14))
    2020
    """
    year = day.year
    return year if season.window(year)[1] <= day else year - 1
