"""Every request that leaves the house, and the guard it passes (SSRF, security.md T14).

An address given by a person (a webhook, a news page, a sign-in server) could name the machine
itself, its neighbours or the cloud's metadata. So the name is resolved once, *every* address found
must be public, and the connection goes to exactly the address that was checked; the certificate is
still checked against the name. ``FANGKONG_OUTBOUND_ALLOW`` lists the inner hosts that an operator
trusts, such as a message gateway on premise. Nothing else in the house opens a connection of its
own (tests/test_architecture.py).

Not done here: a request by a package that brings its own client. Call ``check`` on its address
first; that refuses inner hosts, but cannot hold the package to the address that was checked.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from fangkong.core.refusals import Refused

LARGEST = 5 * 1024 * 1024  # bytes of an answer
LONGEST_URL = 2000  # characters
TIMEOUT = 10.0  # seconds for the whole exchange
PORTS = {80, 443, 8443}
DEFAULT_PORTS = {"http": 80, "https": 443}
# One label of a host name; the whole is at most 253 characters.
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# What the exchange itself decides.
_OURS = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "accept-encoding"}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# IPv6 in use on the internet; all else is local, a tunnel, or not given out.
_UNICAST = ipaddress.IPv6Network("2000::/3")
_NEVER = [
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # carriers' and clouds' inner addresses
        "168.63.129.16/32",  # a public address that answers inside one cloud only
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",
        "2001::/23",  # Teredo and other special uses
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address hidden in an IPv6 one
        "3fff::/20",
    )
]


class WrongAddress(Refused):
    """The address is not one that the house may fetch."""

    status = 422


class InnerAddress(WrongAddress):
    """The address leads to this machine or into the inner network."""


class NotReached(Refused):
    """The other side does not answer, breaks off, or its certificate is wrong."""

    status = 502


class TooSlow(NotReached):
    """The whole exchange took longer than allowed."""

    status = 504


class TooLarge(NotReached):
    """The answer is larger than allowed."""


@dataclass(frozen=True)
class Answer:
    """What came back. ``headers`` have lower-case names; ``url`` is where it came from."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; ``NotReached`` where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise NotReached(_("The other side did not answer in JSON.")) from None


@dataclass(frozen=True)
class Target:
    """An address that has been read: the one reading that is checked and then used."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def trusted(self) -> bool:
        """Whether the operator listed this host, which may then lie in the inner network."""
        allowed = settings.FANGKONG_OUTBOUND_ALLOW
        return self.host in allowed or f"{_bracketed(self.host)}:{self.port}" in allowed


def get(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
    largest: int = LARGEST,
    redirects: int = 0,
) -> Answer:
    """Fetch an address. Redirects are answers like others unless ``redirects`` allows some.

    Each redirect passes the guard again, and loses the headers once it leaves the host.
    """
    ends = time.monotonic() + timeout
    while True:
        answer = _exchange("GET", url, b"", headers or {}, ends, largest)
        onward = answer.headers.get("location", "")
        if not (redirects and onward and answer.status in (301, 302, 303, 307, 308)):
            return answer
        redirects -= 1
        following = urljoin(url, onward)
        if _origin(read(following)) != _origin(read(url)):
            headers = {}
        url = following


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
    largest: int = LARGEST,
) -> Answer:
    """Send ``body`` to an address; never follows a redirect. ``Refused`` says why it did not go."""
    return _exchange("POST", url, body, headers or {}, time.monotonic() + timeout, largest)


def check(url: str) -> None:
    """Refuse an address that the guard would not let out, for forms that store one.

    Before the transaction that stores it: to ask for a name may take many seconds, in which
    nobody else could write. The action itself looks with ``check_written``.
    """
    target = check_written(url)
    _addresses(target)


def check_written(url: str) -> Target:
    """As ``check``, as far as can be told without asking for the name."""
    target = read(url)
    try:
        written = ipaddress.ip_address(target.host)
    except ValueError:
        return target
    _refuse_inner(target, [str(written)])
    return target


def read(url: str) -> Target:
    """Take an address apart, strictly: what two programs could read in two ways is refused."""
    unreadable = WrongAddress(
        _("This is not a web address that can be used. Write it as https://host/path.")
    )
    # Browsers and libraries disagree on backslashes, blanks and control characters.
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        raise unreadable
    if any(sign in url for sign in ' \\"<>^`{|}'):
        raise unreadable
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise unreadable from None
    scheme = parts.scheme.lower()
    # http://a#@b/ leads to a for some programs and to b for others.
    if scheme not in DEFAULT_PORTS or not parts.netloc or (parts.fragment and not parts.path):
        raise unreadable
    if "@" in parts.netloc:
        raise WrongAddress(_("Leave the user name and password out of the address."))
    host = _host(parts.hostname or "", bracketed=parts.netloc.startswith("["))
    if not host:
        raise unreadable
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(scheme, host, DEFAULT_PORTS[scheme] if port is None else port, path)
    if target.port not in PORTS and not target.trusted:
        raise WrongAddress(_("Only the ports 80, 443 and 8443 may be used."))
    return target


def _host(text: str, *, bracketed: bool) -> str:
    """The host in its one spelling, or "" where it is none."""
    if bracketed:
        try:
            found = ipaddress.IPv6Address(text)
        except ValueError:
            return ""
        return "" if found.scope_id else str(found)
    host = text.lower().rstrip(".")
    if not host or len(host) > 253 or not _HOST.fullmatch(host):
        return ""
    # 127.1, 0x7f000001 and 017700000001 are addresses to some programs and names to others.
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            return ""
    return host


def is_public(address: Address) -> bool:
    """Whether an address lies on the open internet, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _UNICAST or address.scope_id:
            return False
        # ISATAP: …:0:5efe:a.b.c.d
        if (int(address) >> 32) & 0xFCFFFFFF == 0x5EFE:
            return False
    if any(address.version == net.version and address in net for net in _NEVER):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as texts (replaced in tests)."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _addresses(target: Target) -> list[str]:
    """Where to connect, every one checked; one inner address among many refuses them all."""
    try:
        found = list(dict.fromkeys(_resolve(target.host, target.port)))
    except (OSError, UnicodeError):
        raise NotReached(_("No such host was found. Check the address.")) from None
    if not found:
        raise NotReached(_("No such host was found. Check the address."))
    _refuse_inner(target, found)
    return found


