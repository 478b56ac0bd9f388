"""The operator's list of invoices, and what becomes of each."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.charges import abandon_charge
from billing.actions.credit_notes import (
    AlreadyCredited,
    MoreThanLeft,
    Part,
    issue_credit_note,
)
from billing.actions.invoices import AlreadyPaid, ChargeUnderWay, record_payment
from billing.invoice_forms import PaymentForm, TakeBackForm, TakeBackPartForm
from billing.invoice_models import Invoice
from billing.invoice_queries import lines_of, open_invoices, standing_of
from billing.operator_organization_views import SENT_BEFORE
from billing.payment_queries import is_being_charged
from billing.payments import payment_provider
from core.form_ids import IdTaken, renew_id
from core.statuses import UNPROCESSABLE
from core.templatetags.money import usd
from orgs.access import OperatorRequest, operator_view

PAGE_LENGTH = 50
UNDER_WAY = "The organization's card is asked for it just now. Try again in minutes."
SETTLED = "The invoice is settled already: see below what became of it."


@require_safe
@operator_view
def invoices(request: OperatorRequest) -> HttpResponse:
    """List the invoices that are not paid, the one due first; or all, newest first."""
    shows_all = request.GET.get("show") == "all"
    every = Invoice.objects.select_related("organization", "payment").order_by("-pk")
    rows = every.prefetch_related("credit_notes") if shows_all else open_invoices()
    page = Paginator(rows, PAGE_LENGTH).get_page(request.GET.get("page", "1"))
    today = timezone.now().date()
    context = {
        "shows_all": shows_all,
        "page": page,
        "rows": [standing_of(invoice, today=today) for invoice in page],
    }
    return render(request, "operator/invoices.html", context)


@require_safe
@operator_view
def invoice(request: OperatorRequest, number: str) -> HttpResponse:
    """Show an invoice, and the forms for what becomes of it."""
    return invoice_page(request, found(number))


@require_POST
@operator_view
def note_payment(request: OperatorRequest, number: str) -> HttpResponse:
    """Note that an invoice was paid."""
    asked, form = found(number), PaymentForm(request.POST)
    if not form.is_valid():
        return invoice_page(request, asked, payment_form=form)
    try:
        record_payment(
            invoice=asked,
            paid_on=form.cleaned_data["paid_on"],
            reference=form.cleaned_data["reference"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except AlreadyPaid:
        messages.error(request, SETTLED)
    except ChargeUnderWay:
        messages.error(request, UNDER_WAY)
    else:
        messages.success(request, f"Invoice {number} is noted as paid.")
    return redirect("operator:invoice", number)


@require_POST
@operator_view
def abandon(request: OperatorRequest, number: str) -> HttpResponse:
    """Give up asking a card, where no payment provider is set up to answer."""
    asked = found(number)
    if payment_provider() is not None:
        messages.error(request, UNDER_WAY)
    elif abandon_charge(invoice=asked, acting_user=request.user, now=timezone.now()):
        messages.success(request, f"The card is not asked for {number} any more.")
    return redirect("operator:invoice", number)


@require_POST
@operator_view
def take_back(request: OperatorRequest, number: str) -> HttpResponse:
    """Take back what is left of an invoice by a credit note."""
    asked, form = found(number), TakeBackForm(request.POST)
    if not form.is_valid() or not is_taken_back(request, asked, form, part=None):
        return invoice_page(request, asked, taking_back_form=form)
    return redirect("operator:invoice", number)


@require_POST
@operator_view
def take_back_part(request: OperatorRequest, number: str) -> HttpResponse:
    """Take back a line of an invoice, or an amount."""
    asked = found(number)
    form = TakeBackPartForm(request.POST, invoice=asked)
    if not form.is_valid() or not is_taken_back(request, asked, form, part=form.part()):
        return invoice_page(request, asked, part_form=form)
    return redirect("operator:invoice", number)


def is_taken_back(
    request: OperatorRequest, asked: Invoice, form: TakeBackForm, *, part: Part | None
) -> bool:
    """Issue the credit note, or say why not: in the form, if another would do."""
    try:
        credit_note = issue_credit_note(
            invoice=asked,
            reason=form.cleaned_data["reason"],
            part=part,
            public_id=form.cleaned_data["new_id"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except AlreadyCredited:
        messages.error(request, SETTLED)
    except ChargeUnderWay:
        messages.error(request, UNDER_WAY)
    except MoreThanLeft as error:
        left = usd(error.left_nanos)
        form.add_error("amount", f"{left} are left to take back, before tax.")
    except IdTaken:
        form.add_error(None, SENT_BEFORE)
        renew_id(form)
    else:
        total = usd(credit_note.total_nanos)
        text = f"Credit note {credit_note.number} takes back {total} of {asked.number}."
        messages.success(request, text)
    return form.is_valid()


def found(number: str) -> Invoice:
    rows = Invoice.objects.select_related("organization", "payment", "credits")
    return get_object_or_404(rows, number=number)


def invoice_page(
    request: OperatorRequest, asked: Invoice, **sent: forms.Form
) -> HttpResponse:
    """Return the invoice's page; with a form in hand, by its name, with its errors."""
    today = timezone.now().date()
    context = {
        "invoice": asked,
        "standing": standing_of(asked, today=today),
        "credit_notes": asked.credit_notes.order_by("pk"),
        "lines": lines_of(asked),
        "bill": asked,
        "payment_form": PaymentForm(initial={"paid_on": today}),
        "taking_back_form": TakeBackForm(),
        "part_form": TakeBackPartForm(invoice=asked),
        "is_stuck": payment_provider() is None and is_being_charged(asked),
        **sent,
    }
    status = UNPROCESSABLE if sent else 200
    return render(request, "operator/invoice.html", context, status=status)
