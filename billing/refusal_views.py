"""The page behind a refusal's `help_url`: why, until when, and what to do."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.refusal_queries import LimitThatRefused, limit_that_refused
from core.money import exact_usd
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission
from orgs.queries import owners_of
from usage.models import RefusedRequest
from usage.refusals import kept_instead_of, refusal_visible_to, refused_alike


@require_safe
@org_view(Permission.SEE_USAGE)
def refusal(request: OrgRequest, refusal_id: str) -> HttpResponse:
    """Explain one refused request, or say that it was counted with others."""
    found = refusal_visible_to(request.membership, refusal_id)
    if found is None:
        return counted_only(request, refusal_id)
    limit = limit_that_refused(request.membership, found, now=timezone.now())
    return render(request, "billing/refusal.html", context_of(request, found, limit))


def context_of(
    request: OrgRequest, found: RefusedRequest, limit: LimitThatRefused | None
) -> dict[str, Any]:
    return {
        "refusal": found,
        "request_id": f"req_{found.event_id.hex}",
        "limit": limit,
        "binding": limit.binding.value if limit else "",
        "alike": refused_alike(request.membership, found),
        "owners": owners_of(request.organization),
        "question": quote(question_to_owners(request, found)),
        "increase_url": limit and increase_url(request, found, limit),
    }


def counted_only(request: OrgRequest, refusal_id: str) -> HttpResponse:
    """Show what was kept of the minute of a refusal that was only counted."""
    kept = kept_instead_of(request.membership, refusal_id)
    if not kept:
        raise Http404
    context = {"refusal_id": refusal_id, "kept": kept}
    return render(request, "billing/refusal_counted.html", context)


def increase_url(
    request: OrgRequest, found: RefusedRequest, limit: LimitThatRefused
) -> str:
    """Return the address of the form that asks for more, filled in."""
    page = reverse("billing:increase", args=[request.organization.slug])
    reason = f"Request {found.public_id} for {found.model} was refused."
    amount = exact_usd(limit.suggested_nanos)
    return f"{page}?{urlencode({'amount': amount, 'reason': reason})}"


def question_to_owners(request: OrgRequest, found: RefusedRequest) -> str:
    """Return the text of a mail in which a reader asks an owner."""
    page = reverse("billing:refusal", args=[request.organization.slug, found.public_id])
    return (
        f"A request of mine in {request.organization.name} was refused:\n"
        f"{settings.BASE_URL}{page}\n\n"
        "Could you have a look at the limit?"
    )
