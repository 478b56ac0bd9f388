"""Where a provider key may be sent: its base URL, checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

# What every reader of URLs understands alike; others might see another host.
PLAIN_URL = re.compile(r"[A-Za-z0-9.\-_~:/\[\]%]+")
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*\.?|[0-9a-f:.]*:[0-9a-f:.]*")
# A name whose last part is a number is an address to whoever looks it up (WHATWG's
# URL standard, "ends in a number"): `127.1` and `2130706433` are 127.0.0.1.
ENDS_IN_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?")
WHOLE_URL = "Enter a whole URL, such as https://api.openai.com/v1."
DEFAULT_PORTS = {"https": 443, "http": 80}


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
    is_allowed = address is not None and any(
        address in ip_network(network, strict=False) for network in allowed_networks
    )
    if parts.scheme != "https" and not is_allowed:
        raise UnusableUrl("The URL must begin with https://.")
    if address is not None and not address.is_global and not is_allowed:
        raise UnusableUrl("This address is not on the public internet.")
    return base_url.rstrip("/")


def is_hidden_address(host: str) -> bool:
    """Say whether a host is an IP address in a form that `ip_address` does not read."""
    return bool(ENDS_IN_NUMBER.fullmatch(host)) and address_of(host) is None


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a host is written as; `localhost` is 127.0.0.1."""
    if host.rstrip(".") == "localhost" or host.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
