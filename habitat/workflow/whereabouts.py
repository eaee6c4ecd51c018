"""Records that all lie elsewhere than the recipe's area or years, and what that likely comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely

from habitat.records import Records
from habitat.workflow.context import Plan

_KM_A_DEGREE = 111.195
_ZONE_DEGREES = 6.0
_Turn = Callable[[Any, Any], tuple[Any, Any]]
_TURNS: tuple[tuple[str, _Turn], ...] = (
    ("latitude and longitude are exchanged", lambda x, y: (y, x)),
    ("longitudes lack their minus or have one too many", lambda x, y: (-x, y)),
    ("latitudes lack their minus or have one too many", lambda x, y: (x, -y)),
    ("[sightings] crs names the zone east of theirs", lambda x, y: (x - _ZONE_DEGREES, y)),
    ("[sightings] crs names the zone west of theirs", lambda x, y: (x + _ZONE_DEGREES, y)),
)
_MOST = 0.5


def misplaced(plan: Plan, records: Records) -> list[str]:
    """Say if no record lies in the area and the years of the recipe, and why that may be; nothing if one does.

    Returns
    -------
    list of str
        A line, or none. A record counts as of the recipe's years until a year after the last: it meets the last map.
    """
    found = records.observations
    if not len(found):
        return []
    x, y = found.geometry.x.to_numpy(), found.geometry.y.to_numpy()
    outside = ~shapely.intersects_xy(plan.area, x, y)
    section = plan.recipe.sightings
    timezone = (section.timezone if section else None) or "UTC"
    year = found["time"].dt.tz_convert(timezone).dt.year.to_numpy()
    first, last = min(plan.years), max(plan.years)
    unseen = (year < first) | (year > last + 1)
    if not (outside | unseen).all():
        return []
    said = []
    if outside.any():
        said.append(f"{int(outside.sum()):,} outside the area{_cause(plan.area, x, y, outside)}")
    if (timely := unseen & ~outside).any() or unseen.all():
        which = unseen if unseen.all() else timely
        span = f"{year[which].min()}-{year[which].max()}" if np.ptp(year[which]) else str(year[which][0])
        said.append(f"{int(which.sum()):,} of {span}, while the recipe's years are {plan.recipe.period.years}")
    return [f"none of {len(found):,} records lies in the area and the years of the recipe: {'; '.join(said)}"]


def _cause(area: Any, x: Any, y: Any, outside: Any) -> str:
    """What turns most of the records into the area, or how far away they are."""
    for words, turn in _TURNS:
        if shapely.intersects_xy(area, *turn(x[outside], y[outside])).mean() > _MOST:
            return f" ({words}: then most would lie inside)"
    middle, home = (float(np.median(x[outside])), float(np.median(y[outside]))), area.centroid
    east = (middle[0] - home.x) * np.cos(np.radians(home.y))
    km = float(np.hypot(east, middle[1] - home.y)) * _KM_A_DEGREE
    return f" (about {km:,.0f} km from its middle: check [sightings] crs and [area])"
