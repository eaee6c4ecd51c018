"""Training labels from maps that others made: ESA WorldCover, Global Forest Change, percent of tree cover.

Each map's values are translated into the codes of :data:`habitat.legend.BROAD_LEGEND`, as stated here; a recipe may
translate them otherwise. What a translation leaves at 0 carries no label.

Sources: WorldCover Product User Manual v2.0 (2022), table of classes; Hansen et al. 2013, Science 342, 850-853, and the
notes of the yearly updates of Global Forest Change; Copernicus High Resolution Layer Tree Cover Density, product
specification.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from habitat.errors import TrainingError

Kind = Literal["worldcover", "gfc", "tree_cover"]
"""Which map it is."""

WORLDCOVER = {
    "10": 10,
    "20": 21,
    "30": 22,
    "40": 30,
    "50": 70,
    "60": 60,
    "70": 0,
    "80": 50,
    "90": 40,
    "95": 10,
    "100": 0,
}
"""Trees (crowns over 10% and more) and mangroves are forest; snow (70), moss and lichen (100) carry no label."""
FOREST_OR_NOT = {"forest": 10, "other": 20}
"""Of maps that know no more."""
REGROWN_YEARS = 5
"""So many years after a loss of Global Forest Change its ground is still taken for open: later trees are not mapped."""
_OUTSIDE = (254, 255)
"""Values of tree cover that say: not mapped."""
_LAST_LOSS = 60
"""A later year of loss is no year: the map counts from 2000."""

Maps = list[tuple[int | None, np.ndarray]]
"""Codes (y, x) by the year in which they were true; None = nobody wrote it down."""


@dataclass(frozen=True)
class Translation:
    """How a map's values become labels."""

    kind: Kind
    codes: Mapping[str, int] = field(default_factory=dict)
    """Legend code of a map's value, where it is not the stated one; `forest` and `other` of maps of tree cover."""
    cover_percent: tuple[float, float] = (20, 50)
    """Tree cover up to the first is not forest, from the second on forest; between them there is no label."""

    def __post_init__(self) -> None:
        strange = [name for name in self.codes if name not in self.stated]
        if strange:
            raise TrainingError(
                f"{self.kind} has no value {strange[0]!r}",
                where="[forest] training_codes",
                mend=f"its values are {', '.join(self.stated)}",
            )

    @property
    def stated(self) -> Mapping[str, int]:
        """The translation that is stated here."""
        return WORLDCOVER if self.kind == "worldcover" else FOREST_OR_NOT

    @property
    def layers(self) -> tuple[str, ...]:
        """What the names of the map's files hold; '' = anything."""
        return ("treecover2000", "lossyear") if self.kind == "gfc" else ("",)

    def to_codes(self, layers: Sequence[np.ndarray], path: Path, years: Sequence[int]) -> Maps:
        """Return uint8 codes (y, x) of the map's layers, 0 = no label.

        Raises
        ------
        TrainingError
            If a layer holds a value that the map does not have, or nothing says until which year losses are mapped.
        """
        translate: Mapping[str, Callable[..., Maps]] = {
            "worldcover": self._worldcover,
            "gfc": self._forest_change,
            "tree_cover": self._tree_cover,
        }
        return translate[self.kind](layers, path, years)

    def _code(self, name: str) -> int:
        return int(self.codes.get(name, self.stated[name]))

    def _worldcover(self, layers: Sequence[np.ndarray], path: Path, _years: Sequence[int]) -> Maps:
        table = np.zeros(256, dtype=np.uint8)
        known = np.zeros(256, dtype=bool)
        known[0] = True
        for name in WORLDCOVER:
            table[int(name)], known[int(name)] = self._code(name), True
        values = layers[0]
        strange = (values < 0) | (values > 255) | ~known[np.clip(values, 0, 255)]
        _refuse(values, strange, path, "WorldCover has no such class")
        year = re.search(r"WorldCover_10m_(20\d\d)", path.name)
        return [(int(year[1]) if year else None, table[values])]

    def _tree_cover(self, layers: Sequence[np.ndarray], path: Path, _years: Sequence[int]) -> Maps:
        return [(None, self._of_cover(layers[0], path))]

    def _forest_change(self, layers: Sequence[np.ndarray], path: Path, years: Sequence[int]) -> Maps:
        cover, loss = layers
        _refuse(
            loss, ((loss > _LAST_LOSS) | (loss < 0)) & (loss != _OUTSIDE[-1]), path, "years of loss count from 2000"
        )
        loss = np.where(loss == _OUTSIDE[-1], 0, loss).astype(np.int64)
        lost = loss + 2000
        last = _mapped_until(path)
        codes = self._of_cover(cover, path)
        forest = codes == self._code("forest")
        maps: Maps = []
        for year in years:
            if 2000 <= year <= last:
                # in the year of a loss nobody knows whether the mapping season came before it
                open_now = forest & (loss > 0) & (lost < year) & (year - lost <= REGROWN_YEARS)
                unsure = (loss > 0) & (lost <= year) & ~open_now
                of_year = np.where(open_now, self._code("other"), np.where(unsure, 0, codes))
                maps.append((year, of_year.astype(np.uint8)))
        return maps

    def _of_cover(self, percent: np.ndarray, path: Path) -> np.ndarray:
        _refuse(percent, ((percent > 100) | (percent < 0)) & ~np.isin(percent, _OUTSIDE), path, "it is no percentage")
        low, high = self.cover_percent
        known = percent <= 100
        return np.select(
            [known & (percent >= high), known & (percent <= low)], [self._code("forest"), self._code("other")], 0
        ).astype(np.uint8)


def _mapped_until(path: Path) -> int:
    """The year until which a version of Global Forest Change maps losses: its name alone tells, not its latest loss."""
    named = re.findall(r"GFC-(20\d\d)", f"{path.parent.name}/{path.name}")
    if not named:
        raise TrainingError(
            "does not say until which year it maps losses",
            where=path,
            mend="keep the map's version in the file's name or its folder's, such as GFC-2023",
        )
    return int(named[-1])


def _refuse(values: np.ndarray, strange: np.ndarray, path: Path, why: str) -> None:
    if strange.any():
        raise TrainingError(
            f"holds the value {values[strange][0]}: {why}",
            where=path,
            mend="give the map that [forest] training_map names",
        )
