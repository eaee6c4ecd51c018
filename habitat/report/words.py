"""Numbers and dates as a reader expects them; a number that is not there is said so, never made up."""

from __future__ import annotations

import math
from typing import Any

from habitat.errors import RecipeError
from habitat.seasons import Season

NOT_RECORDED = "not recorded"

# fmt: off
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)
# fmt: on


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number: null, NaN and text are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any, digits: int = 0) -> str:
    """Write a number with thousands apart.

    >>> number(1234.56), number(None)
    ('1,235', 'not recorded')
    """
    return f"{value:,.{digits}f}" if is_number(value) else NOT_RECORDED


def hectares(value: Any) -> str:
    """Write an area with as many digits as carry meaning.

    >>> hectares(1234.5), hectares(7.84), hectares(0)
    ('1,234 ha', '7.8 ha', '0 ha')
    """
    if not is_number(value):
        return NOT_RECORDED
    return f"{number(value, 1 if 0 < abs(value) < 100 else 0)} ha"


def percent(share: Any) -> str:
    """Write a share, 0-1, as a percentage.

    >>> percent(0.4567), percent(0.0123), percent(0.0004), percent(0)
    ('46%', '1.2%', 'under 0.1%', '0%')
    """
    if not is_number(share):
        return NOT_RECORDED
    if 0 < share < 0.001:
        return "under 0.1%"
    return f"{share:.1%}" if 0 < share < 0.1 or 0.99 < share < 1 else f"{share:.0%}"


def limits(lower: Any, upper: Any, write: Any) -> str:
    """Write 95% limits, or nothing if they were not estimated.

    >>> limits(0.41, 0.66, percent)
    '95% limits 41% to 66%'
    """
    return f"95% limits {write(lower)} to {write(upper)}" if is_number(lower) and is_number(upper) else ""


def place(latitude: float, longitude: float) -> str:
    """Write a position in degrees, to about ten metres.

    >>> place(43.21234, -131.5)
    '43.2123° N, 131.5000° W'
    """
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.4f}° {north}, {abs(longitude):.4f}° {east}"


def span(years: list[int]) -> str:
    """Write a run of years.

    >>> span([2016, 2017, 2018]), span([2020])
    ('2016–2018', '2020')
    """
    return f"{years[0]}–{years[-1]}" if len(years) > 1 else "".join(map(str, years))


def season(text: Any) -> str:
    """Write a season in words.

    >>> season("06-01/09-15")
    '1 June to 15 September'
    """
    try:
        window = Season.parse("season", str(text))
    except RecipeError:
        return NOT_RECORDED
    return " to ".join(f"{day} {_MONTHS[month - 1]}" for month, day in (window.start, window.end))


def listed(parts: list[str]) -> str:
    """Write a list as one says it.

    >>> listed(["2018", "2021", "2025"]), listed(["2018"]), listed([])
    ('2018, 2021 and 2025', '2018', '')
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def plural(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun.

    >>> plural(1, "cell"), plural(2400, "cell")
    ('1 cell', '2,400 cells')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
