"""Files that lie elsewhere than the rest of their scene: one alone would make the whole scene seem not to be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from odc.geo.geobox import GeoBox

from habitat.errors import GridError
from habitat.tiles.extents import corner_of, file_grid, system_of
from habitat.tiles.scenes import Scene, naming

_LEAST_SHARED = 0.5
"""Of the smaller of two extents: files of one scene differ by a rim of pixels, or by the ground of a few."""


def refuse_strays(scenes: Iterable[Scene]) -> None:
    """Refuse a scene of which one file lies elsewhere than its others; the headers of files that are here are read.

    Raises
    ------
    GridError
        If two files of a scene share less than half of the smaller extent.
    ReadError
        If a file cannot be read or carries no reference system.
    """
    for scene in scenes:
        with naming(scene):
            grids = {name: file_grid(asset) for name, asset in scene.assets.items() if asset.is_here}
        found = find_stray(grids)
        if found is not None:
            name, words = found
            raise GridError(
                words,
                where=f"item {scene.id}, {scene.assets[name].href}",
                mend="correct the file's reference system and place, fetch it again, or remove the item",
            )


def find_stray(grids: Mapping[str, GeoBox]) -> tuple[str, str] | None:
    """Return the file that lies elsewhere than most of its scene's others, and where, in words; None if none does."""
    apart = {
        name: [other for other, its in grids.items() if not lie_together(grid, its)] for name, grid in grids.items()
    }
    name = max(apart, key=lambda name: len(apart[name]), default=None)
    if name is None or not apart[name]:
        return None
    other = apart[name][0]
    places = [f"{system_of(grids[n])} from {corner_of(grids[n])}" for n in (name, other)]
    return name, f"its {name} does not lie where its {other} does: in {places[0]}, that in {places[1]}"


@lru_cache(maxsize=1024)
def lie_together(one: GeoBox, other: GeoBox) -> bool:
    """Whether two grids, brought to one reference system, share at least half of the smaller one's extent."""
    if one == other:
        return True
    if one.crs is None or other.crs is None:
        return one.crs == other.crs
    ours = one.extent.geom
    theirs = (other.extent if one.crs == other.crs else other.extent.to_crs(one.crs, resolution="auto")).geom
    # what cannot be brought to the other's system lies far from where that holds, and has no area there
    if not (theirs.is_valid and theirs.area > 0):
        return False
    return bool(ours.intersection(theirs).area >= _LEAST_SHARED * min(ours.area, theirs.area))
