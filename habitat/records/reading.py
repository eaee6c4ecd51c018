"""How records are to be read: what the recipe says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["auto", "table", "camtrap_dp", "camtrapr", "smart", "gpx"]
"""What files are; auto = told from the files themselves."""

DateOrder = Literal["auto", "day_first", "month_first"]
"""How to read 03/05/2021; auto = as the file's other dates show."""


@dataclass(frozen=True)
class Reading:
    """What must be known beside the files."""

    format: Format = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    """Our column to theirs."""
    species: Sequence[str] | None = None
    """Only these; None = all."""
    crs: Any = None
    """Reference system of coordinates that are not degrees."""
    area: Any = None
    """The area, a shapely geometry in degrees."""
    timezone: str | None = None
    """Zone of times that carry none."""
    dates: DateOrder = "auto"
    certain_probability: float = 0.95
    """A machine's identification is certain from this probability on."""
