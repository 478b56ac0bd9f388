"""Send webhooks over HTTP: to vetted addresses, with no redirect, within a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx2

from keys.origins import Networks, read_networks
from keys.provider_client import UnvettedAddress, trouble_with, vetted_address

DEADLINE_S = 15.0
LONGEST_ERROR = 200
SUCCESSES = range(200, 300)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, and where."""

    url: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The status that came, or why none did; and how long it took."""

    status_code: int | None
    duration_ms: int
    error: str = ""

    @property
    def is_success(self) -> bool:
        return self.status_code in SUCCESSES


def send_all(
    messages: Sequence[Message], *, allowed_networks: Sequence[str]
) -> list[Answer]:
    """Send messages at the same time; return what came of each, in their order."""
    allowed = read_networks(allowed_networks)

    async def together() -> list[Answer]:
        return await asyncio.gather(*(send(each, allowed) for each in messages))

    return asyncio.run(together())


async def send(message: Message, allowed: Networks) -> Answer:
    began = time.monotonic()
    status_code, error = None, ""
    try:
        async with asyncio.timeout(DEADLINE_S):
            status_code = await status_of(message, allowed)
    except TimeoutError:
        error = f"It did not answer within {DEADLINE_S:.0f} seconds."
    except (httpx2.HTTPError, httpx2.InvalidURL, UnvettedAddress, OSError) as problem:
        error = trouble_with(problem)
    duration_ms = round((time.monotonic() - began) * 1000)
    return Answer(status_code, duration_ms, error[:LONGEST_ERROR])


async def status_of(message: Message, allowed: Networks) -> int:
    """Send a message and return the status; of the answer nothing else is read."""
    transport = VettedAsyncTransport(allowed)
    async with (
        httpx2.AsyncClient(
            transport=transport, follow_redirects=False, trust_env=False
        ) as http,
        http.stream(
            "POST",
            message.url,
            content=message.body.encode(),
            headers={**message.headers, "Content-Type": "application/json"},
        ) as response,
    ):
        return response.status_code


class VettedAsyncTransport(httpx2.AsyncHTTPTransport):
    """Connects to an address that was looked at, and to no other."""

    def __init__(self, allowed: Networks) -> None:
        super().__init__(trust_env=False)
        self._allowed = allowed

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host, port = request.url.host, request.url.port
        address = await asyncio.to_thread(vetted_address, host, port, self._allowed)
        # The header Host stays what it was; so does the name that TLS checks.
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await super().handle_async_request(request)
