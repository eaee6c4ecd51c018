"""The kinds of landscape that can be simulated: what grows, what happens, and how often it is looked at.

A preset is all that sets one kind of sample apart from another, and the rest of the simulator reads it from
`Landscape.preset`. With `standard` a seed gives what it always gave.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from habitat.errors import RecipeError

SENTINEL2, LANDSAT = "sentinel-2", "landsat"

Window = tuple[int, int, int, int]
"""First and last day of a range of dates: month, day, month, day."""


@dataclass(frozen=True)
class Schedule:
    """When a sensor is to look: one scene in each range of dates."""

    sensor: str
    windows: tuple[Window, ...]
    odd_windows: tuple[Window, ...] | None = None
    """Those of odd years; None = the same."""

    def of_year(self, year: int) -> tuple[Window, ...]:
        """Return the ranges of dates of `year`."""
        return self.odd_windows if self.odd_windows is not None and year % 2 else self.windows


def even_schedules(looks_a_year: int) -> tuple[Schedule, ...]:
    """Return dates spread evenly over the year without its snow, a third of them Landsat's.

    Parameters
    ----------
    looks_a_year : int
        4 to 40. Up to 24 lie between 16 March and 5 November; more begin and end among snow.

    Raises
    ------
    RecipeError
        If there are fewer or more.

    Examples
    --------
    >>> [len(schedule.windows) for schedule in even_schedules(12)]
    [8, 4]
    >>> even_schedules(4)[1].windows
    ((3, 16, 11, 5),)
    """
    if not 4 <= looks_a_year <= 40:
        raise RecipeError(f"{looks_a_year} dates a year", where="looks", mend="choose 4 to 40")
    first, last = (
        (date(2001, 3, 16), date(2001, 11, 5)) if looks_a_year <= 24 else (date(2001, 2, 20), date(2001, 12, 5))
    )
    landsat = round(looks_a_year / 3)
    schedules = []
    for sensor, count in ((SENTINEL2, looks_a_year - landsat), (LANDSAT, landsat)):
        edges = [first + timedelta(days=round(k * ((last - first).days + 1) / count)) for k in range(count + 1)]
        ends = [edge - timedelta(days=1) for edge in edges[1:]]
        windows = [(a.month, a.day, b.month, b.day) for a, b in zip(edges, ends, strict=False)]
        schedules.append(Schedule(sensor, tuple(windows)))
    return tuple(schedules)


@dataclass(frozen=True)
class Rate:
    """How much of one kind of event happens in a year: drawn anew each year, evenly between two limits."""

    kind: str
    low: float
    high: float

    def draw(self, rng: Any) -> float:
        """Return the rate of one year; limits that are equal draw nothing from `rng`."""
        return self.low if self.low == self.high else float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class Preset:
    """The settings of one kind of landscape."""

    name: str
    summary: str
    """What it is for, in one line."""
    codes: tuple[int, ...]
    """Legend codes that are laid out or come about by events."""
    schedules: tuple[Schedule, ...]
    """Of each sensor in the order in which scenes of one moment are named."""
    events: tuple[Rate, ...]
    """In the order of drawing. Each kind has a function in :mod:`habitat.simulate.disturbance`, or in
    :mod:`habitat.simulate.hazards` if `dense`, which says what its rate means: share of the forest that is cut or
    thinned, fires started per square kilometre, and so on."""
    training_points: int = 600
    """How many labels a person has drawn, all years together."""
    spread: float = 1.0
    """How unlike one another the stands of a class are, against the usual."""
    clearest_of: int = 2
    """Each date is the clearer of so many that could have been chosen."""
    missed_cloud_share: float = 0.0287
    """Share of the area in whose patches the product's mask misses thin clouds."""
    overlooked_cloud_share: float = 0.0
    """Share of what is left of the clouds, thick ones too, that the product's mask misses all the same."""
    dense: bool = False
    """Whether looks are as many as an archive holds (:mod:`habitat.simulate.archive`, not `schedules`), damage is of
    any share and speed (:mod:`habitat.simulate.hazards`), and years are harsh (:mod:`habitat.simulate.climate`)."""

    @property
    def looks_a_year(self) -> int:
        """Scenes in a year, of all sensors."""
        return sum(len(schedule.windows) for schedule in self.schedules)

    def with_looks(self, looks_a_year: int) -> Preset:
        """Return these settings with so many dates a year, 4 to 40, spread evenly: see :func:`even_schedules`.

        Raises
        ------
        RecipeError
            If there are fewer or more, or if the preset has all the looks of an archive.
        """
        if self.dense:
            raise RecipeError(
                f"preset {self.name!r} has all the looks of an archive", where="looks", mend="leave it out"
            )
        return replace(self, schedules=even_schedules(looks_a_year), clearest_of=2 if looks_a_year <= 8 else 1)

    @property
    def settings(self) -> dict[str, Any]:
        """All settings as plain numbers, texts and lists, as `truth/parameters.json` holds them."""
        return asdict(self)


