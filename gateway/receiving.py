"""From what a client sends to a call: the body taken in, then read."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from core.ids import event_time
from gateway import errors
from gateway.auth import Caller
from gateway.calls import Call, call_of, form_call, parse_object, written_anew
from gateway.calls.media import MEDIA
from gateway.calls.tiers import ask_for_standard
from gateway.idempotency import HEADER as IDEMPOTENCY_KEY
from gateway.messages import Request
from gateway.multipart import boundary_of
from gateway.service import Gateway
from gateway.uploads import Form, receive_form
from usage.models import Endpoint

# A larger body takes milliseconds to read, and as many to write anew.
LARGE_BYTES = 1024 * 1024
IDENTITY = b"identity"


async def receive_call(
    gateway: Gateway, request: Request, caller: Caller, endpoint: Endpoint, path: str
) -> Call:
    """
    Take a request's body in and read it.

    :raises ApiError: if it is too long, comes too slowly, finds no room, or is
        malformed.
    """
    if request.headers.get(b"content-encoding", IDENTITY) != IDENTITY:
        raise errors.encoded_body()
    boundary = boundary_of(request.header(b"content-type"))
    if endpoint not in MEDIA or boundary is None:
        body = await receive_object(gateway, request)
        prices = await gateway.directory.price_book(caller.organization.pk)
        ask_for_standard(body, endpoint, prices, event_time(request.event_id))
        return call_of(endpoint, path, body)
    if not MEDIA[endpoint].files:
        raise errors.malformed("The body of your request must be a JSON object.")
    form = await receive_upload(gateway, request, endpoint, boundary)
    if IDEMPOTENCY_KEY in request.headers:
        request.body_digest = await asyncio.to_thread(form.digest)
    return form_call(endpoint, path, form)


async def receive_object(gateway: Gateway, request: Request) -> dict[str, Any]:
    """Return the object that a body is; the body itself is gone then."""
    limit = gateway.body_max_bytes
    raw = await request.body(max_bytes=limit, room=gateway.bodies)
    body = parse_object(raw)
    is_large = len(raw) > LARGE_BYTES
    del raw
    if is_large:
        await asyncio.sleep(0)
    if IDEMPOTENCY_KEY in request.headers:
        request.body_digest = hashlib.sha256(written_anew(body)).digest()
        await asyncio.sleep(0)
    return body


async def receive_upload(
    gateway: Gateway, request: Request, endpoint: Endpoint, boundary: str
) -> Form:
    return await receive_form(
        request,
        boundary,
        keeps=MEDIA[endpoint].keeps,
        max_bytes=gateway.upload_max_bytes,
        room=gateway.uploads,
        folder=gateway.upload_folder,
    )
