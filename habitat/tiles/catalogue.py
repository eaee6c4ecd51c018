"""Find the scenes of an area and a period in a STAC file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitat.errors import CatalogueError
from habitat.tiles.items import scene_from_item
from habitat.tiles.scenes import Scene

if TYPE_CHECKING:
    import pystac

_MEND = "give [scenes] source a STAC catalogue, collection or item file"


@dataclass(frozen=True)
class Selection:
    """What a catalogue offers for an area and a period."""

    scenes: tuple[Scene, ...]
    """In the order of their times."""
    left_out: Mapping[str, str]
    """Identifier of each other scene, and why it is not used."""


def select_scenes(
    source: Path,
    *,
    area: Any,
    windows: Sequence[tuple[date, date]],
    max_cloud_percent: float = 100,
    collections: Collection[str] | None = None,
) -> Selection:
    """Choose the scenes that see `area` inside one of `windows`.

    Parameters
    ----------
    source : Path
        A STAC catalogue, collection, item or item collection file.
    area : shapely geometry
        In degrees (EPSG:4326).
    windows : sequence of (first day, last day)
    max_cloud_percent : float
        Scenes that state more cloud are left out.
    collections : collection of str, optional
        Only these.

    Raises
    ------
    CatalogueError
        If the file is not STAC, or no scene is left; the message says at which step the last one went.
    """
    items = (scene_from_item(item) for item in _items(source, collections))
    scenes = sorted({s.id: s for s in items if s is not None}.values(), key=lambda s: (s.time, s.sensor.name, s.id))
    if not scenes:
        raise CatalogueError("holds no scene of a known sensor", where=source, mend="check [scenes] collections")
    left_out: dict[str, str] = {}
    steps: tuple[tuple[str, str, Callable[[Scene], bool]], ...] = (
        ("outside the area", "check [area]", lambda s: s.geometry is None or bool(s.geometry.intersects(area))),
        (
            "outside the years and seasons",
            "check [period]",
            lambda s: any(first <= s.day <= last for first, last in windows),
        ),
        (
            f"with more than {max_cloud_percent:g}% cloud",
            "raise [scenes] max_cloud_percent",
            lambda s: s.cloud_percent is None or s.cloud_percent <= max_cloud_percent,
        ),
    )
    for reason, mend, keep in steps:
        left_out |= {scene.id: reason for scene in scenes if not keep(scene)}
        scenes = [scene for scene in scenes if keep(scene)]
        if not scenes:
            said = "; ".join(f"{n} {why}" for why, n in Counter(left_out.values()).items())
            raise CatalogueError(f"no scene is left to use ({said})", where=source, mend=mend)
    return Selection(tuple(scenes), left_out)


def _items(source: Path, collections: Collection[str] | None) -> Iterator[pystac.Item]:
    import pystac

    data = _read_json(source)
    try:
        if data.get("type") == "FeatureCollection":
            items: Iterator[Any] = iter(_item_collection(source, data))
        else:
            thing = pystac.read_file(str(source))
            items = thing.get_items(recursive=True) if isinstance(thing, pystac.Catalog) else iter([thing])
        for item in items:
            if collections is None or item.collection_id in collections:
                yield item
    except pystac.STACTypeError as error:
        raise CatalogueError("is JSON but not STAC", where=source, mend=_MEND) from error
    except json.JSONDecodeError as error:
        raise CatalogueError(
            f"links to a file that is not JSON ({error})", where=source, mend="fetch it again"
        ) from error
    except (pystac.STACError, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        if isinstance(error, CatalogueError):
            raise
        raise CatalogueError(
            f"cannot be followed ({type(error).__name__}: {error})", where=source, mend=_MEND
        ) from error


def _item_collection(source: Path, data: dict[str, Any]) -> list[pystac.Item]:
    import pystac

    items = []
    for feature in data.get("features", ()):
        # a saved search keeps the server's address as `self`; relative files lie beside this file
        links = [link for link in feature.get("links", ()) if link.get("rel") != "self"]
        items.append(pystac.Item.from_dict(feature | {"links": links}, preserve_dict=False))
        items[-1].set_self_href(str(source))
    return items


def _read_json(source: Path) -> dict[str, Any]:
    try:
        text = source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CatalogueError("is not a text file", where=source, mend=_MEND) from error
    except OSError as error:
        raise CatalogueError(f"cannot be read ({error.strerror})", where=source, mend=_MEND) from error
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        kind = "an HTML page" if text.lstrip()[:1] == "<" else "not JSON"
        raise CatalogueError(f"is {kind}, not a STAC catalogue", where=source, mend=_MEND) from error
    if not isinstance(data, dict):
        raise CatalogueError("is JSON but not STAC", where=source, mend=_MEND)
    return data
