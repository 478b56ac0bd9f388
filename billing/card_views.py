"""The page on which owners enter, replace and remove the card that pays."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.cards import open_payment_account, remove_card, set_card
from billing.payment_models import PaymentAccount
from billing.payment_queries import payment_account_of
from billing.payments import payment_provider
from billing.payments.seam import (
    Card,
    PaymentProvider,
    ProviderAway,
    ProviderRefuses,
)
from billing.queries import profile_of
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission

LONGEST_ID = 120
NO_CARDS = "Cards are not taken here: invoices are paid by transfer."
AWAY = "The payment provider does not answer. Nothing was changed; try again later."
NOT_ENTERED = "The card was not entered to the end. Try again."


@require_safe
@org_view(Permission.CHANGE_BILLING)
def card(request: OrgRequest) -> HttpResponse:
    """Show the card that pays, and what can be done about it."""
    return card_page(request)


def card_page(request: OrgRequest, **more: Any) -> HttpResponse:
    context = {
        "takes_cards": bool(settings.STRIPE_SECRET_KEY),
        "account": payment_account_of(request.organization),
        # Whoever was led away to their bank comes back with it.
        "set_up_id": request.GET.get("setup_intent", "")[:LONGEST_ID],
        **more,
    }
    return render(request, "billing/card.html", context)


@require_POST
@org_view(Permission.CHANGE_BILLING, while_suspended=False)
def enter(request: OrgRequest) -> HttpResponse:
    """Show the provider's own form: a card's number never comes here."""
    provider = payment_provider()
    if provider is None or request.organization.is_staging:
        messages.error(request, NO_CARDS)
        return redirect("billing:billing", request.organization.slug)
    try:
        account = account_at(provider, request)
        secret = provider.begin_set_up(customer_id=account.customer_id)
    except (ProviderAway, ProviderRefuses):
        messages.error(request, AWAY)
        return redirect("billing:card", request.organization.slug)
    path = reverse("billing:card", args=[request.organization.slug])
    return card_page(
        request,
        client_secret=secret,
        publishable_key=settings.STRIPE_PUBLISHABLE_KEY,
        return_url=f"{settings.BASE_URL}{path}",
    )


def account_at(provider: PaymentProvider, request: OrgRequest) -> PaymentAccount:
    """Return the organization's account there, opened at its first card."""
    organization = request.organization
    found = payment_account_of(organization)
    if found is not None:
        return found
    profile = profile_of(organization)
    customer_id = provider.open_customer(
        organization_id=organization.public_id,
        name=profile.legal_name if profile else organization.name,
    )
    return open_payment_account(
        organization=organization, customer_id=customer_id, now=timezone.now()
    )


@require_POST
@org_view(Permission.CHANGE_BILLING, while_suspended=False)
def save(request: OrgRequest) -> HttpResponse:
    """Take over the card that was entered at the provider; its event does so too."""
    provider, account = payment_provider(), payment_account_of(request.organization)
    set_up_id = request.POST.get("setup_intent", "")[:LONGEST_ID]
    if provider is None or account is None or not set_up_id:
        messages.error(request, NOT_ENTERED)
        return redirect("billing:card", request.organization.slug)
    try:
        entered = provider.set_up(set_up_id=set_up_id)
        if not entered.is_done or entered.customer_id != account.customer_id:
            messages.error(request, NOT_ENTERED)
            return redirect("billing:card", request.organization.slug)
        found = provider.card(method_id=entered.method_id)
    except ProviderAway:
        messages.error(request, AWAY)
        return redirect("billing:card", request.organization.slug)
    except ProviderRefuses:
        messages.error(request, NOT_ENTERED)
        return redirect("billing:card", request.organization.slug)
    is_news = set_card(
        account=account,
        card=found,
        set_up_at=entered.began_at,
        acting_user=request.user,
        now=timezone.now(),
    )
    # Its event may have come first.
    if is_news or is_in_use(account, found):
        messages.success(request, "The card pays your invoices from now on.")
    else:
        messages.error(request, NOT_ENTERED)
    return redirect("billing:billing", request.organization.slug)


def is_in_use(account: PaymentAccount, card: Card) -> bool:
    account.refresh_from_db(fields=["method_id"])
    return account.method_id == card.method_id


@require_POST
@org_view(Permission.CHANGE_BILLING)
def remove(request: OrgRequest) -> HttpResponse:
    """Go back to payment by invoice."""
    account, provider = payment_account_of(request.organization), payment_provider()
    method_id = account and remove_card(
        account=account, acting_user=request.user, now=timezone.now()
    )
    if not method_id:
        messages.info(request, "There was no card any more.")
        return redirect("billing:billing", request.organization.slug)
    try:
        if provider is not None:
            provider.forget_card(method_id=method_id)
    except ProviderAway:
        text = "The card pays nothing any more. The provider will not be asked for it."
        messages.success(request, text)
    else:
        messages.success(request, "The card is removed. You pay by invoice again.")
    return redirect("billing:billing", request.organization.slug)
