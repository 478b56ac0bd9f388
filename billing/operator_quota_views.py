"""The operator's queue of quota requests, and the decision about each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.quota import (
    NotAnIncrease,
    NothingToRaise,
    NotPending,
    WrongEnd,
    approve_request,
    deny_request,
)
from billing.models import QuotaRequest
from billing.quota import DAYS_RAISED_MAX
from billing.quota_forms import ApprovalForm, DenialForm, ManyDecisionsForm
from billing.quota_queries import background_of, next_in_queue, queue_page
from core.statuses import UNPROCESSABLE
from core.templatetags.money import usd
from orgs.access import OperatorRequest, operator_view

NO_LONGER_OPEN = "The request is not open any more: see below what became of it."
# Why a request is not decided with others.
PROBLEMS: dict[type[Exception], str] = {
    NotPending: "It was decided, withdrawn or has expired before.",
    NotAnIncrease: "It is not above the approved limit any more.",
    WrongEnd: "Its last day is over.",
    NothingToRaise: "The organization has no approved limit.",
}


@require_safe
@operator_view
def quota(request: OperatorRequest) -> HttpResponse:
    """Show the requests that wait, the oldest first; or those that are decided."""
    return queue(request, decided=request.GET.get("show") == "decided")


def queue(
    request: OperatorRequest,
    *,
    decided: bool = False,
    form: ManyDecisionsForm | None = None,
) -> HttpResponse:
    """Return a page of the queue; with a form in hand, the one that has errors."""
    context = {
        "decided": decided,
        "now": timezone.now(),
        "form": form or ManyDecisionsForm(),
        "page": queue_page(
            decided=decided,
            number=request.GET.get("page", "1"),
            now=timezone.now(),
        ),
    }
    status = UNPROCESSABLE if form else 200
    return render(request, "operator/quota.html", context, status=status)


@require_POST
@operator_view
def decide_many(request: OperatorRequest) -> HttpResponse:
    """Decide the requests that are ticked alike, each by itself; say what became."""
    form = ManyDecisionsForm(request.POST)
    if not form.is_valid():
        return queue(request, form=form)
    results = [decide(request, asked, form) for asked in form.cleaned_data["requests"]]
    return render(request, "operator/quota_results.html", {"results": results})


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """What became of one of many requests."""

    asked: QuotaRequest
    # Why it was not decided so; empty if it was.
    problem: str = ""


def decide(
    request: OperatorRequest, asked: QuotaRequest, form: ManyDecisionsForm
) -> DecisionResult:
    """Approve a request as asked, or deny it, in a transaction of its own."""
    decision: dict[str, Any] = {
        "request": asked,
        "message": form.cleaned_data["message"],
        "acting_user": request.user,
        "now": timezone.now(),
    }
    try:
        if form.cleaned_data["decision"] == form.DENY:
            return DecisionResult(deny_request(**decision))
        approved = approve_request(
            amount_nanos=asked.requested_nanos,
            until=asked.requested_until,
            **decision,
        )
        return DecisionResult(approved)
    except tuple(PROBLEMS) as error:
        asked.refresh_from_db(fields=["status", "decided_at"])
        return DecisionResult(asked, PROBLEMS[type(error)])


@require_safe
@operator_view
def quota_request(request: OperatorRequest, request_id: str) -> HttpResponse:
    """Show a request with what a decision rests on, and the forms to decide."""
    return request_page(request, found(request_id))


def found(request_id: str) -> QuotaRequest:
    rows = QuotaRequest.objects.select_related(
        "organization", "requested_by", "decided_by", "raised"
    )
    return get_object_or_404(rows, public_id=request_id)


def request_page(
    request: OperatorRequest,
    asked: QuotaRequest,
    *,
    approval: ApprovalForm | None = None,
    denial: DenialForm | None = None,
) -> HttpResponse:
    """Return the request's page; with a form in hand, the one that has errors."""
    background = background_of(asked.organization, now=timezone.now())
    context = {
        "asked": asked,
        "background": background,
        "past": [each for each in background.past if each.pk != asked.pk],
        "now": timezone.now(),
        "form": approval or ApprovalForm.as_requested(asked),
        "denial": denial or DenialForm(),
    }
    status = UNPROCESSABLE if approval or denial else 200
    return render(request, "operator/quota_request.html", context, status=status)


@require_POST
@operator_view
def approve(request: OperatorRequest, request_id: str) -> HttpResponse:
    """Approve a request, as asked or less."""
    asked, form = found(request_id), ApprovalForm(request.POST)
    try:
        if form.is_valid() and approved(request, asked, form):
            return to_next(request)
    except NotPending:
        messages.error(request, NO_LONGER_OPEN)
        return redirect("operator:quota_request", request_id)
    return request_page(request, asked, approval=form)


def approved(request: OperatorRequest, asked: QuotaRequest, form: ApprovalForm) -> bool:
    """
    Approve what the form says, or say in the form why not.

    :raises NotPending: if it is not open any more.
    """
    try:
        decided = approve_request(
            request=asked,
            amount_nanos=form.cleaned_data["amount"],
            until=form.cleaned_data["until"],
            message=form.cleaned_data["message"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except NotAnIncrease:
        form.add_error("amount", "This is not above the approved limit: deny instead.")
    except WrongEnd:
        form.add_error(
            "until",
            f"The last day is today or later, at most {DAYS_RAISED_MAX} days away.",
        )
    except NothingToRaise:
        form.add_error(None, "The organization has no approved limit.")
    else:
        amount = usd(decided.granted_nanos)
        messages.success(
            request, f"{asked.organization} may spend {amount}. They are told."
        )
    return form.is_valid()


@require_POST
@operator_view
def deny(request: OperatorRequest, request_id: str) -> HttpResponse:
    """Deny a request, saying why."""
    asked, form = found(request_id), DenialForm(request.POST)
    if not form.is_valid():
        return request_page(request, asked, denial=form)
    try:
        deny_request(
            request=asked,
            message=form.cleaned_data["message"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except NotPending:
        messages.error(request, NO_LONGER_OPEN)
        return redirect("operator:quota_request", request_id)
    messages.success(
        request, f"The request of {asked.organization} is denied. They are told."
    )
    return to_next(request)


def to_next(request: OperatorRequest) -> HttpResponse:
    """Lead to the request that waits longest, or to the empty queue."""
    waiting = next_in_queue()
    if waiting is None:
        return redirect("operator:quota")
    return redirect("operator:quota_request", waiting.public_id)
