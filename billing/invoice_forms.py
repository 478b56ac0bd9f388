"""Forms for what becomes of an invoice."""

from __future__ import annotations

from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone


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


class TakeBackForm(forms.Form):
    """Why an invoice is taken back."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        help_text="Printed on the credit note.",
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )
