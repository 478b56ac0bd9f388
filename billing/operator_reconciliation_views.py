"""The comparison of the books with providers' bills."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.reconciliation import NoAdminKey, request_reconciliation
from billing.reconciliation_csv import reconciliation_csv
from billing.reconciliation_forms import ComparisonForm
from billing.reconciliation_queries import (
    Comparison,
    comparison_of,
    newest_run_of,
)
from billing.reconciling_words import explanation
from keys.queries import admin_key_of
from orgs.access import OperatorRequest, operator_view
from orgs.models import Organization


@require_safe
@operator_view
def reconciliation(request: OperatorRequest) -> HttpResponse:
    """Show what the newest comparisons say of a month, or give it as a file."""
    form = ComparisonForm(request.GET, now=timezone.now())
    organization = form.chosen_organization
    if organization is None:
        return render(request, "operator/reconciliation.html", {"form": form})
    comparison = comparison_of(
        organization, form.days, only_differences=form.only_differences
    )
    if request.GET.get("format") == "csv":
        return as_file(organization, form, comparison)
    context = {
        "form": form,
        "subject": organization,
        "month": form.chosen_month,
        "only_differences": form.only_differences,
        "comparison": comparison,
        "rows": [(row, explanation(row)) for row in comparison.rows],
        "newest": newest_run_of(organization),
        "admin_key": admin_key_of(organization),
    }
    return render(request, "operator/reconciliation.html", context)


def as_file(
    organization: Organization, form: ComparisonForm, comparison: Comparison
) -> HttpResponse:
    name = f"reconciliation-{organization.slug}-{form.chosen_month:%Y-%m}.csv"
    return HttpResponse(
        reconciliation_csv(comparison.rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@operator_view
def compare_now(request: OperatorRequest) -> HttpResponse:
    """Let a worker compare a month's days now."""
    now: datetime = timezone.now()
    form = ComparisonForm(request.POST, now=now)
    organization = form.chosen_organization
    if organization is None or not form.is_valid():
        raise Http404
    try:
        request_reconciliation(
            organization=organization,
            first_day=form.days[0],
            last_day=form.days[-1],
            acting_user=request.user,
            now=now,
        )
    except NoAdminKey:
        messages.error(request, f"{organization} has no admin key of its provider.")
    else:
        messages.success(request, "A worker compares it now. Look again in a moment.")
    month = f"{form.chosen_month:%Y-%m}"
    address = redirect("operator:reconciliation")
    address["Location"] += f"?organization={organization.public_id}&month={month}"
    return address
