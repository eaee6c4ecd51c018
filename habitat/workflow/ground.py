"""What a legend's classes are to a fire, and what should be known before burns are looked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from habitat.cubes import BANDS
from habitat.errors import RecipeError
from habitat.legend import Legend
from habitat.workflow.context import Plan

FEW_SCENES = 8
"""In a year: with fewer most fires are gone before the next clear look."""
_FIELDS = re.compile(
    r"crop(s|lands?|ped|ping)?|farm(s|lands?|ing)?|arable|cultivat(ed|ion)|padd(y|ies)|rice(fields?)?|agricultur\w*"
)
_NO_FUEL = re.compile(r"waters?|settlements?|settled|built|urban|artificial")


@dataclass(frozen=True)
class Ground:
    """What a legend's codes mean to a fire."""

    forest: frozenset[int]
    open: frozenset[int]
    """Grass, shrub, bare: what is neither forest nor field, water or settlement."""
    field: frozenset[int]

    @classmethod
    def of(cls, legend: Legend) -> Ground:
        """Read it from the words of the classes' names: a lava field is no field, a floodwater meadow no water."""
        fields, other = (
            frozenset(c.code for c in legend if not c.forest and any(map(words.fullmatch, _words(c.name))))
            for words in (_FIELDS, _NO_FUEL)
        )
        forest = frozenset(legend.forest_codes)
        return cls(forest, frozenset(legend.codes) - forest - fields - other, fields)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", name.lower())


def refuse_missing_char(bands: Sequence[str]) -> None:
    """Raise RecipeError if a band is missing: four tell char, and looks are read with all six."""
    if missing := [band for band in BANDS if band not in bands]:
        raise RecipeError(
            f"burns need a band that not every sensor has: {missing[0]}",
            where="[change] burns",
            mend="leave burns out, or name [scenes] collections that have the band",
        )


def burn_doubts(plan: Plan) -> list[str]:
    """What a user should know of burns before they are looked for: years with few scenes, a legend without fields."""
    found = []
    days = [scene.day for scene in plan.settled.scenes]
    few = [year for year in plan.years if len({day for day in days if day.year == year}) < FEW_SCENES]
    if few:
        found.append(
            f"burns: {len(few)} of {len(plan.years)} years have scenes of fewer than {FEW_SCENES} days"
            f" ({few[0]}{' first' if len(few) > 1 else ''}); a fire is missed that no clear look shows within weeks"
        )
    elif all(plan.seasons[0].year_of(day) is not None for day in days):
        found.append("burns: all scenes are of the mapping season; fires of other seasons are missed")
    if not Ground.of(plan.legend).field:
        found.append("burns: the legend has no class of fields; ploughed land will be taken for burnt open ground")
    return found
