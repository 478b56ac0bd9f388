"""The gateway with parts taken out, to tell what the parts cost.

`unaccounted`: everything but the books (no hold, no settlement). `forwarder`: only
the forwarding (no key, no parsing, no metering): the least a proxy can do.
"""

from __future__ import annotations

import asyncio
import os
from typing import cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from billing.booking_types import Hold, Release, Settlement  # noqa: E402
from billing.limits import Refusal  # noqa: E402
from gateway import app  # noqa: E402
from gateway.books import Books  # noqa: E402
from gateway.messages import Receive, Request, Scope, Send  # noqa: E402
from gateway.service import Gateway  # noqa: E402
from gateway.upstream import HttpAnswer, HttpClient  # noqa: E402


class NoBooks(Books):
    """Says yes to everything and writes nothing."""

    async def hold(self, hold: Hold) -> None:
        return None

    def settle_soon(self, settlement: Settlement) -> asyncio.Future[Refusal | None]:
        done: asyncio.Future[Refusal | None] = (
            asyncio.get_running_loop().create_future()
        )
        done.set_result(None)
        return done

    def release(self, release: Release) -> None:
        return None


async def unaccounted(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve as the gateway does, without accounts."""
    if scope["type"] == "lifespan":
        await receive()
        gateway = Gateway()
        gateway.books = NoBooks()
        await gateway.open()
        scope["state"]["gateway"] = gateway
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await gateway.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await app.serve(cast("Gateway", scope["state"]["gateway"]), scope, receive, send)


async def forwarder(scope: Scope, receive: Receive, send: Send) -> None:
    """Forward bodies to BENCH_UPSTREAM and pass the answers on."""
    if scope["type"] == "lifespan":
        await receive()
        client = HttpClient(timeout_s=60, allowed_networks=["127.0.0.0/8"])
        scope["state"]["client"] = client
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await client.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    request = Request.of(scope, receive, send)
    body = bytes(await request.body(max_bytes=10_000_000))
    client = cast("HttpClient", scope["state"]["client"])
    provider = client.provider(base_url=os.environ["BENCH_UPSTREAM"], secret="none")
    path = request.path.removeprefix("/v1")
    answer = await provider.send(request.method, path, body, request.headers)
    try:
        await pass_on(request, answer)
    finally:
        await answer.close()


async def pass_on(request: Request, answer: HttpAnswer) -> None:
    """Pass an answer on as it comes, or in one piece with its length."""
    if (b"content-type", b"text/event-stream") not in answer.headers:
        await request.answer(answer.status, await answer.read(), answer.headers)
        return
    await request.start_answer(answer.status, answer.headers)
    async for part in answer.parts():
        await request.send_part(part, is_last=False)
    await request.send_part(b"", is_last=True)