def _refuse_inner(target: Target, found: Iterable[str]) -> None:
    if target.trusted:
        return
    for text in found:
        # A zone (fe80::1%eth0) belongs to one machine's cable.
        if not is_public(ipaddress.ip_address(text)):
            raise InnerAddress(
                _(
                    "This address leads into the inner network. If it must be reached, ask the "
                    "operator to list its host in FANGKONG_OUTBOUND_ALLOW."
                )
            )


def _exchange(
    method: str, url: str, body: bytes, headers: Mapping[str, str], ends: float, largest: int
) -> Answer:
    target = read(url)
    sent = _headers(target, headers)
    backend = _Pinned(target, _addresses(target), ends)
    slow = TooSlow(_("The other side took too long to answer."))
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=ssl.create_default_context(), network_backend=backend, max_connections=1
            ) as pool,
            pool.stream(
                method,
                httpcore.URL(
                    scheme=target.scheme.encode(),
                    host=target.host.encode(),
                    port=target.port,
                    target=target.path.encode(),
                ),
                headers=sent,
                content=body if method == "POST" else None,
            ) as response,
        ):
            found = _read_all(response.iter_stream(), largest)
            names = {key.decode("latin-1").lower(): value.decode("latin-1")
                     for key, value in response.headers}  # fmt: skip
    except httpcore.TimeoutException:
        raise slow from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as problem:
        if time.monotonic() >= ends:
            raise slow from None
        raise NotReached(
            _("The other side could not be reached (%(problem)s).")
            % {"problem": type(problem).__name__}
        ) from None
    return Answer(response.status, names, found, url)


def _read_all(chunks: Iterable[bytes], largest: int) -> bytes:
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > largest:
            raise TooLarge(_("The answer of the other side is too large."))
    return bytes(found)


def _headers(target: Target, given: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    usual = DEFAULT_PORTS[target.scheme] == target.port
    host = _bracketed(target.host)
    sent = {
        "Host": host if usual else f"{host}:{target.port}",
        "User-Agent": "Fangkong",
        "Accept-Encoding": "identity",  # a packed answer could unfold to any size
    }
    for name, value in given.items():
        if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise ValueError(f"{name}: no such header can be sent")
        if name.lower() in _OURS:
            raise ValueError(f"{name}: the exchange sets it itself")
        sent[name] = value
    return [(name.encode(), value.encode()) for name, value in sent.items()]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _origin(target: Target) -> tuple[str, str, int]:
    return target.scheme, target.host, target.port


class _Pinned(httpcore.NetworkBackend):
    """Connects to addresses that were checked, never asking for the name again."""

    def __init__(self, target: Target, addresses: list[str], ends: float) -> None:
        self.target, self.addresses, self.ends = target, addresses, ends
        self.sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        if (host, port) != (self.target.host, self.target.port):
            raise httpcore.ConnectError(f"{host} was not checked")
        problem: Exception | None = None
        for address in self.addresses:
            try:
                stream = self.sockets.connect_tcp(
                    address, port, _left(self.ends), local_address, socket_options
                )
                return _Timed(stream, self.ends)
            except httpcore.ConnectTimeout:
                raise
            except httpcore.ConnectError as caught:
                problem = caught
        raise problem or httpcore.ConnectError("no address")

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError  # nothing is tried again


class _Timed(httpcore.NetworkStream):
    """A stream whose every step ends when the whole exchange must."""

    def __init__(self, stream: httpcore.NetworkStream, ends: float) -> None:
        self.stream, self.ends = stream, ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, _left(self.ends))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, _left(self.ends))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        inner = self.stream.start_tls(ssl_context, server_hostname, _left(self.ends))
        return _Timed(inner, self.ends)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _left(ends: float) -> float:
    """Seconds that remain; none left is a time-out."""
    left = ends - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for the whole exchange is over")
    return left
