"""A real browser draws the page and asks nobody for anything."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no chromium is installed: apt-get install chromium"),
]


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """A proxy on loopback that answers nothing and writes down who asked for what."""
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def note(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_GET = do_CONNECT = do_POST = note

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def open_page(page: Path, *options: str, profile: Path) -> None:
    command = [str(BROWSER), *QUIET, f"--user-data-dir={profile}", *options, page.as_uri()]
    subprocess.run(command, capture_output=True, timeout=120, check=True)


def test_the_browser_asks_nobody_for_anything(run_folder, tmp_path):
    text = (run_folder / "report.html").read_text(encoding="utf-8")
    needy = tmp_path / "needy.html"
    needy.write_text(
        text.replace("default-src 'none'; img-src data:", "default-src *").replace(
            "<main>", '<main><img src="http://needed.example/x.png">'
        ),
        encoding="utf-8",
    )
    heard = {}
    for page in (run_folder / "report.html", needy):
        with listening() as (port, asked):
            proxy = (f"--proxy-server=http://127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>")
            open_page(page, *proxy, "--virtual-time-budget=3000", "--dump-dom", profile=tmp_path / "profile")
        heard[page.name] = [address for address in asked if "google" not in address]  # the browser's own errands
    assert heard["report.html"] == []
    assert any("needed.example" in address for address in heard["needy.html"]), "the proxy hears what is asked for"


@pytest.mark.parametrize(("width", "height"), [(1100, 3000), (500, 3000)])
def test_the_page_is_drawn(run_folder, tmp_path, width, height):
    shot = tmp_path / "page.png"
    options = (f"--screenshot={shot}", f"--window-size={width},{height}")
    open_page(run_folder / "report.html", *options, profile=tmp_path / "profile")
    colors = Image.open(shot).convert("RGB").getcolors(maxcolors=2**24)
    assert colors is not None
    assert len(colors) > 200
