"""Forwarding to a provider over HTTP. The only module that speaks aiohttp."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol

import aiohttp
from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver
from yarl import URL

from gateway.payloads import Payload
from keys.origins import may_connect, plain, read_networks

# Passed on to the provider; everything else stays here, credentials first of all.
FORWARDED_REQUEST_HEADERS = (b"accept", b"openai-beta", b"user-agent")
# Passed back to the client: an allow-list, so that nothing of ours or theirs leaks.
RETURNED_HEADERS = ("content-type", "retry-after", "retry-after-ms", "x-should-retry")
RETURNED_PREFIXES = ("x-ratelimit-",)
# An unstreamed answer is held in memory to be metered. Ten large images have so much.
ANSWER_MAX_BYTES = 256 * 1024 * 1024
CONNECT_TIMEOUT_S = 10.0
# What is sent at once; whoever else has something to send comes between.
SLICE_BYTES = 256 * 1024
# With the provider's own default of 600 s a connection may wait long for bytes.
CONNECTIONS_MAX = 5000


class UpstreamError(Exception):
    """The provider did not give a whole answer."""


class NotDispatched(UpstreamError):
    """Nothing was sent: the provider cannot have charged anything."""


class Lost(UpstreamError):
    """It was sent, and the answer is missing or broken off."""


class TimedOut(Lost):
    """It was sent, and the answer did not come in time."""


class Answer(Protocol):
    """A provider's answer under way."""

    status: int
    headers: list[tuple[bytes, bytes]]

    async def read(self) -> bytes:
        """Return the whole body. Raises `Lost` if it breaks off."""
        ...

    def parts(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes. Raises `Lost` if it breaks off."""
        ...

    async def close(self) -> None:
        """Give the connection back, or cancel what is still coming."""
        ...


class Upstream(Protocol):
    """Whoever answers a call: a provider, or the sandbox."""

    @property
    def origin(self) -> str:
        """Who that is, so that answers are not taken for another's."""
        ...

    async def send(
        self, method: str, path: str, payload: Payload, headers: Mapping[bytes, bytes]
    ) -> Answer:
        """Send a request. Raises `NotDispatched` or `Lost`."""
        ...


@dataclass(slots=True)
class HttpAnswer:
    """An answer that comes over HTTP."""

    response: aiohttp.ClientResponse
    status: int
    headers: list[tuple[bytes, bytes]]

    async def read(self) -> bytes:
        parts, length = [], 0
        async for part in self.parts():
            length += len(part)
            if length > ANSWER_MAX_BYTES:
                raise Lost(f"the answer is longer than {ANSWER_MAX_BYTES} bytes")
            parts.append(part)
        return b"".join(parts)

    async def parts(self) -> AsyncIterator[bytes]:
        try:
            while part := await self.response.content.readany():
                yield part
        except TimeoutError as error:
            raise TimedOut("the answer stopped coming") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Lost(type(error).__name__) from error

    async def close(self) -> None:
        if self.response.content.at_eof():
            self.response.release()
        else:
            self.response.close()


class HttpClient:
    """The connections of this process to all providers."""

    def __init__(
        self,
        *,
        timeout_s: float,
        allowed_networks: Sequence[str] = (),
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._allowed_networks = read_networks(allowed_networks)
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                total=timeout_s, sock_connect=CONNECT_TIMEOUT_S
            ),
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS_MAX,
                ttl_dns_cache=60,
                resolver=resolver,
                socket_factory=self._vetted_socket,
            ),
            # Nobody is asked to compress; who does it all the same is metered too.
            auto_decompress=True,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
        )

    def provider(self, *, base_url: str, secret: str) -> HttpProvider:
        return HttpProvider(self._session, base_url.rstrip("/"), secret)

    async def close(self) -> None:
        await self._session.close()

    def _vetted_socket(self, target: AddrInfoType) -> socket.socket:
        """
        Make the socket for an address, if a provider may be there.

        This is the address that is connected to next, whatever a name led to before:
        between this look and the connection nothing is looked up again.
        """
        family, kind, protocol, _, (host, *_) = target
        address = plain(ip_address(str(host).partition("%")[0]))
        if not may_connect(address, self._allowed_networks):
            raise OSError(errno.EACCES, "not an address of the public internet")
        return socket.socket(family, kind, protocol)


@dataclass(slots=True)
class HttpProvider:
    """One organization's provider: its base URL and its key."""

    session: aiohttp.ClientSession
    base_url: str
    secret: str

    @property
    def origin(self) -> str:
        return self.base_url

    async def send(
        self, method: str, path: str, payload: Payload, headers: Mapping[bytes, bytes]
    ) -> HttpAnswer:
        """Send a request. Redirects are not followed: they could carry the key off."""
        forwarded = {
            name.decode(): headers[name].decode("latin-1")
            for name in FORWARDED_REQUEST_HEADERS
            if name in headers
        }
        forwarded["Authorization"] = f"Bearer {self.secret}"
        # What is compressed cannot be metered; to say nothing would allow it.
        forwarded["Accept-Encoding"] = "identity"
        if payload:
            forwarded.update(headers_of(payload))
        try:
            response = await self.session.request(
                method,
                URL(self.base_url + path, encoded=True),
                data=data_of(payload),
                headers=forwarded,
                allow_redirects=False,
            )
        except (
            aiohttp.ClientConnectorError,
            aiohttp.InvalidURL,
            UnicodeError,  # a host that is no name: raised by the look-up
        ) as error:
            raise NotDispatched(type(error).__name__) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise NotDispatched("no connection in time") from error
        except TimeoutError as error:
            raise TimedOut("no answer in time") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Lost(type(error).__name__) from error
        return HttpAnswer(response, response.status, returned_headers(response))


def headers_of(payload: Payload) -> dict[str, str]:
    """Return the headers that describe a body. Its length is known: no chunks."""
    kind = "application/json" if isinstance(payload, bytes) else payload.content_type
    return {"Content-Type": kind, "Content-Length": str(len(payload))}


def data_of(payload: Payload) -> bytes | AsyncIterator[bytes] | None:
    """Return a body as it is sent: a large one in slices, so that others get a turn."""
    if not isinstance(payload, bytes):
        return payload.parts()
    return slices(payload) if len(payload) > SLICE_BYTES else payload or None


async def slices(payload: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(payload), SLICE_BYTES):
        yield payload[start : start + SLICE_BYTES]


def returned_headers(response: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    """Return those headers of a provider's answer that the client may see."""
    kept = []
    for name, value in response.headers.items():
        lower = name.lower()
        if lower in RETURNED_HEADERS or lower.startswith(RETURNED_PREFIXES):
            kept.append((lower.encode("latin-1"), as_sent(value)))
        elif lower == "x-request-id":
            kept.append((b"x-provider-request-id", as_sent(value)))
    return kept


def as_sent(value: str) -> bytes:
    """Return a header's bytes as the provider sent them; aiohttp read them as UTF-8."""
    return value.encode("utf-8", "surrogateescape")
