"""The ASGI application of `/v1`: routes, and the outermost edge of errors."""

from __future__ import annotations

import logging

from gateway import errors
from gateway.directory import DirectoryUnreachable
from gateway.lifecycle import choose_upstream, identify, serve_call
from gateway.messages import ClientLeft, Receive, Request, Scope, Send
from gateway.model_list import serve_model, serve_models
from gateway.service import Gateway
from usage.models import Endpoint

logger = logging.getLogger(__name__)

CALLS = {
    "/v1/chat/completions": Endpoint.CHAT_COMPLETIONS,
    "/v1/responses": Endpoint.RESPONSES,
    "/v1/completions": Endpoint.COMPLETIONS,
    "/v1/embeddings": Endpoint.EMBEDDINGS,
    "/v1/moderations": Endpoint.MODERATIONS,
    "/v1/images/generations": Endpoint.IMAGES_GENERATIONS,
    "/v1/images/edits": Endpoint.IMAGES_EDITS,
    "/v1/audio/speech": Endpoint.AUDIO_SPEECH,
    "/v1/audio/transcriptions": Endpoint.AUDIO_TRANSCRIPTIONS,
    "/v1/audio/translations": Endpoint.AUDIO_TRANSLATIONS,
}
MODELS = "/v1/models"


async def serve(gateway: Gateway, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request to `/v1`. Every refusal has OpenAI's shape."""
    request = Request.of(scope, receive, send)
    try:
        await route(gateway, request)
    except errors.ApiError as error:
        await request.answer_error(error)
    except DirectoryUnreachable:
        await request.answer_error(errors.budget_unavailable())
    except ClientLeft:
        return
    except Exception:
        logger.exception("request_failed event=%s", request.event_id)
        # A stream that broke here stays unfinished, which the client notices.
        if not request.has_answer_begun:
            await request.answer_error(errors.internal())
    finally:
        request.end()
        gateway.rate_limiter.settle(request)


async def route(gateway: Gateway, request: Request) -> None:
    """Call whoever serves the path."""
    path = request.path.removesuffix("/")
    if path in CALLS:
        require_method(request, "POST")
        await serve_call(gateway, request, CALLS[path], path.removeprefix("/v1"))
    elif path == MODELS or path.startswith(f"{MODELS}/"):
        require_method(request, "GET")
        await route_models(gateway, request, path)
    else:
        raise errors.unknown_path(request.method, request.path)


async def route_models(gateway: Gateway, request: Request, path: str) -> None:
    caller = await identify(gateway, request)
    caller.require_not_suspended()
    upstream, _ = await choose_upstream(gateway, caller)
    if path == MODELS:
        await serve_models(gateway, request, caller, upstream)
    else:
        model = path.removeprefix(f"{MODELS}/")
        caller.require_model(model)
        await serve_model(gateway, request, caller, upstream, model)


def require_method(request: Request, method: str) -> None:
    if request.method != method:
        raise errors.wrong_method(request.method, request.path, method)
