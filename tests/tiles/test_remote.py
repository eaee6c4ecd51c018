"""Byte ranges of files on the web: right or not at all, from hosts that may be asked, and no secret is ever said."""

from __future__ import annotations

import logging
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from habitat.errors import FetchError, HabitatError, ReadError
from habitat.store import shown
from habitat.tiles.answers import Version
from habitat.tiles.guard import Guard
from habitat.tiles.providers import PROVIDERS, Provider
from habitat.tiles.remote import Remote
from habitat.tiles.signing import signer_for
from tiles.server import PASSING, Request, TileServer, first

DATA = np.random.default_rng(0).bytes(100_000)
SIGNATURE = "".join(["SEC", "RET"])
"""In no line of this file as it is: tracebacks show lines."""


@pytest.fixture
def waits() -> list[float]:
    """How long was waited between tries."""
    return []


@pytest.fixture
def remote(web: TileServer, waits: list[float]) -> Remote:
    web.stall_s = 0.5
    (web.folder / "data.tif").write_bytes(DATA)
    return Remote(home=web.address, sleep=waits.append, timeout_s=(2, 0.25))


def message_of(call: Callable[[], object]) -> str:
    with pytest.raises(HabitatError) as caught:
        call()
    return str(caught.value)


# -- ranges ---------------------------------------------------------------------------------------------


def test_just_the_bytes_that_were_asked_for_come(web: TileServer, remote: Remote) -> None:
    href = web.href("data.tif")
    assert remote.read(href, 1000, 1234) == DATA[1000:1234]
    assert remote.size(href) == len(DATA)
    assert [(request.start, request.stop) for request in web.asked()] == [(1000, 1234), (0, 1)]


def test_a_range_past_the_end_is_cut_or_refused_but_never_short(web: TileServer, remote: Remote) -> None:
    href = web.href("data.tif")
    answer = remote.ask(href, 99_990, 100_010)
    assert (answer.data, answer.version.size) == (DATA[99_990:], len(DATA))
    assert "shorter" in message_of(lambda: remote.read(href, 99_990, 100_010))
    assert "shorter" in message_of(lambda: remote.read(href, 100_000, 100_010))


@pytest.mark.parametrize("kind", [*PASSING, "encoded"])
def test_each_failure_is_got_over_by_asking_again(web: TileServer, remote: Remote, kind: str) -> None:
    href = web.href("data.tif")
    known = remote.ask(href, 0, 10).version
    web.forget()
    web.fault = first(2, kind)
    if kind == "garbled":  # of the right length and from the right place: only the pixels can tell
        return
    assert remote.ask(href, 5000, 9000, known).data == DATA[5000:9000]
    assert len(web.asked()) == (1 if kind == "no_range" else 3)  # a whole file of the known size holds the part


def test_what_fails_each_time_is_named_with_its_reason_and_the_tries(web: TileServer, remote: Remote) -> None:
    web.fault = first(99, "503")
    said = message_of(lambda: remote.read(web.href("data.tif"), 0, 10))
    assert said == (f"{web.address}/data.tif: the server is in trouble (503), at the last of 5 tries; try again later")
    assert len(web.asked()) == 5


@pytest.mark.parametrize("status", ["400", "404", "405", "410", "416", "451", "501"])
def test_what_will_not_change_is_asked_for_once(web: TileServer, remote: Remote, status: str) -> None:
    web.fault = first(99, status)
    assert f"({status})" in message_of(lambda: remote.read(web.href("data.tif"), 0, 10))
    assert len(web.asked()) == 1


def test_pauses_grow_and_differ(web: TileServer, remote: Remote, waits: list[float]) -> None:
    web.fault = first(4, "500")
    remote.read(web.href("data.tif"), 0, 10)
    assert all(0.5 * 2**n <= wait <= 1.5 * 2**n for n, wait in enumerate(waits))
    assert len(waits) == len(set(waits)) == 4


