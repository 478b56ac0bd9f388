"""What the gateway asks Postgres and Redis for in one request: read on the wire."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.answered import wait_until_settled
from tests.faults.matrix.conftest import Links, ask
from tests.faults.network import Link
from tests.gateway.conftest import House

pytestmark = pytest.mark.processes

REQUESTS = 25


def messages(heard: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of each message of a client to Postgres."""
    while len(heard) >= 5:
        kind, length = heard[:1], struct.unpack("!i", heard[1:5])[0]
        yield kind, heard[5 : length + 1]
        heard = heard[length + 1 :]


def statements(heard: dict[Link, bytearray]) -> Counter[str]:
    """Count what was run, by the name it is prepared under."""
    counts: Counter[str] = Counter()
    for link in heard.values():
        for kind, content in messages(bytes(link)):
            if kind == b"B":
                counts[content.split(b"\0")[1].decode()] += 1
            elif kind in b"QP":
                counts[content.decode(errors="replace")] += 1
    return counts


@pytest.mark.parametrize("streamed", [False, True])
def test_a_request_asks_postgres_for_its_hold_and_its_settlement_alone(
    house: House, links: Links, streamed: bool
) -> None:
    ask(house, stream=streamed)
    wait_until_settled()

    with links.postgres.hears() as heard:
        for _ in range(REQUESTS):
            assert ask(house, stream=streamed).status == 200
            # Else it may share its settlement's transaction with the next one's hold.
            wait_until_settled()

    # The lock of the budget twice, the hold once, the settlement once.
    counts = statements(heard)
    booked = [counts.pop(name) for name in list(counts) if name.startswith("books_")]
    assert sorted(booked) == [REQUESTS, REQUESTS, 2 * REQUESTS]
    # What is left is said every second, not for each request: that the gateway lives.
    assert max(counts.values(), default=0) < REQUESTS


def test_without_rate_limits_redis_is_asked_for_nothing(
    house: House, links: Links
) -> None:
    ask(house)

    with links.redis.hears() as heard:
        for _ in range(REQUESTS):
            assert ask(house).status == 200

    assert heard == {}
