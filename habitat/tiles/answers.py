"""What a server answered, and whether it is the bytes that were asked for. HTTP semantics: RFC 9110."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3.exceptions

from habitat.errors import FetchError

LONGEST_WAIT_S = 60.0
"""However long a server asks us to wait."""
_SKIPPED = 2**26
"""Bytes that are read and thrown away at most, of a server that gives a whole file where a part was asked for."""
_SLOWEST = 500.0
"""Bytes a second; a connection that gives less counts as one that has stopped."""
_PATIENCE_S = 60.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 509})
"""States of a server that may be another one when it is asked again."""
_SAID = {
    401: "the server wants credentials",
    403: "the server refuses access",
    404: "there is no such file",
    407: "the proxy wants credentials",
    410: "the file is gone",
    416: "the file is shorter than that",
    429: "the server has too many requests",
}


@dataclass(frozen=True)
class Version:
    """Which state of a file its bytes belong to."""

    size: int
    """Bytes of the whole file."""
    etag: str | None = None
    modified: str | None = None

    def is_other_than(self, other: Version) -> bool:
        """Whether two answers came from different states of a file."""
        if self.size != other.size:
            return True
        if self.etag and other.etag and not (self.etag + other.etag).startswith("W/"):
            return self.etag != other.etag
        return bool(self.modified and other.modified and self.modified != other.modified)


@dataclass(frozen=True)
class Answer:
    """Bytes that came, and of which state of their file."""

    data: bytes
    """None at all where the whole file came and the part lies too far in to wait for it."""
    version: Version
    in_parts: bool = True
    """Whether the server serves ranges; one that does not sends the whole file each time."""


class AgainError(Exception):
    """An answer that may be another one the next time."""

    def __init__(
        self, what: str, *, wait_s: float | None = None, signature: bool = False, changed: bool = False
    ) -> None:
        super().__init__(what)
        self.wait_s = wait_s
        """How long the server asks to wait."""
        self.signature = signature
        """Whether access was refused, as it is when a signature has expired."""
        self.changed = changed
        """Whether it belongs to another state of the file than the known one."""


class ChangedError(FetchError):
    """The file on the server is no longer the one that was begun with."""


def check_status(response: requests.Response, where: str) -> None:
    """Raise unless the server gives what was asked for.

    Raises
    ------
    AgainError
        If it is in trouble that may pass, or refuses access.
    ChangedError
        If its file ends before what was asked for, which an earlier state of it, or its header, promised.
    FetchError
        If it will not give it.
    """
    status = response.status_code
    if status in (200, 206):
        if "html" in response.headers.get("content-type", "").lower():
            raise AgainError("a web page came instead of data")
        return
    what = f"{_SAID.get(status, 'the server is in trouble' if status >= 500 else 'the server refuses')} ({status})"
    if status in _PASSING:
        raise AgainError(what, wait_s=_asked_to_wait(response.headers.get("retry-after")))
    if status in (401, 403):
        raise AgainError(what, signature=True)
    kind = ChangedError if status == 416 else FetchError
    raise kind(what, where=where, mend="look whether it is there, in a browser")


def read_part(response: requests.Response, start: int, stop: int, known: Version | None) -> Answer:
    """Return bytes [start, stop) of a file, or up to its end, out of an answer to a request for just that range.

    Raises
    ------
    AgainError
        If it holds anything else, or breaks off.
    """
    headers = response.headers
    if headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        raise AgainError("the server changes the file's bytes (Content-Encoding)")
    etag, modified = headers.get("etag"), headers.get("last-modified")
    if response.status_code == 206:
        found = re.fullmatch(r"\s*bytes\s+(\d+)-(\d+)/(\d+)\s*", headers.get("content-range", ""))
        if found is None:
            raise AgainError("the server does not say which bytes it sends")
        first, last, size = map(int, found.groups())
        version = Version(size, etag, modified)
        if known is not None and version.is_other_than(known):
            raise AgainError("the file has changed on the server", changed=True)
        if first != start or last != min(stop, size) - 1:
            raise AgainError("other bytes came than were asked for")
        return Answer(_body(response, min(stop, size) - start), version)
    length = headers.get("content-length", "")
    if not length.isdigit():
        raise AgainError("the whole file came instead of a part, and its size is not said")
    version = Version(int(length), etag, modified)
    if known is not None and version.is_other_than(known):
        raise AgainError("something else than the file came", changed=True)
    if start > _SKIPPED:
        return Answer(b"", version, in_parts=False)
    body = _body(response, min(stop, version.size), skipped=start)
    if body[:1024].lstrip()[:1] == b"<" and start == 0:
        raise AgainError("a web page came instead of data")
    return Answer(body, version, in_parts=False)


def read_whole(response: requests.Response, known: Version, keep: Callable[[int, bytes], None], piece: int) -> None:
    """Hand the pieces of a whole file to `keep`, each with the place of its first byte.

    Raises
    ------
    AgainError
        If it is another file, or breaks off.
    """
    length, etag = response.headers.get("content-length", ""), response.headers.get("etag")
    if not length.isdigit() or known.is_other_than(Version(int(length), etag, response.headers.get("last-modified"))):
        raise AgainError("something else than the file came", changed=True)
    for start in range(0, known.size, piece):
        wanted = min(piece, known.size - start)
        data = b"".join(_chunks(response, wanted))
        if len(data) != wanted:
            raise AgainError(f"the answer broke off after {start + len(data)} of {known.size} bytes")
        keep(start, data)


def read_document(response: requests.Response, limit: int) -> bytes:
    """Return a small document whole.

    Raises
    ------
    AgainError
        If it is longer than `limit` bytes, or breaks off.
    """
    length = response.headers.get("content-length", "")
    data = b"".join(_chunks(response, limit + 1))
    if len(data) > limit:
        raise AgainError("far more came than was asked for")
    if length.isdigit() and "content-encoding" not in response.headers and len(data) != int(length):
        raise AgainError("the answer broke off")
    return data


def _body(response: requests.Response, count: int, *, skipped: int = 0) -> bytes:
    """The first `count` bytes of a body less the first `skipped` ones; no more is read than it takes."""
    kept, done = bytearray(), 0
    for chunk in _chunks(response, count + 1):
        kept += chunk[max(skipped - done, 0) :]
        done += len(chunk)
    if done < count:
        raise AgainError(f"the answer broke off after {done} of {count} bytes")
    if done > count and response.status_code == 206:
        raise AgainError("more bytes came than were asked for")
    return bytes(kept[: count - skipped])


def _chunks(response: requests.Response, limit: int) -> list[bytes]:
    """Up to `limit` bytes of a body."""
    until = time.monotonic() + _PATIENCE_S + limit / _SLOWEST
    chunks, left = [], limit
    # what one packet brought, where urllib3 can tell (2.1): a slow drip is seen before a whole chunk has come
    take = getattr(response.raw, "read1", response.raw.read)
    try:
        while left > 0:
            chunk = take(min(left, 2**16), decode_content=True)
            if not chunk:
                break
            chunks.append(chunk)
            left -= len(chunk)
            if time.monotonic() > until:
                raise AgainError("the answer comes too slowly")
    except urllib3.exceptions.ReadTimeoutError:
        raise AgainError("the server stopped in the middle of its answer") from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise AgainError("the connection broke in the middle of the answer") from None
    return chunks


def _asked_to_wait(text: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date, not more than we are willing to wait."""
    if not text:
        return None
    if text.strip().isdigit():
        seconds = float(text)
    else:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)
