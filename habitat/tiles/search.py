"""Ask a STAC API for the items of an area and a period: all pages, and only what the API's own host answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import pystac
import pystac_client
import requests

from habitat.errors import CatalogueError
from habitat.tiles.api import Api
from habitat.tiles.assets import asset_from_item
from habitat.tiles.guard import Guard, guarded_session
from habitat.tiles.items import read_item
from habitat.tiles.scenes import Asset

if TYPE_CHECKING:
    from habitat.tiles.providers import Provider

PAGE = 100
"""Items a page; some APIs give no more, and larger pages time out."""
_MERGED = timedelta(days=31)
"""Windows with a shorter gap are asked for together."""


class Connection(Protocol):
    """How the web is asked: :class:`habitat.tiles.remote.Remote`, or anything with a session."""

    @property
    def session(self) -> requests.Session:
        """What sends requests, and refuses what must not be asked."""


def search_items(
    provider: Provider,
    *,
    area: Any,
    windows: Sequence[tuple[date, date]],
    collections: Collection[str] | None = None,
    remote: Connection | None = None,
) -> Iterator[tuple[str, pystac.Item | CatalogueError]]:
    """Yield the items that an API has for `area` (a shapely geometry in degrees) and `windows`, each once, by name.

    An item that cannot be read is yielded as its error: nobody here can mend it, and the others are none the worse.
    Cloud is not asked for, so that scenes which are too cloudy can be named.

    Raises
    ------
    CatalogueError
        If the address is no STAC API, refuses, has not those collections, or does not answer in a way that ends.
    """
    api = Api(provider, _session(provider, remote))
    link = api.search_link()
    names = api.collections_to_search(collections)
    for first, last in merge_windows(windows):
        yield from _searched(api, link, area, names, f"{first}T00:00:00Z/{last}T23:59:59Z")


def search_layer(provider: Provider, layer: str, *, area: Any, remote: Connection | None = None) -> tuple[Asset, ...]:
    """Return the files of a layer that does not change (`dem`, `worldcover`) over `area`, the newest of each place.

    Raises
    ------
    CatalogueError
        If the provider has no such layer, or nothing of it there.
    """
    if layer not in provider.layers:
        has = f"it has {', '.join(provider.layers)}" if provider.layers else "it has none"
        raise CatalogueError(f"has no layer {layer!r}", where=provider.name, mend=f"{has}: change [scenes] layers")
    collection, name = provider.layers[layer]
    newest: dict[tuple[float, ...], pystac.Item] = {}
    api = Api(provider, _session(provider, remote))
    found = (item for _, item in _searched(api, api.search_link(), area, [collection], None))
    for item in sorted((i for i in found if isinstance(i, pystac.Item)), key=lambda i: (_year(i), i.id)):
        if name in item.assets:
            newest[tuple(round(side, 4) for side in item.bbox or ())] = item
    if not newest:
        raise CatalogueError(f"has nothing of its layer {layer!r} there", where=provider.name, mend="check [area]")
    places = (newest[place] for place in sorted(newest))
    return tuple(asset_from_item(item, item.assets[name], provider=provider) for item in places)


def _year(item: pystac.Item) -> str:
    """For the order of time; a map of a year states when it begins."""
    return str(item.properties.get("start_datetime") or item.properties.get("datetime") or "")


def _session(provider: Provider, remote: Connection | None) -> requests.Session:
    return guarded_session(Guard([provider.address]), connections=1) if remote is None else remote.session


def _searched(
    api: Api, link: tuple[str, str], area: Any, collections: Sequence[str], when: str | None
) -> Iterator[tuple[str, pystac.Item | CatalogueError]]:
    """The items of one search, each once."""
    seen: set[tuple[str, str]] = set()
    search = pystac_client.ItemSearch(
        url=link[0],
        method=link[1],
        limit=PAGE,
        bbox=area.bounds,
        datetime=when,
        collections=list(collections),
        stac_io=api,
    )
    for page in api.pages(search):
        new = {key: feature for feature in page if (key := _name(feature)) not in seen}
        if not new:
            raise api.error("gives the same page again and again", "search it later, or tell those who run it")
        seen |= new.keys()
        for (collection, name), feature in new.items():
            try:
                yield name, read_item(feature, _address(api.provider, collection, name))
            except CatalogueError as error:
                yield name, error


def merge_windows(windows: Sequence[tuple[date, date]]) -> list[tuple[date, date]]:
    """Return windows, each as (first day, last day), as few as cover the given ones; close ones become one."""
    merged: list[tuple[date, date]] = []
    for first, last in sorted(windows):
        if merged and first - merged[-1][1] <= _MERGED:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _name(feature: dict[str, Any]) -> tuple[str, str]:
    return str(feature.get("collection")), str(feature.get("id"))


def _address(provider: Provider, collection: str, name: str) -> str:
    """Where an item lies: its own relative addresses start from there."""
    parts = (quote(part, safe="", errors="replace") for part in (collection, name))
    return "{}/collections/{}/items/{}".format(provider.address, *parts)