@pytest.mark.parametrize(("said", "low", "high"), [("7", 7, 7), ("99999", 60, 60), ("soon", 0.5, 1.5)])
def test_a_server_may_say_how_long_to_wait(
    web: TileServer, remote: Remote, waits: list[float], said: str, low: float, high: float
) -> None:
    web.fault, web.retry_after = first(1, "429"), said
    remote.read(web.href("data.tif"), 0, 10)
    assert low <= waits[0] <= high


def test_the_wait_may_be_a_date(web: TileServer, remote: Remote, waits: list[float]) -> None:
    web.fault = first(1, "503")
    web.retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    remote.read(web.href("data.tif"), 0, 10)
    assert 15 < waits[0] <= 20


def test_a_file_that_changes_is_noticed(web: TileServer, remote: Remote) -> None:
    href = web.href("data.tif")
    known = remote.ask(href, 0, 10).version
    (web.folder / "data.tif").write_bytes(DATA[::-1])
    assert "has changed" in message_of(lambda: remote.ask(href, 10, 20, known))


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (Version(9, '"a"'), Version(9, '"a"', "Mon"), False),
        (Version(9, '"a"'), Version(9, '"b"'), True),
        (Version(9, '"a"'), Version(8, '"a"'), True),
        (Version(9, 'W/"a"', "Mon"), Version(9, 'W/"b"', "Mon"), False),  # weak ones differ from server to server
        (Version(9, None, "Mon"), Version(9, None, "Tue"), True),
        (Version(9), Version(9, '"a"', "Mon"), False),
    ],
)
def test_states_of_a_file_are_told_apart_by_what_the_server_says(one: Version, other: Version, differ: bool) -> None:
    assert one.is_other_than(other) is differ
    assert other.is_other_than(one) is differ


def test_many_threads_share_one(web: TileServer, remote: Remote) -> None:
    href = web.href("data.tif")
    with ThreadPoolExecutor(16) as pool:
        parts = list(pool.map(lambda at: remote.read(href, at, at + 500), range(0, 100_000, 500)))
    assert b"".join(parts) == DATA


def test_no_answer_is_longer_than_what_was_asked_for(web: TileServer, remote: Remote) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def serve() -> int:
            sent = 0
            for _ in range(5):
                client, _ = server.accept()
                with client:
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-9/1000\r\n\r\n")
                    try:
                        for _ in range(1000):
                            sent += client.send(bytes(2**16))
                    except OSError:
                        continue
            return sent

        sending = pool.submit(serve)
        said = message_of(lambda: remote.read(f"http://127.0.0.1:{server.getsockname()[1]}/x.tif", 0, 10))
        assert "more bytes came" in said
        assert sending.result() < 5 * 2**24


def test_a_drip_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitat.tiles.answers._PATIENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def drip() -> None:
            client, _ = server.accept()
            with client, suppress(OSError):
                client.recv(4096)
                client.sendall(b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-99/1000\r\n\r\n")
                for _ in range(100):
                    client.sendall(b"x")
                    time.sleep(0.05)

        sending = pool.submit(drip)
        address, began = f"http://127.0.0.1:{server.getsockname()[1]}", time.monotonic()
        remote = Remote(home=address, tries=1)
        assert "too slowly" in message_of(lambda: remote.read(f"{address}/x.tif", 0, 100))
        assert time.monotonic() - began < 2
        sending.result()


# -- headers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["tif", "jp2"])
def test_a_header_says_where_the_pixels_are(web: TileServer, remote: Remote, ending: str) -> None:
    values = np.random.default_rng(1).integers(1, 3000, (500, 600)).astype("uint16")
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "height": 500, "width": 600, "compress": "deflate"}
    profile |= {"crs": "EPSG:32652", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 4_800_000)}
    with rasterio.open(web.folder / "tile.tif", "w", **profile) as file:
        file.write(values, 1)
    options = {"QUALITY": "100", "REVERSIBLE": "YES"}
    rasterio.shutil.copy(web.folder / "tile.tif", web.folder / "tile.jp2", driver="JP2OpenJPEG", **options)
    grid = remote.grid(web.href(f"tile.{ending}"))
    assert (grid.crs, grid.transform, grid.shape) == ("EPSG:32652", profile["transform"], (500, 600))
    asked = sum(request.stop - request.start for request in web.asked())  # type: ignore[operator]
    assert asked <= 2 * 2**14 + 1  # twice: it came over plain http


