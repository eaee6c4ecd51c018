"""What becomes of looks between the files and the composites: the way of one block, for any number of scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr
from odc.geo.geobox import GeoBox

from habitat.cubes import Quality
from habitat.imagery import NOT_CLEAR, clear_looks, screen_looks, to_common_bands
from habitat.recipe import ScenesSection
from habitat.tiles import Scene, read_stack

MARGIN_M = 40.0
"""Around clouds and shadows; see habitat.imagery.masks."""


@dataclass(frozen=True)
class Looks:
    """How a recipe wants looks to be read, put right and masked; another process can do it too."""

    bands: tuple[str, ...]
    settings: ScenesSection

    @property
    def needs_all_years(self) -> bool:
        """Whether a look is judged by those of other years."""
        return self.settings.mask == "history"

    @property
    def margin_m(self) -> float:
        """How far around a block pixels must be known."""
        return MARGIN_M

    def read(self, scenes: Sequence[Scene], grid: GeoBox) -> xr.Dataset:
        """Return a STACK over `grid`, NaN where a look is not clear."""
        mask = self.settings.mask
        stack = read_stack(scenes, grid, self.bands, use_quality=mask != "none")
        if self.settings.bands == "common":
            stack = to_common_bands(stack)
        if mask == "history":
            return clear_looks(screen_looks(stack, margin_m=MARGIN_M), margin_m=0)
        return clear_looks(stack, reject=NOT_CLEAR if mask == "product" else Quality.FILL, margin_m=MARGIN_M)
