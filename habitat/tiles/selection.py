"""Choose the scenes of an area and a period, and say of every other one why it is not used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitat.errors import CatalogueError
from habitat.tiles.catalogue import read_items
from habitat.tiles.items import UNKNOWN, scene_from_item, unusable
from habitat.tiles.overlaps import OLDER, SEEN, newness, older_processings, seen_by_neighbours
from habitat.tiles.providers import Provider, names_provider, provider_for
from habitat.tiles.scenes import Scene

if TYPE_CHECKING:
    import pystac

    from habitat.tiles.search import Connection

RULES = (
    "a scene is surface reflectance of a known sensor, with the bands and the quality that others of its sensor have",
    "its footprint meets the area; one without a footprint may",
    "its day lies in one of the seasons",
    "of several processings of one acquisition the newest is used",
    "it states no more cloud than is allowed; one that states none may",
    "where another scene of the same pass sees all of its part of the area, that one alone is used",
)
"""How scenes are chosen, in this order."""


@dataclass(frozen=True)
class Selection:
    """What a catalogue offers for an area and a period."""

    scenes: tuple[Scene, ...]
    """In the order of their times."""
    left_out: Mapping[str, str]
    """Identifier of each other scene, and why it is not used."""
    provider: Provider | None = None
    """Who publishes them; None if they were listed in a file of this machine."""
    rules: tuple[str, ...] = RULES
    """How they were chosen."""

    @property
    def reasons(self) -> dict[str, int]:
        """How many scenes were left out for each reason, the commonest first; other scenes' names are taken out."""
        return _counted(self.left_out.values())


def select_scenes(
    source: str | Path,
    *,
    area: Any,
    windows: Sequence[tuple[date, date]],
    max_cloud_percent: float = 100,
    collections: Collection[str] | None = None,
    remote: Connection | None = None,
) -> Selection:
    """Choose the scenes that see `area` inside one of `windows`, by the rules of :data:`RULES`.

    The order in which a catalogue lists its items never matters.

    Parameters
    ----------
    source : str or Path
        A STAC catalogue, collection, item or item collection file; or a provider's name or a STAC API's address.
    area : shapely geometry
        In degrees (EPSG:4326).
    windows : sequence of (first day, last day)
    max_cloud_percent : float
        Scenes that state more cloud are left out.
    collections : collection of str, optional
        Only these.
    remote : Connection, optional
        How the web is asked.

    Raises
    ------
    CatalogueError
        If the file is not STAC, the API cannot be searched, or no scene is left; the message says at which step the
        last one went.
    """
    if isinstance(source, str) and not names_provider(source):
        source = Path(source)
    provider = provider_for(source) if isinstance(source, str) else None
    left_out: dict[str, str] = {}
    if provider is None:
        items: Iterable[tuple[str, pystac.Item | CatalogueError]] = (
            (item.id, item) for item in read_items(Path(source), collections)
        )
    else:
        from habitat.tiles.search import search_items

        items = search_items(provider, area=area, windows=windows, collections=collections, remote=remote)
    sieve = _Sieve(source, _scenes(items, provider, left_out), left_out)
    if provider is not None:
        sieve.drop(_incomplete(sieve.scenes))
    sieve.keep(lambda s: s.geometry is None or bool(s.geometry.intersects(area)), "outside the area", "check [area]")
    sieve.keep(
        lambda s: any(first <= s.day <= last for first, last in windows),
        "outside the years and seasons",
        "check [period]",
    )
    sieve.drop(older_processings(sieve.scenes))
    sieve.keep(
        lambda s: s.cloud_percent is None or s.cloud_percent <= max_cloud_percent,
        f"with more than {max_cloud_percent:g}% cloud",
        "raise [scenes] max_cloud_percent",
    )
    sieve.drop(seen_by_neighbours(sieve.scenes, area))
    return Selection(tuple(sieve.scenes), left_out, provider)


class _Sieve:
    """The scenes that are still in, and why the others went."""

    def __init__(self, source: object, scenes: Iterable[Scene], left_out: dict[str, str]) -> None:
        self._source, self._left_out = source, left_out
        self.scenes = _one_of_each_name(scenes)
        for scene in self.scenes:
            left_out.pop(scene.id, None)  # an item of another product can bear the same name
        if not self.scenes:
            said = f" ({_said(left_out)})" if left_out else ""
            raise CatalogueError(
                f"holds no scene of a known sensor{said}", where=source, mend="check [scenes] collections"
            )

    def drop(self, gone: Mapping[str, str]) -> None:
        self._left_out.update(gone)
        self.scenes = [scene for scene in self.scenes if scene.id not in gone]

    def keep(self, test: Callable[[Scene], bool], reason: str, mend: str) -> None:
        self.drop({scene.id: reason for scene in self.scenes if not test(scene)})
        if not self.scenes:
            said = _said(self._left_out)
            raise CatalogueError(f"no scene is left to use ({said})", where=self._source, mend=mend)


def _scenes(
    items: Iterable[tuple[str, pystac.Item | CatalogueError]], provider: Provider | None, left_out: dict[str, str]
) -> Iterator[Scene]:
    for name, item in items:
        try:
            if isinstance(item, CatalogueError):
                raise item
            scene = scene_from_item(item, provider=provider)
        except CatalogueError as error:
            if provider is None:  # who wrote the catalogue can mend it; nobody mends what a search gave
                raise
            left_out[name.encode(errors="replace").decode()] = error.what
            continue
        if scene is not None:
            yield scene
        elif (reason := unusable(item)) not in (None, UNKNOWN):
            left_out[name] = str(reason)


def _one_of_each_name(scenes: Iterable[Scene]) -> list[Scene]:
    """In the order of their times; of several that share a name, the same one in whatever order they come."""
    of_name: dict[str, list[Scene]] = {}
    for scene in scenes:
        of_name.setdefault(scene.id, []).append(scene)
    chosen = (max(same, key=lambda s: (newness(s), _whole(s))) for same in of_name.values())
    return sorted(chosen, key=lambda s: (s.time, s.sensor.name, s.id))


def _whole(scene: Scene) -> str:
    """All that a scene says, as one text."""
    return f"{vars(scene)} {'' if scene.geometry is None else scene.geometry.wkb_hex}"


def _incomplete(scenes: Sequence[Scene]) -> dict[str, str]:
    """Scenes of a search that lack a band, or the quality, which others of their sensor have."""
    offered: dict[str, set[str]] = {}
    for scene in scenes:
        offered.setdefault(scene.sensor.name, set()).update(scene.assets)
    missing = ((scene, offered[scene.sensor.name] - set(scene.assets)) for scene in scenes)
    return {scene.id: f"lacks {', '.join(sorted(lost))}" for scene, lost in missing if lost}


def _said(left_out: Mapping[str, str]) -> str:
    return "; ".join(f"{count} {reason}" for reason, count in _counted(left_out.values()).items())


def _counted(reasons: Iterable[str]) -> dict[str, int]:
    kinds = (
        next((f"{kind} another scene" for kind in (OLDER, SEEN) if said.startswith(kind)), said) for said in reasons
    )
    counted = Counter(kinds)
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
