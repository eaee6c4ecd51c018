"""STAC files of this machine, of any version: catalogues, collections, items, item collections. No network is used."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from habitat.errors import CatalogueError
from habitat.tiles import fields
from habitat.tiles.items import read_item

if TYPE_CHECKING:
    import pystac

_MEND = "give [scenes] source a STAC catalogue, collection or item file"
_DOWN = ("child", "item")
"""Relations of links that lead to more items. The others are never followed."""


def read_items(source: Path, collections: Collection[str] | None = None) -> Iterator[pystac.Item]:
    """Yield the items of a STAC file and of all files that it links to, of `collections` if they are named.

    An item whose addresses lead to the web is given the files of the same names that lie beside it, if they do:
    so a scene that was downloaded with its item can be read as it is.

    Raises
    ------
    CatalogueError
        If a file is missing or not STAC, or a link leads to the web.
    """
    claimed: dict[Path, str] = {}
    for own, feature in _features(source):
        document = feature if own is None else _with_files_beside(feature, own, claimed)
        try:
            item = read_item(document, str(own or source))
        except CatalogueError as error:
            raise _error(error.what, own or source, source) from error
        if collections is None or fields.collection(item) in collections:
            yield item


def _features(source: Path) -> Iterator[tuple[Path | None, dict[str, Any]]]:
    """Each item's document, and its own file; None for the items of an item collection."""
    waiting: list[tuple[Path, Mapping[str, Any]]] = [(source, {})]
    seen = set()
    while waiting:
        path, common = waiting.pop()
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        document = _read_json(path, source)
        kind = document.get("type")
        if kind == "FeatureCollection":
            yield from ((None, feature) for feature in _listed(document.get("features", []), source))
        elif kind == "Feature":
            yield path, _with_common(document, common)
        elif "stac_version" in document and isinstance(document.get("links"), list):
            # until STAC 1.0 a collection could hold what its items have in common
            common = document["properties"] if isinstance(document.get("properties"), dict) else common
            links = [link for link in _listed(document["links"], source) if link.get("rel") in _DOWN]
            waiting += [(_linked(link, path, source), common) for link in reversed(links)]
        else:
            raise _error("is JSON but not STAC", path, source)


def _listed(things: Any, source: Path) -> list[dict[str, Any]]:
    if not isinstance(things, list) or not all(isinstance(thing, dict) for thing in things):
        raise CatalogueError("cannot be followed (what should be a list of objects is none)", where=source, mend=_MEND)
    return things


def _linked(link: Mapping[str, Any], path: Path, source: Path) -> Path:
    href = str(link.get("href") or "")
    scheme = urlsplit(href).scheme.lower() if "://" in href else ""
    if scheme not in ("", "file") or not href:
        raise CatalogueError(
            f"links to {href!r}, which is no file of this machine",
            where=source,
            mend="download the whole catalogue, or give [scenes] source the address of a STAC API",
        )
    return Path(url2pathname(urlsplit(href).path)) if scheme else path.parent / href


def _with_common(document: dict[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    properties = document.get("properties")
    if not common or not isinstance(properties, dict) or not str(document.get("stac_version")).startswith("0."):
        return document
    return document | {"properties": {**common, **properties}}


def _with_files_beside(feature: dict[str, Any], path: Path, claimed: dict[Path, str]) -> dict[str, Any]:
    assets = feature.get("assets")
    if not isinstance(assets, dict):
        return feature
    own = dict(assets)
    for key, asset in assets.items():
        href = asset.get("href") if isinstance(asset, dict) else None
        if not isinstance(href, str) or "://" not in href:
            continue
        beside = path.parent / Path(unquote(urlsplit(href).path)).name
        if beside.is_file():
            name = str(feature.get("id"))
            if claimed.setdefault(beside, name) != name:
                raise CatalogueError(
                    f"lies beside item {name} and item {claimed[beside]}, and both say that it is theirs",
                    where=beside,
                    mend="keep each item with its files in a folder of its own",
                )
            own[key] = asset | {"href": f"./{beside.name}"}
    return feature | {"assets": own}


def _read_json(path: Path, source: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _error("is not a text file", path, source) from error
    except OSError as error:
        raise _error(f"cannot be read ({error.strerror})", path, source) from error
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        kind = "an HTML page" if text.lstrip()[:1] == "<" else "not JSON"
        raise _error(f"is {kind}, not a STAC catalogue", path, source) from error
    if not isinstance(data, dict):
        raise _error("is JSON but not STAC", path, source)
    return data


def _error(what: str, path: Path, source: Path) -> CatalogueError:
    """An error of the file that the user named, or of one that it leads to."""
    if path == source:
        return CatalogueError(what, where=source, mend=_MEND)
    return CatalogueError(f"leads to {path}, which {what}", where=source, mend="fetch that file again")
