"""The keys page: API keys made, shown once, revoked; the provider key replaced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from keys.actions import (
    IssuedKey,
    KeyAlreadyRevoked,
    issue_key,
    revoke_key,
    store_provider_key,
)
from keys.forms import ApiKeyForm, ProviderKeyForm, ReaderApiKeyForm
from keys.models import ApiKey, ApiKeyKind
from keys.queries import keys_visible_to, provider_key_of
from keys.snippets import curl_snippet, python_snippet
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission

SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the table shows it."""

    key: ApiKey
    status: str
    mark: str
    is_over: bool


@org_view(Permission.SEE_KEYS)
@require_safe
def keys(request: OrgRequest) -> HttpResponse:
    """Show API keys (an owner: all; a reader: their own) and the provider key."""
    return keys_page(request)


@org_view(Permission.MAKE_KEYS)
@require_POST
def create(request: OrgRequest) -> HttpResponse:
    """Make an API key and show it, this once, in the answer."""
    form = key_form(request, is_filled=True)
    if not form.is_valid():
        return keys_page(request, form=form, status=422)
    now = timezone.now()
    is_service = form.cleaned_data["kind"] == ApiKeyKind.SERVICE
    issued = issue_key(
        kind=form.cleaned_data["kind"],
        environment=request.organization.environment,
        name=form.cleaned_data["name"],
        organization=request.organization if is_service else None,
        user=None if is_service else request.user,
        acting_user=request.user,
        expires_at=form.expires_at(now=now),
        now=now,
    )
    return reveal(request, issued)


def reveal(request: OrgRequest, issued: IssuedKey) -> HttpResponse:
    """Show a new key. It is in this answer only: no URL, session or log has it."""
    organization = request.organization
    response = render(
        request,
        "keys/reveal.html",
        {
            "key": issued.key,
            "text": issued.text,
            "curl": curl_snippet(issued.key, issued.text, organization),
            "python": python_snippet(issued.key, issued.text, organization),
        },
        status=201,
    )
    add_never_cache_headers(response)
    return response


@org_view(Permission.REVOKE_KEYS)
@require_POST
def revoke(request: OrgRequest, key_id: str) -> HttpResponse:
    """End a key: readers their own, owners any that works here."""
    key = get_object_or_404(keys_visible_to(request.membership), public_id=key_id)
    try:
        revoke_key(key=key, acting_user=request.user, now=timezone.now())
    except KeyAlreadyRevoked:
        messages.info(request, f"The key “{key.name}” was revoked before.")
    else:
        messages.success(request, f"The key “{key.name}” is revoked.")
    return redirect("keys:keys", slug=request.organization.slug)


@org_view(Permission.SET_PROVIDER_KEY)
@sensitive_post_parameters("secret")
@require_POST
def set_provider_key(request: OrgRequest) -> HttpResponse:
    """Set or replace the key that the organization spends on."""
    form = ProviderKeyForm(request.POST)
    if not form.is_valid():
        return keys_page(request, provider_form=form, status=422)
    store_provider_key(
        organization=request.organization,
        base_url=form.cleaned_data["base_url"],
        secret=form.cleaned_data["secret"],
        acting_user=request.user,
        now=timezone.now(),
    )
    messages.success(request, "The provider key is stored. New requests use it.")
    return redirect("keys:keys", slug=request.organization.slug)


def key_form(request: OrgRequest, *, is_filled: bool = False) -> ApiKeyForm:
    """Return the form for the person's role. Service keys are made by owners."""
    data = request.POST if is_filled else None
    if Permission.MAKE_SERVICE_KEYS.is_given_to(request.membership.role):
        return ApiKeyForm(data)
    if data and data.get("kind") == ApiKeyKind.SERVICE:
        raise PermissionDenied("Only owners of the organization make service keys.")
    return ReaderApiKeyForm(data)


def keys_page(
    request: OrgRequest,
    *,
    form: ApiKeyForm | None = None,
    provider_form: ProviderKeyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    provider_key = provider_key_of(request.organization)
    return render(
        request,
        "keys/keys.html",
        {
            "rows": key_rows(request, now=timezone.now()),
            "form": form or key_form(request),
            "api_url": f"{settings.BASE_URL}/v1",
            "provider_key": provider_key,
            "provider_form": provider_form
            or ProviderKeyForm(
                initial={"base_url": provider_key.base_url} if provider_key else None
            ),
        },
        status=status,
    )


def key_rows(request: OrgRequest, *, now: datetime) -> list[KeyRow]:
    """Return the table's rows, keys that work first."""
    rows = [key_row(key, now=now) for key in keys_visible_to(request.membership)]
    return sorted(rows, key=lambda row: row.is_over)


def key_row(key: ApiKey, *, now: datetime) -> KeyRow:
    if key.revoked_at is not None:
        return KeyRow(key, "Revoked", "", is_over=True)
    if not key.is_live(at=now):
        return KeyRow(key, "Expired", "", is_over=True)
    if key.expires_at is not None and key.expires_at - now < SOON:
        return KeyRow(key, "Expires soon", "mark-warn", is_over=False)
    return KeyRow(key, "Works", "mark-good", is_over=False)
