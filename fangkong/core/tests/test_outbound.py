"""Nothing leaves for an inner address, however it is spelled; what may leave ends in time."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core import outbound, outgoing

# What names resolve to in these tests; numbers resolve to themselves, as the system reads them.
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.localdomain": ["127.0.0.1"],
    "inner.example": ["10.1.2.3"],
    "metadata.example": ["169.254.169.254"],
    "half.example": ["93.184.216.34", "192.168.1.1"],  # one good, one bad
    "half6.example": ["2606:4700::1111", "::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::"],
    "teredo.example": ["2001:0:4136:e378:8000:63bf:807f:fffe"],
    "zone.example": ["fe80::1%lo"],
    "good.example": ["93.184.216.34"],
    "other.example": ["93.184.216.35"],
}
HOSTILE = [
    # the machine itself
    "http://127.0.0.1/", "http://127.0.0.1:80/", "http://127.1/", "http://127.0.1/",
    "http://127.255.255.254/", "http://0/", "http://0.0.0.0/", "http://0.0.0.0:8443/",
    "http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7f.0.0.1/",
    "http://0x7f.1/", "http://0177.0.0.1/", "http://0177.1/", "http://127.0.0.1./",
    "http://127.0.0.0x1/", "http://00000000000000000000000177.0.0.1/", "http://127.0.0.01/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://localhost.localdomain/",
    "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[0000::1]:80/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:7f00:0001]/",
    "http://[::127.0.0.1]/", "http://[::7f00:1]/",
    # wrapped addresses
    "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::]/", "http://[2002:c0a8:101::1]/",
    "http://[2001:0:7f00:1::]/", "http://[2606:4700::5efe:7f00:1]/",
    "http://[2606:4700::200:5efe:7f00:1]/",
    # neighbours, clouds, nothing
    "http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://[fe80::1]/",
    "http://[fec0::1]/", "http://[fc00::1]/", "http://100.100.100.200/", "http://168.63.129.16/",
    "http://192.0.0.192/", "http://198.18.0.1/", "http://100.64.0.1/", "http://224.0.0.1/",
    "http://255.255.255.255/", "http://240.0.0.1/", "http://192.0.2.1/", "http://203.0.113.9/",
    "http://[ff02::1]/", "http://[2001:db8::1]/", "http://[100::1]/", "http://[3fff::1]/",
    "http://192.88.99.1/", "http://0251.0376.0251.0376/", "http://2852039166/",
    # names that lead there
    "http://inner.example/", "http://metadata.example/", "http://half.example/",
    "http://half6.example/", "http://mapped.example/", "http://nat64.example/",
    "http://sixtofour.example/", "http://teredo.example/", "http://zone.example/",
    # two readings
    "http://good.example@127.0.0.1/", "http://127.0.0.1@good.example/",
    "http://user:word@good.example/",
    "http://good.example#@127.0.0.1:22/", "http://127.0.0.1\\@good.example/",
    "http://good.example\\@127.0.0.1/", "http://127.0.0.1#@good.example/",
    "http://good.example:80@127.0.0.1/", "http:\\\\127.0.0.1/", "http:///127.0.0.1/",
    "http:127.0.0.1/", "http:/127.0.0.1/", "//127.0.0.1/", "127.0.0.1", "",
    "http://good.example:80:22/", "http://[::1", "http://[good.example]/", "http://[::1%25lo]/",
    "http://[fe80::1%25eth0]/", "http://[v1.fe]/", "http://good.example\t.example/",
    "http:// 127.0.0.1/",
    "http://good.example\r\nHost: 127.0.0.1/", "http://good.example/\r\nX: y",
    "http://\x00127.0.0.1/",
    "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://１２７.0.0.1/", "http://ⓛocalhost/",
    "http://good.example/ x", "http://-good.example/", "http://good..example/",
    "http://" + "a" * 64 + ".example/",
    # schemes and ports
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://good.example/",
    "dict://good.example:11211/",
    "ldap://good.example/", "javascript:alert(1)", "data:text/plain,x", "jar:http://good.example!/",
    "unix:///run/x.sock", "http+unix://x/", "ws://good.example/", "netdoc:///etc/passwd",
    "http://good.example:22/", "http://good.example:25/", "http://good.example:6379/",
    "http://good.example:0/", "http://good.example:99999/", "http://good.example:-80/", "http://good.example:5432/",
    "https://good.example:11211/", "http://good.example:８０/", "http://good.example/" + "a" * 2000,
]  # fmt: skip


class Wire:
    """Where connections would go: they are noted, and none is made."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def connect(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.calls.append((host, port))
        raise httpcore.ConnectError("no network in this test")


