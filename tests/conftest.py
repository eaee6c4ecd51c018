"""What every test stands on: no network but loopback, small grids, and the real data where they are."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from odc.geo.geobox import GeoBox

from habitat import grids

# -- no network but loopback ----------------------------------------------------------------------------
# Python's sockets are guarded below. GDAL brings its own libcurl, which no patch of Python reaches, and so do
# child processes: they get a proxy that nobody answers at, with loopback excepted.

_DEAD_PROXY = "http://127.0.0.1:9"
for _name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "GDAL_HTTP_PROXY"):
    os.environ[_name] = _DEAD_PROXY
for _name in ("no_proxy", "NO_PROXY"):
    os.environ[_name] = "127.0.0.1,localhost,::1"


class NetworkUsed(RuntimeError):
    """A test went for the network. Not an OSError: code that handles those must not hide it."""


def _is_loopback(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if name in ("", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guard(patch: pytest.MonkeyPatch) -> None:
    connect, connect_ex, lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse(target: Any) -> None:
        raise NetworkUsed(f"a test may reach loopback only, not {target}")

    def allowed(sock: socket.socket, address: Any) -> bool:
        # A datagram socket's connect sends nothing: it is how programs ask for their own address.
        return (
            sock.family not in (socket.AF_INET, socket.AF_INET6)
            or sock.type == socket.SOCK_DGRAM
            or _is_loopback(address[0])
        )

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not allowed(self, address):
            refuse(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if not allowed(self, address):
            refuse(address)
        return connect_ex(self, address)

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_loopback(host):
            refuse(host)
        return lookup(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_lookup)


_patch = pytest.MonkeyPatch()


def pytest_configure(config: pytest.Config) -> None:
    _guard(_patch)


def pytest_unconfigure(config: pytest.Config) -> None:
    _patch.undo()


# -- hypothesis: the same examples every time in CI, new ones at the desk --------------------------------

hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")

# -- fixtures -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder that holds `realdata/` and `reference/`; a test that asks for it is marked `realdata`."""
    folder = os.environ.get("HABITAT_REALDATA")
    if not folder:
        pytest.skip("HABITAT_REALDATA is not set")
    return Path(folder)


@pytest.fixture
def small_grid() -> GeoBox:
    """4 rows by 6 columns of 20 m in the border forest's UTM zone, on multiples of 20."""
    return grids.grid_over((500_000, 4_800_000, 500_120, 4_800_080), "EPSG:32652", 20)


@pytest.fixture
def landsat_grid() -> GeoBox:
    """3 rows by 4 columns of 30 m whose edges lie at 15 m modulo 30, over `small_grid`'s south-west."""
    return grids.grid_over((499_995, 4_799_985, 500_115, 4_800_075), "EPSG:32652", 30, anchor=(15, 15))


@pytest.fixture(scope="session")
def good_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated landscape whose recipe has been run to the end; not to be changed: see `land`."""
    from terminal import FEW_TREES, run

    from habitat.forest import classifier
    from habitat.simulate import write_sample

    folder = tmp_path_factory.mktemp("good") / "land"
    write_sample(folder, size_km=0.6, seed=3, years=range(2019, 2022))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "N_TREES", FEW_TREES)
        said = run("run", folder / "recipe.toml")
    assert said.status == 0, said.err
    return folder


@pytest.fixture
def land(good_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `good_run` that a test may spoil and run again."""
    from terminal import FEW_TREES

    from habitat.forest import classifier

    monkeypatch.setattr(classifier, "N_TREES", FEW_TREES)
    return Path(shutil.copytree(good_run, tmp_path / "land"))
