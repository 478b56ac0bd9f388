"""The form of a new soft limit."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.alert_models import RECIPIENTS_MAX, Basis
from billing.amounts import NotAnAmount, amount_from
from billing.billing_forms import EmailsField
from core.money import NANOS_PER_CENT

USD, PERCENT = "usd", "percent"
EXAMPLE = "Enter a whole percentage from 1 to 100."


class SoftLimitForm(forms.Form):
    """An amount or a percentage, of what is spent or of the forecast."""

    amount = forms.CharField(
        label="Tell at",
        max_length=40,
        widget=forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "placeholder": "0.00"}
        ),
        # Whether it is empty is for `amount_from` to say.
        required=False,
    )
    unit = forms.ChoiceField(
        label="In",
        choices=[(USD, "USD per cycle"), (PERCENT, "% of the limit")],
        required=False,
    )
    basis = forms.ChoiceField(
        label="Compared with", choices=Basis.choices, required=False
    )
    recipients = EmailsField(
        label="Further addresses",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        help_text=f"At most {RECIPIENTS_MAX}. Owners are told anyway.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        text = cleaned.get("amount", "")
        is_percent = cleaned.get("unit") == PERCENT
        try:
            cleaned["percent"] = percent_from(text) if is_percent else None
            cleaned["amount_nanos"] = (
                None if is_percent else amount_from(text, least_nanos=NANOS_PER_CENT)
            )
        except NotAnAmount as error:
            self.add_error("amount", str(error))
        return cleaned

    def wish(self) -> dict[str, Any]:
        """Return what to add, once it is valid."""
        return {
            "amount_nanos": self.cleaned_data["amount_nanos"],
            "percent": self.cleaned_data["percent"],
            "basis": self.cleaned_data["basis"] or Basis.ACTUAL,
            "recipients": self.cleaned_data["recipients"],
        }


def percent_from(text: str) -> int:
    """Return the percentage that a person entered. Raises NotAnAmount."""
    entered = text.strip().removesuffix("%").strip()
    is_whole = entered.isascii() and entered.isdecimal() and len(entered) <= 3
    if not is_whole or not 1 <= int(entered) <= 100:
        raise NotAnAmount(EXAMPLE)
    return int(entered)
