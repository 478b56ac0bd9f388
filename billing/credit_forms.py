"""The operator's forms of credit: grant, void."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict

from billing.actions.credit import CreditWish
from billing.credit import PRIORITY_USUAL
from billing.forms import AmountField
from billing.models import CreditKind
from billing.quota import end_of
from billing.quota_forms import DayInput
from core.form_ids import NewIdField
from core.money import NANOS_PER_CENT
from core.periods import start_of_day

KINDS = [
    (kind.value, kind.label) for kind in CreditKind if kind is not CreditKind.TRIAL
]


class CreditForm(forms.Form):
    """A grant to be."""

    new_id = NewIdField("credit_")
    name = forms.CharField(
        label="Name", max_length=80, help_text="The organization reads it."
    )
    amount = AmountField(label="Amount in USD", least_nanos=NANOS_PER_CENT)
    kind = forms.ChoiceField(label="Kind", choices=KINDS)
    starts_on = forms.DateField(
        label="From",
        required=False,
        widget=DayInput(),
        help_text="Empty: from now on.",
    )
    last_day = forms.DateField(
        label="Last day",
        required=False,
        widget=DayInput(),
        help_text="In UTC. Empty: it never expires.",
    )
    priority = forms.IntegerField(
        label="Priority",
        min_value=0,
        max_value=100,
        initial=PRIORITY_USUAL,
        help_text="Of credit that expires together, the lower number pays first.",
    )

    def __init__(self, data: QueryDict | None = None, *, now: datetime) -> None:
        super().__init__(data, auto_id="credit_%s")
        self.now = now

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_on, last_day = cleaned.get("starts_on"), cleaned.get("last_day")
        if starts_on is not None and starts_on < self.now.date():
            self.add_error("starts_on", "Credit cannot begin in the past.")
        if last_day is not None and last_day < (starts_on or self.now.date()):
            self.add_error("last_day", "It would end before it begins.")
        return cleaned

    def wish(self) -> CreditWish:
        starts_on, last_day = (
            self.cleaned_data["starts_on"],
            self.cleaned_data["last_day"],
        )
        begins = self.now if starts_on is None else start_of_day(starts_on)
        return CreditWish(
            name=self.cleaned_data["name"],
            kind=self.cleaned_data["kind"],
            amount_nanos=self.cleaned_data["amount"],
            effective_at=max(begins, self.now),
            expires_at=None if last_day is None else end_of(last_day),
            priority=self.cleaned_data["priority"],
            public_id=self.cleaned_data["new_id"],
        )


class VoidForm(forms.Form):
    """Why a grant is voided."""

    reason = forms.CharField(label="Reason", max_length=200)
