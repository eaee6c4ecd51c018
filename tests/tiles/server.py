"""A web server on loopback that serves byte ranges of a folder, misbehaves by a plan, and remembers what was asked.

It also answers as a proxy (a client whose `http_proxy` names it asks for whole addresses), so that any host's files
can lie in its folder, and hands out Planetary Computer tokens under `/sas`.
"""

from __future__ import annotations

import json
import random
import re
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

FAULTS = (
    *("429", "500", "503", "408", "reset", "short", "stall", "wrong_range", "no_range", "html", "garbled"),
    *("flipped", "expired", "changed", "encoded"),
)
"""What `Request.fault` can be, besides `redirect:ADDRESS` and any other status."""
PASSING = ("429", "500", "503", "408", "reset", "short", "stall", "wrong_range", "no_range", "html", "garbled")
"""Those that a client can get over by asking again."""


@dataclass(frozen=True)
class Request:
    """One thing that was asked."""

    method: str
    host: str
    path: str
    start: int | None
    stop: int | None
    """First byte, and the one after the last; None without a range."""
    headers: dict[str, str]
    """Names in small letters."""
    query: dict[str, list[str]]
    fault: str | None
    """How it was answered, if not well."""


@dataclass
class Faults:
    """Answers a share of the requests badly: the same ones for the same seed and the same order of requests."""

    share: float
    seed: int
    kinds: Collection[str] = PASSING
    where: str = ""
    """Only paths that hold this."""
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def __call__(self, request: Request) -> str | None:
        if self.where not in request.path or self._random.random() >= self.share:
            return None
        return self._random.choice(sorted(self.kinds))


def first(count: int, kind: str, where: str = "") -> Callable[[Request], str | None]:
    """The first `count` requests whose path holds `where` are answered by `kind`."""
    left = [count]

    def fault(request: Request) -> str | None:
        if where not in request.path or not left[0]:
            return None
        left[0] -= 1
        return kind

    return fault


class TileServer:
    """Serves `folder` while the block runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[Request] = []
        self.fault: Callable[[Request], str | None] = lambda request: None
        self.retry_after: str | None = None
        """Sent with 429 and 503."""
        self.stall_s = 1.0
        self.token_s: float | None = None
        """If set, files are served only with a token of `/sas`, which is good for so many seconds."""
        self.pages: dict[str, Any] = {}
        """Path to a JSON document served there."""
        self.etags = True
        self._tokens: dict[str, float] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        owner = self

        class Handler(_Handler):
            site = owner

        self._web = _Web(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._web.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._web.shutdown()
        self._web.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._web.server_address[1]}"

    def href(self, path: Path | str) -> str:
        """Address of a file in the folder."""
        inside = path.relative_to(self.folder) if isinstance(path, Path) else Path(path)
        return f"{self.address}/{inside.as_posix()}"

    def asked(self, where: str = "") -> list[Request]:
        """What was asked of paths that hold `where`."""
        with self._lock:
            return [request for request in self.requests if where in request.path]

    def forget(self) -> None:
        """Start the list of requests anew."""
        with self._lock:
            self.requests.clear()

    # -- for the handler --------------------------------------------------------------------------------

    def judge(self, request: Request) -> Request:
        """Decide how a request is answered, and note it."""
        with self._lock:
            judged = Request(**{**vars(request), "fault": self.fault(request)})
            self.requests.append(judged)
            return judged

    def token(self) -> dict[str, str]:
        token, seconds = secrets.token_hex(8), self.token_s or 3600
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        with self._lock:
            self._tokens[token] = time.monotonic() + seconds
        return {"msft:expiry": f"{until:%Y-%m-%dT%H:%M:%S.%fZ}", "token": f"se={until:%Y-%m-%dT%H:%M:%SZ}&sig={token}"}

    def is_fresh(self, request: Request) -> bool:
        if self.token_s is None:
            return True
        with self._lock:
            return any(self._tokens.get(sig, 0) > time.monotonic() for sig in request.query.get("sig", ()))


class _Web(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *args: object) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: TileServer
    timeout = 30

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        request = self.site.judge(
            Request(
                method=self.command,
                host=parts.netloc or self.headers.get("host", ""),
                path=unquote(parts.path),
                start=int(found[1]) if found else None,
                stop=int(found[2]) + 1 if found else None,
                headers={name.lower(): value for name, value in self.headers.items()},
                query=parse_qs(parts.query),
                fault=None,
            )
        )
        with suppress(ConnectionError):
            self._answer(request)

    do_HEAD = do_GET

    def _answer(self, request: Request) -> None:
        kind = request.fault or ""
        if kind.isdigit():
            headers = {"Retry-After": self.site.retry_after} if self.site.retry_after and kind in ("429", "503") else {}
            self._send(int(kind), b"in trouble", headers)
        elif kind.startswith("redirect:"):
            self._send(302, b"", {"Location": kind.removeprefix("redirect:")})
        elif kind == "html":
            self._send(
                200, b"<!DOCTYPE html><html><body>Log in to the Wi-Fi</body></html>", {"Content-Type": "text/html"}
            )
        elif kind == "expired" or not (request.path.startswith("/sas") or self.site.is_fresh(request)):
            self._send(403, b"<?xml version='1.0'?><Error><Code>AuthenticationFailed</Code></Error>")
        elif request.path.startswith("/sas"):
            self._send(200, json.dumps(self.site.token()).encode(), {"Content-Type": "application/json"})
        elif request.path in self.site.pages:
            document = self.site.pages[request.path]
            self._send(200, json.dumps(document).encode(), {"Content-Type": "application/json"})
        else:
            self._file(request, kind)

    def _file(self, request: Request, kind: str) -> None:
        path = self.site.folder / request.path.lstrip("/")
        if not path.is_file():
            self._send(404, b"not here")
            return
        about = path.stat()
        size = about.st_size
        etag = "another" if kind == "changed" else f"{about.st_mtime_ns:x}-{size:x}"
        headers = {"ETag": f'"{etag}"'} if self.site.etags else {}
        headers |= {"Accept-Ranges": "bytes", "Content-Type": "image/tiff"}
        start, stop = request.start, request.stop
        if start is None or stop is None or kind == "no_range":
            self._send(200, path.read_bytes(), headers, kind)
            return
        if start >= size:
            self._send(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        stop = min(stop, size)
        if kind == "wrong_range":
            start = max(start - 7, 0) if start else 7
        with path.open("rb") as file:
            file.seek(start)
            body = file.read(stop - start)
        if kind == "encoded":
            headers["Content-Encoding"] = "gzip"
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        self._send(206, body, headers, kind)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, kind: str = "") -> None:
        if kind == "garbled":
            body = random.Random(len(body)).randbytes(len(body))
        elif kind == "flipped" and body:  # one bit
            place = random.randrange(len(body))
            body = body[:place] + bytes([body[place] ^ (1 << random.randrange(8))]) + body[place + 1 :]
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        half = len(body) // 2
        if kind in ("reset", "short", "stall"):
            self.wfile.write(body[:half])
            self.wfile.flush()
            if kind == "stall":
                time.sleep(self.site.stall_s)
            if kind == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            self.close_connection = True
            return
        self.wfile.write(body)
