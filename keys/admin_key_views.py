"""The key by which the provider is asked what it billed: set, replaced, removed."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from core.statuses import UNPROCESSABLE
from keys.actions.provider_admin_keys import remove_admin_key, store_admin_key
from keys.forms import AdminKeyForm
from keys.provider_bill import NotTold, verify_admin_key
from keys.views import keys_page
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@org_view(Permission.SET_PROVIDER_KEY, while_suspended=False)
@sensitive_post_parameters("admin_secret")
@require_POST
def set_admin_key(request: OrgRequest) -> HttpResponse:
    """Set or replace the key, once the provider answered to it."""
    form = AdminKeyForm(request.POST)
    if not form.is_valid():
        return keys_page(request, admin_form=form.without_offer(), status=UNPROCESSABLE)
    is_unverified = form.cleaned_data["admin_unverified"]
    if not is_unverified and not is_taken_by_provider(form):
        return keys_page(request, admin_form=form, status=UNPROCESSABLE)
    store_admin_key(
        organization=request.organization,
        access=form.access,
        acting_user=request.user,
        is_verified=not is_unverified,
        now=timezone.now(),
    )
    messages.success(
        request, "The admin key is stored. The provider's bill is compared daily."
    )
    return redirect("keys:keys", slug=request.organization.slug)


def is_taken_by_provider(form: AdminKeyForm) -> bool:
    """Ask the provider, and say in the form what it answered if it refuses."""
    try:
        verify_admin_key(
            form.access,
            day=timezone.now().date() - timedelta(days=1),
            allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS,
        )
    except NotTold as error:
        form.add_error(None, f"The provider did not take the key. {error}")
    return form.is_valid()


@org_view(Permission.SET_PROVIDER_KEY)
@require_POST
def remove_key(request: OrgRequest) -> HttpResponse:
    """Destroy the key. What was compared stays."""
    if remove_admin_key(
        organization=request.organization,
        acting_user=request.user,
        now=timezone.now(),
    ):
        messages.success(request, "The admin key is destroyed.")
    return redirect("keys:keys", slug=request.organization.slug)
