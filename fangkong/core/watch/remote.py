"""Ask the configured mail server for its greeting, and the own address for its certificate."""

from __future__ import annotations

import smtplib
import socket
import ssl
from datetime import datetime

from cryptography import x509

SECONDS = 4


def greets(host: str, port: int, *, tls: bool) -> bool:
    """Whether a mail server answers; OSError where nothing does."""
    kind = smtplib.SMTP_SSL if tls else smtplib.SMTP
    with kind(host, port, timeout=SECONDS) as server:
        return 200 <= server.noop()[0] < 400


def certificate_ends(host: str, port: int) -> datetime:
    """When the certificate of an address ends, whoever has signed it."""
    anyone = ssl.create_default_context()
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE  # only its dates are read; browsers judge it
    with (
        socket.create_connection((host, port), timeout=SECONDS) as raw,
        anyone.wrap_socket(raw, server_hostname=host) as secured,
    ):
        return x509.load_der_x509_certificate(secured.getpeercert(True) or b"").not_valid_after_utc


def certificate_in(pem: bytes) -> datetime:
    """When a certificate from a file ends; ValueError where it is none."""
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc
