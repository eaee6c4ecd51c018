"""A real STAC API server on loopback, and one that says whatever a test wants it to say."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

START_S = 10.0
"""A server that has not answered by then never will."""


@contextmanager
def stac_api(folder: Path, items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Serve items with rustac on a free port; gives the API's address once it answers."""
    program = shutil.which("rustac", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        pytest.skip("rustac is not installed: pip install rustac")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(items)}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [program, "--quiet", "serve", "--addr", host, "--create-collections", str(path)]
    with (folder / "server.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            _wait_for(f"http://{host}", server, folder / "server.log")
            yield f"http://{host}"
        finally:
            server.terminate()


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            requests.get(address, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the STAC server does not answer: {log.read_text()}")


Answer = tuple[int, Mapping[str, str], bytes]
JSON = {"content-type": "application/json"}


class Canned:
    """A server whose answers a test chooses: `say[path]` is a list of answers, the last one for ever."""

    def __init__(self) -> None:
        self.say: dict[str, list[Answer | Callable[[dict[str, Any]], Answer]]] = {}
        self.asked: list[str] = []
        """Method and path of each request, in order."""
        canned = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size) or b"{}")
                path = self.path.split("?")[0]
                canned.asked.append(f"{self.command} {self.path}")
                answers = canned.say.get(path) or [(404, {}, b"")]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                status, headers, content = answer(body) if callable(answer) else answer
                self.send_response(status)
                for name, value in ({"content-length": str(len(content))} | dict(headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                if int(dict(headers).get("content-length", len(content))) != len(content):
                    self.close_connection = True

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def json(self, path: str, *documents: Any) -> None:
        """Answer with documents, one after the other."""
        self.say[path] = [(200, JSON, json.dumps(document).encode()) for document in documents]

    def api(self, *pages: Mapping[str, Any], collections: Sequence[str] = ("sentinel-2-l2a",)) -> None:
        """Be a STAC API whose search gives `pages`."""
        search = {"rel": "search", "href": f"{self.address}/search", "method": "POST"}
        landing = {"type": "Catalog", "stac_version": "1.0.0", "id": "api", "description": "", "links": [search]}
        self.json("/", landing | {"conformsTo": ["https://api.stacspec.org/v1.0.0/item-search"]})
        self.json("/collections", {"collections": [{"id": name} for name in collections], "links": []})
        for name in collections:
            self.json(f"/collections/{name}", {"type": "Collection", "id": name})
        if pages:
            self.json("/search", *({"type": "FeatureCollection", **page} for page in pages))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
