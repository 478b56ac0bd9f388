"""Names that lead to private addresses, now or later: nothing is connected."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.upstream import HttpClient, NotDispatched

LOOPBACK = ("127.0.0.0/8", "::1/128")
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
# Of TEST-NET-3's kind would not do: it must count as public. Nothing listens there.
PUBLIC = "8.8.8.8"


@dataclass
class StubResolver(AbstractResolver):
    """Looks every name up as the next of these answers; the last one stays."""

    answers: list[list[str]]
    asked: list[str] = field(default_factory=list)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        return


@dataclass
class Listener:
    """A server on this machine that nobody should reach."""

    port: int
    connections: int = 0

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    found = Listener(0)
    async with await asyncio.start_server(found.serve, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


async def status_from(
    answers: list[list[str]], port: int, *, allowed: tuple[str, ...] = ()
) -> int:
    """Ask `provider.example`, which is looked up as these addresses."""
    client = HttpClient(
        timeout_s=5, allowed_networks=allowed, resolver=StubResolver(answers)
    )
    provider = client.provider(
        base_url=f"http://provider.example:{port}/v1", secret="sk-secret"
    )
    try:
        answer = await provider.send("GET", "/models", b"", {})
        await answer.close()
        return answer.status
    finally:
        await client.close()


async def test_control_an_allowed_address_is_reached(listener: Listener) -> None:
    status = await status_from([["127.0.0.1"]], listener.port, allowed=LOOPBACK)

    assert (status, listener.connections) == (200, 1)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "127.8.9.1"],  # noqa: S104
)
async def test_a_name_that_leads_here_is_not_connected(
    listener: Listener, address: str
) -> None:
    with pytest.raises(NotDispatched):
        await status_from([[address]], listener.port)

    assert listener.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.7",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fd00::1",
        "fe80::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::127.0.0.1",
    ],
)
async def test_a_name_that_leads_to_no_public_address_is_not_connected(
    address: str,
) -> None:
    # The deadline is short: an attempt to connect would hang or fail otherwise.
    with pytest.raises(NotDispatched, match="ClientConnectorError"):
        await status_from([[address]], 80)


async def test_a_name_that_was_public_and_changes_is_not_followed(
    listener: Listener,
) -> None:
    """Vetted at entry, another address at use: DNS rebinding."""
    resolver = StubResolver([[PUBLIC], ["127.0.0.1"]])
    entered = await resolver.resolve("provider.example")
    assert [found["host"] for found in entered] == [PUBLIC]

    with pytest.raises(NotDispatched):
        await status_from(resolver.answers, listener.port)

    assert listener.connections == 0


async def test_private_addresses_among_public_ones_are_left_out(
    listener: Listener,
) -> None:
    allowed = ("127.0.0.1/32",)
    status = await status_from(
        [["10.0.0.7", "127.0.0.1"]], listener.port, allowed=allowed
    )

    assert (status, listener.connections) == (200, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"])
async def test_an_address_in_a_stored_url_is_looked_at_too(
    listener: Listener, host: str
) -> None:
    client = HttpClient(timeout_s=5)
    provider = client.provider(
        base_url=f"http://{host}:{listener.port}/v1", secret="sk-secret"
    )

    with pytest.raises(NotDispatched):
        await provider.send("GET", "/models", b"", {})

    await client.close()
    assert listener.connections == 0
