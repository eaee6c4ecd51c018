"""Byte ranges of files on the web: asked for, checked, and asked for again where that can help."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests

from habitat.errors import FetchError, ReadError
from habitat.store import shown
from habitat.tiles.answers import (
    AgainError,
    Answer,
    ChangedError,
    Version,
    check_status,
    read_document,
    read_part,
    read_whole,
)
from habitat.tiles.guard import Guard, guarded_session
from habitat.tiles.signing import signer_for

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from habitat.tiles.providers import Provider

_HOPS = 5
"""Redirects that are followed; a login by Earthdata takes four."""
_DOCUMENT = 2**20
"""Bytes of an answer that is no file: a token."""


class Remote:
    """Reads files on the web. Any number of threads may share one.

    Parameters
    ----------
    provider : Provider, optional
        Whose files are read: how they are signed, and whose host may be a private one.
    home : str, optional
        An address that the user wrote, whose host may be a private one too.
    tries : int
        How often one thing is asked for before it counts as not to be had.
    timeout_s : (float, float)
        To connect, and between two parts of an answer.
    sleep : callable, optional
        Waits so many seconds between two tries; by default until :meth:`halt` at most.
    connections : int
        Open at a time to one host.
    """

    def __init__(
        self,
        provider: Provider | None = None,
        *,
        home: str | None = None,
        tries: int = 5,
        timeout_s: tuple[float, float] = (15.0, 60.0),
        sleep: Callable[[float], object] | None = None,
        connections: int = 64,
    ) -> None:
        self.tries = tries
        self._halted = threading.Event()
        self._timeout, self._sleep = timeout_s, sleep or self._halted.wait
        self._signer = signer_for(provider, self.document)
        homes = [home, None if provider is None else provider.address, *self._signer.homes]
        self._guard = Guard(filter(None, homes))
        self._session = guarded_session(self._guard, connections=connections)
        self._random = random.Random()  # pauses that differ, so that many clients do not come back at once

    def __repr__(self) -> str:
        return f"Remote(tries={self.tries})"

    @property
    def session(self) -> requests.Session:
        """A session that goes to public hosts and to the user's own only; it signs nothing and tries once."""
        return self._session

    def halt(self) -> None:
        """Try nothing a second time, until :meth:`go_on`: nobody waits for it any more."""
        self._halted.set()

    def go_on(self) -> None:
        """Try again what fails."""
        self._halted.clear()

    def size(self, href: str) -> int:
        """Return the bytes of a whole file.

        Raises
        ------
        FetchError
            If it cannot be had.
        """
        return self.ask(href, 0, 1).version.size

    def read(self, href: str, start: int, stop: int) -> bytes:
        """Return bytes [start, stop) of a file.

        Raises
        ------
        FetchError
            If they cannot be had.
        """
        data = self.ask(href, start, stop).data
        if len(data) != stop - start:
            raise FetchError("the file is shorter than that", where=shown(href), mend="look at its size")
        return data

    def ask(self, href: str, start: int, stop: int, known: Version | None = None) -> Answer:
        """Return bytes [start, stop) of a file, or up to its end, and which state of it they belong to.

        Parameters
        ----------
        href : str
            An address that has not been signed.
        start, stop : int
            First byte, and the one after the last.
        known : Version, optional
            The state that they must belong to.

        Raises
        ------
        FetchError
            If they cannot be had: the message says what happened last and how often it was tried.
        """
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        return self._until_it_works(href, headers, lambda response: read_part(response, start, stop, known))

    def download(self, href: str, known: Version, keep: Callable[[int, bytes], None], piece: int) -> None:
        """Hand a whole file to `keep`, a piece and the place of its first byte at a time: some servers know no ranges.

        Raises
        ------
        FetchError
            If it cannot be had; what had come by then was handed on.
        """
        headers = {"Accept-Encoding": "identity"}
        self._until_it_works(href, headers, lambda response: read_whole(response, known, keep, piece))

    def document(self, address: str, headers: dict[str, str]) -> bytes:
        """Return a small document, which no signature is needed for.

        Raises
        ------
        FetchError
            If it cannot be had.
        """
        return self._until_it_works(address, headers, lambda response: read_document(response, _DOCUMENT), signed=False)

    def is_plain(self, href: str) -> bool:
        """Return whether a file comes without encryption, so that nothing but its own content shows a flipped bit."""
        return self._signer.sign(href).startswith("http:")

    def grid(self, href: str) -> GeoBox:
        """Return the grid of a GeoTIFF or JPEG 2000, as its header says.

        Raises
        ------
        FetchError
            If the header cannot be had.
        ReadError
            If it is no such file, or carries no reference system.
        """
        from habitat.tiles.images import image_of, layout_from
        from habitat.tiles.pieces import Pieces
        from habitat.tiles.ranges import RangeFile

        file = RangeFile(self, href, Pieces())
        try:
            return layout_from(image_of(file.read, file.version.size), "", file.read).grid
        except ReadError as error:
            raise ReadError(error.what, where=shown(href), mend="look at it with other software") from None

    # -- one question -----------------------------------------------------------------------------------

    def _until_it_works(
        self, href: str, headers: dict[str, str], read: Callable[[requests.Response], Any], *, signed: bool = True
    ) -> Any:
        renewed = False
        for attempt in range(1, self.tries + 1):
            try:
                return self._once(href, headers, read, signed=signed)
            except AgainError as problem:
                what, wait, refused, changed = str(problem), problem.wait_s, problem.signature, problem.changed
            if refused:
                if renewed or not signed or not self._signer.renew(href):
                    raise FetchError(what, where=shown(href), mend=self._signer.mend)
                renewed = True
            elif self._halted.is_set():
                break
            elif attempt < self.tries:
                self._sleep(self._pause(attempt) if wait is None else wait)
        kind = ChangedError if changed else FetchError
        raise kind(f"{what}, at the last of {self.tries} tries", where=shown(href), mend="try again later")

    def _pause(self, attempt: int) -> float:
        return min(2.0 ** (attempt - 1), 30.0) * self._random.uniform(0.5, 1.5)

    def _once(
        self, href: str, headers: dict[str, str], read: Callable[[requests.Response], Any], *, signed: bool
    ) -> Any:
        address = self._signer.sign(href) if signed else href
        for _ in range(_HOPS + 1):
            self._guard.check(address)
            own = headers | (self._signer.headers(address) if signed else {})
            with self._send(address, own, href) as response:
                if response.is_redirect:
                    address = _next_hop(address, response.headers["location"])
                    continue
                check_status(response, shown(href))
                return read(response)
        raise FetchError(f"leads on more than {_HOPS} times", where=shown(href), mend="tell those who run the server")

    def _send(self, address: str, headers: dict[str, str], href: str) -> requests.Response:
        permanent = None
        try:
            return self._session.get(
                address, headers=headers, stream=True, timeout=self._timeout, allow_redirects=False
            )
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                raise AgainError("the encrypted connection broke") from None
            permanent = "the server's certificate is not accepted"
        except requests.exceptions.ProxyError:
            raise AgainError("the proxy does not answer") from None
        except requests.Timeout:
            raise AgainError("the server does not answer in time") from None
        except requests.ConnectionError as error:
            unknown = "NameResolutionError" in repr(error)
            raise AgainError("the host's name is not known" if unknown else "the connection fails") from None
        except (requests.RequestException, ValueError) as error:
            permanent = f"cannot be asked for ({type(error).__name__})"
        raise FetchError(permanent, where=shown(href), mend="check its address")


def _next_hop(address: str, location: str) -> str:
    goal = urljoin(address, location)
    if address.startswith("https:") and not goal.startswith("https:"):
        raise FetchError(
            "leads on to an address without encryption", where=shown(address), mend="tell those who run the server"
        )
    return goal
