"""The forms of the alert ledger."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.alert_models import AlertSettings
from billing.forms import AmountField
from billing.unusual import Sensitivity
from core.money import NANOS_PER_DOLLAR, cents_usd

# Minutes, and the words for them.
PAUSES = [
    (15, "15 minutes"),
    (30, "30 minutes"),
    (60, "1 hour"),
    (240, "4 hours"),
    (1440, "1 day"),
]


def minutes(value: Any) -> int | None:
    return int(value) if value else None


class AlertPageForm(forms.Form):
    """Where a page of the ledger begins."""

    before = forms.IntegerField(min_value=1, max_value=2**62, required=False)


class EscalationForm(forms.Form):
    """After how long without an answer the next owner is asked."""

    after = forms.TypedChoiceField(
        label="Ask the next owner",
        choices=[("", "Never"), *((value, f"After {word}") for value, word in PAUSES)],
        coerce=minutes,
        empty_value=None,
        required=False,
    )

    @classmethod
    def showing(cls, settings: AlertSettings | None) -> EscalationForm:
        """Return the form as it is first shown: with what is in force."""
        return cls(initial={"after": settings.escalate_after_min if settings else None})


class UnusualSpendForm(forms.Form):
    """How unusual spend must be before people are told."""

    sensitivity = forms.TypedChoiceField(
        label="Tell when an hour or a day costs",
        choices=Sensitivity.choices,
        coerce=Sensitivity,
    )
    floor = AmountField(
        label="And so much more than usual, in USD",
        least_nanos=NANOS_PER_DOLLAR // 100,
    )

    @classmethod
    def showing(cls, settings: AlertSettings | None) -> UnusualSpendForm:
        """Return the form as it is first shown: with what is in force."""
        shown = settings or AlertSettings()
        floor = cents_usd(shown.unusual_floor_nanos)
        return cls(initial={"sensitivity": shown.unusual_spend, "floor": floor})