_STANDARD = Preset(
    name="standard",
    summary="the teaching sample: ten classes, cuts, fires and thinnings, four dates a year from each sensor",
    codes=(11, 13, 14, 15, 21, 22, 23, 30, 50, 70),
    # early spring, twice in the mapping season, autumn; in odd years Landsat's early scene is one of winter
    schedules=(
        Schedule(SENTINEL2, ((3, 18, 4, 28), (6, 4, 7, 14), (7, 25, 9, 12), (9, 18, 10, 25))),
        Schedule(
            LANDSAT,
            ((3, 16, 4, 29), (6, 4, 7, 20), (7, 21, 9, 14), (9, 18, 10, 28)),
            ((1, 8, 2, 26), (6, 4, 7, 20), (7, 21, 9, 14), (9, 18, 10, 28)),
        ),
    ),
    events=(Rate("cut", 0.004, 0.010), Rate("thinning", 0.004, 0.004), Rate("fire", 0.05, 0.05)),
)

_FULL = Preset(
    name="full",
    summary="every class of the default legend, planted larch and pine, grassland burnt in spring",
    codes=(11, 12, 13, 14, 15, 21, 22, 23, 30, 40, 50, 60, 70),
    schedules=even_schedules(16),
    events=(
        Rate("cut", 0.003, 0.007),
        Rate("thinning", 0.004, 0.004),
        Rate("fire", 0.03, 0.03),
        Rate("grass fire", 0.018, 0.035),
    ),
    clearest_of=1,
    training_points=1800,
    spread=0.4,
)

_HARD = Preset(
    name="hard",
    summary="detecting change: losses of 20 to 100% of the crowns, droughts, late springs, gaps, and missed clouds",
    codes=_STANDARD.codes,
    schedules=(),
    # mean shares of the forest that are touched in a year; fires a square kilometre
    events=(
        Rate("clear cut", 0.0070, 0.0120),
        Rate("selective cut", 0.0005, 0.0013),
        Rate("insects", 0.0027, 0.0027),
        Rate("wind", 0.0022, 0.0022),
        Rate("flood", 0.0002, 0.0002),
        Rate("building", 0.0004, 0.0010),
        Rate("fire", 0.07, 0.07),
    ),
    overlooked_cloud_share=0.03,
    dense=True,
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in (_STANDARD, _FULL, _HARD)})
"""All presets by name."""

STANDARD = PRESETS["standard"]


def find_preset(preset: str | Preset) -> Preset:
    """Return the preset of a name; a preset is returned as it is.

    Raises
    ------
    RecipeError
        If there is none of that name: names the nearest one.

    Examples
    --------
    >>> find_preset("standard").looks_a_year
    8
    >>> find_preset("standart")
    Traceback (most recent call last):
    habitat.errors.RecipeError: preset: 'standart' does not exist; did you mean 'standard'?
    """
    if isinstance(preset, Preset):
        return preset
    if preset not in PRESETS:
        near = difflib.get_close_matches(preset.lower(), PRESETS, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(PRESETS)}"
        raise RecipeError(f"{preset!r} does not exist", where="preset", mend=mend)
    return PRESETS[preset]
