"""The operator's forms about one organization: limit, adjustment, suspension."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from billing.forms import AmountField, HardLimitForm
from core.form_ids import NewIdField
from core.money import NANOS_PER_CENT

LONGEST_REASON = 200
IN_FAVOR, CHARGED = "credit", "charge"


class ApprovedLimitForm(HardLimitForm):
    """The approved limit; confirmed as a hard limit is, if it stops requests."""

    amount = AmountField(label="Approved limit in USD per cycle")
    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        help_text="The owners get it by mail, and read it in the audit log.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, auto_id="limit_%s", **options)


class AdjustmentForm(forms.Form):
    """An amount for the next invoice, and what is printed beside it."""

    new_id = NewIdField("adj_")
    direction = forms.ChoiceField(
        label="Direction",
        choices=[
            (IN_FAVOR, "In their favor (−)"),
            (CHARGED, "To be charged (+)"),
        ],
        initial=IN_FAVOR,
    )
    amount = AmountField(label="Amount in USD, before tax", least_nanos=NANOS_PER_CENT)
    memo = forms.CharField(
        label="What for", max_length=200, help_text="Printed on the invoice."
    )
    confirmed = forms.BooleanField(
        label="Yes, put it on their next invoice",
        error_messages={"required": "Tick the box to confirm."},
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="adjustment_%s")

    @property
    def signed_nanos(self) -> int:
        """The amount; negative is in the organization's favor."""
        nanos: int = self.cleaned_data["amount"]
        return nanos if self.cleaned_data["direction"] == CHARGED else -nanos


class SuspensionForm(forms.Form):
    """Why an organization is suspended."""

    message = forms.CharField(
        label="Message",
        max_length=LONGEST_REASON,
        help_text="Members read it on every page, owners in a mail.",
    )

    def __init__(
        self, data: QueryDict | None = None, *, message: str | None = None
    ) -> None:
        super().__init__(
            data, auto_id="suspension_%s", initial={"message": message or ""}
        )
