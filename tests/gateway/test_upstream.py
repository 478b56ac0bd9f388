"""Forwarding to providers that are odd, without a gateway around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.upstream import HttpClient, NotDispatched

ODD_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"
    b"x-ratelimit-note: \xe2\x82\xac5\r\nx-request-id: \xff1\r\n\r\n"
)


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(timeout_s=5, allowed_networks=["127.0.0.0/8"])
    yield client
    await client.close()


async def answer_oddly(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    request = await reader.readuntil(b"\r\n\r\n")
    # RFC 9110, 12.5.3: without the field any encoding is acceptable.
    assert b"\r\naccept-encoding: identity\r\n" in request.lower()
    writer.write(ODD_ANSWER)
    writer.close()


@pytest.mark.parametrize("host", ["a..example", f"{'a' * 64}.example"])
async def test_a_host_that_cannot_be_looked_up_was_sent_nothing(
    client: HttpClient, host: str
) -> None:
    provider = client.provider(base_url=f"https://{host}/v1", secret="sk-secret")

    with pytest.raises(NotDispatched):
        await provider.send("POST", "/chat/completions", b"{}", {})


async def test_headers_of_any_bytes_are_passed_on_as_they_came(
    client: HttpClient,
) -> None:
    async with await asyncio.start_server(answer_oddly, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        provider = client.provider(base_url=f"http://{host}:{port}", secret="sk-secret")
        answer = await provider.send("GET", "/models", b"", {})
        await answer.close()

    assert (b"x-ratelimit-note", b"\xe2\x82\xac5") in answer.headers
    assert (b"x-provider-request-id", b"\xff1") in answer.headers
