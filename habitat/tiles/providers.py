"""Who publishes scenes: addresses, collections, and how their files may be read. A plain table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from habitat.errors import CatalogueError

Access = Literal["open", "planetary-computer", "s3", "earthdata"]
"""How files are asked for: as they are; with an address signed by the Planetary Computer; with an S3 address signed
by the user's own keys; with the user's Earthdata login."""


@dataclass(frozen=True)
class Provider:
    """A STAC API, and what must be known to read what it lists."""

    name: str
    """What a recipe may write as `[scenes] source`; for an API that is in no table, its address."""
    address: str
    """Root of the STAC API."""
    collections: tuple[str, ...] = ()
    """Searched where the recipe names none."""
    access: Access = "open"
    s3_endpoint: str | None = None
    """Where S3 addresses are served, if not by Amazon."""
    s3_region: str = "us-west-2"
    requester_pays: frozenset[str] = frozenset()
    """Collections whose reader pays for the transfer."""
    alternate: str | None = None
    """Name of the alternate asset address to take instead of the first (STAC `alternate` extension)."""
    layers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Our name of a layer that does not change (`dem`, `worldcover`, ...) to its collection and asset."""
    note: str = ""
    """What a user must know before downloading: accounts, keys, costs."""


PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(
            name="earth-search",
            address="https://earth-search.aws.element84.com/v1",
            collections=("sentinel-2-c1-l2a", "sentinel-2-l2a", "landsat-c2-l2"),
            requester_pays=frozenset({"landsat-c2-l2"}),
            note="sentinel-2-c1-l2a has gaps; where both collections have an acquisition, the newer processing is used",
            layers={"dem": ("cop-dem-glo-30", "data")},
        ),
        Provider(
            name="planetary-computer",
            address="https://planetarycomputer.microsoft.com/api/stac/v1",
            collections=("sentinel-2-l2a", "landsat-c2-l2"),
            access="planetary-computer",
            layers={"dem": ("cop-dem-glo-30", "data"), "worldcover": ("esa-worldcover", "map")},
        ),
        Provider(
            name="copernicus",
            address="https://stac.dataspace.copernicus.eu/v1",
            collections=("sentinel-2-l2a",),
            access="s3",
            s3_endpoint="https://eodata.dataspace.copernicus.eu",
            s3_region="default",
            layers={"dem": ("cop-dem-glo-30-dged-cog", "data")},
            note="needs S3 keys of the Copernicus Data Space",
        ),
        Provider(
            name="usgs",
            address="https://landsatlook.usgs.gov/stac-server",
            collections=("landsat-c2l2-sr",),
            access="s3",
            requester_pays=frozenset({"landsat-c2l2-sr"}),
            alternate="s3",
        ),
        Provider(
            name="nasa-hls",
            address="https://cmr.earthdata.nasa.gov/stac/LPCLOUD",
            collections=("HLSS30_2.0", "HLSL30_2.0"),
            access="earthdata",
            note="needs an Earthdata login",
        ),
    )
}
"""By name."""


def names_provider(source: str) -> bool:
    """Return whether `source` is a provider's name or an address, and no file."""
    return source in PROVIDERS or "://" in source


def provider_for(source: str) -> Provider:
    """Return the provider of that name or at that address; an API that is in no table is one by its address.

    Raises
    ------
    CatalogueError
        If it is neither a known name nor the plain address of a web page.
    """
    if source in PROVIDERS:
        return PROVIDERS[source]
    parts = urlsplit(source)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        nearest = get_close_matches(source.lower(), PROVIDERS, n=1)
        raise CatalogueError(
            "is no provider's name and no address of a STAC API",
            where=source,
            mend=f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(PROVIDERS)}",
        )
    if parts.query or parts.username or parts.fragment:
        raise CatalogueError(
            "carries more than the address of a STAC API", where=parts.hostname, mend="give it without keys or a query"
        )
    address = urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/"), "", ""))
    address = address.removesuffix("/search").removesuffix("/collections")
    return next((p for p in PROVIDERS.values() if p.address == address), Provider(name=address, address=address))
