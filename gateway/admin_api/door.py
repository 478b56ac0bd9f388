"""
The door of the Admin API: from an admin key to its organization, or to a refusal.

Errors have OpenAI's shape here too. An admin key has an owner's rights in the one
organization that it is of; any other key is told so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from core.ids import new_event_id
from gateway import errors
from gateway.auth import bearer_in, choose_organization
from gateway.messages import ON_EVERY_ANSWER
from keys.models import ApiKey, ApiKeyKind
from keys.secrets import digest_key, mask_key, parse_key
from keys.verification import Identity, identify
from orgs.models import Organization
from orgs.reach import of_organization, whole_installation

P = ParamSpec("P")
READING = ("GET", "HEAD")


class ApiRequest(HttpRequest):
    """A request with a key, for the organization that the key acts in."""

    api_key: ApiKey
    organization: Organization


ApiView = Callable[Concatenate[ApiRequest, P], Any]


def admin_view(view: ApiView[P]) -> Callable[..., HttpResponse]:
    """Admit admin keys; the view returns what goes out as JSON."""
    return api_view(view, require=require_admin_key)


def key_view(view: ApiView[P]) -> Callable[..., HttpResponse]:
    """Admit the keys that make requests, also when nothing is left to spend."""
    return api_view(view, require=require_key_that_spends)


def api_view(
    view: ApiView[P], *, require: Callable[[Identity], None]
) -> Callable[..., HttpResponse]:
    """Let a view read what its organization owns, and answer as OpenAI answers."""

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> Any:
        started = time.perf_counter()
        organization_id = ""
        try:
            require_reading(request)
            admitted = admit(request, require)
            organization_id = admitted.organization.public_id
            with of_organization(admitted.organization.pk):
                answer = json_answer(view(admitted, *args, **kwargs))
        except errors.ApiError as error:
            answer = error_answer(error)
        return with_headers(answer, organization_id, started=started)

    return guarded


def require_reading(request: HttpRequest) -> None:
    if request.method not in READING:
        raise errors.wrong_method(str(request.method), request.path, "GET")


def admit(request: HttpRequest, require: Callable[[Identity], None]) -> ApiRequest:
    """Note key and organization on the request, or raise `ApiError`."""
    text = bearer_in(request.headers.get("Authorization", ""))
    identity = None
    if parse_key(text) is not None:
        with whole_installation("a key is looked up"):
            identity = identify(digest_key(text, pepper=settings.KEY_PEPPER))
    if identity is None or not identity.is_live(at=timezone.now()):
        raise errors.invalid_key(mask_key(text))
    require(identity)
    header = request.headers.get("OpenAI-Organization", "")
    admitted = cast(ApiRequest, request)
    admitted.api_key = identity.api_key
    admitted.organization = choose_organization(identity, header)
    return admitted


def require_admin_key(identity: Identity) -> None:
    if identity.api_key.kind != ApiKeyKind.ADMIN:
        raise errors.admin_key_needed()


def require_key_that_spends(identity: Identity) -> None:
    if identity.api_key.kind == ApiKeyKind.ADMIN:
        raise errors.admin_key_refused()


def json_answer(document: Any) -> HttpResponse:
    return HttpResponse(orjson.dumps(document), content_type="application/json")


def error_answer(error: errors.ApiError) -> HttpResponse:
    return HttpResponse(
        error.body(),
        status=error.status,
        content_type="application/json",
        headers=dict(error.headers),
    )


def with_headers(
    answer: HttpResponse, organization_id: str, *, started: float
) -> HttpResponse:
    """Add what every answer of the API carries."""
    answer["x-request-id"] = f"req_{new_event_id().hex}"
    for name, value in ON_EVERY_ANSWER:
        answer[name.decode()] = value.decode()
    answer["openai-processing-ms"] = str(int((time.perf_counter() - started) * 1000))
    if organization_id:
        answer["openai-organization"] = organization_id
    return answer


@csrf_exempt
@login_not_required
def not_offered(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Refuse a path of OpenAI's that is not offered here, in their shape."""
    error = errors.unknown_path(str(request.method), request.path)
    return with_headers(error_answer(error), "", started=time.perf_counter())
