"""Forms for what becomes of an invoice."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from billing.actions.credit_notes import Part
from billing.forms import AmountField
from billing.invoice_models import Invoice, InvoiceLine
from billing.invoice_queries import lines_to_take_back
from core.form_ids import NewIdField
from core.money import NANOS_PER_CENT
from core.templatetags.money import usd


class PaymentForm(forms.Form):
    """When an invoice was paid, and how the bank calls it."""

    paid_on = forms.DateField(
        label="Paid on",
        widget=forms.DateInput(
            format="%Y-%m-%d", attrs={"type": "date", "class": "form-control"}
        ),
    )
    reference = forms.CharField(
        label="Reference",
        max_length=120,
        required=False,
        help_text="As the bank statement has it. The organization sees it too.",
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )

    def clean_paid_on(self) -> date:
        paid_on: date = self.cleaned_data["paid_on"]
        if paid_on > timezone.now().date():
            raise ValidationError("That day has not come yet.")
        return paid_on


class OptionalAmountField(AmountField):
    """An amount, or nothing."""

    def clean(self, value: Any) -> int | None:  # type: ignore[override]
        return super().clean(value) if str(value or "").strip() else None


class TakeBackForm(forms.Form):
    """Why what is left of an invoice is taken back."""

    new_id = NewIdField("inv_")
    reason = forms.CharField(
        label="Reason",
        max_length=200,
        help_text="Printed on the credit note.",
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )


class LineField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A line of an invoice, shown as it is printed."""

    def label_from_instance(self, obj: InvoiceLine) -> str:
        return f"{obj.position}. {obj.description}, {usd(obj.amount_nanos)}"


class TakeBackPartForm(TakeBackForm):
    """What of an invoice is taken back: one of its lines, or an amount."""

    line = LineField(
        label="Line",
        queryset=InvoiceLine.objects.none(),
        required=False,
        to_field_name="position",
        empty_label="No line in particular",
    )
    amount = OptionalAmountField(
        label="Amount in USD, before tax",
        least_nanos=NANOS_PER_CENT,
        help_text="Of a line, empty is all that is left of it. Tax goes with it.",
    )
    confirmed = forms.BooleanField(
        label="Yes, issue the credit note",
        error_messages={"required": "Tick the box to confirm."},
    )
    field_order = ("line", "amount", "reason", "confirmed")

    def __init__(self, data: QueryDict | None = None, *, invoice: Invoice) -> None:
        super().__init__(data, auto_id="part_%s")
        choice = self.fields["line"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = lines_to_take_back(invoice)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "amount" in cleaned and not (cleaned["amount"] or cleaned.get("line")):
            self.add_error("amount", "Enter an amount, or choose a line.")
        return cleaned

    def part(self) -> Part:
        return Part(self.cleaned_data["amount"], self.cleaned_data["line"])
