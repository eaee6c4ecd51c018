"""How the files of a provider are asked for: as they are, or with an address that somebody's key has signed.

Keys come from where their own tools keep them: the environment, `~/.aws`, `~/.netrc`, the Planetary Computer's
settings. A signed address is made for a request and forgotten; no record, message or log ever holds one.
"""

from __future__ import annotations

import json
import netrc
import os
import re
import threading
import time
import warnings
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit

from habitat.errors import FetchError
from habitat.store import shown

if TYPE_CHECKING:
    from habitat.tiles.providers import Provider

Ask = Callable[[str, dict[str, str]], bytes]
"""Gets a small document, given its address and headers."""

_EARLY_S = 120.0
"""Signatures are renewed so long before they end: a large part on a slow line must still come with the old one."""
_S3_VALID_S = 3600
OPEN_BUCKETS = {
    "copernicus-dem-30m": "eu-central-1",
    "copernicus-dem-90m": "eu-central-1",
    "deafrica-sentinel-2": "af-south-1",
    "e84-earth-search-sentinel-data": "us-west-2",
    "esa-worldcover": "eu-central-1",
    "sentinel-cogs": "us-west-2",
}
"""Public buckets of Amazon S3 and where they lie (registry.opendata.aws)."""
_LOGIN = "urs.earthdata.nasa.gov"
_EARTHDATA = (".earthdata.nasa.gov", ".earthdatacloud.nasa.gov")


class Signer(Protocol):
    """What makes the address and headers of one request."""

    mend: str
    """What a user can do where access is refused."""
    homes: tuple[str, ...]
    """Addresses that the user's environment names."""

    def sign(self, href: str) -> str:
        """Return the address to ask."""

    def headers(self, address: str) -> dict[str, str]:
        """Return credentials for one hop, by its host."""

    def renew(self, href: str) -> bool:
        """Forget a signature that was refused; False if there is none that could be better."""


def signer_for(provider: Provider | None, ask: Ask) -> Signer:
    """Return what signs the addresses that a provider lists; `ask` gets tokens."""
    access = "open" if provider is None else provider.access
    if access == "planetary-computer":
        return _PlanetaryComputer(ask)
    if access == "earthdata":
        return _Earthdata()
    return _S3(provider) if provider is not None and (access == "s3" or provider.requester_pays) else _Open()


class _Open:
    """Files for everybody."""

    mend = "the file is not for everybody: choose another provider"
    homes: tuple[str, ...] = ()

    def sign(self, href: str) -> str:
        found = _bucket_and_key(href)
        if found is None:
            return href
        bucket, key = found
        region = OPEN_BUCKETS.get(bucket)
        return f"https://{bucket}.s3.{f'{region}.' if region else ''}amazonaws.com/{quote(key)}"

    def headers(self, address: str) -> dict[str, str]:  # noqa: ARG002 - what a Signer has
        return {}

    def renew(self, href: str) -> bool:  # noqa: ARG002 - what a Signer has
        return False


class _PlanetaryComputer(_Open):
    """A token for each container of blobs, from the service that the package `planetary-computer` is set to."""

    mend = "the Planetary Computer's token is not accepted: try again later"

    def __init__(self, ask: Ask) -> None:
        with warnings.catch_warnings():  # it is written for pydantic 1, and says so
            warnings.simplefilter("ignore")
            from planetary_computer.sas import BLOB_STORAGE_DOMAIN, SASToken
            from planetary_computer.settings import Settings
        self._ask, self._lock = ask, threading.Lock()
        self._domain, self._token_kind = BLOB_STORAGE_DOMAIN, SASToken
        self._settings: Any = Settings.get()
        self._tokens: dict[tuple[str, str], Any] = {}
        self._ends: dict[tuple[str, str], float] = {}
        self.homes = (str(self._settings.sas_url),)

    def sign(self, href: str) -> str:
        container = self._container(href)
        if container is None:
            return super().sign(href)
        with self._lock:
            if time.monotonic() >= self._ends.get(container, 0.0):
                token = self._token(container)
                self._tokens[container] = token
                left = token.ttl()
                self._ends[container] = time.monotonic() + left - min(_EARLY_S, left / 4)
            return str(self._tokens[container].sign(href).href)

    def renew(self, href: str) -> bool:
        container = self._container(href)
        with self._lock:
            self._ends.pop(container or ("", ""), None)  # another thread may have done so: it is renewed all the same
        return container is not None

    def _container(self, href: str) -> tuple[str, str] | None:
        parts = urlsplit(href)
        account, container = (parts.hostname or "").removesuffix(self._domain), parts.path.split("/")[1:2]
        public = account == "ai4edatasetspublicassets"  # pictures, which are not signed
        if not (parts.hostname or "").endswith(self._domain) or parts.query or not container or public:
            return None
        return account, container[0]

    def _token(self, container: tuple[str, str]) -> Any:
        address = f"{self._settings.sas_url}/{'/'.join(map(quote, container))}"
        key = self._settings.subscription_key
        said = self._ask(address, {"Ocp-Apim-Subscription-Key": key} if key else {})
        try:
            return self._token_kind(**json.loads(said))
        except (ValueError, TypeError):  # pydantic's errors are ValueErrors; their text would hold the token
            pass
        raise FetchError("gives no token", where=shown(address), mend="try again later")


