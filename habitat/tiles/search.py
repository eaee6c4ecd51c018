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
) -> Iterator[pystac.Item]:
    """Yield the items that an API has for `area` (a shapely geometry in degrees) and `windows`, each once.

    Cloud is not asked for, so that scenes which are too cloudy can be named.

    Raises
    ------
    CatalogueError
        If the address is no STAC API, refuses, has not those collections, or does not answer in a way that ends.
    """
    api = Api(provider, requests.Session() if remote is None else remote.session)
    address, method = api.search_link()
    names = api.collections_to_search(collections)
    seen: set[tuple[str, str]] = set()
    for first, last in merge_windows(windows):
        search = pystac_client.ItemSearch(
            url=address,
            method=method,
            limit=PAGE,
            bbox=area.bounds,
            datetime=f"{first}T00:00:00Z/{last}T23:59:59Z",
            collections=names,
            stac_io=api,
        )
        for page in api.pages(search):
            new = [feature for feature in page if (key := _name(feature)) not in seen and not seen.add(key)]  # type: ignore[func-returns-value]
            if not new:
                raise api.error("gives the same page again and again", "search it later, or tell those who run it")
            for feature in new:
                yield _item(feature, provider)


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


def _item(feature: dict[str, Any], provider: Provider) -> pystac.Item:
    """An item as the API wrote it, with its own address; its links are not kept, so that none is followed."""
    collection, name = (quote(part, safe="") for part in _name(feature))
    try:
        item = pystac.Item.from_dict(feature | {"links": []}, preserve_dict=False)
    except (pystac.STACError, pystac.STACTypeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CatalogueError(
            f"lists an item {name!r} that cannot be read ({type(error).__name__}: {error})",
            where=provider.name,
            mend="tell those who run it",
        ) from error
    item.set_self_href(f"{provider.address}/collections/{collection}/items/{name}")
    return item
