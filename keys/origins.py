"""Where a provider key may be sent: its base URL, checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

# What every reader of URLs understands alike; others might see another host.
PLAIN_URL = re.compile(r"[A-Za-z0-9.\-_~:/\[\]%]+")
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*\.?|[0-9a-f:.]*:[0-9a-f:.]*")
# A name whose last part is a number is an address to whoever looks it up (WHATWG's
# URL standard, "ends in a number"): `127.1` and `2130706433` are 127.0.0.1.
ENDS_IN_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?")
NOT_PUBLIC = "This address is not on the public internet."
WHOLE_URL = "Enter a whole URL, such as https://api.openai.com/v1."
DEFAULT_PORTS = {"https": 443, "http": 80}
# Addresses behind which a translator reaches an IPv4 address (RFC 6052; the second is
# RFC 4291's "IPv4-compatible"): the last 32 bits say which.
TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("::/96"))

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]


class UnusableUrl(ValueError):
    """A base URL is not one that a provider key may be sent to; says why."""


def origin_of(base_url: str) -> str:
    """
    Return scheme, host and port of a base URL: `https://api.openai.com:443`.

    :raises UnusableUrl: if it is not an absolute http(s) URL without user, query
        or fragment.
    """
    parts = split(base_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def split(base_url: str) -> SplitResult:
    """Take a base URL apart, or raise UnusableUrl."""
    if "@" in base_url:
        raise UnusableUrl("Leave user and password out of the URL.")
    if "?" in base_url or "#" in base_url:
        raise UnusableUrl("Leave everything after ? or # out of the URL.")
    if not PLAIN_URL.fullmatch(base_url):
        raise UnusableUrl(WHOLE_URL)
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise UnusableUrl(WHOLE_URL) from None
    if parts.scheme not in DEFAULT_PORTS or port == 0:
        raise UnusableUrl(WHOLE_URL)
    host = parts.hostname or ""
    if not HOST.fullmatch(host) or is_hidden_address(host):
        raise UnusableUrl(WHOLE_URL)
    return parts


def vet_base_url(base_url: str, *, allowed_networks: Sequence[str]) -> str:
    """
    Return a base URL as it is kept: no slash at its end.

    Without TLS, or at an address of no public network, only where the operator's
    `allowed_networks` (CIDRs) say so. Names are not looked up here.

    :raises UnusableUrl: if a provider key may not be sent there.
    """
    parts = split(base_url)
    address = address_of(parts.hostname or "")
    networks = read_networks(allowed_networks)
    is_allowed = address is not None and is_within(address, networks)
    if parts.scheme != "https" and not is_allowed:
        raise UnusableUrl("The URL must begin with https://.")
    if address is not None and not may_connect(address, networks):
        raise UnusableUrl(NOT_PUBLIC)
    return base_url.rstrip("/")


def read_networks(allowed_networks: Sequence[str]) -> Networks:
    """Return networks from CIDRs. Raises ValueError."""
    return tuple(ip_network(network, strict=False) for network in allowed_networks)


def may_connect(address: Address, allowed: Networks) -> bool:
    """Say whether a provider may be at an address: a public or an allowed one."""
    return is_public(address) or is_within(address, allowed)


def is_within(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def is_public(address: Address) -> bool:
    """Say whether an address, and whatever is reached through it, is public."""
    if isinstance(address, IPv6Address):
        inner = address_inside(address)
        if inner is not None and not is_public(inner):
            return False
    return address.is_global and not address.is_multicast


def address_inside(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to by a translator or tunnel."""
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if is_within(address, TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def is_hidden_address(host: str) -> bool:
    """Say whether a host is an IP address in a form that `ip_address` does not read."""
    return bool(ENDS_IN_NUMBER.fullmatch(host)) and address_of(host) is None


def address_of(host: str) -> Address | None:
    """Return the IP address that a host is written as; `localhost` is 127.0.0.1."""
    if host.rstrip(".") == "localhost" or host.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return plain(address)


def plain(address: Address) -> Address:
    """Return an IPv4 address that is written as an IPv6 one as what it is."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
