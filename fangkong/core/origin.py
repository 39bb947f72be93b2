"""Where a request comes from, behind our own proxies. Pure functions."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(remote: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """The address of the browser: the last hop that is not one of our own proxies.

    ``forwarded`` (X-Forwarded-For) is believed only as far as trusted hops wrote it: read from the
    right, each entry was written by the hop after it. Without trusted proxies it is ignored.
    """
    current = remote
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _within(current, proxies) or parsed(hop) is None:
            break
        current = hop
    return current


def parsed(text: str) -> Address | None:
    """The address that a text is; IPv4 within IPv6 as what it is; None where it is none."""
    try:
        found = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def _within(text: str, networks: Iterable[Network]) -> bool:
    address = parsed(text)
    return address is not None and any(
        address.version == net.version and address in net for net in networks
    )
