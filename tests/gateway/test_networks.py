"""Whose address counts, and how much of it is kept."""

from __future__ import annotations

import pytest

from gateway.networks import network_of, network_of_client


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:12:3456::1", "2001:db8:12::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("", ""),
        ("unix:", ""),
        ("203.0.113.77:4242", ""),
    ],
)
def test_a_network_is_kept_never_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_without_proxies_the_connection_alone_counts() -> None:
    network = network_of_client("198.51.100.9", "203.0.113.7", trusted_proxies=0)
    assert network == "198.51.100.0/24"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "network"),
    [
        ("203.0.113.7", 1, "203.0.113.0/24"),
        ("10.9.9.9, 203.0.113.7", 1, "203.0.113.0/24"),
        ("10.9.9.9, 203.0.113.7, 192.0.2.1", 2, "203.0.113.0/24"),
        ("203.0.113.7", 2, ""),
        ("", 1, ""),
    ],
)
def test_behind_proxies_what_the_outermost_of_them_saw(
    forwarded: str, proxies: int, network: str
) -> None:
    found = network_of_client("127.0.0.1", forwarded, trusted_proxies=proxies)
    assert found == network
