"""The page on which owners ask for a higher approved limit."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.quota import (
    NotAnIncrease,
    NothingToRaise,
    NotPending,
    RequestPending,
    WrongEnd,
    request_increase,
    withdraw_request,
)
from billing.models import QuotaRequest
from billing.quota import DAYS_PENDING_MAX, DAYS_RAISED_MAX, suggested_nanos
from billing.quota_forms import IncreaseForm
from billing.quota_queries import background_of, pending_request
from core.statuses import UNPROCESSABLE
from core.templatetags.money import usd
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission

WRONG_END = f"The last day is today or later, at most {DAYS_RAISED_MAX} days away."


@require_safe
@org_view(Permission.SEE_LIMITS)
def increase(request: OrgRequest) -> HttpResponse:
    """Show the requests for a higher approved limit; owners find the form."""
    return increase_page(request)


def increase_page(
    request: OrgRequest, form: IncreaseForm | None = None
) -> HttpResponse:
    """Return the page; with a form in hand, the one that has errors."""
    background = background_of(request.organization, now=timezone.now())
    limit_nanos = background.lasting_limit_nanos or 0
    context = {
        "background": background,
        "pending": pending_request(request.organization),
        "days_pending": DAYS_PENDING_MAX,
        "form": form
        or IncreaseForm.filled_in(
            request.GET, suggested_nanos=suggested_nanos(limit_nanos)
        ),
    }
    status = UNPROCESSABLE if form else 200
    return render(request, "billing/increase.html", context, status=status)


@require_POST
@org_view(Permission.REQUEST_INCREASE)
def send_request(request: OrgRequest) -> HttpResponse:
    """Send a request for a higher approved limit."""
    form = IncreaseForm(request.POST)
    if not (form.is_valid() and sent(request, form)):
        return increase_page(request, form)
    messages.success(
        request,
        f"The request for {usd(form.cleaned_data['amount'])} is with the operator. "
        "You get a mail when it is decided.",
    )
    return redirect("billing:increase", request.organization.slug)


def sent(request: OrgRequest, form: IncreaseForm) -> bool:
    """Send the form's request, or say in the form why not."""
    try:
        request_increase(
            organization=request.organization,
            amount_nanos=form.cleaned_data["amount"],
            until=form.cleaned_data["until"],
            reason=form.cleaned_data["reason"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except NothingToRaise:
        form.add_error(
            None, "There is no approved limit yet. Enter billing information first."
        )
    except NotAnIncrease:
        form.add_error("amount", "This is not above the approved limit.")
    except WrongEnd:
        form.add_error("until", WRONG_END)
    except RequestPending:
        form.add_error(
            None, "There is a request already. Withdraw it to send another one."
        )
    return form.is_valid()


@require_POST
@org_view(Permission.REQUEST_INCREASE)
def withdraw(request: OrgRequest, request_id: str) -> HttpResponse:
    """Take back a request that is not decided yet."""
    found = get_object_or_404(
        QuotaRequest, organization=request.organization, public_id=request_id
    )
    try:
        withdraw_request(request=found, acting_user=request.user, now=timezone.now())
    except NotPending:
        messages.error(request, "The request is not open any more.")
    else:
        messages.success(
            request, f"The request for {usd(found.requested_nanos)} is withdrawn."
        )
    return redirect("billing:increase", request.organization.slug)
