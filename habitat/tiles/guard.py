"""Where an address from a catalogue may lead: to public hosts over HTTP, and to the host that the user named.

A catalogue is somebody else's text. An href in it that names a file, this machine, a neighbour in the local network
or a cloud's metadata service would make us read what is not its author's to see (server-side request forgery). Names
are checked before they are asked for, and the address that a connection really reached before a byte is sent: a name
that means something else the second time (DNS rebinding) does not pass.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from habitat.errors import FetchError
from habitat.store import without_query

_MEND = "do not trust this catalogue, or fetch the file yourself"
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for the IPv4 address in their last four bytes (RFC 6052)."""


class Guard:
    """What may be asked for.

    Parameters
    ----------
    home : str, optional
        An address that the user wrote: its host may be a private one.
    """

    def __init__(self, home: str | None = None) -> None:
        self._home = home

    @cached_property
    def _own(self) -> frozenset[str]:
        """Addresses of the host that the user named."""
        host = urlsplit(self._home or "").hostname
        if host is None:
            return frozenset()
        try:
            return frozenset(str(found[4][0]) for found in socket.getaddrinfo(host, None))
        except OSError:
            return frozenset()

    def check(self, href: str) -> str:
        """Return `href` if it may be asked for.

        Raises
        ------
        FetchError
            If it is no address on the web, or names a host that is not public.
        """
        try:
            parts = urlsplit(href)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise FetchError(f"is no address ({error})", where=without_query(href), mend=_MEND) from error
        if parts.scheme not in ("http", "https") or not host:
            raise FetchError("is no address on the web", where=without_query(href), mend=_MEND)
        if parts.username or parts.password:
            raise FetchError("holds a password", where=f"{parts.scheme}://{host}{parts.path}", mend=_MEND)
        if host == "localhost" or host.endswith(".localhost"):
            self.check_peer("127.0.0.1", href)
        elif (literal := _literal(host)) is not None:
            self.check_peer(literal, href)
        return href

    def check_peer(self, address: str, href: str) -> None:
        """Raise if the machine at an IP address must not be asked for `href`."""
        kind = _kind(address)
        if kind and address.split("%")[0] not in self._own:
            raise FetchError(f"leads to {address}, a {kind} address", where=without_query(href), mend=_MEND)


def guarded_session(guard: Guard, *, connections: int) -> requests.Session:
    """Return a session that asks for nothing that `guard` refuses, whoever uses it."""
    session = requests.Session()
    adapter = _Adapter(guard, connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _Adapter(HTTPAdapter):
    def __init__(self, guard: Guard, connections: int) -> None:
        self._guard = guard
        super().__init__(pool_connections=16, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Make a pool whose connections look at whom they reached."""
        self.poolmanager = urllib3.PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        guard = self._guard

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _checked(super()._new_conn(), guard, f"http://{self.host}")

        class Encrypted(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _checked(super()._new_conn(), guard, f"https://{self.host}")

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send what may be sent. Through a proxy the peer is the proxy: then only names can be looked at."""
        self._guard.check(request.url or "")
        try:
            return super().send(request, *args, **options)
        except requests.ConnectionError as error:
            if (refusal := _refusal(error)) is None:
                raise
            raise refusal from None


def _refusal(error: BaseException | None) -> FetchError | None:
    """The guard's refusal inside an error: to urllib3 it is one more connection that broke."""
    while error is not None:
        if isinstance(error, FetchError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _checked(connection: socket.socket, guard: Guard, href: str) -> socket.socket:
    try:
        guard.check_peer(connection.getpeername()[0], href)
    except BaseException:
        connection.close()
        raise
    return connection


def _literal(host: str) -> str | None:
    """The IP address that a host's name spells, in any of the ways that a resolver takes: 127.1, 0x7f000001, ..."""
    try:
        return str(ipaddress.ip_address(host.split("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _kind(address: str) -> str:
    """What is not public about an IP address; empty for a public one."""
    found = ipaddress.ip_address(address.split("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return _kind(str(inner))
    for kind in ("loopback", "link-local", "multicast", "unspecified"):
        if getattr(found, f"is_{kind.replace('-', '_')}"):
            return kind
    return "" if found.is_global else "private"
