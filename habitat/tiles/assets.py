"""Where the files of an item are: paths of this machine, or addresses on the web that may be followed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from habitat.errors import CatalogueError, FetchError
from habitat.tiles import fields
from habitat.tiles.scenes import Asset

if TYPE_CHECKING:
    import pystac

    from habitat.tiles.providers import Provider

_ON_THE_WEB = ("http", "https", "s3")


def asset_from_item(item: pystac.Item, asset: pystac.Asset, *, provider: Provider | None = None) -> Asset:
    """Translate one asset as it is: its address, and its size, checksum and grid where they are stated.

    Raises
    ------
    CatalogueError
        If its address is not to be followed; what comes from the web never names a path.
    """
    return Asset(
        _address(item, asset, provider),
        size=fields.size(asset),
        checksum=fields.checksum(asset),
        grid=fields.grid(item, asset),
    )


def _address(item: pystac.Item, asset: pystac.Asset, provider: Provider | None) -> str:
    """Where an asset's file is: a path or an address on the web; what comes from the web never names a path."""
    from habitat.store import shown

    href = asset.href
    if provider is not None and provider.alternate is not None:
        others = asset.extra_fields.get("alternate")
        other = others.get(provider.alternate) if isinstance(others, dict) else None
        href = (other.get("href") if isinstance(other, dict) else None) or href
    href = str(href).strip()
    scheme = href.partition("://")[0].lower() if "://" in href else ""
    is_path = href.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]", href) is not None
    if scheme in _ON_THE_WEB:
        return href if scheme == "s3" or provider is None else _guarded(item, href, provider)
    if scheme in ("", "file") and provider is None and not href.startswith("/vsi"):
        return url2pathname(urlsplit(href).path) if scheme else asset.get_absolute_href() or href
    if scheme == "" and not is_path:
        return href if provider is None else _guarded(item, _joined(item.get_self_href() or "", href), provider)
    raise CatalogueError(
        f"an asset lies at {shown(href)!r}, which is no address of the kind {', '.join(_ON_THE_WEB)}",
        where=f"item {item.id}",
        mend="remove the item from the catalogue",
    )


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:  # half an IPv6 address
        return href


def _guarded(item: pystac.Item, href: str, provider: Provider) -> str:
    from habitat.tiles.guard import Guard

    try:
        Guard([provider.address]).check(href)
    except FetchError as error:
        raise CatalogueError(
            f"an asset {error.what}, which is no address to follow",
            where=f"item {item.id}",
            mend="remove the item from the catalogue",
        ) from error
    return href
