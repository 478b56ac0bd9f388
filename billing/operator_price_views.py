"""The operator's pages of prices: the list, a model's history, and changes of both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from billing.actions.prices import (
    ChangedMeanwhile,
    HasBegun,
    add_prices,
    mark_of_prices,
    withdraw_price,
)
from billing.models import Price, ServiceTier
from billing.price_differences import rate_changes
from billing.price_drafts import (
    NothingToMarkUp,
    drafts_of,
    history_of,
    price_before,
    price_in_force,
)
from billing.price_effects import effect_of
from billing.price_forms import MODEL_LONGEST, PriceForm
from billing.price_queries import list_page, own_page, unpriced_in_use
from billing.rate_words import rate_lines
from core.statuses import UNPROCESSABLE
from orgs.access import OperatorRequest, operator_view
from orgs.models import Organization

FIND_LONGEST = 120
UNPRICED_FOR = timedelta(days=30)
LOOK_AGAIN = (
    "Prices were changed meanwhile, by somebody else or by this form sent twice. "
    "Look at the effect again."
)


@require_safe
@operator_view
def prices(request: OperatorRequest) -> HttpResponse:
    """Show the price list, and what is used without a price."""
    find, now = found_in(request), timezone.now()
    context = {
        "find": find,
        "now": now,
        "page": list_page(find=find, number=request.GET.get("page", "1"), now=now),
        "unpriced": unpriced_in_use(since=now - UNPRICED_FOR, now=now),
    }
    return render(request, "operator/prices.html", context)


@require_safe
@operator_view
def own_prices(request: OperatorRequest) -> HttpResponse:
    """Show the prices that organizations have of their own."""
    find, now = found_in(request), timezone.now()
    context = {
        "find": find,
        "now": now,
        "page": own_page(find=find, number=request.GET.get("page", "1"), now=now),
    }
    return render(request, "operator/own_prices.html", context)


def found_in(request: OperatorRequest) -> str:
    return request.GET.get("find", "").strip()[:FIND_LONGEST]


@require_safe
@operator_view
def price_history(request: OperatorRequest) -> HttpResponse:
    """Show all rows of a name: what held from when to when, and who said so."""
    model = request.GET.get("model", "")[:MODEL_LONGEST]
    if not model:
        return redirect("operator:prices")
    organization = organization_in(request)
    rows = list(
        history_of(model, organization=organization).select_related("created_by")
    )
    if not rows:
        raise Http404
    now = timezone.now()
    context = {
        "model": model,
        "subject": organization,
        "tiers": tiers_of(rows, now=now),
        "now": now,
    }
    return render(request, "operator/price_history.html", context)


def organization_in(request: OperatorRequest) -> Organization | None:
    """Return the organization that the address names, if it does."""
    public_id = request.GET.get("organization", "")
    if not public_id:
        return None
    return get_object_or_404(Organization, public_id=public_id)


def tiers_of(rows: Sequence[Price], *, now: datetime) -> list[dict[str, Any]]:
    """Return the rows of each service tier, the newest first."""
    groups = []
    for tier in ServiceTier:
        of_tier = [row for row in rows if row.service_tier == tier]
        begun = (row for row in of_tier if row.effective_from <= now)
        lines = [(row, rate_lines(row)) for row in of_tier]
        if of_tier:
            groups.append({"tier": tier, "rows": lines, "current": next(begun, None)})
    return groups


@require_http_methods(["GET", "HEAD", "POST"])
@operator_view
def new_price(request: OperatorRequest) -> HttpResponse:
    """Ask for a price, show what it would have changed, and set it once confirmed."""
    if request.method != "POST":
        return new_price_page(request, first_form(request))
    now = timezone.now()
    form = PriceForm(request.POST, now=now)
    drafts = drafts_in(form) if form.is_valid() else []
    if not drafts:
        return new_price_page(request, form, status=UNPROCESSABLE)
    if "seen" in request.POST:
        try:
            add_prices(
                prices=drafts,
                seen=request.POST["seen"],
                acting_user=request.user,
                now=now,
            )
        except ChangedMeanwhile:
            messages.error(request, LOOK_AGAIN)
            return new_price_page(request, form, drafts, status=UNPROCESSABLE)
        messages.success(request, told(drafts[0]))
        return redirect(history_url(drafts[0]))
    return new_price_page(request, form, drafts)


def first_form(request: OperatorRequest) -> PriceForm:
    """Return the form filled in with the price that is in force, if there is one."""
    now, query = timezone.now(), request.GET
    organization = organization_in(request)
    name = query.get("model", "")[:MODEL_LONGEST], query.get("tier", "")
    price = price_in_force(*name, at=now, organization=organization)
    price = price or price_in_force(*name, at=now)
    return PriceForm.filled_in(price, query, now=now)


def drafts_in(form: PriceForm) -> list[Price]:
    """Return the rows that a form means, or say in the form why there are none."""
    try:
        return drafts_of(form.wish())
    except NothingToMarkUp:
        form.add_error("percent", "The list has no price of this very name.")
        return []


def new_price_page(
    request: OperatorRequest,
    form: PriceForm,
    drafts: Sequence[Price] = (),
    *,
    status: int = 200,
) -> HttpResponse:
    """Return the form; with drafts, what they would change and how to confirm."""
    context: dict[str, Any] = {"form": form, "drafts": drafts, "now": timezone.now()}
    if drafts:
        context |= {
            "effect": effect_of(drafts, now=form.now),
            "rows": [(each, rate_changes(price_before(each), each)) for each in drafts],
            "seen": mark_of_prices(),
            "sent": [
                (name, request.POST[name])
                for name in form.fields
                if request.POST.get(name)
            ],
        }
    return render(request, "operator/new_price.html", context, status=status)


def told(price: Price) -> str:
    """Return what became of a confirmed draft, in words."""
    whom = f"{price.organization}" if price.organization else "everybody"
    when = f"from {price.effective_from:%-d %B %Y, %H:%M} UTC on"
    if price.ends:
        return f"The price of {price.model} for {whom} ends {when}."
    return f"{price.model} has a new price for {whom} {when}. Gateways know of it."


def history_url(price: Price) -> str:
    query = {"model": price.model}
    if price.organization:
        query["organization"] = price.organization.public_id
    return f"{reverse('operator:price_history')}?{urlencode(query)}"


@require_POST
@operator_view
def withdraw(request: OperatorRequest, price_id: int) -> HttpResponse:
    """Take a price back that has not begun."""
    price = get_object_or_404(Price.objects.select_related("organization"), pk=price_id)
    try:
        withdraw_price(price=price, acting_user=request.user, now=timezone.now())
    except HasBegun:
        messages.error(request, "The price has begun, or is about to: it stays.")
        return redirect(history_url(price))
    messages.success(request, f"The planned price of {price.model} is withdrawn.")
    rest = history_of(price.model, organization=price.organization)
    return redirect(history_url(price) if rest.exists() else "operator:prices")
