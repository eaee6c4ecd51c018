"""Where an address from a catalogue may lead: to public hosts over HTTP, and to hosts that the user named.

A catalogue is somebody else's text. An href in it that names a file, this machine, a neighbour in the local network
or a cloud's metadata service would make us read what is not its author's to see (server-side request forgery). Names
are checked before they are asked for, and the address that a connection really reached before a byte is sent: a name
that means something else the second time (DNS rebinding) does not pass.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection

from habitat.errors import FetchError
from habitat.store import shown

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

_MEND = "do not trust this catalogue, or fetch the file yourself"
_NEIGHBOUR = re.compile(r"(.*\.)?(localhost|local|localdomain|internal|intranet|lan|home|home\.arpa|corp|private)")
"""Names that mean a neighbour wherever they are asked for (RFC 6761, 6762, 8375, and habit)."""
_ODD = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
"""Names that resolvers take for numbers: 127.1, 2130706433, 0x7f000001 (the dotted form is known before)."""
_LOCAL = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "::ffff:0:0:0/96", "192.0.0.0/24")))
"""Translations of local use (RFC 8215, RFC 2765) and protocol assignments, where some clouds keep their metadata."""
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for the IPv4 address in their last four bytes (RFC 6052)."""


class Guard:
    """What may be asked for.

    Parameters
    ----------
    homes : iterable of str
        Addresses that the user or the user's environment named: their hosts may be private ones.
    """

    def __init__(self, homes: Iterable[str] = ()) -> None:
        self._homes = frozenset(host for home in homes if (host := (urlsplit(home).hostname or "").rstrip(".")))

    def check(self, address: str, *, proxied: bool = False) -> None:
        """Refuse an address by what it says.

        Parameters
        ----------
        address : str
            As it will be asked for.
        proxied : bool
            Whether a proxy will ask: then :meth:`check_peer` cannot see whom it reaches, and names without a dot,
            which mean a neighbour, are refused too.

        Raises
        ------
        FetchError
            If it is no address on the web, or names a host that is not public.
        """
        try:
            parts = urlsplit(address)
            host, _ = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise _refused(address, "is no address") from None
        if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\\\x00-\x1f\x7f]", address):
            raise _refused(address, "is no address on the web")
        if parts.username is not None or parts.password is not None:
            raise _refused(address, "holds a user name")
        if host in self._homes:
            return
        ip = _literal(host)
        if ip is not None:
            self._check_ip(address, ip)
        elif _ODD.fullmatch(host):
            raise _refused(address, "writes a numeric address in an odd way")
        elif (_NEIGHBOUR.fullmatch(host) or (proxied and "." not in host)) and (proxied or not self._is_own(host)):
            raise _refused(address, "leads to this machine or a neighbour of it")

    def check_peer(self, host: str, peer: str) -> None:
        """Refuse the IP address `peer` that a connection to `host` has reached, unless it is public or the user's own.

        Raises
        ------
        FetchError
            If it is neither.
        """
        if host.strip("[]").lower().rstrip(".") in self._homes:
            return
        ip = _literal(peer)
        if ip is None:
            raise _refused(host, "leads to something that has no IP address")
        self._check_ip(host, ip)

    def _check_ip(self, address: str, ip: IP) -> None:
        kind = _kind(ip)
        if kind and (kind == "link-local" or ip not in self._own()):
            raise _refused(address, f"leads to {ip}, a {kind} address")

    def _is_own(self, host: str) -> bool:
        return bool(self._homes) and bool(_resolved(host) & self._own())

    def _own(self) -> set[IP]:
        """What the user's own hosts mean at present."""
        return {ip for home in self._homes for ip in _resolved(home)}


def guarded_session(guard: Guard, *, connections: int) -> requests.Session:
    """Return a session that asks for nothing that `guard` refuses, whoever uses it, and keeps queries out of logs."""
    for name in ("urllib3.connectionpool", "botocore.auth", "botocore.endpoint"):
        logger = logging.getLogger(name)
        if _hide_secrets not in logger.filters:
            logger.addFilter(_hide_secrets)
    session = requests.Session()
    session.auth = _as_it_is  # else requests would look into ~/.netrc for every host that a catalogue names
    session.max_redirects = 5
    adapter = _Adapter(guard, connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _Refusal(Exception):
    """Carries an error through urllib3, which takes any OSError for trouble with the connection."""


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
                return _checked(super()._new_conn(), guard, self.host)

        class Encrypted(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _checked(super()._new_conn(), guard, self.host)

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send what may be sent."""
        url = request.url or ""
        self._guard.check(url, proxied=select_proxy(url, options.get("proxies")) is not None)
        try:
            return super().send(request, *args, **options)
        except _Refusal as refusal:
            raise refusal.args[0] from None


def _checked(connection: socket.socket, guard: Guard, host: str) -> socket.socket:
    try:
        guard.check_peer(host, str(connection.getpeername()[0]))
    except FetchError as error:
        connection.close()
        raise _Refusal(error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _hide_secrets(record: logging.LogRecord) -> bool:
    """Cut queries out of what HTTP libraries say when they are asked to say all, and signatures altogether."""
    if record.name.startswith("botocore"):
        return False
    if isinstance(record.args, tuple):
        record.args = tuple(re.sub(r"\?\S*", "?...", each) if isinstance(each, str) else each for each in record.args)
    return True


def _refused(address: str, why: str) -> FetchError:
    return FetchError(why, where=shown(address), mend=_MEND)


def _literal(host: str) -> IP | None:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _resolved(host: str) -> set[IP]:
    if (ip := _literal(host)) is not None:
        return {ip}
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {ip for each in answers if (ip := _literal(str(each[4][0]))) is not None}


def _kind(ip: IP) -> str:
    """What is not public about an IP address; empty for a public one."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and (ip in _TRANSLATED or 1 < int(ip) < 2**32):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return _kind(inner)
    for kind in ("loopback", "link-local", "multicast", "unspecified"):
        if getattr(ip, f"is_{kind.replace('-', '_')}"):
            return kind
    return "" if ip.is_global and not any(ip in network for network in _LOCAL) else "private"