@pytest.mark.parametrize(
    "content",
    [
        b'<VRTDataset rasterXSize="1" rasterYSize="1"><SourceFilename>/etc/passwd</SourceFilename></VRTDataset>',
        b"<html>not found</html>",
        b"II*\x00" + bytes(100),
        b"II*\x00\x08\x00\x00\x00\xff\xff" + bytes(100),
        b"MM\x00*\xff\xff\xff\xff" + bytes(100),
        b"II+\x00\x08\x00\x00\x00" + b"\xff" * 100,
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\xff" * 100,
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(100),
        b"\x00\x00\x00\x0cjP  \r\n\x87\n\x00\x00\x00\x20jp2c\xff\x4f\xff\x51" + bytes(100),
        b"x",
    ],
)
def test_what_is_no_raster_is_refused(web: TileServer, remote: Remote, content: bytes) -> None:
    (web.folder / "odd.tif").write_bytes(content)
    with pytest.raises((ReadError, FetchError)) as caught:
        remote.grid(web.href("odd.tif"))
    assert f"{web.address}/odd.tif" in str(caught.value)
    assert "vsi" not in str(caught.value)


# -- where it may go ------------------------------------------------------------------------------------

REFUSED = [
    ("/etc/passwd", "no address on the web"),
    ("file:///etc/passwd", "no address on the web"),
    ("ftp://example.org/a.tif", "no address on the web"),
    ("gopher://example.org/", "no address on the web"),
    ("//example.org/a.tif", "no address on the web"),
    ("http:///a.tif", "no address on the web"),
    ("http://example.org\\@127.0.0.1/", "no address on the web"),
    ("http://exa mple.org/", "no address on the web"),
    ("http://example.org:99999/", "no address"),
    ("http://[::1/", "no address"),
    ("http://me:secret@example.org/a.tif", "user name"),
    ("http://127.0.0.1/a.tif", "loopback"),
    ("http://127.8.9.10/a.tif", "loopback"),
    ("http://[::1]/a.tif", "loopback"),
    ("http://[::ffff:127.0.0.1]/a.tif", "loopback"),
    ("http://[::7f00:1]/a.tif", "loopback"),
    ("http://[2002:7f00:1::]/a.tif", "loopback"),
    ("http://[64:ff9b::7f00:1]/a.tif", "loopback"),
    ("http://localhost/a.tif", "this machine"),
    ("http://LOCALHOST./a.tif", "this machine"),
    ("http://x.localhost/a.tif", "this machine"),
    ("http://printer.local/a.tif", "this machine"),
    ("http://metadata.google.internal/", "this machine"),
    ("http://169.254.169.254/latest/meta-data", "link-local"),
    ("http://[fe80::1]/", "link-local"),
    ("http://[fe80::1%25eth0]/", "link-local"),
    ("http://[::ffff:169.254.169.254]/", "link-local"),
    ("http://10.0.0.1/a.tif", "private"),
    ("http://172.16.0.1/a.tif", "private"),
    ("http://192.168.1.1/a.tif", "private"),
    ("http://100.64.0.1/a.tif", "private"),
    ("http://[fd00::1]/a.tif", "private"),
    ("http://0.0.0.0/a.tif", "unspecified"),
    ("http://[::]/a.tif", "unspecified"),
    ("http://224.0.0.1/a.tif", "multicast"),
    ("http://255.255.255.255/a.tif", "private"),
    ("http://2130706433/a.tif", "odd way"),
    ("http://0x7f000001/a.tif", "odd way"),
    ("http://0177.0.0.1/a.tif", "odd way"),
    ("http://127.1/a.tif", "odd way"),
    ("http://127.0.0.0x1/a.tif", "odd way"),
]


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_addresses_that_are_not_public_are_refused(address: str, why: str) -> None:
    said = message_of(lambda: Guard().check(address))
    assert why in said
    assert "secret" not in said
    assert why in message_of(lambda: Remote(sleep=pytest.fail).read(address, 0, 10))


