"""Webhooks in an organization's settings: endpoints, and what was sent to each."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST, require_safe

from core.statuses import UNPROCESSABLE
from keys.actions.webhooks import (
    ENDPOINTS_MAX,
    EndpointExists,
    NewEndpoint,
    TestWaits,
    TooManyEndpoints,
    add_endpoint,
    enable_endpoint,
    redeliver,
    remove_endpoint,
    send_test,
)
from keys.models import WebhookDelivery, WebhookEndpoint
from keys.origins import UnusableUrl
from keys.webhook_models import URL_LONGEST
from keys.webhooks import vet_webhook_url
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission

DELIVERIES_SHOWN = 50


class EndpointForm(forms.Form):
    url = forms.CharField(
        label="URL",
        max_length=URL_LONGEST,
        widget=forms.URLInput(
            attrs={
                "autocomplete": "off",
                "placeholder": "https://hooks.acme.example/in",
            }
        ),
        help_text="On the public internet, by https.",
    )

    def clean_url(self) -> str:
        try:
            return vet_webhook_url(
                self.cleaned_data["url"],
                allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS,
            )
        except UnusableUrl as error:
            raise ValidationError(str(error)) from error


@require_safe
@org_view(Permission.MANAGE_WEBHOOKS)
def webhooks(request: OrgRequest) -> HttpResponse:
    """Show the endpoints."""
    return webhooks_page(request)


def webhooks_page(
    request: OrgRequest, form: EndpointForm | None = None
) -> HttpResponse:
    """Return the page; with a form in hand, the one that has errors."""
    endpoints = WebhookEndpoint.objects.filter(organization=request.organization)
    context = {
        "endpoints": endpoints.order_by("pk"),
        "endpoints_max": ENDPOINTS_MAX,
        "form": form or EndpointForm(),
    }
    status = UNPROCESSABLE if form else 200
    return render(request, "keys/webhooks.html", context, status=status)


@require_POST
@org_view(Permission.MANAGE_WEBHOOKS)
def add(request: OrgRequest) -> HttpResponse:
    """Add an endpoint and show its secret, this once, in the answer."""
    form = EndpointForm(request.POST)
    made = added(request, form) if form.is_valid() else None
    if made is None:
        return webhooks_page(request, form)
    context = {"endpoint": made.endpoint, "secret": made.secret}
    response = render(request, "keys/webhook_secret.html", context, status=201)
    add_never_cache_headers(response)
    return response


def added(request: OrgRequest, form: EndpointForm) -> NewEndpoint | None:
    """Add the form's endpoint, or say in the form why not."""
    try:
        return add_endpoint(
            organization=request.organization,
            url=form.cleaned_data["url"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except EndpointExists:
        form.add_error("url", "Events are sent to this URL already.")
    except TooManyEndpoints:
        form.add_error(
            "url", f"There are {ENDPOINTS_MAX} endpoints, which is the most."
        )
    return None


@require_safe
@org_view(Permission.MANAGE_WEBHOOKS)
def webhook(request: OrgRequest, webhook_id: str) -> HttpResponse:
    """Show what was sent to an endpoint last, and what came of each attempt."""
    endpoint = endpoint_of(request, webhook_id)
    newest = endpoint.deliveries.order_by("-pk").prefetch_related("log")
    context = {
        "endpoint": endpoint,
        "deliveries": newest[:DELIVERIES_SHOWN],
        "deliveries_shown": DELIVERIES_SHOWN,
    }
    return render(request, "keys/webhook.html", context)


def endpoint_of(request: OrgRequest, webhook_id: str) -> WebhookEndpoint:
    return get_object_or_404(
        WebhookEndpoint.objects.select_related("organization"),
        organization=request.organization,
        public_id=webhook_id,
    )


@require_POST
@org_view(Permission.MANAGE_WEBHOOKS)
def test(request: OrgRequest, webhook_id: str) -> HttpResponse:
    """Send an event that tells of nothing."""
    endpoint = endpoint_of(request, webhook_id)
    try:
        send_test(endpoint=endpoint, acting_user=request.user, now=timezone.now())
    except TestWaits:
        messages.info(request, "A test event is on its way already.")
    else:
        messages.success(request, "A test event is on its way.")
    return redirect("keys:webhook", request.organization.slug, webhook_id)


@require_POST
@org_view(Permission.MANAGE_WEBHOOKS)
def enable(request: OrgRequest, webhook_id: str) -> HttpResponse:
    """Send to a disabled endpoint again."""
    endpoint = endpoint_of(request, webhook_id)
    if enable_endpoint(endpoint=endpoint, acting_user=request.user, now=timezone.now()):
        messages.success(request, "The endpoint is enabled. What waits goes out.")
    else:
        messages.info(request, "The endpoint is not disabled.")
    return redirect("keys:webhook", request.organization.slug, webhook_id)


@require_POST
@org_view(Permission.MANAGE_WEBHOOKS)
def remove(request: OrgRequest, webhook_id: str) -> HttpResponse:
    """Remove an endpoint with what waits for it."""
    endpoint = endpoint_of(request, webhook_id)
    remove_endpoint(endpoint=endpoint, acting_user=request.user, now=timezone.now())
    messages.success(request, "The endpoint is removed. Nothing is sent there.")
    return redirect("keys:webhooks", request.organization.slug)


@require_POST
@org_view(Permission.MANAGE_WEBHOOKS)
def send_again(request: OrgRequest, delivery_id: str) -> HttpResponse:
    """Send an event once more, with the same id."""
    delivery = get_object_or_404(
        WebhookDelivery.objects.select_related("endpoint__organization"),
        organization=request.organization,
        public_id=delivery_id,
    )
    if redeliver(delivery=delivery, acting_user=request.user, now=timezone.now()):
        messages.success(request, "The event is on its way again.")
    else:
        messages.info(request, "The event is on its way already.")
    return redirect(
        "keys:webhook", request.organization.slug, delivery.endpoint.public_id
    )
