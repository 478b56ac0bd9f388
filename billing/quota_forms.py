"""Forms of quota requests: an owner's, and the operator's decision."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from billing.forms import AmountField
from billing.quota_models import LONGEST_REASON, QuotaRequest
from core.money import NANOS_PER_CENT
from core.templatetags.money import cents


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **options: Any) -> None:
        super().__init__(format="%Y-%m-%d", **options)


def text_area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class IncreaseForm(forms.Form):
    """How much more, until when, and why."""

    amount = AmountField(
        label="Approved limit in USD per cycle", least_nanos=NANOS_PER_CENT
    )
    until = forms.DateField(
        label="Until",
        required=False,
        widget=DayInput(),
        help_text="The last day on which it is needed, in UTC. Empty: for good.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        widget=text_area(4),
        help_text=(
            "What it is for, and a cost center if you have one. The operator reads it."
        ),
    )

    @classmethod
    def filled_in(cls, query: QueryDict, *, suggested_nanos: int) -> IncreaseForm:
        """Return the form as it is first shown: with what the address says."""
        return cls(
            initial={
                "amount": query.get("amount", "")[:40] or cents(suggested_nanos),
                "until": query.get("until", "")[:10],
                "reason": query.get("reason", "")[:LONGEST_REASON],
            }
        )


class ApprovalForm(forms.Form):
    """How much is granted, until when, and what is said to it."""

    amount = AmountField(
        label="Approved limit in USD per cycle", least_nanos=NANOS_PER_CENT
    )
    until = forms.DateField(
        label="Until",
        required=False,
        widget=DayInput(),
        help_text="The last day, in UTC; then it reverts by itself. Empty: for good.",
    )
    message = forms.CharField(
        label="Message",
        required=False,
        max_length=LONGEST_REASON,
        widget=text_area(3),
        help_text="The owners and whoever asked read it.",
    )

    @classmethod
    def as_requested(cls, request: QuotaRequest) -> ApprovalForm:
        return cls(
            initial={
                "amount": cents(request.requested_nanos),
                "until": request.requested_until,
            }
        )


class DenialForm(forms.Form):
    """Why a request is denied."""

    message = forms.CharField(
        label="Reason for the denial",
        max_length=LONGEST_REASON,
        widget=text_area(3),
        help_text="The owners and whoever asked read it.",
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        # Beside a form with a message of its own.
        super().__init__(data, auto_id="deny_%s")