@pytest.mark.parametrize("address", ["https://example.org/a.tif", "http://93.184.216.34/", "http://[2606:4700::1]:80/"])
def test_public_addresses_are_not(address: str) -> None:
    Guard().check(address)


def test_behind_a_proxy_a_name_without_a_dot_is_a_neighbour() -> None:
    Guard().check("http://intranet-server/a.tif")  # who answers is looked at when it is reached
    assert "neighbour" in message_of(lambda: Guard().check("http://intranet-server/a.tif", proxied=True))


@pytest.mark.parametrize(
    ("home", "peer", "allowed"),
    [
        ("http://10.0.0.5:8080/stac", "10.0.0.5", True),
        ("http://10.0.0.5:8080/stac", "10.0.0.6", False),
        ("http://10.0.0.5:8080/stac", "127.0.0.1", False),
        ("http://localhost:8080/stac", "127.0.0.1", True),
        ("http://169.254.1.1/stac", "10.0.0.1", False),
        ("https://earth-search.aws.element84.com/v1", "192.168.0.1", False),
        ("https://earth-search.aws.element84.com/v1", "93.184.216.34", True),
    ],
)
def test_of_private_machines_only_the_user_s_own_may_be_reached(
    home: str, peer: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lookup({"localhost": "127.0.0.1"}))
    guard = Guard([home])
    if allowed:
        guard.check_peer("tiles.example.org", peer)
    else:
        assert peer in message_of(lambda: guard.check_peer("tiles.example.org", peer))


def lookup(known: dict[str, str]) -> Callable[..., Any]:
    """A name service that knows just these."""

    def answer(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in known and not name[:1].isdigit():
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known.get(name, name), int(port or 0)))]

    return answer


def test_a_public_name_that_means_this_machine_gets_no_byte(web: TileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(socket, "getaddrinfo", lookup({"tiles.example.org": "127.0.0.1"}))
    port = web.address.rpartition(":")[2]
    said = message_of(lambda: Remote(sleep=pytest.fail).read(f"http://tiles.example.org:{port}/a.tif?sig=SECRET", 0, 9))
    assert "leads to 127.0.0.1, a loopback address" in said
    assert not web.requests
    assert "SECRET" not in said


def test_the_session_that_searches_is_guarded_too(web: TileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FetchError, match="loopback"):
        Remote().session.get(f"{web.address}/search")
    assert Remote(home=web.address).session.get(f"{web.address}/search").status_code == 404


@pytest.mark.parametrize(
    ("goal", "why"),
    [
        ("http://127.0.0.2/a.tif", "127.0.0.2, a loopback address"),
        ("http://169.254.169.254/latest", "link-local"),
        ("file:///etc/passwd", "no address on the web"),
        ("http://me@example.org/", "user name"),
        ("//10.0.0.1/a.tif", "private"),
    ],
)
def test_redirects_are_looked_at(web: TileServer, remote: Remote, goal: str, why: str) -> None:
    web.fault = first(1, f"redirect:{goal}")
    assert why in message_of(lambda: remote.read(web.href("data.tif"), 0, 10))


def test_redirects_are_followed_five_times(web: TileServer, remote: Remote) -> None:
    href = web.href("data.tif")
    web.fault = first(5, "redirect:/data.tif")
    assert remote.read(href, 0, 10) == DATA[:10]
    web.fault = first(99, "redirect:/data.tif")
    web.forget()
    assert "more than 5 times" in message_of(lambda: remote.read(href, 0, 10))
    assert len(web.asked()) == 6


def test_a_redirect_may_not_take_the_encryption_away() -> None:
    from habitat.tiles.remote import _next_hop

    assert _next_hop("https://a.org/x?sig=1", "/y") == "https://a.org/y"
    said = message_of(lambda: _next_hop("https://a.org/x?sig=1", "http://a.org/x"))
    assert said.startswith("https://a.org/x: leads on to an address without encryption")


# -- signatures -----------------------------------------------------------------------------------------

BLOB = "http://account.blob.core.windows.net/container/data.tif"


@pytest.fixture
def blobs(web: TileServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TileServer]:
    """The server as the Planetary Computer: its tokens, and through a proxy its blobs."""
    planetary_computer()  # imports the package, which warns when it is imported, with its warnings off
    from planetary_computer.settings import Settings

    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, web.address)
    monkeypatch.setenv("PC_SDK_SAS_URL", f"{web.address}/sas")
    monkeypatch.setenv("PC_SDK_SUBSCRIPTION_KEY", "SUBSCRIPTION-SECRET")
    Settings.get.cache_clear()
    (web.folder / "container").mkdir()
    (web.folder / "container" / "data.tif").write_bytes(DATA)
    web.token_s = 600
    yield web
    Settings.get.cache_clear()


