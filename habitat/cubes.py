"""The contracts: what flows from stage to stage, written down and checked.

A cube is a plain :class:`xarray.Dataset`, a table a plain :class:`geopandas.GeoDataFrame`; there is no
class of our own. A contract says which dimensions, variables, units and columns it holds, and
``CONTRACT.check(data)`` is called where data enters a stage. See ``docs/conventions.md`` for the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from habitat.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

BANDS = ("blue", "green", "red", "nir08", "swir16", "swir22")
"""Bands common to both sensors, by their STAC common names, in the order in which files hold them."""

REFLECTANCE_RANGE = (-0.2, 1.6)
"""Surface reflectance that real products hold: below 0 over dark water, above 1 over snow and cloud."""


class Quality:
    """Bits of a STACK's `quality`: why a look is not clear, the same for all sensors.

    Both products' own codes are translated into these bits on their native grid, so that the area
    covered by a bad pixel can be carried to any other grid by a bitwise *or*: any bad part wins.
    """

    CLOUD = 1
    SHADOW = 2
    SNOW = 4
    CIRRUS = 8
    SATURATED = 16
    FILL = 32
    """No measurement at all."""
    WATER = 64
    """Not a fault: kept because products mark it."""


@dataclass(frozen=True)
class Contract:
    """What a cube must be."""

    name: str
    dims: tuple[str, ...]
    """Dimensions in their order."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables it must have, and the numpy kinds that each may be of ('f', 'iu', 'b', ...)."""
    some_of: tuple[str, ...] = ()
    """At least one of these must be there too."""

    def check(self, cube: xr.Dataset) -> xr.Dataset:
        """Return `cube` unchanged if it keeps this contract.

        Raises
        ------
        ContractError
            Naming the first dimension or variable that is wrong.
        """
        for dim in self.dims:
            if dim not in cube.dims:
                raise ContractError(
                    f"dimension {dim!r} is missing (has {', '.join(map(str, cube.dims))})", where=self.name
                )
        if self.some_of and not any(name in cube for name in self.some_of):
            raise ContractError(f"none of the variables {', '.join(self.some_of)} is there", where=self.name)
        held = cube.variables  # an array with its coordinates takes a hundred times as long to make
        for name, kinds in self.variables.items():
            if name not in cube:
                raise ContractError(f"variable {name!r} is missing", where=self.name)
            if held[name].dtype.kind not in kinds:
                raise ContractError(f"variable {name!r} is {held[name].dtype}, not of kind {kinds!r}", where=self.name)
        named = (*self.variables, *(name for name in self.some_of if name in cube))
        for name in named or map(str, cube.data_vars):
            if held[name].dims != self.dims:
                raise ContractError(
                    f"variable {name!r} has dimensions {held[name].dims}, not {self.dims}", where=self.name
                )
        return cube


@dataclass(frozen=True)
class TableContract:
    """What a table must be."""

    name: str
    columns: Mapping[str, str]
    """Columns it must have, and the pandas kinds that each may be of; '' leaves the kind open."""
    key: tuple[str, ...] = ()
    """Columns that together name a row: no two rows may share them."""

    def check(self, table: Any) -> Any:
        """Return `table` unchanged if it keeps this contract.

        Raises
        ------
        ContractError
            Naming the first column that is wrong, or that rows share a key.
        """
        frame: pd.DataFrame = table
        for column, kinds in self.columns.items():
            if column not in frame.columns:
                raise ContractError(f"column {column!r} is missing", where=self.name)
            if kinds and len(frame) and frame[column].dtype.kind not in kinds:
                raise ContractError(
                    f"column {column!r} is {frame[column].dtype}, not of kind {kinds!r}", where=self.name
                )
        if self.key and frame.duplicated(list(self.key)).any():
            raise ContractError(f"rows share the same {' and '.join(self.key)}", where=self.name)
        return table


STACK = Contract("STACK", ("time", "y", "x"), {"quality": "u"}, some_of=BANDS)
"""Surface reflectance, nominal 0-1, float32, NaN = not seen; `quality` holds :class:`Quality` bits.
Coordinates along time: `time` (UTC), `sensor`, `platform` ("" where unknown), `scene`."""

COMPOSITE = Contract("COMPOSITE", ("year", "season", "y", "x"), {"looks": "iu"}, some_of=BANDS)
"""Reflectance of each year's seasons, NaN = not seen; `looks` = clear observations a pixel."""

FEATURES = Contract("FEATURES", ("year", "y", "x"))
"""float32 predictors, one variable each, NaN = missing."""

MAP = Contract("MAP", ("year", "y", "x"), {"code": "u", "forest_probability": "f", "evidence": "f"})
"""Legend `code` (0 = unknown), P(forest) given all years, and given that year's pixels alone (0-1, NaN)."""

NO_LOSS = 0
"""Value of a map of loss years: seen, and no forest lost."""
UNKNOWN_LOSS = 65535
"""Value of a map of loss years: seen too seldom to say."""


def is_loss(loss_year: Any) -> Any:
    """Tell where a map of loss years names a year."""
    return (loss_year != NO_LOSS) & (loss_year != UNKNOWN_LOSS)


CHANGE = Contract("CHANGE", ("y", "x"), {"loss_year": "u", "loss_probability": "f"})
"""Year of the first loss (0 = none, 65535 = unknown) and the probability that there was one (0-1, NaN)."""

CELLS = TableContract(
    "CELLS",
    {
        "cell": "",
        "year": "iu",
        "area_m2": "f",
        "seen_share": "f",
        "forest_share": "f",
        "loss_share": "f",
        "geometry": "",
    },
    key=("cell", "year"),
)
"""Survey cells by year; shares 0-1, null where nothing was seen."""

EFFORT = TableContract(
    "EFFORT", {"effort_id": "", "start": "M", "end": "M", "effort_days": "f", "geometry": ""}, key=("effort_id",)
)
"""One row a camera deployment, from gap to gap, or a patrol's pass through a cell: where, when (UTC), how many days. If
known `deployment` (the name that records know it by), `method` ("camera", "patrol"), `effort_km` (walked)."""

EVENTS = TableContract(
    "EVENTS",
    {"event": "", "species": "", "individual": "", "time": "M", "effort_id": "", "geometry": ""},
    key=("event",),
)
"""One row an independent record of an animal, time in UTC."""
