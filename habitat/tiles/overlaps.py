"""Which of several scenes that see the same ground at the same time is used, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from habitat.sensors import SENTINEL2
from habitat.tiles.scenes import Scene

OLDER = "an older processing of"
"""Beginning of a reason; the scene that is used instead follows."""
SEEN = "its part of the area is seen by"
"""Likewise."""
ONE_PASS = timedelta(minutes=30)
"""Scenes of one satellite that are no further apart are of one pass: an orbit takes three times as long, and
catalogues give either the tile's own time or the start of the whole strip."""
_RECENT = 32
"""Passes that may have begun within one day over one area: more than the satellites there are."""
NEARLY = 0.8
"""Share of the larger footprint that two processings of one acquisition have in common at least."""
SPARE_DEG = 0.0005
"""About 50 m. A footprint's straight sides are not quite those of its pixels."""


def older_processings(scenes: Sequence[Scene]) -> dict[str, str]:
    """Return the scenes of which there is a newer processing, each with its reason, by id.

    Two scenes are processings of one acquisition if sensor, satellite, tile and pass are the same and their
    footprints are nearly so; parts of a tile that complete each other are not, nor are scenes that name no tile. The
    highest baseline wins, then the latest processing, then the last name; what Landsat made in real time (RT) loses
    against what it made later.
    """
    grounds = {scene.id: _ground(scene) for scene in scenes}
    kept = _Passes()
    older = {}
    for scene in sorted(scenes, key=newness, reverse=True):
        winner = next(
            (
                other
                for other in kept.of(scene)
                if scene.tile is not None
                and scene.tile == other.tile
                and _nearly_same(grounds[scene.id], grounds[other.id])
            ),
            None,
        )
        if winner is None:
            kept.add(scene)
        else:
            older[scene.id] = f"{OLDER} {winner.id}"
    return older


def seen_by_neighbours(scenes: Sequence[Scene], area: Any) -> dict[str, str]:
    """Return the scenes whose part of `area` another scene of the same pass sees alone, each with its reason, by id.

    Neighbouring tiles overlap and hold the same pixels there. One in the commonest reference system is preferred, so
    that nothing is warped, then the one that sees more of the area, then the first name. A scene without a footprint
    is kept, and one whose footprint is but a bounding box never stands in for another: half of it may be empty.
    """
    parts = {scene.id: None if (ground := _ground(scene)) is None else ground.intersection(area) for scene in scenes}
    commonest = _commonest_system(scenes)

    def preference(scene: Scene) -> tuple[bool, float, str]:
        part = parts[scene.id]
        return (_system(scene) != commonest, 0.0 if part is None else -part.area, scene.id)

    kept = _Passes()
    seen = {}
    for scene in sorted(scenes, key=preference):
        part = parts[scene.id]
        winner = None if part is None else next((o for o in kept.of(scene) if _sees(o, part)), None)
        if winner is None:
            kept.add(scene)
        else:
            seen[scene.id] = f"{SEEN} {winner.id}"
    return seen


class _Passes:
    """Scenes by sensor and day, to find those of one pass."""

    def __init__(self) -> None:
        self._of_day: dict[tuple[str, date], list[Scene]] = {}

    def add(self, scene: Scene) -> None:
        self._of_day.setdefault((scene.sensor.name, scene.day), []).append(scene)

    def of(self, scene: Scene) -> list[Scene]:
        days = (scene.day + timedelta(days=k) for k in (-1, 0, 1))
        near = [other for day in days for other in self._of_day.get((scene.sensor.name, day), ())]
        return [other for other in near if same_pass(scene, other)]


def passes_of(scenes: Sequence[Scene]) -> list[list[Scene]]:
    """Return scenes of one pass together, by time: each is joined by :func:`same_pass` to the one before it."""
    passes: list[list[Scene]] = []
    for scene in sorted(scenes, key=lambda s: (s.time, s.id)):
        group = next((each for each in reversed(passes[-_RECENT:]) if same_pass(scene, each[-1])), None)
        if group is None:
            passes.append([scene])
        else:
            group.append(scene)
    return passes


def same_pass(one: Scene, other: Scene) -> bool:
    """Return whether two scenes are of one satellite's one flight over the area, as far as they say."""
    if one.sensor is not other.sensor:
        return False
    if one.platform and other.platform and not _is_part_of(one.platform, other.platform):
        return False
    if time() in (one.time.time(), other.time.time()):  # a date without a time
        return one.day == other.day
    return abs(one.time - other.time) <= ONE_PASS


def _is_part_of(one: str, other: str) -> bool:
    """`sentinel-2` may be `sentinel-2a`; `sentinel-2b` is not."""
    return one.startswith(other) or other.startswith(one)


def newness(scene: Scene) -> tuple[bool, tuple[int, ...], datetime, str]:
    """Return what a newer processing has more of: baseline, time of processing, name."""
    baseline = (scene.claims.baseline if scene.claims is not None else None) or ()
    made = scene.processed or datetime.min.replace(tzinfo=UTC)
    return (not scene.id.upper().endswith(("_RT", "_RT_SR")), baseline, made, scene.id)


def _ground(scene: Scene) -> Any:
    """The footprint, mended where it crosses itself."""
    import shapely

    return scene.geometry if scene.geometry is None or scene.geometry.is_valid else shapely.make_valid(scene.geometry)


def _nearly_same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    larger = max(one.area, other.area)
    return bool(larger > 0 and one.intersection(other).area >= NEARLY * larger)


def _sees(scene: Scene, part: Any) -> bool:
    ground = _ground(scene)
    if ground is None or part.is_empty or ground.area >= (1 - 1e-9) * ground.envelope.area:
        return False
    return bool(ground.buffer(-SPARE_DEG).covers(part))


def _commonest_system(scenes: Sequence[Scene]) -> str | None:
    """The reference system that the run's grid will most likely have."""
    finest = [s for s in scenes if s.sensor is SENTINEL2] or scenes
    counted = Counter(system for s in finest if (system := _system(s)) is not None)
    return min(counted, key=lambda system: (-counted[system], system), default=None)


def _system(scene: Scene) -> str | None:
    """A scene's reference system: as its item states it, or that of its MGRS tile."""
    stated = next((a.grid.crs for a in scene.assets.values() if a.grid is not None and a.grid.crs is not None), None)
    if stated is not None:
        return f"EPSG:{stated.epsg}" if stated.epsg else str(stated)
    if scene.tile is None or scene.tile.isdigit():
        return None
    return f"EPSG:{326 if scene.tile[2] >= 'N' else 327}{scene.tile[:2]}"
