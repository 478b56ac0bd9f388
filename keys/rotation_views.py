"""Keys rotated, and blocked in one organization."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from keys.actions import (
    CannotRotate,
    FormerKeyEnded,
    NotBlockable,
    allow_key,
    block_key,
    end_former_key,
    rotate_key,
)
from keys.forms import RotationForm
from keys.models import ApiKey
from keys.queries import keys_visible_to
from keys.views import changeable_key, reveal
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@org_view(Permission.ROTATE_KEYS)
@require_POST
def rotate(request: OrgRequest, key_id: str) -> HttpResponse:
    """Give a key a new text, shown this once; the old one gets a grace."""
    key = changeable_key(request, key_id)
    form = RotationForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose how long the old text shall work on.")
        return to_keys(request)
    try:
        issued = rotate_key(
            key=key,
            grace=form.grace_period,
            handle=form.cleaned_data["handle"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except CannotRotate as error:
        messages.error(request, str(error))
        return to_keys(request)
    return reveal(request, issued)


@org_view(Permission.ROTATE_KEYS)
@require_POST
def end_former(request: OrgRequest, key_id: str, handle: str) -> HttpResponse:
    """End a key's former text before its grace is over."""
    key = changeable_key(request, key_id)
    former = get_object_or_404(key.former_keys, handle=handle)
    try:
        end_former_key(former=former, acting_user=request.user, now=timezone.now())
    except FormerKeyEnded:
        messages.info(request, "That text ended before.")
    else:
        messages.success(request, f"The old text of “{key.name}” works no more.")
    return to_keys(request)


@org_view(Permission.BLOCK_KEYS)
@require_POST
def block(request: OrgRequest, member_key_id: str) -> HttpResponse:
    """Let a member's personal key no longer act in this organization."""
    key = visible_key(request, member_key_id)
    try:
        block_key(
            key=key,
            organization=request.organization,
            acting_user=request.user,
            now=timezone.now(),
        )
    except NotBlockable:
        messages.error(request, "A service key is revoked, not blocked.")
    else:
        name = request.organization.name
        messages.success(request, f"The key “{key.name}” is blocked in {name}.")
    return to_keys(request)


@org_view(Permission.BLOCK_KEYS)
@require_POST
def allow(request: OrgRequest, blocked_key_id: str) -> HttpResponse:
    """Let a blocked key act here again."""
    key = visible_key(request, blocked_key_id)
    allow_key(
        key=key,
        organization=request.organization,
        acting_user=request.user,
        now=timezone.now(),
    )
    name = request.organization.name
    messages.success(request, f"The key “{key.name}” may act in {name} again.")
    return to_keys(request)


def to_keys(request: OrgRequest) -> HttpResponse:
    return redirect("keys:keys", slug=request.organization.slug)


def visible_key(request: OrgRequest, public_id: str) -> ApiKey:
    return get_object_or_404(keys_visible_to(request.membership), public_id=public_id)