@pytest.fixture
def names(monkeypatch) -> dict[str, list[str]]:
    table = {name: list(found) for name, found in NAMES.items()}

    def resolve(host: str, port: int) -> list[str]:
        if host in table:
            return table[host]
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [str(entry[4][0]) for entry in found]

    monkeypatch.setattr(outbound, "_resolve", resolve)
    return table


@pytest.fixture
def wire(monkeypatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", wire.connect)
    return wire


def refused(url: str) -> bool:
    try:
        outbound.get(url)
    except outbound.WrongAddress:
        return True
    except outbound.NotReached:
        return False
    raise AssertionError("something answered")


def test_no_hostile_spelling_leaves(names, wire):
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60

    passed = [url for url in HOSTILE if not refused(url)]

    # Where a number is no address at all, the resolver has said so: nothing left either.
    assert wire.calls == []
    assert passed == []


def test_a_form_refuses_the_same_addresses(names, wire):
    for url in HOSTILE:
        with pytest.raises(outbound.WrongAddress):
            outbound.check(url)
    outbound.check("https://good.example/hook?x=1")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://good.example/", ("93.184.216.34", 80)),
        ("https://good.example/path?a=b", ("93.184.216.34", 443)),
        ("HTTPS://GOOD.example.:8443/", ("93.184.216.34", 8443)),
        ("http://93.184.216.34/", ("93.184.216.34", 80)),
        ("http://[2606:4700::1111]/", ("2606:4700::1111", 80)),
        ("http://[64:ff9b::5db8:d822]/", ("64:ff9b::5db8:d822", 80)),
    ],
)
def test_a_public_address_is_connected_to_as_it_was_checked(names, wire, url, address):
    assert not refused(url)

    assert wire.calls == [address]


def test_a_name_that_changes_its_address_is_asked_only_once(monkeypatch, wire):
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])
    monkeypatch.setattr(outbound, "_resolve", lambda host, port: next(answers))

    assert not refused("http://rebinding.example/")
    assert refused("http://rebinding.example/")

    assert wire.calls == [("93.184.216.34", 80)]


def test_an_unknown_name_is_told_so(monkeypatch, wire):
    def nothing(host: str, port: int) -> list[str]:
        raise socket.gaierror

    monkeypatch.setattr(outbound, "_resolve", nothing)

    with pytest.raises(outbound.NotReached, match="找不到该主机"):
        outbound.get("http://nowhere.example/")


def test_an_inner_host_is_reached_only_when_the_operator_listed_it(names, wire, settings):
    settings.FANGKONG_OUTBOUND_ALLOW = frozenset({"inner.example:8080"})

    assert not refused("http://inner.example:8080/send")
    assert refused("http://inner.example/send")
    assert refused("http://10.1.2.3:8080/send")

    assert wire.calls == [("10.1.2.3", 8080)]


@given(st.integers(0, 2**32 - 1))
def test_wrapping_never_makes_an_inner_address_public(number):
    plain = ipaddress.IPv4Address(number)
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | number)
    nat64 = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number)

    assert outbound.is_public(mapped) == outbound.is_public(nat64) == outbound.is_public(plain)
    assert not outbound.is_public(plain) or plain.is_global


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused(text):
    for url in (text, f"http://{text}/", f"http://good.example/{text}"):
        with suppress(outbound.WrongAddress):
            outbound.read(url)


@pytest.mark.parametrize(
    ("name", "value"),
    [("X", "a\r\nY: b"), ("X\n", "a"), ("X", "名"), ("Host", "inner"), ("Content-Length", "1")],
)
def test_a_header_cannot_smuggle_another(names, wire, name, value):
    with pytest.raises(ValueError, match=r"header|itself"):
        outbound.post("http://good.example/", body=b"", headers={name: value})
    assert wire.calls == []


# --- Against a server of our own ------------------------------------------------------------------


def whole(connection: socket.socket) -> bytes:
    """A request with the body that it announces."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += connection.recv(65536)
    head, _, body = found.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: ([0-9]+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def server(answer: Callable[[socket.socket, bytes], None]) -> Iterator[int]:
    """A server on this machine that hands each connection and its request to ``answer``."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(5)
                answer(connection, whole(connection))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def reachable(settings) -> Callable[[int], str]:
    """Let this one server be reached, as an operator would."""

    def allow(port: int) -> str:
        settings.FANGKONG_OUTBOUND_ALLOW = frozenset({f"127.0.0.1:{port}"})
        return f"http://127.0.0.1:{port}/hook"

    return allow


