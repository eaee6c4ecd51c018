"""What is mapped: forest, change, and how well."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from habitat.recipe.section import Section


class ForestSection(Section):
    """How forest is told from the rest."""

    training: str
    """Points or polygons with a column `code` (and perhaps `date`), a raster of codes, or a map and its tiles."""
    training_map: Literal["codes", "worldcover", "gfc", "tree_cover"] = "codes"
    """What a raster holds: codes of the legend, or ESA WorldCover's classes, Global Forest Change's layers
    (treecover2000 and lossyear), percent of tree cover: these are translated, see habitat.records.covers."""
    training_codes: dict[str, int] = Field(default_factory=dict)
    """Legend code of a map's value where it is not the stated one; 0 = no label."""
    training_cover_percent: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        default=[20, 50], min_length=2, max_length=2
    )
    """Of maps of tree cover: not forest up to the first, forest from the second on, between them no label."""
    training_edge_m: Annotated[float, Field(ge=0, le=1000)] = 0
    """How far from the edge of a polygon, or from a raster's next class, there is no label."""
    training_year: int | None = None
    """The year in which labels without a date were true; default: the year whose scenes they fit best."""
    legend: str | None = None
    clean_labels: bool = False
    """Whether labels that what was seen contradicts are left out, where there are more of them than usual."""
    features: Annotated[
        list[Literal["bands", "indices", "harmonics", "terrain", "texture", "looks"]], Field(min_length=1)
    ] = Field(default=["bands", "indices", "harmonics"])
    """What the classifier is shown: see habitat.forest_features. Terrain counts where there are heights."""

    @model_validator(mode="after")
    def _translated(self) -> ForestSection:
        if not {"bands", "indices", "harmonics"}.intersection(self.features):
            raise ValueError("features needs bands, indices or harmonics: the rest alone says nothing of what grows")
        if self.training_codes and self.training_map == "codes":
            raise ValueError("training_codes translates a map: say which in training_map")
        if self.training_cover_percent[0] >= self.training_cover_percent[1]:
            raise ValueError("training_cover_percent takes two ascending numbers, such as [20, 50]")
        return self


class ChangeSection(Section):
    """What counts as a loss, and what is asked about it."""

    min_patch_ha: Annotated[float, Field(ge=0)] = 0.5
    evidence: list[Literal["maps", "trajectories", "breaks"]] = Field(default=["maps", "trajectories"])
    """Yearly maps, always; segments of the yearly composites; breaks in all looks of the years."""
    kinds: bool = False
    """Whether looks are read once more to tell what happened to each patch."""
    burns: bool = False
    """Whether burnt ground is looked for in all looks of the years: its day, severity, how often, what became of it."""

    @model_validator(mode="after")
    def _with_maps(self) -> ChangeSection:
        if "maps" not in self.evidence:
            raise ValueError('evidence needs "maps", as in ["maps", "breaks"]: nothing else knows what is forest')
        return self


class AssessSection(Section):
    """How many places people look at, to tell how right the maps are and how large areas."""

    classes: Literal["forest", "legend"] = "forest"
    """What interpreters tell apart: forest and not forest, or all classes of the legend."""
    target_se: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    """Standard error that overall accuracy is to have."""
    samples: Annotated[int, Field(ge=4)] | None = None
    """So many in all instead."""
    least: Annotated[int, Field(ge=2)] = 50
    """In every stratum."""
    allocation: Literal["proportional", "equal", "optimal"] = "proportional"
    """How the rest is shared among strata."""
    expected_loss: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """User's accuracy that mapped loss is expected to have."""
    expected_stable: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """And the rest of the map."""
    near_loss_m: Annotated[float, Field(ge=0)] = 0
    """A belt of this width around mapped loss is a stratum of its own: omitted loss hides there."""
    chip_m: Annotated[float, Field(ge=60, le=10_000)] = 600
    """Side of the pictures that interpreters see."""
    seed: Annotated[int, Field(ge=0)] = 1
    answers: str | None = None
    """The filled-in sheet; default: the one in the run's folder, once something is typed into it."""