def planetary_computer() -> Remote:
    return Remote(PROVIDERS["planetary-computer"], sleep=lambda seconds: None, timeout_s=(2, 2))


def test_a_container_s_token_serves_until_shortly_before_its_end(blobs: TileServer) -> None:
    remote = planetary_computer()
    for at in range(0, 1000, 100):
        assert remote.read(BLOB, at, at + 100) == DATA[at : at + 100]
    assert [request.path for request in blobs.asked("/sas")] == ["/sas/account/container"]
    assert blobs.asked("/sas")[0].headers["ocp-apim-subscription-key"] == "SUBSCRIPTION-SECRET"
    assert {request.host for request in blobs.asked("/container/data")} == {"account.blob.core.windows.net"}


def test_a_token_is_renewed_before_it_ends(blobs: TileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    remote, now = planetary_computer(), time.monotonic
    remote.read(BLOB, 0, 10)
    monkeypatch.setattr("habitat.tiles.signing.time.monotonic", lambda: now() + 600 - 120 + 1)
    remote.read(BLOB, 0, 10)
    assert len(blobs.asked("/sas")) == 2
    assert all(request.fault is None for request in blobs.requests)


def test_a_signature_that_is_refused_is_made_anew_once(blobs: TileServer) -> None:
    blobs.fault = first(1, "expired", where="data.tif")
    assert planetary_computer().read(BLOB, 0, 10) == DATA[:10]
    assert len(blobs.asked("/sas")) == 2
    blobs.forget()
    blobs.fault = first(99, "expired", where="data.tif")
    said = message_of(lambda: planetary_computer().read(BLOB, 0, 10))
    assert "refuses access (403)" in said
    assert len(blobs.asked("data.tif")) == 2


def test_a_token_that_does_not_come_is_told_without_its_text(blobs: TileServer) -> None:
    blobs.pages["/nothing"] = {}
    blobs.fault = first(99, "503", where="/sas")
    assert f"{blobs.address}/sas/account/container: the server is in trouble (503)" in message_of(
        lambda: planetary_computer().read(BLOB, 0, 10)
    )
    blobs.fault = first(99, "html", where="/sas")
    assert "a web page came" in message_of(lambda: planetary_computer().read(BLOB, 0, 10))


def test_other_hosts_get_no_token(blobs: TileServer) -> None:
    sign = planetary_computer()._signer.sign
    for href in (
        "https://example.org/container/a.tif",
        "https://blob.core.windows.net.evil.org/container/a.tif",
        "https://ai4edatasetspublicassets.blob.core.windows.net/assets/a.png",
    ):
        assert sign(href) == href
    assert not blobs.requests


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No keys but those that a test sets."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "EARTHDATA_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "NETRC"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    return monkeypatch


def signed(provider: Provider, href: str) -> str:
    return signer_for(provider, lambda address, headers: b"").sign(href)


def test_s3_addresses_are_signed_with_the_user_s_keys(keys: pytest.MonkeyPatch) -> None:
    keys.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    keys.setenv("AWS_SECRET_ACCESS_KEY", "S3-SECRET")
    signer = signer_for(PROVIDERS["usgs"], lambda address, headers: b"")
    usgs = signer.sign("s3://usgs-landsat/collection02/a.TIF")
    assert usgs.startswith("https://usgs-landsat.s3.us-west-2.amazonaws.com/collection02/a.TIF?")
    assert "X-Amz-Signature=" in usgs
    assert "X-Amz-SignedHeaders=host%3Bx-amz-request-payer&" in usgs  # the signature asks for a header
    assert signer.headers(usgs) == {"x-amz-request-payer": "requester"}
    assert signer.headers("https://usgs-landsat.s3.us-west-2.amazonaws.com/open.tif") == {}
    cdse = signed(PROVIDERS["copernicus"], "s3://eodata/Sentinel-2/a.jp2")
    assert cdse.startswith("https://eodata.dataspace.copernicus.eu/eodata/Sentinel-2/a.jp2?")
    assert "requester" not in cdse
    assert "S3-SECRET" not in usgs + cdse


def test_a_signed_s3_address_reads_from_the_provider_s_own_host(web: TileServer, keys: pytest.MonkeyPatch) -> None:
    keys.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    keys.setenv("AWS_SECRET_ACCESS_KEY", "S3-SECRET")
    (web.folder / "bucket").mkdir()
    (web.folder / "bucket" / "a.tif").write_bytes(DATA)
    mine = Provider("mine", "https://stac.example.org", access="s3", s3_endpoint=web.address)
    remote = Remote(mine, sleep=lambda seconds: None)
    assert remote.read("s3://bucket/a.tif", 5, 9) == DATA[5:9]
    (asked,) = web.asked()
    assert "X-Amz-Signature" in asked.query
    web.fault = first(99, "403")
    said = message_of(lambda: remote.read("s3://bucket/a.tif", 5, 9))
    assert said.startswith("s3://bucket/a.tif: the server refuses access (403); the S3 keys are not accepted")


def test_missing_s3_keys_are_one_clear_line(keys: pytest.MonkeyPatch) -> None:
    said = message_of(lambda: signed(PROVIDERS["copernicus"], "s3://eodata/a.jp2"))
    assert said == (
        "s3://eodata/a.jp2: copernicus asks for S3 keys, and there are none; set AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or write them to ~/.aws/credentials"
    )


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("s3://sentinel-cogs/a/B04.tif", "https://sentinel-cogs.s3.us-west-2.amazonaws.com/a/B04.tif"),
        ("s3://copernicus-dem-30m/a b.tif", "https://copernicus-dem-30m.s3.eu-central-1.amazonaws.com/a%20b.tif"),
        ("s3://some-bucket/a.tif", "https://some-bucket.s3.amazonaws.com/a.tif"),
        ("https://example.org/a.tif", "https://example.org/a.tif"),
    ],
)
def test_open_buckets_need_no_keys(keys: pytest.MonkeyPatch, href: str, address: str) -> None:
    assert signed(Provider("open", "https://stac.example.org"), href) == address
    if "some-bucket" not in href:
        assert signed(PROVIDERS["earth-search"], href) == address