def test_what_is_sent_arrives_and_the_answer_comes_back(reachable):
    seen = []

    def answer(connection: socket.socket, request: bytes) -> None:
        seen.append(request)
        connection.sendall(
            b'HTTP/1.1 201 Created\r\nX-Id: 7\r\nContent-Length: 11\r\n\r\n{"ok":true}'
        )

    with server(answer) as port:
        got = outbound.post(reachable(port), body=b"{}", headers={"X-Signature": "abc"})

    assert (got.status, got.ok, got.headers["x-id"], got.json()) == (201, True, "7", {"ok": True})
    [request] = seen
    assert request.startswith(b"POST /hook HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{port}".encode() in request.lower()
    assert b"x-signature: abc" in request.lower() and request.endswith(b"{}")


def test_a_redirect_to_this_machine_is_not_followed(names, reachable):
    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/secret\r\nContent-Length: 0\r\n\r\n"
        )

    with server(answer) as port:
        url = reachable(port)
        assert outbound.get(url).status == 302
        with pytest.raises(outbound.InnerAddress):
            outbound.get(url, redirects=3)


def test_a_redirect_within_the_allowed_is_followed_only_as_often_as_asked(reachable):
    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")

    with server(answer) as port:
        got = outbound.get(reachable(port), redirects=2)

    assert got.status == 302 and got.url.endswith("/again")


def test_a_slow_body_and_slow_headers_end_in_time(reachable):
    for first in (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "):
        over = threading.Event()

        def drip(connection: socket.socket, request: bytes, first=first, over=over) -> None:
            connection.sendall(first)
            while not over.wait(0.02):
                connection.sendall(b"x")

        with server(drip) as port:
            with pytest.raises(outbound.TooSlow):
                outbound.get(reachable(port), timeout=0.4)
            over.set()


def test_a_huge_body_is_dropped_on_the_way(reachable):
    sent = []

    def flood(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(10_000):
            connection.sendall(b"x" * 65536)
            sent.append(65536)

    with server(flood) as port, pytest.raises(outbound.TooLarge):
        outbound.get(reachable(port), largest=100_000)

    assert sum(sent) < 50_000_000


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200\r\nContent-Length: 9\r\n\r\nx"]
)
def test_a_broken_answer_is_a_refusal(reachable, answer):
    with (
        server(lambda connection, request: connection.sendall(answer)) as port,
        pytest.raises(outbound.NotReached),
    ):
        outbound.get(reachable(port))


def test_a_server_that_is_gone_is_a_refusal(reachable):
    with server(lambda connection, request: None) as port:
        url = reachable(port)

    with pytest.raises(outbound.NotReached):
        outbound.get(url)


def certificate(name: str, folder) -> ssl.SSLContext:
    """A server's context with its own certificate, written to folder/ca.pem as well."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start).not_valid_after(start + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "both.pem")
    return context


@pytest.mark.parametrize(("asked", "reached"), [("hook.example", True), ("other.example", False)])
def test_the_certificate_is_checked_against_the_name_not_the_address(
    tmp_path, monkeypatch, settings, asked, reached
):
    context = certificate("hook.example", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setattr(outbound, "_resolve", lambda host, port: ["127.0.0.1"])
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings.FANGKONG_OUTBOUND_ALLOW = frozenset({f"{asked}:{port}"})

    def serve() -> None:
        with suppress(OSError), listener.accept()[0] as raw:
            raw.settimeout(5)
            with context.wrap_socket(raw, server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        if reached:
            assert outbound.get(f"https://{asked}:{port}/").body == b"ok"
        else:
            with pytest.raises(outbound.NotReached):
                outbound.get(f"https://{asked}:{port}/")
    finally:
        listener.close()
        thread.join(5)


@pytest.mark.parametrize("name", ["NotAccepted", "TooSlow", "ConnectionRefusedError", "SSLError"])
def test_what_went_wrong_outside_is_said_in_words(name):
    with translation.override("en"):
        said = outgoing.told(name)
    assert said.endswith(".")
    assert name not in said
    with translation.override("zh-hans"):
        assert outgoing.told(name) != said


def test_a_problem_that_nobody_foresaw_is_told_by_its_name():
    assert outgoing.told("UnicodeError") == "UnicodeError"
    assert outgoing.told("") == ""
