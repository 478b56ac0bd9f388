"""Forms of quota requests: an owner's, and the operator's decision."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from billing.forms import AmountField
from billing.quota_models import LONGEST_REASON, QuotaRequest
from core.money import NANOS_PER_CENT
from core.templatetags.money import cents

# As many as a page of the queue shows.
MANY_MAX = 50


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


class ManyDecisionsForm(forms.Form):
    """The requests that are ticked, and one decision about each of them."""

    APPROVE, DENY = "approve", "deny"

    requests = forms.ModelMultipleChoiceField(
        queryset=QuotaRequest.objects.none(),
        to_field_name="public_id",
        error_messages={"required": "Tick the requests to decide."},
    )
    decision = forms.ChoiceField(choices=[(APPROVE, "Approve"), (DENY, "Deny")])
    message = forms.CharField(
        label="Reason",
        required=False,
        max_length=LONGEST_REASON,
        widget=text_area(2),
        help_text="The owners of each, and whoever asked, read it. Needed to deny.",
    )
    confirmed = forms.BooleanField(
        label="Yes, decide all that are ticked alike",
        error_messages={"required": "Tick the box to confirm."},
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="many_%s")
        choice = self.fields["requests"]
        assert isinstance(choice, forms.ModelMultipleChoiceField)
        related = QuotaRequest.objects.select_related("organization")
        choice.queryset = related.order_by("created_at", "pk")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("decision") == self.DENY and not cleaned.get("message"):
            self.add_error("message", "Say why they are denied.")
        if len(cleaned.get("requests", ())) > MANY_MAX:
            self.add_error("requests", f"Decide {MANY_MAX} at most at once.")
        return cleaned

    @property
    def ticked(self) -> list[str]:
        """The ids of what was ticked, for the page that shows it again."""
        return self.data.getlist("requests") if isinstance(self.data, QueryDict) else []