@pytest.mark.parametrize("href", ["s3://", "s3://bucket", "s3://../a", "s3://evil.org@x/a", "s3://b/"])
def test_an_s3_address_that_is_none_is_refused(href: str) -> None:
    assert "no address of an S3 file" in message_of(lambda: signed(PROVIDERS["usgs"], href))


def test_earthdata_credentials_go_to_earthdata_only(keys: pytest.MonkeyPatch, tmp_path: Path) -> None:
    headers = signer_for(PROVIDERS["nasa-hls"], lambda address, headers: b"").headers
    data, login = "https://data.lpdaac.earthdatacloud.nasa.gov/a.tif", "https://urs.earthdata.nasa.gov/oauth"
    elsewhere = [
        "https://bucket.s3.amazonaws.com/a.tif?sig=1",
        "https://urs.earthdata.nasa.gov.evil.org/",
        "https://evilearthdata.nasa.gov/",
        "http://urs.earthdata.nasa.gov/",
    ]
    assert [headers(address) for address in (data, login, *elsewhere)] == [{}] * 6
    (tmp_path / "netrc").write_text("machine urs.earthdata.nasa.gov login me password hush\n")
    (tmp_path / "netrc").chmod(0o600)
    keys.setenv("NETRC", str(tmp_path / "netrc"))
    assert headers(login) == {"Authorization": "Basic bWU6aHVzaA=="}
    assert headers(data) == {}
    keys.setenv("EARTHDATA_TOKEN", "abc.def")
    assert headers(data) == headers(login) == {"Authorization": "Bearer abc.def"}
    assert [headers(address) for address in elsewhere] == [{}] * 4


