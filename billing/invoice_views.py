"""Invoices: the page, as CSV, as PDF, and the draft of the next one."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.invoice_csv import invoice_csv
from billing.invoice_models import Invoice
from billing.invoice_pdf import invoice_pdf
from billing.invoice_queries import (
    draft_for,
    invoice_by_number,
    lines_of,
    standing_of,
)
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@require_safe
@org_view(Permission.SEE_BILLING)
def invoice(request: OrgRequest, number: str) -> HttpResponse:
    """Show an invoice as it was issued, and what became of it."""
    found = invoice_or_404(request, number)
    context = {
        "invoice": found,
        "standing": standing_of(found, today=timezone.now().date()),
        "credit_notes": found.credit_notes.order_by("pk"),
        "lines": lines_of(found),
        "bill": found,
    }
    return render(request, "billing/invoice.html", context)


@require_safe
@org_view(Permission.SEE_BILLING)
def draft(request: OrgRequest) -> HttpResponse:
    """Show what the next invoice would say as of now."""
    found = draft_for(request.organization, now=timezone.now())
    context = {"draft": found, "lines": found.bill.lines, "bill": found.bill}
    return render(request, "billing/invoice_draft.html", context)


@require_safe
@org_view(Permission.SEE_BILLING)
def csv(request: OrgRequest, number: str) -> HttpResponse:
    """Send the lines of an invoice as CSV."""
    found = invoice_or_404(request, number)
    text = invoice_csv(found, lines_of(found))
    return download(text.encode(), f"{found.number}.csv", "text/csv; charset=utf-8")


@require_safe
@org_view(Permission.SEE_BILLING)
def pdf(request: OrgRequest, number: str) -> HttpResponse:
    """Send an invoice as PDF."""
    found = invoice_or_404(request, number)
    content = invoice_pdf(found, lines_of(found))
    return download(content, f"{found.number}.pdf", "application/pdf")


def invoice_or_404(request: OrgRequest, number: str) -> Invoice:
    found = invoice_by_number(request.organization, number)
    if found is None:
        raise Http404
    return found


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
