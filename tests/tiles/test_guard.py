"""An address from a catalogue leads to the web and nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests

from habitat.errors import FetchError
from habitat.tiles.guard import Guard, guarded_session

REFUSED = {
    "/etc/passwd": "is no address on the web",
    "file:///etc/passwd": "is no address on the web",
    "ftp://a.test/b": "is no address on the web",
    "gopher://a.test/b": "is no address on the web",
    "http:///b": "is no address on the web",
    "http://a.test:99999/": "is no address",
    "http://me:abracadabra@a.test/": "holds a password",
    "http://localhost/": "a loopback address",
    "http://x.localhost/": "a loopback address",
    "http://127.0.0.1/": "a loopback address",
    "http://127.1/": "a loopback address",
    "http://0x7f000001/": "a loopback address",
    "http://2130706433/": "a loopback address",
    "http://017700000001/": "a loopback address",
    "http://[::1]/": "a loopback address",
    "http://[::ffff:127.0.0.1]/": "a loopback address",
    "http://[64:ff9b::7f00:1]/": "a loopback address",
    "http://[2002:7f00:1::]/": "a loopback address",
    "http://10.1.2.3/": "a private address",
    "http://192.168.0.1/": "a private address",
    "http://172.16.0.1/": "a private address",
    "http://100.64.0.1/": "a private address",
    "http://[fd00::1]/": "a private address",
    "http://169.254.169.254/latest/meta-data?key=abracadabra": "a link-local address",
    "http://[fe80::1]/": "a link-local address",
    "http://224.0.0.1/": "a multicast address",
    "http://0.0.0.0/": "a unspecified address",
}


@pytest.mark.parametrize("href", REFUSED, ids=list(REFUSED))
def test_what_is_not_on_the_web_is_refused_with_its_reason(href: str) -> None:
    with pytest.raises(FetchError, match=REFUSED[href]) as caught:
        Guard().check(href)
    assert "abracadabra" not in str(caught.value)


@pytest.mark.parametrize("href", ["https://a.test/b?c=d", "http://8.8.8.8/b", "http://[2001:4860:4860::8888]/b"])
def test_public_addresses_pass(href: str) -> None:
    assert Guard().check(href) == href


def test_the_host_that_the_user_named_may_be_a_private_one_and_no_other() -> None:
    guard = Guard("http://127.0.0.1:8000/stac")
    assert guard.check("http://127.0.0.1:9000/b.tif")
    for href in ("http://127.0.0.2/", "http://10.0.0.1/", "http://169.254.169.254/"):
        with pytest.raises(FetchError):
            guard.check(href)


# -- whom a connection reached --------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback: its address, and what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/" else 302)
            self.send_header("Location", f"http://127.0.0.2:{self.server.server_port}/")  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}", asked
        httpd.shutdown()


def test_a_name_that_turns_out_to_be_this_machine_is_sent_nothing(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = server
    port = int(address.rpartition(":")[2])
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: here)
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(FetchError, match="leads to 127.0.0.1, a loopback address"):
        guarded_session(Guard(), connections=1).get(f"http://public.test:{port}/")
    assert asked == []


def test_a_session_follows_no_redirect_to_another_private_host(server: tuple[str, list[str]]) -> None:
    address, asked = server
    session = guarded_session(Guard(address), connections=1)
    assert session.get(f"{address}/").status_code == 200
    with pytest.raises(FetchError, match="leads to 127.0.0.2"):
        session.get(f"{address}/away")
    assert asked == ["/", "/away"]


def test_a_refusal_is_not_taken_for_a_broken_line(server: tuple[str, list[str]]) -> None:
    with pytest.raises(FetchError):
        guarded_session(Guard(), connections=1).get(server[0])
    assert not issubclass(FetchError, requests.RequestException)
