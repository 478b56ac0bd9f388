"""Bodies of many megabytes: within limits, without much memory."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import rig
from tests.gateway.conftest import House
from tests.gateway.memory import Memory
from tests.gateway.raw import call, nothing_written

pytestmark = [pytest.mark.processes]
MEGABYTE = 1_000_000


def large_body(length: int) -> dict[str, Any]:
    return {
        "model": "gpt-4o-mini",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "x" * length}],
    }


def test_a_body_of_10_mb_takes_less_than_40_mb_of_memory(
    house: House, gateway: rig.Process, provider: rig.Provider
) -> None:
    body = orjson.dumps(large_body(10 * MEGABYTE))
    call(house.url, house.key)
    memory = Memory(gateway)

    for _ in range(3):
        assert call(house.url, house.key, body).status == 200

    assert memory.growth_mb() < 40
    assert provider.bills()[-1]["bytes"] >= 10 * MEGABYTE


def test_what_says_that_it_is_too_long_is_refused_before_it_comes(
    house: House, gateway: rig.Process, provider: rig.Provider
) -> None:
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: Bearer {house.key}\r\ncontent-length: 99999999999\r\n\r\n"
    )

    with (
        nothing_written(provider),
        socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as client,
    ):
        client.sendall(head.encode())
        answer = client.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_what_says_no_length_is_cut_off_where_it_is_too_long(
    house: House, gateway: rig.Process, provider: rig.Provider
) -> None:
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: Bearer {house.key}\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"

    with (
        nothing_written(provider),
        socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as client,
    ):
        client.sendall(head.encode())
        for _ in range(33):
            client.sendall(chunk)
        answer = client.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_large_body_waits_until_there_is_room_for_it(
    house: House, folder: Path
) -> None:
    raw = orjson.dumps(large_body(MEGABYTE))
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: Bearer {house.key}\r\ncontent-length: {len(raw)}\r\n\r\n"
    )

    with (
        rig.gateway(folder, GATEWAY_BODIES_MAX_BYTES=str(MEGABYTE)) as small,
        ThreadPoolExecutor(1) as others,
    ):
        with socket.create_connection(("127.0.0.1", small.port), timeout=20) as slow:
            slow.sendall(head.encode() + raw[: MEGABYTE // 2])
            # Small ones find their way past, after what the slow one has sent.
            for _ in range(3):
                assert call(small.url, house.key).status == 200
            waiting = others.submit(call, small.url, house.key, raw)
            assert call(small.url, house.key).status == 200
            assert not waiting.done()
        assert waiting.result().status == 200
