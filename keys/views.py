"""The keys page: API keys made, shown once, revoked; the provider key replaced."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from core.statuses import UNPROCESSABLE
from keys.actions import (
    IssuedKey,
    KeyAlreadyRevoked,
    KeyIssuedBefore,
    issue_key,
    revoke_key,
    store_provider_key,
)
from keys.forms import (
    AdminKeyForm,
    ApiKeyForm,
    ProviderKeyForm,
    ReaderApiKeyForm,
    RotationForm,
)
from keys.models import ApiKey, ApiKeyKind
from keys.provider_check import NotVerified, verify_provider_key
from keys.queries import (
    admin_key_of,
    blocked_keys,
    is_changeable_by,
    keys_visible_to,
    last_uses,
    provider_key_of,
)
from keys.rows import UNUSED_AFTER, Facts, KeyRow, key_row
from keys.snippets import curl_snippet, node_snippet, python_snippet
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission

SENT_TWICE = (
    "The form came twice, and made one key. Its text was in the first answer; if you "
    "did not see it, rotate the key to get another."
)


@org_view(Permission.SEE_KEYS)
@require_safe
def keys(request: OrgRequest) -> HttpResponse:
    """Show API keys (an owner: all; a reader: their own) and the provider key."""
    return keys_page(request)


@org_view(Permission.MAKE_KEYS, while_suspended=False)
@require_POST
def create(request: OrgRequest) -> HttpResponse:
    """Make an API key and show it, this once, in the answer."""
    form = key_form(request, is_filled=True)
    if not form.is_valid():
        return keys_page(request, form=form, status=UNPROCESSABLE)
    new_id: str = form.cleaned_data["new_id"]
    try:
        return reveal(request, issued_by(request, form, new_id))
    except KeyIssuedBefore:
        before = keys_visible_to(request.membership).filter(public_id=new_id)
        if not before.filter(name=form.cleaned_data["name"]).exists():
            # Another key, from a page that the browser went back to.
            return reveal(request, issued_by(request, form, None))
    messages.info(request, SENT_TWICE)
    return redirect("keys:keys", slug=request.organization.slug)


def issued_by(request: OrgRequest, form: ApiKeyForm, new_id: str | None) -> IssuedKey:
    """Make the key that a form asks for."""
    now = timezone.now()
    is_service = form.cleaned_data["kind"] == ApiKeyKind.SERVICE
    return issue_key(
        kind=form.cleaned_data["kind"],
        environment=request.organization.environment,
        name=form.cleaned_data["name"],
        organization=request.organization if is_service else None,
        user=None if is_service else request.user,
        acting_user=request.user,
        expires_at=form.expires_at(now=now),
        models_allowed=form.cleaned_data["models_allowed"],
        public_id=new_id,
        now=now,
    )


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
            "node": node_snippet(issued.key, issued.text, organization),
            "former": issued.key.former_keys.order_by("-pk").first(),
            "now": timezone.now(),
        },
        status=201,
    )
    add_never_cache_headers(response)
    return response


@org_view(Permission.REVOKE_KEYS)
@require_POST
def revoke(request: OrgRequest, key_id: str) -> HttpResponse:
    """End a key: one's own, or as an owner a service key."""
    key = changeable_key(request, key_id)
    try:
        revoke_key(key=key, acting_user=request.user, now=timezone.now())
    except KeyAlreadyRevoked:
        messages.info(request, f"The key “{key.name}” was revoked before.")
    else:
        messages.success(request, f"The key “{key.name}” is revoked.")
    return redirect("keys:keys", slug=request.organization.slug)


def changeable_key(request: OrgRequest, key_id: str) -> ApiKey:
    """Return a key that the member may rotate or revoke, or refuse: 404, 403."""
    key = get_object_or_404(keys_visible_to(request.membership), public_id=key_id)
    if not is_changeable_by(request.membership, key):
        raise PermissionDenied(
            "A personal key is its person's, who may use it elsewhere too. Owners "
            "can block it in their own organization."
        )
    return key


@org_view(Permission.SET_PROVIDER_KEY, while_suspended=False)
@sensitive_post_parameters("secret")
@require_POST
def set_provider_key(request: OrgRequest) -> HttpResponse:
    """Set or replace the key that the organization spends on."""
    form = ProviderKeyForm(request.POST)
    if not form.is_valid():
        return keys_page(
            request, provider_form=form.without_offer(), status=UNPROCESSABLE
        )
    is_unverified = form.cleaned_data["unverified"]
    if not is_unverified and not is_taken_by_provider(form):
        return keys_page(request, provider_form=form, status=UNPROCESSABLE)
    store_provider_key(
        organization=request.organization,
        base_url=form.cleaned_data["base_url"],
        secret=form.cleaned_data["secret"],
        acting_user=request.user,
        is_verified=not is_unverified,
        now=timezone.now(),
    )
    messages.success(request, "The provider key is stored. New requests use it.")
    return redirect("keys:keys", slug=request.organization.slug)


def is_taken_by_provider(form: ProviderKeyForm) -> bool:
    """Ask the provider, and say in the form what it answered if it refuses."""
    try:
        verify_provider_key(
            base_url=form.cleaned_data["base_url"],
            secret=form.cleaned_data["secret"],
            allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS,
        )
    except NotVerified as error:
        form.add_error(None, f"The provider did not take the key. {error}")
    return form.is_valid()


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
    admin_form: AdminKeyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    provider_key = provider_key_of(request.organization)
    admin_key = admin_key_of(request.organization)
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
            ).without_offer(),
            "admin_key": admin_key,
            "admin_form": admin_form
            or AdminKeyForm.beside(provider_key, admin_key).without_offer(),
            "rotation_form": RotationForm(),
            "shows_unused": shows_unused(request),
            "unused_after_days": UNUSED_AFTER.days,
        },
        status=status,
    )


def key_rows(request: OrgRequest, *, now: datetime) -> list[KeyRow]:
    """Return the table's rows, keys that work first."""
    facts = Facts(
        request.membership,
        last_uses(request.organization),
        blocked_keys(request.organization),
        now,
    )
    rows = [key_row(key, facts) for key in keys_visible_to(request.membership)]
    if shows_unused(request):
        rows = [row for row in rows if row.is_unused and not row.is_over]
    return sorted(rows, key=lambda row: row.is_over)


def shows_unused(request: OrgRequest) -> bool:
    return request.GET.get("show") == "unused"