class _S3(_Open):
    """Addresses signed with the user's own keys, as botocore finds them."""

    mend = "the S3 keys are not accepted: check them with their provider"

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.homes = () if provider.s3_endpoint is None else (provider.s3_endpoint,)
        self._lock = threading.Lock()
        self._client: Any = None
        self._signed: dict[str, tuple[str, float]] = {}

    def sign(self, href: str) -> str:
        found = _bucket_and_key(href)
        if found is None or found[0] in OPEN_BUCKETS:
            return super().sign(href)
        with self._lock:
            address, until = self._signed.get(href, ("", 0.0))
            if time.monotonic() >= until:
                address = self._presigned(*found)
                if len(self._signed) > 10_000:
                    self._signed.clear()
                self._signed[href] = address, time.monotonic() + _S3_VALID_S - _EARLY_S
            return address

    def headers(self, address: str) -> dict[str, str]:
        # the signature covers this header, so that nobody pays who has not said so
        return {"x-amz-request-payer": "requester"} if "x-amz-request-payer" in urlsplit(address).query else {}

    def renew(self, href: str) -> bool:
        with self._lock:
            self._client = None  # keys that lapse are looked up anew
            self._signed.pop(href, None)
        found = _bucket_and_key(href)
        return found is not None and found[0] not in OPEN_BUCKETS

    def _presigned(self, bucket: str, key: str) -> str:
        try:
            import botocore.config
            import botocore.exceptions
            import botocore.session
        except ImportError:
            raise FetchError(
                "needs botocore to sign S3 addresses",
                where=f"s3://{bucket}/{key}",
                mend='pip install "habitat-change[s3]"',
            ) from None
        asked = {"Bucket": bucket, "Key": key}
        asked |= {"RequestPayer": "requester"} if self._provider.requester_pays else {}
        try:
            if self._client is None:
                endpoint = self._provider.s3_endpoint
                style = {"addressing_style": "virtual" if endpoint is None else "path"}
                self._client = botocore.session.get_session().create_client(
                    "s3",
                    region_name=self._provider.s3_region,
                    endpoint_url=endpoint,
                    config=botocore.config.Config(signature_version="s3v4", s3=style),
                )
            return str(self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=_S3_VALID_S))
        except botocore.exceptions.NoCredentialsError:
            what = f"{self._provider.name} asks for S3 keys, and there are none"
        except botocore.exceptions.BotoCoreError as error:
            what = f"the S3 keys cannot be used ({type(error).__name__})"
        mend = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to ~/.aws/credentials"
        raise FetchError(what, where=f"s3://{bucket}/{key}", mend=mend)


class _Earthdata(_Open):
    """NASA's login: a token, or a name and password that only its own login page is told."""

    mend = f"set EARTHDATA_TOKEN, or write a login for {_LOGIN} to ~/.netrc"

    def headers(self, address: str) -> dict[str, str]:
        parts = urlsplit(address)
        host = parts.hostname or ""
        if parts.scheme != "https" or not host.endswith(_EARTHDATA):
            return {}
        token = os.environ.get("EARTHDATA_TOKEN", "").strip()
        if re.fullmatch(r"[\w.~+/=-]+", token):
            return {"Authorization": f"Bearer {token}"}
        login = _login() if host == _LOGIN else None
        if login is None:
            return {}
        return {"Authorization": f"Basic {b64encode(':'.join(login).encode()).decode()}"}


def _login() -> tuple[str, str] | None:
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(_LOGIN)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2]) if found and found[2] else None


def _bucket_and_key(href: str) -> tuple[str, str] | None:
    if not href.startswith("s3://"):
        return None
    bucket, _, key = href.removeprefix("s3://").partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket) or not key:
        raise FetchError("is no address of an S3 file", where=shown(href), mend="correct the catalogue")
    return bucket, key
