"""From which network a request comes: it shows a stranger, and tracks nobody."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

# What a site usually has: a person in it is one of many.
PREFIX_LENGTHS = {4: 24, 6: 48}


def network_of_client(peer: str, forwarded: str, *, trusted_proxies: int) -> str:
    """
    Return the client's network, `203.0.113.0/24`, or nothing if nobody can tell.

    Each of the deployment's own proxies adds to `X-Forwarded-For` on the right whom it
    speaks with; what stands left of theirs the client wrote, and may be invented.
    """
    if trusted_proxies == 0:
        return network_of(peer)
    hops = forwarded.split(",")
    if len(hops) < trusted_proxies:
        return ""
    return network_of(hops[-trusted_proxies].strip())


@lru_cache(maxsize=4096)
def network_of(text: str) -> str:
    """Return the network of an address; nothing for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    length = PREFIX_LENGTHS[address.version]
    return str(ipaddress.ip_network((address.packed, length), strict=False))
