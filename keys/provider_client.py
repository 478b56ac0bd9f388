"""Speak to a provider by the openai SDK, at addresses that were looked at."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address

import httpx2
import openai

from keys.origins import NOT_PUBLIC, Networks, may_connect, plain, read_networks

TIMEOUT_S = 10.0
# A list of models is a few hundred kilobytes at most, and so is a page of costs.
ANSWER_MAX_BYTES = 4 * 1024 * 1024
MESSAGE_LENGTH_MAX = 300


class UnvettedAddress(Exception):
    """The name leads to an address where no provider may be."""


# What reaching a provider raises, beside the answers that it gives.
UNREACHED = (openai.OpenAIError, httpx2.HTTPError, UnvettedAddress, OSError)


@contextmanager
def vetted_http(allowed_networks: Sequence[str]) -> Iterator[httpx2.Client]:
    """
    Yield an HTTP client for the SDK.

    A name is looked up once for each request, every address that comes of it must be
    one where a provider may be, and the connection goes to that address. No redirect
    is followed.
    """
    transport = VettedTransport(read_networks(allowed_networks))
    with httpx2.Client(
        transport=transport, follow_redirects=False, trust_env=False
    ) as http:
        yield http


def words_of(error: openai.APIStatusError, secret: str) -> str:
    """Return what the provider said, without the key should it repeat it."""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    text = " ".join(str(said or "").split()).replace(secret, "…")
    return (
        f"It answered {error.status_code}: {text[:MESSAGE_LENGTH_MAX] or 'no reason'}"
    )


def trouble_with(error: Exception) -> str:
    """Say why there was no answer."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case UnvettedAddress():
                return NOT_PUBLIC
            case socket.gaierror():
                return "There is no such host."
            case httpx2.TimeoutException():
                return f"It did not answer within {TIMEOUT_S:.0f} seconds."
        cause = cause.__cause__ or cause.__context__
    return "It could not be reached, or its answer was not understood."


class VettedTransport(httpx2.HTTPTransport):
    """Connects to addresses that were looked at, and reads so much and no longer."""

    def __init__(self, allowed: Networks) -> None:
        super().__init__(trust_env=False)
        self._allowed = allowed

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        address = vetted_address(host, request.url.port, self._allowed)
        # The header Host stays what it was; so does the name that TLS checks.
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = BoundedStream(response.stream)
        return response


def vetted_address(host: str, port: int | None, allowed: Networks) -> str:
    """
    Look a name up and return an address of it.

    :raises UnvettedAddress: if any of its addresses is where nothing may be sent.
    """
    found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for text in addresses:
        if not may_connect(plain(ip_address(text)), allowed):
            raise UnvettedAddress
    return addresses[0]


class BoundedStream(httpx2.SyncByteStream):
    """An answer that may not be endless, nor drip for ever."""

    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        ends, length = time.monotonic() + TIMEOUT_S, 0
        for part in self._stream:
            length += len(part)
            if length > ANSWER_MAX_BYTES:
                raise httpx2.ReadError("too long")
            if time.monotonic() > ends:
                raise httpx2.ReadTimeout("too slow")
            yield part

    def close(self) -> None:
        self._stream.close()
