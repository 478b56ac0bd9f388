"""
The door of the Admin API: from an admin key to its organization, or to a refusal.

Errors have OpenAI's shape here too. An admin key has an owner's rights in the one
organization that it is of, as long as who made it is an owner there; any other key is
told so. What it changes is told of in the audit log as that person's doing, by the key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, cast

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from core.ids import new_event_id
from gateway import errors
from gateway.admin_api.flood import refuse_flood
from gateway.auth import bearer_in, choose_organization
from gateway.messages import ON_EVERY_ANSWER
from keys.models import ApiKey, ApiKeyKind
from keys.secrets import digest_key, mask_key, parse_key
from keys.verification import Identity, identify
from orgs.locks import OrganizationGone
from orgs.models import Membership, Organization, Role, User
from orgs.origin import Door, arriving_by, current_origin
from orgs.reach import of_organization, whole_installation

P = ParamSpec("P")
READING = ("GET", "HEAD")


class ApiRequest(HttpRequest):
    """A request with a key, for the organization that the key acts in."""

    api_key: ApiKey
    organization: Organization
    # Who made an admin key: its changes are theirs.
    maker: User


ApiView = Callable[Concatenate[ApiRequest, P], Any]


def admin_view(view: ApiView[P]) -> Callable[..., HttpResponse]:
    """Admit admin keys to read; the view returns what goes out as JSON."""
    return api_view(GET=view, require=require_admin_key)


def admin_resource(**views: ApiView[P]) -> Callable[..., HttpResponse]:
    """Admit admin keys to a resource: `GET=…`, `POST=…`, `DELETE=…`, a view each."""
    return api_view(require=require_admin_key, **views)


def key_view(view: ApiView[P]) -> Callable[..., HttpResponse]:
    """Admit the keys that make requests, also when nothing is left to spend."""
    return api_view(GET=view, require=require_key_that_spends)


def api_view(
    *, require: Callable[[Identity], None], **views: ApiView[P]
) -> Callable[..., HttpResponse]:
    """Let views read and change what their organization owns, and answer as OpenAI."""

    @csrf_exempt
    @login_not_required
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> Any:
        started = time.perf_counter()
        organization_id = ""
        try:
            view = view_for(request, views)
            admitted = admit(request, require)
            organization_id = admitted.organization.public_id
            answer = json_answer(served(view, admitted, *args, **kwargs))
        except OrganizationGone:
            # Deleted between the door and the deed.
            answer = error_answer(errors.no_organization())
        except errors.ApiError as error:
            answer = error_answer(error)
        return with_headers(answer, organization_id, started=started)

    return guarded


def served(
    view: ApiView[P], request: ApiRequest, *args: P.args, **kwargs: P.kwargs
) -> Any:
    """Return a view's document, all that it does being the key's doing."""
    key = request.api_key
    origin = replace(current_origin(), door=Door.API, api_key=key.public_id)
    with of_organization(request.organization.pk), arriving_by(origin):
        if key.kind == ApiKeyKind.ADMIN:
            refuse_flood(key)
            require_owner_behind(request)
        return view(request, *args, **kwargs)


def view_for(request: HttpRequest, views: dict[str, ApiView[P]]) -> ApiView[P]:
    method = "GET" if request.method == "HEAD" else str(request.method)
    if method not in views:
        raise errors.wrong_method(method, request.path, ", ".join(views))
    return views[method]


def require_owner_behind(request: ApiRequest) -> None:
    """
    Note who made an admin key. Raises `ApiError` if they are no owner any more.

    A key that nobody made is the installation's own: it may read.
    """
    key, organization = request.api_key, request.organization
    is_reading = request.method in READING
    maker = key.created_by
    if maker is None:
        if not is_reading:
            raise errors.admin_key_of_nobody()
        return
    owners = Membership.objects.filter(organization=organization, role=Role.OWNER)
    if not owners.filter(user=maker, user__is_active=True).exists():
        raise errors.admin_key_of_former_owner()
    if organization.is_suspended and request.method == "POST":
        message = organization.suspended_message
        raise errors.suspended(organization.public_id, message)
    request.maker = maker


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
