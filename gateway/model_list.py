"""`GET /models`: what an organization may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson

from gateway import errors
from gateway.auth import Caller
from gateway.messages import JSON_TYPE, Request
from gateway.sandbox import SandboxUpstream
from gateway.service import Gateway
from gateway.upstream import Lost, NotDispatched, TimedOut, Upstream
from keys.allowed_models import allows


async def serve_models(
    gateway: Gateway, request: Request, caller: Caller, upstream: Upstream
) -> None:
    """
    Answer with the models of the sandbox, or with the provider's own answer.

    A key that may ask for some models only sees no others.
    """
    allowed = caller.models_allowed
    if isinstance(upstream, SandboxUpstream):
        names = await sandbox_models(gateway, caller)
        models = [as_object(name) for name in names if allows(allowed, name)]
        body = orjson.dumps({"object": "list", "data": models})
        await request.answer(200, body, [JSON_TYPE])
    else:
        await pass_on(request, upstream, "/models", allowed)


async def serve_model(
    gateway: Gateway, request: Request, caller: Caller, upstream: Upstream, model: str
) -> None:
    """Answer with one model, or 404."""
    if not isinstance(upstream, SandboxUpstream):
        await pass_on(request, upstream, path_of(model))
    elif model in await sandbox_models(gateway, caller):
        await request.answer(200, orjson.dumps(as_object(model)), [JSON_TYPE])
    else:
        raise errors.model_not_found(model)


def path_of(model: str) -> str:
    """
    Return a model's path at the provider.

    The name comes from the URL: unescaped, it could lead to any path there, with the
    provider's key.
    """
    if {".", ".."} & set(model.split("/")):
        raise errors.model_not_found(model)
    return f"/models/{quote(model, safe='/:')}"


async def sandbox_models(gateway: Gateway, caller: Caller) -> list[str]:
    """Return what the sandbox answers for: every exact name that has a price."""
    book = await gateway.directory.price_book(caller.organization.pk)
    return book.models(datetime.now(UTC))


def as_object(name: str) -> dict[str, Any]:
    owner = "tokenhouse" if name.startswith("sandbox-") else "openai"
    return {"id": name, "object": "model", "created": 1735689600, "owned_by": owner}


async def pass_on(
    request: Request, upstream: Upstream, path: str, allowed: Sequence[str] = ()
) -> None:
    """Ask the provider; listing models costs nothing, so nothing is held."""
    try:
        answer = await upstream.send("GET", path, b"", request.headers)
        try:
            body = await answer.read()
        finally:
            await answer.close()
    except TimedOut:
        raise errors.upstream_timeout() from None
    except (NotDispatched, Lost):
        raise errors.upstream_unreachable() from None
    if allowed and answer.status == HTTPStatus.OK:
        body = narrowed(body, allowed)
    await request.answer(answer.status, body, answer.headers)


def narrowed(body: bytes, allowed: Sequence[str]) -> bytes:
    """Return a provider's list without the models that a key may not ask for."""
    try:
        listed = orjson.loads(body)
        data = [model for model in listed["data"] if allows(allowed, model["id"])]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise errors.upstream_unreachable() from None
    return orjson.dumps({**listed, "data": data})


async def model_is_known(upstream: Upstream, model: str) -> bool:
    """Say whether the provider lists a model; a provider that fails is believed."""
    try:
        answer = await upstream.send("GET", "/models", b"", {})
        try:
            body = await answer.read()
        finally:
            await answer.close()
        listed = {entry["id"] for entry in orjson.loads(body)["data"]}
    except (NotDispatched, Lost, orjson.JSONDecodeError, KeyError, TypeError):
        return True
    return model in listed
