"""Who publishes scenes: addresses, collections, and how their files may be read. A plain table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

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
            collections=("sentinel-2-l2a", "landsat-c2-l2"),
            requester_pays=frozenset({"landsat-c2-l2"}),
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