def test_netrc_is_for_earthdata_alone(
    web: TileServer, remote: Remote, keys: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    keys.setenv("NETRC", str(tmp_path / "netrc"))
    remote.read(web.href("data.tif"), 0, 10)
    assert "authorization" not in web.asked()[0].headers


# -- secrets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://a.org/x.tif?sig=SECRET#SECRET", "https://a.org/x.tif"),
        ("https://me:SECRET@a.org:8/x.tif", "https://a.org:8/x.tif"),
        ("https://me:SEC@RET@a.org/x@y", "https://a.org/x@y"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("/data/x.tif", "/data/x.tif"),
    ],
)
def test_addresses_are_shown_without_what_could_be_secret(address: str, told: str) -> None:
    assert shown(address) == told


@pytest.mark.parametrize("kind", ["503", "404", "403", "html", "reset", "stall", "wrong_range", "redirect:/data.tif"])
def test_no_signature_is_ever_said(
    web: TileServer, remote: Remote, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    web.fault = first(99, kind)
    with pytest.raises(FetchError) as caught:
        remote.read(f"{web.address}/data.tif?sig={SIGNATURE}&se=2026", 0, 10)
    told = "".join(traceback.format_exception(caught.value))
    assert any("sig" in request.query for request in web.asked())  # it was sent
    assert SIGNATURE not in told + caplog.text + repr(caught.value) + repr(remote) + str(caught.value.where)


def test_a_host_that_nobody_answers_at_is_named_without_the_signature(remote: Remote) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(FetchError) as caught:
        remote.read(f"http://127.0.0.1:{port}/a.tif?sig={SIGNATURE}", 0, 10)
    assert "the connection fails" in str(caught.value)
    assert SIGNATURE not in "".join(traceback.format_exception(caught.value))


def test_tokens_and_keys_stay_out_of_logs(
    blobs: TileServer, keys: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    keys.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    keys.setenv("AWS_SECRET_ACCESS_KEY", "S3-SECRET")
    planetary_computer().read(BLOB, 0, 10)
    address = signed(PROVIDERS["usgs"], "s3://usgs-landsat/a.TIF")
    (token,) = blobs.asked("/container/data")[0].query["sig"]
    signature = address.rpartition("X-Amz-Signature=")[2].partition("&")[0]
    for secret in (token, signature, "S3-SECRET", "SUBSCRIPTION-SECRET"):
        assert secret
        assert secret not in caplog.text


def test_the_proxy_of_the_environment_is_used(web: TileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (web.folder / "data.tif").write_bytes(DATA)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, web.address)
    assert Remote().read("http://tiles.example.org/data.tif", 0, 10) == DATA[:10]
    asked: Request = web.asked()[0]
    assert asked.host == "tiles.example.org"
    assert "neighbour" in message_of(lambda: Remote().read("http://nas/data.tif", 0, 10))
