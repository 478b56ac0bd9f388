"""The operator reviews what genai-prices says otherwise, and takes it over."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from billing.actions.price_import import Review, import_prices, review_of
from billing.actions.prices import ChangedMeanwhile
from billing.price_differences import Difference
from billing.price_effects import effect_of
from billing.price_forms import StartForm
from core.statuses import UNPROCESSABLE
from orgs.access import OperatorRequest, operator_view

LOOK_AGAIN = (
    "Prices were changed meanwhile, by somebody else or by this form sent twice. "
    "Nothing was taken over: look again."
)
HEADINGS = {
    Difference.CHANGED: ("Changed", "Their price is another one than ours."),
    Difference.NEW: ("New", "Names that our list has no price of."),
    Difference.YOURS: (
        "Yours",
        "The operator said something else, or ended the price.",
    ),
    Difference.VANISHED: (
        "Vanished",
        "Not in their list any more. Taken over, the price ends: unpriced.",
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
@operator_view
def import_page(request: OperatorRequest) -> HttpResponse:
    """Show the differences, what taking them would have changed, and take them."""
    now = timezone.now()
    form = StartForm(request.POST if request.method == "POST" else None, now=now)
    is_valid = form.is_valid() if form.is_bound else True
    starts = form.starts if form.is_bound and is_valid else now
    review = review_of(starts=starts, now=now)
    chosen = set(request.POST.getlist("take"))
    if request.method != "POST" or not is_valid:
        status = 200 if is_valid else UNPROCESSABLE
        return review_page(request, form, review, chosen, status=status)
    if not chosen:
        messages.error(request, "Nothing is ticked, so there is nothing to take over.")
        return review_page(request, form, review, chosen, status=UNPROCESSABLE)
    if "seen" not in request.POST:
        return review_page(request, form, review, chosen, with_effect=True)
    try:
        taken = import_prices(
            keys=chosen,
            seen=request.POST["seen"],
            starts=starts,
            acting_user=request.user,
            now=now,
        )
    except ChangedMeanwhile:
        messages.error(request, LOOK_AGAIN)
        return review_page(request, form, review, chosen, status=UNPROCESSABLE)
    messages.success(request, f"Taken over: {taken} prices of genai-prices.")
    return redirect("operator:prices")


def review_page(
    request: OperatorRequest,
    form: StartForm,
    review: Review,
    chosen: set[str],
    *,
    with_effect: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Return the page of differences; with their effect, how to confirm."""
    drafts = [each.after for each in review.differences if each.key in chosen]
    context: dict[str, Any] = {
        "form": form,
        "review": review,
        "sections": sections_of(review, chosen, is_first=request.method != "POST"),
        "drafts": drafts,
    }
    if with_effect:
        context["effect"] = effect_of(drafts, now=form.now)
        context["chosen"] = sorted(chosen)
        context["starts_on"] = request.POST.get("starts_on", "")
    return render(request, "operator/import_prices.html", context, status=status)


def sections_of(
    review: Review, chosen: set[str], *, is_first: bool
) -> list[dict[str, Any]]:
    """Return the differences by kind, each with whether it is ticked."""
    return [
        {
            "name": name,
            "note": note,
            "rows": [
                (each, each.is_proposed if is_first else each.key in chosen)
                for each in review.differences
                if each.kind is kind
            ],
        }
        for kind, (name, note) in HEADINGS.items()
        if any(each.kind is kind for each in review.differences)
    ]
