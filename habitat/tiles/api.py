"""One STAC API: one host, bounded answers, patience with a server in trouble, and plain words for what goes wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

import pystac
import pystac_client
import requests
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from habitat.errors import CatalogueError
from habitat.store import shown
from habitat.tiles.providers import PROVIDERS

if TYPE_CHECKING:
    from habitat.tiles.providers import Provider

MAX_PAGES = 2_000
"""Of one search: thirty years of both sensors over a country."""
MAX_BYTES = 2**26
"""Of one answer."""
TRIES = 5
TIMEOUT_S = (10.0, 60.0)
"""To connect, and between two parts of an answer."""
PATIENCE_S = 300.0
"""For one whole answer."""
_TURNS = 4
_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""States of a server that may be another one when asked again."""
_KNOWN = {name.lower() for provider in PROVIDERS.values() for name in provider.collections} | {"hls2-s30", "hls2-l30"}
"""Collections that are searched in an API that is in no table."""

pause = time.sleep


class Api(StacApiIO):
    """pystac-client's reader over a session of ours: one host, bounded answers, patience with a server in trouble."""

    def __init__(self, provider: Provider, session: requests.Session) -> None:
        super().__init__(max_retries=None)
        self.session = session
        self.provider = provider
        self._host = _origin(provider.address)

    def error(self, what: str, mend: str) -> CatalogueError:
        """Return an error of this API."""
        return CatalogueError(what, where=self.provider.name, mend=mend)

    # -- what is asked ----------------------------------------------------------------------------------

    def search_link(self) -> tuple[str, str]:
        """Return where and how (POST, or GET if that is all it offers) items are searched, as its first page says."""
        landing = self._object(self.provider.address)
        links = [link for link in landing.get("links") or [] if isinstance(link, dict) and link.get("rel") == "search"]
        if not links and "conformsTo" not in landing:
            kind = "a STAC catalogue without a search" if "stac_version" in landing else "no STAC API"
            raise self.error(f"is {kind}", "download it and give its file, or give the address of a STAC API")
        ways = {str(link.get("method", "GET")).upper(): str(link.get("href")) for link in reversed(links)}
        method = "POST" if "POST" in ways else "GET"
        return urljoin(f"{self.provider.address}/", ways.get(method, "search")), method

    def collections_to_search(self, wanted: Collection[str] | None) -> list[str]:
        """Return `wanted`, which must be there; else those of its usual collections that it has."""
        if wanted is not None:
            for name in wanted:
                if not self._has(name):
                    raise self._unknown(name)
            return list(wanted)
        if self.provider.collections:
            names = [name for name in self.provider.collections if self._has(name)]
        else:
            names = [name for name in self._listed() if name.lower() in _KNOWN]
        if not names:
            raise self.error(
                "has no collection that habitat knows", f"name one in [scenes] collections: {_few(self._listed())}"
            )
        return names

    def pages(self, search: pystac_client.ItemSearch) -> Iterator[list[dict[str, Any]]]:
        """Yield the items of each page of a search, as they came."""
        for count, page in enumerate(self._bounded(search.pages_as_dicts())):
            if count == MAX_PAGES:
                raise self.error(f"gives more than {MAX_PAGES} pages", "choose a smaller [area] or [period]")
            features = page.get("features")
            if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
                raise self.error("answers with something that is no list of items", "check the address")
            yield features

    def _bounded(self, pages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        try:
            yield from pages
        except APIError as error:
            raise self._refused(error) from error
        except (pystac.STACError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            if isinstance(error, CatalogueError):
                raise
            what = f"answers with something that is no STAC ({type(error).__name__}: {error})"
            raise self.error(what, "check the address") from error

    def _has(self, name: str) -> bool:
        try:
            self.request(f"{self.provider.address}/collections/{quote(name, safe='')}")
        except APIError as error:
            if error.status_code == requests.codes.not_found:
                return False
            raise self._refused(error) from error
        return True

    def _listed(self) -> list[str]:
        """All collections' names."""
        names: dict[str, None] = {}
        pages = self.get_pages(f"{self.provider.address}/collections")
        for _, page in zip(range(MAX_PAGES), self._bounded(pages), strict=False):
            new = [str(each.get("id")) for each in page.get("collections", []) if isinstance(each, dict)]
            if all(name in names for name in new):
                break
            names |= dict.fromkeys(new)
        return list(names)

    def _unknown(self, name: str) -> CatalogueError:
        listed = self._listed()
        near = get_close_matches(name, listed, n=3, cutoff=0.4)
        mend = f"did you mean {' or '.join(repr(one) for one in near)}?" if near else f"it has {_few(listed)}"
        return self.error(f"has no collection {name!r}", mend)

    # -- how it is asked --------------------------------------------------------------------------------

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        """Read what a link or an address leads to; an address that is a path is no less checked."""
        if isinstance(source, pystac.Link):
            return super().read_text(source, *args, **kwargs)
        return self.request(str(source), *args, **kwargs)

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Ask the API and nobody else; again with growing pauses if it is in trouble."""
        address, method = self._own(href), "POST" if (method or "").upper() == "POST" else "GET"
        said: dict[str, Any] = {"json": parameters} if method == "POST" else {"params": parameters}
        for attempt in range(TRIES):
            try:
                status, text, wait = self._ask(method, address, said | {"headers": headers})
            except requests.RequestException as error:
                trouble = f"does not answer ({_cause(error)})"
                wait = None
            else:
                if status not in _PASSING and not _is_cut(status, text):
                    return self._answer(status, text)
                trouble = f"is in trouble ({status})" if status in _PASSING else "answers with half of a document"
            if attempt < TRIES - 1:
                pause(min(60.0, wait if wait is not None else 2.0**attempt))
        raise self.error(trouble, "try again later")

    def _ask(self, method: str, address: str, said: dict[str, Any]) -> tuple[int, str, float | None]:
        """One question, and what it leads to on the same host: status, text, how long the server asks to wait."""
        for _ in range(_TURNS):
            with self.session.request(
                method, address, **said, timeout=TIMEOUT_S, stream=True, allow_redirects=False
            ) as answer:
                if not answer.is_redirect:
                    wait = answer.headers.get("retry-after", "")
                    return answer.status_code, self._text(answer), float(wait) if wait.isdigit() else None
                goal = urljoin(address, answer.headers["location"])
            if _origin(self._upgraded(goal)) != self._host:
                raise self.error(f"sends to {shown(goal)!r} instead of answering", "check the address")
            address = self._upgraded(goal)
        raise self.error("sends round in circles", "check the address")

    def _text(self, answer: requests.Response) -> str:
        until, parts, size = time.monotonic() + PATIENCE_S, [], 0
        for part in answer.iter_content(2**16):
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                raise self.error(f"answers with more than {MAX_BYTES:,} bytes", "tell those who run it")
            if time.monotonic() > until:
                raise requests.Timeout(f"not done after {PATIENCE_S:g} s")
        return b"".join(parts).decode(errors="replace")

    def _answer(self, status: int, text: str) -> str:
        if not 200 <= status < 300:
            error = APIError(_description(text))
            error.status_code = status
            if status == requests.codes.not_found:
                raise error
            raise self._refused(error)
        return text

    def _object(self, address: str) -> dict[str, Any]:
        try:
            text = self.request(address)
        except APIError as error:
            raise self._refused(error) from error
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.error("answers with something that is not JSON", "check the address") from error
        if not isinstance(found, dict):
            raise self.error("is no STAC API", "check the address")
        return found

    def _own(self, href: str) -> str:
        """An address of the API's own host; anything else is not asked for."""
        address = self._upgraded(urljoin(f"{self.provider.address}/", href))
        if _origin(address) != self._host:
            raise self.error(f"leads to {shown(address)!r}, which is not its own", "do not search it")
        return address

    def _upgraded(self, address: str) -> str:
        """Over https where the API is: behind a proxy some do not know that they are."""
        secure = f"https{address[4:]}"
        return secure if address.lower().startswith("http://") and _origin(secure) == self._host else address

    def _refused(self, error: APIError) -> CatalogueError:
        reasons = {
            401: ("asks for credentials", "check the provider's account"),
            403: ("refuses the search", "check the provider's account"),
            404: ("has no such page", "check the address: the root of a STAC API is needed"),
        }
        status = error.status_code or 0
        what, mend = reasons.get(status, ("refuses the search", "check [area], [period] and [scenes] collections"))
        return self.error(f"{what} ({status}{': ' if str(error) else ''}{error})", mend)


def _origin(address: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    except ValueError:
        return "", None, None
    return parts.scheme.lower(), parts.hostname, port


def _is_cut(status: int, text: str) -> bool:
    """Whether an answer began as JSON and does not end so."""
    if not 200 <= status < 300 or not text.lstrip().startswith("{"):
        return False
    return not text.rstrip().endswith("}")


def _description(text: str) -> str:
    """What an API says of an error, on one short line."""
    try:
        said = json.loads(text)
        said = said.get("description") or said.get("detail") or said.get("message") or ""
    except (ValueError, AttributeError, RecursionError):
        said = "an HTML page" if text.lstrip().startswith("<") else ""
    return " ".join(str(said).split())[:200]


def _cause(error: BaseException) -> str:
    """The reason, without the address: a query can hold more than should be shown."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    return type(error).__name__


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
